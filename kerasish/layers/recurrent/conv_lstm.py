"""LSTM whose products are convolutions: for sequences of series, images and volumes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.kernels import images
from kerasish.kernels.recurrent import Pass, Product, States
from kerasish.kernels.window import Window, window_of
from kerasish.layers.arguments import Shape
from kerasish.layers.recurrent.cell import check_arguments
from kerasish.layers.recurrent.cells import PRIVATE, LSTMFormula
from kerasish.layers.recurrent.layers import FLAGS, WithCell
from kerasish.layers.spatial import AXES, data_format, padding_name, sizes
from kerasish.registry import register
from kerasish.step import Step


class Convolution(Product):
    """The product of `Product` as a correlation with a kernel (*size, C, G * F)."""

    def __init__(
        self, kernel: np.ndarray, masks: np.ndarray | None, step: Step, window: Window, spatial: Any
    ) -> None:
        super().__init__(kernel, masks, step)
        self.window, self.spatial = window, spatial

    def apply(self, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """(..., *spatial, C) to (..., *outputs, G * F)."""
        assert self.step is not None
        y = images.correlate(self._folded(x), kernel, self.window, 1, self.step)
        return y.reshape(*x.shape[: -len(self.spatial) - 1], *y.shape[1:])

    def transposed(self, dz: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """The gradient of the input."""
        assert self.step is not None
        folded = self._folded(dz)
        dx = images.input_gradient(folded, kernel, self.window, 1, self.spatial, self.step)
        return dx.reshape(*dz.shape[: -len(self.spatial) - 1], *dx.shape[1:])

    def outer(self, x: np.ndarray, dz: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """The gradient of `kernel`."""
        assert self.step is not None
        x, dz = self._folded(x), self._folded(dz)
        return images.kernel_gradient(x, dz, self.window, 1, kernel.shape, self.step)

    def _folded(self, x: np.ndarray) -> np.ndarray:
        inner = x.shape[-len(self.spatial) - 1 :]
        return np.ascontiguousarray(x).reshape(-1, *inner)


@dataclass(eq=False, repr=False)
class ConvLSTMArguments:
    """What a ConvLSTM and its cell are told, in Keras's order."""

    filters: int
    kernel_size: Any
    strides: Any = 1
    padding: str = "valid"
    data_format: Any = None
    dilation_rate: Any = 1
    activation: Any = "tanh"
    recurrent_activation: Any = "sigmoid"
    use_bias: bool = True
    kernel_initializer: Any = "glorot_uniform"
    recurrent_initializer: Any = "orthogonal"
    bias_initializer: Any = "zeros"
    unit_forget_bias: bool = True
    kernel_regularizer: Any = None
    recurrent_regularizer: Any = None
    bias_regularizer: Any = None
    activity_regularizer: Any = None
    kernel_constraint: Any = None
    recurrent_constraint: Any = None
    bias_constraint: Any = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    seed: Any = None

    def check_arguments(self: Any) -> None:
        """Check and resolve, in place."""
        check_arguments(self)
        for name in ("kernel_size", "strides", "dilation_rate"):
            setattr(self, name, sizes(self, name, getattr(self, name)))
        self.padding = padding_name(self, self.padding)
        self.data_format = data_format(self, self.data_format)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self.label}: `strides` > 1 together with `dilation_rate` > 1 is not supported "
                f"(strides={self.strides}, dilation_rate={self.dilation_rate}). Set one of them "
                f"to 1."
            )


@dataclass(eq=False, repr=False)
class ConvLSTMCell(ConvLSTMArguments, LSTMFormula):
    """The step of a ConvLSTM; see `ConvLSTM2D`."""

    activity_regularizer: Any = field(default=None, kw_only=True, metadata=PRIVATE)
    rank: Any = field(default=2, kw_only=True, metadata=PRIVATE)

    def check_arguments(self) -> None:
        """As in `ConvLSTMArguments`."""
        super().check_arguments()
        self.units = self.filters

    def build(self, input_shape: Shape) -> None:
        """Make kernel (*size, C, 4 F), recurrent_kernel (*size, F, 4 F) and bias (4 F,)."""
        *spatial, channels = self._last(input_shape)[1:]
        if None in spatial or channels is None:
            raise self.shape_error(
                f"(N, {', '.join(AXES[self.rank])}, channels)",
                input_shape,
                "All sizes but the number of steps have to be known.",
            )
        self.spatial = tuple(spatial)
        self.window = window_of(
            self.spatial, self.kernel_size, self.strides, self.dilation_rate, self.padding
        )
        self.outputs = self.window.outputs(self.spatial)
        if min(self.outputs) < 1:
            raise ValueError(
                f"{self.label}: a kernel of {self.kernel_size} is larger than its input of "
                f"{self.spatial}. Use padding='same' or a smaller kernel."
            )
        self.inner = window_of(self.outputs, self.kernel_size, (1,) * self.rank, padding="same")
        self.make_weights(
            kernel=(*self.kernel_size, channels, 4 * self.filters),
            recurrent=(*self.kernel_size, self.filters, 4 * self.filters),
        )

    def _last(self, shape: Any) -> tuple[Any, ...]:
        """A shape with the channels last."""
        first = self.data_format == "channels_first"
        return (shape[0], *shape[2:], shape[1]) if first else tuple(shape)

    def _turned(self, x: np.ndarray, back: bool = False) -> np.ndarray:
        """(..., C, *spatial) to (..., *spatial, C), or `back`, for channels first."""
        if self.data_format != "channels_first":
            return x
        axes = (-1, -self.rank - 1) if back else (-self.rank - 1, -1)
        return np.ascontiguousarray(np.moveaxis(x, *axes))

    def state_shape(self, rows: int | None) -> tuple[int | None, ...]:
        """(N, *outputs, F), in the layer's format."""
        if self.data_format == "channels_first":
            return (rows, self.filters, *self.outputs)
        return (rows, *self.outputs, self.filters)

    def get_initial_state(self, batch_size: int | None = None) -> list[np.ndarray]:
        """Zeros."""
        shape: Any = self.state_shape(batch_size or 1)
        return [np.zeros(shape, self.dtype), np.zeros(shape, self.dtype)]

    def products(self, x: np.ndarray, step: Step) -> tuple[Product, Product]:
        """Correlations of input and state."""
        h = (x.shape[1], *self.outputs, self.filters)
        masks = self.masks(x.shape[1:], h, self.gates, x.dtype, step)
        kernel, recurrent = self.kernel.value, self.recurrent_kernel.value
        return (
            Convolution(kernel, masks[0], step, self.window, self.spatial),
            Convolution(recurrent, masks[1], step, self.inner, self.outputs),
        )

    def run(
        self,
        x: np.ndarray,
        states: States,
        keep: np.ndarray | None,
        step: Step,
        sequences: bool,
        needs_dx: bool = True,
    ) -> Pass:
        """Send sequences (T, N, *spatial, C) through, the channels last."""
        if self.data_format != "channels_first":
            return super().run(x, states, keep, step, sequences, needs_dx)
        first = [self._turned(s) for s in states]
        done = super().run(self._turned(x), first, keep, step, sequences, needs_dx)

        def backward(dy: np.ndarray, dstates: Any = None) -> Any:
            dx, before = done.backward(self._turned(dy), dstates)
            return None if dx is None else self._turned(dx, back=True), before

        finals = [self._turned(s, back=True) for s in done.states]
        return Pass(self._turned(done.output, back=True), finals, backward)


class ConvLSTM(ConvLSTMArguments, WithCell):
    """A ConvLSTM of any rank."""

    cell_class: ClassVar[Any] = ConvLSTMCell
    positional_tail: ClassVar[tuple[str, ...]] = FLAGS[:-1]
    rank: ClassVar[int] = 2
    missing_axis: ClassVar[str] = "If there is one channel, add its axis: x[..., None]."

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Say what inputs look like."""
        super().__init_subclass__(**kwargs)
        cls.input_rank = cls.rank + 3
        cls.input_text = f"(N, steps, {', '.join(AXES[cls.rank])}, channels)"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, T, *outputs, F), or without T."""
        self.check_steps(input_shape)
        self.build_inside(self.cell, (input_shape[0], *input_shape[2:]))
        steps = input_shape[1:2] if self.return_sequences else ()
        shape = self.cell.state_shape(None)
        return (input_shape[0], *steps, *shape[1:])

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Two for each weight of the kernels, at each place and step."""
        places = math.prod(self.cell.outputs) * (input_shape[1] or 1)
        return 2 * places * sum(w.size for w in self.weights if w.ndim > 1)


@register()
@dataclass(eq=False, repr=False)
class ConvLSTM1D(ConvLSTM):
    """LSTM with convolutions over series: (N, T, steps, C) to (N, steps', filters).

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int
        Size of both kernels.
    strides, padding, data_format, dilation_rate
        Of the input's convolution, as in `Conv1D`; that of the state has "same" padding.

    Notes
    -----
    Other arguments, and the formula, as in `ConvLSTM2D` and `LSTM`.

    Examples
    --------
    >>> ConvLSTM1D(4, 3)(np.ones((2, 5, 8, 3))).shape
    (2, 6, 4)
    """

    rank: ClassVar[int] = 1


@register()
@dataclass(eq=False, repr=False)
class ConvLSTM2D(ConvLSTM):
    """LSTM with convolutions over images: (N, T, H, W, C) to (N, H', W', filters).

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or (int, int)
        Size of both kernels.
    strides, padding, data_format, dilation_rate
        Of the input's convolution, as in `Conv2D`; that of the state has "same" padding.
    return_sequences, go_backwards, stateful, ...
        As in `LSTM`, and so are all other arguments.

    Notes
    -----
    Shi et al. 2015, "Convolutional LSTM Network", without peepholes. Weights kernel (*size, C,
    4 filters), recurrent_kernel (*size, filters, 4 filters), bias (4 filters,).

    Examples
    --------
    >>> ConvLSTM2D(4, 3, padding="same", return_sequences=True)(np.ones((2, 5, 6, 6, 3))).shape
    (2, 5, 6, 6, 4)
    """

    rank: ClassVar[int] = 2


@register()
@dataclass(eq=False, repr=False)
class ConvLSTM3D(ConvLSTM):
    """LSTM with convolutions over volumes: (N, T, D, H, W, C) to (N, D', H', W', filters).

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or tuple of 3
        Size of both kernels.
    strides, padding, data_format, dilation_rate
        Of the input's convolution, as in `Conv3D`; that of the state has "same" padding.

    Notes
    -----
    Other arguments, and the formula, as in `ConvLSTM2D` and `LSTM`.

    Examples
    --------
    >>> ConvLSTM3D(2, 2)(np.ones((1, 3, 4, 4, 4, 1))).shape
    (1, 3, 3, 3, 2)
    """

    rank: ClassVar[int] = 3
