"""Max and average pooling over windows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.kernels import images
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Backward
from kerasish.layers.spatial import AXES, Spatial, padding_name, sizes
from kerasish.registry import register
from kerasish.step import Step


@dataclass(eq=False, repr=False)
class Pooling(Spatial):
    """Pooling of any rank; subclasses name the kernel."""

    positional_tail: ClassVar[tuple[str, ...]] = ("name",)
    average: ClassVar[bool] = False

    pool_size: Any = 2
    strides: Any = None
    padding: Any = "valid"
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.pool_size = sizes(self, "pool_size", self.pool_size)
        strides = self.pool_size if self.strides is None else self.strides
        self.strides = sizes(self, "strides", strides)
        self.padding = padding_name(self, self.padding)

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Pool with the channels last."""
        self.compute_output_shape(x.shape)
        x = self.channels_last(x)
        window = self.window(x.shape[1:-1])
        pool = images.average_pool if self.average else images.max_pool
        y, pool_backward = pool(x, window, step)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            if not step.needs_dx(self):
                return None
            return self.restore(pool_backward(self.channels_last(dy)))

        return self.restore(y), backward if step.recording else None

    def window(self, spatial: Any) -> images.Window:
        """How it slides over an input of these sizes."""
        return images.window_of(spatial, self.pool_size, self.strides, padding=self.padding)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, *number of windows, channels)."""
        shape = self.last_shape(input_shape)
        known = tuple(10**6 if n is None else n for n in shape[1:-1])
        found = self.window(known).outputs(known)
        if min(found) < 1:
            raise ValueError(
                f"{self.label}: a window of {self.pool_size} is larger than its input of "
                f"{shape[1:-1]} ({', '.join(AXES[self.rank])}). Use padding='same', a smaller "
                f"pool_size, or less pooling before it."
            )
        places = tuple(None if n is None else m for n, m in zip(shape[1:-1], found, strict=True))
        return self.full_shape(shape[0], places, shape[-1])

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """One for each element of each window."""
        return math.prod(self.pool_size) * math.prod(n or 1 for n in output_shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files."""
        config = super().get_config()
        for key in ("strides", "data_format"):
            config[key] = config.pop(key)
        return config


@register("MaxPool1D")
@dataclass(eq=False, repr=False)
class MaxPooling1D(Pooling):
    """Largest of each `pool_size` steps: (N, steps, channels) to (N, steps', channels).

    Parameters
    ----------
    pool_size : int
        Steps of a window.
    strides : int, optional
        Steps between two windows; `pool_size` if left out.
    padding : {"valid", "same"}
        Whole windows only, or ceil(steps / strides) of them.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` is transposed in and out.

    Notes
    -----
    The gradient goes to the first of equal maxima.

    Examples
    --------
    >>> MaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]])).numpy().ravel()
    array([3., 2.], dtype=float32)
    """

    rank: ClassVar[int] = 1


@register("MaxPool2D")
@dataclass(eq=False, repr=False)
class MaxPooling2D(Pooling):
    """Largest element of each window of an image, channel by channel.

    Parameters
    ----------
    pool_size : int or (int, int)
        Height and width of a window.
    strides : int or (int, int), optional
        Pixels between two windows; `pool_size` if left out.
    padding : {"valid", "same"}
        Whole windows only, or ceil(size / strides) of them.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` is transposed in and out.

    Notes
    -----
    The gradient goes to the first of equal maxima.

    Examples
    --------
    >>> MaxPooling2D()(np.zeros((2, 7, 6, 3))).shape
    (2, 3, 3, 3)
    """

    rank: ClassVar[int] = 2
    pool_size: Any = (2, 2)


@register("MaxPool3D")
@dataclass(eq=False, repr=False)
class MaxPooling3D(Pooling):
    """Largest element of each window of a volume; arguments as in `MaxPooling2D`.

    Examples
    --------
    >>> MaxPooling3D()(np.zeros((2, 4, 7, 6, 3))).shape
    (2, 2, 3, 3, 3)
    """

    rank: ClassVar[int] = 3
    pool_size: Any = (2, 2, 2)


@register("AvgPool1D")
@dataclass(eq=False, repr=False)
class AveragePooling1D(Pooling):
    """Mean of each `pool_size` steps; padding does not count.

    Parameters
    ----------
    pool_size, strides, padding, data_format
        As in `MaxPooling1D`.

    Examples
    --------
    >>> AveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]])).numpy().ravel()
    array([2., 1.], dtype=float32)
    """

    rank: ClassVar[int] = 1
    average: ClassVar[bool] = True
    pool_size: Any


@register("AvgPool2D")
@dataclass(eq=False, repr=False)
class AveragePooling2D(Pooling):
    """Mean of each window of an image, channel by channel; padding does not count.

    Parameters
    ----------
    pool_size, strides, padding, data_format
        As in `MaxPooling2D`.

    Examples
    --------
    >>> AveragePooling2D(2, padding="same")(np.ones((1, 3, 3, 1))).numpy().min()
    np.float32(1.0)
    """

    rank: ClassVar[int] = 2
    average: ClassVar[bool] = True
    pool_size: Any


@register("AvgPool3D")
@dataclass(eq=False, repr=False)
class AveragePooling3D(Pooling):
    """Mean of each window of a volume; arguments as in `MaxPooling2D`.

    Examples
    --------
    >>> AveragePooling3D(2)(np.zeros((2, 4, 7, 6, 3))).shape
    (2, 2, 3, 3, 3)
    """

    rank: ClassVar[int] = 3
    average: ClassVar[bool] = True
    pool_size: Any


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
