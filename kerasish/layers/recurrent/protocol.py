"""What a recurrent cell is, and cells that users write with Keras's ``call(inputs, states)``.

A cell is a layer with `state_size` (features of its state, or a list of them) and a `call` that
takes the input and the list of states at one step and returns the output and the new states. A
built-in one has `run`, which takes whole sequences; all others go through `run_custom`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from kerasish import autodiff
from kerasish.autodiff import is_traced
from kerasish.errors import brief
from kerasish.kernels.recurrent import Pass, States, scan
from kerasish.layers.custom import Call, current_step
from kerasish.step import Step
from kerasish.store import as_array


def check_cell(owner: str, cell: Any) -> None:
    """Refuse what is no cell."""
    missing = [f"`{name}`" for name in ("call", "state_size") if not hasattr(cell, name)]
    if getattr(cell, "registry_kind", None) == "layer" and not missing:
        return
    lacks = f"which has no {' and no '.join(missing)}" if missing else "which is no layer"
    raise ValueError(
        f"{owner}: a cell must be a layer with call(inputs, states) and `state_size` but is "
        f"{brief(cell)}, {lacks}. Pass LSTMCell(units), say, or a Layer of yours that has both; a "
        f"layer such as LSTM(units) needs no RNN around it."
    )


def state_sizes(cell: Any) -> list[int]:
    """Features of each state of a cell; those of stacked cells one behind another."""
    sizes = list(flat(cell.state_size))
    if not sizes or not all(isinstance(n, int | np.integer) and n > 0 for n in sizes):
        raise ValueError(
            f"{cell.label}: `state_size` must be a positive whole number, or a list of them, one "
            f"for each state, but is {brief(cell.state_size)}."
        )
    return [int(n) for n in sizes]


def flat(tree: Any) -> Iterator[Any]:
    """The leaves of nested lists and tuples."""
    if isinstance(tree, list | tuple):
        for branch in tree:
            yield from flat(branch)
    else:
        yield tree


def packed_like(tree: Any, leaves: Iterator[Any]) -> Any:
    """`leaves` in the nested lists of `tree`."""
    if isinstance(tree, list | tuple):
        return [packed_like(branch, leaves) for branch in tree]
    return next(leaves)


def output_size(cell: Any) -> int:
    """Features of a cell's output: its `output_size`, else those of its first state."""
    size = getattr(cell, "output_size", None)
    return state_sizes(cell)[0] if size is None else int(size)


def initial_states(cell: Any, rows: int, dtype: Any) -> list[np.ndarray]:
    """Zeros, or what the cell's own `get_initial_state` gives."""
    own = getattr(cell, "get_initial_state", None)
    if own is None:
        return [np.zeros((rows, n), dtype) for n in state_sizes(cell)]
    found = own(batch_size=rows)
    return [np.asarray(s, dtype) for s in flat(found)]


def run_cell(
    cell: Any,
    x: np.ndarray,
    states: States,
    keep: np.ndarray | None,
    step: Step,
    sequences: bool,
    needs_dx: bool = True,
) -> Pass:
    """Send sequences (T, N, ...) through a cell; backward gives (dx, gradients of `states`)."""
    run = run_custom if takes_steps(cell) else type(cell).run
    return run(cell, x, states, keep, step, sequences, needs_dx)


def takes_steps(cell: Any) -> bool:
    """Whether a `call` of the user's has to be run at every step."""
    owners = [c for c in type(cell).__mro__ if "call" in vars(c) or "run" in vars(c)]
    return "run" not in vars(owners[0])


def run_custom(
    cell: Any,
    x: np.ndarray,
    states: States,
    keep: np.ndarray | None,
    step: Step,
    sequences: bool,
    needs_dx: bool = True,
) -> Pass:
    """Run a user's `call` at every step, differentiated by `autograd`."""
    call = Call(cell, step)

    def run(x: Any, states: list[Any], *values: Any) -> list[Any]:
        result = call.run((x, states), values)
        if not isinstance(result, list | tuple) or len(result) != 2:
            raise TypeError(
                f"{call.name} must return (output, new_states) but returned {brief(result)}."
            )
        if call.losses:
            raise RuntimeError(f"{call.name}: add_loss works in layers, not in recurrent cells.")
        output, new = result
        return [output, *(new if isinstance(new, list | tuple) else [new])]

    run.__qualname__ = call.name
    weights, values = call.weights, call.values
    wanted = [i for i, w in enumerate(weights) if step.wants(w)]
    argnums = (0, 1, *(2 + i for i in wanted))
    rows, size = len(x[0]), output_size(cell)

    def checked(found: list[Any], states: States) -> list[np.ndarray]:
        shapes = [np.shape(a) for a in found]
        expected = [(rows, size), *(s.shape for s in states)]
        if shapes != expected:
            raise ValueError(
                f"{call.name} returned an output and states of shapes {shapes}, expected "
                f"{expected}. Correct `state_size` (or set `output_size`), or what it returns."
            )
        return [np.asarray(a, x.dtype) for a in found]

    def advance(t: int, states: States) -> Any:
        if not step.recording:
            found = checked(run(x[t], list(states), *values), states)
            return found[0], found[1:], None
        found, pull = autodiff.vjp(run, x[t], list(states), *values, argnums=argnums)
        found = checked(found, states)

        def backward(dy: np.ndarray, dstates: States) -> Any:
            dx, before, *gradients = pull([dy, *dstates])
            for i, gradient in zip(wanted, gradients, strict=True):
                step.add_grad(weights[i], gradient)
            return dx, before

        return found[0], found[1:], backward

    mask, step.mask = step.mask, None
    done = scan(advance, states, keep, len(x), sequences, step.recording)
    step.mask = mask

    def backward(dy: np.ndarray, dstates: Any = None) -> Any:
        dx, first = done.backward(dy, dstates)
        return np.stack(dx), first

    return done._replace(backward=backward)


def call_cell(
    cell: Any, inputs: Any, states: Any = None, training: bool = False, run: Any = run_cell
) -> Any:
    """One step: the output and the list of new states; inside a user's `call`, traced.

    `run` is what to do with the cell; in a `call` that overrides a built-in one, the built-in's.
    """
    cell = vars(cell).get("_untraced", cell)
    given = [] if states is None else list(flat(states))
    outer = current_step()
    if outer is not None and any(is_traced(a) for a in (inputs, *given)):
        output, new = _call_traced(cell, inputs, given, outer, run)
    else:
        x = cell.prepare_input(inputs)
        cell.ensure_built((None, *x.shape[1:]))
        cell.check_call(x.shape)
        step = outer or cell.new_step(len(x), bool(training))
        known = [np.asarray(s, x.dtype) for s in given] or initial_states(cell, len(x), x.dtype)
        done = run(cell, x[None], known, None, step, False)
        output, new = as_array(done.output), [as_array(s) for s in done.states]
    sizes = cell.state_size
    return output, packed_like(sizes if isinstance(sizes, list | tuple) else [sizes], iter(new))


def _call_traced(cell: Any, inputs: Any, states: Any, step: Step, run: Any) -> Any:
    """Input and states go through as one array, side by side."""
    cell.ensure_built((None, inputs.shape[-1]))
    ends = np.cumsum([inputs.shape[-1], *(s.shape[-1] for s in states)])[:-1]
    sizes = [output_size(cell), *(s.shape[-1] for s in states)]
    out_ends = np.cumsum(sizes)[:-1]

    def through(packed: np.ndarray) -> Any:
        x, *known = np.split(packed, ends, axis=-1)
        done = run(cell, x[None], known, None, step, False)

        def backward(d: np.ndarray) -> np.ndarray:
            dy, *dstates = np.split(d, out_ends, axis=-1)
            dx, first = done.backward(dy, dstates)
            return np.concatenate([dx[0], *first], axis=-1)

        return np.concatenate([done.output, *done.states], axis=-1), backward

    packed = autodiff.through(through, np.concatenate([inputs, *states], axis=-1))
    edges = [0, *out_ends, sum(sizes)]
    parts = [packed[:, a:b] for a, b in pairwise(edges)]
    return parts[0], parts[1:]
