"""Weights and the flat stores that hold them (contract 2 of ARCHITECTURE.md).

A `Weight` is a named array. After a model is built its trainable weights are views of one
contiguous array, the `Store`, so that an optimizer is one pass over flat memory. A weight has
one home; a model that takes built layers joins their stores by moving the weights into a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


class Array(np.ndarray):
    """An ndarray with ``.numpy()``, which is what scripts written for Keras call on results."""

    def numpy(self) -> np.ndarray:
        """Return a plain ndarray copy."""
        return np.array(self)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        if array.ndim == 0 and return_scalar:
            return array[()]
        return np.asarray(array).view(Array)


def as_array(value: Any) -> Array:
    """Return `value` as an `Array` that owns its memory."""
    return np.array(value).view(Array)


class Weight(np.lib.mixins.NDArrayOperatorsMixin):
    """A named array that layers read in `forward` and optimizers change in place.

    Attributes
    ----------
    value : ndarray
        The current numbers. Change them with `assign`, which keeps the memory.
    trainable : bool
        Whether the weight as such is learnt (kernels are, moving averages are not). Whether it
        is learnt *in this model* also depends on the `trainable` of its layers at compile.
    path : str
        ``model/layer/name``, as Keras writes it to files.

    Examples
    --------
    Arithmetic gives arrays:

    >>> w = Weight(np.zeros(2))
    >>> w.assign_add([1, 2]) * 2
    Array([2., 4.])
    """

    __slots__ = (
        "__weakref__",
        "constraint",
        "initializer",
        "name",
        "path",
        "regularizer",
        "store",
        "trainable",
        "value",
    )

    def __init__(
        self,
        value: Any,
        name: str = "variable",
        trainable: bool = True,
        *,
        initializer: Any = None,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> None:
        self.value = np.array(value)
        self.name = self.path = name
        self.trainable = trainable
        self.initializer, self.regularizer, self.constraint = initializer, regularizer, constraint
        self.store: Store | None = None

    def __getstate__(self) -> dict[str, Any]:
        kept = [key for key in self.__slots__ if key not in ("__weakref__", "store")]
        return {key: getattr(self, key) for key in kept} | {"value": np.array(self.value)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for key, value in state.items():
            setattr(self, key, value)
        self.value = np.require(self.value, requirements=["W", "O"])  # joblib maps files read-only
        self.store = None  # a copy finds its home when its model is restored

    __hash__ = object.__hash__  # weights are told apart by identity
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

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.value.shape

    @property
    def dtype(self) -> str:
        """Name of the element type, as ``"float32"``."""
        return self.value.dtype.name

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.value.size

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.value.ndim

    def numpy(self) -> np.ndarray:
        """Return a copy of the array."""
        return np.array(self.value)

    def assign(self, value: Any) -> Weight:
        """Overwrite the numbers in place; the shape must be the same."""
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(
                f"Weight '{self.path}' has shape {self.shape} but got an array of shape "
                f"{value.shape}. Reshape it, or check the order of the weights."
            )
        self.value[...] = value
        return self

    def assign_add(self, value: Any) -> Weight:
        """Add to the numbers in place."""
        self.value[...] += np.asarray(value)
        return self

    def assign_sub(self, value: Any) -> Weight:
        """Subtract from the numbers in place."""
        self.value[...] -= np.asarray(value)
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.value, dtype=dtype)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __repr__(self) -> str:
        return f"<Weight {self.path} {self.dtype}{list(self.shape)}>"


class Store:
    """One contiguous array whose slices are the values of `weights`, in order."""

    def __init__(self, weights: Iterable[Weight], dtype: Any = None) -> None:
        self.weights = list(dict.fromkeys(weights))
        total = sum(w.size for w in self.weights)
        if dtype is None:
            dtype = np.result_type(*(w.value.dtype for w in self.weights)) if total else "float32"
        self.values = np.empty(total, dtype)
        self.offsets: dict[Weight, int] = {}
        start = 0
        for weight in self.weights:
            view = self.values[start : start + weight.size].reshape(weight.shape)
            view[...] = weight.value
            weight.value, weight.store = view, self
            self.offsets[weight] = start
            start += weight.size

    def holds(self, weights: Iterable[Weight]) -> bool:
        """Whether all of `weights` have their home here."""
        return all(w.store is self for w in weights)


def gather(weights: Sequence[Weight], dtype: Any = None) -> Store:
    """Return one store that holds all `weights`, moving them (and their neighbours) if needed."""
    stores = list(dict.fromkeys(w.store for w in weights))
    if len(stores) == 1 and stores[0] is not None and dtype in (None, stores[0].values.dtype):
        return stores[0]
    neighbours = [w for s in stores if s is not None for w in s.weights if w.store is s]
    return Store([*weights, *neighbours], dtype)


class Runs:
    """How the weights of one compile, packed one behind another, lie in their store.

    A packed array (a gradient, an optimizer slot) has `size` elements, weight after weight.
    `pieces` gives the longest stretches that are contiguous both packed and in the store, as
    ``(start, stop, values)``: packed positions and the view of the store at the same place.
    They are found again when the weights have moved to another store.
    """

    def __init__(self, weights: Iterable[Weight]) -> None:
        self.weights = list(weights)
        self.starts: dict[Weight, int] = {}
        self.size = 0
        for weight in self.weights:
            self.starts[weight] = self.size
            self.size += weight.size
        self._pieces: list[tuple[int, int, np.ndarray]] = []
        self._stores: list[Store | None] | None = None

    @property
    def dtype(self) -> np.dtype:
        """Element type of the weights (float32; float64 in gradient checks)."""
        return self.weights[0].value.dtype if self.weights else np.dtype("float32")

    @property
    def pieces(self) -> list[tuple[int, int, np.ndarray]]:
        """The stretches ``(start, stop, values)``."""
        stores = [w.store for w in self.weights]
        if stores != self._stores:
            self._pieces = self._find(stores)
            self._stores = stores
        return self._pieces

    def _find(self, stores: list[Store | None]) -> list[tuple[int, int, np.ndarray]]:
        found: list[tuple[int, int, Any, int]] = []
        for weight, store in zip(self.weights, stores, strict=True):
            start, size = self.starts[weight], weight.size
            at = store.offsets[weight] if store else 0
            if found and store and found[-1][2] is store and found[-1][3] == at:
                found[-1] = (found[-1][0], start + size, store, at + size)
            else:
                found.append((start, start + size, store or weight, at + size))
        pieces = []
        for start, stop, home, end in found:
            flat = home.values if isinstance(home, Store) else home.value.reshape(-1)
            pieces.append((start, stop, flat[end - (stop - start) : end]))
        return pieces

    def view(self, packed: np.ndarray, weight: Weight) -> np.ndarray:
        """The part of a packed array that belongs to `weight`, in the weight's shape."""
        start = self.starts[weight]
        return packed[start : start + weight.size].reshape(weight.shape)
