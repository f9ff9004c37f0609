"""``tf.image``: sizes and colours of arrays (N, H, W, C) or (H, W, C)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.layers import Resizing
from kerasish.ops.calls import operand, result

GREY = np.array([0.2989, 0.5870, 0.1140], "float32")


def resize(images: Any, size: Any, method: str = "bilinear", **_: Any) -> Any:
    """The images at another height and width."""
    height, width = (int(n) for n in size)
    return Resizing(height, width, interpolation=method)(np.asarray(operand(images)))


def rgb_to_grayscale(images: Any, name: Any = None) -> Any:
    """One channel: the usual weights of red, green and blue."""
    return result((operand(images) * GREY).sum(axis=-1, keepdims=True), images)


def grayscale_to_rgb(images: Any, name: Any = None) -> Any:
    """Three equal channels."""
    return result(np.repeat(operand(images), 3, axis=-1), images)


def flip_left_right(image: Any) -> Any:
    """Mirrored."""
    return result(operand(image)[..., ::-1, :], image)


def flip_up_down(image: Any) -> Any:
    """Upside down."""
    return result(operand(image)[..., ::-1, :, :], image)
