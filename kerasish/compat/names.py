"""Which of Keras's modules is where in kerasish, and why some are nowhere.

A *place* is a module's path in today's Keras (``layers`` for ``tensorflow.python.keras.layers``
and for ``keras.layers.core`` alike), or ``tf`` and ``tf.nn`` for those of TensorFlow proper.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

ROOTS = frozenset(
    {"keras", "tensorflow", "tf_keras", "keras_core", "keras_preprocessing", "scikeras"}
)

# Prefixes that all mean "keras"; the longest comes first.
PREFIXES = [
    "tensorflow.python.keras.api._v2.keras",
    "tensorflow.python.keras.api.keras",
    "tensorflow._api.v2.v2.keras",
    "tensorflow.keras",
    "tensorflow.python.keras",
    "tensorflow.contrib.keras.api.keras",
    "tensorflow.contrib.keras",
    "tensorflow.compat.v1.keras",
    "tensorflow.compat.v2.keras",
    "keras.api._v2.keras",
    "keras.api",
    "keras.src",
    "tf_keras.src",
    "tf_keras",
    "keras_core",
    "keras",
]

# Modules inside Keras's own that are, or were, known by name; what they hold is one level up.
INSIDE = {
    "layers": """core convolutional pooling recurrent recurrent_v2 rnn embeddings normalization
        normalization_v2 advanced_activations noise local merge merging wrappers
        convolutional_recurrent cudnn_recurrent attention regularization reshaping activation
        preprocessing serialization experimental layer""",
    "models": "sequential model functional cloning",
    "optimizers": """adam adamw adamax adadelta adagrad nadam rmsprop sgd ftrl lion lamb
        adafactor optimizer legacy optimizer_v2 optimizer_experimental experimental""",
    "callbacks": """callback callbacks early_stopping model_checkpoint csv_logger tensorboard
        history lambda_callback reduce_lr_on_plateau learning_rate_scheduler""",
    "losses": "losses loss",
    "metrics": "metrics metric accuracy_metrics confusion_metrics",
    "initializers": "initializers random_initializers constant_initializers initializers_v2",
    "regularizers": "regularizers",
    "constraints": "constraints",
    "activations": "activations",
    "backend": "common tensorflow_backend theano_backend cntk_backend load_backend config",
    "ops": "numpy nn math core image linalg",
    "saving": "saving_api saving_lib serialization_lib object_registration hdf5_format",
    "utils": """np_utils generic_utils vis_utils visualize_util data_utils io_utils layer_utils
        training_utils image_utils tf_utils test_utils image_dataset_utils numerical_utils
        sequence_utils python_utils module_utils summary_utils conv_utils file_utils""",
    "wrappers": "scikit_learn",
    "mixed_precision": "policy experimental",
    **{f"preprocessing.{part}": f"{part} dataset_utils" for part in ("image", "sequence", "text")},
}

# Places that have another name today, as regular expressions on the path behind "keras.".
MOVED = [
    (r"layers\.(?:experimental\.)?preprocessing", "layers"),
    (r"legacy(?:\.(?:layers|interfaces|models))?", "layers"),
    (r"engine(?:\.(?:topology|base_layer|input_layer|input_spec|keras_tensor))?", "layers"),
    (r"engine\.(?:sequential|training|training_utils|functional)", "models"),
    (
        r"(?:optimizers|optimizer_v2)\.(?:schedules\.\w+|learning_rate_schedule)",
        "optimizers.schedules",
    ),
    (r"optimizer_v[12](?:\.\w+)?", "optimizers"),
    (r"callbacks_v1", "callbacks"),
    (r"objectives", "losses"),
    (r"initializations|initializers_v[12]", "initializers"),
    (r"backend_config", "backend"),
    (r"preprocessing\.(?:image|text|timeseries)_dataset(?:_from_directory)?", "utils"),
]

# Where the names of a place are looked for, in this order.
TARGETS: dict[str, tuple[str, ...]] = {
    "": ("kerasish.compat.keras_names", "kerasish"),
    "layers": ("kerasish.compat.old_layers", "kerasish.layers"),
    "models": ("kerasish.models", "kerasish.saving"),
    "optimizers": ("kerasish.optimizers",),
    "optimizers.schedules": ("kerasish.optimizers.schedules",),
    "callbacks": ("kerasish.callbacks",),
    "losses": ("kerasish.losses",),
    "metrics": ("kerasish.metrics", "kerasish.losses"),
    "initializers": ("kerasish.initializers",),
    "regularizers": ("kerasish.regularizers",),
    "constraints": ("kerasish.constraints",),
    "activations": ("kerasish.activations",),
    "backend": ("kerasish.backend",),
    "ops": ("kerasish.ops",),
    "random": ("kerasish.compat.random_names",),
    "saving": ("kerasish.saving", "kerasish.utils"),
    "config": ("kerasish.config",),
    "utils": ("kerasish.compat.keras_utils", "kerasish.utils"),
    "preprocessing": ("kerasish.preprocessing", "kerasish.utils"),
    "preprocessing.image": ("kerasish.preprocessing.image", "kerasish.utils"),
    "preprocessing.sequence": ("kerasish.preprocessing.sequence", "kerasish.utils"),
    "preprocessing.text": ("kerasish.preprocessing.text",),
    "wrappers": ("kerasish.wrappers",),
    "datasets": ("kerasish.datasets",),
    "mixed_precision": ("kerasish.compat.mixed_precision",),
    "tf": ("kerasish.compat.tensorflow",),
}
for _name in ("nn", "math", "random", "config", "errors", "compat", "test", "image"):
    TARGETS[f"tf.{_name}"] = (f"kerasish.compat.tensorflow.{_name}",)
for _name in ("dtypes", "io", "linalg", "logging", "distribute", "train", "initializers"):
    TARGETS[f"tf.{_name}"] = (f"kerasish.compat.tensorflow.{_name}",)
TARGETS["tf.compat.v1"] = TARGETS["tf.compat.v2"] = ("kerasish.compat.tensorflow",)
for _name in (
    *("mnist", "fashion_mnist", "cifar10", "cifar100"),
    *("imdb", "reuters", "boston_housing", "california_housing"),
):
    TARGETS[f"datasets.{_name}"] = (f"kerasish.datasets.{_name}",)

NO_GRAPH = "kerasish chains layers one behind another; graphs that branch or join are not in scope."
NO_TENSORS = "kerasish computes with NumPy arrays, without TensorFlow."
REFUSED_MODULES = [
    (r"keras\.applications.*", "Pretrained networks are graphs with branches: not in scope."),
    (r"tf\.data.*", "Pass arrays, generators or a kerasish.data.DataLoader to fit."),
    (r"tf\.(contrib|estimator|feature_column|lite|saved_model|summary|tpu).*", NO_TENSORS),
    (r"tf\.examples.*", "Use keras.datasets.mnist.load_data()."),
    (r"tf\.python.*", "It is TensorFlow's own, private code. Use tensorflow.keras."),
]
REFUSED_NAMES = {
    **dict.fromkeys(
        ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"],
        NO_GRAPH,
    ),
    **dict.fromkeys(
        ["add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"],
        NO_GRAPH,
    ),
    "Merge": NO_GRAPH,
    **dict.fromkeys(
        ["Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention"], NO_GRAPH
    ),
    "applications": "Pretrained networks are graphs with branches: not in scope.",
    "GradientTape": "Losses and layers written in NumPy are differentiated by fit itself: write "
    "a loss function, a Layer with `call`, or use model.train_on_batch.",
    "data": "Pass arrays, generators or a kerasish.data.DataLoader to fit.",
    "LocallyConnected1D": "Keras 3 has dropped it too. Use Conv1D.",
    "LocallyConnected2D": "Keras 3 has dropped it too. Use Conv2D.",
    "multi_gpu_model": "kerasish runs on the CPU; all cores are used without it.",
    "placeholder": NO_TENSORS,
    "Session": NO_TENSORS,
}


class Missing(Exception):
    """A name that a place has not, with the reason if it is refused on purpose."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


def place(fullname: str) -> str:
    """The place that a module's name means.

    >>> place("tensorflow.python.keras.layers.core"), place("tensorflow.nn"), place("keras")
    ('layers', 'tf.nn', '')
    """
    if fullname.partition(".")[0] == "keras_preprocessing":
        return f"preprocessing{fullname.removeprefix('keras_preprocessing')}"
    if fullname.partition(".")[0] == "scikeras":
        return "wrappers"
    for prefix in PREFIXES:
        if fullname == prefix or fullname.startswith(prefix + "."):
            return _today(fullname[len(prefix) + 1 :])
    path = fullname.partition(".")[2]
    return f"tf.{path}" if path else "tf"


def _today(path: str) -> str:
    if path in TARGETS:
        return path
    for pattern, replacement in MOVED:
        if re.fullmatch(pattern, path):
            return replacement
    for outer, inner in INSIDE.items():
        head, _, rest = path.removeprefix(f"{outer}.").partition(".")
        if path.startswith(f"{outer}.") and head in inner.split():
            return outer if rest.count(".") == 0 else path
    return path


def is_module(fullname: str) -> bool:
    """Whether kerasish has a view of the module, or of something inside it."""
    here = place(fullname)
    if here in TARGETS and fullname.rpartition(".")[2] not in REFUSED_NAMES:
        return any(_module(target) is not None for target in TARGETS[here])
    return fullname in ("tensorflow.python", "tensorflow.contrib", "tensorflow.compat")


def refusal(fullname: str) -> str:
    """Why a module is not there."""
    here = place(fullname)
    path = here if here.partition(".")[0] == "tf" else f"keras.{here}"
    for pattern, reason in REFUSED_MODULES:
        if re.fullmatch(pattern, path):
            return reason
    return "See the section 'Coming from Keras' of the README for what there is."


def find(here: str, name: str) -> Any:
    """What `name` means at a place.

    Raises
    ------
    Missing
        If there is nothing.
    """
    for target in TARGETS.get(here, ()):
        module = _module(target)
        if module is None:
            continue
        try:
            return getattr(module, name)
        except AttributeError:
            continue
    raise Missing(REFUSED_NAMES.get(name, ""))


def listed(here: str) -> list[str]:
    """The public names of a place."""
    found: set[str] = set()
    for target in TARGETS.get(here, ()):
        module = _module(target)
        if module is not None:
            found.update(getattr(module, "__all__", None) or dir(module))
    return sorted(name for name in found if not name.startswith("_"))


def _module(target: str) -> Any:
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as error:
        if error.name is not None and target.startswith(error.name):
            return None
        raise
