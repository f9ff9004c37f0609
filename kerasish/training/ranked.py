"""Training on the ranks of an MPI job: `Program`, with the shards of a batch on several processes.

The shards of a batch are those that one process with as many threads as all ranks together would
cut it into. Each rank gets a run of them, works on their rows, and adds its gradients to those of
the others. All else that makes up a step (losses, what metrics count, new moving averages) is
exchanged, so that every rank comes to the same state by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from kerasish import config, distributed
from kerasish.data.base import UNKNOWN
from kerasish.distributed import RankError
from kerasish.errors import warn
from kerasish.step import Step, commit, split_rows
from kerasish.training import tables
from kerasish.training.interrupt import NonFiniteError, all_finite, interrupts
from kerasish.training.program import Program
from kerasish.training.ranked_fit import RankedFit
from kerasish.training.ranked_team import A_SUM, Layout, RankedTeam, given_layout
from kerasish.training.threads import gang

# What the ranks exchange, as a message names it if they are not all at the same.
A_STEP, A_TEST = "a step of training", "a batch of validation"


def ranks_join(distribute: str | None) -> bool:
    """Whether a model that is compiled now is trained by several ranks together."""
    return distributed.asked_for(distribute) and distributed.connect().size > 1


def warn_if_alone(program: Program) -> None:
    """Warn, once a process, that a launcher has started several, which train alone."""
    told = None if isinstance(program, RankedProgram) else distributed.loneliness()
    if told is not None:
        warn(f"fit: {told}")


class RankedProgram(RankedFit):
    """What one batch does where several ranks of a cluster have a part of it each."""

    def _prepare(self) -> None:
        super()._prepare()
        self._judged = RankedTeam(self.cluster, self.model.seed, training=False, recording=False)
        self._trained = RankedTeam(self.cluster, self.model.seed, training=True, recording=True)

    def _new_gradient(self) -> np.ndarray:
        made = len(self._gradients)
        if self._shared is not None and made < len(self._shared.own):
            return self._shared.own[made]
        return super()._new_gradient()

    def _cut(
        self, x: Any, y: Any, weights: Any, total: int | None, start: int
    ) -> tuple[Any, Any, Any, Layout]:
        """This rank's rows of what may be a whole batch, and where they lie."""
        x = self.model.aligned(x)
        if total is None:
            layout = self._layout(len(x))
            x, y, weights = (None if a is None else a[layout.rows] for a in (x, y, weights))
            return x, y, weights, layout
        if total != UNKNOWN:
            return x, y, weights, self._layout(total)
        lengths = self.cluster.exchange("the rows of a batch", len(x))
        count = self._all_shards(sum(lengths))
        return x, y, weights, given_layout(lengths, count, self.cluster.rank)

    @property
    def _needs_all(self) -> bool:
        """Whether the loss or a metric has to see the whole batch."""
        if self.loss is not None and not self.loss.additive:
            return True
        return any(not metric.additive for metric in self.scores.metrics or [])

    # --- one batch ----------------------------------------------------------------------------

    @interrupts.whole()
    @np.errstate(all="ignore")
    def train_batch(  # type: ignore[override]
        self,
        x: Any,
        y: Any,
        weights: Any,
        total: int | None = None,
        start: int = 0,
        check: bool = False,
        known: bool = False,
    ) -> float:
        """Do a step of all ranks; see `Program.train_batch`.

        Parameters
        ----------
        x, y, weights : ndarray or None
            The whole batch, or, with `total`, this rank's rows of it, which begin at `start`; its
            rows may be `UNKNOWN`.
        """
        if not self._begun:  # in a loop of the user's own
            self._begin()
        x, y, weights, layout = self._cut(x, y, weights, total, start)
        if not known and len(x):
            self._check_targets(y, len(x))
        counter = self.model.next_counter()
        team = self._trained
        shared = self._shared
        if shared is not None and max(layout.counts) > len(shared.own):
            self._end_sharing()  # somebody has allowed more threads
            shared = None
        squares = None if shared is None else [0.0] * len(layout.parts)
        results = self._run(team, x, y, weights, layout, counter, squares)
        steps = team.steps[: len(results)]
        penalty = 0.0
        if layout.start == 0 and results:
            penalty = self._penalties(self._gradients[0], steps[0])
            if squares and self._penalised:  # their gradients have come in since
                squares[0] = float(np.dot(self._gradients[0], self._gradients[0]))
        loss, joined = self._share(A_STEP, layout, results, penalty, steps, squares)
        if shared is None:
            gradients = [self._total(len(results))]
        else:
            gradients = shared.gradients(layout.counts)
        if check:
            self._check_finite(loss, gradients, x, counter, y, joined.squares)
        self._count(loss, layout.total, joined)
        self._commit(steps, joined)
        if shared is not None:
            shared.apply(gradients, gang.share)
        elif self.state is not None and gradients[0].size:
            self.state.apply(gradients[0], gang.share)
        for step in team.steps[:1]:
            step.touched.clear()  # the other ranks' rows are in it too
        return loss

    def _total(self, count: int) -> np.ndarray:
        """The sum of all gradients, of which `count` are this rank's."""
        self._trained.hire(1, self._equip)
        gradient, *others = self._gradients[: max(1, count)]
        if count == 0:  # a rank without rows adds zeros
            gradient[...] = 0
        for other in others:
            gang.share(_sums(gradient, other))
        self.cluster.total(gradient)
        return gradient

    @interrupts.whole()
    @np.errstate(all="ignore")
    def test_batch(  # type: ignore[override]
        self,
        x: Any,
        y: Any,
        weights: Any,
        total: int | None = None,
        start: int = 0,
        known: bool = False,
    ) -> float:
        """Judge this rank's part of a batch together with the others, or a whole one alone."""
        if total is None:
            return super().test_batch(x, y, weights, known)
        x, y, weights, layout = self._cut(x, y, weights, total, start)
        if not known and len(x):
            self._check_targets(y, len(x))
        team = self._judged
        results = self._run(team, x, y, weights, layout, 0)
        steps = team.steps[: len(results)]
        penalty = self._penalties(None, steps[0]) if layout.start == 0 and results else 0.0
        loss, joined = self._share(A_TEST, layout, results, penalty, steps)
        self._count(loss, layout.total, joined)
        if joined.observed:
            self._show(x, y, [y_pred for _, _, y_pred in results])
        self._commit(steps, joined)
        return loss

    def _run(
        self,
        team: RankedTeam,
        x: Any,
        y: Any,
        weights: Any,
        layout: Layout,
        counter: int,
        squares: list[float] | None = None,
    ) -> list[Any]:
        """Call the model on this rank's shards: (loss, increments, predictions) of each.

        `squares` gets the products of their gradients with themselves.
        """
        whole, self._whole = None, (y, weights)
        if self._needs_all and y is not None:
            parts = self.cluster.exchange("the targets", (y, weights))
            whole = self._whole = tuple(_join(column) for column in zip(*parts, strict=True))

        def shard(step: Step, part: slice) -> Any:
            own = slice(part.start - layout.start, part.stop - layout.start)
            step.at_head = self._has_logits
            y_pred, backward = self.model.apply(self.model.cast_input(x[own]), step)
            judged = (y, weights, own) if whole is None else (*whole, part)
            value, dy, scores = self._judge(step, y_pred, *judged)
            if backward is not None and dy is not None:
                backward(dy)
            for weight in self._unwritten(step):
                step.grads[weight][...] = 0
            if squares is not None and self.runs is not None:
                place = step.shard - layout.first
                squares[place] = tables.square(step, self._gradients[place], self.runs)
            return value + sum(step.losses), scores, y_pred

        prepare = self._equip if team.recording else self._equip_testing
        return team.call_some(shard, layout, counter, prepare)

    # --- what the ranks tell each other -------------------------------------------------------

    def _share(
        self,
        kind: str,
        layout: Layout,
        results: list[Any],
        penalty: float,
        steps: list[Step],
        squares: list[float] | None = None,
    ) -> tuple[float, SimpleNamespace]:
        """Exchange what the shards of all ranks have found; returns the loss of the batch."""
        cluster, everything = self.cluster, self._needs_all
        told = [
            (value, scores, *((y_pred, step.mask) if everything else (None, None)))
            for (value, scores, y_pred), step in zip(results, steps, strict=True)
        ]
        updates = self._updates(steps, everything=layout.some_follow and layout.start == 0)
        news, observed = self._news.own(), bool(self.observers)
        record = (layout.total, told, penalty, updates, news, observed, squares)
        found = cluster.exchange(kind, record) if results else self._follow(kind)
        totals = [None if r is None else r[0] for r in found]
        if len({n for n in totals if n is not None}) > 1:
            raise RankError(_unequal(totals), 0)
        records = [r for r in found if r is not None]
        shards = [shard for r in records for shard in r[1]]
        loss = sum(value for value, *_ in shards) + records[0][2]
        self._news.take([r[4] for r in records])
        updates = [update for r in records if r is not found[cluster.rank] for update in r[3]]
        joined = SimpleNamespace(shards=shards, updates=updates)
        joined.observed = any(r[5] for r in records)
        joined.squares = None if squares is None else [s for r in records for s in r[6]]
        return loss, joined

    def _follow(self, kind: str) -> list[Any]:
        """Take part in the sums of the others' layers until they have come to the end."""
        while True:
            found, values = self.cluster.follow()
            if found == kind:
                return values
            if found != A_SUM:
                raise RankError(f"the ranks have come apart: some are at {found}, not {kind}", 0)

    def _count(self, loss: float, total: int, joined: SimpleNamespace) -> None:
        """Add the batch to loss and metrics, as one process would."""
        y, weights = self._whole
        results = [(value, scores, y_pred) for value, scores, y_pred, _ in joined.shards]
        masks = [SimpleNamespace(mask=mask) for *_, mask in joined.shards]
        self.scores.add(loss, total, results, y, weights, masks)

    def _show(self, x: Any, y: Any, predictions: list[Any]) -> None:
        """Let those who watch, on whatever rank, see the whole batch."""
        parts = self.cluster.exchange("the predictions", (x, y, predictions))
        if self.observers:
            y_pred = np.concatenate([part for _, _, made in parts for part in made])
            for observe in self.observers:
                observe(_join([p[0] for p in parts]), _join([p[1] for p in parts]), y_pred)

    def _updates(self, steps: list[Step], everything: bool) -> list[Any]:
        """What layers have given new values of single rows, or `everything`."""
        places = {weight: i for i, weight in enumerate(self._weights)}
        return [
            (places[weight], value, rows)
            for step in steps
            for weight, value, rows in step.updates
            if rows is not None or (everything and step is steps[0])
        ]

    def _commit(self, steps: list[Step], joined: SimpleNamespace) -> None:
        commit(steps)
        for place, value, rows in joined.updates:
            self._weights[place].value[... if rows is None else rows] = value

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
        where = None
        try:
            if len(x):
                super()._check_finite(loss, gradients, x, counter, y)
        except NonFiniteError as error:
            where = str(error)
        found = [w for w in self.cluster.exchange("a number that is not finite", where) if w]
        found.sort(key=lambda w: w.startswith(("the loss", "the gradient")))
        raise NonFiniteError(found[0])


def _join(parts: Any) -> Any:
    """Arrays joined, unless there are none."""
    return None if parts[0] is None else np.concatenate(parts)


def _sums(array: np.ndarray, other: np.ndarray) -> list[Callable[[], Any]]:
    """Functions that add `other` to `array`, piece by piece."""
    parts = split_rows(len(array), config.num_threads())
    return [partial(np.add, array[part], other[part], out=array[part]) for part in parts]


def _unequal(totals: list[int | None]) -> str:
    told = ", ".join(f"rank {rank}: {n}" for rank, n in enumerate(totals) if n is not None)
    return (
        f"the ranks have batches of different lengths ({told}). The data must be the same on all "
        f"ranks; a generator must give each the same batches."
    )
