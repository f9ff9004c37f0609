"""`DataLoader`: batches from anything, shuffled, transformed and made ahead of their time."""

from __future__ import annotations

import copy
import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish import config
from kerasish.data import arrays, checks
from kerasish.data.base import Batches
from kerasish.data.dataset import PyDataset
from kerasish.data.memory import ArrayBatches
from kerasish.data.prefetch import ahead
from kerasish.data.samples import collected, mixed, transform
from kerasish.data.sources import IterableBatches
from kerasish.data.splitting import whole

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
    ) -> None:
        self.batch_size = checks.positive_int(batch_size, "DataLoader", "batch_size")
        self.buffer_size = checks.positive_int(buffer_size, "DataLoader", "buffer_size")
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
            draws = np.random.default_rng([self.seed, epoch, 1 + index])
            if self.transforms:
                batch = tuple(part.copy() if _is_view(part) else part for part in batch)
            for function in self.transforms:
                batch = function(batch, draws)
            yield batch

    def _raw(self, rng: np.random.Generator, start: int, in_order: bool) -> Iterator[Any]:
        """Batches before any transform."""
        shuffles, drops = self.shuffle and not in_order, self.drop_last and not in_order
        if self.rows is not None:
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
            batches: Iterator[Any] = (_without_none(b) for b in found._pass(rng, start))
        else:
            batches = self._items(rng, shuffles, start)
        for batch in batches:
            if drops and self.batch_size and len(batch[0]) < self.batch_size:
                return
            yield batch

    def _items(self, rng: np.random.Generator, shuffles: bool, start: int) -> Iterator[Any]:
        """Batches of a source that gives batches or samples."""
        size = self.batch_size or 1
        if self._is_indexed:
            order = rng.permutation(self._count()) if shuffles else np.arange(self._count())
            items: Iterator[Any] = (self._source[int(i)] for i in order[start * size :])
            start = 0
        else:
            items = iter(self._source() if callable(self._source) else self._source)
            if shuffles:
                items = mixed(items, self.buffer_size or BUFFER_ROWS, rng)
        if self.batch_size is not None:
            items = collected(items, self.batch_size)
        for index, item in enumerate(items):
            if index >= start:
                yield item if isinstance(item, tuple) else (item,)


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

    def replay(self) -> None:
        """Do nothing: `reopen` gets to any epoch at once."""

    def reopen(self, state: dict[str, Any], done: int) -> Iterator[Any] | None:
        """Begin the epoch again, behind the batches that were had."""
        self.close()
        self._peeked = None
        self._again = state["epoch"]
        self.source.epoch, self.source.seed = state["next"], state["seed"]
        return Batches.reopen(self, state, done)
