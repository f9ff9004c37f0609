"""The step of an optimizer: clip, decay, update, average, constrain, count."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from kerasish.errors import warn
from kerasish.kernels import compiled
from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.memory import Memory
from kerasish.optimizers.plan import Block, Plan, Run, each
from kerasish.optimizers.variables import variable
from kerasish.store import Array, Runs, Weight

# Parts of a gradient beside the first, and the stretches in which they are zero.
Parts = tuple[Sequence[np.ndarray], Sequence[tuple[int, int]]]
# Does what `plan.each` does together with other processes: run, groups, work, whether it updates.
Spread = Callable[[Run, list[list[Block]], Callable[[list[Block]], None], bool], None]


class OptimizerState(Memory):
    """Slots, step count and moving average of one optimizer for one set of weights.

    Parameters
    ----------
    optimizer : Optimizer
        Its formula and options; its `iterations` and `variables` show the state made last.
    runs : store.Runs
        The weights that are learnt. They may move to another store between steps.
    dtype : optional
        Element type of the slots, by default that of the weights.

    Attributes
    ----------
    count : ndarray of int32, 0-d
        Steps done, those of a gradient accumulation counted singly.
    swapped : bool
        Whether the weights and their moving average have changed places (`swap_average`).
    spread : callable, optional
        Goes through the blocks in place of this process alone.

    Examples
    --------
    >>> from kerasish.optimizers import SGD
    >>> w = Weight(np.ones(2, "float32"))
    >>> state = OptimizerState(SGD(0.5), Runs([w]))
    >>> state.apply(np.array([1.0, 2.0], "float32"))
    >>> w.numpy(), state.iterations
    (array([0.5, 0. ], dtype=float32), 1)
    """

    def __new__(cls, optimizer: Optimizer, *args: Any, **kwargs: Any) -> OptimizerState:
        """Make the kind of state that the optimizer asks for (`MultiOptimizer` has its own)."""
        return object.__new__(getattr(optimizer, "state_class", cls))

    def __init__(
        self, optimizer: Optimizer, runs: Runs, dtype: Any = None, building: bool = False
    ) -> None:
        self.swapped = False
        self._plans: dict[Any, Plan] = {}
        self._plan_key: tuple[Any, ...] = (None, None)
        self._work: np.ndarray | None = None
        self._grads: np.ndarray | None = None
        self._by_weight = type(optimizer).update_step is not Optimizer.update_step
        self.spread: Spread | None = None
        super().__init__(optimizer, runs, dtype, building)

    def apply(
        self,
        gradient: np.ndarray,
        run: Run = None,
        only: tuple[int, ...] | None = None,
        others: Sequence[np.ndarray] = (),
        moved: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Do one step.

        Parameters
        ----------
        gradient : ndarray
            The packed gradient (see `store.Runs`), not changed if there are no `others`.
        run : callable, optional
            Executes a list of functions, maybe on threads. The result does not depend on it.
        only : tuple of int, optional
            Indices of the weights to be changed, by default all.
        others : sequence of ndarray, optional
            Further parts of the gradient, which are added to `gradient` on the way.
        moved : sequence of (int, int)
            Packed stretches in which `others` are zero.
        """
        opt, step = self.optimizer, int(self.count)
        every = opt.gradient_accumulation_steps
        plan = self._plan(only)
        if step == 0:
            self.copy_weights()  # they may have been loaded since the slots were made
        if len(others) and (every or opt.clipvalue or opt.clipnorm or opt.global_clipnorm):
            self._each(run, plan.groups, partial(_add_blocks, gradient, others), updates=False)
            others = ()
        done = step // every if every else step
        if not every or (step + 1) % every == 0:
            if every:
                gradient = self._mean(gradient, plan, every)
            lr = opt.rate(step)
            parts = others, moved
            self._update(self._clip(gradient, plan), parts, plan, lr, done + 1, run)
        else:
            for start, stop in plan.spans:
                self.accumulator[start:stop] += gradient[start:stop]  # type: ignore[index]
        if self.average is not None:
            self._average(self._plan(None), done, run)
        for weight in plan.constrained:
            weight.value[...] = weight.constraint(weight.value)
        self.count[...] = step + 1

    @property
    def can_be_spread(self) -> bool:
        """Whether the update is worth being shared with other processes, and can be."""
        plain = type(self) is OptimizerState and not self._by_weight and not self._custom
        return plain and len(self._plan(None).groups) > 1

    def move(self, take: Any, fill: bool) -> None:
        """Move the slots into other memory (see `Memory.move`)."""
        super().move(take, fill)
        self._plans.clear()

    def _each(self, run: Run, groups: list[Any], work: Callable[..., None], updates: bool) -> None:
        if self.spread is None:
            each(run, groups, work)
        else:
            self.spread(run, groups, work, updates)

    def _own(self) -> np.ndarray:
        """Return packed memory for a gradient that is not the caller's any more."""
        if self._work is None:
            self._work = np.empty(self.runs.size, self.dtype)
        return self._work

    def _mean(self, gradient: np.ndarray, plan: Plan, every: int) -> np.ndarray:
        work, sums = self._own(), self.accumulator
        assert sums is not None
        for a, b in plan.spans:
            np.add(gradient[a:b], sums[a:b], out=work[a:b])
            work[a:b] /= every
            sums[a:b] = 0
        return work

    def _clip(self, gradient: np.ndarray, plan: Plan) -> np.ndarray:
        opt = self.optimizer
        if opt.clipvalue:
            return np.clip(gradient, -opt.clipvalue, opt.clipvalue, out=self._own())
        if not (opt.clipnorm or opt.global_clipnorm):
            return gradient
        out = self._own()
        norms = [math.sqrt(np.dot(gradient[a:b], gradient[a:b])) for a, b in plan.spans]
        if opt.clipnorm:
            for (a, b), norm in zip(plan.spans, norms, strict=True):
                np.multiply(gradient[a:b], opt.clipnorm / max(norm, opt.clipnorm), out=out[a:b])
            return out
        norm, limit = math.hypot(*norms), float(opt.global_clipnorm or 0)
        scale = limit / norm if norm > limit else 1.0
        return np.multiply(gradient, scale + (norm - norm), out=out)  # NaN if not finite

    def _update(
        self,
        gradient: np.ndarray,
        parts: Parts,
        plan: Plan,
        lr: float,
        t: int,
        run: Run,
    ) -> None:
        opt, extras = self.optimizer, [array for _, array in self.extras]
        if extras:
            opt.advance(t, *extras)
        if self._by_weight:
            for other in parts[0]:
                gradient += other
            rate = variable(np.array(lr, self.dtype), "learning_rate", "learning_rate")
            for i, (start, stop) in zip(plan.indices, plan.spans, strict=True):
                weight = self.runs.weights[i]
                weight.value[...] -= weight.value * (opt.decay_of(weight) * lr)
                g = gradient[start:stop].reshape(weight.shape).view(Array)
                self.worker.update_step(g, self.show(i), rate)
            return
        scalars, update = opt.scalars(t, lr, *extras), opt.update
        found = opt.kernel(len(self.packed)) if plan.compiled else None
        if found is not None:
            scalars = tuple(np.float32(number) for number in (*scalars, *found[1]))
            update = partial(_run_kernel, getattr(compiled.optimizers, found[0]))
        work = partial(_update_blocks, update, gradient, parts, scalars, lr)
        self._each(run, plan.groups, work, updates=True)

    def _average(self, plan: Plan, done: int, run: Run) -> None:
        opt = self.optimizer
        momentum = opt.ema_momentum if done else 0.0
        overwrite = bool(opt.ema_overwrite_frequency) and (
            (done + 1) % (opt.ema_overwrite_frequency or 1) == 0
        )
        each(run, plan.average, partial(_average_blocks, momentum, overwrite))

    def finalize(self, weights: Sequence[Weight] | None = None) -> None:
        """Give the weights their final values; ``fit`` calls it at its end."""
        if self.average is not None:
            for weight in self.runs.weights if weights is None else weights:
                average = self.runs.view(self.average, weight)
                if self.swapped:
                    average[...] = weight.value
                else:
                    weight.value[...] = average
            self.swapped = False

    def swap_average(self) -> None:
        """Exchange the weights and their moving average; done twice, all is as before."""
        if self.average is not None:
            for weight in self.runs.weights:
                average = self.runs.view(self.average, weight)
                kept = weight.value.copy()
                weight.value[...] = average
                average[...] = kept
            self.swapped = not self.swapped

    def update_one(self, gradient: Any, shown: Any, lr: float) -> None:
        """Update one weight by the optimizer's own formula, for a subclass's `update_step`."""
        opt, i = self.optimizer, self.index(shown)
        scalars = opt.scalars(self.iterations + 1, lr, *(array for _, array in self.extras))
        w, g = self.runs.weights[i].value, np.asarray(gradient, self.dtype)
        scratch = tuple(np.empty(w.shape, self.dtype) for _ in range(opt.buffers))
        opt.update(w, g, tuple(array for _, array in self.slots[i]), scalars, scratch)

    def _plan(self, only: tuple[int, ...] | None) -> Plan:
        opt = self.optimizer
        fast = compiled.chosen(self.runs.size, self.dtype)
        pieces, excluded, *others = self._plan_key
        moved = pieces is not self.runs.pieces or excluded is not opt._excluded
        if moved or others != [opt.weight_decay, fast]:
            self._plans.clear()
            self._plan_key = (self.runs.pieces, opt._excluded, opt.weight_decay, fast)
        plan = self._plans.get(only)
        if plan is None:
            plan = self._plans[only] = Plan(self, only)
        return plan

    def apply_list(self, grads: list[Any], weights: Sequence[Weight] | None) -> None:
        """Do one step with a list of gradients; None leaves a weight as it is."""
        who = type(self.optimizer).__name__
        weights = self.runs.weights if weights is None else list(weights)
        if len(grads) != len(weights):
            raise ValueError(
                f"{who}.apply expects one gradient for each of the {len(weights)} weights, but got "
                f"{len(grads)}."
            )
        indices = [self.index(weight) for weight in weights]
        missing = [w.path for g, w in zip(grads, weights, strict=True) if g is None]
        if len(missing) == len(grads):
            raise ValueError(f"{who}.apply got no gradient for any weight: all of them are None.")
        if missing:
            warn(f"Gradients do not exist for weights {missing}; they stay as they are.")
        if self._grads is None:
            self._grads = np.zeros(self.runs.size, self.dtype)
        scale = self.optimizer.loss_scale_factor
        for g, weight in zip(grads, weights, strict=True):
            if g is None:
                continue
            g = np.asarray(g)
            if g.shape != weight.shape:
                raise ValueError(
                    f"{who}.apply got a gradient of shape {g.shape} for the weight "
                    f"'{weight.path}' of shape {weight.shape}."
                )
            self.runs.view(self._grads, weight)[...] = g if scale is None else g / scale
        given = sorted(i for i, g in zip(indices, grads, strict=True) if g is not None)
        self.apply(self._grads, only=None if len(given) == len(self.slots) else tuple(given))


def _add_blocks(gradient: np.ndarray, others: Sequence[np.ndarray], blocks: list[Block]) -> None:
    for block in blocks:
        for other in others:
            gradient[block.start : block.stop] += other[block.start : block.stop]


def _update_blocks(
    update: Callable[..., None],
    gradient: np.ndarray,
    parts: Parts,
    scalars: tuple[Any, ...],
    lr: float,
    blocks: list[Block],
) -> None:
    """All that a step does with one part of the weights, while that is in the cache."""
    others, moved = parts
    for start, stop, shape, w, slots, decay, scratch in blocks:
        g = gradient[start:stop]
        if not any(a <= start and stop <= b for a, b in moved):
            for other in others:
                g += other[start:stop]
        if decay:
            np.multiply(w, decay * lr, out=scratch[0])
            w -= scratch[0]
        update(w, g if shape is None else g.reshape(shape), slots, scalars, scratch)


def _run_kernel(kernel: Any, w: Any, g: Any, slots: Any, scalars: Any, scratch: Any) -> None:
    kernel(w, g, *slots, *scalars)


def _average_blocks(momentum: float, overwrite: bool, blocks: list[Any]) -> None:
    for w, average, scratch in blocks:
        average *= momentum
        np.multiply(w, 1 - momentum, out=scratch)
        average += scratch
        if overwrite:
            w[...] = average
