"""Enlarging sequences, images and volumes by whole factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.kernels import sampling
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.spatial import Spatial, one_of, sizes
from kerasish.registry import register
from kerasish.step import Step


class UpSampling(Spatial):
    """Upsampling of any rank."""

    size: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self.size = sizes(self, "size", self.size)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Each spatial axis times its factor."""
        shape = self.last_shape(input_shape)
        pairs = zip(shape[1:-1], self.size, strict=True)
        spatial = tuple(None if n is None else n * factor for n, factor in pairs)
        return self.full_shape(shape[0], spatial, shape[-1])

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Repeat each element along each axis; backward sums over the repetitions."""
        self.last_shape(x.shape)
        first = 2 if self.channels_first else 1
        y = x
        for axis, factor in enumerate(self.size, first):
            y = np.repeat(y, factor, axis=axis)

        def backward(dy: np.ndarray) -> np.ndarray:
            for axis, factor in enumerate(self.size, first):
                cut = (*dy.shape[:axis], -1, factor, *dy.shape[axis + 1 :])
                dy = dy.reshape(cut).sum(axis=axis + 1)
            return dy

        return y, backward if step.recording else None

    def get_config(self) -> dict[str, Any]:
        """Arguments; one axis has a number, which is all that Keras reads there."""
        config = super().get_config()
        if self.rank == 1:
            config["size"] = self.size[0]
        return config


@register()
@dataclass(eq=False, repr=False)
class UpSampling1D(UpSampling):
    """Repeat each step `size` times: (N, steps, channels) to (N, steps * size, channels).

    Parameters
    ----------
    size : int
        The factor.

    Examples
    --------
    >>> UpSampling1D(2)(np.array([[[1.0], [3.0]]])).numpy().ravel()
    array([1., 1., 3., 3.], dtype=float32)
    """

    rank: ClassVar[int] = 1
    size: Any = 2


@register()
@dataclass(eq=False, repr=False)
class UpSampling2D(UpSampling):
    """Enlarge an image by whole factors.

    Parameters
    ----------
    size : int or (int, int)
        Factors of height and width.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.
    interpolation : {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"}
        Repeat the pixels, or interpolate between their centres.

    Examples
    --------
    >>> UpSampling2D((1, 2), interpolation="bilinear")(
    ...     np.array([[[[0.0], [4.0]]]])
    ... ).numpy().ravel()
    array([0., 1., 3., 4.], dtype=float32)
    """

    rank: ClassVar[int] = 2
    size: Any = (2, 2)
    data_format: Any = None
    interpolation: str = "nearest"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.interpolation = one_of(
            self, "interpolation", self.interpolation, sampling.INTERPOLATIONS
        )

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Repeat pixels, or resize."""
        if self.interpolation == "nearest":
            return super().forward(x, step)
        self.last_shape(x.shape)
        ordered = self.channels_last(x)
        height, width = (n * k for n, k in zip(ordered.shape[1:3], self.size, strict=True))
        y, pull = sampling.resize(ordered, (height, width), self.interpolation)

        def backward(dy: np.ndarray) -> np.ndarray:
            return self.restore(pull(self.channels_last(dy)))

        return self.restore(y), backward if step.recording else None


@register()
@dataclass(eq=False, repr=False)
class UpSampling3D(UpSampling):
    """Repeat each element of a volume along each axis.

    Parameters
    ----------
    size : int or tuple of 3
        Factors of depth, height and width.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Examples
    --------
    >>> UpSampling3D((1, 2, 3))(np.ones((2, 4, 4, 4, 3))).shape
    (2, 4, 8, 12, 3)
    """

    rank: ClassVar[int] = 3
    size: Any = (2, 2, 2)
    data_format: Any = None
