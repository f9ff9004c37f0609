"""Max and average pooling of images (N, H, W * C) into (N, OH, OW * C).

`numbers` is (C, size, strides, padding above and to the left), height before width. Channels go
by vectors, the rest of them one by one. A window's elements are numbered row by row.
"""

import numpy as np

from kerasish.kernels.compiled.jit import kernel
from kerasish.kernels.compiled.simd import (
    LANES,
    fill,
    largest,
    load,
    store,
    where_above,
    where_equal,
    zeros,
)

ZERO, ONE = np.float32(0), np.float32(1)
LOWEST = np.float32(-np.inf)


@kernel
def _four_pool(source, at, below, channels, count, out, first, to):
    """`max_pool` of one window of 2x2 pixels, the lower two of which begin at `below`."""
    zero, one, two, three = zeros(), fill(ONE), fill(np.float32(2)), fill(np.float32(3))
    for c in range(0, count, LANES):
        e0, e1 = load(source, at + c), load(source, at + channels + c)
        e2, e3 = load(source, below + c), load(source, below + channels + c)
        number = where_above(e1, e0, one, zero)
        best = largest(e0, e1)
        number = where_above(e2, best, two, number)
        best = largest(best, e2)
        number = where_above(e3, best, three, number)
        store(out, to + c, largest(best, e3))
        store(first, to + c, number)


@kernel
def _four_backward(source, first, at, channels, count, out, to, below):
    """`max_backward` of one window of 2x2 pixels that no other overlaps."""
    zero, one, two, three = zeros(), fill(ONE), fill(np.float32(2)), fill(np.float32(3))
    for c in range(0, count, LANES):
        gradient, number = load(source, at + c), load(first, at + c)
        store(out, to + c, where_equal(number, zero, gradient, zero))
        store(out, to + channels + c, where_equal(number, one, gradient, zero))
        store(out, below + c, where_equal(number, two, gradient, zero))
        store(out, below + channels + c, where_equal(number, three, gradient, zero))


@kernel
def max_pool(x, numbers, y, winner):
    """Largest of each window; the number of the first of equal ones into `winner` (uint8)."""
    C, kh, kw, sh, sw, top, left = numbers
    height, width = x.shape[1], x.shape[2] // C
    high, wide = y.shape[1], y.shape[2] // C
    source, out, first = x.reshape(-1), y.reshape(-1), winner.reshape(-1)
    whole = C - C % LANES
    for n in range(x.shape[0]):
        for i in range(high):
            a0, a1 = max(top - i * sh, 0), min(height + top - i * sh, kh)
            for j in range(wide):
                b0, b1 = max(left - j * sw, 0), min(width + left - j * sw, kw)
                to = ((n * high + i) * wide + j) * C
                corner = ((n * height + i * sh - top) * width + j * sw - left) * C
                done = 0
                if kh == 2 and kw == 2 and a1 - a0 == 2 and b1 - b0 == 2:
                    _four_pool(source, corner, corner + width * C, C, whole, out, first, to)
                    done = whole
                for c in range(done, whole, LANES):
                    best, number = fill(LOWEST), fill(np.float32(a0 * kw + b0))
                    for a in range(a0, a1):
                        for b in range(b0, b1):
                            e = load(source, corner + (a * width + b) * C + c)
                            number = where_above(e, best, fill(np.float32(a * kw + b)), number)
                            best = largest(best, e)
                    store(out, to + c, best)
                    store(first, to + c, number)
                for c in range(whole, C):
                    top_one, which = LOWEST, a0 * kw + b0
                    for a in range(a0, a1):
                        for b in range(b0, b1):
                            one = source[corner + (a * width + b) * C + c]
                            if one > top_one:
                                which = a * kw + b
                            if top_one == top_one and not one <= top_one:
                                top_one = one
                    out[to + c] = top_one
                    first[to + c] = which


@kernel
def max_backward(dy, winner, numbers, dx):
    """Give each window's gradient to the element that won."""
    C, kh, kw, sh, sw, top, left = numbers
    height, width = dx.shape[1], dx.shape[2] // C
    high, wide = dy.shape[1], dy.shape[2] // C
    source, out, first = dy.reshape(-1), dx.reshape(-1), winner.reshape(-1)
    whole = C - C % LANES
    apart = kh <= sh and kw <= sw
    covered = kh == sh and kw == sw and high * sh == height and wide * sw == width
    for n in range(dx.shape[0]):
        if not covered:
            dx[n] = ZERO
        for i in range(high):
            a0, a1 = max(top - i * sh, 0), min(height + top - i * sh, kh)
            for j in range(wide):
                b0, b1 = max(left - j * sw, 0), min(width + left - j * sw, kw)
                at = ((n * high + i) * wide + j) * C
                corner = ((n * height + i * sh - top) * width + j * sw - left) * C
                done = 0
                if apart and kh == 2 and kw == 2 and a1 - a0 == 2 and b1 - b0 == 2:
                    _four_backward(source, first, at, C, whole, out, corner, corner + width * C)
                    done = whole
                for c in range(done, whole, LANES):
                    gradient, number = load(source, at + c), load(first, at + c)
                    for a in range(a0, a1):
                        for b in range(b0, b1):
                            to = corner + (a * width + b) * C + c
                            this = fill(np.float32(a * kw + b))
                            part = where_equal(number, this, gradient, zeros())
                            if not apart:
                                part = part + load(out, to)
                            store(out, to, part)
                for c in range(whole, C):
                    a, b = divmod(first[at + c], kw)
                    if covered:
                        for k in range(kh):
                            for m in range(kw):
                                out[corner + (k * width + m) * C + c] = ZERO
                    out[corner + (a * width + b) * C + c] += source[at + c]


@kernel
def average_pool(x, numbers, y):
    """Mean of each window over those of its elements that are not padding."""
    C, kh, kw, sh, sw, top, left = numbers
    height, width = x.shape[1], x.shape[2] // C
    high, wide = y.shape[1], y.shape[2] // C
    source, out = x.reshape(-1), y.reshape(-1)
    whole = C - C % LANES
    for n in range(x.shape[0]):
        for i in range(high):
            a0, a1 = max(top - i * sh, 0), min(height + top - i * sh, kh)
            for j in range(wide):
                b0, b1 = max(left - j * sw, 0), min(width + left - j * sw, kw)
                share = ONE / np.float32((a1 - a0) * (b1 - b0))
                to = ((n * high + i) * wide + j) * C
                corner = ((n * height + i * sh - top) * width + j * sw - left) * C
                for c in range(0, whole, LANES):
                    total = zeros()
                    for a in range(a0, a1):
                        for b in range(b0, b1):
                            total = total + load(source, corner + (a * width + b) * C + c)
                    store(out, to + c, share * total)
                for c in range(whole, C):
                    one = ZERO
                    for a in range(a0, a1):
                        for b in range(b0, b1):
                            one += source[corner + (a * width + b) * C + c]
                    out[to + c] = share * one


@kernel
def average_backward(dy, numbers, dx):
    """Share each window's gradient among its elements."""
    C, kh, kw, sh, sw, top, left = numbers
    height, width = dx.shape[1], dx.shape[2] // C
    high, wide = dy.shape[1], dy.shape[2] // C
    source, out = dy.reshape(-1), dx.reshape(-1)
    whole = C - C % LANES
    for n in range(dx.shape[0]):
        dx[n] = ZERO
        for i in range(high):
            a0, a1 = max(top - i * sh, 0), min(height + top - i * sh, kh)
            for j in range(wide):
                b0, b1 = max(left - j * sw, 0), min(width + left - j * sw, kw)
                share = ONE / np.float32((a1 - a0) * (b1 - b0))
                at = ((n * high + i) * wide + j) * C
                corner = ((n * height + i * sh - top) * width + j * sw - left) * C
                for a in range(a0, a1):
                    for b in range(b0, b1):
                        to = corner + (a * width + b) * C
                        for c in range(0, whole, LANES):
                            store(out, to + c, load(out, to + c) + share * load(source, at + c))
                        for c in range(whole, C):
                            out[to + c] += share * source[at + c]
