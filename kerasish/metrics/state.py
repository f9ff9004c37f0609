"""What a metric's state is made of: variables, their type, and arguments that were not given."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish.store import Weight, as_array


class _Unset:
    """Stands for an argument that was not given, where None has a meaning of its own."""

    def __repr__(self) -> str:
        return "<not given>"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET = _Unset()


class Variable(Weight, np.lib.mixins.NDArrayOperatorsMixin):
    """A weight that holds a metric's state; arithmetic on it gives arrays.

    >>> total = Variable(np.zeros(()), name="total")
    >>> float(total.assign_add(3) / 2)
    1.5
    """

    __slots__ = ()
    __hash__ = object.__hash__  # state is told apart by identity, as weights are
    __eq__ = object.__eq__
    __ne__ = object.__ne__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        targets = kwargs.get("out")
        if targets is not None:
            kwargs["out"] = tuple(t.value if isinstance(t, Weight) else t for t in targets)
        arrays = [x.value if isinstance(x, Weight) else x for x in inputs]
        result = getattr(ufunc, method)(*arrays, **kwargs)
        if targets is not None:
            return targets[0]
        return result if isinstance(result, tuple) else as_array(result)

    def __getitem__(self, index: Any) -> Any:
        return as_array(self.value[index])


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
