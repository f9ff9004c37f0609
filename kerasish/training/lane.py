"""A step of a small model as a straight list of calls, where Python is what takes the time.

`Program.train_batch` asks `Lanes.find` first. A lane does what the rest of that method does, with
the same NumPy calls in the same order: which of the two runs changes no bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.layers.prepared import prepare_chain
from kerasish.layers.weights import edits
from kerasish.step import Arena, Step, commit
from kerasish.training import shards
from kerasish.training.threads import gang

if TYPE_CHECKING:
    from kerasish.training.program import Program

MOST_SHAPES = 16  # of batches that have a lane, or are known to have none
_NEW, _SEEN = object(), object()


class Lanes:
    """The lanes of one program, one for each shape of a batch, made when the shape comes again."""

    def __init__(self, program: Program, training: bool) -> None:
        self._program, self._training = program, training
        self._found: dict[Any, Any] = {}
        self._edits = edits.count

    def find(self, x: Any, y: Any, weights: Any) -> Lane | None:
        """The lane for such a batch, if it has one."""
        if weights is not None or type(x) is not np.ndarray or type(y) is not np.ndarray:
            return None
        if self._edits != edits.count:  # somebody has changed a layer
            self._found.clear()
            self._edits = edits.count
        key = x.shape, x.dtype, y.shape, y.dtype
        lane = self._found.get(key, _NEW)
        if lane is _NEW:
            if len(self._found) >= MOST_SHAPES:
                self._found.clear()
            self._found[key] = _SEEN
            return None
        if lane is _SEEN:
            lane = self._found[key] = self._make(x, y)
        return lane

    def _make(self, x: np.ndarray, y: np.ndarray) -> Lane | None:
        """A lane, unless something of this model or batch is beyond it."""
        program, model = self._program, self._program.model
        first = (program._training if self._training else program._testing).steps[:1]
        rows = len(x)
        simple = (
            bool(first)
            and model.is_chain
            and all(w.value.dtype == x.dtype == model.dtype for w in model.weights)
            and x.shape == model.aligned(x).shape
            and 3 * model.flops_a_row * rows < 2 * shards.MIN_SHARD_FLOP
            and not program._penalised
            and getattr(program.loss, "additive", False)
            and len(y) == rows > 0
        )
        if self._training:
            simple = simple and program.state is not None and bool(program.runs.size)  # type: ignore
        return Lane.of(program, first[0], x.shape) if simple else None


class Lane:
    """The step for batches of one shape."""

    def __init__(self, program: Program, step: Step, pieces: list[Any], rows: int) -> None:
        self.program, self.step, self.rows = program, step, rows
        self._part = slice(0, rows)
        self._forwards = [piece.forward for piece in pieces]
        self._backwards = [piece.backward for piece in reversed(pieces)]
        self._uses_step = any(piece.uses_step for piece in pieces)
        self._logits = step.logits
        step.written.clear()

    @classmethod
    def of(cls, program: Program, first: Step, shape: tuple[int, ...]) -> Lane | None:
        """Make one for batches of `shape` that writes to the gradients of the step `first`."""
        step = Step(
            training=first.training,
            recording=first.recording,
            batch_size=shape[0],
            seed=first.seed,
            arena=Arena(),
        )
        step.grads, step.no_dx, step.frozen = first.grads, first.no_dx, first.frozen
        pieces = prepare_chain(program.model.flat_layers(), shape, step, program._has_logits)
        return None if pieces is None else cls(program, step, pieces, step.batch_size)

    def train(self, x: np.ndarray, y: np.ndarray, check: bool) -> float:
        """What `Program.train_batch` does."""
        program, step = self.program, self.step
        counter = program.model.next_counter()
        y_pred = self._forward(x, counter)
        loss, dy, scores = program._judge(step, y_pred, y, None, self._part)
        for backward in self._backwards:
            dy = backward(dy)
            if dy is None:
                break
        gradient = program._gradients[0]
        if check:
            program._check_finite(loss, [gradient], x, counter, y)
        self._count(loss, scores, y_pred, y)
        program.state.apply(gradient, gang.share)  # type: ignore[union-attr]
        return loss

    def test(self, x: np.ndarray, y: np.ndarray) -> float:
        """What `Program.test_batch` does."""
        program = self.program
        y_pred = self._forward(x, 0)
        loss, _, scores = program._judge(self.step, y_pred, y, None, self._part)
        self._count(loss, scores, y_pred, y)
        for observe in program.observers:
            observe(x, y, np.array(y_pred))
        return loss

    def _forward(self, x: np.ndarray, counter: int) -> np.ndarray:
        if self._uses_step:
            self.step.restart(self.rows, self._part, counter)
            self.step.logits = self._logits
        for forward in self._forwards:
            x = forward(x)
        return x

    def _count(self, loss: float, scores: Any, y_pred: np.ndarray, y: np.ndarray) -> None:
        steps = [self.step]
        self.program.scores.add(loss, self.rows, [(loss, scores, y_pred)], y, None, steps)
        if self.step.updates:
            commit(steps)
