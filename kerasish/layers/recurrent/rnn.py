"""Recurrent layers: a cell sent over the time axis, with masks and states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import kernels, registry, regularizers
from kerasish.layers.arguments import Shape, shape_text
from kerasish.layers.base import Backward
from kerasish.layers.recurrent.protocol import (
    check_cell,
    flat,
    initial_states,
    output_size,
    run_cell,
    state_sizes,
)
from kerasish.layers.recurrent.several import SeveralOutputs
from kerasish.layers.recurrent.stacked import StackedRNNCells
from kerasish.registry import register
from kerasish.step import Step
from kerasish.store import Weight


@register()
@dataclass(eq=False, repr=False)
class RNN(SeveralOutputs):
    """A recurrent cell, or several behind one another, over sequences (N, T, D).

    Parameters
    ----------
    cell : cell or list of cells
        `SimpleRNNCell`, `LSTMCell`, `GRUCell`, or a `Layer` of yours with `state_size` and
        ``call(inputs, states)``, which returns the output and the list of new states.
    return_sequences : bool
        Return the outputs of all steps, (N, T, units), rather than the last one, (N, units).
    return_state : bool
        Return the last states too; only for a layer that is called by itself.
    go_backwards : bool
        Begin at the last step. The outputs are in the order in which they were computed.
    stateful : bool
        Begin each batch with the states that the last one ended with, sample by sample, until
        `reset_states`. The model needs a fixed batch size, and `fit` ``shuffle=False``.
    unroll : bool
        Accepted for Keras's sake; there is nothing to unroll here.
    zero_output_for_mask : bool
        Whether masked steps give zeros rather than the output of the step before.

    Notes
    -----
    A masked step leaves the states as they were. The gradient goes back through all steps.

    Examples
    --------
    >>> from kerasish.layers import GRUCell, LSTMCell
    >>> RNN([GRUCell(4), LSTMCell(3)], return_sequences=True)(np.ones((2, 5, 6))).shape
    (2, 5, 3)
    """

    cell: Any
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    zero_output_for_mask: bool = False

    supports_masking: ClassVar[bool] = True
    input_rank: ClassVar[int] = 3
    input_text: ClassVar[str] = "(N, steps, features)"
    missing_axis: ClassVar[str] = (
        "If each sample is a series of numbers, add the feature axis: x[..., None]."
    )
    states = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.activity_regularizer = regularizers.get(self.activity_regularizer)
        self.cell = self.make_cell()
        if not self.trainable:
            self.trainable = False

    def make_cell(self) -> Any:
        """The cell that was given, checked; several as one."""
        given = self.cell
        if isinstance(given, dict):
            given = registry.deserialize("layer", given)
        if isinstance(given, list | tuple):
            given = StackedRNNCells(given)
        check_cell(self.label, given)
        state_sizes(given)
        return given

    # --- shapes and states --------------------------------------------------------------------

    @property
    def state_size(self) -> Any:
        """Features of the cell's states."""
        return self.cell.state_size

    @property
    def mixes_samples(self) -> bool:
        """Whether the place of a sample in its batch counts."""
        return self.stateful

    @property
    def single_output(self) -> bool:
        """Whether the layer returns one array."""
        return not self.return_state

    def check_steps(self, shape: Shape) -> None:
        """Refuse what is no batch of sequences, and sequences without a step."""
        if len(shape) < self.input_rank:
            fix = (
                f"If the layer before it is recurrent, set return_sequences=True there. "
                f"{self.missing_axis}"
            )
            raise self.shape_error(self.input_text, shape, fix)
        if len(shape) > self.input_rank:
            fix = "Join the last axes with Reshape, or wrap the layer in TimeDistributed."
            raise self.shape_error(self.input_text, shape, fix)
        if shape[1] == 0:
            raise ValueError(
                f"{self.label} needs at least one time step, but its input of shape "
                f"{shape_text(shape)} has sequences of length 0. Leave empty sequences out, or pad "
                f"them."
            )

    def check_call(self, shape: tuple[int, ...]) -> None:
        """Compare rank and features; the number of steps may be another than at building."""
        self.check_steps(shape)
        built = self._build_shape
        if built is not None and self.cell.built and built[2:] != tuple(shape[2:]):
            raise self.shape_error(shape_text((None, None, *built[2:])), shape)

    def check_data(self, batches: Any, is_first: bool = False) -> None:
        """Refuse batches that are not of the size that the states were made for."""
        if self.states is None or batches.rows is None or batches.batch_size is None:
            return
        rows = len(self.states[0].value)
        whole = batches.rows % rows == 0 or batches.steps <= batches.rows // rows
        if min(batches.batch_size, batches.rows) != rows or not whole:
            raise self._varying(rows, f"{batches.rows} samples in batches of {batches.batch_size}")

    def _varying(self, rows: int, found: str) -> ValueError:
        return ValueError(
            f"{self.label} is stateful: every batch must have the {rows} samples that it was built "
            f"for, but got {found}. Pass batch_size={rows}, and a number of samples that it "
            f"divides."
        )

    def build(self, input_shape: Shape) -> None:
        """Build the cell and, if stateful, make the states."""
        self.check_steps(input_shape)
        if input_shape[-1] is None:
            raise self.shape_error(
                self.input_text, input_shape, "The number of features has to be known."
            )
        self.build_inside(self.cell, (input_shape[0], *input_shape[2:]))
        if self.stateful:
            self._make_states(input_shape[0])

    def _make_states(self, rows: int | None) -> None:
        if rows is None:
            raise ValueError(
                f"{self.label} is stateful and needs a fixed batch size: begin the model with "
                f"Input(batch_shape=(batch, steps, features)) or give the first layer "
                f"batch_input_shape=(batch, steps, features)."
            )
        values = initial_states(self.cell, rows, self.dtype)
        self.states = [Weight(v, "rnn_state", trainable=False) for v in values]
        for state in self.states:
            state.path = f"{self.name}/{state.name}"

    def reset_state(self, states: Any = None) -> None:
        """Set the states of a stateful layer to zero, or to the arrays given."""
        if not self.stateful or self.states is None:
            if states is None:
                return
            raise ValueError(
                f"{self.label} keeps no states. Make it with stateful=True, and build it first."
            )
        values = [0] * len(self.states) if states is None else list(flat(states))
        if len(values) != len(self.states):
            raise ValueError(
                f"{self.label} has {len(self.states)} states but reset_state got {len(values)}."
            )
        for state, value in zip(self.states, values, strict=True):
            state.assign(np.broadcast_to(value, state.shape))

    reset_states = reset_state

    def _first_states(self, x: np.ndarray, step: Step, initial: Any) -> list[np.ndarray]:
        if initial is not None:
            given = [np.asarray(s, x.dtype) for s in flat(initial)]
            expected = [s.shape for s in initial_states(self.cell, len(x), x.dtype)]
            if [s.shape for s in given] != expected:
                raise ValueError(
                    f"{self.label}: `initial_state` must be arrays of shapes {expected} but has "
                    f"{[s.shape for s in given]}."
                )
            return given
        if not self.stateful:
            return initial_states(self.cell, len(x), x.dtype)
        assert self.states is not None
        rows = len(self.states[0].value)
        if rows != step.batch_size:
            raise self._varying(rows, f"one of {step.batch_size}")
        return [s.value[step.rows] for s in self.states]

    # --- the pass -----------------------------------------------------------------------------

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Send the sequences through the cell."""
        if self.return_state:
            raise ValueError(
                f"{self.label} returns its states too (return_state=True), which only works where "
                f"the layer is called by itself. In a model, set return_state=False."
            )
        y, _, backward = self.run(x, step, needs_dx=step.needs_dx(self))
        return y, backward

    def run(
        self, x: np.ndarray, step: Step, initial: Any = None, needs_dx: bool = True
    ) -> tuple[np.ndarray, list[np.ndarray], Backward | None]:
        """Output, last states and backward."""
        self.check_steps(x.shape)
        mask, step.mask = step.mask, None
        order = slice(None, None, -1 if self.go_backwards else 1)
        looked_up = self._rows(x, step)
        if looked_up is None:
            sequences: Any = self._time_major(x, order, step)
        else:
            sequences = kernels.Rows(looked_up.rows, looked_up.places.T[order])
        keep = None if mask is None else self._kept(mask, x)[order]
        states = self._first_states(x, step, initial)
        result = run_cell(self.cell, sequences, states, keep, step, self.return_sequences, needs_dx)
        y = result.output
        shown = self._shown(keep, y, fresh=initial is None and not self.stateful)
        if shown is not None:
            y = y * shown
        if self.stateful and self.states is not None:
            for state, value in zip(self.states, result.states, strict=True):
                step.update(state, value, step.rows)
        if self.return_sequences:
            y = y.swapaxes(0, 1)
            step.mask = mask

        def backward(dy: np.ndarray) -> np.ndarray | None:
            if self.return_sequences:
                dy = dy.swapaxes(0, 1)
            if shown is not None:
                dy = dy * shown
            dx, _ = result.backward(dy)
            if not needs_dx or looked_up is not None:
                return dx
            return dx[order].swapaxes(0, 1)

        return y, result.states, backward if step.recording else None

    def _rows(self, x: np.ndarray, step: Step) -> kernels.Lookup | None:
        """The lookup that made x, its distinct rows taken, if that is worth it."""
        lookup = step.lookup
        if lookup is None or not lookup.is_for(self, x):
            return None
        return lookup if lookup.take(self.row_columns(step), step) else None

    def row_columns(self, step: Step) -> int:
        """Columns of the matrix that multiplies each step's input; 0 if the cell needs it whole."""
        count = getattr(self.cell, "row_columns", None)
        return 0 if count is None else count(step)

    def _time_major(self, x: np.ndarray, order: slice, step: Step) -> np.ndarray:
        """(T, N, ...), contiguous, in the order of computation."""
        turned = x.swapaxes(0, 1)[order]
        if turned.flags.c_contiguous:
            return turned
        out = step.empty(turned.shape, x.dtype)
        np.copyto(out, turned)
        return out

    def _kept(self, mask: np.ndarray, x: np.ndarray) -> np.ndarray:
        if mask.shape != x.shape[:2]:
            raise ValueError(
                f"{self.label} got a mask of shape {mask.shape} for sequences of shape "
                f"{shape_text(x.shape)}; it must have one element for each sample and step, "
                f"{x.shape[:2]}."
            )
        return mask.T

    def _shown(self, keep: np.ndarray | None, y: np.ndarray, fresh: bool) -> np.ndarray | None:
        """What the outputs are multiplied by: 0 at masked steps that have none to repeat."""
        if keep is None:
            return None
        if not self.zero_output_for_mask:
            if fresh:
                return None  # states that begin with zeros show zeros
            keep = np.logical_or.accumulate(keep)
        if not self.return_sequences:
            keep = keep[-1]
        return keep.reshape(keep.shape + (1,) * (y.ndim - keep.ndim)).astype(y.dtype)

    def all_outputs(self, x: np.ndarray, step: Step, initial: Any) -> list[np.ndarray]:
        """The output, and the last states if they are asked for."""
        y, states, _ = self.run(x, step, initial)
        return [y, *states] if self.return_state else [y]

    # --- description --------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, T, units), or (N, units)."""
        self.check_steps(input_shape)
        steps = input_shape[1:2] if self.return_sequences else ()
        return (input_shape[0], *steps, output_size(self.cell))

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Two for each weight of the kernels at each step."""
        return 2 * (input_shape[1] or 1) * sum(w.size for w in self.weights if w.ndim > 1)

    def get_config(self) -> dict[str, Any]:
        """Arguments, the cell last."""
        config = super().get_config()
        if "cell" in config:
            config["cell"] = config.pop("cell")
        return config
