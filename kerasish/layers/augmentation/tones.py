"""Inverting and coarsening the values of pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.augmentation.base import chosen, factor_range, of_images
from kerasish.layers.augmentation.light import Colors
from kerasish.registry import register


@register()
@dataclass(eq=False, repr=False)
class RandomInvert(Colors):
    """Turn images to their negatives, in training: ``largest value - x``.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds of the probability, which is drawn for each image. A number f stands for (0, f), as
        in Keras: on average half of the images for 1.
    value_range : (float, float)
        Least and largest value of a pixel.
    seed : int, optional
        Gives the layer random numbers of its own.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Examples
    --------
    >>> RandomInvert((1, 1))(np.uint8([0, 100, 255]).reshape(1, 1, 3, 1)).numpy().ravel()
    array([255., 155.,   0.], dtype=float32)
    """

    written_first: ClassVar[tuple[str, ...]] = ("factor", "value_range", "seed")

    factor: Any = 1.0
    value_range: Any = (0, 255)
    seed: int | None = None
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor, low=0)

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """Which images are inverted."""
        return chosen(rng, self.factor, shape[0])

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Invert those."""
        sign = of_images(np.where(drawn, -1, 1), x.dtype)
        y = x * sign
        y += of_images(drawn, x.dtype) * x.dtype.type(self.value_range[1])
        return y, lambda dy: dy * sign


@register()
@dataclass(eq=False, repr=False)
class RandomPosterization(Colors):
    """Keep the first few of the eight bits of each value, in training.

    Parameters
    ----------
    factor : int or (int, int)
        Bounds of the number of bits, from 1 to 8, the second not included unless they are equal.
        A number f stands for (1, f).
    value_range, data_format, seed
        As in `RandomInvert`.

    Notes
    -----
    The result is a staircase: no gradient passes.

    Examples
    --------
    >>> RandomPosterization((1, 1))(np.uint8([0, 100, 200]).reshape(1, 1, 3, 1)).numpy().ravel()
    array([  0.,   0., 128.], dtype=float32)
    """

    written_first: ClassVar[tuple[str, ...]] = ("factor", "value_range", "seed")

    factor: Any
    value_range: Any = (0, 255)
    data_format: Any = None
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.factor
        self.factor = factor_range(self, "factor", given, low=1, high=8)
        if any(bits != int(bits) for bits in self.factor):
            raise ValueError(f"{self.label}: `factor` must be whole numbers but is {given!r}.")

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """The number of bits of each image."""
        low, high = self.factor
        return rng.integers(low, max(high, low + 1), size=shape[0])

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Round down to a multiple of 2 ** (8 - bits), on a scale from 0 to 255."""
        low, high = self.value_range
        step = of_images(2.0 ** (8 - np.asarray(drawn)), x.dtype)
        whole = np.floor(np.clip(to_bytes(x, self.value_range), 0, 255))
        y = np.floor(whole / step) * step * x.dtype.type((high - low) / 255) + x.dtype.type(low)
        return y, np.zeros_like


@register()
@dataclass(eq=False, repr=False)
class Solarization(Colors):
    """Brighten images and invert what is then above a threshold, in training.

    Parameters
    ----------
    addition_factor, threshold_factor : float or (float, float)
        Bounds, from 0 to 1, of what is added and of the threshold, as parts of the value range.
        A number f stands for (0, f).
    value_range : (float, float)
        Least and largest value of a pixel.
    seed : int, optional
        Gives the layer random numbers of its own.

    Notes
    -----
    As in Keras 3, lower bounds count on a scale from 0 to 255, and so hardly at all.

    Examples
    --------
    >>> Solarization()(np.uint8([0, 100, 255]).reshape(1, 1, 3, 1)).numpy().ravel()
    array([255., 155.,   0.], dtype=float32)
    """

    written_first: ClassVar[tuple[str, ...]] = (
        *("value_range", "addition_factor", "threshold_factor", "seed"),
    )

    addition_factor: Any = 0.0
    threshold_factor: Any = 0.0
    value_range: Any = (0, 255)
    seed: int | None = None
    data_format: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("addition_factor", "threshold_factor"):
            setattr(self, name, factor_range(self, name, getattr(self, name), low=0))

    def draw(self, shape: tuple[int, ...], rng: Any) -> Any:
        """What is added to each image, and its threshold, on a scale from 0 to 255."""
        bounds = (self.addition_factor, self.threshold_factor)
        return [rng.uniform(low, max(low, 255 * high), size=shape[0]) for low, high in bounds]

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Add, clip, invert."""
        added, threshold = (of_images(d, x.dtype) for d in drawn)
        shifted = to_bytes(x, self.value_range) + added
        inside = (shifted >= 0) & (shifted <= 255)
        shifted = np.clip(shifted, 0, 255)
        keep = shifted < threshold
        low, high = self.value_range
        y = np.where(keep, shifted, 255 - shifted) * x.dtype.type((high - low) / 255)
        return y + x.dtype.type(low), lambda dy: np.where(keep, dy, -dy) * inside


def to_bytes(x: np.ndarray, value_range: Any) -> np.ndarray:
    """Values on a scale from 0 to 255."""
    low, high = value_range
    return (
        x if (low, high) == (0, 255) else (x - x.dtype.type(low)) * x.dtype.type(255 / (high - low))
    )
