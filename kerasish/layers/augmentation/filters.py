"""Random sharpness and blur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.kernels.sampling import along_both
from kerasish.layers.augmentation.base import chosen, clip, factor_range, of_images
from kerasish.layers.augmentation.light import Colors
from kerasish.layers.spatial import sizes
from kerasish.registry import register


@register()
@dataclass(eq=False, repr=False)
class RandomSharpness(Colors):
    """Make images sharper or softer, in training.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds of a number s from 0 to 1: the image is blended with its smoothed version,
        ``x + (1 - 2 s) * (smooth - x)``, so that 0 smooths and 0.5 changes nothing. A number f
        stands for (0, f).
    value_range : (float, float)
        Least and largest value of a pixel; the result is clipped to it.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.
    seed : int, optional
        Gives the layer random numbers of its own.

    Notes
    -----
    The smoothed image is a mean over 3x3 pixels, the middle one counting five times; beyond the
    border there are zeros.

    Examples
    --------
    >>> x = np.zeros((1, 3, 3, 1)); x[0, 1, 1] = 130
    >>> RandomSharpness((0, 0))(x)[0, :, :, 0].numpy().round(4)
    array([[10., 10., 10.],
           [10., 50., 10.],
           [10., 10., 10.]], dtype=float32)
    """

    written_first: ClassVar[tuple[str, ...]] = ("factor", "value_range", "seed")

    factor: Any
    value_range: Any = (0, 255)
    data_format: Any = None
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor, low=0)

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """The number of each image."""
        return rng.uniform(*self.factor, size=shape[0])

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Blend and clip; smoothing is a symmetric matrix."""
        share = of_images(1 - 2 * np.asarray(drawn), x.dtype)
        sums = [_three(n, x.dtype) for n in x.shape[1:3]]

        def mix(x: np.ndarray) -> np.ndarray:
            smooth = (along_both(x, *sums) + 4 * x) / 13
            return x + share * (smooth - x)

        y, inside = clip(mix(x), self.value_range)
        return y, lambda dy: mix(dy * inside)


@register()
@dataclass(eq=False, repr=False)
class RandomGaussianBlur(Colors):
    """Blur images, in training.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds of the probability, which is drawn for each image. A number f stands for (0, f).
    kernel_size : int or (int, int)
        Width and height, both odd, of the window that a pixel is made from.
    sigma : float or (float, float)
        Bounds, from 0 to 1, of the standard deviation in pixels, which is drawn for each axis of
        each image. A number f stands for (0, f).
    value_range : (float, float)
        Least and largest value of a pixel; the result is clipped to it.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.
    seed : int, optional
        Gives the layer random numbers of its own.

    Notes
    -----
    Beyond the border there are zeros, as in Keras.

    Examples
    --------
    >>> RandomGaussianBlur((1, 1), kernel_size=5)(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    written_first: ClassVar[tuple[str, ...]] = (
        *("factor", "kernel_size", "sigma", "value_range", "seed"),
    )

    factor: Any = 1.0
    kernel_size: Any = 3
    sigma: Any = 1.0
    value_range: Any = (0, 255)
    data_format: Any = None
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor, low=0)
        self.sigma = factor_range(self, "sigma", self.sigma, low=0)
        self.kernel_size = sizes(self, "kernel_size", self.kernel_size)
        if not all(n % 2 for n in self.kernel_size):
            raise ValueError(
                f"{self.label}: `kernel_size` must be odd, so that it has a middle, but is "
                f"{self.kernel_size}."
            )

    def draw(self, shape: tuple[int, ...], rng: Any) -> Any:
        """Which images are blurred, and their deviations along both axes."""
        return chosen(rng, self.factor, shape[0]), rng.uniform(*self.sigma, size=(2, shape[0]))

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Multiply with a symmetric matrix for each axis of each image; clip."""
        apply, (across, down) = drawn
        rows = gaussian(x.shape[1], down[apply], self.kernel_size[1], x.dtype)
        columns = gaussian(x.shape[2], across[apply], self.kernel_size[0], x.dtype)

        def blur(x: np.ndarray) -> np.ndarray:
            y = x.copy()
            y[apply] = along_both(x[apply], rows, columns)
            return y

        y, inside = clip(blur(x), self.value_range)
        return y, lambda dy: blur(dy * inside)


def gaussian(count: int, sigma: np.ndarray, size: int, dtype: Any) -> np.ndarray:
    """Matrices (N, count, count) that blur an axis, one for each `sigma`, zeros being beyond it."""
    reach = (size - 1) // 2
    deviation = np.asarray(sigma, np.float64)[:, None] + 1e-6
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    kernel /= kernel.sum(axis=1, keepdims=True)
    distance = np.arange(count)[:, None] - np.arange(count)
    near = np.abs(distance) <= reach
    return np.where(near, kernel[:, np.where(near, distance + reach, 0)], 0).astype(dtype)


def _three(count: int, dtype: Any) -> np.ndarray:
    """Matrix that sums each element of an axis with its two neighbours."""
    distance = np.arange(count)[:, None] - np.arange(count)
    return (np.abs(distance) <= 1).astype(dtype)
