"""Passes of batch normalisation over x (P, L): a row is one or several rows of channels in turn.

Long rows vectorise well, so whoever calls puts several short ones together and repeats the numbers
of the channels. Sums are made of sums over `BLOCK` rows, which keeps them exact and cached.
"""

import numpy as np

from kerasish.kernels.compiled.jit import kernel

BLOCK = 32
ZERO = np.float32(0)


@kernel
def _add(total, row):
    for c in range(total.shape[0]):
        total[c] += row[c]


@kernel
def _add_square(total, row, mean):
    for c in range(total.shape[0]):
        d = row[c] - mean[c]
        total[c] += d * d


@kernel
def _add_product(total, dy, x, mean):
    for c in range(total.shape[0]):
        total[c] += dy[c] * (x[c] - mean[c])


@kernel
def _join(mean, squares, other, spread, weight, share):
    for c in range(mean.shape[0]):
        apart = other[c] - mean[c]
        mean[c] += apart * share
        squares[c] += spread[c] + apart * apart * weight


@kernel
def moments(x, mean, squares):
    """Mean of the rows, and sum of the squares about it, joined block by block (Chan et al.)."""
    rows, length = x.shape
    other, spread = np.empty(length, np.float32), np.empty(length, np.float32)
    mean[:] = ZERO
    squares[:] = ZERO
    for start in range(0, rows, BLOCK):
        stop = min(start + BLOCK, rows)
        other[:] = ZERO
        spread[:] = ZERO
        for r in range(start, stop):
            _add(other, x[r])
        other /= np.float32(stop - start)
        for r in range(start, stop):
            _add_square(spread, x[r], other)
        share = np.float32((stop - start) / stop)
        _join(mean, squares, other, spread, np.float32(start) * share, share)


@kernel
def _normalise(y, x, mean, scale, shift):
    for c in range(y.shape[0]):
        y[c] = (x[c] - mean[c]) * scale[c] + shift[c]


@kernel
def normalise(x, mean, scale, shift, y):
    """``(x - mean) * scale + shift``."""
    for r in range(x.shape[0]):
        _normalise(y[r], x[r], mean, scale, shift)


@kernel
def sums(dy, x, mean, total, products):
    """Sums of the rows of `dy` and of ``dy * (x - mean)``."""
    rows, length = x.shape
    one, other = np.empty(length, np.float32), np.empty(length, np.float32)
    total[:] = ZERO
    products[:] = ZERO
    for start in range(0, rows, BLOCK):
        one[:] = ZERO
        other[:] = ZERO
        for r in range(start, min(start + BLOCK, rows)):
            _add(one, dy[r])
            _add_product(other, dy[r], x[r], mean)
        _add(total, one)
        _add(products, other)


@kernel
def _combine(dx, dy, x, mean, factor, slope):
    for c in range(dx.shape[0]):
        dx[c] = dy[c] * factor[c] - (x[c] - mean[c]) * slope[c]


@kernel
def _subtract(dx, level):
    for c in range(dx.shape[0]):
        dx[c] -= level[c]


@kernel
def backward(dy, x, mean, factor, slope, level, dx):
    """``factor * dy - slope * (x - mean) - level``."""
    for r in range(x.shape[0]):
        _combine(dx[r], dy[r], x[r], mean, factor, slope)
        _subtract(dx[r], level)
