"""Write rank1.npz: activations, initializers, regularizers, constraints, made by real Keras 3.15.

    KERAS_BACKEND=torch python tests/golden/make_rank1.py

The tables below are shared with the tests. Gradients are those of ``sum(y * dy)``.
"""

import inspect
import json
import math
import pathlib
from typing import Any

import numpy as np

HERE = pathlib.Path(__file__).parent

# (name, arguments): each is applied to all of `inputs`, corners and large numbers among them.
# Not sparsemax: Keras 3.15's does not sum to one (keras-team/keras issue 23425, mended later).
ACTIVATIONS = [
    ("celu", {}),
    ("celu", {"alpha": 0.5}),
    ("elu", {}),
    ("elu", {"alpha": 0.5}),
    ("exponential", {}),
    ("gelu", {}),
    ("gelu", {"approximate": True}),
    ("glu", {}),
    ("glu", {"axis": 1}),
    ("hard_shrink", {}),
    ("hard_shrink", {"threshold": 1.0}),
    ("hard_sigmoid", {}),
    ("hard_silu", {}),
    ("hard_tanh", {}),
    ("leaky_relu", {}),
    ("leaky_relu", {"negative_slope": 0.5}),
    ("leaky_relu", {"negative_slope": 1.5}),
    ("leaky_relu", {"negative_slope": -0.5}),
    ("linear", {}),
    ("log_sigmoid", {}),
    ("log_softmax", {}),
    ("log_softmax", {"axis": 1}),
    ("log_softmax", {"axis": (1, 2)}),
    ("log_softmax", {"axis": None}),
    ("mish", {}),
    ("relu", {}),
    ("relu", {"negative_slope": 0.5}),
    ("relu", {"max_value": 3.0}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"threshold": 1.0}),
    ("relu", {"threshold": -1.0}),
    ("relu", {"threshold": -1.0, "max_value": 3.0}),
    ("relu", {"negative_slope": 0.5, "max_value": 3.0}),
    ("relu", {"negative_slope": 0.5, "max_value": 6.0}),
    ("relu", {"negative_slope": 0.5, "threshold": 1.0}),
    ("relu", {"negative_slope": 0.5, "threshold": -1.0}),
    ("relu", {"negative_slope": 0.5, "max_value": 6.0, "threshold": 1.0}),
    ("relu6", {}),
    ("selu", {}),
    ("sigmoid", {}),
    ("silu", {}),
    ("soft_shrink", {}),
    ("soft_shrink", {"threshold": 1.0}),
    ("softmax", {}),
    ("softmax", {"axis": 1}),
    ("softmax", {"axis": (1, 2)}),
    ("softmax", {"axis": None}),
    ("softplus", {}),
    ("softsign", {}),
    ("sparse_plus", {}),
    ("sparse_sigmoid", {}),
    ("squareplus", {}),
    ("squareplus", {"b": 0.5}),
    ("tanh", {}),
    ("tanh_shrink", {}),
    ("threshold", {"threshold": 1.0, "default_value": -2.0}),
]
REGULARIZERS = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L2", {}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {}),
    ("L1L2", {"l1": 0.3}),
    ("L1L2", {"l1": 0.3, "l2": 0.2}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]
CONSTRAINTS = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": 1}),
    ("MaxNorm", {"max_value": 1.5, "axis": [0, 1]}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 1.7, "max_value": 2.5, "rate": 0.25}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 0.6, "axis": 1}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": [0, 1]}),
]
# Without chance: (name, arguments, shape).
INITIALIZERS = [
    ("Constant", {"value": 0.25}, (2, 3)),
    ("Constant", {"value": [1.0, 2.0, 3.0]}, (2, 3)),
    ("Identity", {"gain": 2.0}, (3, 4)),
    ("Ones", {}, (2, 3)),
    ("Zeros", {}, (2, 3)),
    *(
        ("STFT", {"side": side, "window": window, "scaling": scaling, "periodic": periodic}, shape)
        for side, scaling, periodic in [
            ("real", "density", False),
            ("imag", "spectrum", True),
            ("real", None, True),
        ]
        for window in ("boxcar", "hann", "hamming", "blackman", "blackmanharris", "nuttall", None)
        for shape in [(8, 1, 5), (5, 1, 3)]
    ),
]
FANS = [
    ((), None, None),
    ((5,), None, None),
    ((3, 4), None, None),
    ((3, 4, 5), None, None),
    ((3, 3, 4, 5), None, None),
    ((2, 3, 3, 4, 5), None, None),
    ((3, 4, 5), [0], [1, 2]),
    ((3, 4, 5), [0, 1], [-1]),
    ((3, 4, 5), [0], None),
]
CONFIGS = {
    "initializers": [
        ("Constant", {}),
        ("Constant", {"value": 2}),
        ("Identity", {}),
        ("Ones", {}),
        ("Zeros", {}),
        ("STFT", {}),
        ("RandomNormal", {}),
        ("RandomNormal", {"mean": 1.0, "stddev": 0.5, "seed": 3}),
        ("RandomUniform", {"minval": -1, "maxval": 2, "seed": 3}),
        ("TruncatedNormal", {"stddev": 0.5}),
        ("VarianceScaling", {}),
        ("VarianceScaling", {"mode": "fan_avg", "distribution": "Normal", "scale": 2}),
        ("VarianceScaling", {"input_axes": [0], "output_axes": [1], "distribution": "uniform"}),
        ("GlorotNormal", {"seed": 7}),
        ("GlorotUniform", {}),
        ("HeNormal", {}),
        ("HeUniform", {"input_axes": [0], "output_axes": [1]}),
        ("LecunNormal", {}),
        ("LecunUniform", {}),
        ("Orthogonal", {}),
        ("Orthogonal", {"gain": 2.0, "seed": 7}),
    ],
    "regularizers": REGULARIZERS,
    "constraints": CONSTRAINTS,
}
# Keras forgets the gain of Identity when it writes a config.
FORGOTTEN = {"Identity": ("gain",)}


def inputs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Inputs with incoming gradients, of shape (N, 4, 2) so that any axis can be halved."""
    rng = np.random.default_rng(7)
    shape = (5, 4, 2)
    normal = (2 * rng.standard_normal(shape)).astype("float32")
    corners = np.array([-6, -3, -1, -0.5, -0.0, 0.0, 0.5, 1, 1.5, 3, 5, 6, 7, -7, 2, -2])
    corners = np.resize(corners, (2, 4, 2)).astype("float32")
    large = np.array([-1e4, 1e4, -200, 200, -50, 50, -25, 25]).reshape(1, 4, 2).astype("float32")
    xs = {"normal": normal, "corners": corners, "large": large}
    return {k: (x, rng.uniform(0.5, 1.5, x.shape).astype("float32")) for k, x in xs.items()}


def halved(dy: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The part of an incoming gradient that fits an output (glu's is smaller)."""
    return dy[tuple(slice(n) for n in shape)]


def matrix() -> np.ndarray:
    """A kernel with zeros and both signs, some of whose columns are long and some short."""
    w = np.random.default_rng(3).standard_normal((4, 5)) * np.array([0.1, 0.5, 1, 2, 4])
    w[1, 2] = 0
    return w.astype("float32")


def signature(symbol: Any) -> str:
    """Arguments and defaults as text, without annotations."""
    shown = inspect.signature(symbol)
    bare = [p.replace(annotation=p.empty) for p in shown.parameters.values()]
    return str(shown.replace(parameters=bare, return_annotation=shown.empty))


def load() -> dict:
    """Read what `main` wrote: arrays by key, and `configs`."""
    with np.load(HERE / "rank1.npz") as file:
        numbers, contents = file["numbers"], json.loads(str(file["contents"]))
    found, at = {}, 0
    for key, shape in contents["shapes"].items():
        size = math.prod(shape)
        found[key] = numbers[at : at + size].reshape(shape)
        at += size
    return {**found, "configs": contents["configs"]}


def main() -> None:
    """Run Keras."""
    import keras
    import torch
    from keras.src.initializers.random_initializers import compute_fans

    assert keras.__version__.startswith("3.15"), keras.__version__
    assert keras.backend.backend() == "torch"
    made = {}

    def tensor(array):
        return torch.tensor(array, requires_grad=True)

    for i, (name, arguments) in enumerate(ACTIVATIONS):
        for kind, (x, dy) in inputs().items():
            t = tensor(x)
            y = getattr(keras.activations, name)(t, **arguments)
            (y * torch.tensor(halved(dy, tuple(y.shape)))).sum().backward()
            made[f"activation/{i}/{kind}/y"] = y.detach().numpy()
            made[f"activation/{i}/{kind}/dx"] = t.grad.numpy()
    for i, (name, arguments) in enumerate(REGULARIZERS):
        t = tensor(matrix())
        value = getattr(keras.regularizers, name)(**arguments)(t)
        if value.requires_grad:
            value.backward()
        made[f"regularizer/{i}/value"] = value.detach().numpy()
        made[f"regularizer/{i}/dx"] = np.zeros(t.shape) if t.grad is None else t.grad.numpy()
    for i, (name, arguments) in enumerate(CONSTRAINTS):
        w = getattr(keras.constraints, name)(**arguments)(matrix())
        made[f"constraint/{i}"] = keras.ops.convert_to_numpy(w)
    for i, (name, arguments, shape) in enumerate(INITIALIZERS):
        values = getattr(keras.initializers, name)(**arguments)(shape)
        made[f"initializer/{i}"] = keras.ops.convert_to_numpy(values)
    made["fans"] = np.array([compute_fans(*case) for case in FANS])
    configs = {
        module: [
            keras.saving.serialize_keras_object(getattr(getattr(keras, module), name)(**arguments))
            for name, arguments in cases
        ]
        for module, cases in CONFIGS.items()
    }
    shapes = {key: np.shape(value) for key, value in made.items()}
    np.savez_compressed(
        HERE / "rank1.npz",
        numbers=np.concatenate([np.ravel(value) for value in made.values()]).astype("float32"),
        contents=np.array(json.dumps({"shapes": shapes, "configs": configs})),
    )


if __name__ == "__main__":
    main()
