"""What a metric's state is made of: variables, their type, and arguments that were not given."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish.store import Weight as Variable


class _Unset:
    """Stands for an argument that was not given, where None has a meaning of its own."""

    def __repr__(self) -> str:
        return "<not given>"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET = _Unset()


def dtype_name(dtype: Any) -> str:
    """Name of a result type that was given as a name, NumPy type, policy or policy config."""
    if dtype is None:
        return config.floatx()
    if isinstance(dtype, dict):
        dtype = dtype.get("config", {}).get("name")
    dtype = getattr(dtype, "compute_dtype", dtype)
    if dtype in ("int", int):
        return "int32"
    try:
        return np.dtype(dtype).name
    except TypeError:
        raise ValueError(
            f"A metric's dtype must be a type name such as 'float32' but got {dtype!r}."
        ) from None


__all__ = ["UNSET", "Variable", "dtype_name"]
