"""What a `PyDataset` keeps in its attributes and changes as it is read: orders, random numbers."""

from __future__ import annotations

import random
import zlib
from typing import Any

import numpy as np
from numpy.random import Generator, RandomState

MOST_BYTES = 2**24
"""Arrays above this size are taken for the data themselves, which do not change."""
SCALARS = (bool, int, float, complex, str, bytes, type(None), np.generic)


class Snapshot:
    """The attributes of an object that have changed since the snapshot was made.

    Numbers, text, lists, tuples and dicts of them, one-dimensional arrays (such as an order that
    `on_epoch_end` shuffles) and random generators of NumPy and Python are looked at. An object
    that has ``get_state`` and ``set_state`` is asked instead.

    Examples
    --------
    >>> class Source:
    ...     order = np.arange(3)
    >>> source = Source()
    >>> source.order, source.name = np.arange(3), "train"
    >>> snapshot = Snapshot(source)
    >>> source.order[:] = [2, 0, 1]
    >>> snapshot.changed()
    {'order': array([2, 0, 1])}
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._asks = all(callable(getattr(source, n, None)) for n in ("get_state", "set_state"))
        self._marks = {} if self._asks else marks(source)

    def _attributes(self) -> list[tuple[str, Any]]:
        return [(k, v) for k, v in vars(self._source).items() if _is_plain(v)]

    def changed(self) -> Any:
        """The state to be stored."""
        if self._asks:
            return self._source.get_state()
        return {
            key: _content(value)
            for key, value in self._attributes()
            if self._marks.get(key, self) != _mark(value)
        }

    def restore(self, state: Any) -> None:
        """Put back what `changed` returned, in an equal object of a later process."""
        if self._asks:
            self._source.set_state(state)
            return
        for key, value in state.items():
            here = self._source.__dict__.get(key)
            if isinstance(here, Generator):
                here.bit_generator.state = value
            elif isinstance(here, RandomState):
                here.set_state(value)
            elif isinstance(here, random.Random):
                here.setstate(value)
            elif isinstance(here, list) and isinstance(value, list):
                here[:] = value  # others may hold the same list
            elif _same_kind(here, value):
                here[...] = value
            else:
                self._source.__dict__[key] = value


def marks(obj: Any) -> dict[str, Any]:
    """Something small for every attribute that differs when the attribute does."""
    return {k: _mark(v) if _is_plain(v) else id(v) for k, v in vars(obj).items()}


def _same_kind(here: Any, value: Any) -> bool:
    return (
        isinstance(here, np.ndarray)
        and isinstance(value, np.ndarray)
        and here.flags.writeable
        and (here.shape, here.dtype) == (value.shape, value.dtype)
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim <= 1 and value.dtype != object and value.nbytes <= MOST_BYTES
    if isinstance(value, list | tuple):
        kinds = set(map(type, value))
        return all(issubclass(kind, SCALARS) for kind in kinds) or all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    return isinstance(value, SCALARS + (Generator, RandomState, random.Random))


def _content(value: Any) -> Any:
    """What of a value is stored."""
    if isinstance(value, Generator):
        return value.bit_generator.state
    if isinstance(value, RandomState):
        return value.get_state(legacy=False)
    if isinstance(value, random.Random):
        return value.getstate()
    return value


def _mark(value: Any) -> Any:
    """Something small that differs when the value does."""
    value = _content(value)
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, zlib.crc32(value.tobytes())
    if isinstance(value, dict):
        return tuple((k, _mark(v)) for k, v in value.items())
    if isinstance(value, list | tuple):
        try:
            return type(value).__name__, hash(tuple(value))
        except TypeError:
            return tuple(map(_mark, value))
    return type(value).__name__, value
