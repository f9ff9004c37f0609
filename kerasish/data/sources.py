"""Batches that somebody else makes: generators, data loaders, `PyDataset`."""

from __future__ import annotations

import itertools
import operator
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from kerasish.data import arrays, checks
from kerasish.data.base import Batch, Batches
from kerasish.data.snapshot import Snapshot
from kerasish.data.weights import sample_weights


class MadeBatches(Batches):
    """Base of sources that yield whole batches: reads each one into a checked `Batch`."""

    def __init__(
        self,
        source: Any,
        *,
        role: str,
        class_weight: dict[int, float] | None,
        dtype: np.dtype,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.source = source
        self._role, self._class_weight, self._dtype = role, class_weight, dtype
        self._peeked: Batch | None = None

    def peek(self) -> Batch:
        """Return the first batch; it is kept and comes again when its turn has come."""
        if self._peeked is None:
            self._peeked = self._first()
            if not self._role.startswith("predict"):
                checks.warn_if_not_finite(self._peeked.x, self.names.x, self.names.who)
        return self._peeked

    def _first(self) -> Batch:
        raise NotImplementedError

    def _batch(self, item: Any) -> Batch:
        """Check and cast what the source gave."""
        if self._replaying:
            return Batch(None)
        names, predicts = self.names, self._role.startswith("predict")
        who = f"{names.who}: a batch of the {self.kind}"
        x, y, weight = unpack(item, names.who, self.kind, predicts)
        known = len(y) if hasattr(y, "__len__") else None
        x = arrays.as_rows(x, names.x, who, known, column=True, texts=names.texts)
        if not predicts:
            y = None if y is None else arrays.as_rows(y, names.y, who, len(x))
            weight = None if weight is None else arrays.as_rows(weight, names.weight, who, len(x))
        checks.same_rows(
            {
                "x": x.shape[0],
                "y": None if y is None else y.shape[0],
                "sample_weight": None if weight is None else weight.shape[0],
            },
            who,
            maybe_none=self.shard is not None,
        )
        if self._class_weight is not None:
            if weight is not None:
                raise ValueError(
                    f"{names.who}: `class_weight` cannot be given when the {self.kind} yields "
                    "sample weights too. Multiply the weights in one of the two places."
                )
            weight = sample_weights(y, self._class_weight, names.who, self._dtype)
        return Batch(
            arrays.cast(np.asarray(x), self._dtype),
            None if y is None else arrays.cast(np.asarray(y), self._dtype),
            None if weight is None else arrays.cast(np.asarray(weight), self._dtype, True),
        )


def unpack(item: Any, who: str, kind: str, predicts: bool) -> tuple[Any, Any, Any]:
    """Return x, y and weights of what a source yielded; y and weights may be None."""
    listed = isinstance(item, list) and 1 <= len(item) <= 3 and arrays.has_axes(item[0])
    if isinstance(item, tuple) or listed:
        if not 1 <= len(item) <= 3:
            raise ValueError(
                f"{who}: the {kind} must yield (x,), (x, y) or (x, y, sample_weight) but yielded "
                f"a tuple of {len(item)}. Several inputs are not possible in a Sequential model: "
                "join them into one array."
            )
        x, y, weight = (*item, None, None)[:3]
        return (x, None, None) if predicts else (x, y, weight)
    if predicts and (arrays.is_array_like(item) or isinstance(item, dict)):
        return item, None, None
    raise ValueError(
        f"{who}: the {kind} must yield tuples, (x,) or (x, y) or (x, y, sample_weight), but "
        f"yielded {_describe(item)}. Write `yield x, y`."
    )


def _describe(item: Any) -> str:
    shape = getattr(item, "shape", None)
    return f"{type(item).__name__}" + ("" if shape is None else f" of shape {tuple(shape)}")


class ReplayedBatches(MadeBatches):
    """A source that gives its batches in its own order only: to resume is to draw them again."""

    def replay(self) -> None:
        """Draw the batches of one epoch and drop them."""
        self._replaying = True
        for _ in self.epoch():
            pass
        self._replaying = False

    def reopen(self, state: dict[str, Any], done: int) -> Iterator[Batch] | None:
        """Draw the batches that an earlier process has had of the epoch; return the rest."""
        if not done:
            return None
        batches = self.epoch()
        self._replaying = True
        had = sum(1 for _ in itertools.islice(batches, done))
        self._replaying = False
        if had < done:
            raise ValueError(
                f"{self.names.who}: the {self.kind} ended after {had} batches, but the training "
                f"to be resumed had had {done} of this epoch. Pass the data it was begun with."
            )
        return batches


class IteratorBatches(ReplayedBatches):
    """A generator or another iterator: each batch exists once and is used once.

    Nothing is replayed and nothing lost between epochs: an epoch goes on where the last one
    stopped, even one that was left early.
    """

    kind = "generator"

    def _first(self) -> Batch:
        item = next(self.source, self)
        if item is self:
            self.exhausted = True
            self._ran_out()
        return self._batch(item)

    def _pass(self, rng: np.random.Generator | None, start: int = 0) -> Iterator[Batch]:
        if self._peeked is not None:
            batch, self._peeked = self._peeked, None
            yield batch
        for item in self.source:
            yield self._batch(item)
        self.exhausted = True


class IterableBatches(ReplayedBatches):
    """Something that can be iterated over again and again, such as a DataLoader."""

    kind = "iterable"

    def __init__(self, source: Any, **options: Any) -> None:
        super().__init__(source, **options)
        self._opened: Iterator[Any] | None = None
        self._counted: int | None = None

    def _count(self) -> int | None:
        try:
            return len(self.source)
        except (TypeError, NotImplementedError):  # an IterableDataset does not know
            return self._counted

    def _iterate(self, start: int = 0) -> Iterator[Any]:
        """Begin to read, from batch `start` on if the source can."""
        return iter(self.source)

    def _first(self) -> Batch:
        self._opened = self._iterate()
        item = next(self._opened, self)
        if item is self:
            self._ran_out()
        return self._batch(item)

    def _pass(self, rng: np.random.Generator | None, start: int = 0) -> Iterator[Batch]:
        count, items = start, self._iterate(start) if self._opened is None else self._opened
        self._opened = None
        if self._peeked is not None:
            batch, self._peeked = self._peeked, None
            count += 1
            yield batch
        for item in items:
            count += 1
            yield self._batch(item)
        self._counted = count

    def close(self) -> None:
        """Let go of a pass that was begun only to look at its first batch, too."""
        super().close()
        opened, self._opened = self._opened, None
        if isinstance(opened, Generator):
            opened.close()


class IndexedBatches(MadeBatches):
    """A `PyDataset` (`Sequence`) or anything else that gives batch i for ``[i]``.

    `shuffle` permutes the order of the batches. ``workers`` above 1 (or ``use_multiprocessing``)
    read ahead in threads, at most ``max_queue_size`` batches, without changing the order.
    """

    kind = "PyDataset"

    def __init__(self, source: Any, *, shuffle: bool | str, **options: Any) -> None:
        super().__init__(source, **options)
        trains = self._role in ("fit", "validation")
        self._snapshot = Snapshot(source) if trains else None
        count = self._count()
        if count == 0:
            self._ran_out()
        if count is None and self._asked is None:
            raise ValueError(
                f"{self.names.who}: `{self.names.x}` is a PyDataset without an end (no __len__, "
                f"or num_batches is None). Say how many batches an epoch has: "
                f"`{self.names.steps}`."
            )
        self._shuffle = bool(shuffle) and count is not None
        self.reads_in_order = not self._shuffle

    def _count(self) -> int | None:
        source = self.source
        try:
            if hasattr(type(source), "num_batches") or "num_batches" in getattr(
                source, "__dict__", ()
            ):
                count = source.num_batches
            elif hasattr(source, "__len__"):
                count = len(source)
            else:
                return None
            return None if count is None else operator.index(count)
        except TypeError as error:
            if "interpreted as an integer" not in str(error):
                raise
            raise TypeError(
                f"{self.names.who}: the number of batches of {type(source).__name__} must be a "
                "whole number. Use math.ceil(rows / batch_size) in __len__."
            ) from None

    def _first(self) -> Batch:
        return self._batch(self.source[0])

    def _fetch(self, index: int) -> Batch:
        if index == 0 and self._peeked is not None:
            batch, self._peeked = self._peeked, None
            return batch
        return self._batch(self.source[index])

    def get_state(self) -> dict[str, Any]:
        """The place, and the state of the source itself (see `kerasish.data.snapshot`)."""
        assert self._snapshot is not None
        own = {"peeked": self._peeked is not None, "source": self._snapshot.changed()}
        return super().get_state() | own

    def reopen(self, state: dict[str, Any], done: int) -> Iterator[Batch] | None:
        """Go to the batch at once."""
        rest = super().reopen(state, done)
        if not state["peeked"]:
            self._peeked = None
        assert self._snapshot is not None
        self._snapshot.restore(state["source"])
        return rest

    def _pass(self, rng: np.random.Generator | None, start: int = 0) -> Iterator[Batch]:
        count = self._count()
        indices: Iterable[int] = itertools.count(start) if count is None else range(start, count)
        if self._shuffle:
            rng = np.random.default_rng() if rng is None else rng
            indices = rng.permutation(count or 0).tolist()[start:]
        workers = int(getattr(self.source, "workers", 1) or 0)
        if workers > 1 or (workers > 0 and getattr(self.source, "use_multiprocessing", False)):
            depth = int(getattr(self.source, "max_queue_size", 10) or 1)
            yield from read_ahead(self._fetch, indices, workers, max(1, depth))
        else:
            yield from map(self._fetch, indices)

    def _begin(self) -> None:
        self._hook("on_epoch_begin")

    def _end(self) -> None:
        self._hook("on_epoch_end")

    def _hook(self, name: str) -> None:
        hook = getattr(self.source, name, None)
        if callable(hook):
            hook()


def read_ahead(
    fetch: Callable[[int], Any], indices: Iterable[int], workers: int, depth: int
) -> Iterator[Any]:
    """Yield ``fetch(i)`` in the order of `indices`, computed in threads up to `depth` ahead.

    >>> list(read_ahead(lambda i: i * i, range(5), workers=2, depth=3))
    [0, 1, 4, 9, 16]
    """
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="kerasish-data") as pool:
        try:
            for index in indices:
                waiting.append(pool.submit(fetch, index))
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
