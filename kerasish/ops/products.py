"""Products of a Dense layer, by kernels that skip zeros where those win (contract 4).

Measured offline against BLAS, one thread, 8 to 512 rows, the left side dense, half zeros (what
relu leaves) or four fifths (MNIST): a forward pass takes 0.9, 0.85 or 0.45 of BLAS's time at any
of these sizes; a kernel's gradient 0.9, 0.7 or 0.3 up to 128 rows, beyond which it needs zeros;
an input's gradient, which skips nothing, 0.3 to 0.85 up to 128 rows.
"""

from __future__ import annotations

import numpy as np

from kerasish.ops import compiled, reference
from kerasish.step import Step, multiplied

LEAST_ROWS, LEAST_UNITS, LEAST_DEPTH = 4, 64, 8
MOST_DEPTH = 4096  # so that the columns of a kernel that are worked on stay in the second cache
FORWARD_ROWS, GRADIENT_ROWS, BACKWARD_ROWS = 512, 256, 128  # at most
MANY_ROWS = 129  # from which on a kernel's gradient is left to BLAS unless so much is skipped:
SKIPPED = 0.4
WIDTH, ROWS, PAIR = 64, 4, 2  # at most as many columns, and so many rows, are summed at once


def affine(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, step: Step, relu: bool
) -> np.ndarray | None:
    """``x @ kernel + bias`` for x (N, D), then relu if asked; None if it is not for kernels."""
    (rows, depth), units = x.shape, kernel.shape[1]
    if not _fits(rows, FORWARD_ROWS, kernel.shape, x.dtype):
        return None
    start = np.zeros(units, x.dtype) if bias is None else compiled.plain(bias)
    least = np.float32(0 if relu else -np.inf)
    y = step.empty((rows, units), x.dtype)
    memory = _memory(step, -(-rows // ROWS), ROWS, depth)
    matrices = compiled.plain(x), compiled.plain(kernel)
    if not compiled.products.affine(*matrices, start, least, *memory, y):
        np.matmul(x, kernel, out=y)  # weights are not finite
        reference.add_bias(y, bias, relu)
    return y


def kernel_gradient(x: np.ndarray, dz: np.ndarray, out: np.ndarray, step: Step) -> None:
    """``out = x.T @ dz`` for x (N, D) and dz (N, units)."""
    rows, depth = x.shape
    if _fits(rows, GRADIENT_ROWS, out.shape, x.dtype) and out.flags.carray:
        start = np.zeros(WIDTH, x.dtype)
        groups = -(-depth // PAIR)
        most = groups * rows * (1.0 if rows < MANY_ROWS else 1 - SKIPPED)
        memory = _memory(step, groups, PAIR, rows)
        matrices = compiled.plain(x), compiled.plain(dz)
        if compiled.products.kernel_gradient(*matrices, most, start, *memory, out):
            return
    multiplied(x.T, dz, out)


def input_gradient(dz: np.ndarray, kernel: np.ndarray, step: Step) -> np.ndarray:
    """``dz @ kernel.T`` for dz (N, ..., units) and kernel (D, units)."""
    depth, units = kernel.shape
    rows = dz.size // units
    if not _fits(rows, BACKWARD_ROWS, kernel.shape, dz.dtype):
        return reference.product(dz, kernel.T, step)
    dx = step.empty((*dz.shape[:-1], depth), dz.dtype)
    left = compiled.plain(dz).reshape(rows, units)
    compiled.products.input_gradient(left, compiled.plain(kernel), dx.reshape(rows, depth))
    return dx


def are_plain(rows: int, kernel: tuple[int, ...], dtype: np.dtype) -> bool:
    """Whether BLAS computes all products of a layer whose kernel has this shape."""
    return not _fits(rows, max(FORWARD_ROWS, GRADIENT_ROWS, BACKWARD_ROWS), kernel, dtype)


def _fits(rows: int, most: int, kernel: tuple[int, ...], dtype: np.dtype) -> bool:
    """Whether compiled code takes a product with a kernel (D, units), by its shape alone."""
    depth, units = kernel
    shape = LEAST_ROWS <= rows <= most and LEAST_DEPTH <= depth <= MOST_DEPTH
    big = units >= LEAST_UNITS and compiled.chosen(rows * depth * units // 64, dtype)
    return shape and big


def _memory(step: Step, groups: int, together: int, length: int) -> tuple[np.ndarray, ...]:
    """Values, places and counts of lists of at most `length`, and room for a panel."""
    return (
        step.scratch("values", (groups * together * length,), np.float32),
        step.scratch("places", (groups * length,), np.int32),
        step.scratch("counts", (groups,), np.int64),
        step.scratch("panel", (length * WIDTH,), np.float32),
    )
