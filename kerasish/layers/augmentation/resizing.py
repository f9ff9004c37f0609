"""Images of another size: Resizing, CenterCrop and RandomCrop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.kernels import sampling
from kerasish.kernels.sampling import Pull
from kerasish.layers.arguments import Shape, positive
from kerasish.layers.augmentation.base import ImageLayer
from kerasish.layers.spatial import one_of
from kerasish.registry import register

Spot = tuple[slice, ...]


class Sized(ImageLayer):
    """A layer whose output has the given height and width, in training and in inference."""

    always: ClassVar[bool] = True
    moves: ClassVar[bool] = True

    height: int
    width: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self.height = positive(self, "height", self.height)
        self.width = positive(self, "width", self.width)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, height, width, channels)."""
        shape = self.last_shape(input_shape)
        return self.full_shape(shape[0], (self.height, self.width), shape[-1])

    def window(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width of the largest part of an image that has the output's proportions."""
        height, width = shape[1:3]
        tall = min(height, int(width * self.height / self.width))
        wide = min(width, int(height * self.width / self.height))
        return max(tall, 1), max(wide, 1)

    def middle(self, x: np.ndarray, interpolation: str) -> tuple[np.ndarray, Pull]:
        """The middle of the images; if they are too small, their largest part resized."""
        shape = x.shape
        if shape[1] >= self.height and shape[2] >= self.width:
            return cut(x, centre(shape, (self.height, self.width)))
        spot = centre(shape, self.window(shape))
        y, pull = sampling.resize(x[spot], (self.height, self.width), interpolation or "bilinear")
        return y, lambda dy: put(pull(dy), spot, shape)


@register()
@dataclass(eq=False, repr=False)
class Resizing(Sized):
    """Resize images to (height, width), in training and in inference.

    Parameters
    ----------
    height, width : int
        Size of the output.
    interpolation : {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"}
        How a pixel is made from those near it.
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool
        Keep the proportions: by leaving out what is too much at both sides, or by filling up with
        `fill_value`. By default images are stretched.
    fill_mode : {"constant"}
        The only mode, as in Keras.
    fill_value : float
        Value of the pixels that are added.
    antialias : bool
        Whether all pixels of the input count when it is made smaller.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Notes
    -----
    Outside of models an array of integers gives rounded integers of the same type.

    Examples
    --------
    >>> Resizing(2, 2)(np.arange(16, dtype="uint8").reshape(1, 4, 4, 1))[0, :, :, 0]
    Array([[ 2,  4],
           [10, 12]], dtype=uint8)
    """

    height: int
    width: int
    interpolation: str = "bilinear"
    crop_to_aspect_ratio: bool = False
    pad_to_aspect_ratio: bool = False
    fill_mode: str = "constant"
    fill_value: float = 0.0
    antialias: bool = False
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.interpolation = one_of(
            self, "interpolation", self.interpolation, sampling.INTERPOLATIONS
        )
        if self.fill_mode != "constant":
            raise ValueError(
                f"{self.label}: `fill_mode` must be 'constant' but is {self.fill_mode!r}. It is "
                f"what pad_to_aspect_ratio=True fills up with."
            )
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ValueError(
                f"{self.label}: only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can "
                f"be True."
            )
        self.antialias = bool(self.antialias)

    def __call__(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Resize images, one image, or a dict of images and more."""
        y = super().__call__(inputs, training, mask)
        kind = getattr(inputs, "dtype", None)
        if kind is None or np.dtype(kind).kind not in "iu" or not isinstance(y, np.ndarray):
            return y
        limits = np.iinfo(kind)
        return np.clip(np.round(y), limits.min, limits.max).astype(kind)

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Crop or pad if asked, then resize."""
        shape = x.shape
        spot: Spot = (slice(None),)
        if self.crop_to_aspect_ratio:
            spot = centre(shape, self.window(shape))
            x = x[spot]
        elif self.pad_to_aspect_ratio:
            height, width = shape[1:3]
            top = max(int(width * self.height / self.width) - height, 0) // 2
            left = max(int(height * self.width / self.height) - width, 0) // 2
            tall, wide = height + 2 * top, width + 2 * left  # even borders, as in Keras
            spot = centre((len(x), tall, wide), (height, width))
            larger = np.full((len(x), tall, wide, shape[3]), self.fill_value, x.dtype)
            larger[spot] = x
            x = larger
        size = (self.height, self.width)
        y, pull_resized = sampling.resize(
            x, size, interpolation or self.interpolation, self.antialias
        )

        def pull(dy: np.ndarray) -> np.ndarray:
            dx = pull_resized(dy)
            return put(dx, spot, shape) if self.crop_to_aspect_ratio else dx[spot]

        return y, pull


@register()
@dataclass(eq=False, repr=False)
class CenterCrop(Sized):
    """Cut out the middle of images, in training and in inference.

    An image that is too small is resized: the largest part with the output's proportions.

    Parameters
    ----------
    height, width : int
        Size of the output.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Examples
    --------
    >>> CenterCrop(2, 2)(np.arange(16).reshape(1, 4, 4, 1))[0, :, :, 0]
    Array([[ 5.,  6.],
           [ 9., 10.]], dtype=float32)
    """

    height: int
    width: int
    data_format: Any = None

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Crop, or crop and resize."""
        return self.middle(x, interpolation)


@register()
@dataclass(eq=False, repr=False)
class RandomCrop(Sized):
    """Cut out a random part of each image in training, the middle in inference.

    An image that is too small is resized as by `CenterCrop`.

    Parameters
    ----------
    height, width : int
        Size of the output.
    seed : int, optional
        Gives the layer random numbers of its own.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Notes
    -----
    Every image has a place of its own, where Keras cuts a whole batch at one; and inference
    gives images of the same size as training, where Keras leaves them as they are.

    Examples
    --------
    >>> RandomCrop(24, 24)(np.zeros((8, 32, 32, 3))).shape
    (8, 24, 24, 3)
    """

    positional_tail: ClassVar[tuple[str, ...]] = ("name",)
    written_first: ClassVar[tuple[str, ...]] = ("height", "width", "seed")

    height: int
    width: int
    seed: int | None = None
    data_format: Any = None

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator | None) -> Any:
        """First row and column of each image; None for the middle."""
        down, across = shape[1] - self.height, shape[2] - self.width
        if rng is None or down < 0 or across < 0:
            return None
        return rng.integers(down + 1, size=shape[0]), rng.integers(across + 1, size=shape[0])

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Read each image through a window of its own."""
        if drawn is None:
            return self.middle(x, interpolation)
        rows = (drawn[0][:, None] + np.arange(self.height))[:, :, None]
        columns = (drawn[1][:, None] + np.arange(self.width))[:, None]
        images = np.arange(len(x))[:, None, None]

        def pull(dy: np.ndarray) -> np.ndarray:
            dx = np.zeros(x.shape, dy.dtype)
            dx[images, rows, columns] = dy
            return dx

        return x[images, rows, columns], pull


def centre(shape: tuple[int, ...], size: tuple[int, ...]) -> Spot:
    """Where a part of `size` lies in the middle of images of `shape`."""
    starts = [(n - m) // 2 for n, m in zip(shape[1:3], size, strict=True)]
    return (slice(None), *(slice(s, s + m) for s, m in zip(starts, size, strict=True)))


def cut(x: np.ndarray, spot: Spot) -> tuple[np.ndarray, Pull]:
    """A part of the images, and the way back."""
    return np.ascontiguousarray(x[spot]), lambda dy: put(dy, spot, x.shape)


def put(part: np.ndarray, spot: Spot, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros of `shape` with `part` at its place."""
    whole = np.zeros(shape, part.dtype)
    whole[spot] = part
    return whole
