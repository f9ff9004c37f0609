"""Zeros around sequences, images and volumes, and borders cut off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.spatial import Spatial, sizes
from kerasish.registry import register
from kerasish.step import Step

Pairs = tuple[tuple[int, int], ...]


class Border(Spatial):
    """A layer with a pair (before, after) for each spatial axis."""

    argument: ClassVar[str] = "padding"
    sign: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        setattr(self, self.argument, _pairs(self, self.argument, getattr(self, self.argument)))

    @property
    def pairs(self) -> Pairs:
        """What comes before and after on each spatial axis."""
        value = getattr(self, self.argument)
        return (value,) if self.rank == 1 else value

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Each spatial axis longer, or shorter, by its pair."""
        shape = self.last_shape(input_shape)
        spatial = tuple(
            None if n is None else n + self.sign * sum(pair)
            for n, pair in zip(shape[1:-1], self.pairs, strict=True)
        )
        if any(n is not None and n < 1 for n in spatial):
            raise ValueError(
                f"{self.label}: `{self.argument}`={getattr(self, self.argument)} leaves nothing "
                f"of an input of shape {tuple(input_shape)}. Cut off less."
            )
        return self.full_shape(shape[0], spatial, shape[-1])

    def inner(self, ndim: int) -> tuple[slice, ...]:
        """The part of the larger array that is the smaller one."""
        ranges = [slice(a, -b or None) for a, b in self.pairs]
        return (slice(None), *([slice(None)] if self.channels_first else []), *ranges)


class ZeroPadding(Border):
    """Zero padding of any rank."""

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Copy into zeros."""
        shape: Any = self.compute_output_shape(x.shape)
        inner = self.inner(x.ndim)
        y = step.empty(shape, x.dtype)
        y[...] = 0
        y[inner] = x
        return y, (lambda dy: dy[inner]) if step.recording else None


class Cropping(Border):
    """Cropping of any rank."""

    argument: ClassVar[str] = "cropping"
    sign: ClassVar[int] = -1

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """A view of the inner part."""
        self.compute_output_shape(x.shape)
        inner = self.inner(x.ndim)

        def backward(dy: np.ndarray) -> np.ndarray:
            dx = np.zeros(x.shape, dy.dtype)
            dx[inner] = dy
            return dx

        return x[inner], backward if step.recording else None


@register()
@dataclass(eq=False, repr=False)
class ZeroPadding1D(ZeroPadding):
    """Zeros before and after a sequence (N, steps, channels).

    Parameters
    ----------
    padding : int or (int, int)
        Number on both sides, or before and after.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Examples
    --------
    >>> ZeroPadding1D((1, 2))(np.ones((2, 4, 3))).shape
    (2, 7, 3)
    """

    rank: ClassVar[int] = 1
    padding: Any = 1
    data_format: Any = None


@register()
@dataclass(eq=False, repr=False)
class ZeroPadding2D(ZeroPadding):
    """Zeros around an image (N, height, width, channels).

    Parameters
    ----------
    padding : int, (int, int) or ((int, int), (int, int))
        Number on all sides; for each axis; or before and after for each axis.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Examples
    --------
    >>> ZeroPadding2D((1, 2))(np.ones((2, 4, 4, 3))).shape
    (2, 6, 8, 3)
    """

    rank: ClassVar[int] = 2
    padding: Any = (1, 1)
    data_format: Any = None


@register()
@dataclass(eq=False, repr=False)
class ZeroPadding3D(ZeroPadding):
    """Zeros around a volume; arguments as in `ZeroPadding2D`, for three axes.

    Examples
    --------
    >>> ZeroPadding3D(1)(np.ones((2, 4, 4, 4, 3))).shape
    (2, 6, 6, 6, 3)
    """

    rank: ClassVar[int] = 3
    padding: Any = ((1, 1), (1, 1), (1, 1))
    data_format: Any = None


@register()
@dataclass(eq=False, repr=False)
class Cropping1D(Cropping):
    """Cut steps off both ends of a sequence (N, steps, channels).

    Parameters
    ----------
    cropping : int or (int, int)
        Number at both ends, or at the beginning and the end.

    Examples
    --------
    >>> Cropping1D((1, 2))(np.ones((2, 4, 3))).shape
    (2, 1, 3)
    """

    rank: ClassVar[int] = 1
    cropping: Any = (1, 1)


@register()
@dataclass(eq=False, repr=False)
class Cropping2D(Cropping):
    """Cut the border off an image (N, height, width, channels).

    Parameters
    ----------
    cropping : int, (int, int) or ((int, int), (int, int))
        Number on all sides; for each axis; or before and after for each axis.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Examples
    --------
    >>> Cropping2D(1)(np.ones((2, 4, 6, 3))).shape
    (2, 2, 4, 3)
    """

    rank: ClassVar[int] = 2
    cropping: Any = ((0, 0), (0, 0))
    data_format: Any = None


@register()
@dataclass(eq=False, repr=False)
class Cropping3D(Cropping):
    """Cut the border off a volume; arguments as in `Cropping2D`, for three axes.

    Examples
    --------
    >>> Cropping3D(1)(np.ones((2, 4, 6, 5, 3))).shape
    (2, 2, 4, 3, 3)
    """

    rank: ClassVar[int] = 3
    cropping: Any = ((1, 1), (1, 1), (1, 1))
    data_format: Any = None


def _pairs(layer: Any, argument: str, value: Any) -> Any:
    """One pair for a sequence, else a pair for each axis."""
    if layer.rank == 1:
        return sizes(layer, argument, value, 2, least=0)
    if isinstance(value, int | np.integer) or not hasattr(value, "__len__"):
        value = (value,) * layer.rank
    if len(value) != layer.rank:
        raise ValueError(
            f"{layer.label}: `{argument}` must be a whole number, or one or a pair for each of "
            f"{layer.rank} axes, but is {value!r}."
        )
    return tuple(sizes(layer, argument, pair, 2, least=0) for pair in value)
