"""Arguments that layers share: their checks, and the shapes and types that they stand for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import config

Shape = tuple[int | None, ...]
FIRST_LAYER_ARGUMENTS = (
    "input_shape",
    "input_dim",
    "input_length",
    "batch_input_shape",
    "batch_shape",
    "batch_size",
)


def float_dtype(dtype: Any, owner: str) -> str:
    """The float type that a `dtype` argument, Keras policy or policy config stands for."""
    if isinstance(dtype, dict):
        dtype = dtype.get("config", {}).get("name")
    dtype = getattr(dtype, "compute_dtype", None) or getattr(dtype, "name", dtype)
    if dtype is None:
        return config.floatx()
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name in ("float32", "float64"):
        return name
    if name.startswith(("mixed_", "float16", "bfloat16", "int", "uint", "bool", "str")):
        return "float32"
    raise ValueError(
        f"{owner}: `dtype` must be 'float32' or 'float64' but is {dtype!r}. Leave it out."
    )


def dtype_policy(dtype: str) -> dict[str, Any]:
    """Keras's config of a dtype policy."""
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": dtype},
        "registered_name": None,
    }


def input_hint(
    owner: str,
    input_shape: Any = None,
    input_dim: Any = None,
    input_length: Any = None,
    batch_input_shape: Any = None,
    batch_shape: Any = None,
    batch_size: Any = None,
) -> Shape | None:
    """Full batch shape that a first layer's arguments state, or None."""
    batch_shape = batch_shape if batch_shape is not None else batch_input_shape
    if batch_shape is not None:
        return as_shape(batch_shape, owner, "batch_input_shape")
    if input_shape is not None:
        return (batch_size, *as_shape(input_shape, owner, "input_shape"))
    if input_dim is not None:
        inner = as_shape(input_dim, owner, "input_dim")
        return (batch_size, *inner) if input_length is None else (batch_size, input_length, *inner)
    if input_length is not None:
        return (batch_size, *as_shape(input_length, owner, "input_length"))
    return None


def as_shape(value: Any, owner: str, argument: str) -> Shape:
    """Check a shape argument: whole numbers above 0, or None."""
    value = (value,) if isinstance(value, int | np.integer) else value
    try:
        axes = tuple(value)
        good = all(a is None or (int(a) == a and a > 0) for a in axes)
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(
            f"{owner}: `{argument}` must be a tuple of positive whole numbers (None where any "
            f"size will do) but is {value!r}."
        )
    return tuple(None if a is None else int(a) for a in axes)


def shape_text(shape: Any) -> str:
    """``(N, 28, 28)`` for ``(None, 28, 28)``, for messages."""
    axes = ["N", *("any" if a is None else str(a) for a in tuple(shape)[1:])]
    return f"({axes[0]},)" if len(axes) == 1 else f"({', '.join(axes)})"


def mend_shape(built: Shape, shape: Any) -> str:
    """What to do about a batch of `shape` for a layer that was built for another one."""
    inner = list(shape[1:])
    if len(shape) == len(built) == 2 and built[1] is not None:
        return (
            f"Pass {built[1]} features a sample, or make the model for {shape[1]}: a model "
            f"keeps the input shape that it was built with."
        )
    if len(built) == 2 and len(shape) > 2 and math.prod(inner) == built[1]:
        return f"Add Flatten() before it, or reshape the data: x.reshape(-1, {built[1]})."
    if None not in built[1:] and math.prod(inner) == math.prod(built[1:]):  # type: ignore[arg-type]
        return f"Reshape the data: x.reshape({('-1', *built[1:])}).".replace("'", "")
    return "Add Flatten() before it." if len(shape) > len(built) == 2 else ""


def positive(owner: Any, argument: str, value: Any) -> int:
    """Check an argument that must be a positive whole number."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        name = owner if isinstance(owner, str) else type(owner).__name__
        raise ValueError(
            f"{name}: `{argument}` must be a positive whole number but is {value!r}. "
            f"Received an invalid value for `{argument}`, expected a positive integer."
        )
    return int(value)


def fraction(owner: Any, argument: str, value: Any) -> float:
    """Check an argument that must be a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        good = False
    else:
        good = bool(0 <= value <= 1)
    if not good:
        hint = ""
        if isinstance(value, int | float) and 1 < value <= 100:
            hint = f" For {value} % write {value / 100:g}."
        raise ValueError(
            f"{type(owner).__name__}: `{argument}` must be a number from 0 to 1 but is "
            f"{value!r}.{hint}"
        )
    return float(value)
