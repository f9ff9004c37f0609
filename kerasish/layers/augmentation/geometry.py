"""Random flips, shifts, turns and zooms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.kernels import sampling
from kerasish.layers.augmentation.base import ImageLayer, factor_range
from kerasish.layers.spatial import one_of
from kerasish.registry import register

FLIPS = {
    "horizontal": (slice(None), slice(None), slice(None, None, -1)),
    "vertical": (slice(None), slice(None, None, -1)),
    "horizontal_and_vertical": (slice(None), slice(None, None, -1), slice(None, None, -1)),
}


@register()
@dataclass(eq=False, repr=False)
class RandomFlip(ImageLayer):
    """Flip each image with probability 1/2, in training.

    Parameters
    ----------
    mode : {"horizontal_and_vertical", "horizontal", "vertical"}
        Left to right, top to bottom, or both at once, which is a half turn.
    seed : int, optional
        Gives the layer random numbers of its own.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Examples
    --------
    >>> x = np.arange(3.0).reshape(1, 1, 3, 1)
    >>> sorted({tuple(RandomFlip("horizontal")(x).ravel().tolist()) for _ in range(30)})
    [(0.0, 1.0, 2.0), (2.0, 1.0, 0.0)]
    """

    moves: ClassVar[bool] = True
    written_first: ClassVar[tuple[str, ...]] = ("seed", "mode")

    mode: str = "horizontal_and_vertical"
    seed: int | None = None
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.mode = one_of(self, "mode", self.mode, tuple(FLIPS))

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """Which images are flipped."""
        return rng.random(shape[0]) < 0.5

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Flip those images; the way back is the same."""

        def flip(x: np.ndarray) -> np.ndarray:
            y = x.copy()
            y[drawn] = x[drawn][FLIPS[self.mode]]
            return y

        return flip(x), flip


class Affine(ImageLayer):
    """A layer that samples each image at places given by a matrix."""

    moves: ClassVar[bool] = True

    interpolation: str
    fill_mode: str
    fill_value: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.interpolation = one_of(
            self, "interpolation", self.interpolation, ("nearest", "bilinear")
        )
        self.fill_mode = one_of(self, "fill_mode", self.fill_mode, sampling.FILL_MODES)
        self.fill_value = float(self.fill_value)

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Sample; `drawn` has the matrices (N, 6) of `sampling.affine`."""
        interpolation = interpolation or self.interpolation
        return sampling.affine(x, drawn, interpolation, self.fill_mode, self.fill_value)


@register()
@dataclass(eq=False, repr=False)
class RandomTranslation(Affine):
    """Shift each image down or up and right or left, in training.

    Parameters
    ----------
    height_factor, width_factor : float or (float, float)
        Bounds of the shift as a part of the height, or width; positive is down, or right. A
        number f stands for (-f, f).
    fill_mode : {"reflect", "wrap", "constant", "nearest"}
        What comes in at the border: the image mirrored, the image repeated, `fill_value`, or its
        last pixels.
    interpolation : {"bilinear", "nearest"}
        How the image is read between its pixels.
    seed : int, optional
        Gives the layer random numbers of its own.
    fill_value : float
        Of ``fill_mode="constant"``.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Examples
    --------
    >>> layer = RandomTranslation(0, (1 / 3, 1 / 3), fill_mode="constant")
    >>> layer(np.float32([1, 2, 3]).reshape(1, 1, 3, 1)).numpy().ravel().round(4)
    array([0., 1., 2.], dtype=float32)
    """

    height_factor: Any
    width_factor: Any
    fill_mode: str = "reflect"
    interpolation: str = "bilinear"
    seed: int | None = None
    fill_value: float = 0.0
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._height = factor_range(self, "height_factor", self.height_factor)
        self._width = factor_range(self, "width_factor", self.width_factor)

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """The shifts, in pixels, as matrices."""
        count, height, width = shape[:3]
        down = rng.uniform(*self._height, size=count) * height
        right = rng.uniform(*self._width, size=count) * width
        return matrices(count, c=-right, f=-down)


@register()
@dataclass(eq=False, repr=False)
class RandomRotation(Affine):
    """Turn each image about its centre, in training.

    Parameters
    ----------
    factor : float or (float, float)
        Bounds of the angle as a part of a full turn; positive is counter-clockwise. A number f
        stands for (-f, f).
    fill_mode, interpolation, seed, fill_value, data_format
        As in `RandomTranslation`.

    Examples
    --------
    >>> x = np.float32([[1, 2], [3, 4]])[None, :, :, None]
    >>> RandomRotation((0.25, 0.25))(x)[0, :, :, 0].numpy().round(4)
    array([[2., 4.],
           [1., 3.]], dtype=float32)
    """

    written_first: ClassVar[tuple[str, ...]] = (
        *("factor", "fill_mode", "fill_value", "interpolation"),
    )

    factor: Any
    fill_mode: str = "reflect"
    interpolation: str = "bilinear"
    seed: int | None = None
    fill_value: float = 0.0
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.factor = factor_range(self, "factor", self.factor, whole=360)

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """The angles, as matrices that leave the centre in place."""
        angle = 2 * np.pi * rng.uniform(*self.factor, size=shape[0])
        cos, sin = np.cos(angle), np.sin(angle)
        y, x = (shape[1] - 1) / 2, (shape[2] - 1) / 2
        return matrices(
            shape[0], a=cos, b=-sin, c=x - x * cos + y * sin, d=sin, e=cos, f=y - x * sin - y * cos
        )


@register()
@dataclass(eq=False, repr=False)
class RandomZoom(Affine):
    """Zoom each image out or in about its centre, in training.

    Parameters
    ----------
    height_factor, width_factor : float or (float, float)
        Bounds of the zoom, above -1: 0.2 shows 20 % more of the height (the content shrinks),
        -0.2 shows 20 % less. A number f stands for (-f, f). Without `width_factor` the
        proportions stay.
    fill_mode, interpolation, seed, fill_value, data_format
        As in `RandomTranslation`.

    Examples
    --------
    >>> RandomZoom((-0.5, -0.5))(np.float32([0, 0, 4, 0, 0]).reshape(1, 1, 5, 1)).numpy().ravel()
    array([0., 2., 4., 2., 0.], dtype=float32)
    """

    height_factor: Any
    width_factor: Any = None
    fill_mode: str = "reflect"
    interpolation: str = "bilinear"
    seed: int | None = None
    fill_value: float = 0.0
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._height = self._bounds("height_factor")
        self._width = None if self.width_factor is None else self._bounds("width_factor")

    def _bounds(self, name: str) -> tuple[float, float]:
        low, high = factor_range(self, name, getattr(self, name))
        if low <= -1:
            raise ValueError(
                f"{self.label}: `{name}` must be above -1, which would show nothing of the image, "
                f"but is {getattr(self, name)!r}."
            )
        return low, high

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """The zooms, as matrices that leave the centre in place."""
        count, height, width = shape[:3]
        tall = 1 + rng.uniform(*self._height, size=count)
        wide = tall if self._width is None else 1 + rng.uniform(*self._width, size=count)
        return matrices(
            count, a=wide, c=(width - 1) / 2 * (1 - wide), e=tall, f=(height - 1) / 2 * (1 - tall)
        )


@register()
@dataclass(eq=False, repr=False)
class RandomShear(Affine):
    """Slant each image, in training.

    Parameters
    ----------
    x_factor, y_factor : float or (float, float)
        Bounds of the columns that each row is shifted by against the one above, and of the rows
        that each column is shifted by; the sign is drawn, too. A number f stands for (-f, f), and
        stays a number in the config: Keras writes the pair, which it then refuses to read.
    interpolation, fill_mode, fill_value, data_format, seed
        As in `RandomTranslation`.

    Examples
    --------
    >>> RandomShear(0.2)(np.zeros((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    written_first: ClassVar[tuple[str, ...]] = (
        *("x_factor", "y_factor", "fill_mode", "interpolation", "seed", "fill_value"),
    )

    x_factor: Any = 0.0
    y_factor: Any = 0.0
    interpolation: str = "bilinear"
    fill_mode: str = "reflect"
    fill_value: float = 0.0
    data_format: Any = None
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._x = factor_range(self, "x_factor", self.x_factor)
        self._y = factor_range(self, "y_factor", self.y_factor)

    def draw(self, shape: tuple[int, ...], rng: Any) -> np.ndarray:
        """The shears, as matrices."""
        sign = np.where(rng.random(shape[0]) < 0.5, -1.0, 1.0)
        across = sign * rng.uniform(*self._x, size=shape[0])
        down = sign * rng.uniform(*self._y, size=shape[0])
        return matrices(shape[0], b=across, d=down)


def matrices(count: int, **entries: Any) -> np.ndarray:
    """`count` matrices (N, 6) for `sampling.affine`: the identity but for `entries` "a" to "f"."""
    found = np.tile([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], (count, 1))
    for name, values in entries.items():
        found[:, "abcdef".index(name)] = values
    return found
