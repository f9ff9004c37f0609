"""The end of a classifier in one pass each: softmax, and losses, hits and gradient from labels.

In NumPy both are a dozen calls on small arrays, in each of which a shard may lose the GIL. So
parts of a larger batch, which load numba anyway, take the kernels, whatever their size.
"""

from __future__ import annotations

import numpy as np

from kerasish.kernels import compiled
from kerasish.step import Step

MOST_CLASSES = 64  # from more on NumPy's exp, which has vectors, is faster


def softmax(z: np.ndarray, step: Step) -> np.ndarray | None:
    """Softmax of z (N, C) over its last axis, or None if it is not for kernels."""
    if not _fits(z, step):
        return None
    y = np.empty(z.shape, z.dtype)
    compiled.heads.softmax(z, y)
    return y


def label_losses(
    p: np.ndarray, labels: np.ndarray, coefficients: np.ndarray, tiny: float, step: Step
) -> tuple[float, int, np.ndarray] | None:
    """The loss ``sum(coefficients * -log p[label])``, hits, and its gradient before softmax.

    None if it is not for kernels, or a label's probability is not above `tiny`.
    """
    if not _fits(p, step):
        return None
    dz = step.empty(p.shape, p.dtype)
    loss, hits = compiled.heads.label_losses(
        p, compiled.plain(labels), coefficients, np.float32(tiny), dz
    )
    return None if hits < 0 else (loss, hits, dz)


def _fits(x: np.ndarray, step: Step) -> bool:
    is_part = x.ndim == 2 and len(x) < step.batch_size
    few = is_part and 1 < x.shape[-1] <= MOST_CLASSES
    return few and x.flags.carray and compiled.chosen(compiled.MIN_ELEMENTS, x.dtype)
