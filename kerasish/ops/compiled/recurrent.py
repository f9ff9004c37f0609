"""Whole recurrences over time, their products included, in one call without the GIL.

Arrays are time-major and contiguous, gates side by side, and the units of a gate a multiple of 16
(`kerasish.ops.sequences` pads). Kernels come as panels of 16 columns, (columns / 16, K, 16).
`keep` (T, N) is 0 where a step is masked; (0, 0) if none is. What is called z holds a gate's input
before a pass forward and its value after it; backward turns it into the gradient of the input.
"""

from kerasish.ops.compiled.jit import kernel
from kerasish.ops.compiled.simd import LANES, fill, hyperbolic, load, spread, store

PANEL = 2 * LANES


@kernel
def _add_6_rows(source, weights, target, n, depth, columns):
    """Rows n to n + 5 of a product with all panels, 16 columns at once: 12 sums in registers."""
    at = 0
    for first in range(n * columns, (n + 1) * columns, PANEL):
        t0 = first
        t1 = first + columns
        t2 = first + 2 * columns
        t3 = first + 3 * columns
        t4 = first + 4 * columns
        t5 = first + 5 * columns
        a0, b0 = load(target, t0), load(target, t0 + LANES)
        a1, b1 = load(target, t1), load(target, t1 + LANES)
        a2, b2 = load(target, t2), load(target, t2 + LANES)
        a3, b3 = load(target, t3), load(target, t3 + LANES)
        a4, b4 = load(target, t4), load(target, t4 + LANES)
        a5, b5 = load(target, t5), load(target, t5 + LANES)
        for k in range(n * depth, (n + 1) * depth):
            u, v = load(weights, at), load(weights, at + LANES)
            at += PANEL
            e = spread(source, k)
            a0, b0 = a0 + e * u, b0 + e * v
            e = spread(source, k + depth)
            a1, b1 = a1 + e * u, b1 + e * v
            e = spread(source, k + 2 * depth)
            a2, b2 = a2 + e * u, b2 + e * v
            e = spread(source, k + 3 * depth)
            a3, b3 = a3 + e * u, b3 + e * v
            e = spread(source, k + 4 * depth)
            a4, b4 = a4 + e * u, b4 + e * v
            e = spread(source, k + 5 * depth)
            a5, b5 = a5 + e * u, b5 + e * v
        store(target, t0, a0)
        store(target, t0 + LANES, b0)
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
def _add_4_rows(source, weights, target, n, depth, columns):
    """As `_add_6_rows`, four rows."""
    at = 0
    for first in range(n * columns, (n + 1) * columns, PANEL):
        t0 = first
        t1 = first + columns
        t2 = first + 2 * columns
        t3 = first + 3 * columns
        a0, b0 = load(target, t0), load(target, t0 + LANES)
        a1, b1 = load(target, t1), load(target, t1 + LANES)
        a2, b2 = load(target, t2), load(target, t2 + LANES)
        a3, b3 = load(target, t3), load(target, t3 + LANES)
        for k in range(n * depth, (n + 1) * depth):
            u, v = load(weights, at), load(weights, at + LANES)
            at += PANEL
            e = spread(source, k)
            a0, b0 = a0 + e * u, b0 + e * v
            e = spread(source, k + depth)
            a1, b1 = a1 + e * u, b1 + e * v
            e = spread(source, k + 2 * depth)
            a2, b2 = a2 + e * u, b2 + e * v
            e = spread(source, k + 3 * depth)
            a3, b3 = a3 + e * u, b3 + e * v
        store(target, t0, a0)
        store(target, t0 + LANES, b0)
        store(target, t1, a1)
        store(target, t1 + LANES, b1)
        store(target, t2, a2)
        store(target, t2 + LANES, b2)
        store(target, t3, a3)
        store(target, t3 + LANES, b3)


@kernel
def _add_1_rows(source, weights, target, n, depth, columns):
    """As `_add_6_rows`, one row."""
    at = 0
    for first in range(n * columns, (n + 1) * columns, PANEL):
        a0, b0 = load(target, first), load(target, first + LANES)
        for k in range(n * depth, (n + 1) * depth):
            u, v = load(weights, at), load(weights, at + LANES)
            at += PANEL
            e = spread(source, k)
            a0, b0 = a0 + e * u, b0 + e * v
        store(target, first, a0)
        store(target, first + LANES, b0)


@kernel
def add_product(x, panels, out):
    """``out += x @ kernel`` for x (N, K) and out (N, columns)."""
    rows, depth = x.shape
    columns = out.shape[1]
    source, weights, target = x.reshape(-1), panels.reshape(-1), out.reshape(-1)
    n = 0
    while n < rows:
        left = rows - n
        if left >= 6 and left != 8:
            _add_6_rows(source, weights, target, n, depth, columns)
            n += 6
        elif left >= 4:
            _add_4_rows(source, weights, target, n, depth, columns)
            n += 4
        else:
            _add_1_rows(source, weights, target, n, depth, columns)
            n += 1


@kernel
def _copy(to, i, source, j, count):
    for k in range(0, count, LANES):
        store(to, i + k, load(source, j + k))


@kernel
def lstm(z, panels, hs, cs, tanhs, keep):
    """All steps: fills hs and cs (T + 1, N, U), whose first rows are given, and tanh(c)."""
    units = hs.shape[2]
    for t in range(z.shape[0]):
        add_product(hs[t], panels, z[t])
        gates, c_before, c_after = z[t].reshape(-1), cs[t].reshape(-1), cs[t + 1].reshape(-1)
        h_before, h_after, squashed = hs[t].reshape(-1), hs[t + 1].reshape(-1), tanhs[t].reshape(-1)
        for n in range(z.shape[1]):
            at, to = n * 4 * units, n * units
            if keep.shape[0] and not keep[t, n]:
                _copy(h_after, to, h_before, to, units)
                _copy(c_after, to, c_before, to, units)
                continue
            for j in range(0, units, LANES):
                p, q = at + j, to + j
                i = 0.5 * hyperbolic(0.5 * load(gates, p)) + 0.5
                f = 0.5 * hyperbolic(0.5 * load(gates, p + units)) + 0.5
                g = hyperbolic(load(gates, p + 2 * units))
                o = 0.5 * hyperbolic(0.5 * load(gates, p + 3 * units)) + 0.5
                c = f * load(c_before, q) + i * g
                a = hyperbolic(c)
                store(gates, p, i)
                store(gates, p + units, f)
                store(gates, p + 2 * units, g)
                store(gates, p + 3 * units, o)
                store(c_after, q, c)
                store(squashed, q, a)
                store(h_after, q, o * a)


@kernel
def lstm_backward(dy, by_step, by_row, z, panels, cs, tanhs, keep, dh, dc):
    """All steps back: z becomes dLoss/dz; dh and dc (N, U) go from the last states' to the first.

    ``dy[t * by_step + n * by_row + j]`` is the gradient of an output; `by_row` 0 if there are none
    but dh. `panels` are those of the transposed kernel.
    """
    units = dh.shape[1]
    zero = fill(0.0)
    flat_dh, flat_dc = dh.reshape(-1), dc.reshape(-1)
    for t in range(z.shape[0] - 1, -1, -1):
        gates, before, squashed = z[t].reshape(-1), cs[t].reshape(-1), tanhs[t].reshape(-1)
        for n in range(z.shape[1]):
            at, to, from_ = n * 4 * units, n * units, t * by_step + n * by_row
            masked = keep.shape[0] and not keep[t, n]
            for j in range(0, units, LANES):
                p, q = at + j, to + j
                d = load(flat_dh, q)
                if by_row:
                    d = d + load(dy, from_ + j)
                if masked:
                    store(flat_dh, q, d)
                    store(gates, p, zero)
                    store(gates, p + units, zero)
                    store(gates, p + 2 * units, zero)
                    store(gates, p + 3 * units, zero)
                    continue
                i, f = load(gates, p), load(gates, p + units)
                g, o = load(gates, p + 2 * units), load(gates, p + 3 * units)
                a = load(squashed, q)
                e = load(flat_dc, q) + d * o * (1.0 - a * a)
                store(gates, p, e * g * (i * (1.0 - i)))
                store(gates, p + units, e * load(before, q) * (f * (1.0 - f)))
                store(gates, p + 2 * units, e * i * (1.0 - g * g))
                store(gates, p + 3 * units, d * a * (o * (1.0 - o)))
                store(flat_dc, q, e * f)
                store(flat_dh, q, zero)
        add_product(z[t], panels, dh)


@kernel
def gru(z, bias, panels, hs, recurrent, keep):
    """All steps: fills hs (T + 1, N, U), whose first row is given, and the state's products.

    `bias` (3 U,) is added to the products, which are (T, N, 3 U).
    """
    units = hs.shape[2]
    for t in range(z.shape[0]):
        gates, products = z[t].reshape(-1), recurrent[t].reshape(-1)
        for n in range(z.shape[1]):
            _copy(products, n * 3 * units, bias, 0, 3 * units)
        add_product(hs[t], panels, recurrent[t])
        h_before, h_after = hs[t].reshape(-1), hs[t + 1].reshape(-1)
        for n in range(z.shape[1]):
            at, to = n * 3 * units, n * units
            if keep.shape[0] and not keep[t, n]:
                _copy(h_after, to, h_before, to, units)
                continue
            for j in range(0, units, LANES):
                p, q = at + j, to + j
                u = load(gates, p) + load(products, p)
                u = 0.5 * hyperbolic(0.5 * u) + 0.5
                r = load(gates, p + units) + load(products, p + units)
                r = 0.5 * hyperbolic(0.5 * r) + 0.5
                last = p + 2 * units
                a = hyperbolic(load(gates, last) + r * load(products, last))
                store(gates, p, u)
                store(gates, p + units, r)
                store(gates, last, a)
                store(h_after, q, u * load(h_before, q) + (1.0 - u) * a)


@kernel
def gru_backward(dy, by_step, by_row, z, recurrent, panels, hs, keep, dh):
    """All steps back; z and `recurrent` become the gradients of the products they hold.

    Arguments as those of `lstm_backward`.
    """
    units = dh.shape[1]
    zero = fill(0.0)
    flat_dh = dh.reshape(-1)
    for t in range(z.shape[0] - 1, -1, -1):
        gates, products, before = z[t].reshape(-1), recurrent[t].reshape(-1), hs[t].reshape(-1)
        for n in range(z.shape[1]):
            at, to, from_ = n * 3 * units, n * units, t * by_step + n * by_row
            masked = keep.shape[0] and not keep[t, n]
            for j in range(0, units, LANES):
                p, q = at + j, to + j
                last = p + 2 * units
                d = load(flat_dh, q)
                if by_row:
                    d = d + load(dy, from_ + j)
                if masked:
                    store(flat_dh, q, d)
                    for k in range(p, last + 1, units):
                        store(gates, k, zero)
                        store(products, k, zero)
                    continue
                u, r, a = load(gates, p), load(gates, p + units), load(gates, last)
                da = d * (1.0 - u) * (1.0 - a * a)
                du = d * (load(before, q) - a) * (u * (1.0 - u))
                dr = da * load(products, last) * (r * (1.0 - r))
                store(gates, p, du)
                store(gates, p + units, dr)
                store(gates, last, da)
                store(products, p, du)
                store(products, p + units, dr)
                store(products, last, da * r)
                store(flat_dh, q, d * u)
        add_product(recurrent[t], panels, dh)


@kernel
def simple(z, panels, hs, keep):
    """All steps of ``h' = tanh(z + h @ kernel)``: fills hs (T + 1, N, U)."""
    units = hs.shape[2]
    for t in range(z.shape[0]):
        add_product(hs[t], panels, z[t])
        source, before, after = z[t].reshape(-1), hs[t].reshape(-1), hs[t + 1].reshape(-1)
        for n in range(z.shape[1]):
            to = n * units
            if keep.shape[0] and not keep[t, n]:
                _copy(after, to, before, to, units)
                continue
            for j in range(to, to + units, LANES):
                store(after, j, hyperbolic(load(source, j)))


@kernel
def simple_backward(dy, by_step, by_row, z, panels, hs, keep, dh):
    """All steps back; z becomes its gradient. Arguments as those of `lstm_backward`."""
    units = dh.shape[1]
    zero = fill(0.0)
    flat_dh = dh.reshape(-1)
    for t in range(z.shape[0] - 1, -1, -1):
        out, after = z[t].reshape(-1), hs[t + 1].reshape(-1)
        for n in range(z.shape[1]):
            to, from_ = n * units, t * by_step + n * by_row
            masked = keep.shape[0] and not keep[t, n]
            for j in range(0, units, LANES):
                q = to + j
                d = load(flat_dh, q)
                if by_row:
                    d = d + load(dy, from_ + j)
                h = load(after, q)
                store(out, q, zero if masked else d * (1.0 - h * h))
                store(flat_dh, q, d if masked else zero)
        add_product(z[t], panels, dh)
