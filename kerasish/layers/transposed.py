"""Transposed convolutions: a convolution's gradient, used as a layer that enlarges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.kernels import images
from kerasish.layers.arguments import Shape, positive
from kerasish.layers.base import Backward
from kerasish.layers.convolution import Convolving
from kerasish.layers.spatial import padding_name, sizes
from kerasish.registry import register
from kerasish.step import Step


class ConvTranspose(Convolving):
    """A transposed convolution of any rank.

    It runs the convolution with the same window backwards: its output is what that convolution's
    input gradient is, and its input's gradient is that convolution's output.
    """

    filters: int
    output_padding: Any
    data_format: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self.filters = positive(self, "filters", self.filters)
        self.padding = padding_name(self, self.padding)
        self.check_arguments()
        if self.output_padding is None:
            return
        self.output_padding = sizes(self, "output_padding", self.output_padding, least=0)
        if any(p >= s for p, s in zip(self.output_padding, self.strides, strict=True)):
            raise ValueError(
                f"{self.label}: `output_padding` must be less than `strides` along each axis "
                f"(output_padding={self.output_padding}, strides={self.strides}). Leave it out "
                f"for outputs of the input's size times the strides."
            )

    def build(self, input_shape: Shape) -> None:
        """Make kernel (*kernel_size, filters, channels) and bias (filters,)."""
        channels = self.channels_of(input_shape)
        self.compute_output_shape(input_shape)
        self.kernel = self.make_weight("kernel", (*self.kernel_size, self.filters, channels))
        self.bias = self.make_weight("bias", (self.filters,)) if self.use_bias else None

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Scatter each element over its window, add the bias, activate."""
        self.compute_output_shape(x.shape)
        x, kernel = self.channels_last(x), self.kernel.value
        cuts, spatial = zip(*self._cuts_and_sizes(x.shape[1:-1]), strict=True)
        window = images.Window(self.kernel_size, self.strides, self.dilation_rate, cuts)
        z = images.input_gradient(x, kernel, window, 1, spatial, step)
        y, finish_backward = self.finish(z, step)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            dz = finish_backward(dy)
            if step.wants(self.kernel):
                gradient = images.kernel_gradient(dz, x, window, 1, kernel.shape, step)
                step.add_grad(self.kernel, gradient)
            if not step.needs_dx(self):
                return None
            return self.restore(images.correlate(dz, kernel, window, 1, step))

        return y, backward if step.recording else None

    def _cuts_and_sizes(self, spatial: Any) -> list[tuple[tuple[int, int], int]]:
        """What is cut off before and after the scattered windows, and the output's size, by axis.

        ``"valid"`` cuts nothing. ``"same"`` gives size * strides, or with `output_padding`
        (size - 1) * strides + (kernel size, dilated) % 2 + output_padding.
        """
        found = []
        for axis, n in enumerate(spatial):
            stride = self.strides[axis]
            span = (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
            more = None if self.output_padding is None else self.output_padding[axis]
            whole = (n - 1) * stride + span
            if self.padding == "valid":
                size = (n - 1) * stride + max(span, stride) if more is None else whole + more
                before = 0
            else:
                size = n * stride if more is None else (n - 1) * stride + span % 2 + more
                # The border that a convolution over zeros between the elements would add.
                border = size - (n - 1) * stride + span - 2
                before = span - 1 - min(math.ceil(border / 2), span - 1)
            found.append(((before, max(whole - size - before, 0)), size))
        return found

    def output_sizes(self, spatial: Shape) -> Shape:
        """Sizes of the output, None where the input's are."""
        pairs = self._cuts_and_sizes([1 if n is None else n for n in spatial])
        if min(size for _, size in pairs) < 1:
            raise ValueError(
                f"{self.label}: output_padding={self.output_padding} with padding='same' leaves "
                f"no output for an input of {spatial}. Leave `output_padding` out."
            )
        return tuple(None if n is None else m for n, (_, m) in zip(spatial, pairs, strict=True))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, *output sizes, filters)."""
        shape = self.last_shape(input_shape)
        return self.full_shape(shape[0], self.output_sizes(shape[1:-1]), self.filters)

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Two for each weight of the kernel at each place of the input."""
        return 2 * self.kernel.size * math.prod(n or 1 for n in self.last_shape(input_shape)[1:-1])


@register("Convolution1DTranspose")
@dataclass(eq=False, repr=False)
class Conv1DTranspose(ConvTranspose):
    """Transposed convolution of sequences: (N, steps, channels) to (N, steps', filters).

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int
        Steps over which an input is spread.
    strides, dilation_rate : int
        Steps between what two inputs are spread over, and between two elements of the kernel; one
        of them is 1.
    padding : {"valid", "same"}
        Keep all that inputs are spread over; or cut it to steps * strides.
    output_padding : int, optional
        Steps added at the end; less than `strides`.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` is transposed in and out.

    Notes
    -----
    Kernel (kernel_size, filters, channels).

    Examples
    --------
    >>> Conv1DTranspose(4, 3, strides=2)(np.zeros((2, 5, 3))).shape
    (2, 11, 4)
    """

    rank: ClassVar[int] = 1

    filters: int
    kernel_size: Any
    strides: Any = 1
    padding: Any = "valid"
    output_padding: Any = None
    data_format: Any = None
    dilation_rate: Any = 1
    activation: Any = None
    use_bias: bool = True
    kernel_initializer: Any = "glorot_uniform"
    bias_initializer: Any = "zeros"
    kernel_regularizer: Any = None
    bias_regularizer: Any = None
    activity_regularizer: Any = None
    kernel_constraint: Any = None
    bias_constraint: Any = None


@register("Convolution2DTranspose")
@dataclass(eq=False, repr=False)
class Conv2DTranspose(Conv1DTranspose):
    """Transposed convolution ("deconvolution") of images, which enlarges them.

    (N, height, width, channels) to (N, height', width', filters).

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or (int, int)
        Height and width over which a pixel is spread.
    strides, dilation_rate : int or (int, int)
        Pixels between what two inputs are spread over, and between two elements of the kernel;
        one of them is 1.
    padding : {"valid", "same"}
        Keep all that pixels are spread over; or cut it to size * strides.
    output_padding : int or (int, int), optional
        Pixels added below and to the right; less than `strides`.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` is transposed in and out.

    Notes
    -----
    Kernel (height, width, filters, channels). Dumoulin and Visin 2016, "A guide to convolution
    arithmetic for deep learning".

    Examples
    --------
    >>> Conv2DTranspose(4, 3, strides=2, padding="same")(np.zeros((2, 5, 6, 3))).shape
    (2, 10, 12, 4)
    """

    rank: ClassVar[int] = 2
    strides: Any = (1, 1)
    dilation_rate: Any = (1, 1)


@register("Convolution3DTranspose")
@dataclass(eq=False, repr=False)
class Conv3DTranspose(ConvTranspose):
    """Transposed convolution of volumes: (N, depth, height, width, channels).

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or tuple of 3
        Size of the kernel.
    strides, padding, data_format, output_padding, dilation_rate
        As in `Conv2DTranspose`, for three axes. By position, `output_padding` stands after
        `data_format`, as in Keras.

    Examples
    --------
    >>> Conv3DTranspose(4, 2, strides=2)(np.zeros((2, 2, 3, 4, 3))).shape
    (2, 4, 6, 8, 4)
    """

    rank: ClassVar[int] = 3
    written_first: ClassVar[tuple[str, ...]] = (
        *("filters", "kernel_size", "strides", "padding", "output_padding"),
    )

    filters: int
    kernel_size: Any
    strides: Any = (1, 1, 1)
    padding: Any = "valid"
    data_format: Any = None
    output_padding: Any = None
    dilation_rate: Any = (1, 1, 1)
    activation: Any = None
    use_bias: bool = True
    kernel_initializer: Any = "glorot_uniform"
    bias_initializer: Any = "zeros"
    kernel_regularizer: Any = None
    bias_regularizer: Any = None
    activity_regularizer: Any = None
    kernel_constraint: Any = None
    bias_constraint: Any = None


Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
