"""Separable convolutions: each channel by itself, then a mixture of the channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import kernels
from kerasish.kernels import images
from kerasish.layers.arguments import Shape, positive
from kerasish.layers.base import Backward
from kerasish.layers.convolution import Convolving
from kerasish.layers.spatial import padding_name
from kerasish.registry import register
from kerasish.step import Step


@dataclass(eq=False, repr=False)
class SeparableConv(Convolving):
    """Separable convolution of any rank."""

    kernel_names: ClassVar[tuple[str, ...]] = ("depthwise", "pointwise")
    written_first: ClassVar[tuple[str, ...]] = ("depth_multiplier",)

    filters: int
    kernel_size: Any
    strides: Any = 1
    padding: Any = "valid"
    data_format: Any = None
    dilation_rate: Any = 1
    depth_multiplier: int = 1
    activation: Any = None
    use_bias: bool = True
    depthwise_initializer: Any = "glorot_uniform"
    pointwise_initializer: Any = "glorot_uniform"
    bias_initializer: Any = "zeros"
    depthwise_regularizer: Any = None
    pointwise_regularizer: Any = None
    bias_regularizer: Any = None
    activity_regularizer: Any = None
    depthwise_constraint: Any = None
    pointwise_constraint: Any = None
    bias_constraint: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.filters = positive(self, "filters", self.filters)
        self.depth_multiplier = positive(self, "depth_multiplier", self.depth_multiplier)
        self.padding = padding_name(self, self.padding)
        self.check_arguments()

    def build(self, input_shape: Shape) -> None:
        """Make the kernels of the two parts, and the bias (filters,)."""
        channels = self.channels_of(input_shape)
        self.compute_output_shape(input_shape)
        multiplier, ones = self.depth_multiplier, (1,) * self.rank
        self.depthwise_kernel = self.make_weight(
            "depthwise", (*self.kernel_size, channels, multiplier)
        )
        self.pointwise_kernel = self.make_weight(
            "pointwise", (*ones, channels * multiplier, self.filters)
        )
        self.bias = self.make_weight("bias", (self.filters,)) if self.use_bias else None

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Correlate each channel by itself, multiply the channels with a matrix, activate."""
        self.compute_output_shape(x.shape)
        x = self.channels_last(x)
        spatial, channels = x.shape[1:-1], x.shape[-1]
        deep = self.depthwise_kernel.value.reshape(*self.kernel_size, 1, -1)
        mix = self.pointwise_kernel.value.reshape(-1, self.filters)
        window = self.window(spatial)
        apart = images.correlate(x, deep, window, channels, step)
        y, finish_backward = self.finish(kernels.product(apart, mix, step), step)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            dz = finish_backward(dy)
            if step.wants(self.pointwise_kernel):
                gradient = apart.reshape(-1, len(mix)).T @ dz.reshape(-1, self.filters)
                step.add_grad(self.pointwise_kernel, gradient.reshape(self.pointwise_kernel.shape))
            if not (step.wants(self.depthwise_kernel) or step.needs_dx(self)):
                return None
            d_apart = kernels.product(dz, mix.T, step)
            if step.wants(self.depthwise_kernel):
                gradient = images.kernel_gradient(x, d_apart, window, channels, deep.shape, step)
                step.add_grad(self.depthwise_kernel, gradient.reshape(self.depthwise_kernel.shape))
            if not step.needs_dx(self):
                return None
            return self.restore(
                images.input_gradient(d_apart, deep, window, channels, spatial, step)
            )

        return y, backward if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, *output sizes, filters)."""
        shape = self.last_shape(input_shape)
        return self.full_shape(shape[0], self.output_sizes(shape[1:-1]), self.filters)


@register("SeparableConvolution1D")
@dataclass(eq=False, repr=False)
class SeparableConv1D(SeparableConv):
    """Convolve each channel of a sequence by itself, then mix the channels at each step.

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int
        Steps that a kernel sees.
    strides, padding, data_format, dilation_rate
        As in `Conv1D`, but never causal.
    depth_multiplier : int
        Kernels of each channel.

    Examples
    --------
    >>> SeparableConv1D(4, 3)(np.zeros((2, 8, 5))).shape
    (2, 6, 4)
    """

    rank: ClassVar[int] = 1


@register("SeparableConvolution2D")
@dataclass(eq=False, repr=False)
class SeparableConv2D(SeparableConv):
    """Convolve each channel of an image by itself, then mix the channels at each pixel.

    A 3x3 convolution of C to F channels has 9 * C * F weights, a separable one 9 * C + C * F.

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or (int, int)
        Height and width of the kernels.
    strides, padding, data_format, dilation_rate
        As in `Conv2D`.
    depth_multiplier : int
        Kernels of each channel.

    Notes
    -----
    Chollet 2017, "Xception". Kernels (height, width, channels, depth_multiplier) and
    (1, 1, channels * depth_multiplier, filters); there is no activation between the two parts.

    Examples
    --------
    >>> SeparableConv2D(4, 3, padding="same")(np.zeros((2, 8, 6, 5))).shape
    (2, 8, 6, 4)
    """

    rank: ClassVar[int] = 2
    strides: Any = (1, 1)
    dilation_rate: Any = (1, 1)


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
