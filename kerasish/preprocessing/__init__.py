"""Preparing sequences, text and images: Keras's ``keras.preprocessing``."""

import importlib
from typing import Any

from kerasish.utils.sequences import pad_sequences

_MODULES = ("image", "sequence", "text")
__all__ = ["image", "pad_sequences", "sequence", "text"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"kerasish.preprocessing.{name}")
    raise AttributeError(f"module 'kerasish.preprocessing' has no attribute {name!r}")
