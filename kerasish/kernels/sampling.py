"""Reading images between their pixels: resizing, and sampling at given places.

Images are (N, H, W, C). Pixel i of an axis covers i to i + 1, so its centre is at i + 0.5 when
an image is resized; places at which an image is sampled are counted from the centre of pixel 0.
Each function returns its result and the function from dLoss/dresult to dLoss/dimages.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Pull = Callable[[np.ndarray], np.ndarray]

Taps = list[tuple[np.ndarray, np.ndarray]]  # which element is read, and with what weight

PIXELS = 1 << 14  # of the images that are sampled at once
INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
FILL_MODES = ("reflect", "wrap", "constant", "nearest")


# --- resizing -------------------------------------------------------------------------------------


def resize(
    x: np.ndarray, size: tuple[int, int], interpolation: str, antialias: bool = False
) -> tuple[np.ndarray, Pull]:
    """Images of another height and width: one product with a matrix along each axis."""
    if x.shape[1:3] == size:
        return x, lambda dy: dy
    rows, columns = (
        resize_matrix(old, new, interpolation, antialias, x.dtype)
        for old, new in zip(x.shape[1:3], size, strict=True)
    )
    return along_both(x, rows, columns), lambda dy: along_both(dy, rows.T, columns.T)


def along_both(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Multiply images with matrices (H', H) and (W', W) along their axes, or with (N, ...)."""
    batch, height, width, channels = x.shape
    tall = np.matmul(rows, x.reshape(batch, height, width * channels))
    tall = tall.reshape(batch, rows.shape[-2], width, channels)
    return np.matmul(columns if columns.ndim == 2 else columns[:, None], tall)


def resize_matrix(
    count: int, size: int, interpolation: str, antialias: bool = False, dtype: Any = np.float32
) -> np.ndarray:
    """Matrix (size, count) that takes `count` pixels of an axis to `size`.

    Its rows sum to 1: beyond the border there are no pixels. With `antialias` the kernel is
    widened when an image shrinks, so that all of its pixels count.

    >>> resize_matrix(2, 4, "bilinear").tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    step = count / size
    if interpolation == "nearest":
        places = (np.arange(size) + 0.5) * step
        return (np.floor(places)[:, None] == np.arange(count)).astype(dtype)
    places = (np.arange(size) + 0.5) * step - 0.5
    distance = np.abs(places[:, None] - np.arange(count))
    weights = _KERNELS[interpolation](distance / (max(step, 1) if antialias else 1))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - x, 0)


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys 1981, with a = -0.5."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)


_KERNELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bilinear": _triangle,
    "bicubic": _cubic,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}


# --- sampling -------------------------------------------------------------------------------------


def affine(
    x: np.ndarray, matrices: np.ndarray, interpolation: str, fill_mode: str, fill_value: float
) -> tuple[np.ndarray, Pull]:
    """Images whose pixel (column u, row v) is that of `x` at (a u + b v + c, d u + e v + f).

    `matrices` (N, 6) holds a, b, c, d, e, f of each image. Without rotation and shear (b and d
    are 0) rows and columns are sampled one after the other.
    """
    a, b, c, d, e, f = matrices.astype(x.dtype).T[:, :, None]
    rows, columns = np.arange(x.shape[1], dtype=x.dtype), np.arange(x.shape[2], dtype=x.dtype)
    across, down = a * columns + c, e * rows + f  # (N, W), (N, H)
    if b.any() or d.any():
        places_down = down[:, :, None] + (d * columns)[:, None]
        places_across = across[:, None] + (b * rows)[:, :, None]
        return sample(x, places_down, places_across, interpolation, fill_mode, fill_value)
    return sample(x, down[:, :, None], across[:, None], interpolation, fill_mode, fill_value)


def sample(
    x: np.ndarray,
    down: np.ndarray,
    across: np.ndarray,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
) -> tuple[np.ndarray, Pull]:
    """Pixels of `x` at the rows `down` and columns `across`, both (N, H', W') or broadcast to it.

    A place between pixels takes their average, by distance (`interpolation` "bilinear"), or the
    nearest one. `fill_mode` says what is beyond the border: the image mirrored ("reflect",
    cba|abc|cba; "mirror", cb|abc|ba), repeated ("wrap"), its last pixels ("nearest"), or
    `fill_value` ("constant").
    """
    height = max(down.shape[1], across.shape[1])
    width = max(down.shape[2], across.shape[2])
    y = np.empty((len(x), height, width, x.shape[3]), x.dtype)
    blocks = cache_blocks(len(x), max(height * width, x.shape[1] * x.shape[2]))

    def taps(images: slice) -> tuple[Taps, Taps]:
        return (
            _taps(down[images], x.shape[1], interpolation, fill_mode),
            _taps(across[images], x.shape[2], interpolation, fill_mode),
        )

    for images in blocks:
        vertical, horizontal = taps(images)
        planes = np.ascontiguousarray(np.moveaxis(x[images], 3, 0))
        if down.shape[2] == across.shape[1] == 1:
            sampled = _by_axes(planes, vertical, horizontal)
        else:
            sampled = _read(planes, _both(vertical, horizontal, x.shape[1:3]))
        y[images] = np.moveaxis(sampled, 0, 3)
        if fill_mode == "constant" and fill_value:
            inside = sum(w for _, w in vertical) * sum(w for _, w in horizontal)
            y[images] += ((1 - inside) * x.dtype.type(fill_value))[..., None]

    def pull(dy: np.ndarray) -> np.ndarray:
        dx = np.empty(x.shape, dy.dtype)
        for images in blocks:
            pixels = _both(*taps(images), x.shape[1:3])
            for channel in range(x.shape[3]):
                dx[images, ..., channel] = _spread(dy[images, ..., channel], pixels, x.shape[1:3])
        return dx

    return y, pull


def cache_blocks(count: int, pixels: int) -> list[slice]:
    """Cut a batch so that the arrays of a block stay in the cache."""
    size = max(PIXELS // pixels, 1)
    return [slice(i, min(i + size, count)) for i in range(0, count, size)]


def _taps(places: np.ndarray, count: int, interpolation: str, fill_mode: str) -> Taps:
    """The pixels of an axis that each place reads, and their weights."""
    floor = np.floor(places)
    index, part = floor.astype(np.intp), places - floor
    if interpolation == "nearest":  # halves away from 0
        up = (part > 0.5) | ((part == 0.5) & (places > 0))
        pairs = [(index + up, np.ones_like(places))]
    else:
        pairs = [(index, 1 - part), (index + 1, part)]
    found = []
    for index, weight in pairs:
        if fill_mode == "constant":
            weight = weight * ((index >= 0) & (index < count))
        elif fill_mode == "wrap":
            index = index % count
        elif fill_mode == "reflect":
            index = index % (2 * count)
            index = np.minimum(index, 2 * count - 1 - index)
        elif fill_mode == "mirror":
            period = max(2 * count - 2, 1)
            index = index % period
            index = np.minimum(index, period - index)
        found.append((np.clip(index, 0, count - 1), weight))
    return found


def _both(vertical: Taps, horizontal: Taps, shape: tuple[int, ...]) -> Taps:
    """Taps of single pixels, counted through a block of images of this height and width."""
    height, width = shape
    image = np.arange(len(vertical[0][0]))[:, None, None] * height
    return [((image + i) * width + j, v * w) for i, v in vertical for j, w in horizontal]


def _by_axes(planes: np.ndarray, vertical: Taps, horizontal: Taps) -> np.ndarray:
    """Rows first, then columns, which reads two pixels for each instead of four."""
    channels, batch, height, width = planes.shape
    image = np.arange(batch)[:, None]
    rows = [(image * height + i[:, :, 0], v) for i, v in vertical]
    tall = _read(planes.reshape(channels, -1, width), rows)  # (C, N, H', W)
    row = np.arange(batch * tall.shape[2]).reshape(batch, -1, 1)
    return _read(tall, [(row * width + j, w) for j, w in horizontal])


def _read(planes: np.ndarray, taps: Taps) -> np.ndarray:
    """Sum over taps of weight * plane[index], for each channel: (C, *index's shape).

    `planes` (C, rows, W) is read by rows, (C, N, H, W) by pixels.
    """
    channels = len(planes)
    source = planes if planes.ndim == 3 else planes.reshape(channels, -1)
    shape = np.broadcast_shapes(*(index.shape for index, _ in taps))
    y = np.empty((channels, *shape, *source.shape[2:]), planes.dtype)
    part = np.empty(y.shape[1:], y.dtype)
    for plane, out in zip(source, y, strict=True):
        for number, (index, weight) in enumerate(taps):
            target = part if number else out
            np.take(plane, index, axis=0, out=target, mode="clip")  # "raise" would copy `out`
            target *= weight
            if number:
                out += part
    return y


def _spread(dy: np.ndarray, taps: Taps, shape: tuple[int, ...]) -> np.ndarray:
    """The transpose of `_read` for one channel: (N, H', W') to (N, *shape)."""
    size = len(dy) * math.prod(shape)
    total = sum(
        np.bincount(np.broadcast_to(index, dy.shape).ravel(), (dy * weight).ravel(), minlength=size)
        for index, weight in taps
    )
    return np.asarray(total).reshape(len(dy), *shape)
