"""Correlation of images with few channels: sums of products without copying windows.

Images are (N, H, W * C), padded; outputs (N, OH, OW * F) with F a multiple of 16. `taps` (K,) is
how far each element of the kernel lies from its corner. Four pixels by up to 32 filters are
summed in registers at once, so that each load of the kernel or the image serves several products.
"""

from kerasish.kernels.compiled.jit import kernel
from kerasish.kernels.compiled.planes import MANY_REGISTERS
from kerasish.kernels.compiled.simd import LANES, load, positive, spread, store, zeros

FILTERS = 2 * LANES


@kernel
def correlate(x, weights, taps, bias, relu, down, across, y):
    """Sums of products with `weights` (K, F) plus `bias`, then relu if asked.

    Windows move by `down` rows, and by `across` elements of a row.
    """
    height, width = x.shape[1], x.shape[2]
    elements, filters = weights.shape
    high, wide = y.shape[1], y.shape[2] // filters
    source, kernel_, out = x.reshape(-1), weights.reshape(-1), y.reshape(-1)
    for n in range(x.shape[0]):
        for i in range(high):
            row = (n * height + i * down) * width
            for block in range((wide + 3) // 4 if wide >= 4 else 0):
                j = min(4 * block, wide - 4)  # the last may overlap the one before
                p0 = row + j * across
                p1, p2, p3 = p0 + across, p0 + 2 * across, p0 + 3 * across
                to = ((n * high + i) * wide + j) * filters
                f = 0
                while MANY_REGISTERS and f + 4 * LANES <= filters:
                    a0 = a1 = a2 = a3 = load(bias, f)
                    b0 = b1 = b2 = b3 = load(bias, f + LANES)
                    c0 = c1 = c2 = c3 = load(bias, f + 2 * LANES)
                    d0 = d1 = d2 = d3 = load(bias, f + 3 * LANES)
                    for k in range(elements):
                        tap, q = taps[k], k * filters + f
                        s = load(kernel_, q)
                        t = load(kernel_, q + LANES)
                        u = load(kernel_, q + 2 * LANES)
                        v = load(kernel_, q + 3 * LANES)
                        e = spread(source, p0 + tap)
                        a0, b0, c0, d0 = a0 + e * s, b0 + e * t, c0 + e * u, d0 + e * v
                        e = spread(source, p1 + tap)
                        a1, b1, c1, d1 = a1 + e * s, b1 + e * t, c1 + e * u, d1 + e * v
                        e = spread(source, p2 + tap)
                        a2, b2, c2, d2 = a2 + e * s, b2 + e * t, c2 + e * u, d2 + e * v
                        e = spread(source, p3 + tap)
                        a3, b3, c3, d3 = a3 + e * s, b3 + e * t, c3 + e * u, d3 + e * v
                    if relu:
                        a0, a1, a2, a3 = positive(a0), positive(a1), positive(a2), positive(a3)
                        b0, b1, b2, b3 = positive(b0), positive(b1), positive(b2), positive(b3)
                        c0, c1, c2, c3 = positive(c0), positive(c1), positive(c2), positive(c3)
                        d0, d1, d2, d3 = positive(d0), positive(d1), positive(d2), positive(d3)
                    store(out, to + f, a0)
                    store(out, to + f + LANES, b0)
                    store(out, to + f + 2 * LANES, c0)
                    store(out, to + f + 3 * LANES, d0)
                    store(out, to + filters + f, a1)
                    store(out, to + filters + f + LANES, b1)
                    store(out, to + filters + f + 2 * LANES, c1)
                    store(out, to + filters + f + 3 * LANES, d1)
                    store(out, to + 2 * filters + f, a2)
                    store(out, to + 2 * filters + f + LANES, b2)
                    store(out, to + 2 * filters + f + 2 * LANES, c2)
                    store(out, to + 2 * filters + f + 3 * LANES, d2)
                    store(out, to + 3 * filters + f, a3)
                    store(out, to + 3 * filters + f + LANES, b3)
                    store(out, to + 3 * filters + f + 2 * LANES, c3)
                    store(out, to + 3 * filters + f + 3 * LANES, d3)
                    f += 4 * LANES
                while f < filters:
                    a0 = a1 = a2 = a3 = load(bias, f)
                    b0 = b1 = b2 = b3 = load(bias, f + LANES)
                    for k in range(elements):
                        tap = taps[k]
                        u, v = (
                            load(kernel_, k * filters + f),
                            load(kernel_, k * filters + f + LANES),
                        )
                        e = spread(source, p0 + tap)
                        a0, b0 = a0 + e * u, b0 + e * v
                        e = spread(source, p1 + tap)
                        a1, b1 = a1 + e * u, b1 + e * v
                        e = spread(source, p2 + tap)
                        a2, b2 = a2 + e * u, b2 + e * v
                        e = spread(source, p3 + tap)
                        a3, b3 = a3 + e * u, b3 + e * v
                    if relu:
                        a0, a1, a2, a3 = positive(a0), positive(a1), positive(a2), positive(a3)
                        b0, b1, b2, b3 = positive(b0), positive(b1), positive(b2), positive(b3)
                    store(out, to + f, a0)
                    store(out, to + f + LANES, b0)
                    store(out, to + filters + f, a1)
                    store(out, to + filters + f + LANES, b1)
                    store(out, to + 2 * filters + f, a2)
                    store(out, to + 2 * filters + f + LANES, b2)
                    store(out, to + 3 * filters + f, a3)
                    store(out, to + 3 * filters + f + LANES, b3)
                    f += FILTERS
            for j in range(wide if wide < 4 else 0):
                p0 = row + j * across
                to = ((n * high + i) * wide + j) * filters
                for f in range(0, filters, LANES):
                    total = load(bias, f)
                    for k in range(elements):
                        total = total + spread(source, p0 + taps[k]) * load(
                            kernel_, k * filters + f
                        )
                    store(out, to + f, positive(total) if relu else total)


@kernel
def _add_four(out, at, a, b, c, d):
    store(out, at, load(out, at) + a)
    store(out, at + LANES, load(out, at + LANES) + b)
    store(out, at + 2 * LANES, load(out, at + 2 * LANES) + c)
    store(out, at + 3 * LANES, load(out, at + 3 * LANES) + d)


@kernel
def kernel_gradient(x, dz, taps, down, across, total):
    """Add the products of windows with `dz` to `total` (K, F)."""
    height, width = x.shape[1], x.shape[2]
    elements, filters = total.shape
    high, wide = dz.shape[1], dz.shape[2] // filters
    source, gradient, out = x.reshape(-1), dz.reshape(-1), total.reshape(-1)
    even = wide - wide % 2
    done = filters - filters % (4 * LANES) if MANY_REGISTERS else 0
    for f in range(0, done, 4 * LANES):
        for k in range(0, elements, 3):
            # Of the last three some may be no more: they are summed once more and left out.
            s0 = taps[k]
            s1 = taps[min(k + 1, elements - 1)]
            s2 = taps[min(k + 2, elements - 1)]
            a0 = a1 = a2 = b0 = b1 = b2 = zeros()
            c0 = c1 = c2 = d0 = d1 = d2 = zeros()
            for n in range(x.shape[0]):
                for i in range(high):
                    p = (n * height + i * down) * width
                    q = (n * high + i) * wide * filters + f
                    for _ in range(wide):
                        s, t = load(gradient, q), load(gradient, q + LANES)
                        u, v = load(gradient, q + 2 * LANES), load(gradient, q + 3 * LANES)
                        e = spread(source, p + s0)
                        a0, b0, c0, d0 = a0 + e * s, b0 + e * t, c0 + e * u, d0 + e * v
                        e = spread(source, p + s1)
                        a1, b1, c1, d1 = a1 + e * s, b1 + e * t, c1 + e * u, d1 + e * v
                        e = spread(source, p + s2)
                        a2, b2, c2, d2 = a2 + e * s, b2 + e * t, c2 + e * u, d2 + e * v
                        p, q = p + across, q + filters
            at = k * filters + f
            _add_four(out, at, a0, b0, c0, d0)
            if k + 1 < elements:
                _add_four(out, at + filters, a1, b1, c1, d1)
            if k + 2 < elements:
                _add_four(out, at + 2 * filters, a2, b2, c2, d2)
    for f in range(done, filters, FILTERS):
        for k in range(0, elements, 3):
            # Of the last three some may be no more: they are summed once more and left out.
            s0 = taps[k]
            s1 = taps[min(k + 1, elements - 1)]
            s2 = taps[min(k + 2, elements - 1)]
            a0 = a1 = a2 = b0 = b1 = b2 = zeros()
            c0 = c1 = c2 = d0 = d1 = d2 = zeros()
            for n in range(x.shape[0]):
                for i in range(high):
                    p = (n * height + i * down) * width
                    q = (n * high + i) * wide * filters + f
                    for _ in range(0, even, 2):
                        u, v = load(gradient, q), load(gradient, q + LANES)
                        e0, e1, e2 = (
                            spread(source, p + s0),
                            spread(source, p + s1),
                            spread(source, p + s2),
                        )
                        a0, a1, a2 = a0 + e0 * u, a1 + e1 * u, a2 + e2 * u
                        b0, b1, b2 = b0 + e0 * v, b1 + e1 * v, b2 + e2 * v
                        p, q = p + across, q + filters
                        u, v = load(gradient, q), load(gradient, q + LANES)
                        e0, e1, e2 = (
                            spread(source, p + s0),
                            spread(source, p + s1),
                            spread(source, p + s2),
                        )
                        c0, c1, c2 = c0 + e0 * u, c1 + e1 * u, c2 + e2 * u
                        d0, d1, d2 = d0 + e0 * v, d1 + e1 * v, d2 + e2 * v
                        p, q = p + across, q + filters
                    for _ in range(even, wide):
                        u, v = load(gradient, q), load(gradient, q + LANES)
                        e0, e1, e2 = (
                            spread(source, p + s0),
                            spread(source, p + s1),
                            spread(source, p + s2),
                        )
                        a0, a1, a2 = a0 + e0 * u, a1 + e1 * u, a2 + e2 * u
                        b0, b1, b2 = b0 + e0 * v, b1 + e1 * v, b2 + e2 * v
            at = k * filters + f
            store(out, at, load(out, at) + (a0 + c0))
            store(out, at + LANES, load(out, at + LANES) + (b0 + d0))
            if k + 1 < elements:
                at += filters
                store(out, at, load(out, at) + (a1 + c1))
                store(out, at + LANES, load(out, at + LANES) + (b1 + d1))
            if k + 2 < elements:
                at += filters
                store(out, at, load(out, at) + (a2 + c2))
                store(out, at + LANES, load(out, at + LANES) + (b2 + d2))
