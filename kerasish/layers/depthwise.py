"""Convolutions of each channel by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.kernels import images
from kerasish.layers.arguments import Shape, positive
from kerasish.layers.base import Backward
from kerasish.layers.convolution import Convolving
from kerasish.layers.spatial import padding_name
from kerasish.layers.weights import weight_by_role
from kerasish.registry import register
from kerasish.step import Step


@dataclass(eq=False, repr=False)
class DepthwiseConv(Convolving):
    """Depthwise convolution of any rank."""

    kernel_names: ClassVar[tuple[str, ...]] = ("depthwise",)
    written_first: ClassVar[tuple[str, ...]] = ("depth_multiplier",)

    kernel_size: Any
    strides: Any = 1
    padding: Any = "valid"
    depth_multiplier: int = 1
    data_format: Any = None
    dilation_rate: Any = 1
    activation: Any = None
    use_bias: bool = True
    depthwise_initializer: Any = "glorot_uniform"
    bias_initializer: Any = "zeros"
    depthwise_regularizer: Any = None
    bias_regularizer: Any = None
    activity_regularizer: Any = None
    depthwise_constraint: Any = None
    bias_constraint: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.depth_multiplier = positive(self, "depth_multiplier", self.depth_multiplier)
        self.padding = padding_name(self, self.padding)
        self.check_arguments()

    def build(self, input_shape: Shape) -> None:
        """Make kernel (*kernel_size, channels, depth_multiplier) and bias."""
        channels = self.channels_of(input_shape)
        self.compute_output_shape(input_shape)
        kernel_shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = weight_by_role(self, "depthwise", kernel_shape, "kernel")
        shape = (channels * self.depth_multiplier,)
        self.bias = self.make_weight("bias", shape) if self.use_bias else None

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Correlate in as many groups as there are channels, add the bias, activate."""
        self.compute_output_shape(x.shape)
        x = self.channels_last(x)
        spatial, groups = x.shape[1:-1], x.shape[-1]
        kernel = self.kernel.value.reshape(*self.kernel_size, 1, -1)
        window = self.window(spatial)
        y, finish_backward = self.finish(images.correlate(x, kernel, window, groups, step), step)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            dz = finish_backward(dy)
            if step.wants(self.kernel):
                gradient = images.kernel_gradient(x, dz, window, groups, kernel.shape, step)
                step.add_grad(self.kernel, gradient.reshape(self.kernel.shape))
            if not step.needs_dx(self):
                return None
            return self.restore(images.input_gradient(dz, kernel, window, groups, spatial, step))

        return y, backward if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, *output sizes, channels * depth_multiplier)."""
        shape = self.last_shape(input_shape)
        filters = None if shape[-1] is None else shape[-1] * self.depth_multiplier
        return self.full_shape(shape[0], self.output_sizes(shape[1:-1]), filters)


@register()
@dataclass(eq=False, repr=False)
class DepthwiseConv1D(DepthwiseConv):
    """Convolve each channel of a sequence with `depth_multiplier` kernels of its own.

    Parameters
    ----------
    kernel_size : int
        Steps that a kernel sees.
    strides, padding, data_format, dilation_rate
        As in `Conv1D`, but never causal.
    depth_multiplier : int
        Outputs of each channel.

    Examples
    --------
    >>> DepthwiseConv1D(3, depth_multiplier=2)(np.zeros((2, 8, 5))).shape
    (2, 6, 10)
    """

    rank: ClassVar[int] = 1


@register()
@dataclass(eq=False, repr=False)
class DepthwiseConv2D(DepthwiseConv):
    """Convolve each channel of an image with `depth_multiplier` kernels of its own.

    Parameters
    ----------
    kernel_size : int or (int, int)
        Height and width of the kernels.
    strides, padding, data_format, dilation_rate
        As in `Conv2D`.
    depth_multiplier : int
        Outputs of each channel.

    Notes
    -----
    Kernel (height, width, channels, depth_multiplier); output channel ``c * depth_multiplier + m``.

    Examples
    --------
    >>> DepthwiseConv2D(3)(np.zeros((2, 8, 6, 5))).shape
    (2, 6, 4, 5)
    """

    rank: ClassVar[int] = 2
    strides: Any = (1, 1)
    dilation_rate: Any = (1, 1)
