"""Small images as PNG data URIs, without matplotlib or Pillow."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

MOST_SIDE = 256  # pixels: larger images are thinned out


def png_uri(pixels: np.ndarray) -> str:
    """Return an image as ``data:image/png;base64,...``.

    Parameters
    ----------
    pixels : uint8 array (H, W), (H, W, 3) or (H, W, 4)
        Grey values, colours, or colours with opacity.

    Examples
    --------
    >>> png_uri(np.zeros((2, 2), np.uint8))[:22]
    'data:image/png;base64,'
    """
    return "data:image/png;base64," + base64.b64encode(png_bytes(pixels)).decode()


def png_bytes(pixels: np.ndarray) -> bytes:
    """Return an image as the bytes of a PNG file (W3C, Portable Network Graphics, 2003)."""
    kind = {2: 0, 3: 2, 4: 6}[2 if pixels.ndim == 2 else pixels.shape[-1] or 0]
    high, wide = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels, np.uint8).reshape(high, -1)
    raw = np.hstack([np.zeros((high, 1), np.uint8), rows]).tobytes()  # filter 0 in each row
    header = struct.pack(">IIBBBBB", wide, high, 8, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, data)
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 6)), (b"IEND", b""))
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def is_image(shape: Any) -> bool:
    """Whether samples of this shape, without the batch axis, can be shown as images."""
    size = tuple(shape)
    flat = len(size) == 2 or (len(size) == 3 and size[-1] in (1, 3, 4))
    return flat and None not in size and min(size[:2]) >= 4


def as_pixels(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return one image as uint8, `low` being black and `high` white.

    >>> as_pixels(np.array([[0.0, 1.0], [0.5, np.nan]]), 0, 1).tolist()
    [[0, 255], [128, 0]]
    """
    image = np.asarray(image, np.float64)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    step = -(-max(image.shape[:2]) // MOST_SIDE)
    image = image[::step, ::step]
    scaled = (np.nan_to_num(image, nan=low, posinf=high, neginf=low) - low) / ((high - low) or 1)
    return np.rint(255 * scaled.clip(0, 1)).astype(np.uint8)


def value_range(images: np.ndarray) -> tuple[float, float]:
    """The values that are black and white: 0 and 1 or 0 and 255 where they fit, else the ends.

    >>> value_range(np.array([0, 200])), value_range(np.array([-1.0, 1.0]))
    ((0.0, 255.0), (-1.0, 1.0))
    """
    finite = images[np.isfinite(images)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low >= 0 and 0.5 < high <= 1:
        return 0.0, 1.0
    if low >= 0 and 100 < high <= 255:
        return 0.0, 255.0
    return low, high
