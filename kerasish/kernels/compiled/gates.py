"""Parts of the kernels of `recurrent`: products with the states' kernel, and activations.

A kernel (K, columns) comes as panels of 16 columns, (columns / 16, K, 16). The units of a gate are
a multiple of 16, so that a gate has panels of its own.
"""

from kerasish.kernels.compiled.jit import inlined, kernel
from kerasish.kernels.compiled.simd import (
    LANES,
    fill,
    hyperbolic,
    load,
    positive,
    spread,
    store,
    where_above,
    zeros,
)

PANEL = 2 * LANES
LINEAR, TANH, SIGMOID, RELU, HARD_SIGMOID, HARD_SIGMOID_2 = range(6)


@inlined
def squash(x, kind):
    """An activation."""
    if kind == SIGMOID:
        return 0.5 * hyperbolic(0.5 * x) + 0.5
    if kind == TANH:
        return hyperbolic(x)
    if kind == RELU:
        return positive(x)
    if kind == HARD_SIGMOID:
        return cut(x * (1 / 6) + 0.5)
    if kind == HARD_SIGMOID_2:
        return cut(x * 0.2 + 0.5)
    return x


@inlined
def cut(x):
    """What lies outside 0 to 1 moved there; NaN stays."""
    one = fill(1.0)
    return where_above(x, one, one, positive(x))


@inlined
def slope(y, kind):
    """The derivative of an activation, from its value."""
    if kind == SIGMOID:
        return y * (1.0 - y)
    if kind == TANH:
        return 1.0 - y * y
    if kind == LINEAR:
        return fill(1.0)
    steep = fill(1.0)
    if kind == HARD_SIGMOID:
        steep = fill(1 / 6)
    if kind == HARD_SIGMOID_2:
        steep = fill(0.2)
    if kind != RELU:
        steep = where_above(fill(1.0), y, steep, zeros())
    return where_above(y, zeros(), steep, zeros())


@kernel
def _add_6_rows(source, s, step, depth, weights, at, target, t, across, width):
    """Six rows of a product, 16 columns at once: 12 sums, which most processors can hold."""
    for first in range(t, t + width, PANEL):
        t1 = first + across
        t2 = first + 2 * across
        t3 = first + 3 * across
        t4 = first + 4 * across
        t5 = first + 5 * across
        a0, b0 = load(target, first), load(target, first + LANES)
        a1, b1 = load(target, t1), load(target, t1 + LANES)
        a2, b2 = load(target, t2), load(target, t2 + LANES)
        a3, b3 = load(target, t3), load(target, t3 + LANES)
        a4, b4 = load(target, t4), load(target, t4 + LANES)
        a5, b5 = load(target, t5), load(target, t5 + LANES)
        for k in range(s, s + depth):
            u, v = load(weights, at), load(weights, at + LANES)
            at += PANEL
            e = spread(source, k)
            a0, b0 = a0 + e * u, b0 + e * v
            e = spread(source, k + step)
            a1, b1 = a1 + e * u, b1 + e * v
            e = spread(source, k + 2 * step)
            a2, b2 = a2 + e * u, b2 + e * v
            e = spread(source, k + 3 * step)
            a3, b3 = a3 + e * u, b3 + e * v
            e = spread(source, k + 4 * step)
            a4, b4 = a4 + e * u, b4 + e * v
            e = spread(source, k + 5 * step)
            a5, b5 = a5 + e * u, b5 + e * v
        store(target, first, a0)
        store(target, first + LANES, b0)
        store(target, t1, a1)
        store(target, t1 + LANES, b1)
        store(target, t2, a2)
        store(target, t2 + LANES, b2)
        store(target, t3, a3)
        store(target, t3 + LANES, b3)
        store(target, t4, a4)
        store(target, t4 + LANES, b4)
        store(target, t5, a5)
        store(target, t5 + LANES, b5)


@kernel
def _add_4_rows(source, s, step, depth, weights, at, target, t, across, width):
    """As `_add_6_rows`, four rows."""
    for first in range(t, t + width, PANEL):
        t1 = first + across
        t2 = first + 2 * across
        t3 = first + 3 * across
        a0, b0 = load(target, first), load(target, first + LANES)
        a1, b1 = load(target, t1), load(target, t1 + LANES)
        a2, b2 = load(target, t2), load(target, t2 + LANES)
        a3, b3 = load(target, t3), load(target, t3 + LANES)
        for k in range(s, s + depth):
            u, v = load(weights, at), load(weights, at + LANES)
            at += PANEL
            e = spread(source, k)
            a0, b0 = a0 + e * u, b0 + e * v
            e = spread(source, k + step)
            a1, b1 = a1 + e * u, b1 + e * v
            e = spread(source, k + 2 * step)
            a2, b2 = a2 + e * u, b2 + e * v
            e = spread(source, k + 3 * step)
            a3, b3 = a3 + e * u, b3 + e * v
        store(target, first, a0)
        store(target, first + LANES, b0)
        store(target, t1, a1)
        store(target, t1 + LANES, b1)
        store(target, t2, a2)
        store(target, t2 + LANES, b2)
        store(target, t3, a3)
        store(target, t3 + LANES, b3)


@kernel
def _add_1_rows(source, s, step, depth, weights, at, target, t, across, width):
    """As `_add_6_rows`, one row."""
    for first in range(t, t + width, PANEL):
        a0, b0 = load(target, first), load(target, first + LANES)
        for k in range(s, s + depth):
            u, v = load(weights, at), load(weights, at + LANES)
            at += PANEL
            e = spread(source, k)
            a0, b0 = a0 + e * u, b0 + e * v
        store(target, first, a0)
        store(target, first + LANES, b0)


@kernel
def add_product(x, s, panels, first, count, out, t):
    """``out[:, t:] += x[:, s:] @ kernel`` with `count` panels from `first` on, of K rows each."""
    rows, depth, step, across = x.shape[0], panels.shape[1], x.shape[1], out.shape[1]
    source, weights, target = x.reshape(-1), panels.reshape(-1), out.reshape(-1)
    at, width, n = first * depth * PANEL, count * PANEL, 0
    while n < rows:
        left, a, b = rows - n, n * step + s, n * across + t
        if left >= 6 and left != 8:
            _add_6_rows(source, a, step, depth, weights, at, target, b, across, width)
            n += 6
        elif left >= 4:
            _add_4_rows(source, a, step, depth, weights, at, target, b, across, width)
            n += 4
        else:
            _add_1_rows(source, a, step, depth, weights, at, target, b, across, width)
            n += 1


@kernel
def add_gates(h, panels, masks, work, z, first, last):
    """``z_g += (h * masks[g]) @ kernel_g`` for the gates from `first` to before `last`.

    `masks` (gates, N, U) are those of dropout, or empty. `work` is like h.
    """
    units = h.shape[1]
    count = units // PANEL
    if masks.shape[0] == 0:
        add_product(h, 0, panels, first * count, (last - first) * count, z, first * units)
        return
    source, kept = h.reshape(-1), work.reshape(-1)
    for g in range(first, last):
        mask = masks[g].reshape(-1)
        for j in range(0, source.shape[0], LANES):
            store(kept, j, load(source, j) * load(mask, j))
        add_product(work, 0, panels, g * count, count, z, g * units)


@kernel
def add_back(dz, panels, masks, work, dh, first, last):
    """``dh += masks[g] * (dz_g @ kernel_g.T)`` for the gates from `first` to before `last`.

    `panels` are those of ``kernel_g.T``, gate after gate, or those of ``kernel.T`` (all gates
    side by side, no masks).
    """
    units = dh.shape[1]
    count = units // PANEL
    if panels.shape[1] != units:
        add_product(dz, 0, panels, 0, count, dh, 0)
        return
    target, part = dh.reshape(-1), work.reshape(-1)
    for g in range(first, last):
        if masks.shape[0] == 0:
            add_product(dz, g * units, panels, g * count, count, dh, 0)
            continue
        for j in range(0, part.shape[0], LANES):
            store(part, j, zeros())
        add_product(dz, g * units, panels, g * count, count, work, 0)
        mask = masks[g].reshape(-1)
        for j in range(0, part.shape[0], LANES):
            store(target, j, load(target, j) + load(part, j) * load(mask, j))
