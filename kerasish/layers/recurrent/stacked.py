"""Several recurrent cells as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import registry
from kerasish.errors import brief
from kerasish.kernels.recurrent import Pass, States
from kerasish.layers.arguments import Shape
from kerasish.layers.base import Layer
from kerasish.layers.recurrent.protocol import (
    call_cell,
    check_cell,
    initial_states,
    output_size,
    run_cell,
    state_sizes,
)
from kerasish.registry import register
from kerasish.step import Step


@register()
@dataclass(eq=False, repr=False)
class StackedRNNCells(Layer):
    """Several cells one behind another, as a single cell.

    Parameters
    ----------
    cells : list of cells
        The output of each is the input of the next.

    Examples
    --------
    >>> from kerasish.layers import GRUCell, LSTMCell
    >>> stack = StackedRNNCells([GRUCell(4), LSTMCell(3)])
    >>> output, states = stack(np.ones((2, 5)))
    >>> output.shape, len(states)
    ((2, 3), 2)
    """

    cells: Any

    shardable: ClassVar[bool] = True  # type: ignore[misc]

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.cells
        if not isinstance(given, list | tuple) or not given:
            raise ValueError(f"{self.label}: `cells` must be a list of cells, not {brief(given)}.")
        self.cells = [registry.deserialize("layer", c) if isinstance(c, dict) else c for c in given]
        for cell in self.cells:
            check_cell(self.label, cell)
        if not self.trainable:
            self.trainable = False

    @property
    def state_size(self) -> list[Any]:
        """Those of the cells."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """That of the last cell."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[np.ndarray]:
        """Those of the cells, one behind another."""
        rows = batch_size or 1
        return [s for cell in self.cells for s in initial_states(cell, rows, self.dtype)]

    def build(self, input_shape: Shape) -> None:
        """Build the cells."""
        for cell in self.cells:
            self.build_inside(cell, input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        """One step of all cells."""
        return call_cell(self, inputs, states, training, run=StackedRNNCells.run)

    def run(
        self,
        x: np.ndarray,
        states: States,
        keep: np.ndarray | None,
        step: Step,
        sequences: bool,
        needs_dx: bool = True,
    ) -> Pass:
        """Send whole sequences through one cell after another."""
        # What a cell gives at a masked step goes nowhere: no later cell takes it into its state.
        passes, finals, place = [], [], 0
        for number, cell in enumerate(self.cells):
            last = number == len(self.cells) - 1
            count = len(state_sizes(cell))
            own = states[place : place + count]
            place += count
            done = run_cell(cell, x, own, keep, step, sequences or not last, needs_dx or number > 0)
            x = done.output
            passes.append(done)
            finals += done.states

        def backward(dy: np.ndarray, dstates: Any = None) -> Any:
            first: list[Any] = []
            end = len(finals)
            for done in reversed(passes):
                count = len(done.states)
                own = None if dstates is None else dstates[end - count : end]
                end -= count
                dy, before = done.backward(dy, own)
                first = [*before, *first]
            return dy, first

        return Pass(x, finals, backward)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, units of the last cell)."""
        return (input_shape[0], self.output_size)
