"""Passes over rows or flat arrays: bias and relu, forward and backward, and dropout."""

import numpy as np

from kerasish.kernels.compiled.jit import kernel

ZERO = np.float32(0)


@kernel
def _add_row(out, bias):
    for c in range(out.shape[0]):
        out[c] += bias[c]


@kernel
def _add_row_relu(out, bias):
    for c in range(out.shape[0]):
        y = out[c] + bias[c]
        out[c] = 0 if y <= 0 else y  # NaN is not <= 0 and stays


@kernel
def add_bias(y, bias, relu):
    """``y += bias`` in place, or ``y = relu(y + bias)``, for y (M, C) and bias (C,)."""
    for i in range(y.shape[0]):
        if relu:
            _add_row_relu(y[i], bias)
        else:
            _add_row(y[i], bias)


@kernel
def _gate_row(dz, dy, y):
    for c in range(dz.shape[0]):
        dz[c] = 0 if y[c] <= 0 else dy[c]


@kernel
def relu_backward(dy, y, dz, total):
    """``dz = dy`` where y is not below or at 0; `total` (C,) becomes the sum of its rows."""
    total[:] = 0
    for i in range(y.shape[0]):
        _gate_row(dz[i], dy[i], y[i])
        _add_row(total, dz[i])


@kernel
def add_up(rows, total):
    """`total` (C,) becomes the sum of the rows, as `relu_backward` has it."""
    total[:] = 0
    for i in range(rows.shape[0]):
        _add_row(total, rows[i])


@kernel
def drop(x, bits, least, scale, y):
    """``y = x * scale`` where `bits` is at least `least`, else ``x * 0``, all flat."""
    for i in range(y.shape[0]):
        y[i] = x[i] * (scale if bits[i] >= least else ZERO)


@kernel
def scatter(table, indices, rows):
    """``table[indices[i]] += rows[i]`` for tables and rows of the same width."""
    for i in range(indices.shape[0]):
        _add_row(table[indices[i]], rows[i])


@kernel
def move_rows(table, source, indices):
    """``table[i] += source[i]``, then ``source[i] = 0``, for each i of `indices`."""
    for k in range(indices.shape[0]):
        i = indices[k]
        _add_row(table[i], source[i])
        source[i] = ZERO
