"""`DataLoader`: batches from anything, shuffled, transformed and made ahead of their time."""

from __future__ import annotations

import copy
import inspect
import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish import config
from kerasish.data import arrays, checks
from kerasish.data.base import UNKNOWN, Batches, Part
from kerasish.data.dataset import PyDataset
from kerasish.data.memory import ArrayBatches
from kerasish.data.prefetch import ahead
from kerasish.data.samples import collected, mixed, transform
from kerasish.data.sources import IterableBatches
from kerasish.data.splitting import whole
from kerasish.step import split_rows

_NAMES = checks.Names("DataLoader")
BUFFER_ROWS = 1024


class DataLoader:
    """Batches of a data set, an epoch at a time; goes into `fit`, `evaluate` and `predict` as x.

    Parameters
    ----------
    x : array-like, PyDataset, or iterable
        Arrays, memory maps and arrays in a file, with one row for every sample. Or something
        that gives batches or samples: an object with ``[i]`` and ``len``, a function that returns
        a generator (called anew every epoch), an iterable; a generator has one epoch only.
    y, sample_weight : array-like, optional
        Targets and weights, with arrays.
    batch_size : int, optional
        Rows of a batch, 32 for arrays. Given with any other source, this source gives single
        samples, which are put together; otherwise it gives batches, which stay as they are.
    shuffle : bool
        Whether every epoch has an order of its own.
    seed : int, optional
        Decides on the orders and on what transforms draw. Without one, `set_random_seed` does.
    drop_last : bool
        Leave a last, shorter batch out. `predict` has all rows nevertheless, and in order.
    prefetch : int
        How many batches a thread makes ahead; 0 makes each when it is wanted.
    buffer_size : int, optional
        How many rows are in memory at once to be shuffled, where rows cannot be read at random.
        An HDF5 file is read in blocks of one chunk or one batch, which come in random order; as
        many blocks as fit (by default 16 MiB) are mixed row by row. Samples of an iterable
        replace each other in a buffer of 1,024. More rows mix better and take more memory.
    shard : (int, int), optional
        ``(rank, size)``: give only the rank-th of `size` parts of every batch, of which
        `batch_size` counts all rows. For training on the ranks of an MPI job, each of which then
        reads and transforms its own rows alone, and transforms draw other numbers on each. A
        function that makes a generator and has an argument ``shard`` gets the pair and gives this
        part itself.

    Raises
    ------
    ValueError, TypeError
        If the arrays do not go together, or an option makes no sense for the source.

    Examples
    --------
    >>> x, y = np.arange(10, dtype="uint8"), np.arange(10)
    >>> loader = DataLoader(x, y, batch_size=4).map(lambda x: x / 255)
    >>> len(loader), [len(y) for x, y in loader]
    (3, [4, 4, 2])
    """

    class_names: list[str] | None = None  # of images in folders
    file_paths: list[str] | None = None
    _source: Any

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int | None = None,
        drop_last: bool = False,
        prefetch: int = 2,
        buffer_size: int | None = None,
        shard: tuple[int, int] | None = None,
    ) -> None:
        self.batch_size = checks.positive_int(batch_size, "DataLoader", "batch_size")
        self.buffer_size = checks.positive_int(buffer_size, "DataLoader", "buffer_size")
        self.shard = _checked_shard(shard)
        self.shuffle, self.drop_last, self.prefetch = bool(shuffle), drop_last, prefetch
        self.seed = config.next_seed() if seed is None else operator.index(seed)
        self.epoch = 0  # of the next pass
        self.transforms: tuple[Callable[..., Any], ...] = ()
        x = arrays.unwrap(x, "x", "DataLoader")
        self.rows: int | None = None
        if arrays.is_array_like(x):
            self.batch_size = self.batch_size or 32
            self._source = whole(x, y, sample_weight, _NAMES)
            self.rows = self._source[0].shape[0]
            return
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"DataLoader: `y` and `sample_weight` go with arrays only, but x is a "
                f"{type(x).__name__}. Let it give (x, y) or (x, y, sample_weight)."
            )
        if not (callable(x) or hasattr(x, "__getitem__") or hasattr(x, "__iter__")):
            raise TypeError(
                f"DataLoader: x must be arrays, a function that makes a generator, an iterable or "
                f"a PyDataset but is {type(x).__name__}."
            )
        if isinstance(x, PyDataset) and self.batch_size is not None:
            raise ValueError(
                f"DataLoader: x is a PyDataset ({type(x).__name__}), which makes whole batches. "
                "Leave `batch_size` out."
            )
        self._source = x
        self._shards_itself = self.shard is not None and callable(x) and _takes_shard(x)
        if self._shards_itself and self.batch_size is not None:
            raise ValueError(
                "DataLoader: a function that takes `shard` gives its part of each batch itself. "
                "Leave `batch_size` out, and let it give batches."
            )
        self._is_indexed = hasattr(x, "__getitem__") and hasattr(x, "__len__")
        if shuffle and not self._is_indexed and self.batch_size is None:
            raise ValueError(
                "DataLoader: shuffle=True needs single samples from a generator or iterable, but "
                "without `batch_size` it gives whole batches. Pass batch_size=, and let it give "
                "one sample (x, y) at a time."
            )

    def __repr__(self) -> str:
        what = type(self._source).__name__ if self.rows is None else f"{self.rows} rows"
        size = "" if self.batch_size is None else f", batches of {self.batch_size}"
        shuffled = ", shuffled" if self.shuffle else ""
        return f"<DataLoader of {what}{size}{shuffled}, {len(self.transforms)} transforms>"

    def map(self, function: Callable[..., Any]) -> DataLoader:
        """Return a loader that also applies a function to every batch, after the earlier ones.

        A function of one argument gets x and returns it; one of two gets x and y, of three the
        weights too, and returns a tuple of as many. If it has an argument ``rng``, it gets a
        `numpy.random.Generator` that depends on seed, epoch and place only, for augmenting.
        Functions run in the thread that makes batches, and may change what they are given.

        Examples
        --------
        >>> from kerasish.utils import to_categorical
        >>> loader = DataLoader(np.ones((4, 2)), [0, 1, 2, 0])
        >>> loader = loader.map(lambda x, y: (x, to_categorical(y, 3)))
        >>> loader = loader.map(lambda x, rng: x + rng.normal(size=x.shape))
        >>> next(iter(loader))[1].shape
        (4, 3)
        """
        if not callable(function):
            raise TypeError(f"DataLoader.map expects a function but got {function!r}.")
        made = copy.copy(self)
        made.transforms = (*self.transforms, transform(function))
        return made

    def take(self, count: int) -> Iterator[tuple[Any, ...]]:
        """Yield the first `count` batches of an epoch, to look at."""
        batches = iter(self)
        try:
            yield from itertools.islice(batches, count)
        finally:
            batches.close()  # type: ignore[attr-defined]

    def __len__(self) -> int:
        """Batches of an epoch, where that is known."""
        rows, size = self._count(), self.batch_size
        if size is None:
            return rows
        return rows // size if self.drop_last else -(-rows // size)

    def _count(self) -> int:
        if self.rows is not None:
            return self.rows
        if not self._is_indexed:
            raise TypeError(
                f"DataLoader of a {type(self._source).__name__} has no len(): how many batches "
                "come is known at the end only."
            )
        return len(self._source)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        return self.batches(epoch)

    def batches(
        self, epoch: int, start: int = 0, in_order: bool = False
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of one epoch but the first `start`; `in_order` gives all rows so."""
        return ahead(self._transformed(epoch, start, in_order), self.prefetch)

    def _transformed(self, epoch: int, start: int, in_order: bool) -> Iterator[tuple[Any, ...]]:
        rng = np.random.default_rng([self.seed, epoch])
        for index, batch in enumerate(self._raw(rng, start, in_order), start):
            own = () if self.shard is None else self.shard[:1]
            draws = np.random.default_rng([self.seed, epoch, 1 + index, *own])
            if len(batch[0]) == 0 and self.shard is not None:
                yield batch  # nothing of a short batch is this rank's
                continue
            if self.transforms:
                batch = tuple(part.copy() if _is_view(part) else part for part in batch)
            for function in self.transforms:
                batch = function(batch, draws)
            yield batch

    def _raw(self, rng: np.random.Generator, start: int, in_order: bool) -> Iterator[Any]:
        """Batches before any transform."""
        shuffles, drops = self.shuffle and not in_order, self.drop_last and not in_order
        found = self._of_arrays(rng, shuffles, start) if self.rows is not None else None
        for batch, rows in found or self._items(rng, shuffles, start):
            if drops and self.batch_size and rows < self.batch_size:
                return
            yield batch

    def _own_rows(self, rows: int) -> slice:
        """Which of the rows of a batch this loader gives."""
        if self.shard is None:
            return slice(0, rows)
        return split_rows(rows, self.shard[1])[self.shard[0]]

    def _of_arrays(self, rng: np.random.Generator, shuffles: bool, start: int) -> Iterator[Any]:
        """Batches of arrays, or this loader's parts, and the rows of each batch."""
        x, y, weight = self._source
        found = ArrayBatches(
            x,
            y,
            weight,
            batch_size=self.batch_size or 1,
            shuffle=shuffles,
            dtype=np.dtype(config.floatx()),
            pool_rows=self.buffer_size,
            names=_NAMES,
            steps=None,
            carry_on=False,
        )
        if self.shard is not None:
            found.share = self._own_rows
        for batch in found._pass(rng, start):
            yield _without_none(batch[:3]), batch.total

    def _items(self, rng: np.random.Generator, shuffles: bool, start: int) -> Iterator[Any]:
        """The same of a source that gives batches or samples."""
        size = self.batch_size
        if self._is_indexed:
            order = rng.permutation(self._count()) if shuffles else np.arange(self._count())
            if size is not None:
                yield from self._of_samples(order[start * size :])
                return
            items: Iterator[Any] = (self._source[int(i)] for i in order[start:])
            start = 0
        else:
            items = iter(self._begun() if callable(self._source) else self._source)
            if shuffles:
                items = mixed(items, self.buffer_size or BUFFER_ROWS, rng)
            if size is not None:
                items = collected(items, size)
        for item in itertools.islice(items, start, None):
            batch = item if isinstance(item, tuple) else (item,)
            rows = len(batch[0])
            if self.shard is not None and not self._shards_itself:
                batch = tuple(part[self._own_rows(rows)] for part in batch)
            yield batch, rows

    def _of_samples(self, order: np.ndarray) -> Iterator[Any]:
        """Batches of samples that are asked for by number."""
        size = self.batch_size or 1
        for at in range(0, len(order), size):
            rows = order[at : at + size]
            own = rows[self._own_rows(len(rows))]
            asked = [self._source[int(i)] for i in (own if len(own) else rows[:1])]
            batch = next(collected(asked, len(asked)))
            yield tuple(part[: len(own)] for part in batch), len(rows)

    def _begun(self) -> Any:
        """What the function that makes a generator returns."""
        options = {"shard": self.shard} if self._shards_itself else {}
        return self._source(**options)


def _checked_shard(shard: Any) -> tuple[int, int] | None:
    if shard is None:
        return None
    try:
        rank, size = (operator.index(number) for number in shard)
        if not 0 <= rank < size:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f"DataLoader: `shard` must be (rank, size) with rank from 0 to size - 1 but is "
            f"{shard!r}. Write shard=(kerasish.distributed.rank(), kerasish.distributed.size())."
        ) from None
    return rank, size


def _takes_shard(source: Any) -> bool:
    try:
        return "shard" in inspect.signature(source).parameters
    except (TypeError, ValueError):
        return False


def _is_view(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.base is not None


def _without_none(batch: tuple[Any, ...]) -> tuple[Any, ...]:
    x, y, weight = batch
    if weight is not None:
        return x, y, weight
    return (x,) if y is None else (x, y)


class LoaderBatches(IterableBatches):
    """The batches of a `DataLoader`: epochs are numbered, so that any of them can be made again."""

    kind = "DataLoader"

    def __init__(self, source: DataLoader, **options: Any) -> None:
        super().__init__(source, **options)
        self._in_order = self._role.startswith("predict")
        self.reads_in_order = self._in_order or not source.shuffle
        self.batch_size = source.batch_size
        self._epoch = source.epoch
        self._again: int | None = None  # the epoch that an earlier process was in
        self.shard = source.shard
        if source.rows is not None:
            kept = source.rows if self._in_order or not source.drop_last else None
            self.rows = len(source) * (source.batch_size or 1) if kept is None else kept

    def _count(self) -> int | None:
        if self._in_order and self.rows is not None:
            return -(-self.rows // (self.batch_size or 1))
        return super()._count()

    @property
    def targets(self) -> np.ndarray | None:
        """The targets of all rows, if they lie in memory and no transform may change them."""
        if self.source.rows is None or self.source.transforms:
            return None
        y = self.source._source[1]
        return y if isinstance(y, np.ndarray) and not arrays.is_on_disk(y) else None

    def _iterate(self, start: int = 0) -> Iterator[Any]:
        if self._again is not None:
            self._epoch, self._again = self._again, None
        else:
            self._epoch = self.source.epoch
            self.source.epoch += 1
        return self.source.batches(self._epoch, start, self._in_order)

    def get_state(self) -> dict[str, Any]:
        """The place, the epoch that it is in, and the loader's next one."""
        begun = self._is_open or self._peeked is not None
        own = {"epoch": self._epoch if begun else None, "next": self.source.epoch}
        return super().get_state() | own | {"seed": self.source.seed}

    @property
    def seed(self) -> Any:
        """What the orders and the draws of transforms come from; `reopen` can change it."""
        return self.source.seed, self._epoch if self._peeked is not None else self.source.epoch

    @seed.setter
    def seed(self, value: Any) -> None:
        if value != self.seed:
            self.close()
            self._peeked = None
            self.source.seed, self.source.epoch = value

    def _shared(self, batch: Any) -> Part:
        if self.shard is None:
            return super()._shared(batch)
        x, y, weight = batch
        return Part(x, y, weight, UNKNOWN, 0)

    def replay(self) -> None:
        """Do nothing: `reopen` gets to any epoch at once."""

    def reopen(self, state: dict[str, Any], done: int) -> Iterator[Any] | None:
        """Begin the epoch again, behind the batches that were had."""
        self.close()
        self._peeked = None
        self._again = state["epoch"]
        self.source.epoch, self.source.seed = state["next"], state["seed"]
        return Batches.reopen(self, state, done)
