"""A fit on the ranks of an MPI job, but for its batches: how it begins, and what is agreed on."""

from __future__ import annotations

from typing import Any

from kerasish import distributed
from kerasish.errors import warn
from kerasish.training.agreement import News, checksum, compare, refuse_unshardable
from kerasish.training.interrupt import interrupts
from kerasish.training.program import Program
from kerasish.training.ranked_team import Layout, even_layout
from kerasish.training.ranked_update import SharedUpdate
from kerasish.training.shards import shard_count
from kerasish.training.state import FitState, all_weights, restore, state_of


class RankedFit(Program):
    """What `loop.fit` calls of a `RankedProgram` beside its batches."""

    _whole: tuple[Any, Any]  # targets and weights of the last batch, as they were judged

    def __init__(self, *args: Any) -> None:
        self._join()
        super().__init__(*args)
        refuse_unshardable(self.model)

    def _join(self) -> None:
        cluster = self.cluster = distributed.connect()
        self.ranks, self.speaks = cluster.size, cluster.rank == 0
        self._begun = False  # whether the ranks have the same weights
        self._shared: SharedUpdate | None = None  # in a fit: outside each does what it likes
        self._whole = (None, None)

    def _prepare(self) -> None:
        refuse_unshardable(self.model)  # layers may have been made since `compile`
        super()._prepare()
        self._weights = all_weights(self.model)
        self._news = News(self.model)

    # --- the rows of a rank -------------------------------------------------------------------

    def _all_shards(self, rows: int) -> int:
        """Number of shards of a batch on all ranks together."""
        flops = 3 * self.model.flops_a_row
        return shard_count(flops, rows, self._shardable, self.cluster.size)

    def own_rows(self, rows: int) -> slice:
        """The rows of a batch that are this rank's."""
        return self._layout(rows).rows

    def _layout(self, total: int) -> Layout:
        cluster = self.cluster
        return even_layout(total, self._all_shards(total), cluster.size, cluster.rank)

    # --- a fit --------------------------------------------------------------------------------

    def begin(self, state: FitState) -> None:
        """See that all ranks are about to do the same; take up the first rank's weights."""
        both = [batches for batches in (state.batches, state.validation) if batches is not None]
        seeds = self.first_rank([batches.seed for batches in both])
        for batches, seed in zip(both, seeds, strict=False):
            batches.seed = seed
            self._check_shard(batches)
        shards_itself = state.batches.shard is not None
        compare(self.cluster, state.about(), () if shards_itself else state.batches.peek())
        self._begin()
        self._shared = SharedUpdate.of(self.cluster, self.state)
        self.renew()  # its steps were made with memory of their own
        for batches in both:
            batches.share = self.own_rows

    @interrupts.whole()
    def release(self) -> None:
        """Give back memory, and the optimizer to this rank alone."""
        self._end_sharing()
        super().release()

    def _end_sharing(self) -> None:
        shared, self._shared = self._shared, None
        if shared is not None:
            shared.end()

    def _check_shard(self, batches: Any) -> None:
        place = (self.cluster.rank, self.cluster.size)
        if batches.shard not in (None, place):
            raise ValueError(
                f"fit: the {batches.kind} has shard={batches.shard}, but this is rank {place[0]} "
                f"of {place[1]}. Write shard=(kerasish.distributed.rank(), "
                f"kerasish.distributed.size()), or leave it out: fit gives each rank its rows."
            )

    def _begin(self) -> None:
        """Take up the first rank's weights, optimizer and random numbers."""
        begun = self.first_rank(state_of(self.model) if self.speaks else None)
        if not self.speaks:
            restore(self.model, begun)
        self._news.begin()
        self._begun = True

    def begin_epoch(self) -> None:
        """See that all ranks are still the same."""
        own = checksum([weight.value for weight in self._weights])
        found = self.cluster.exchange("the beginning of an epoch", (self.model.counter, own))
        self.model.__dict__["counter"] = found[0][0]
        apart = [rank for rank, (_, sum_) in enumerate(found) if sum_ != found[0][1]]
        if apart:
            if self.speaks:
                warn(
                    f"fit: the weights of rank(s) {apart} are no longer those of rank 0, which all "
                    f"ranks go on with. Either their processors round differently, or something "
                    f"has changed weights on some ranks only: callbacks must do the same on all."
                )
            begun = [weight.value for weight in self._weights] if self.speaks else None
            for weight, value in zip(self._weights, self.first_rank(begun), strict=True):
                weight.assign(value)

    def first_rank(self, value: Any) -> Any:
        """The first rank's value."""
        return self.cluster.broadcast(value, "the beginning of fit")

    def agree(self) -> None:
        """Agree on whether to stop, and on the learning rate."""
        self._news.take(self.cluster.exchange("the end of a batch or epoch", self._news.own()))

    def fail(self, error: BaseException) -> None:
        """Tell the other ranks that this one cannot go on."""
        self.cluster.fail(error)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        cluster = distributed.connected()
        if cluster is None:  # pickled in a job, and taken up by a process of its own
            self.__class__ = Program  # type: ignore[assignment]
        else:
            self._join()
