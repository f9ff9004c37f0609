"""Products of many small matrices, one a plane, at the speed of BLAS but without its packing.

Four rows by up to 32 columns are summed in registers. The matrices of an array (planes, pitch) lie
row by row at the beginning of each plane; numbers of columns are multiples of `simd.LANES`.
"""

from kerasish.kernels.compiled.jit import Deferred, kernel
from kerasish.kernels.compiled.simd import LANES, load, spread, store, zeros


def _has_many_registers() -> bool:
    """Whether the processor has 32 registers for vectors of eight, not 16."""
    from llvmlite import binding

    return bool(binding.get_host_cpu_features().get("avx512vl"))


ROWS = 4  # memory of rows is read and written up to a multiple of it
DEEP = 128  # elements of a sum before it is put down: their columns stay in the first cache
MANY_REGISTERS = Deferred(_has_many_registers)


@kernel
def _product(left, at, apart, along, right, start, out, to, rows, columns, count, keep):
    """Sums of left[at + r * apart + k * along] * right[start + k * columns + f] over k.

    They go to out[to + r * columns + f], and are added to it if `keep`.
    """
    f = 0
    if MANY_REGISTERS:
        while f + 4 * LANES <= columns:
            for r in range(0, rows, ROWS):
                o0 = to + r * columns + f
                o1 = o0 + columns
                o2 = o0 + 2 * columns
                o3 = o0 + 3 * columns
                if keep:
                    a0 = load(out, o0)
                    b0 = load(out, o0 + LANES)
                    c0 = load(out, o0 + 2 * LANES)
                    d0 = load(out, o0 + 3 * LANES)
                    a1 = load(out, o1)
                    b1 = load(out, o1 + LANES)
                    c1 = load(out, o1 + 2 * LANES)
                    d1 = load(out, o1 + 3 * LANES)
                    a2 = load(out, o2)
                    b2 = load(out, o2 + LANES)
                    c2 = load(out, o2 + 2 * LANES)
                    d2 = load(out, o2 + 3 * LANES)
                    a3 = load(out, o3)
                    b3 = load(out, o3 + LANES)
                    c3 = load(out, o3 + 2 * LANES)
                    d3 = load(out, o3 + 3 * LANES)
                else:
                    a0 = a1 = a2 = a3 = zeros()
                    b0 = b1 = b2 = b3 = zeros()
                    c0 = c1 = c2 = c3 = zeros()
                    d0 = d1 = d2 = d3 = zeros()
                p, q = at + r * apart, start + f
                for _ in range(count):
                    s = load(right, q)
                    t = load(right, q + LANES)
                    u = load(right, q + 2 * LANES)
                    v = load(right, q + 3 * LANES)
                    e = spread(left, p)
                    a0, b0, c0, d0 = a0 + e * s, b0 + e * t, c0 + e * u, d0 + e * v
                    e = spread(left, p + apart)
                    a1, b1, c1, d1 = a1 + e * s, b1 + e * t, c1 + e * u, d1 + e * v
                    e = spread(left, p + 2 * apart)
                    a2, b2, c2, d2 = a2 + e * s, b2 + e * t, c2 + e * u, d2 + e * v
                    e = spread(left, p + 3 * apart)
                    a3, b3, c3, d3 = a3 + e * s, b3 + e * t, c3 + e * u, d3 + e * v
                    p, q = p + along, q + columns
                store(out, o0, a0)
                store(out, o0 + LANES, b0)
                store(out, o0 + 2 * LANES, c0)
                store(out, o0 + 3 * LANES, d0)
                store(out, o1, a1)
                store(out, o1 + LANES, b1)
                store(out, o1 + 2 * LANES, c1)
                store(out, o1 + 3 * LANES, d1)
                store(out, o2, a2)
                store(out, o2 + LANES, b2)
                store(out, o2 + 2 * LANES, c2)
                store(out, o2 + 3 * LANES, d2)
                store(out, o3, a3)
                store(out, o3 + LANES, b3)
                store(out, o3 + 2 * LANES, c3)
                store(out, o3 + 3 * LANES, d3)
            f += 4 * LANES
    while f + 2 * LANES <= columns:
        for r in range(0, rows, ROWS):
            o0 = to + r * columns + f
            o1 = o0 + columns
            o2 = o0 + 2 * columns
            o3 = o0 + 3 * columns
            if keep:
                a0 = load(out, o0)
                b0 = load(out, o0 + LANES)
                a1 = load(out, o1)
                b1 = load(out, o1 + LANES)
                a2 = load(out, o2)
                b2 = load(out, o2 + LANES)
                a3 = load(out, o3)
                b3 = load(out, o3 + LANES)
            else:
                a0 = a1 = a2 = a3 = zeros()
                b0 = b1 = b2 = b3 = zeros()
            p, q = at + r * apart, start + f
            for _ in range(count):
                s = load(right, q)
                t = load(right, q + LANES)
                e = spread(left, p)
                a0, b0 = a0 + e * s, b0 + e * t
                e = spread(left, p + apart)
                a1, b1 = a1 + e * s, b1 + e * t
                e = spread(left, p + 2 * apart)
                a2, b2 = a2 + e * s, b2 + e * t
                e = spread(left, p + 3 * apart)
                a3, b3 = a3 + e * s, b3 + e * t
                p, q = p + along, q + columns
            store(out, o0, a0)
            store(out, o0 + LANES, b0)
            store(out, o1, a1)
            store(out, o1 + LANES, b1)
            store(out, o2, a2)
            store(out, o2 + LANES, b2)
            store(out, o3, a3)
            store(out, o3 + LANES, b3)
        f += 2 * LANES
    while f + LANES <= columns:
        for r in range(0, rows, ROWS):
            o0 = to + r * columns + f
            o1 = o0 + columns
            o2 = o0 + 2 * columns
            o3 = o0 + 3 * columns
            if keep:
                a0 = load(out, o0)
                a1 = load(out, o1)
                a2 = load(out, o2)
                a3 = load(out, o3)
            else:
                a0 = a1 = a2 = a3 = zeros()
            p, q = at + r * apart, start + f
            for _ in range(count):
                s = load(right, q)
                e = spread(left, p)
                a0 = a0 + e * s
                e = spread(left, p + apart)
                a1 = a1 + e * s
                e = spread(left, p + 2 * apart)
                a2 = a2 + e * s
                e = spread(left, p + 3 * apart)
                a3 = a3 + e * s
                p, q = p + along, q + columns
            store(out, o0, a0)
            store(out, o1, a1)
            store(out, o2, a2)
            store(out, o3, a3)
        f += LANES


@kernel
def products(left, right, out, rows, depth, columns):
    """Of each plane the product of left (rows, depth) with right (depth, columns)."""
    a, b, c = left.shape[1], right.shape[1], out.shape[1]
    lefts, rights, outs = left.reshape(-1), right.reshape(-1), out.reshape(-1)
    for plane in range(left.shape[0]):
        for k in range(0, depth, DEEP):
            at, start = plane * a + k, plane * b + k * columns
            deep = min(DEEP, depth - k)
            _product(
                lefts, at, depth, 1, rights, start, outs, plane * c, rows, columns, deep, k > 0
            )


@kernel
def add_products(left, right, out, rows, depth, columns):
    """Add to `out` of each plane the product of left (rows, depth), transposed, with right."""
    a, b, c = left.shape[1], right.shape[1], out.shape[1]
    lefts, rights, outs = left.reshape(-1), right.reshape(-1), out.reshape(-1)
    for plane in range(left.shape[0]):
        at, start = plane * a, plane * b
        _product(lefts, at, 1, depth, rights, start, outs, plane * c, depth, columns, rows, True)
