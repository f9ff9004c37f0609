"""Files: models and weights in Keras's formats, read without running code, written atomically."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasish.atomic import atomic_write
    from kerasish.saving.models import load_model, save_model
    from kerasish.saving.weights import load_weights, save_weights
    from kerasish.utils.objects import (
        CustomObjectScope,
        custom_object_scope,
        deserialize_keras_object,
        get_custom_objects,
        get_registered_name,
        get_registered_object,
        register_keras_serializable,
        serialize_keras_object,
    )

_OBJECTS = "kerasish.utils.objects"
_HOMES = {
    "CustomObjectScope": _OBJECTS,
    "atomic_write": "kerasish.atomic",
    "custom_object_scope": _OBJECTS,
    "deserialize_keras_object": _OBJECTS,
    "get_custom_objects": _OBJECTS,
    "get_registered_name": _OBJECTS,
    "get_registered_object": _OBJECTS,
    "load_model": "kerasish.saving.models",
    "load_weights": "kerasish.saving.weights",
    "register_keras_serializable": _OBJECTS,
    "save_model": "kerasish.saving.models",
    "save_weights": "kerasish.saving.weights",
    "serialize_keras_object": _OBJECTS,
}
__all__ = [
    "CustomObjectScope",
    "atomic_write",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]


def __getattr__(name: str) -> Any:
    """Import what is used: a process that only reads HDF5 (`untrusted`) starts in half the time."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
