"""Files of Keras 1 to 2.15 and tf.keras: a small writer makes the layout of each version."""

import json

import h5py
import numpy as np
import pytest

from kerasish import layers
from kerasish.models import load_model, model_from_json

rng = np.random.default_rng(0)
KERNEL, BIAS = rng.standard_normal((3, 2)), rng.standard_normal(2)
X = rng.standard_normal((5, 3)).astype("float32")
recurrent = pytest.mark.skipif(not hasattr(layers, "LSTM"), reason="no recurrent layers")


def write(path, config, weights, training=None, state=None):
    """Write an HDF5 model as Keras 2 did: names end in ``:0`` and repeat the layer's."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = b"2.4.0"
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(config).encode()
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [name.encode() for name in weights]
        for layer, arrays in weights.items():
            group = root.create_group(layer)
            names = [f"{layer}/{name}:0" for name in arrays]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, array in zip(names, arrays.values(), strict=True):
                group[name] = np.asarray(array, "float32")
        if training is not None:
            file.attrs["training_config"] = json.dumps(training).encode()
        if state is not None:
            group = file.create_group("optimizer_weights")
            group.attrs["weight_names"] = [name.encode() for name in state]
            for name, array in state.items():
                group[name] = array
    return path


def dense_config(**extra):
    return {
        "class_name": "Dense",
        "config": {
            "name": "dense",
            "trainable": True,
            "units": 2,
            "activation": "linear",
            "use_bias": True,
            "kernel_initializer": {
                "class_name": "VarianceScaling",
                "config": {
                    "scale": 1.0,
                    "mode": "fan_avg",
                    "distribution": "uniform",
                    "seed": None,
                },
            },
            "bias_initializer": {"class_name": "Zeros", "config": {}},
            "kernel_regularizer": None,
            "bias_regularizer": None,
            "activity_regularizer": None,
            "kernel_constraint": None,
            "bias_constraint": None,
            **extra,
        },
    }


def sequential(*entries, **config):
    return {"class_name": "Sequential", "config": {"name": "old", "layers": list(entries)} | config}


INPUT = {
    "class_name": "InputLayer",
    "config": {
        "batch_input_shape": [None, 3],
        "dtype": "float32",
        "sparse": False,
        "ragged": False,
        "name": "dense_input",
    },
}
FIRST = {"batch_input_shape": [None, 3], "dtype": "float32"}
POLICY = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
TF1 = {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}
CONFIGS = {
    "tf.keras 2.x": sequential(INPUT, dense_config(**FIRST)),
    "2.0 to 2.2: no InputLayer": sequential(dense_config(**FIRST)),
    "up to 2.2.2: a bare list": {"class_name": "Sequential", "config": [dense_config(**FIRST)]},
    "a list as the whole": [dense_config(**FIRST)],
    "TF 1: initializers with dtype": sequential(INPUT, dense_config(kernel_initializer=TF1)),
    "mixed precision policies": sequential(INPUT, dense_config(dtype=POLICY)),
    "initializers by name": sequential(INPUT, dense_config(kernel_initializer="glorot_uniform")),
    "2.15: with a module": sequential(
        {**INPUT, "module": "keras.layers", "registered_name": None},
        {**dense_config(**FIRST), "module": "keras.layers", "registered_name": None},
    ),
    "build_input_shape alone": sequential(dense_config(), build_input_shape=[None, 3]),
}


@pytest.mark.parametrize("version", CONFIGS)
def test_architectures_of_all_versions(tmp_path, version):
    weights = {"dense": {"kernel": KERNEL, "bias": BIAS}}
    path = write(tmp_path / "old.h5", CONFIGS[version], weights)
    model = load_model(path)
    assert model.input_shape == (None, 3)
    assert not model.compiled
    np.testing.assert_allclose(model.predict(X, verbose=0), X @ KERNEL + BIAS, atol=1e-5)
    assert load_model(path, compile=False).count_params() == 8


def one_layer(path, entry, shape, arrays):
    name = entry["config"]["name"]
    start = {"class_name": "InputLayer", "config": {"batch_input_shape": shape, "name": "in"}}
    return load_model(write(path, sequential(start, entry), {name: arrays}))


def entry(kind, **config):
    return {"class_name": kind, "config": {"name": "a", "trainable": True, **config}}


@pytest.mark.parametrize("kind", ["BatchNormalization", "BatchNormalizationV1"])
def test_batch_normalization_with_a_list_of_axes(tmp_path, kind):
    config = {"axis": [3], "momentum": 0.9, "fused": None, "virtual_batch_size": None}
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    arrays = {name: np.full(2, 0.5 + i) for i, name in enumerate(names)}
    model = one_layer(tmp_path / "m.h5", entry(kind, **config), [None, 4, 4, 2], arrays)
    assert (model.layers[0].axis, model.layers[0].momentum) == (3, 0.9)
    expected = 0.5 * (1 - 2.5) / np.sqrt(3.5 + 1e-3) + 1.5
    found = model.predict(np.ones((1, 4, 4, 2)), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["Conv2D", "Convolution2D"])
def test_convolutions_without_groups(tmp_path, kind):
    config = {"filters": 2, "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid"}
    kernel = rng.standard_normal((3, 3, 1, 2))
    arrays = {"kernel": kernel, "bias": BIAS}
    model = one_layer(tmp_path / "m.h5", entry(kind, **config), [None, 3, 3, 1], arrays)
    x = rng.standard_normal((1, 3, 3, 1))
    expected = np.einsum("nhwc,hwcf->nf", x, kernel) + BIAS
    np.testing.assert_allclose(model.predict(x, verbose=0)[:, 0, 0], expected, atol=1e-5)


def test_layers_with_former_arguments(tmp_path):
    cases = [
        (entry("GlobalAveragePooling2D", data_format="channels_last"), [None, 3, 3, 1]),
        (entry("LeakyReLU", alpha=0.25), [None, 3]),
        (entry("ThresholdedReLU", theta=0.7), [None, 3]),
        (entry("Dropout", rate=0.5, noise_shape=None, seed=None), [None, 3]),
        (entry("Flatten", data_format="channels_last"), [None, 3, 2]),
    ]
    found = [one_layer(tmp_path / "m.h5", config, shape, {}) for config, shape in cases]
    assert found[1].layers[0].negative_slope == 0.25
    values = found[2].predict(np.array([[0.6, 0.8, -1]]), verbose=0)
    np.testing.assert_allclose(values, [[0, 0.8, 0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "arguments", "name", "shape"),
    [
        ("DepthwiseConv2D", {"groups": 1, "filters": None}, "depthwise_kernel", (3, 3, 1, 1)),
        ("Conv2DTranspose", {"groups": 1, "filters": 2, "output_padding": None}, "kernel", None),
        ("SeparableConv2D", {"groups": 1, "filters": 2, "kernel_constraint": None}, "", None),
        ("SeparableConv2D", {"filters": 2, "kernel_initializer": "zeros"}, "", None),
    ],
)
def test_convolutions_with_arguments_that_they_do_not_have(tmp_path, kind, arguments, name, shape):
    """Keras 3 refuses such files of tf.keras, as of MobileNet and Xception."""
    config = entry(kind, kernel_size=[3, 3], use_bias=False, **arguments)
    arrays = {name: rng.standard_normal(shape or (3, 3, 2, 1))}
    if kind.startswith("Separable"):
        arrays = {
            "depthwise_kernel": rng.standard_normal((3, 3, 1, 1)),
            "pointwise_kernel": rng.standard_normal((1, 1, 1, 2)),
        }
    model = one_layer(tmp_path / "m.h5", config, [None, 4, 4, 1], arrays)
    for weight, array in zip(model.get_weights(), arrays.values(), strict=True):
        np.testing.assert_allclose(weight, array, rtol=1e-6)
    config["config"]["groups"] = 2
    with pytest.raises(TypeError, match="groups"):
        one_layer(tmp_path / "m.h5", config, [None, 4, 4, 1], arrays)


def test_numbers_that_keras_2_wrote_as_arrays(tmp_path):
    config = entry("LeakyReLU", alpha={"type": "ndarray", "value": 0.25})
    assert one_layer(tmp_path / "m.h5", config, [None, 3], {}).layers[0].negative_slope == 0.25


@pytest.mark.parametrize("name", ["softmax_v2", "log_softmax_v2"])
def test_names_of_tensorflows_functions(tmp_path, name):
    model = one_layer(tmp_path / "m.h5", entry("Activation", activation=name), [None, 3], {})
    assert model.layers[0].get_config()["activation"] == name.removesuffix("_v2")


def test_convolutions_of_keras_1(tmp_path):
    config = entry(
        "Convolution2D",
        nb_filter=2,
        nb_row=3,
        nb_col=2,
        init="glorot_uniform",
        border_mode="valid",
        subsample=[1, 2],
        dim_ordering="tf",
        W_regularizer=None,
        b_constraint=None,
        bias=True,
    )
    arrays = {"W": rng.standard_normal((3, 2, 1, 2)), "b": BIAS}
    layer = one_layer(tmp_path / "m.h5", config, [None, 4, 4, 1], arrays).layers[0]
    assert (layer.kernel_size, layer.strides, layer.padding) == ((3, 2), (1, 2), "valid")


# --- recurrent layers -----------------------------------------------------------------------------


def lstm_config(**extra):
    return {
        "units": 2,
        "return_sequences": False,
        "return_state": False,
        "go_backwards": False,
        "stateful": False,
        "unroll": False,
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        **extra,
    }


def recurrent_arrays(gates, bias_shape):
    return {
        "kernel": rng.standard_normal((3, gates * 2)),
        "recurrent_kernel": rng.standard_normal((2, gates * 2)),
        "bias": rng.standard_normal(bias_shape),
    }


@recurrent
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_recurrent_layers_of_tf_keras(tmp_path, kind):
    gates, bias = (4, (8,)) if kind == "LSTM" else (3, (2, 6))
    extra = {"time_major": False, "implementation": 2}
    if kind == "GRU":
        extra["reset_after"] = True
    arrays = recurrent_arrays(gates, bias)
    model = one_layer(tmp_path / "m.h5", entry(kind, **lstm_config(**extra)), [None, 4, 3], arrays)
    for weight, array in zip(model.get_weights(), arrays.values(), strict=True):
        np.testing.assert_allclose(weight, array, rtol=1e-6)


@recurrent
def test_time_major_is_refused(tmp_path):
    config = entry("LSTM", **lstm_config(time_major=True))
    with pytest.raises(ValueError, match="layer 'a' has time_major=True"):
        one_layer(tmp_path / "m.h5", config, [None, 4, 3], recurrent_arrays(4, (8,)))


@recurrent
def test_hard_sigmoid_was_another_function(tmp_path):
    config = lstm_config(recurrent_activation="hard_sigmoid", activation="hard_sigmoid")
    arrays = recurrent_arrays(4, (8,))
    model = one_layer(tmp_path / "m.h5", entry("LSTM", **config), [None, 1, 3], arrays)
    x = rng.standard_normal((2, 1, 3))
    z = x[:, 0] @ arrays["kernel"] + arrays["bias"]
    i, _, c, o = np.split(np.clip(0.2 * z + 0.5, 0, 1), 4, axis=1)
    expected = o * np.clip(0.2 * i * c + 0.5, 0, 1)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5)
    model.save(tmp_path / "new.keras")
    twin = load_model(tmp_path / "new.keras")
    np.testing.assert_allclose(twin.predict(x, verbose=0), expected, rtol=1e-5)


@recurrent
def test_gru_before_reset_after(tmp_path):
    arrays = recurrent_arrays(3, (6,))
    model = one_layer(tmp_path / "m.h5", entry("GRU", **lstm_config()), [None, 4, 3], arrays)
    assert model.layers[0].reset_after is False


@recurrent
@pytest.mark.parametrize("kind", ["CuDNNLSTM", "CuDNNGRU"])
def test_cudnn_layers(tmp_path, kind):
    """CuDNN holds each gate's kernels transposed and two biases."""
    gates = 4 if kind == "CuDNNLSTM" else 3
    plain = kind.removeprefix("CuDNN")
    both = rng.standard_normal((2, gates * 2))
    arrays = recurrent_arrays(gates, both.sum(axis=0).shape if gates == 4 else (2, gates * 2))
    arrays["bias"] = both.sum(axis=0) if gates == 4 else both

    def cudnn(kernel):
        return np.hstack([k.T.reshape(k.shape) for k in np.hsplit(kernel, gates)])

    stored = {
        "kernel": cudnn(arrays["kernel"]),
        "recurrent_kernel": np.hstack([k.T for k in np.hsplit(arrays["recurrent_kernel"], gates)]),
        "bias": both.reshape(-1),
    }
    config = {"units": 2, "return_sequences": True, "stateful": False, "go_backwards": False}
    model = one_layer(tmp_path / "m.h5", entry(kind, **config), [None, 4, 3], stored)
    assert type(model.layers[0]).__name__ == plain
    for weight, array in zip(model.get_weights(), arrays.values(), strict=True):
        np.testing.assert_allclose(weight, array, rtol=1e-5)


@recurrent
def test_embeddings_with_an_input_length(tmp_path):
    config = entry("Embedding", input_dim=5, output_dim=2, input_length=4, mask_zero=False)
    arrays = {"embeddings": rng.standard_normal((5, 2))}
    model = one_layer(tmp_path / "m.h5", config, [None, 4], arrays)
    found = model.predict(np.array([[1, 2, 3, 4]]), verbose=0)
    np.testing.assert_allclose(found[0], arrays["embeddings"][1:], rtol=1e-6)


# --- what was compiled ----------------------------------------------------------------------------


def compiled(path, optimizer, loss="mse", metrics=(), state=None, **more):
    training = {
        "optimizer_config": optimizer,
        "loss": loss,
        "metrics": list(metrics),
        "weighted_metrics": None,
        "sample_weight_mode": None,
        "loss_weights": None,
        **more,
    }
    weights = {"dense": {"kernel": KERNEL, "bias": BIAS}}
    return load_model(write(path, CONFIGS["tf.keras 2.x"], weights, training, state))


OPTIMIZERS = {
    "2.0 to 2.3": ("Adam", {"lr": 0.5, "beta_1": 0.8, "epsilon": None, "decay": 0.0}),
    "tf.keras up to 2.10": ("Adam", {"name": "Adam", "learning_rate": 0.5, "decay": 0.0}),
    "tf.keras 2.11": (
        "Custom>Adam",
        {"name": "Adam", "learning_rate": 0.5, "jit_compile": False, "is_legacy_optimizer": False},
    ),
    "Nadam": ("Nadam", {"lr": 0.5, "schedule_decay": 0.004}),
}


@pytest.mark.parametrize("version", OPTIMIZERS)
def test_optimizers_of_all_versions(tmp_path, version):
    kind, config = OPTIMIZERS[version]
    model = compiled(tmp_path / "m.h5", {"class_name": kind, "config": config})
    assert type(model.optimizer).__name__ == kind.split(">")[-1]
    assert float(model.optimizer.learning_rate) == 0.5
    assert model.optimizer.epsilon == 1e-7


def test_a_decay_goes_on_as_the_schedule_that_it_was(tmp_path):
    sgd = {"class_name": "SGD", "config": {"lr": 0.5, "decay": 0.1, "momentum": 0.0}}
    state = {"SGD/iter:0": np.int64(10)}
    model = compiled(tmp_path / "m.h5", sgd, state=state)
    assert model.optimizer.iterations == 10
    assert float(model.optimizer.learning_rate) == pytest.approx(0.5 / (1 + 0.1 * 10))


SGD = {"class_name": "SGD", "config": {"learning_rate": 0.1, "momentum": 0.9}}
ACCURACY = {
    "class_name": "MeanMetricWrapper",
    "config": {"name": "accuracy", "dtype": "float32", "fn": "categorical_accuracy"},
}


def test_losses_and_metrics_of_tf_keras(tmp_path):
    loss = {
        "class_name": "CategoricalCrossentropy",
        "config": {"reduction": "auto", "name": "cce", "from_logits": True, "axis": -1},
    }
    model = compiled(
        tmp_path / "m.h5", SGD, loss, [[ACCURACY, {"class_name": "AUC", "config": {}}]]
    )
    assert model.program.loss.reduction == "sum_over_batch_size"
    assert model.program.loss.from_logits is True
    y = np.eye(2)[[0, 1, 0, 1, 1]]
    logs = model.train_on_batch(X, y, return_dict=True)
    assert {key.split("_")[0] for key in logs} == {"loss", "accuracy", "auc"}


@pytest.mark.parametrize("loss", ["mse", "MAE", "kld", "bce", {"dense": "mse"}, ["mse"]])
def test_short_names_of_losses(tmp_path, loss):
    model = compiled(tmp_path / "m.h5", SGD, loss, ["acc"])
    model.train_on_batch(X, np.ones((5, 2)))


KERNEL_SLOTS, BIAS_SLOTS = rng.random((3, 3, 2)), rng.random((3, 2))
ONE = np.array([7])
STATES = {
    "Keras 2.0 to 2.3": {
        "training/Adam/Adam/iterations:0": np.int64(7),
        "training/Adam/Variable:0": KERNEL_SLOTS[0],
        "training/Adam/Variable_1:0": BIAS_SLOTS[0],
        "training/Adam/Variable_2:0": KERNEL_SLOTS[1],
        "training/Adam/Variable_3:0": BIAS_SLOTS[1],
        "training/Adam/Variable_4:0": np.zeros(1),
        "training/Adam/Variable_5:0": np.zeros(1),
    },
    "tf.keras up to 2.10": {
        "Adam/iter:0": np.int64(7),
        "Adam/dense/kernel/m:0": KERNEL_SLOTS[0],
        "Adam/dense/bias/m:0": BIAS_SLOTS[0],
        "Adam/dense/kernel/v:0": KERNEL_SLOTS[1],
        "Adam/dense/bias/v:0": BIAS_SLOTS[1],
    },
    "tf.keras 2.11 to 2.15": {
        "iteration:0": np.int64(7),
        "Adam/m/dense/kernel:0": KERNEL_SLOTS[0],
        "Adam/v/dense/kernel:0": KERNEL_SLOTS[1],
        "Adam/m/dense/bias:0": BIAS_SLOTS[0],
        "Adam/v/dense/bias:0": BIAS_SLOTS[1],
    },
}


@pytest.mark.parametrize("version", STATES)
def test_optimizer_states_of_all_versions(tmp_path, version):
    adam = {"class_name": "Adam", "config": {"learning_rate": 0.1}}
    state = {k: v.astype("float32") if v.ndim else v for k, v in STATES[version].items()}
    model = compiled(tmp_path / "m.h5", adam, state=state)
    found = [v.numpy() for v in model.optimizer.variables]
    assert found[0] == 7
    for array, slots in zip(
        found[2:], [KERNEL_SLOTS[0], KERNEL_SLOTS[1], BIAS_SLOTS[0], BIAS_SLOTS[1]], strict=True
    ):
        np.testing.assert_allclose(array, slots, rtol=1e-6)


def test_a_state_of_another_optimizer_is_left_out(tmp_path):
    state = {"SGD/iter:0": np.int64(7), "SGD/dense/kernel/momentum:0": KERNEL}
    with pytest.warns(UserWarning, match="does not fit SGD"):
        model = compiled(tmp_path / "m.h5", SGD, state=state)
    assert model.optimizer.iterations == 0


def test_rmsprop_of_tf_keras(tmp_path):
    config = {"learning_rate": 0.1, "rho": 0.9, "momentum": 0.5, "centered": True, "epsilon": 1e-7}
    kinds = {"rms": 0, "momentum": 1, "mg": 2}
    state = {"RMSprop/iter:0": np.int64(7)}
    for kind, i in kinds.items():
        state[f"RMSprop/dense/kernel/{kind}:0"] = KERNEL_SLOTS[i].astype("float32")
        state[f"RMSprop/dense/bias/{kind}:0"] = BIAS_SLOTS[i].astype("float32")
    model = compiled(tmp_path / "m.h5", {"class_name": "RMSprop", "config": config}, state=state)
    names = {v.name: v.numpy() for v in model.optimizer.variables}
    for name, i in ("velocity", 0), ("momentum", 1), ("average_gradient", 2):
        np.testing.assert_allclose(names[f"old_dense_kernel_{name}"], KERNEL_SLOTS[i], rtol=1e-6)


# --- graphs ---------------------------------------------------------------------------------------


def functional(kind="Functional", branch=False, keras_3=False, repeated=False):
    def node(*names):
        if not keras_3:
            return [[[name, 0, 0, {}] for name in names]]
        tensors = [
            {
                "class_name": "__keras_tensor__",
                "config": {"shape": [None, 3], "dtype": "float32", "keras_history": [name, 0, 0]},
            }
            for name in names
        ]
        args = tensors if len(tensors) == 1 else [tensors]
        return [{"args": args, "kwargs": {"training": None}}]

    entries = [
        {**INPUT, "name": "dense_input", "inbound_nodes": []},
        {**dense_config(), "name": "dense", "inbound_nodes": node("dense_input")},
        {**entry("ReLU"), "name": "a", "inbound_nodes": node("dense")},
    ]
    if repeated:
        entries[1]["inbound_nodes"] += node("a")
    last = "a"
    if branch:
        entries.append({**entry("Add"), "name": "sum", "inbound_nodes": node("a", "dense")})
        entries[-1]["config"]["name"] = last = "sum"
    return {
        "class_name": kind,
        "config": {
            "name": "graph",
            "layers": entries[::-1],
            "input_layers": [["dense_input", 0, 0]],
            "output_layers": [[last, 0, 0]],
        },
    }


@pytest.mark.parametrize("keras_3", [False, True])
@pytest.mark.parametrize("kind", ["Model", "Functional"])
def test_a_functional_model_that_is_a_chain_becomes_sequential(tmp_path, kind, keras_3):
    weights = {"dense_input": {}, "dense": {"kernel": KERNEL, "bias": BIAS}, "a": {}}
    path = write(tmp_path / "m.h5", functional(kind, keras_3=keras_3), weights)
    model = load_model(path)
    expected = np.maximum(X @ KERNEL + BIAS, 0)
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, atol=1e-5)
    assert model_from_json(json.dumps(functional(kind))).name == "graph"


@pytest.mark.parametrize("keras_3", [False, True])
def test_graphs_are_refused_by_the_name_of_the_layer(tmp_path, keras_3):
    weights = {"dense": {"kernel": KERNEL, "bias": BIAS}}
    for config, match in (
        (functional(branch=True, keras_3=keras_3), "the layer 'sum' has 2 inputs"),
        (functional(repeated=True, keras_3=keras_3), "uses the layer 'dense' 2 times"),
        (sequential(INPUT, entry("TFOpLambda")), "operation 'TFOpLambda', not a chain"),
    ):
        path = write(tmp_path / "m.h5", config, weights)
        with pytest.raises(ValueError, match=match) as caught:
            load_model(path)
        assert f"Cannot load '{path}'" in str(caught.value)


# --- code -----------------------------------------------------------------------------------------


def test_lambdas_with_bytecode_are_refused(tmp_path):
    old = entry("Lambda", function=["4wEAAAAA", None, None], function_type="lambda")
    new = entry("Lambda", function={"class_name": "__lambda__", "config": {"value": "4wEAAAAA"}})
    for config in (old, new):
        path = write(tmp_path / "m.h5", sequential(INPUT, config), {})
        for safe_mode in (True, False):
            with pytest.raises(ValueError, match=r"layer 'a' is a Lambda .* bytecode \(marshal\)"):
                load_model(path, safe_mode=safe_mode)


def test_a_lambda_with_a_named_function(tmp_path):
    pytest.importorskip("autograd")
    config = entry(
        "Lambda",
        function="double",
        function_type="function",
        module="__main__",
        output_shape=None,
        output_shape_type="raw",
        output_shape_module=None,
        arguments={},
    )
    path = write(tmp_path / "m.h5", sequential(INPUT, config), {})
    model = load_model(path, {"double": lambda x: 2 * x})
    np.testing.assert_allclose(model.predict(X, verbose=0), 2 * X)


def test_yaml_is_refused(tmp_path):
    for start in ("backend: tensorflow\n", "class_name: Sequential\n"):
        (tmp_path / "m.yaml").write_text(start)
        with pytest.raises(ValueError, match=r"it is YAML, which is not read"):
            load_model(tmp_path / "m.yaml")
    with pytest.raises(ValueError, match="looks like YAML"):
        model_from_json("class_name: Sequential\nconfig: []")
