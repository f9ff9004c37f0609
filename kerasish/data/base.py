"""What every source of data looks like to the training loop: an iterator of batches an epoch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

import numpy as np

from kerasish.data.checks import Names
from kerasish.errors import warn


class Batch(NamedTuple):
    """Rows that belong together: ``x`` of shape (n, ...), and, where given, targets and weights."""

    x: Any
    y: Any = None
    sample_weight: Any = None

    @property
    def total(self) -> int:
        """Rows of the whole batch."""
        return len(self.x)


class Rows:
    """Rows of an array in memory that are copied when they are needed, by whoever needs them.

    So each shard of a batch copies its own, while the others do the same, into its own cache.
    """

    def __init__(self, array: np.ndarray, indices: np.ndarray) -> None:
        self._array, self._indices = array, indices
        self._parts: dict[tuple[Any, Any], np.ndarray] = {}
        self.shape, self.dtype = (len(indices), *array.shape[1:]), array.dtype

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, part: slice) -> np.ndarray:
        """A slice of the rows; copied once."""
        key = part.start, part.stop
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = self._array.take(self._indices[part], 0)
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def reshape(self, *shape: Any) -> np.ndarray:
        """The rows, copied, in another shape."""
        return self[:].reshape(*shape)


UNKNOWN = -1


class Part(NamedTuple):
    """The rows of a batch that are this rank's, of `total` those from number `start` on.

    Where the source itself chose them, `total` is `UNKNOWN`.
    """

    x: Any
    y: Any
    sample_weight: Any
    total: int
    start: int


class Batches:
    """Batches of one data source, an epoch at a time.

    Subclasses say how one pass over their source goes (`_pass`); here is what an epoch is: a
    whole pass or, when a number of steps was asked for, that many batches, going on in the next
    epoch where this one stopped.

    Attributes
    ----------
    rows : int or None
        Rows of the whole source, if it says so.
    batch_size : int or None
        Rows of a full batch, if the source does not decide itself.
    reads_in_order : bool
        Whether batches come in the order of the source, so that outputs line up with its rows.
    exhausted : bool
        Whether the source has ended for good: a further epoch would have no batch.
    takes_late : bool
        Whether the inputs of a batch may be `Rows`.
    share : callable, optional
        Tells for the number of rows of a batch which of them are this rank's; set while ranks
        train together, it makes `epoch` yield a `Part` of each batch.
    """

    rows: int | None = None
    batch_size: int | None = None
    reads_in_order: bool = True
    exhausted: bool = False
    takes_late: bool = False
    share: Callable[[int], slice] | None = None
    kind: str = "data"
    seed: Any = None  # of a source that draws orders itself
    shard: tuple[int, int] | None = None  # (rank, size) if the source reads a rank's rows only
    _replaying = False

    def __init__(self, names: Names, steps: int | None, carry_on: bool) -> None:
        self.names = names
        self._asked = steps
        self._carry_on = carry_on
        self._current: Iterator[Batch] | None = None
        self._started = False
        self._is_open = False  # whether a pass is under way, ...
        self._drawn: Any = None  # ... what its order was drawn from, ...
        self._place = 0  # ... and how many batches it has given

    @property
    def steps(self) -> int | None:
        """Batches of an epoch, or None while that is not known."""
        return self._asked if self._asked is not None else self._count()

    def epoch(self, rng: np.random.Generator | None = None, done: int = 0) -> Iterator[Any]:
        """Yield the batches of one epoch.

        Arrays of an unshuffled batch are views of the source, all others own their memory. What
        is drawn from `rng` (needed for shuffling only) decides the order, and nothing else does.
        A loop that is left early keeps the place of a source that cannot start again. The first
        `done` batches are left out where `reopen` has gone past them.
        """
        if not done:
            self._begin()
        if self._asked is not None:
            batches = self._some(self._asked, rng, done)
        elif done and self._current is not None:
            batches, self._current = self._current, None
        else:
            batches = self._open(rng)
        seen = done > 0
        for batch in batches:
            seen = True
            yield batch if self.share is None else self._shared(batch)
        if not seen:
            self._ran_out()
        self._started = True
        if not self._carry_on:
            self._is_open = False
        self._end()

    def _shared(self, batch: Batch | Part) -> Part:
        """This rank's rows of a batch, unless no others have been read."""
        if isinstance(batch, Part):
            return batch
        assert self.share is not None
        rows = self.share(len(batch.x))
        x, y, weight = (None if part is None else part[rows] for part in batch)
        return Part(x, y, weight, len(batch.x), rows.start)

    def _open(self, rng: np.random.Generator | None, start: int = 0) -> Iterator[Batch]:
        """Begin a pass over the source and note where it is."""
        self._is_open, self._place = True, start
        self._drawn = None if rng is None else rng.bit_generator.state
        for batch in self._pass(rng, start):
            self._place += 1
            yield batch
        self._is_open = False

    def _some(self, steps: int, rng: np.random.Generator | None, done: int) -> Iterator[Batch]:
        """Yield `steps` batches, going on with the pass of the last epoch."""
        current = self._current if self._carry_on else None
        for step in range(done, steps):
            batch = None if current is None else next(current, None)
            if batch is None and step == 0:
                self._current = current = self._open(rng)
                batch = next(current, None)
            if batch is None:
                self._current = None
                if step:
                    self.warn_exhausted()
                return
            yield batch

    def _ran_out(self) -> None:
        """Say that an epoch had no batch at all."""
        if not self._started:
            raise ValueError(
                f"{self.names.who}: `{self.names.x}` is a {self.kind} that gave no batch; at "
                "least one is needed. Make a new one if it has been used up already."
            )
        self.warn_exhausted()

    def warn_exhausted(self) -> None:
        """Warn, in Keras's words, that the source ended before its time."""
        if self._replaying:
            return
        what = "training" if self.names.who == "fit" else f"`{self.names.who}`"
        warn(
            f"Your input ran out of data; interrupting {what}. Make sure that your dataset or "
            f"generator can generate at least `{self.names.steps}` batches for every epoch."
        )

    @property
    def targets(self) -> np.ndarray | None:
        """The targets of all rows, in order, if they lie in memory."""
        return None

    @property
    def inputs(self) -> np.ndarray | None:
        """The inputs of all rows, in order, if they lie in memory."""
        return None

    def warn_too_short(self, epochs_left: int) -> None:
        """Warn that a source without a number of steps has ended before the last epoch."""
        if epochs_left and self._asked is None:
            self.warn_exhausted()

    def peek(self) -> Batch:
        """Return the first batch without losing it: for shapes, types and building a model."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of threads and of a pass that was left unfinished."""
        current, self._current = self._current, None
        if isinstance(current, Generator):
            current.close()

    # --- resuming ----------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """Where the pass under way is, for `reopen` in a later process."""
        drawn = self._drawn if self._is_open else None
        return {"open": self._is_open, "drawn": drawn, "place": self._place}

    def replay(self) -> None:
        """Go past one epoch of an earlier process; nothing where `reopen` gets there at once."""

    def reopen(self, state: dict[str, Any], done: int) -> Iterator[Batch] | None:
        """Go where `get_state` was, within an epoch of which `done` batches had been given.

        Returns the rest of that epoch, or None between two epochs.
        """
        if state["open"]:
            rng = None
            if state["drawn"] is not None:
                rng = np.random.Generator(np.random.Philox())
                rng.bit_generator.state = state["drawn"]
            self._current = self._open(rng, state["place"])
        self._started = True
        if not done:
            return None
        self._begin()
        return self.epoch(None, done)

    def _pass(self, rng: np.random.Generator | None, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of one pass but the first `start`."""
        raise NotImplementedError

    def _count(self) -> int | None:
        return None

    def _begin(self) -> None:
        """Run the source's own hook before an epoch."""

    def _end(self) -> None:
        """Run the source's own hook after an epoch."""
