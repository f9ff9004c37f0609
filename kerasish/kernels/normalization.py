"""Batch normalisation of rows (M, C) in four passes over memory, compiled where big.

`moments` and `normalise` go forward, `normalised_sums` and `normalise_backward` backward. The
standardised rows are not kept: ``(x - mean) / deviation`` is computed again where it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.kernels import compiled
from kerasish.step import Step

BLOCK = 1 << 15  # elements of a block of rows in plain NumPy: what is made of it stays in the cache
ROW = 256  # elements that kernels run over at once, several rows of few channels


def moments(
    x: np.ndarray, step: Step, keep: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, Any]:
    """Mean, biased variance and number of the rows of x (M, C), over all shards.

    Of masked data only the rows where `keep` (M,) is True count, and the number is Keras's
    ``count + 1e-7``. Squares are summed about each block's own mean and then joined (Chan et al.
    1979), so that one exchange does and nothing cancels.
    """
    if keep is not None:
        x = x[keep]
    tiny = x.dtype.type(0 if keep is None else 1e-7)
    if compiled.chosen(x.size, x.dtype):
        parts = _compiled_moments(x)
    else:
        parts = [_block_moments(x[rows], step) for rows in _blocks(x)]
    if not parts:  # no row counts
        parts = [(x.dtype.type(0), *np.zeros((2, x.shape[1]), x.dtype))]
    count, total, squares = _join(parts)

    def join(shards: list[Any]) -> tuple[np.ndarray, np.ndarray, Any]:
        count, total, squares = _join(shards, tiny)
        number = count + tiny
        return total / (number or 1), squares / (number or 1), number

    return step.exchange((count, total, squares), join)


def _join(parts: list[Any], tiny: Any = 0) -> tuple[Any, np.ndarray, np.ndarray]:
    """Number, sum, and sum of squares about the mean, from those of disjoint parts."""
    if len(parts) == 1 and not tiny:
        return parts[0]
    count = sum(n for n, _, _ in parts)
    total = sum(s for _, s, _ in parts)
    mean = total / (count + tiny or 1)
    return count, total, sum(q + n * (s / max(n, 1) - mean) ** 2 for n, s, q in parts)


def _block_moments(x: np.ndarray, step: Step) -> tuple[Any, np.ndarray, np.ndarray]:
    one, count = step.ones(len(x), x.dtype), x.dtype.type(len(x))
    total = one @ x
    centred = np.subtract(x, total / count, out=step.scratch("centred", x.shape, x.dtype))
    return count, total, one @ np.multiply(centred, centred, out=centred)


def _compiled_moments(x: np.ndarray) -> list[tuple[Any, np.ndarray, np.ndarray]]:
    parts = []
    for rows, repeats in _long_rows(x):
        count = np.float32(len(rows))
        mean, squares = np.empty((2, rows.shape[1]), x.dtype)
        compiled.normalization.moments(rows, mean, squares)
        sums = zip(mean.reshape(repeats, -1) * count, squares.reshape(repeats, -1), strict=True)
        parts += [(count, s, q) for s, q in sums]
    return parts


def normalise(
    x: np.ndarray, mean: np.ndarray, scale: np.ndarray, shift: np.ndarray, step: Step
) -> np.ndarray:
    """``(x - mean) * scale + shift`` for x (M, C) and numbers (C,)."""
    y = step.empty(x.shape, x.dtype)
    if compiled.chosen(x.size, x.dtype):
        for (rows, repeats), (out, _) in zip(_long_rows(x), _long_rows(y), strict=True):
            numbers = (np.tile(a, repeats) for a in (mean, scale, shift))
            compiled.normalization.normalise(rows, *numbers, out)
        return y
    for block in _blocks(x):
        out = np.subtract(x[block], mean, out=y[block])
        out *= scale
        out += shift
    return y


def normalised_sums(
    dy: np.ndarray, x: np.ndarray, mean: np.ndarray, inverse: np.ndarray, step: Step
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the rows of `dy` and of ``dy * (x - mean) * inverse``."""
    total, products = np.zeros((2, x.shape[1]), x.dtype)
    if compiled.chosen(x.size, x.dtype):
        for (some, repeats), (rows, _) in zip(_long_rows(dy), _long_rows(x), strict=True):
            one, other = np.empty((2, rows.shape[1]), x.dtype)
            compiled.normalization.sums(some, rows, np.tile(mean, repeats), one, other)
            total += one.reshape(repeats, -1).sum(0)
            products += other.reshape(repeats, -1).sum(0)
        return total, products * inverse
    for block in _blocks(x):
        some = dy[block]
        ones = step.ones(len(some), x.dtype)
        centred = np.subtract(x[block], mean, out=step.scratch("centred", some.shape, x.dtype))
        total += ones @ some
        products += ones @ np.multiply(centred, some, out=centred)
    return total, products * inverse


def normalise_backward(
    dy: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    factor: np.ndarray,
    slope: np.ndarray,
    level: np.ndarray,
    step: Step,
) -> np.ndarray:
    """``factor * dy - slope * (x - mean) - level``.

    The first term is by way of `x` itself, the others by way of the variance and the mean.
    """
    dx = step.empty(x.shape, x.dtype)
    if compiled.chosen(x.size, x.dtype):
        parts = zip(_long_rows(dy), _long_rows(x), _long_rows(dx), strict=True)
        for (some, repeats), (rows, _), (out, _) in parts:
            numbers = (np.tile(a, repeats) for a in (mean, factor, slope, level))
            compiled.normalization.backward(some, rows, *numbers, out)
        return dx
    for block in _blocks(x):
        some = x[block]
        centred = np.subtract(some, mean, out=step.scratch("centred", some.shape, x.dtype))
        centred *= slope
        centred += level
        out = np.multiply(dy[block], factor, out=dx[block])
        out -= centred
    return dx


def _blocks(x: np.ndarray) -> Iterator[slice]:
    """Cut the rows of (M, C) into blocks for the cache."""
    count = max(BLOCK // max(x.shape[1], 1), 1)
    return (slice(start, min(start + count, len(x))) for start in range(0, len(x), count))


def _long_rows(x: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """(M, C) with several rows put together into long ones, how many; then those left over."""
    x = compiled.plain(x)
    rows, channels = x.shape
    repeats = max(min(ROW // channels, rows), 1)
    whole = rows - rows % repeats
    yield x[:whole].reshape(-1, channels * repeats), repeats
    if whole < rows:
        yield x[whole:], 1
