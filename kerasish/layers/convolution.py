"""Convolutions over one, two and three axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import activations, kernels, regularizers
from kerasish.kernels import images
from kerasish.layers.arguments import Shape, positive
from kerasish.layers.base import Backward, Layer
from kerasish.layers.pooling import Pooling
from kerasish.layers.spatial import AXES, Spatial, padding_name, sizes
from kerasish.layers.weights import resolve_roles, weight_by_role
from kerasish.registry import register
from kerasish.step import Step

NO_LORA = "low-rank adapters belong to large pretrained models, which are not in scope"


class Convolving(Spatial):
    """What convolutions of all kinds share; their arguments are declared by the subclasses."""

    kernel_names: ClassVar[tuple[str, ...]] = ("kernel",)
    written_first: ClassVar[tuple[str, ...]] = ()
    fuses_head: ClassVar[bool] = True
    refused_arguments: ClassVar[dict[str, str]] = {"lora_rank": NO_LORA, "lora_alpha": NO_LORA}

    kernel_size: Any
    strides: Any
    padding: Any
    dilation_rate: Any
    activation: Any
    use_bias: Any
    bias: Any

    def check_arguments(self) -> None:
        """Resolve and check what all have; called at the end of ``__post_init__``."""
        self.kernel_size = sizes(self, "kernel_size", self.kernel_size)
        self.strides = sizes(self, "strides", self.strides)
        self.dilation_rate = sizes(self, "dilation_rate", self.dilation_rate)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self.label}: `strides` > 1 together with `dilation_rate` > 1 is not supported "
                f"(strides={self.strides}, dilation_rate={self.dilation_rate}). Set one of them "
                f"to 1."
            )
        self.activation = activations.get(self.activation)
        self.activity_regularizer = regularizers.get(self.activity_regularizer)
        resolve_roles(self, *self.kernel_names, "bias")

    def make_weight(self, name: str, shape: tuple[int, ...]) -> Any:
        """Make a weight with the arguments that bear its name."""
        return weight_by_role(
            self, name, shape, name if name in ("kernel", "bias") else f"{name}_kernel"
        )

    def channels_of(self, input_shape: Shape) -> int:
        """Number of input channels, which weights depend on."""
        channels = self.last_shape(input_shape)[-1]
        if channels is None:
            raise self.shape_error(
                f"({', '.join(('N', *AXES[self.rank]))}, channels)",
                input_shape,
                "The number of channels must be known: give the model a full input shape.",
            )
        return channels

    def window(self, spatial: Any) -> images.Window:
        """How the kernel slides over an input of these sizes."""
        return images.window_of(
            spatial, self.kernel_size, self.strides, self.dilation_rate, self.padding
        )

    def output_sizes(self, spatial: Shape) -> Shape:
        """Sizes of the output, None where the input's are."""
        known = tuple(10**6 if n is None else n for n in spatial)
        window = self.window(known)
        found = window.outputs(known)
        if min(found) < 1:
            raise ValueError(
                f"{self.label}: a kernel of {self.kernel_size}"
                f"{_dilated(self.dilation_rate)} is larger than its input of {spatial} "
                f"({', '.join(AXES[self.rank])}). Use padding='same', a smaller kernel, or less "
                f"pooling before it."
            )
        return tuple(None if n is None else m for n, m in zip(spatial, found, strict=True))

    def finish(self, z: np.ndarray, step: Step) -> tuple[np.ndarray, Any]:
        """Add the bias in place, restore the format, activate; and backward of these to dz."""
        bias = self.bias
        kernels.add_bias(z, None if bias is None else bias.value, self.is_relu)
        if self.is_relu or not self.channels_first:
            y, to_dz = self.activated(z, bias, step)
            return self.restore(y), lambda dy: to_dz(self.channels_last(dy))
        y, to_restored = self.activate(self.restore(z), step)

        def backward(dy: np.ndarray) -> np.ndarray:
            dz = self.channels_last(to_restored(dy))
            if bias is not None:
                step.add_grad(bias, dz)
            return dz

        return y, backward

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Two for each weight of the kernels at each place of the output."""
        places = math.prod(n or 1 for n in self.last_shape(output_shape)[1:-1])
        return 2 * places * sum(w.size for w in self._own_weights if w.ndim > 1)

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files."""
        config = super().get_config()
        activity = () if self.activity_regularizer is None else ("activity_regularizer",)
        first = ("name", "trainable", "dtype", *activity, *self.written_first)
        return {**{key: config[key] for key in first}, **config}


@dataclass(eq=False, repr=False)
class Conv(Convolving):
    """A convolution of any rank."""

    filters: int
    kernel_size: Any
    strides: Any = 1
    padding: Any = "valid"
    data_format: Any = None
    dilation_rate: Any = 1
    groups: int = 1
    activation: Any = None
    use_bias: bool = True
    kernel_initializer: Any = "glorot_uniform"
    bias_initializer: Any = "zeros"
    kernel_regularizer: Any = None
    bias_regularizer: Any = None
    activity_regularizer: Any = None
    kernel_constraint: Any = None
    bias_constraint: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.filters = positive(self, "filters", self.filters)
        self.groups = positive(self, "groups", self.groups)
        self.padding = padding_name(self, self.padding, causal=self.rank == 1)
        self.check_arguments()
        if self.filters % self.groups:
            raise ValueError(
                f"{self.label}: `groups`={self.groups} must divide the number of filters, "
                f"{self.filters}."
            )

    def build(self, input_shape: Shape) -> None:
        """Make kernel (*kernel_size, channels / groups, filters) and bias (filters,)."""
        channels = self.channels_of(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{self.label}: `groups`={self.groups} must divide the number of input channels, "
                f"{channels}."
            )
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.make_weight("kernel", shape)
        self.bias = self.make_weight("bias", (self.filters,)) if self.use_bias else None

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Correlate with the kernel, add the bias, activate."""
        self.compute_output_shape(x.shape)
        x = self.channels_last(x)
        spatial, kernel = x.shape[1:-1], self.kernel.value
        window = self.window(spatial)
        bias, groups = self.bias, self.groups
        added = None if bias is None else bias.value
        z = images.correlate(x, kernel, window, groups, step, added, self.is_relu)
        y, to_restored = (self.restore(z), None)
        if not self.is_relu:
            y, to_restored = self.activate(y, step)

        def backward(dy: np.ndarray) -> np.ndarray | None:
            dz = self.channels_last(dy if to_restored is None else to_restored(dy))
            output = z if self.is_relu else None
            dx = self._give(
                images.gradients(x, kernel, dz, window, groups, step, output, self._wanted(step)),
                step,
            )
            return None if dx is None else self.restore(dx)

        return y, backward if step.recording else None

    def joined(self, following: Sequence[Layer]) -> Any:
        """With max pooling behind it, whose windows lie inside the output."""
        pool = following[0] if following else None
        if (
            isinstance(pool, Pooling)
            and type(pool).forward is Pooling.forward
            and type(self).forward is Conv.forward
            and not pool.average
            and pool.rank == self.rank
            and pool.padding == "valid"
            and not (self.channels_first or pool.channels_first)
            and (self.is_relu or self.activation is activations.linear)
            and self.activity_regularizer is None is pool.activity_regularizer
        ):
            return 2, lambda x, step: self._forward_pooled(x, pool, step)
        return None

    def _forward_pooled(
        self, x: np.ndarray, following: Pooling, step: Step
    ) -> tuple[np.ndarray, Backward | None]:
        """Correlate and pool a few images at a time; only what is pooled is kept."""
        following.compute_output_shape(self.compute_output_shape(x.shape))
        window, groups, bias = self.window(x.shape[1:-1]), self.groups, self.bias
        kernel, added = self.kernel.value, None if bias is None else bias.value
        pooling = following.window(window.outputs(x.shape[1:-1]))
        pooled = images.pooled_correlate(
            x, kernel, window, groups, step, added, self.is_relu, pooling
        )

        def backward(dy: np.ndarray) -> np.ndarray | None:
            wants = self._wanted(step)
            found = images.gradients(x, kernel, dy, window, groups, step, None, wants, pooled)
            return self._give(found, step)

        return pooled.y, backward if step.recording else None

    def _wanted(self, step: Step) -> tuple[bool, bool, bool]:
        """Which gradients are: of the kernel, the bias and the input."""
        bias = self.bias
        return step.wants(self.kernel), bias is not None and step.wants(bias), step.needs_dx(self)

    def _give(self, found: tuple[Any, Any, Any], step: Step) -> np.ndarray | None:
        """Add the gradients of kernel and bias to the step's; returns the input's."""
        dkernel, dbias, dx = found
        if dkernel is not None:
            step.add_grad(self.kernel, dkernel)
        if dbias is not None:
            step.add_grad(self.bias, dbias)
        return dx

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, *output sizes, filters)."""
        shape = self.last_shape(input_shape)
        return self.full_shape(shape[0], self.output_sizes(shape[1:-1]), self.filters)


@register("Convolution1D")
@dataclass(eq=False, repr=False)
class Conv1D(Conv):
    """Convolution of sequences: (N, steps, channels) to (N, steps', filters).

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int
        Steps that the kernel sees at once.
    strides, dilation_rate : int
        Steps between two outputs, and between two elements of the kernel; one of them is 1.
    padding : {"valid", "same", "causal"}
        No padding; zeros so that the output has ceil(steps / strides) steps; or zeros before
        only, so that no output sees a later step.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` is transposed in and out.
    groups : int
        Parts of the channels that are convolved apart.

    Notes
    -----
    ``y[o] = activation(sum over k of x[o * strides + k * dilation_rate] @ kernel[k] + bias)``,
    kernel (kernel_size, channels / groups, filters).

    Examples
    --------
    >>> Conv1D(4, 3)(np.zeros((2, 10, 5))).shape
    (2, 8, 4)
    """

    rank: ClassVar[int] = 1


@register("Convolution2D")
@dataclass(eq=False, repr=False)
class Conv2D(Conv):
    """Convolution of images: (N, height, width, channels) to (N, height', width', filters).

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or (int, int)
        Height and width of the kernel.
    strides, dilation_rate : int or (int, int)
        Pixels between two outputs, and between two elements of the kernel; one of them is 1.
    padding : {"valid", "same"}
        No padding; or zeros so that the output has ceil(size / strides) pixels.
    data_format : {"channels_last", "channels_first"}, optional
        ``"channels_first"`` is transposed in and out.
    groups : int
        Parts of the channels that are convolved apart.

    Notes
    -----
    Kernel (height, width, channels / groups, filters); not flipped, as in all deep learning.
    ``Conv2D(32, 3, 3)`` has a 3x3 kernel and strides of 3.

    Examples
    --------
    >>> Conv2D(4, 3, padding="same", activation="relu")(np.zeros((2, 8, 6, 3))).shape
    (2, 8, 6, 4)
    """

    rank: ClassVar[int] = 2
    strides: Any = (1, 1)
    dilation_rate: Any = (1, 1)


@register("Convolution3D")
@dataclass(eq=False, repr=False)
class Conv3D(Conv):
    """Convolution of volumes: (N, depth, height, width, channels).

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or tuple of 3
        Size of the kernel.
    strides, padding, data_format, dilation_rate, groups
        As in `Conv2D`, for three axes.

    Examples
    --------
    >>> Conv3D(4, (1, 3, 3))(np.zeros((2, 4, 8, 6, 3))).shape
    (2, 4, 6, 4, 4)
    """

    rank: ClassVar[int] = 3
    strides: Any = (1, 1, 1)
    dilation_rate: Any = (1, 1, 1)


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D


def _dilated(rate: tuple[int, ...]) -> str:
    return f" dilated by {rate}" if max(rate) > 1 else ""
