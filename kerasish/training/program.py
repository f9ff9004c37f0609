"""A model bound by `compile` to loss, optimizer and metrics: what one batch does.

Read `train_batch` first: it is the way of a batch through the framework.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish import losses, optimizers, regularizers
from kerasish.optimizers.state import OptimizerState
from kerasish.step import Step, commit
from kerasish.store import Runs, Weight
from kerasish.training import tables
from kerasish.training.interrupt import (
    NonFiniteError,
    all_finite,
    first_non_finite,
    interrupts,
)
from kerasish.training.judge import Judge
from kerasish.training.lane import Lanes
from kerasish.training.scores import Scores
from kerasish.training.shards import Team, shard_count
from kerasish.training.threads import gang


class Program:
    """Optimizer, loss and metrics of one compile, and which layers learn.

    Attributes
    ----------
    frozen : frozenset of Layer
        Layers that did not learn when `compile` was called; changing `trainable` later has no
        effect on this program.
    runs : Runs
        The weights that learn, packed; gradients and optimizer slots have this order.
    observers : list of callable
        Called with ``(x, y, y_pred)`` of every batch that is judged: by callbacks that look at
        predictions of the validation without making them again.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        loss: Any,
        loss_weight: float,
        metrics: Any,
        weighted_metrics: Any,
    ) -> None:
        self.model = model
        self.optimizer = None if optimizer is None else optimizers.get(optimizer)
        self.loss = losses.as_loss(loss)
        self.loss_weight = loss_weight
        self.scores = Scores(metrics, weighted_metrics, self.loss)
        self.frozen = frozenset(frozen_layers(model))
        self.state: OptimizerState | None = None
        self.runs: Runs | None = None
        self.observers: list[Any] = []

    # --- preparation, once the model is built -------------------------------------------------

    def bind(self) -> None:
        """Fix which weights learn and make memory for gradients and optimizer slots."""
        if self.runs is None:
            self._bind()

    @interrupts.whole()
    def _bind(self) -> None:
        # Layers that a frozen layer has made since `compile` are frozen too.
        self.frozen = frozenset(inner for layer in self.frozen for inner in layer.walk())
        learning = [layer for layer in self.model.walk() if layer not in self.frozen]
        wanted = {w for layer in learning for w in layer._own_weights if w.trainable}
        runs = Runs([w for w in self.model.weights if w in wanted])
        if self.optimizer is not None:
            earlier = self.optimizer._state
            self.state = OptimizerState(self.optimizer, runs)
            if earlier is not None and set(earlier.runs.weights) & wanted:
                self.state.carry_over(earlier)
        self.runs = runs
        self._prepare()

    def _prepare(self) -> None:
        assert self.runs is not None
        self._penalised = [w for w in self.runs.weights if w.regularizer is not None]
        self._no_dx = frozenset(layers_before_learning(self.model, set(self.runs.weights)))
        self._judge = Judge(self.loss, self.loss_weight, self.scores, self.model.head)
        self._has_logits = self._judge.from_logits is not None
        penalties = [layer.activity_regularizer for layer in self.model.walk()]
        self._shardable = self.model.is_shardable and all(
            penalty is None or getattr(penalty, "additive", False) for penalty in penalties
        )
        seed = self.model.seed
        self._gradients: list[np.ndarray] = []
        self._training = Team(seed, training=True, recording=True)
        self._testing = Team(seed, training=False, recording=False)
        self._lanes = Lanes(self, training=True)
        self._testing_lanes = Lanes(self, training=False)

    @interrupts.whole()
    def finalize(self) -> None:
        """Give the weights the values that the optimizer ends with, such as their average."""
        if self.state is not None and self.state.count:
            self.state.finalize()

    @interrupts.whole()
    def renew(self) -> None:
        """Make the steps anew, as for another seed."""
        if self.runs is not None:
            self._prepare()

    def release(self) -> None:
        """Give back the memory of the steps (after `fit`)."""
        self.renew()

    def _equip(self, step: Step) -> None:
        """Give a new step of a training team its gradients and its frozen layers."""
        assert self.runs is not None
        gradient = self._new_gradient()
        self._gradients.append(gradient)
        step.grads = {w: self.runs.view(gradient, w) for w in self.runs.weights}
        step.no_dx, step.frozen = self._no_dx, self.frozen

    def _new_gradient(self) -> np.ndarray:
        assert self.runs is not None
        return np.zeros(self.runs.size, self.runs.dtype)

    def _equip_testing(self, step: Step) -> None:
        step.frozen = self.frozen

    def shards(self, rows: int) -> int:
        """Number of shards for a batch of `rows`."""
        return shard_count(3 * self.model.flops_a_row, rows, self._shardable)

    # --- one batch ----------------------------------------------------------------------------

    def train_batch(
        self, x: Any, y: Any, weights: Any, check: bool = False, known: bool = False
    ) -> float:
        """Forward, loss, metrics, backward, update. Returns the loss; `scores` has the metrics.

        With `check`, a loss or gradient that is not finite raises `NonFiniteError` before
        anything of the model has changed. `known` targets have been looked at before.
        """
        with interrupts.whole():
            return self._train_batch(x, y, weights, check, known)

    @np.errstate(all="ignore")
    def _train_batch(self, x: Any, y: Any, weights: Any, check: bool, known: bool) -> float:
        model = self.model
        lane = self._lanes.find(x, y, weights)
        x, rows = x if lane else model.aligned(x), len(x)
        if not known:
            self._check_targets(y, rows)
        if lane:
            return lane.train(x, y, check)
        counter = model.next_counter()
        count = self.shards(rows)
        squares = [0.0] * count

        def shard(step: Step, part: slice) -> Any:
            step.at_head = self._has_logits
            y_pred, backward = model.apply(model.cast_input(x[part]), step)
            value, dy, scores = self._judge(step, y_pred, y, weights, part)
            if dy is not None:
                backward(dy)
            for weight in self._unwritten(step):
                step.grads[weight][...] = 0
            if check and self.runs is not None:
                gradient = self._gradients[step.shard]
                squares[step.shard] = tables.square(step, gradient, self.runs)
            return value + sum(step.losses), scores, y_pred

        results = self._training.call(shard, rows, count, counter, self._equip)
        gradient, *others = self._gradients[:count]
        steps = self._training.steps[:count]
        loss = sum(value for value, _, _ in results) + self._penalties(gradient, steps[0])
        if check:
            if self._penalised:  # their gradients have come in since
                squares[0] = float(np.dot(gradient, gradient))
            self._check_finite(loss, [gradient, *others], x, counter, y, squares)
        self.scores.add(loss, rows, results, y, weights, steps)
        commit(steps)
        if self.state is not None and self.runs is not None and gradient.size:
            moved = tables.move(steps, self.runs)
            self.state.apply(gradient, gang.share, others=others, moved=moved)
            tables.note_sums(steps)
        return loss

    @interrupts.whole()
    @np.errstate(all="ignore")
    def test_batch(self, x: Any, y: Any, weights: Any, known: bool = False) -> float:
        """Forward, loss and metrics without learning."""
        model = self.model
        lane = self._testing_lanes.find(x, y, weights)
        x, rows = x if lane else model.aligned(x), len(x)
        if not known:
            self._check_targets(y, rows)
        if lane:
            return lane.test(x, y)

        def shard(step: Step, part: slice) -> Any:
            step.at_head = self._has_logits
            y_pred, _ = model.apply(model.cast_input(x[part]), step)
            value, _, scores = self._judge(step, y_pred, y, weights, part)
            return value + sum(step.losses), scores, y_pred

        team = self._testing
        count = self.shards(rows)
        results = team.call(shard, rows, count, 0, self._equip_testing)
        loss = sum(value for value, _, _ in results) + self._penalties(None, team.steps[0])
        self.scores.add(loss, rows, results, y, weights, team.steps[:count])
        if self.observers:
            y_pred = np.concatenate([part for _, _, part in results])
            for observe in self.observers:
                observe(x, y, y_pred)
        commit(team.steps[:count])
        return loss

    def check_targets(self, y: Any, who: str) -> None:
        """Refuse targets of a data set, or its first batch, before anything has changed."""
        if self.loss is None:
            return
        if y is None:
            call = "(x, y)" if who == "validation_data" else f"{who}(x, y)"
            raise ValueError(
                f"`y` is missing: the loss '{self.loss.name}' compares predictions with targets. "
                f"Pass {call}, or batches that hold (x, y)."
            )
        self.loss.check_targets(y, self._outputs(y, len(y)))
        self.loss.check_values(y)

    def resolve_metrics(self, y: Any) -> None:
        """Make the metrics whose kind depends on the shape of the targets, before training."""
        if y is not None:
            self.scores.resolve(y.shape, self._outputs(y, len(y)))

    def _outputs(self, y: Any, rows: int) -> tuple[int, ...]:
        """Shape of the outputs; axes of any size, such as steps, are as long as the targets'."""
        shape = self.model.output_shape[1:]
        if None not in shape:
            return (rows, *shape)
        sizes = np.shape(y)[1:]
        own = (sizes[k] if k < len(sizes) else 1 for k in range(len(shape)))
        return (rows, *(b if a is None else a for a, b in zip(shape, own, strict=True)))

    def _check_targets(self, y: Any, rows: int) -> None:
        """Refuse targets that do not fit before anything runs; resolve the metrics' names."""
        if y is None:
            return
        if self.loss is not None:
            self.loss.check_targets(y, self._outputs(y, rows))
        self.resolve_metrics(y)

    def _unwritten(self, step: Step) -> list[Weight]:
        if len(step.written) == len(step.grads):
            return []
        return [w for w in step.grads if w not in step.written]

    def _penalties(self, gradient: np.ndarray | None, step: Step) -> float:
        """Value of the weights' regularizers; their gradients are added to `gradient`."""
        total = 0.0
        assert self.runs is not None
        for weight in self._penalised:
            value = step.read(weight)  # a layer may have replaced it
            total += float(weight.regularizer(value))
            if gradient is not None:
                view = self.runs.view(gradient, weight)
                view += regularizers.gradient(weight.regularizer, value)
        return total

    def _check_finite(
        self,
        loss: float,
        gradients: list[np.ndarray],
        x: Any,
        counter: int,
        y: Any = None,
        squares: list[float] | None = None,
    ) -> None:
        if loss - loss == 0 and all_finite(gradients, squares):
            return
        gradient = np.sum(gradients, axis=0)
        model = self.model
        step = Step(training=True, batch_size=len(x), seed=model.seed, counter=counter)
        step.frozen = self.frozen
        where = first_non_finite(model, model.cast_input(x), step)
        if where is None and loss - loss != 0:
            where = "the loss (every layer's output is finite)"
            if y is not None and not np.isfinite(y).all():
                where = f"the target in row {int(np.argwhere(~np.isfinite(y))[0][0])} of the batch"
        if where is None:
            assert self.runs is not None
            bad = [
                w for w in self.runs.weights if not np.isfinite(self.runs.view(gradient, w)).all()
            ]
            where = f"the gradient of weight '{bad[-1].path}'" if bad else "the gradient"
        raise NonFiniteError(where)

    # --- the other ranks of a cluster (`ranked.py`), of which there are none here -------------

    ranks = 1  # processes that train together
    speaks = True  # whether this one shows progress and writes files

    def begin(self, state: Any) -> None:
        """Begin a fit."""
        batches = state.batches
        batches.takes_late = self.shards(batches.batch_size or 1) > 1

    def begin_epoch(self) -> None:
        """Begin an epoch."""

    def agree(self) -> None:
        """Agree on what callbacks have changed."""

    def first_rank(self, value: Any) -> Any:
        """The first rank's value."""
        return value

    def fail(self, error: BaseException) -> None:
        """Tell that this rank cannot go on."""

    # --- state --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def own_scores(self) -> Iterator[None]:
        """Fresh metrics inside the block; those of an epoch that is going on come back after."""
        saved = self.scores.get_state()
        self.scores.reset()
        try:
            yield
        finally:
            self.scores.set_state(saved)

    def __getstate__(self) -> dict[str, Any]:
        kept = ("model", "optimizer", "loss", "loss_weight", "scores", "frozen")
        state = {key: getattr(self, key) for key in kept}
        if self.runs is not None:
            state["weights"] = self.runs.weights
        if self.state is not None:
            state["slots"] = self.state.get_state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.runs = self.state = None
        self.observers = []

    def thaw(self) -> None:
        """Make what a copy or pickle left out, once all of the model is there."""
        weights, slots = self.__dict__.pop("weights", None), self.__dict__.pop("slots", None)
        if weights is not None:
            self.runs = Runs(weights)
            if slots is not None and self.optimizer is not None:
                self.state = OptimizerState(self.optimizer, self.runs)
                self.state.set_state(slots)
            self._prepare()


def frozen_layers(layer: Any, frozen: bool = False) -> Iterator[Any]:
    """The layers that do not learn because they, or what they are part of, are frozen."""
    frozen = frozen or not layer.trainable
    if frozen:
        yield layer
    for inner in layer.sublayers:
        yield from frozen_layers(inner, frozen)


def layers_before_learning(model: Any, learning: set[Weight]) -> set[Any]:
    """The layers in front of which nothing learns: their input's gradient is not needed."""
    layers = model.flat_layers()
    needing: set[Any] = set()
    learnt = False
    for layer in layers:  # a layer used twice may need it at its second place only
        if learnt:
            needing.add(layer)
        learnt = learnt or any(w in learning for w in layer.weights)
    return set(layers) - needing
