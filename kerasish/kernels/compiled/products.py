"""Products of a Dense layer for batches of few rows, which skip zeros on the left.

Where BLAS packs both sides, here the left one becomes lists: of every few rows (or columns) the
places where any of them is not zero, with their values. Images with a black background and the
output of relu are mostly zeros. What is skipped is ``0 * w``, which is zero for all finite `w`; if
`w` is not finite a kernel gives False, and what it has written is to be computed again otherwise.
The sums of an output are in the order of its depth, however many rows there are.
"""

import numpy as np

from kerasish.kernels.compiled.jit import kernel
from kerasish.kernels.compiled.rows import add_bias, relu_backward
from kerasish.kernels.compiled.simd import LANES, load, store, zeros
from kerasish.kernels.compiled.tiles import (
    DOT_COLUMNS,
    DOT_ROWS,
    PAIR,
    PAIR_WIDTH,
    ROWS,
    WIDTH,
    dots,
    finite,
    pair_sums,
    sums,
)

ZERO = np.float32(0)
NO_LIMIT = np.float32(-np.inf)


@kernel
def affine(x, weights, bias, least, values, places, counts, panel, y):
    """``y = max(x @ weights + bias, least)`` for x (N, D), weights (D, units) and y (N, units).

    N is at least ROWS, and units at least WIDTH. Memory that is overwritten: values (N * D,),
    places (N * D / ROWS,), counts (N / ROWS,), rounded up, and panel (D * WIDTH,).
    """
    list_rows(x, values, places, counts)
    rows, depth = x.shape
    units = weights.shape[1]
    right, out = weights.reshape(-1), y.reshape(-1)
    for block in range((units + WIDTH - 1) // WIDTH):
        j = min(block * WIDTH, units - WIDTH)  # the last may overlap the one before
        if not pack(right, j, units, depth, WIDTH, panel):
            return False
        for g in range((rows + ROWS - 1) // ROWS):
            to = min(g * ROWS, rows - ROWS) * units + j
            sums(values, places, g * depth, counts[g], panel, bias, j, least, out, to, units)
    return True


@kernel
def list_rows(x, values, places, counts):
    """Of every four rows of x (N, D) the columns where not all are zero."""
    rows, depth = x.shape
    for g in range((rows + ROWS - 1) // ROWS):
        n = min(g * ROWS, rows - ROWS)
        a, b, c, d = x[n], x[n + 1], x[n + 2], x[n + 3]
        p = g * depth
        for k in range(depth):
            e0, e1, e2, e3 = a[k], b[k], c[k], d[k]
            places[p] = k
            values[ROWS * p] = e0
            values[ROWS * p + 1] = e1
            values[ROWS * p + 2] = e2
            values[ROWS * p + 3] = e3
            p += (e0 != 0) | (e1 != 0) | (e2 != 0) | (e3 != 0)
        counts[g] = p - g * depth


@kernel
def pack(source, start, across, rows, width, panel):
    """Copy `rows` rows of `width` numbers, `across` apart, side by side; whether all are finite."""
    check = zeros()
    to = 0
    for k in range(rows):
        at = start + k * across
        for v in range(0, width, LANES):
            w = load(source, at + v)
            check = check + w * ZERO
            store(panel, to + v, w)
        to += width
    return finite(check)


@kernel
def kernel_gradient(x, dz, most, start, values, places, counts, panel, out):
    """``out = x.T @ dz`` for x (N, D), dz (N, units) and out (D, units).

    False, too, if there are more than `most` places of pairs that are not zero.

    D is at least PAIR, and units at least PAIR_WIDTH; `start` has so many zeros. Memory that is
    overwritten: values (N * D,), places (N * D / PAIR,), counts (D / PAIR,), rounded up, and
    panel (N * PAIR_WIDTH,).
    """
    list_columns(x, values, places, counts)
    rows, depth = x.shape
    if counts[: (depth + PAIR - 1) // PAIR].sum() > most:
        return False
    units = dz.shape[1]
    right, flat = dz.reshape(-1), out.reshape(-1)
    for block in range((units + PAIR_WIDTH - 1) // PAIR_WIDTH):
        j = min(block * PAIR_WIDTH, units - PAIR_WIDTH)
        if not pack(right, j, units, rows, PAIR_WIDTH, panel):
            return False
        for g in range((depth + PAIR - 1) // PAIR):
            to = min(g * PAIR, depth - PAIR) * units + j
            first, count = g * rows, counts[g]
            pair_sums(values, places, first, count, panel, start, 0, NO_LIMIT, flat, to, units)
    return True


@kernel
def list_columns(x, values, places, counts):
    """Of every two columns of x (N, D) the rows where not both are zero."""
    rows, depth = x.shape
    for g in range((depth + PAIR - 1) // PAIR):
        k = min(g * PAIR, depth - PAIR)
        p = g * rows
        for n in range(rows):
            e0, e1 = x[n, k], x[n, k + 1]
            places[p] = n
            values[PAIR * p] = e0
            values[PAIR * p + 1] = e1
            p += (e0 != 0) | (e1 != 0)
        counts[g] = p - g * rows


@kernel
def input_gradient(dz, weights, dx):
    """``dx = dz @ weights.T`` for dz (N, units), weights (D, units) and dx (N, D).

    N is at least DOT_ROWS and D at least DOT_COLUMNS. Nothing is skipped.
    """
    rows, units = dz.shape
    depth = weights.shape[0]
    left, right, out = dz.reshape(-1), weights.reshape(-1), dx.reshape(-1)
    rest = units - units % LANES
    for block in range((depth + DOT_COLUMNS - 1) // DOT_COLUMNS):
        k = min(block * DOT_COLUMNS, depth - DOT_COLUMNS)
        for group in range((rows + DOT_ROWS - 1) // DOT_ROWS):
            n = min(group * DOT_ROWS, rows - DOT_ROWS)
            dots(left, n * units, right, k * units, units, out, n * depth + k, depth)
            for r in range(n, n + DOT_ROWS if rest < units else n):
                for c in range(k, k + DOT_COLUMNS):
                    total = dx[r, c]
                    for j in range(rest, units):
                        total += dz[r, j] * weights[c, j]
                    dx[r, c] = total


@kernel
def turn(a, out):
    """``out = a.T`` for a (M, N), the longer axis inside."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = a[j, i]


@kernel
def narrow_affine(x, weights, bias, relu, turned, y):
    """`affine`, relu if asked, for few units: at least DOT_COLUMNS. `turned` is (units, D)."""
    turn(weights, turned)
    input_gradient(x, turned, y)
    add_bias(y, bias, relu)


@kernel
def backward(
    dy, y, relu, x, weights, most, start, values, places, counts, panel, turned, dz, total, out, dx
):
    """All of a Dense layer's backward pass: of relu, if asked, bias, kernel and input.

    The gradients are `total` (units,), `out` (D, units) and `dx` (N, D); an empty `total` or `dx`
    is not wanted. Without relu `dz` is `dy`. A layer of few units has `turned` (units, D); the
    others have an empty one. `start` has as many zeros as the longest row.
    """
    depth, units = weights.shape
    if relu:
        relu_backward(dy, y, dz, total)
    elif total.shape[0]:
        sum_rows(dz, total)
    if turned.shape[0]:
        found = kernel_gradient(dz, x, most, start, values, places, counts, panel, turned)
        for k in range(depth):
            for j in range(units):
                out[k, j] = turned[j, k]
        if found and dx.shape[0]:
            turn(weights, turned)
            found = affine(dz, turned, start, NO_LIMIT, values, places, counts, panel, dx)
        return found
    if not kernel_gradient(x, dz, most, start, values, places, counts, panel, out):
        return False
    if dx.shape[0]:
        input_gradient(dz, weights, dx)
    return True


@kernel
def sum_rows(rows, total):
    """``total = rows.sum(0)``."""
    total[:] = 0
    for i in range(rows.shape[0]):
        row = rows[i]
        for c in range(total.shape[0]):
            total[c] += row[c]
