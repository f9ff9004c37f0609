"""Products of a Dense layer, by kernels that skip zeros where those win (contract 4).

Measured offline against BLAS, one thread, 8 to 512 rows, the left side dense, half zeros (what
relu leaves) or four fifths (MNIST): a forward pass takes 0.9, 0.85 or 0.45 of BLAS's time at any
of these sizes; a kernel's gradient 0.9, 0.7 or 0.3 up to 128 rows, beyond which it needs zeros;
an input's gradient, which skips nothing, 0.3 to 0.85 up to 128 rows.
"""

from __future__ import annotations

import numpy as np

from kerasish.kernels import compiled, reference
from kerasish.step import Step, multiplied

ZERO, NO_LIMIT = np.float32(0), np.float32(-np.inf)
LEAST_ROWS, LEAST_DEPTH = 4, 8
NARROW = 64  # units from which on a product is not narrow, which it may be where depth is as much
LEAST_NARROW = 8
MOST_DEPTH = 4096  # so that the columns of a kernel that are worked on stay in the second cache
FORWARD_ROWS, GRADIENT_ROWS, BACKWARD_ROWS = 512, 256, 128  # at most
MANY_ROWS = 129  # from which on a kernel's gradient is left to BLAS unless so much is skipped:
SKIPPED = 0.4
WIDTH, ROWS, PAIR = 64, 4, 2  # at most as many columns, and so many rows, are summed at once
# Multiplications that are worth a kernel: of a batch in one shard, and of a part of a larger one,
# whose other kernels load numba anyway.
WORTH, WORTH_IN_SHARDS = 64, 16


def affine(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, step: Step, relu: bool
) -> np.ndarray | None:
    """``x @ kernel + bias`` for x (N, D), then relu if asked; None if it is not for kernels."""
    (rows, depth), units = x.shape, kernel.shape[1]
    if not fits(rows, FORWARD_ROWS, kernel.shape, x.dtype, is_part(rows, step)):
        return None
    start = step.zeros(units, x.dtype) if bias is None else compiled.plain(bias)
    y = step.empty((rows, units), x.dtype)
    matrices = compiled.plain(x), compiled.plain(kernel), start
    if units < NARROW:
        turned = step.scratch("turned", (units, depth), x.dtype)
        compiled.products.narrow_affine(*matrices, relu, turned, y)
        return y
    lists = memory(step, -(-rows // ROWS), ROWS, depth)
    if not compiled.products.affine(*matrices, ZERO if relu else NO_LIMIT, *lists, y):
        multiplied(x, kernel, y)  # weights are not finite
        reference.add_bias(y, bias, relu)
    return y


def kernel_gradient(x: np.ndarray, dz: np.ndarray, out: np.ndarray, step: Step) -> None:
    """``out = x.T @ dz`` for x (N, D) and dz (N, units)."""
    rows, depth = x.shape
    wide = dz.shape[1] >= NARROW and out.flags.carray
    if wide and fits(rows, GRADIENT_ROWS, out.shape, x.dtype, is_part(rows, step)):
        groups = -(-depth // PAIR)
        most = groups * rows * (1.0 if rows < MANY_ROWS else 1 - SKIPPED)
        lists = memory(step, groups, PAIR, rows)
        matrices = compiled.plain(x), compiled.plain(dz)
        start = step.zeros(WIDTH, x.dtype)
        if compiled.products.kernel_gradient(*matrices, most, start, *lists, out):
            return
    multiplied(x.T, dz, out)


def input_gradient(dz: np.ndarray, kernel: np.ndarray, step: Step) -> np.ndarray:
    """``dz @ kernel.T`` for dz (N, ..., units) and kernel (D, units)."""
    depth, units = kernel.shape
    rows = dz.size // units
    part = is_part(rows, step)
    if units < NARROW or not fits(rows, BACKWARD_ROWS, kernel.shape, dz.dtype, part):
        return reference.product(dz, kernel.T, step)
    dx = step.empty((*dz.shape[:-1], depth), dz.dtype)
    left = compiled.plain(dz).reshape(rows, units)
    compiled.products.input_gradient(left, compiled.plain(kernel), dx.reshape(rows, depth))
    return dx


def are_plain(rows: int, kernel: tuple[int, ...], dtype: np.dtype) -> bool:
    """Whether BLAS computes all products of a layer whose kernel has this shape."""
    return not fits(rows, max(FORWARD_ROWS, GRADIENT_ROWS, BACKWARD_ROWS), kernel, dtype)


def backward(
    dy: np.ndarray,
    y: np.ndarray | None,
    x: np.ndarray,
    kernel: np.ndarray,
    out: np.ndarray,
    total: np.ndarray | None,
    step: Step,
    needs_dx: bool,
) -> tuple[bool, np.ndarray | None]:
    """All of a layer's backward pass at once: whether it was done, and dx if that is needed.

    `y` is relu's output, if there is relu; `out` becomes the kernel's gradient, `total` the bias's.
    """
    (rows, depth), units = x.shape, dy.shape[-1]
    if not (
        fits(rows, BACKWARD_ROWS, kernel.shape, x.dtype, is_part(rows, step)) and out.flags.carray
    ):
        return False, None
    narrow = units < NARROW
    nothing = step.zeros(0, x.dtype)
    groups, length = -(-(units if narrow else depth) // PAIR), max(rows, units if narrow else 0)
    lists = memory(step, max(groups, -(-rows // ROWS)), ROWS, length)
    turned = step.scratch("turned", (units if narrow else 0, depth), x.dtype)
    dy = compiled.plain(dy)
    dz = dy if y is None else step.scratch("dz", dy.shape, dy.dtype)
    if total is None:
        total = nothing if y is None else np.empty(units, dy.dtype)
    dx = step.empty(x.shape, x.dtype) if needs_dx else nothing.reshape(0, depth)
    done = compiled.products.backward(
        dy,
        dy if y is None else y,
        y is not None,
        compiled.plain(x),
        compiled.plain(kernel),
        float(groups * rows),
        step.zeros(max(WIDTH, depth), x.dtype),
        *lists,
        turned,
        dz,
        total,
        out,
        dx,
    )
    return done, dx if needs_dx else None


def is_part(rows: int, step: Step) -> bool:
    """Whether so many rows are a part of a larger batch."""
    return rows < step.batch_size


def fits(
    rows: int, most: int, kernel: tuple[int, ...], dtype: np.dtype, part: bool = False
) -> bool:
    """Whether compiled code takes a product with a kernel (D, units), by its shape alone."""
    depth, units = kernel
    if not (LEAST_ROWS <= rows <= most and LEAST_DEPTH <= depth <= MOST_DEPTH):
        return False
    if units < NARROW and (units < LEAST_NARROW or depth < NARROW or rows > BACKWARD_ROWS):
        return False
    worth = WORTH_IN_SHARDS if part else WORTH
    return compiled.chosen(rows * depth * units // worth, dtype)


def memory(step: Step, groups: int, together: int, length: int) -> tuple[np.ndarray, ...]:
    """Values, places and counts of lists of at most `length`, and room for a panel."""
    return (
        step.scratch("values", (groups * together * length,), np.float32),
        step.scratch("places", (groups * length,), np.int32),
        step.scratch("counts", (groups,), np.int64),
        step.scratch("panel", (length * WIDTH,), np.float32),
    )
