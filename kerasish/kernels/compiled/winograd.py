"""Transforms of Winograd's F(4x4, 3x3) (Lavin and Gray 2016): four times fewer multiplications.

A tile of 6x6 inputs gives 4x4 outputs by 36 products instead of 144. The interpolation points are
0, 5/8, -5/8, 3/2, -3/2 and infinity: all constants are exact in float32, and the error is half of
that with the usual 1 and 2 (Barabasz et al. 2018), about twice that of a sum of products.

Images are (N, H, W * C) here, and tiles (36, places * C), a plane for each product. C is a multiple
of `simd.LANES`. Tiles are made for `count` rows of tiles, the first being number `first` of those
of all images; `down` rows of `wide` tiles make an image. `work` is scratch of `work_size` elements.
"""

import numpy as np

from kerasish.kernels.compiled.jit import kernel
from kerasish.kernels.compiled.planes import add_products, products
from kerasish.kernels.compiled.simd import LANES, load, positive, store, zeros

A, B = np.float32(5 / 8), np.float32(3 / 2)
A2, B2 = np.float32(25 / 64), np.float32(9 / 4)
A3, B3 = np.float32(125 / 512), np.float32(27 / 8)
SUM, PRODUCT = np.float32(169 / 64), np.float32(225 / 256)  # of A2 and B2
ZERO = np.float32(0)

# G: from 3 elements of a kernel to 6.
_P = np.array([0, 5 / 8, -5 / 8, 3 / 2, -3 / 2])
_SCALE = np.array([np.prod([p - q for q in _P if q != p]) for p in _P])
G = np.vstack([_P[:, None] ** np.arange(3) / _SCALE[:, None], [0, 0, 1]])
KERNEL = np.einsum("ai,bj->abij", G, G).reshape(36, 9).astype(np.float32)


def work_size(wide: int, width: int, channels: int) -> int:
    """Elements of scratch that the transforms of images (N, H, width * channels) need."""
    return 6 * channels * (width + max(4 * wide + 2, width + 4)) + 64


@kernel
def _rows(x, n, i, count, out):
    """Copy rows i .. i + count of image n, zeros where there are none, one behind another."""
    height, width = x.shape[1], x.shape[2]
    source = x.reshape(-1)
    for k in range(count):
        at = (n * height + i + k) * width
        if 0 <= i + k < height:
            for c in range(0, width, LANES):
                store(out, k * width + c, load(source, at + c))
        else:
            for c in range(0, width, LANES):
                store(out, k * width + c, zeros())


@kernel
def _input(source, at, apart, out, to, out_apart, count):
    """B^T of six vectors that lie `apart` in `source`, into six that lie `out_apart`."""
    for c in range(0, count, LANES):
        i, o = at + c, to + c
        d0 = load(source, i)
        d1 = load(source, i + apart)
        d2 = load(source, i + 2 * apart)
        d3 = load(source, i + 3 * apart)
        d4 = load(source, i + 4 * apart)
        d5 = load(source, i + 5 * apart)
        store(out, o, d4 - SUM * d2 + PRODUCT * d0)
        even = d4 - B2 * d2
        odd = A * (d3 - B2 * d1)
        store(out, o + out_apart, even + odd)
        store(out, o + 2 * out_apart, even - odd)
        even = d4 - A2 * d2
        odd = B * (d3 - A2 * d1)
        store(out, o + 3 * out_apart, even + odd)
        store(out, o + 4 * out_apart, even - odd)
        store(out, o + 5 * out_apart, d5 - SUM * d3 + PRODUCT * d1)


@kernel
def inputs(x, channels, top, left, down, wide, first, count, work, tiles):
    """B^T d B of the tiles d of x (N, H, W * C), which is padded by `top` and `left`."""
    height, width = x.shape[1], x.shape[2]
    plane = tiles.shape[1]
    flat, source = tiles.reshape(-1), x.reshape(-1)
    padded, sums = work[: 6 * width], work[6 * width :]
    length = max(4 * wide + 2, width // channels + left) * channels
    sums[: 6 * length] = ZERO
    for r in range(count):
        n = (first + r) // down
        i = (first + r - n * down) * 4 - top
        inside = i >= 0 and i + 6 <= height
        if not inside:
            _rows(x, n, i, 6, padded)
        done = 0
        for j in range(wide):
            # Down the columns that this tile is the first to need, then across: all in L1.
            end = min((4 * j + 6 - left) * channels, width)
            to = left * channels + done
            if inside:
                at = (n * height + i) * width + done
                _input(source, at, width, sums, to, length, end - done)
            else:
                _input(padded, done, width, sums, to, length, end - done)
            done = max(done, end)
            to = (r * wide + j) * channels
            for k in range(6):
                at = k * length + 4 * j * channels
                _input(sums, at, channels, flat, 6 * k * plane + to, plane, channels)


@kernel
def _gradient(source, at, apart, out, to, out_apart, count):
    """A of four vectors that lie `apart` in `source`, into six that lie `out_apart`."""
    for c in range(0, count, LANES):
        i, o = at + c, to + c
        z0 = load(source, i)
        z1 = load(source, i + apart)
        z2 = load(source, i + 2 * apart)
        z3 = load(source, i + 3 * apart)
        store(out, o, z0)
        even = z0 + A2 * z2
        odd = A * (z1 + A2 * z3)
        store(out, o + out_apart, even + odd)
        store(out, o + 2 * out_apart, even - odd)
        even = z0 + B2 * z2
        odd = B * (z1 + B2 * z3)
        store(out, o + 3 * out_apart, even + odd)
        store(out, o + 4 * out_apart, even - odd)
        store(out, o + 5 * out_apart, z3)


@kernel
def gradients(dz, channels, down, wide, first, count, work, tiles):
    """A z A^T of the tiles z (4, 4) of dz (N, OH, OW * F), for the gradient of the kernel."""
    height, width = dz.shape[1], dz.shape[2]
    plane = tiles.shape[1]
    flat, source = tiles.reshape(-1), dz.reshape(-1)
    padded, sums = work[: 4 * width], work[4 * width :]
    length = 4 * wide * channels
    sums[: 6 * length] = ZERO
    for r in range(count):
        n = (first + r) // down
        i = (first + r - n * down) * 4
        inside = i + 4 <= height
        if not inside:
            _rows(dz, n, i, 4, padded)
        for j in range(wide):
            at, to = 4 * j * channels, (r * wide + j) * channels
            run = min(4 * channels, width - at)
            if inside:
                _gradient(source, (n * height + i) * width + at, width, sums, at, length, run)
            else:
                _gradient(padded, at, width, sums, at, length, run)
            for k in range(6):
                at = k * length + 4 * j * channels
                _gradient(sums, at, channels, flat, 6 * k * plane + to, plane, channels)


@kernel
def outputs(tiles, channels, down, wide, first, count, bias, relu, work, y):
    """A^T m A of the tiles m, plus `bias` (F,), then relu if asked, into y (N, OH, OW * F).

    Returns whether all outputs are finite: if not, a NaN or infinity may have spread in its tile.
    """
    height, width = y.shape[1], y.shape[2]
    plane = tiles.shape[1]
    flat, out = tiles.reshape(-1), y.reshape(-1)
    columns = width // channels
    check = zeros()
    for r in range(count):
        n = (first + r) // down
        i = (first + r - n * down) * 4
        high = min(4, height - i)
        for j in range(wide):
            across = min(4, columns - 4 * j)
            for c in range(0, channels, LANES):
                at = (r * wide + j) * channels + c
                for k in range(6):
                    m0 = load(flat, at + k * plane)
                    m1 = load(flat, at + (6 + k) * plane)
                    m2 = load(flat, at + (12 + k) * plane)
                    m3 = load(flat, at + (18 + k) * plane)
                    m4 = load(flat, at + (24 + k) * plane)
                    m5 = load(flat, at + (30 + k) * plane)
                    a, b = m1 + m2, m3 + m4
                    store(work, k * LANES, m0 + a + b)
                    store(work, (12 + k) * LANES, A2 * a + B2 * b)
                    a, b = m1 - m2, m3 - m4
                    store(work, (6 + k) * LANES, A * a + B * b)
                    store(work, (18 + k) * LANES, A3 * a + B3 * b + m5)
                shift = load(bias, c)
                for k in range(high):
                    m0 = load(work, 6 * k * LANES)
                    m1 = load(work, (6 * k + 1) * LANES)
                    m2 = load(work, (6 * k + 2) * LANES)
                    m3 = load(work, (6 * k + 3) * LANES)
                    m4 = load(work, (6 * k + 4) * LANES)
                    m5 = load(work, (6 * k + 5) * LANES) + shift
                    a, b = m1 + m2, m3 + m4
                    y0, y2 = m0 + a + b + shift, A2 * a + B2 * b + shift
                    a, b = m1 - m2, m3 - m4
                    y1, y3 = A * a + B * b + shift, A3 * a + B3 * b + m5
                    check = check + ZERO * ((y0 + y1) + (y2 + y3))
                    if relu:
                        y0, y1, y2, y3 = positive(y0), positive(y1), positive(y2), positive(y3)
                    to = (n * height + i + k) * width + 4 * j * channels + c
                    store(out, to, y0)
                    if across > 1:
                        store(out, to + channels, y1)
                    if across > 2:
                        store(out, to + 2 * channels, y2)
                    if across > 3:
                        store(out, to + 3 * channels, y3)
    store(work, 0, check)
    total = ZERO
    for k in range(LANES):
        total += work[k]
    return total == 0


@kernel
def correlate(
    x, channels, top, left, matrices, filters, down, wide, count, bias, relu, work, v, m, y
):
    """Transform, multiply with `matrices` (36, C * F), transform back: `count` rows at a time.

    `v` and `m` (36, pitch) are scratch for the transformed inputs and outputs, which stay in the
    second cache. Returns what `outputs` does.
    """
    rows = x.shape[0] * down
    finite = True
    for first in range(0, rows, count):
        some = min(count, rows - first)
        inputs(x, channels, top, left, down, wide, first, some, work, v)
        products(v, matrices, m, some * wide, channels, filters)
        if not outputs(m, filters, down, wide, first, some, bias, relu, work, y):
            finite = False
    return finite


@kernel
def kernel_gradient(x, channels, top, left, dz, filters, down, wide, count, work, v, z, total):
    """Add the sums over all tiles of the products of both transforms to `total` (36, C * F)."""
    rows = x.shape[0] * down
    for first in range(0, rows, count):
        some = min(count, rows - first)
        inputs(x, channels, top, left, down, wide, first, some, work, v)
        gradients(dz, filters, down, wide, first, some, work, z)
        add_products(v, z, total, some * wide, channels, filters)
