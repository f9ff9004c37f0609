"""What every source of data looks like to the training loop: an iterator of batches an epoch."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import numpy as np

from kerasish.data.checks import Names


class Batch(NamedTuple):
    """Rows that belong together: ``x`` of shape (n, ...), and, where given, targets and weights."""

    x: Any
    y: Any = None
    sample_weight: Any = None


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
    """

    rows: int | None = None
    batch_size: int | None = None
    reads_in_order: bool = True
    exhausted: bool = False
    kind: str = "data"

    def __init__(self, names: Names, steps: int | None, carry_on: bool) -> None:
        self.names = names
        self._asked = steps
        self._carry_on = carry_on
        self._current: Iterator[Batch] | None = None
        self._started = False

    @property
    def steps(self) -> int | None:
        """Batches of an epoch, or None while that is not known."""
        return self._asked if self._asked is not None else self._count()

    def epoch(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield the batches of one epoch.

        Arrays of an unshuffled batch are views of the source, all others own their memory. What
        is drawn from `rng` (needed for shuffling only) decides the order, and nothing else does.
        A loop that is left early keeps the place of a source that cannot start again.
        """
        self._begin()
        batches = self._pass(rng) if self._asked is None else self._some(self._asked, rng)
        seen = False
        for batch in batches:
            seen = True
            yield batch
        if not seen:
            self._ran_out()
        self._started = True
        self._end()

    def _some(self, steps: int, rng: np.random.Generator | None) -> Iterator[Batch]:
        """Yield `steps` batches, going on with the pass of the last epoch."""
        current = self._current if self._carry_on else None
        for done in range(steps):
            batch = None if current is None else next(current, None)
            if batch is None and done == 0:
                self._current = current = self._pass(rng)
                batch = next(current, None)
            if batch is None:
                self._current = None
                if done:
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
        what = "training" if self.names.who == "fit" else f"`{self.names.who}`"
        warnings.warn(
            f"Your input ran out of data; interrupting {what}. Make sure that your dataset or "
            f"generator can generate at least `{self.names.steps}` batches for every epoch.",
            stacklevel=2,
        )

    @property
    def targets(self) -> np.ndarray | None:
        """The targets of all rows, in order, if they lie in memory."""
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

    def _pass(self, rng: np.random.Generator | None) -> Iterator[Batch]:
        raise NotImplementedError

    def _count(self) -> int | None:
        return None

    def _begin(self) -> None:
        """Run the source's own hook before an epoch."""

    def _end(self) -> None:
        """Run the source's own hook after an epoch."""
