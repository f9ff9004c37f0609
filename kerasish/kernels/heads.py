"""The end of a model in one pass each: softmax or sigmoid, then losses and their gradient.

In NumPy both are a dozen calls, in each of which a shard may lose the GIL. So parts of a larger
batch, which load numba anyway, take the kernels, whatever their size. All functions return None
where there is no kernel for it.
"""

from __future__ import annotations

import numpy as np

from kerasish.kernels import compiled
from kerasish.step import Step

MOST_CLASSES = 64  # from more on NumPy's exp, which has vectors, is faster


def softmax(z: np.ndarray, step: Step) -> np.ndarray | None:
    """Softmax of z (N, C) over its last axis."""
    if not _fits(z, step) or not _are_few(z):
        return None
    y = np.empty(z.shape, z.dtype)
    compiled.heads.softmax(z, y)
    return y


def label_losses(
    p: np.ndarray, labels: np.ndarray, coefficients: np.ndarray, tiny: float, step: Step
) -> tuple[float, int, np.ndarray] | None:
    """The loss ``sum(coefficients * -log p[label])``, hits, and its gradient before softmax.

    None, too, if a label's probability is not above `tiny`.
    """
    if not _fits(p, step) or not _are_few(p):
        return None
    dz = step.empty(p.shape, p.dtype)
    loss, hits = compiled.heads.label_losses(
        p, compiled.plain(labels), coefficients, np.float32(tiny), dz
    )
    return None if hits < 0 else (loss, hits, dz)


def sigmoid(z: np.ndarray, step: Step) -> np.ndarray | None:
    """Sigmoid of z (N, C)."""
    if not _fits(z, step) or z.size < compiled.simd.LANES:
        return None
    y = step.empty(z.shape, z.dtype)
    compiled.heads.sigmoid(z.reshape(-1), y.reshape(-1))
    return y


def sigmoid_squares(
    p: np.ndarray, y: np.ndarray, coefficients: np.ndarray, step: Step
) -> tuple[float, np.ndarray] | None:
    """The loss ``sum(coefficients * mean((p - y)**2))`` and its gradient before sigmoid."""
    if not _fits(p, step):
        return None
    dz = step.empty(p.shape, p.dtype)
    return compiled.heads.sigmoid_squares(p, compiled.plain(y), coefficients, dz), dz


def sigmoid_crossentropy(
    z: np.ndarray, p: np.ndarray, y: np.ndarray, coefficients: np.ndarray, step: Step
) -> tuple[float, np.ndarray] | None:
    """The same for binary crossentropy; z are the logits of p."""
    if not _fits(p, step) or not z.flags.carray:
        return None
    dz = step.empty(p.shape, p.dtype)
    plain = compiled.plain(y)
    return compiled.heads.sigmoid_crossentropy(z, p, plain, coefficients, dz), dz


def _fits(x: np.ndarray, step: Step) -> bool:
    is_part = x.ndim == 2 and len(x) < step.batch_size
    size = compiled.MIN_ELEMENTS if is_part else x.size
    return x.ndim == 2 and x.flags.carray and compiled.chosen(size, x.dtype)


def _are_few(x: np.ndarray) -> bool:
    return 1 < x.shape[-1] <= MOST_CLASSES
