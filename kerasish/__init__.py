"""kerasish: Keras-style deep learning on NumPy, made for the CPU.

    import kerasish as ks
    model = ks.Sequential([ks.layers.Dense(64, activation="relu"), ks.layers.Dense(10)])

Nothing is loaded before it is used: importing the package costs milliseconds.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_MODULES = (
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "data",
    "datasets",
    "distributed",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "regularizers",
    "saving",
    "testing",
    "utils",
    "viz",
    "wrappers",
)
_NAMES = {
    "Model": "models",
    "Sequential": "models",
    "Input": "layers",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Optimizer": "optimizers",
    "Initializer": "initializers",
    "Regularizer": "regularizers",
    "register": "registry",
    "set_random_seed": "config",
}
__all__ = sorted([*_MODULES, *_NAMES])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"kerasish.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(f"kerasish.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    from kerasish.errors import did_you_mean

    raise AttributeError(
        f"module 'kerasish' has no attribute {name!r}.{did_you_mean(name, __all__)}"
    )


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
