"""Copying windows of images (N, H, W * C) into rows, and adding rows back to them.

`numbers` is (C, first and last image, first and last row and column of outputs, size, strides,
dilation, padding above and to the left), height before width. A row of (rows, K * C) is a window.
"""

from kerasish.kernels.compiled.jit import kernel


@kernel
def _copy(out, source):
    for c in range(out.shape[0]):
        out[c] = source[c]


@kernel
def _add(out, source):
    for c in range(out.shape[0]):
        out[c] += source[c]


@kernel
def gather(rows, x, numbers):
    """Copy the windows into `rows`; where they stick out of the image they are 0."""
    C, n0, n1, i0, i1, j0, j1, kh, kw, sh, sw, dh, dw, top, left = numbers
    height, width = x.shape[1], x.shape[2] // C
    r = 0
    for n in range(n0, n1):
        for i in range(i0, i1):
            for j in range(j0, j1):
                row = rows[r]
                r += 1
                for a in range(kh):
                    h, w = i * sh - top + a * dh, j * sw - left
                    run = row[a * kw * C : (a + 1) * kw * C]
                    if not 0 <= h < height:
                        run[:] = 0
                    elif dw == 1 and w >= 0 and w + kw <= width:
                        _copy(run, x[n, h, w * C : (w + kw) * C])
                    else:
                        for b in range(kw):
                            at = w + b * dw
                            if 0 <= at < width:
                                _copy(run[b * C : (b + 1) * C], x[n, h, at * C : (at + 1) * C])
                            else:
                                run[b * C : (b + 1) * C] = 0


@kernel
def scatter(rows, x, numbers):
    """Add `rows` to the windows of x; what sticks out of the image is lost."""
    C, n0, n1, i0, i1, j0, j1, kh, kw, sh, sw, dh, dw, top, left = numbers
    height, width = x.shape[1], x.shape[2] // C
    r = 0
    for n in range(n0, n1):
        for i in range(i0, i1):
            for j in range(j0, j1):
                row = rows[r]
                r += 1
                for a in range(kh):
                    h, w = i * sh - top + a * dh, j * sw - left
                    if not 0 <= h < height:
                        continue
                    run = row[a * kw * C : (a + 1) * kw * C]
                    if dw == 1 and w >= 0 and w + kw <= width:
                        _add(x[n, h, w * C : (w + kw) * C], run)
                        continue
                    for b in range(kw):
                        at = w + b * dw
                        if 0 <= at < width:
                            _add(x[n, h, at * C : (at + 1) * C], run[b * C : (b + 1) * C])
