"""Random brightness and contrast."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.augmentation.base import (
    ImageLayer,
    clip,
    factor_range,
    of_images,
    value_bounds,
)
from kerasish.registry import register


class Colors(ImageLayer):
    """A layer that changes the values of pixels, which lie in `value_range`."""

    value_range: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self.value_range = value_bounds(self, self.value_range)


@register()
@dataclass(eq=False, repr=False)
class RandomBrightness(Colors):
    """Add a random number to all pixels of an image, in training.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds of the number as a part of the value range, from -1 to 1. A number f stands for
        (-f, f).
    value_range : (float, float)
        Least and largest value of a pixel; the result is clipped to it.
    seed : int, optional
        Gives the layer random numbers of its own.

    Examples
    --------
    >>> RandomBrightness((0.2, 0.2))(np.uint8([0, 100, 240]).reshape(1, 1, 3, 1)).numpy().ravel()
    array([ 51., 151., 255.], dtype=float32)
    """

    written_first: ClassVar[tuple[str, ...]] = ("factor", "value_range", "seed")

    factor: Any
    value_range: Any = (0, 255)
    seed: int | None = None
    data_format: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor)

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """What is added to each image."""
        low, high = self.value_range
        return rng.uniform(*self.factor, size=shape[0]) * (high - low)

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Add and clip."""
        y, inside = clip(x + of_images(drawn, x.dtype), self.value_range)
        return y, lambda dy: dy * inside


@register()
@dataclass(eq=False, repr=False)
class RandomContrast(Colors):
    """Multiply the distance of an image's pixels from their mean, in training.

    Parameters
    ----------
    factor : float or (float, float)
        The distance is multiplied by a number from ``1 - lower`` to ``1 + upper``. A number f
        stands for the pair (0, f), as in Keras 3: the contrast only grows.
    value_range : (float, float)
        Least and largest value of a pixel; the result is clipped to it.
    seed : int, optional
        Gives the layer random numbers of its own.

    Notes
    -----
    The mean is taken over the pixels of each channel of each image.

    Examples
    --------
    >>> x = np.uint8([90, 100, 110]).reshape(1, 1, 3, 1)
    >>> y = RandomContrast((0.5, 0.5), seed=1)(x).numpy().ravel()
    >>> y.mean().round(4), bool(5 <= y[1] - y[0] <= 15)
    (np.float32(100.0), True)
    """

    written_first: ClassVar[tuple[str, ...]] = ("factor", "value_range", "seed")

    factor: Any
    value_range: Any = (0, 255)
    seed: int | None = None
    data_format: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor, low=0)

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """The factor of each image."""
        return rng.uniform(1 - self.factor[0], 1 + self.factor[1], size=shape[0])

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Stretch about the mean, and clip."""
        factor = of_images(drawn, x.dtype)

        def stretch(x: np.ndarray) -> np.ndarray:
            rows = x.reshape(len(x), -1, x.shape[3])
            share = np.full((1, rows.shape[1]), 1 / rows.shape[1], x.dtype)
            mean = np.matmul(share, rows)[:, None]  # a product sums faster than .mean
            y = x * factor
            y += mean * (1 - factor)
            return y

        y, inside = clip(stretch(x), self.value_range)
        return y, lambda dy: stretch(dy * inside)  # a symmetric matrix
