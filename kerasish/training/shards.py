"""Cutting a batch into shards, one a thread, and running one function over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import config
from kerasish.step import Arena, Step, split_rows
from kerasish.training.threads import Rendezvous, gang

# Measured offline: handing a shard to another thread and back costs as much as 3 MFLOP, so a
# shard of 10 MFLOP keeps the loss below a third even where the work is only just worth sharing.
MIN_SHARD_FLOP = 10_000_000


def shard_count(flops_a_row: int, rows: int, shardable: bool, ranks: int = 1) -> int:
    """Number of shards: a pure function of the work and the number of threads of all ranks."""
    if not shardable or gang.is_inside():
        return 1
    by_work = flops_a_row * rows // MIN_SHARD_FLOP
    return int(max(1, min(config.num_threads() * ranks, rows, by_work)))


class Team:
    """The steps of the shards, kept from batch to batch for their memory."""

    def __init__(self, seed: int, training: bool, recording: bool) -> None:
        self.seed, self.training, self.recording = seed, training, recording
        self.steps: list[Step] = []

    @property
    def nbytes(self) -> int:
        """Memory that the steps keep from batch to batch."""
        return sum(step.arena.nbytes for step in self.steps if step.arena is not None)

    def hire(self, count: int, prepare: Callable[[Step], None] | None) -> None:
        """Make the steps of `count` shards, unless they are there."""
        while len(self.steps) < count:
            step = Step(
                training=self.training,
                recording=self.recording,
                shard=len(self.steps),
                seed=self.seed,
                arena=Arena(),
            )
            if prepare is not None:
                prepare(step)
            self.steps.append(step)

    def call(
        self,
        body: Callable[[Step, slice], Any],
        rows: int,
        count: int,
        counter: int,
        prepare: Callable[[Step], None] | None = None,
    ) -> list[Any]:
        """Run ``body(step, rows)`` for each shard and return the results in order.

        In the other threads NumPy's warnings of overflow and the like are off, as the caller has
        them off here: numbers that are not finite are found by `fit`.
        """
        self.hire(count, prepare)
        if count == 1:
            step = self.steps[0]
            step._exchange = None
            step.restart(rows, slice(0, rows), counter)
            return [body(step, step.rows)]
        meeting = Rendezvous(count)
        results: list[Any] = [None] * count
        tasks = []
        for shard, part in enumerate(split_rows(rows, count)):
            step = self.steps[shard]
            step.restart(rows, part, counter)
            step._exchange = _meet(meeting, shard)
            tasks.append(task(body, step, results, shard))
        gang.run(tasks, meeting.abort)
        return results


def _meet(meeting: Rendezvous, shard: int) -> Callable[[Any, Any], Any]:
    return lambda value, combine: meeting.exchange(shard, value, combine)


def task(body: Any, step: Step, results: list[Any], shard: int) -> Callable[[], None]:
    """What a thread does for a shard; NumPy's warnings are off."""

    def run() -> None:
        with np.errstate(all="ignore"):
            results[shard] = body(step, step.rows)

    return run
