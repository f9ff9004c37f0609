"""The built-in recurrent cells: what is done at one time step, for whole sequences at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish import activations
from kerasish.kernels import recurrent
from kerasish.kernels import sequences as compiled
from kerasish.kernels.recurrent import Pass, Product, States
from kerasish.layers.recurrent.cell import Cell
from kerasish.registry import register
from kerasish.step import Step

PRIVATE: dict[str, Any] = {"private": True}


def _act(fn: Any) -> Any:
    """An activation as the function that `kernels.recurrent` takes; it may write where it reads."""
    return lambda z: activations.forward(fn, z, out=z)


@dataclass(eq=False, repr=False)
class SimpleRNNArguments:
    """What SimpleRNN and its cell are told, in Keras's order."""

    units: int
    activation: Any = "tanh"
    use_bias: bool = True
    kernel_initializer: Any = "glorot_uniform"
    recurrent_initializer: Any = "orthogonal"
    bias_initializer: Any = "zeros"
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


@register()
@dataclass(eq=False, repr=False)
class SimpleRNNCell(SimpleRNNArguments, Cell):
    """The step of `SimpleRNN`: ``h' = activation(x @ kernel + h @ recurrent_kernel + bias)``.

    Parameters
    ----------
    units : int
        Features of state and output.
    activation : str or callable
        Applied to the sum.
    dropout, recurrent_dropout : float
        Probability of dropping a feature of the input, of the state.

    Examples
    --------
    >>> output, states = SimpleRNNCell(3)(np.ones((2, 4)))
    >>> output.shape, len(states)
    ((2, 3), 1)
    """

    activity_regularizer: Any = field(default=None, kw_only=True, metadata=PRIVATE)

    def recur(
        self,
        z: np.ndarray,
        product: Product,
        states: States,
        keep: np.ndarray | None,
        sequences: bool,
        step: Step,
    ) -> Pass:
        """See `kernels.recurrent.simple`."""
        kinds = self.kinds(z, product)
        if kinds is not None:
            return compiled.simple(z, product, states, keep, sequences, step, kinds)
        return recurrent.simple(z, product, states, keep, sequences, _act(self.activation))


@dataclass(eq=False, repr=False)
class LSTMArguments:
    """What LSTM and its cell are told, in Keras's order."""

    units: int
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


class LSTMFormula(Cell):
    """What LSTM cells with products of any kind do."""

    unit_forget_bias: Any
    bias_initializer: Any
    recurrent_activation: Any

    gates: ClassVar[int] = 4

    @property
    def state_size(self) -> list[int]:
        """Those of h and of c."""
        return [self.units, self.units]

    def initial_bias(self, shape: Any, dtype: Any = None, rng: Any = None) -> np.ndarray:
        """Ones for the forget gate, if asked for; else what `bias_initializer` says."""
        bias = np.array(self.bias_initializer(shape, dtype=dtype, rng=rng))
        if self.unit_forget_bias:
            bias[self.units : 2 * self.units] = 1
        return bias

    def recur(
        self,
        z: np.ndarray,
        product: Product,
        states: States,
        keep: np.ndarray | None,
        sequences: bool,
        step: Step,
    ) -> Pass:
        """See `kernels.recurrent.lstm`."""
        kinds = self.kinds(z, product)
        if kinds is not None:
            return compiled.lstm(z, product, states, keep, sequences, step, kinds)
        act, gate = _act(self.activation), _act(self.recurrent_activation)
        return recurrent.lstm(z, product, states, keep, sequences, act, gate)


@register()
@dataclass(eq=False, repr=False)
class LSTMCell(LSTMArguments, LSTMFormula):
    """The step of `LSTM`: gates i, f, o and candidate c from input and state.

    ``c' = f * c + i * activation(z_c); h = o * activation(c')``; the blocks of the kernels are
    in the order i, f, c, o.

    Parameters
    ----------
    units : int
        Features of output and states.
    activation, recurrent_activation : str or callable
        Of candidate and output, and of the gates.
    unit_forget_bias : bool
        Begin with a bias of 1 in the forget gate (Jozefowicz et al. 2015).
    dropout, recurrent_dropout : float
        Probability of dropping a feature of the input, of the state.

    Examples
    --------
    >>> output, (h, c) = LSTMCell(3)(np.ones((2, 4)))
    >>> output.shape, c.shape
    ((2, 3), (2, 3))
    """

    activity_regularizer: Any = field(default=None, kw_only=True, metadata=PRIVATE)

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files."""
        config = super().get_config()
        forget = {"unit_forget_bias": config.pop("unit_forget_bias")}
        before = list(config).index("use_bias") + 1
        items = list(config.items())
        return {**dict(items[:before]), **forget, **dict(items[before:])}


@dataclass(eq=False, repr=False)
class GRUArguments:
    """What GRU and its cell are told, in Keras's order."""

    units: int
    activation: Any = "tanh"
    recurrent_activation: Any = "sigmoid"
    use_bias: bool = True
    kernel_initializer: Any = "glorot_uniform"
    recurrent_initializer: Any = "orthogonal"
    bias_initializer: Any = "zeros"
    kernel_regularizer: Any = None
    recurrent_regularizer: Any = None
    bias_regularizer: Any = None
    activity_regularizer: Any = None
    kernel_constraint: Any = None
    recurrent_constraint: Any = None
    bias_constraint: Any = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    reset_after: bool = True
    seed: Any = None


@register()
@dataclass(eq=False, repr=False)
class GRUCell(GRUArguments, Cell):
    """The step of `GRU`: gates z and r and a candidate h from input and state.

    ``h' = z * h + (1 - z) * candidate``; the blocks of the kernels are in the order z, r, h.

    Parameters
    ----------
    units : int
        Features of output and state.
    activation, recurrent_activation : str or callable
        Of the candidate, and of the gates.
    reset_after : bool
        Whether the reset gate acts after the state's product, and the product has a bias of its
        own: the bias then has shape (2, 3 * units).
    dropout, recurrent_dropout : float
        Probability of dropping a feature of the input, of the state.

    Examples
    --------
    >>> output, (h,) = GRUCell(3)(np.ones((2, 4)))
    >>> output.shape
    (2, 3)
    """

    activity_regularizer: Any = field(default=None, kw_only=True, metadata=PRIVATE)
    gates: ClassVar[int] = 3

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def recur(
        self,
        z: np.ndarray,
        product: Product,
        states: States,
        keep: np.ndarray | None,
        sequences: bool,
        step: Step,
    ) -> Pass:
        """See `kernels.recurrent.gru` and `gru_before`."""
        kinds = self.kinds(z, product)
        act, gate = _act(self.activation), _act(self.recurrent_activation)
        rest = states, keep, sequences
        if self.reset_after:
            bias = None if self.bias is None else self.bias.value[1]
            if kinds is not None:
                return compiled.gru(z, product, bias, *rest, step, kinds)
            return recurrent.gru(z, product, bias, *rest, act, gate)
        if kinds is not None:
            return compiled.gru_before(z, product, *rest, step, kinds)
        gates, candidate = product.columns(2 * self.units)
        return recurrent.gru_before(z, gates, candidate, *rest, act, gate)
