"""Arrays that never change and are wanted again and again: made once where they are small."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

MOST_KEPT = 4096  # elements; beyond, making an array takes no part worth sparing


def ones(count: int, dtype: Any) -> np.ndarray:
    """A vector of ones (read only): a product with it sums rows or columns."""
    return _ones(count, dtype) if count <= MOST_KEPT else np.ones(count, dtype)


def starts(rows: int, columns: int) -> np.ndarray:
    """Where each row of an array (rows, columns) begins in its memory (read only)."""
    if rows > MOST_KEPT:
        return np.arange(0, rows * columns, columns)
    return _starts(rows, columns)


@functools.lru_cache(maxsize=64)
def numbers(dtype: np.dtype, *values: float) -> tuple[np.ndarray, ...]:
    """Numbers as arrays without axes, which a ufunc takes faster than Python's (read only)."""
    return tuple(_fixed(np.array(value, dtype)) for value in values)


@functools.lru_cache(maxsize=64)
def _ones(count: int, dtype: Any) -> np.ndarray:
    return _fixed(np.ones(count, dtype))


@functools.lru_cache(maxsize=64)
def _starts(rows: int, columns: int) -> np.ndarray:
    return _fixed(np.arange(rows) * columns)


def _fixed(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
