"""Whole recurrences over time, their products included, in one call without the GIL.

Arrays are time-major and contiguous, gates side by side, and the units of a gate a multiple of 16
(`kernels.sequences` pads). `panels` and `masks` are explained in `gates`; those of a pass back
are of the transposed kernel. `keep` (T, N) is 0 where a step is masked; (0, 0) if none is. What is
called z holds a gate's input before a pass forward and its value after it; backward turns it into
the gradient of the input. `act` and `gate` are the activations, as `gates` numbers them.
"""

import numpy as np

from kerasish.kernels.compiled.gates import add_back, add_gates, slope, squash
from kerasish.kernels.compiled.jit import kernel
from kerasish.kernels.compiled.simd import LANES, fill, load, store


@kernel
def _copy(to, i, source, j, count):
    for k in range(0, count, LANES):
        store(to, i + k, load(source, j + k))


@kernel
def lstm(z, panels, hs, cs, squashed_cs, keep, masks, act, gate):
    """All steps: fills hs and cs (T + 1, N, U), whose first rows are given, and act(c)."""
    units, work = hs.shape[2], np.empty_like(hs[0])
    for t in range(z.shape[0]):
        add_gates(hs[t], panels, masks, work, z[t], 0, 4)
        gates, c_before, c_after = z[t].reshape(-1), cs[t].reshape(-1), cs[t + 1].reshape(-1)
        h_before, h_after = hs[t].reshape(-1), hs[t + 1].reshape(-1)
        squashed = squashed_cs[t].reshape(-1)
        for n in range(z.shape[1]):
            at, to = n * 4 * units, n * units
            if keep.shape[0] and not keep[t, n]:
                _copy(h_after, to, h_before, to, units)
                _copy(c_after, to, c_before, to, units)
                continue
            for j in range(0, units, LANES):
                p, q = at + j, to + j
                i = squash(load(gates, p), gate)
                f = squash(load(gates, p + units), gate)
                g = squash(load(gates, p + 2 * units), act)
                o = squash(load(gates, p + 3 * units), gate)
                c = f * load(c_before, q) + i * g
                a = squash(c, act)
                store(gates, p, i)
                store(gates, p + units, f)
                store(gates, p + 2 * units, g)
                store(gates, p + 3 * units, o)
                store(c_after, q, c)
                store(squashed, q, a)
                store(h_after, q, o * a)


@kernel
def lstm_backward(dy, by_step, by_row, z, panels, cs, squashed_cs, keep, dh, dc, masks, act, gate):
    """All steps back: z becomes dLoss/dz; dh and dc (N, U) go from the last states' to the first.

    ``dy[t * by_step + n * by_row + j]`` is the gradient of an output; `by_row` 0 if there are none
    but dh.
    """
    units, work = dh.shape[1], np.empty_like(dh)
    zero = fill(0.0)
    flat_dh, flat_dc = dh.reshape(-1), dc.reshape(-1)
    for t in range(z.shape[0] - 1, -1, -1):
        gates, before, squashed = z[t].reshape(-1), cs[t].reshape(-1), squashed_cs[t].reshape(-1)
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
                e = load(flat_dc, q) + d * o * slope(a, act)
                store(gates, p, e * g * slope(i, gate))
                store(gates, p + units, e * load(before, q) * slope(f, gate))
                store(gates, p + 2 * units, e * i * slope(g, act))
                store(gates, p + 3 * units, d * a * slope(o, gate))
                store(flat_dc, q, e * f)
                store(flat_dh, q, zero)
        add_back(z[t], panels, masks, work, dh, 0, 4)


@kernel
def gru(z, bias, panels, hs, recurrent, keep, masks, act, gate):
    """All steps: fills hs (T + 1, N, U), whose first row is given, and the state's products.

    `bias` (3 U,) is added to the products, which are (T, N, 3 U).
    """
    units, work = hs.shape[2], np.empty_like(hs[0])
    for t in range(z.shape[0]):
        gates, products = z[t].reshape(-1), recurrent[t].reshape(-1)
        for n in range(z.shape[1]):
            _copy(products, n * 3 * units, bias, 0, 3 * units)
        add_gates(hs[t], panels, masks, work, recurrent[t], 0, 3)
        h_before, h_after = hs[t].reshape(-1), hs[t + 1].reshape(-1)
        for n in range(z.shape[1]):
            at, to = n * 3 * units, n * units
            if keep.shape[0] and not keep[t, n]:
                _copy(h_after, to, h_before, to, units)
                continue
            for j in range(0, units, LANES):
                p, q = at + j, to + j
                u = squash(load(gates, p) + load(products, p), gate)
                r = squash(load(gates, p + units) + load(products, p + units), gate)
                last = p + 2 * units
                a = squash(load(gates, last) + r * load(products, last), act)
                store(gates, p, u)
                store(gates, p + units, r)
                store(gates, last, a)
                store(h_after, q, u * load(h_before, q) + (1.0 - u) * a)


@kernel
def gru_backward(dy, by_step, by_row, z, recurrent, panels, hs, keep, dh, masks, act, gate):
    """All steps back; z and `recurrent` become the gradients of the products they hold.

    Arguments as those of `lstm_backward`.
    """
    units, work = dh.shape[1], np.empty_like(dh)
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
                da = d * (1.0 - u) * slope(a, act)
                du = d * (load(before, q) - a) * slope(u, gate)
                dr = da * load(products, last) * slope(r, gate)
                store(gates, p, du)
                store(gates, p + units, dr)
                store(gates, last, da)
                store(products, p, du)
                store(products, p + units, dr)
                store(products, last, da * r)
                store(flat_dh, q, d * u)
        add_back(recurrent[t], panels, masks, work, dh, 0, 3)


@kernel
def gru_before(z, panels, hs, resets, keep, masks, act, gate):
    """All steps, the reset gate before the product: fills hs (T + 1, N, U), and r * h (T, N, U)."""
    units, work = hs.shape[2], np.empty_like(hs[0])
    for t in range(z.shape[0]):
        gates, reset = z[t].reshape(-1), resets[t].reshape(-1)
        h_before, h_after = hs[t].reshape(-1), hs[t + 1].reshape(-1)
        add_gates(hs[t], panels, masks, work, z[t], 0, 2)
        for n in range(z.shape[1]):
            at, to = n * 3 * units, n * units
            for j in range(0, units, LANES):
                r = squash(load(gates, at + units + j), gate)
                store(gates, at + units + j, r)
                store(reset, to + j, r * load(h_before, to + j))
        add_gates(resets[t], panels, masks, work, z[t], 2, 3)
        for n in range(z.shape[1]):
            at, to = n * 3 * units, n * units
            if keep.shape[0] and not keep[t, n]:
                _copy(h_after, to, h_before, to, units)
                continue
            for j in range(0, units, LANES):
                p, q = at + j, to + j
                u = squash(load(gates, p), gate)
                a = squash(load(gates, p + 2 * units), act)
                store(gates, p, u)
                store(gates, p + 2 * units, a)
                store(h_after, q, u * load(h_before, q) + (1.0 - u) * a)


@kernel
def gru_before_backward(dy, by_step, by_row, z, panels, hs, keep, dh, masks, act, gate):
    """All steps back; z becomes its gradient. Arguments as those of `lstm_backward`."""
    units, work = dh.shape[1], np.empty_like(dh)
    zero, dreset = fill(0.0), np.empty_like(dh)
    flat_dh, flat_dreset = dh.reshape(-1), dreset.reshape(-1)
    for t in range(z.shape[0] - 1, -1, -1):
        gates, before = z[t].reshape(-1), hs[t].reshape(-1)
        for n in range(z.shape[1]):
            at, to, from_ = n * 3 * units, n * units, t * by_step + n * by_row
            masked = keep.shape[0] and not keep[t, n]
            for j in range(0, units, LANES):
                p, q = at + j, to + j
                d = load(flat_dh, q)
                if by_row:
                    d = d + load(dy, from_ + j)
                store(flat_dreset, q, zero)
                if masked:
                    store(flat_dh, q, d)
                    for k in range(p, p + 3 * units, units):
                        store(gates, k, zero)
                    continue
                u, a = load(gates, p), load(gates, p + 2 * units)
                store(gates, p, d * (load(before, q) - a) * slope(u, gate))
                store(gates, p + 2 * units, d * (1.0 - u) * slope(a, act))
                store(flat_dh, q, d * u)
        add_back(z[t], panels, masks, work, dreset, 2, 3)
        for n in range(z.shape[1]):
            at, to = n * 3 * units + units, n * units
            for j in range(0, units, LANES):
                r, d = load(gates, at + j), load(flat_dreset, to + j)
                store(gates, at + j, d * load(before, to + j) * slope(r, gate))
                store(flat_dh, to + j, load(flat_dh, to + j) + d * r)
        add_back(z[t], panels, masks, work, dh, 0, 2)


@kernel
def simple(z, panels, hs, keep, masks, act):
    """All steps of ``h' = act(z + h @ kernel)``: fills hs (T + 1, N, U)."""
    units, work = hs.shape[2], np.empty_like(hs[0])
    for t in range(z.shape[0]):
        add_gates(hs[t], panels, masks, work, z[t], 0, 1)
        source, before, after = z[t].reshape(-1), hs[t].reshape(-1), hs[t + 1].reshape(-1)
        for n in range(z.shape[1]):
            to = n * units
            if keep.shape[0] and not keep[t, n]:
                _copy(after, to, before, to, units)
                continue
            for j in range(to, to + units, LANES):
                store(after, j, squash(load(source, j), act))


@kernel
def simple_backward(dy, by_step, by_row, z, panels, hs, keep, dh, masks, act):
    """All steps back; z becomes its gradient. Arguments as those of `lstm_backward`."""
    units, work = dh.shape[1], np.empty_like(dh)
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
                store(out, q, zero if masked else d * slope(h, act))
                store(flat_dh, q, d if masked else zero)
        add_back(z[t], panels, masks, work, dh, 0, 1)
