"""Pooling to a given number of windows, whatever the size of the input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.spatial import Spatial, sizes
from kerasish.registry import register
from kerasish.step import Step


@dataclass(eq=False, repr=False)
class AdaptivePooling(Spatial):
    """Adaptive pooling of any rank, one axis after the other; subclasses pool an axis."""

    output_size: Any
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.output_size = sizes(self, "output_size", self.output_size)

    def pool(self, x: np.ndarray, windows: list[tuple[int, int]]) -> tuple[np.ndarray, Any]:
        """Pool the middle axis of (N, size, K): (N, windows, K), and the way back."""
        raise TypeError(f"{type(self).__name__} must define `pool`.")

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Pool the last spatial axis first, so that ties go to the first element in row order."""
        self.last_shape(x.shape)
        y = self.channels_last(x)
        pulls: list[Any] = []
        for axis in range(self.rank, 0, -1):
            before, after = y.shape[:axis], y.shape[axis + 1 :]
            folded = y.reshape(math.prod(before), y.shape[axis], math.prod(after))
            windows = _windows(y.shape[axis], self.output_size[axis - 1])
            pooled, pull = self.pool(folded, windows)
            pulls.append((pull, pooled.shape, y.shape))
            y = pooled.reshape(*before, len(windows), *after)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            if not step.needs_dx(self):
                return None
            dx = self.channels_last(dy)
            for pull, pooled_shape, shape in reversed(pulls):
                dx = pull(dx.reshape(pooled_shape)).reshape(shape)
            return self.restore(dx)

        return self.restore(y), backward if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, *output_size, channels)."""
        shape = self.last_shape(input_shape)
        return self.full_shape(shape[0], self.output_size, shape[-1])

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """One for each element of the input."""
        return math.prod(n or 1 for n in input_shape[1:])


class AdaptiveAverage(AdaptivePooling):
    """Mean of each window."""

    def pool(self, x: np.ndarray, windows: list[tuple[int, int]]) -> tuple[np.ndarray, Any]:
        """A product with a matrix of shares."""
        share = np.zeros((len(windows), x.shape[1]), x.dtype)
        for row, (start, end) in zip(share, windows, strict=True):
            row[start:end] = 1 / (end - start)
        return np.matmul(share, x), lambda dy: np.matmul(share.T, dy)


class AdaptiveMax(AdaptivePooling):
    """Largest element of each window."""

    def pool(self, x: np.ndarray, windows: list[tuple[int, int]]) -> tuple[np.ndarray, Any]:
        """Window by window; the gradient goes to the first of equal maxima."""
        y = np.empty((len(x), len(windows), x.shape[2]), x.dtype)
        winner = np.empty(y.shape, np.intp)
        for i, (start, end) in enumerate(windows):
            part = x[:, start:end]
            winner[:, i] = part.argmax(axis=1)
            y[:, i] = np.take_along_axis(part, winner[:, None, i], axis=1)[:, 0]

        def pull(dy: np.ndarray) -> np.ndarray:
            dx = np.zeros(x.shape, dy.dtype)
            for i, (start, end) in enumerate(windows):
                for k in range(end - start):
                    dx[:, start + k] += dy[:, i] * (winner[:, i] == k)
            return dx

        return y, pull


def _windows(size: int, count: int) -> list[tuple[int, int]]:
    """Start and end of each window; they differ by at most one in length, and may overlap."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


@register()
@dataclass(eq=False, repr=False)
class AdaptiveAveragePooling1D(AdaptiveAverage):
    """Mean of each of `output_size` windows: (N, steps, channels) to (N, output_size, channels).

    Parameters
    ----------
    output_size : int
        Number of windows. Window i has the steps from floor(i * steps / output_size) to
        ceil((i + 1) * steps / output_size).
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` is transposed in and out.

    Examples
    --------
    >>> AdaptiveAveragePooling1D(2)(np.array([[[1.0], [3.0], [5.0]]])).numpy().ravel()
    array([2., 4.], dtype=float32)
    """

    rank: ClassVar[int] = 1


@register()
@dataclass(eq=False, repr=False)
class AdaptiveAveragePooling2D(AdaptiveAverage):
    """Mean of each of a grid of windows: (N, height, width, channels) to (N, *output_size, ...).

    It lets a model take images of any size.

    Parameters
    ----------
    output_size : int or (int, int)
        Rows and columns of the grid.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` is transposed in and out.

    Examples
    --------
    >>> AdaptiveAveragePooling2D(4)(np.ones((2, 7, 9, 3))).shape
    (2, 4, 4, 3)
    """

    rank: ClassVar[int] = 2


@register()
@dataclass(eq=False, repr=False)
class AdaptiveAveragePooling3D(AdaptiveAverage):
    """Mean of each of a grid of windows of a volume; arguments as in `AdaptiveAveragePooling2D`.

    Examples
    --------
    >>> AdaptiveAveragePooling3D((1, 2, 2))(np.ones((2, 3, 4, 5, 3))).shape
    (2, 1, 2, 2, 3)
    """

    rank: ClassVar[int] = 3


@register()
@dataclass(eq=False, repr=False)
class AdaptiveMaxPooling1D(AdaptiveMax):
    """Largest of each of `output_size` windows; arguments as in `AdaptiveAveragePooling1D`.

    Examples
    --------
    >>> AdaptiveMaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0]]])).numpy().ravel()
    array([3., 3.], dtype=float32)
    """

    rank: ClassVar[int] = 1


@register()
@dataclass(eq=False, repr=False)
class AdaptiveMaxPooling2D(AdaptiveMax):
    """Largest of each of a grid of windows; arguments as in `AdaptiveAveragePooling2D`.

    The gradient goes to the first of equal maxima.

    Examples
    --------
    >>> AdaptiveMaxPooling2D((2, 3))(np.ones((2, 7, 9, 3))).shape
    (2, 2, 3, 3)
    """

    rank: ClassVar[int] = 2


@register()
@dataclass(eq=False, repr=False)
class AdaptiveMaxPooling3D(AdaptiveMax):
    """Largest of each of a grid of windows of a volume.

    Arguments as in `AdaptiveAveragePooling2D`, for three axes.

    Examples
    --------
    >>> AdaptiveMaxPooling3D(2)(np.ones((2, 3, 4, 5, 3))).shape
    (2, 2, 2, 2, 3)
    """

    rank: ClassVar[int] = 3
