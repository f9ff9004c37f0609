"""Configurations of older versions, brought into today's form.

Keras 1 to 2.15 and tf.keras wrote other names, arguments and shapes into their files; see the
table of `tests/test_saving_old_files.py`. What cannot be one chain of layers is refused.
"""

from __future__ import annotations

from typing import Any

from kerasish import registry
from kerasish.saving.chains import as_chain
from kerasish.saving.limits import FileError

_CLASSES = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "CuDNNGRU": "GRU",
    "CuDNNLSTM": "LSTM",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "ThresholdedReLU": "ReLU",
}
_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
_OPERATIONS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "AddV2")
_DROPPED = {
    "": ("batch_size", "ragged", "sparse", "_name"),
    "BatchNormalization": ("adjustment", "fused", "virtual_batch_size", "mode", "beta_init"),
    "Lambda": ("function_type", "module", "output_shape_module", "output_shape_type"),
    **dict.fromkeys(_RECURRENT, ("implementation", "consume_less", "time_major")),
}
_SIZES = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))  # of Keras 1
_OF_TENSORFLOW = {"softmax_v2": "softmax", "log_softmax_v2": "log_softmax"}  # tf.nn's functions
ANYTHING = object()
_ROLES = ("initializer", "regularizer", "constraint")
_NO_KERNEL = {"groups": 1, **{f"kernel_{role}": ANYTHING for role in _ROLES}}
# Arguments of Conv2D that tf.keras wrote for layers without them, if they say nothing.
_OF_CONV2D: dict[str, dict[str, Any]] = {
    **{f"Conv{n}DTranspose": {"groups": 1} for n in (1, 2, 3)},
    **{f"SeparableConv{n}D": _NO_KERNEL for n in (1, 2)},
    **{f"DepthwiseConv{n}D": {**_NO_KERNEL, "filters": None} for n in (1, 2)},
}
_GENERIC = ("Functional", "Model", "Sequential")
_PATHS = ("vocabulary", "idf_weights")
_INNER = ("layer", "cell", "backward_layer", "forward_layer")


def model_config(config: Any, keras_2: bool = False) -> dict[str, Any]:
    """Bring the configuration of a model into the form that `Sequential.from_config` reads.

    With `keras_2` the file says that it is from Keras 1 or 2, where `hard_sigmoid` was another
    function.

    Raises
    ------
    FileError
        If it describes no model, or one that is no chain of layers.
    """
    if isinstance(config, list):
        config = {"class_name": "Sequential", "config": config}
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise FileError("its configuration describes no model: it has no 'class_name'")
    if isinstance(config.get("config"), list):  # Keras up to 2.2.2
        config = {**config, "config": {"name": None, "layers": config["config"]}}
    inner = config.get("config")
    if not isinstance(inner, dict) or not isinstance(inner.get("layers"), list):
        if isinstance(inner, dict) and config["class_name"] not in _GENERIC:
            return config  # a model with its own `call`, if its class is known
        raise FileError(
            f"its configuration describes a {config['class_name']!r} without a list of layers. "
            f"Only models made of layers in order (Sequential) can be loaded"
        )
    if "input_layers" in inner or "output_layers" in inner:
        config, inner = as_chain(config)
    layers = [layer_config(entry, keras_2) for entry in inner["layers"]]
    return {**config, "config": {**inner, "layers": layers}}


def layer_config(entry: Any, keras_2: bool = False) -> dict[str, Any]:
    """Bring the configuration of a layer, and of those in it, into today's form."""
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
        raise FileError(f"its list of layers has an entry that is no layer: {str(entry)[:80]}")
    name: str = entry["class_name"]
    config = entry.get("config")
    if name in _OPERATIONS:
        raise FileError(
            f"it is a graph with the operation '{name}', not a chain of layers. Only Sequential "
            f"models can be loaded"
        )
    if isinstance(config, dict) and isinstance(config.get("layers"), list):
        return model_config(entry, keras_2)
    if isinstance(config, list):
        return model_config(entry, keras_2) if name == "Sequential" else entry
    if not isinstance(config, dict):
        return entry
    ours: str = _CLASSES.get(name, name)
    config = _cleaned(ours, dict(config), keras_2)
    if name == "CuDNNGRU":
        config["reset_after"] = True
    if name.startswith("CuDNN"):
        config["recurrent_activation"] = "sigmoid"
    elif ours == "GRU" and "recurrent_activation" in config:
        config.setdefault("reset_after", False)  # before Keras 2.1.3 there was no other kind
    if name == "ThresholdedReLU":
        config["threshold"] = config.pop("theta", 1.0)
    made = {**entry, "class_name": ours, "config": config}
    if ours != name:
        made.pop("registered_name", None)
    return made


def _cleaned(name: str, config: dict[str, Any], keras_2: bool) -> dict[str, Any]:
    if config.get("time_major"):
        raise FileError(
            f"its layer '{config.get('name')}' has time_major=True, which is not supported: swap "
            f"the first two axes of the data and save the model with time_major=False"
        )
    for key in _PATHS:
        if isinstance(config.get(key), str):
            raise FileError(
                f"its layer '{config.get('name')}' has {key}={config[key]!r}: a file must not name "
                f"others, which would be read from this machine. Save it with the {key} itself"
            )
    for key in (*_DROPPED[""], *_DROPPED.get(name, ())):
        config.pop(key, None)
    for key, value in _OF_CONV2D.get(name, {}).items():
        if key in config and value in (config[key], ANYTHING):
            del config[key]
    for sizes in _SIZES:
        if all(size in config for size in sizes):
            config["kernel_size"] = [config.pop(size) for size in sizes]
    if name == "InputLayer":
        if "batch_input_shape" in config:
            config["batch_shape"] = config.pop("batch_input_shape")
    elif name == "BatchNormalization":
        axis = config.get("axis")
        if isinstance(axis, list) and len(axis) == 1:
            config["axis"] = axis[0]
    elif name == "Lambda":
        config["function"] = _function_of(config)
    for key, value in config.items():
        if key in _INNER and isinstance(value, dict):
            config[key] = layer_config(value, keras_2)
        elif key == "cells" and isinstance(value, list):
            config[key] = [layer_config(item, keras_2) for item in value]
        elif key.endswith("activation") and value == "hard_sigmoid" and keras_2:
            config[key] = "hard_sigmoid_keras2"
        elif key.endswith("activation") and isinstance(value, str):
            config[key] = _OF_TENSORFLOW.get(value, value)
        elif isinstance(value, dict) and value.get("type") == "ndarray":  # of Keras 2, a number
            config[key] = value.get("value")
        elif key.endswith(("_initializer", "_init")) and isinstance(value, dict):
            config[key] = _without_dtype(value)
    return config


def _without_dtype(initializer: dict[str, Any]) -> dict[str, Any]:
    inner = initializer.get("config")
    if not isinstance(inner, dict) or "dtype" not in inner:
        return initializer
    return {**initializer, "config": {k: v for k, v in inner.items() if k != "dtype"}}


def _function_of(config: dict[str, Any]) -> Any:
    """The name of a Lambda's function; Python code is refused."""
    function = config.get("function")
    if isinstance(function, str):
        return {"class_name": "function", "config": function}
    if isinstance(function, list) or (
        isinstance(function, dict) and function.get("class_name") == "__lambda__"
    ):
        raise FileError(
            f"its layer '{config.get('name')}' is a Lambda whose function is stored as Python "
            f"bytecode (marshal), which could do anything and is never loaded. Build the model in "
            f"Python and use load_weights, or replace the Lambda by a Layer of your own"
        )
    return function


def training_config(config: Any) -> dict[str, Any]:
    """Bring what a model was compiled with into today's form."""
    if not isinstance(config, dict):
        raise FileError("its training configuration is no object")
    config = dict(config)
    if "optimizer" not in config:
        config["optimizer"] = config.pop("optimizer_config", None)
    config["optimizer"] = _optimizer(config["optimizer"])
    config["loss"] = _losses(config.get("loss"))
    return config


def _optimizer(config: Any) -> Any:
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        return config
    package, _, name = str(config.get("class_name")).partition(">")
    if package == "Custom" and f"Custom>{name}" not in registry.known("optimizer"):
        config = {**config, "class_name": name}  # so tf.keras 2.11 wrote its own ones
    inner = dict(config["config"])
    rate = inner.get("learning_rate", inner.get("lr"))
    if inner.get("decay") and isinstance(rate, int | float):  # as Keras 2 lowered the rate
        inner.pop("lr", None)
        inner["learning_rate"] = {
            "class_name": "InverseTimeDecay",
            "config": {
                "initial_learning_rate": rate,
                "decay_steps": 1,
                "decay_rate": inner["decay"],
            },
        }
    for key in ("decay", "schedule_decay", "initial_decay"):
        inner.pop(key, None)
    if inner.get("epsilon", 0) is None:
        del inner["epsilon"]  # Keras 2 stood for its default so
    return {**config, "config": inner}


def _losses(config: Any) -> Any:
    if isinstance(config, list):
        return [_losses(item) for item in config]
    if not isinstance(config, dict):
        return config
    if "class_name" not in config:
        return {key: _losses(item) for key, item in config.items()}
    inner = config.get("config")
    if not isinstance(inner, dict) or inner.get("reduction") not in ("auto", "none"):
        return config
    reduction = {"auto": "sum_over_batch_size", "none": None}[inner["reduction"]]
    return {**config, "config": {**inner, "reduction": reduction}}
