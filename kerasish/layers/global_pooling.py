"""Pooling over all places of a sequence, image or volume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.spatial import Spatial
from kerasish.registry import register
from kerasish.step import Step


@dataclass(eq=False, repr=False)
class GlobalPooling(Spatial):
    """Pooling of all places into one; subclasses say how in `pool`."""

    data_format: Any = None
    keepdims: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keepdims = bool(self.keepdims)

    def pool(self, rows: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, Any]:
        """(N, places, C) to (N, C), and the function from dLoss/dy to dLoss/drows."""
        raise TypeError(f"{type(self).__name__} must define `pool`.")

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Fold the spatial axes into one, and pool it."""
        self.last_shape(x.shape)
        mask, step.mask = step.mask, None
        ordered = self.channels_last(x)
        pooled, pool_backward = self.pool(_rows(ordered), mask)
        shape: Any = self.compute_output_shape(x.shape)
        y = pooled.reshape(shape)

        def backward(dy: np.ndarray) -> np.ndarray:
            return self.restore(pool_backward(dy.reshape(pooled.shape)).reshape(ordered.shape))

        return y, backward if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, channels), or with 1 for each spatial axis."""
        shape = self.last_shape(input_shape)
        if not self.keepdims:
            return (shape[0], shape[-1])
        return self.full_shape(shape[0], (1,) * self.rank, shape[-1])

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """One for each element."""
        return math.prod(n or 1 for n in input_shape[1:])


@dataclass(eq=False, repr=False)
class GlobalAverage(GlobalPooling):
    """Mean over all places."""

    def pool(self, rows: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, Any]:
        """Mean, of the places that the mask keeps."""
        if mask is None:
            share = np.full((1, rows.shape[1], 1), 1 / rows.shape[1], rows.dtype)
        else:
            share = mask.astype(rows.dtype)[..., None]
            share /= np.maximum(share.sum(axis=1, keepdims=True), 1)
        pooled = np.matmul(share.transpose(0, 2, 1), rows)[:, 0]
        return pooled, lambda dy: dy[:, None] * share


@dataclass(eq=False, repr=False)
class GlobalMax(GlobalPooling):
    """Largest element over all places."""

    def pool(self, rows: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, Any]:
        """Maximum; the gradient goes to the first of equal ones."""
        winner = rows.argmax(axis=1)[:, None]

        def backward(dy: np.ndarray) -> np.ndarray:
            dx = np.zeros(rows.shape, dy.dtype)
            np.put_along_axis(dx, winner, dy[:, None], axis=1)
            return dx

        return np.take_along_axis(rows, winner, axis=1)[:, 0], backward


@register("GlobalAvgPool1D")
@dataclass(eq=False, repr=False)
class GlobalAveragePooling1D(GlobalAverage):
    """Mean over the steps: (N, steps, channels) to (N, channels); masked steps do not count.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` is transposed in.
    keepdims : bool
        Keep the pooled axis, with size 1.

    Examples
    --------
    >>> GlobalAveragePooling1D()(np.array([[[1.0], [3.0]]]))
    Array([[2.]], dtype=float32)
    """

    rank: ClassVar[int] = 1
    supports_masking: ClassVar[bool] = True


@register("GlobalAvgPool2D")
@dataclass(eq=False, repr=False)
class GlobalAveragePooling2D(GlobalAverage):
    """Mean over an image: (N, height, width, channels) to (N, channels).

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` is transposed in.
    keepdims : bool
        Keep the pooled axes, with size 1.

    Examples
    --------
    >>> GlobalAveragePooling2D()(np.ones((1, 4, 4, 2)))
    Array([[1., 1.]], dtype=float32)
    """

    rank: ClassVar[int] = 2


@register("GlobalAvgPool3D")
@dataclass(eq=False, repr=False)
class GlobalAveragePooling3D(GlobalAverage):
    """Mean over a volume; arguments as in `GlobalAveragePooling2D`.

    Examples
    --------
    >>> GlobalAveragePooling3D(keepdims=True)(np.ones((1, 4, 4, 4, 2))).shape
    (1, 1, 1, 1, 2)
    """

    rank: ClassVar[int] = 3


@register("GlobalMaxPool1D")
@dataclass(eq=False, repr=False)
class GlobalMaxPooling1D(GlobalMax):
    """Largest of all steps: (N, steps, channels) to (N, channels).

    Parameters
    ----------
    data_format, keepdims
        As in `GlobalAveragePooling1D`.

    Examples
    --------
    >>> GlobalMaxPooling1D()(np.array([[[1.0], [3.0]]]))
    Array([[3.]], dtype=float32)
    """

    rank: ClassVar[int] = 1


@register("GlobalMaxPool2D")
@dataclass(eq=False, repr=False)
class GlobalMaxPooling2D(GlobalMax):
    """Largest element of an image, channel by channel: (N, height, width, C) to (N, C).

    Parameters
    ----------
    data_format, keepdims
        As in `GlobalAveragePooling2D`.

    Examples
    --------
    >>> GlobalMaxPooling2D()(np.ones((1, 4, 4, 2)))
    Array([[1., 1.]], dtype=float32)
    """

    rank: ClassVar[int] = 2


@register("GlobalMaxPool3D")
@dataclass(eq=False, repr=False)
class GlobalMaxPooling3D(GlobalMax):
    """Largest element of a volume; arguments as in `GlobalAveragePooling2D`.

    Examples
    --------
    >>> GlobalMaxPooling3D()(np.ones((1, 4, 4, 4, 2))).shape
    (1, 2)
    """

    rank: ClassVar[int] = 3


GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1, x.shape[-1])
