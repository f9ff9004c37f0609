"""The kernels in plain NumPy: definition, documentation and fallback (contract 4).

Each takes the step for its memory only. Arrays are float32, or float64 in gradient checks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.step import Step


def product(a: np.ndarray, b: np.ndarray, step: Step) -> np.ndarray:
    """``a @ b`` for a (..., K) and b (K, M), leading axes folded into one product."""
    out = step.empty((*a.shape[:-1], b.shape[-1]), a.dtype)
    np.matmul(a.reshape(-1, a.shape[-1]), b, out=out.reshape(-1, b.shape[-1]))
    return out


def add_bias(y: np.ndarray, bias: np.ndarray | None, relu: bool = False) -> None:
    """``y += bias`` in place for y (..., C), bias (C,); with `relu`, then ``y = max(y, 0)``."""
    if bias is not None:
        y += bias
    if relu:
        np.maximum(y, 0, out=y)


def relu_backward(
    dy: np.ndarray, y: np.ndarray, step: Step, total: bool, out: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """`dy` where relu's output y (..., C) is above 0 or NaN, else 0; and its sum (C,) if asked."""
    closed = np.less_equal(y, 0, out=step.scratch("closed", y.shape, bool))
    dz = np.multiply(dy, np.logical_not(closed, out=closed), out=out)
    return dz, row_sum(dz, step) if total else None


def row_sum(rows: np.ndarray, step: Step) -> np.ndarray:
    """Sum of (..., C) over all axes but the last; a product sums faster than ``.sum``."""
    rows = rows.reshape(-1, rows.shape[-1])
    return step.ones(len(rows), rows.dtype) @ rows


def multiply(a: np.ndarray, b: np.ndarray, step: Step) -> np.ndarray:
    """``a * b``, elementwise, `b` broadcast to the shape of `a`."""
    return np.multiply(a, b, out=step.empty(a.shape, a.dtype))


def dropout_mask(
    shape: tuple[int, ...], rate: float, rng: np.random.Generator, dtype: str | np.dtype
) -> np.ndarray:
    """Zeros with probability `rate`, else 1 / (1 - rate)."""
    if rate >= 1:
        return np.zeros(shape, dtype)
    keep = rng.random(shape, dtype=np.float32) >= rate
    return np.multiply(keep, 1 / (1 - rate), dtype=dtype)


def moments(
    x: np.ndarray, step: Step, keep: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, Any]:
    """Mean, biased variance and number of the rows of x (M, C), over all shards.

    Of masked data only the rows where `keep` (M,) is True count, and the number is Keras's
    ``count + 1e-7``. Squares are summed about each shard's own mean and then joined (Chan et al.
    1979), so that one exchange does and nothing cancels.
    """
    one = step.ones(len(x), x.dtype) if keep is None else keep.astype(x.dtype)
    count = x.dtype.type(len(x) if keep is None else one.sum())
    total = one @ (x if keep is None else np.where(keep[:, None], x, 0))
    centred = np.subtract(x, total / max(count, 1), out=step.empty(x.shape, x.dtype))
    if keep is not None:
        np.copyto(centred, 0, where=~keep[:, None])
    squares = step.ones(len(x), x.dtype) @ np.multiply(centred, centred, out=centred)
    tiny = 0 if keep is None else 1e-7

    def join(parts: list[Any]) -> tuple[np.ndarray, np.ndarray, Any]:
        number = sum(n for n, _, _ in parts) + x.dtype.type(tiny)
        mean = sum(s for _, s, _ in parts) / number
        apart = sum(q + n * (s / max(n, 1) - mean) ** 2 for n, s, q in parts)
        return mean, apart / number, number

    return step.exchange((count, total, squares), join)
