"""The kernels in plain NumPy: definition, documentation and fallback (contract 4).

Each takes the step for its memory only. Arrays are float32, or float64 in gradient checks.
"""

from __future__ import annotations

import numpy as np

from kerasish.step import Step, multiplied


def product(a: np.ndarray, b: np.ndarray, step: Step) -> np.ndarray:
    """``a @ b`` for a (..., K) and b (K, M), leading axes folded into one product."""
    if a.ndim == 2:
        return multiplied(a, b, step.empty((a.shape[0], b.shape[1]), a.dtype))
    out = step.empty((*a.shape[:-1], b.shape[-1]), a.dtype)
    multiplied(a.reshape(-1, a.shape[-1]), b, out.reshape(-1, b.shape[-1]))
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
    passes = np.not_equal(y, 0, out=step.scratch("passes", y.shape, bool))  # it is never below 0
    dz = np.multiply(dy, passes, out=out)
    return dz, row_sum(dz, step) if total else None


def row_sum(rows: np.ndarray, step: Step) -> np.ndarray:
    """Sum of (..., C) over all axes but the last; a product sums faster than ``.sum``."""
    rows = rows.reshape(-1, rows.shape[-1])
    return step.ones(len(rows), rows.dtype).dot(rows)


def multiply(a: np.ndarray, b: np.ndarray, step: Step) -> np.ndarray:
    """``a * b``, elementwise, `b` broadcast to the shape of `a`."""
    return np.multiply(a, b, out=step.empty(a.shape, a.dtype))
