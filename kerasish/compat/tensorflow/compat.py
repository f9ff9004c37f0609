"""``tf.compat``: version 1 and 2 of the same module."""

import importlib
from typing import Any


def as_str(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Text of bytes."""
    return bytes_or_text.decode(encoding) if isinstance(bytes_or_text, bytes) else bytes_or_text


def __getattr__(name: str) -> Any:
    if name in ("v1", "v2"):
        return importlib.import_module(f"tensorflow.compat.{name}")
    raise AttributeError(name)
