"""The shards of one rank of an MPI job, and how their values meet those of the other ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.distributed import Cluster
from kerasish.step import Step
from kerasish.training.shards import Team, task
from kerasish.training.threads import Rendezvous, gang

A_SUM = "a sum within a layer"


class RankedTeam(Team):
    """The steps of this rank's shards."""

    def __init__(self, cluster: Cluster, seed: int, training: bool, recording: bool) -> None:
        super().__init__(seed, training, recording)
        self.cluster = cluster

    def call_some(
        self,
        body: Callable[[Step, slice], Any],
        rows: int,
        shards: tuple[int, int],
        parts: list[slice],
        counter: int,
        prepare: Callable[[Step], None],
    ) -> list[Any]:
        """Run ``body(step, rows)`` for some of the shards of a batch.

        Parameters
        ----------
        rows : int
            Of the whole batch.
        shards : tuple of int
            Number of the first shard that is this rank's, and how many all ranks have together.
        parts : list of slice
            The rows of each of this rank's shards, numbered in the whole batch.
        """
        self.hire(len(parts), prepare)
        first, count = shards
        meeting = Rendezvous(len(parts))
        results: list[Any] = [None] * len(parts)
        tasks = []
        for i, part in enumerate(parts):
            step = self.steps[i]
            step.shard = first + i
            step.restart(rows, part, counter)
            step._exchange = self._across(meeting, i) if count > 1 else None
            tasks.append(task(body, step, results, i))
        if len(tasks) == 1:
            tasks[0]()
        elif tasks:
            gang.run(tasks, meeting.abort)
        return results

    def _across(self, meeting: Rendezvous, place: int) -> Callable[[Any, Any], Any]:
        """Combine the values of the shards of all ranks; the last thread here asks for them."""

        def exchange(value: Any, combine: Callable[[list[Any]], Any]) -> Any:
            def whole(values: list[Any]) -> Any:
                found = self.cluster.exchange(A_SUM, list(values))
                return combine([v for part in found if part is not None for v in part])

            return meeting.exchange(place, value, whole)

        return exchange
