"""When: clocks of an epoch and its parts, and how often something may be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class EpochClock:
    """Seconds of an epoch, and of these without its validation."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin an epoch."""
        self._start = perf_counter()
        self._trained: float | None = None

    def validate(self) -> None:
        """The training of the epoch is over: its validation begins."""
        if self._trained is None:
            self._trained = perf_counter() - self._start

    @property
    def seconds(self) -> float:
        """Since the epoch began."""
        return perf_counter() - self._start

    @property
    def training(self) -> float:
        """Of these, those of the training."""
        return self.seconds if self._trained is None else self._trained


class Pace:
    """Lets something be done as often as it takes no more than a share of the time.

    Parameters
    ----------
    share : float
        Of the time since `begin`.
    guess : float
        Seconds that it may take the first time, as long as nothing has been measured. The first
        time counts as no more than that: packages are imported in it.
    """

    def __init__(self, share: float, guess: float) -> None:
        self.share, self.guess = share, guess
        self.begin()

    def begin(self) -> None:
        """Begin to count."""
        self._start = self.last = perf_counter()
        self._spent, self._cost = 0.0, self.guess
        self._first = True

    @property
    def elapsed(self) -> float:
        """Seconds since `begin`."""
        return perf_counter() - self._start

    @property
    def since(self) -> float:
        """Seconds since it was done, or since the beginning."""
        return perf_counter() - self.last

    def allows(self, total: float = 0.0) -> bool:
        """Whether it may be done now, in something that takes `total` seconds at least."""
        return self._spent + self._cost <= self.share * max(self.elapsed, total)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure what is done in the block."""
        start = perf_counter()
        try:
            yield
        finally:
            self.last = perf_counter()
            cost = self.last - start
            self._cost = min(cost, self.guess) if self._first else cost
            self._spent += self._cost
            self._first = False
