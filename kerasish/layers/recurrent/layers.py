"""SimpleRNN, LSTM and GRU: `RNN` with a built-in cell, and one list of arguments for both."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from kerasish.layers.base import Layer
from kerasish.layers.recurrent.cell import check_arguments
from kerasish.layers.recurrent.cells import (
    PRIVATE,
    GRUArguments,
    GRUCell,
    LSTMArguments,
    LSTMCell,
    SimpleRNNArguments,
    SimpleRNNCell,
)
from kerasish.layers.recurrent.rnn import RNN
from kerasish.registry import register, snake_case

FLAGS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")


@dataclass(eq=False, repr=False)
class WithCell(RNN):
    """A recurrent layer that makes its own cell.

    The arguments are those of the cell, which also has the weights, and those of `RNN`.
    """

    cell: Any = field(init=False, metadata=PRIVATE)
    return_sequences: bool = field(default=False, kw_only=True)
    return_state: bool = field(default=False, kw_only=True)
    go_backwards: bool = field(default=False, kw_only=True)
    stateful: bool = field(default=False, kw_only=True)
    unroll: bool = field(default=False, kw_only=True)
    zero_output_for_mask: bool = field(default=False, kw_only=True)

    cell_class: ClassVar[Any] = None

    def make_cell(self) -> Any:
        """The layer's own cell."""
        cell_class, given = self.cell_class, vars(self)
        common = {f.name for f in fields(Layer)} | {"activity_regularizer"}
        names = [f.name for f in fields(cell_class) if f.name not in common]
        self.check_arguments()
        if given.get("use_cudnn", "auto") not in ("auto", True, False):
            raise ValueError(
                f"{self.label}: `use_cudnn` must be 'auto', True or False but is "
                f"{given['use_cudnn']!r}. Leave it out."
            )
        return cell_class(
            **{name: getattr(self, name) for name in names},
            name=snake_case(cell_class.__name__),
            dtype=self.dtype,
        )

    def check_arguments(self) -> None:
        """Check and resolve the arguments of the cell, so that errors name this layer."""
        check_arguments(self)


@register()
@dataclass(eq=False, repr=False)
class SimpleRNN(SimpleRNNArguments, WithCell):
    """Fully connected recurrence: ``h' = activation(x @ kernel + h @ recurrent_kernel + bias)``.

    Input (N, T, D), output (N, units), or (N, T, units) with `return_sequences`.

    Parameters
    ----------
    units : int
        Features of the output.
    activation : str or callable
        Applied to the sum.
    dropout, recurrent_dropout : float
        Probability of dropping a feature of the input, of the state; the same at all steps.
    return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask
        As in `RNN`.

    Notes
    -----
    Elman 1990. Weights kernel (D, units), recurrent_kernel (units, units), bias (units,).

    Examples
    --------
    >>> import numpy as np
    >>> SimpleRNN(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    seed: Any = field(default=None, kw_only=True, metadata=PRIVATE)

    cell_class: ClassVar[Any] = SimpleRNNCell
    positional_tail: ClassVar[tuple[str, ...]] = (*FLAGS, "seed")


@register()
@dataclass(eq=False, repr=False)
class LSTM(LSTMArguments, WithCell):
    """Long short-term memory: ``c' = f * c + i * tanh(z_c); h = o * tanh(c')``.

    Input (N, T, D), output (N, units), or (N, T, units) with `return_sequences`.

    Parameters
    ----------
    units : int
        Features of the output.
    activation, recurrent_activation : str or callable
        In the place of tanh, and of the gates' sigmoid.
    unit_forget_bias : bool
        Begin with a bias of 1 in the forget gate (Jozefowicz et al. 2015).
    dropout, recurrent_dropout : float
        Probability of dropping a feature of the input, of the state; the same at all steps.
    return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask
        As in `RNN`.
    use_cudnn
        Accepted for Keras's sake.

    Notes
    -----
    Hochreiter and Schmidhuber 1997. Weights kernel (D, 4 units), recurrent_kernel (units,
    4 units), bias (4 units,), their blocks in the order i, f, c, o.

    Examples
    --------
    >>> import numpy as np
    >>> LSTM(4, return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    use_cudnn: Any = field(default="auto", kw_only=True, metadata=PRIVATE)

    cell_class: ClassVar[Any] = LSTMCell
    positional_tail: ClassVar[tuple[str, ...]] = (*FLAGS, "use_cudnn")


@register()
@dataclass(eq=False, repr=False)
class GRU(GRUArguments, WithCell):
    """Gated recurrent unit: ``h' = z * h + (1 - z) * candidate``.

    Input (N, T, D), output (N, units), or (N, T, units) with `return_sequences`.

    Parameters
    ----------
    units : int
        Features of the output.
    activation, recurrent_activation : str or callable
        Of the candidate, and of the gates.
    reset_after : bool
        Whether the reset gate acts after the state's product, which then has a bias of its own.
    dropout, recurrent_dropout : float
        Probability of dropping a feature of the input, of the state; the same at all steps.
    return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask
        As in `RNN`.
    use_cudnn
        Accepted for Keras's sake.

    Notes
    -----
    Cho et al. 2014. Weights kernel (D, 3 units), recurrent_kernel (units, 3 units), bias
    (2, 3 units), or (3 units,) without `reset_after`, their blocks in the order z, r, h.

    Examples
    --------
    >>> import numpy as np
    >>> GRU(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    reset_after: bool = field(default=True, kw_only=True)
    use_cudnn: Any = field(default="auto", kw_only=True, metadata=PRIVATE)

    cell_class: ClassVar[Any] = GRUCell
    positional_tail: ClassVar[tuple[str, ...]] = (*FLAGS, "reset_after", "use_cudnn")
