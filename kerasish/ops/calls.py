"""What all of these functions do with their arguments and results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import config
from kerasish.autodiff import is_traced, untraced
from kerasish.store import Array, Weight, as_array


def operand(value: Any) -> Any:
    """An array, or what autograd follows, of whatever a user passed."""
    if is_traced(value) or isinstance(value, np.ndarray):
        return value
    if isinstance(value, Weight):
        return value.value
    if isinstance(value, list | tuple) and any(map(is_traced, value)):
        return np.stack([operand(item) for item in value])
    return np.asarray(value)


def result(value: Any, *inputs: Any) -> Any:
    """The result as an array with ``.numpy()``, in float32 unless an input was float64."""
    if isinstance(value, list | tuple):
        return type(value)(result(item, *inputs) for item in value)
    if is_traced(value) or value is None or isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.dtype == np.float64 and not any(_is_float64(i) for i in inputs):
        array = array.astype(config.floatx())
    return array if isinstance(array, Array) else as_array(array)


def _is_float64(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_is_float64(item) for item in value)
    return getattr(value, "dtype", None) == np.float64 and hasattr(value, "shape")


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of an operand, traced or not."""
    return tuple(np.shape(untraced(value) if is_traced(value) else operand(value)))


def same_as_numpy(name: str, numpy_name: str | None = None) -> Callable[..., Any]:
    """NumPy's function of that name, on all that `operand` takes."""
    function = _find(numpy_name or name)

    def call(*args: Any, **kwargs: Any) -> Any:
        arrays = [_argument(a) for a in args]
        named = {k: _argument(v) for k, v in kwargs.items()}
        return result(function(*arrays, **named), *args, *kwargs.values())

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"``numpy.{numpy_name or name}``, also of weights and of what is differentiated."
    return call


def _find(name: str) -> Any:
    found: Any = np
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _argument(value: Any) -> Any:
    if isinstance(value, str | bool | int | float | slice | type) or value is None:
        return value
    if isinstance(value, list | tuple):
        if all(isinstance(item, bool | int | float | str | type(None)) for item in value):
            return value
        return type(value)(_argument(item) for item in value)
    return operand(value)
