"""``import tensorflow as tf`` for scripts that train Keras models with it."""

import importlib
from typing import Any

__version__ = "2.20.0"


def __getattr__(name: str) -> Any:
    if name == "keras":
        return importlib.import_module("tensorflow.keras")
    raise AttributeError(name)
