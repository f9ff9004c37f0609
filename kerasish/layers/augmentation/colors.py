"""Random hue, saturation and gray."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.kernels import colors
from kerasish.layers.arguments import Shape, fraction
from kerasish.layers.augmentation.base import ImageLayer, clip, factor_range, of_images
from kerasish.layers.augmentation.light import Colors
from kerasish.registry import register


class Rgb(ImageLayer):
    """A layer on images of three colours."""

    channels: ClassVar[tuple[int, ...]] = (3,)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        channels = self.last_shape(input_shape)[-1]
        if channels not in (*self.channels, None):
            raise self.shape_error(
                "(N, 3, height, width)" if self.channels_first else "(N, height, width, 3)",
                input_shape,
                "It needs the three channels red, green and blue.",
            )
        return tuple(input_shape)


@register()
@dataclass(eq=False, repr=False)
class RandomHue(Rgb, Colors):
    """Turn the hue of each image, in training.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds, from 0 to 1, of the angle as a part of a half turn; its sign is drawn, too. A
        number f stands for (0, f).
    value_range : (float, float)
        Least and largest value of a pixel.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.
    seed : int, optional
        Gives the layer random numbers of its own.

    Examples
    --------
    >>> red = np.uint8([255, 0, 0]).reshape(1, 1, 1, 3)
    >>> RandomHue((1, 1))(red).numpy().ravel()  # half a circle away
    array([  0., 255., 255.], dtype=float32)
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
        """The angle of each image, in turns."""
        sign = np.where(rng.random(shape[0]) < 0.5, -0.5, 0.5)
        return sign * rng.uniform(*self.factor, size=shape[0])

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Turn and clip."""
        low = x.dtype.type(self.value_range[0])
        turned, pull = colors.turn(x - low, 6 * of_images(drawn, x.dtype)[..., 0])
        turned += low
        y, inside = clip(turned, self.value_range)
        return y, lambda dy: pull(dy * inside)


@register()
@dataclass(eq=False, repr=False)
class RandomSaturation(Rgb, Colors):
    """Make the colours of each image paler or stronger, in training.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds of a number s from -1 to 1: the saturation is multiplied by ``s / (1 - s)``, so
        that 0.5 changes nothing, 0 gives gray and 1 full colours. A number f stands for (-f, f).
    value_range, data_format, seed
        As in `RandomHue`.

    Notes
    -----
    The saturation stays within 0 and 1, where Keras clips it to the value range.

    Examples
    --------
    >>> x = np.uint8([200, 100, 100]).reshape(1, 1, 1, 3)
    >>> RandomSaturation((0, 0))(x).numpy().ravel()
    array([200., 200., 200.], dtype=float32)
    """

    written_first: ClassVar[tuple[str, ...]] = ("factor", "value_range", "seed")

    factor: Any
    value_range: Any = (0, 255)
    data_format: Any = None
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor)

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """What the saturation of each image is multiplied by."""
        part = rng.uniform(*self.factor, size=shape[0])
        return part / (1 - part + 1e-7)

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Multiply."""
        return colors.turn(x, saturation=of_images(drawn, x.dtype)[..., 0])


@register()
@dataclass(eq=False, repr=False)
class RandomGrayscale(Rgb):
    """Turn images to gray, in training; they keep three channels.

    Parameters
    ----------
    factor : float
        Probability for each image, from 0 to 1.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.
    seed : int, optional
        Gives the layer random numbers of its own.

    Examples
    --------
    >>> RandomGrayscale(1.0)(np.uint8([0, 100, 0]).reshape(1, 1, 1, 3)).numpy().ravel().round(1)
    array([58.7, 58.7, 58.7], dtype=float32)
    """

    channels: ClassVar[tuple[int, ...]] = (1, 3)
    written_first: ClassVar[tuple[str, ...]] = ("factor",)

    factor: float = 0.5
    data_format: Any = None
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = fraction(self, "factor", self.factor)

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """Which images become gray."""
        return rng.random(shape[0]) < self.factor

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Blend with gray, wholly or not at all."""
        return blend(x, drawn)

    def get_config(self) -> dict[str, Any]:
        """Arguments; a seed only where there is one, as Keras writes none."""
        config = super().get_config()
        if self.seed is None:
            del config["seed"]
        return config


@register()
@dataclass(eq=False, repr=False)
class RandomColorDegeneration(Rgb, Colors):
    """Blend each image with its gray version, in training.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds of the share of gray, from -1 to 1; below 0 colours become stronger. A number f
        stands for (-f, f).
    value_range, data_format, seed
        As in `RandomHue`.

    Examples
    --------
    >>> x = np.uint8([0, 100, 0]).reshape(1, 1, 1, 3)
    >>> RandomColorDegeneration((0.5, 0.5))(x).numpy().ravel().round(2)
    array([29.35, 79.35, 29.35], dtype=float32)
    """

    channels: ClassVar[tuple[int, ...]] = (1, 3)
    written_first: ClassVar[tuple[str, ...]] = ("factor", "value_range", "seed")

    factor: Any
    value_range: Any = (0, 255)
    data_format: Any = None
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor)

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """The share of gray of each image."""
        return rng.uniform(*self.factor, size=shape[0])

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Blend and clip."""
        blended, pull = blend(x, drawn)
        y, inside = clip(blended, self.value_range)
        return y, lambda dy: pull(dy * inside)


def blend(x: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, Any]:
    """``x + share * (gray - x)`` with a share for each image."""
    share = of_images(shares, x.dtype)
    gray, pull_gray = colors.gray(x)
    y = gray - x
    y *= share
    y += x

    def pull(dy: np.ndarray) -> np.ndarray:
        dx = dy * (1 - share)
        dx += pull_gray((dy * share).sum(axis=-1, keepdims=True))
        return dx

    return y, pull
