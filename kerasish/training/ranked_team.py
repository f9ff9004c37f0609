"""The shards of one rank of an MPI job, and how their values meet those of the other ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from kerasish.distributed import Cluster
from kerasish.step import Step, split_rows
from kerasish.training.shards import Team, task
from kerasish.training.threads import Rendezvous, gang

A_SUM = "a sum within a layer"


class Layout(NamedTuple):
    """Where the rows and shards of a rank lie in a batch."""

    total: int  # rows of the batch
    start: int  # the first that is this rank's
    first: int  # number of the first shard that is
    shards: int  # of all ranks
    parts: list[slice]  # the rows of each of this rank's shards, numbered in the whole batch
    counts: list[int]  # of the shards of each rank

    @property
    def rows(self) -> slice:
        """This rank's rows."""
        return slice(self.start, self.parts[-1].stop if self.parts else self.start)

    @property
    def some_follow(self) -> bool:
        """Whether a rank has no rows."""
        return 0 in self.counts


def even_layout(total: int, count: int, ranks: int, rank: int) -> Layout:
    """The layout of a batch that is cut into `count` shards, of which each rank gets a run.

    >>> even_layout(5, 4, ranks=2, rank=1)[:5]
    (5, 3, 2, 4, [slice(3, 4, None), slice(4, 5, None)])
    """
    runs = split_rows(count, ranks)
    mine = runs[rank]
    parts = split_rows(total, count)[mine]
    start = parts[0].start if parts else total
    return Layout(total, start, mine.start, count, parts, [r.stop - r.start for r in runs])


def given_layout(lengths: list[int], count: int, rank: int) -> Layout:
    """The layout of a batch of which each rank has read the rows that it chose itself.

    >>> given_layout([3, 0, 2], 2, rank=2)[:5]
    (5, 3, 1, 2, [slice(3, 5, None)])
    """
    shares = split_rows(count, len(lengths))
    counts = [min(n, max(1, s.stop - s.start)) for n, s in zip(lengths, shares, strict=True)]
    start, first = sum(lengths[:rank]), sum(counts[:rank])
    own = split_rows(lengths[rank], counts[rank]) if counts[rank] else []
    parts = [slice(start + part.start, start + part.stop) for part in own]
    return Layout(sum(lengths), start, first, sum(counts), parts, counts)


class RankedTeam(Team):
    """The steps of this rank's shards."""

    def __init__(self, cluster: Cluster, seed: int, training: bool, recording: bool) -> None:
        super().__init__(seed, training, recording)
        self.cluster = cluster

    def call_some(
        self,
        body: Callable[[Step, slice], Any],
        layout: Layout,
        counter: int,
        prepare: Callable[[Step], None],
    ) -> list[Any]:
        """Run ``body(step, rows)`` for this rank's shards of a batch."""
        parts = layout.parts
        self.hire(len(parts), prepare)
        meeting = Rendezvous(len(parts))
        results: list[Any] = [None] * len(parts)
        tasks = []
        for i, part in enumerate(parts):
            step = self.steps[i]
            step.shard = layout.first + i
            step.restart(layout.total, part, counter)
            step._exchange = self._across(meeting, i) if layout.shards > 1 else None
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
