"""Bar: the line of progress of something that is counted; and a word on whatever bar is shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Protocol

from kerasish.display.screens import Lines, choose, is_muted
from kerasish.display.status import Status

INTERVAL = 0.1  # seconds between two drawings


class Announcing(Protocol):
    """A bar on the screen that can say what keeps it waiting."""

    def announce(self, text: str) -> None:
        """Show `text` on the bar; an empty one takes it away."""


bars: list[Announcing] = []  # those on the screen, the newest last


def announce(text: str) -> None:
    """Say on the newest bar, if one is shown, what keeps it waiting until it moves again."""
    if bars:
        bars[-1].announce(text)


@contextmanager
def activity(text: str) -> Iterator[None]:
    """Say on the newest bar, if one is shown, what keeps it waiting inside of the block.

    Examples
    --------
    >>> with activity("compiling kernels"):
    ...     pass
    """
    bar = bars[-1] if bars else None
    if bar is None:
        yield
        return
    bar.announce(text)
    try:
        yield
    finally:
        bar.announce("")


class Bar:
    """A line of progress in the style of `fit`'s: for downloads and searches.

    It moves in a terminal and in a notebook; elsewhere one plain line tells the end. Used in a
    ``with`` block, an error leaves the line as far as it came. The methods are those that pooch
    and tqdm have, so it serves as ``HTTPDownloader(progressbar=bar)`` too.

    Parameters
    ----------
    label : str
        What is going on, such as ``"Download train-images"``.
    total : int, optional
        How much there will be.
    unit : str
        What is counted; ``"B"`` is bytes, shown in kB, MB and GB.
    verbose : bool
        False shows nothing.
    file : file object, optional
        Where to write, by default what `sys.stdout` is now.

    Examples
    --------
    >>> with Bar("Download digits", total=3_000_000, unit="B") as bar:
    ...     bar.update(3_000_000)
    Download digits - 3.0 MB - 0.0s - ... GB/s
    """

    def __init__(
        self,
        label: str,
        total: int | None = None,
        unit: str = "step",
        *,
        verbose: bool = True,
        file: Any = None,
    ) -> None:
        verbose = verbose and not is_muted()
        file = sys.stdout if file is None else file
        self.status = Status(label, total=total, unit=unit)
        self._start = perf_counter()
        self._last = float("-inf")
        self._display: Lines | None = choose(file) if verbose and file is not None else None
        if self._display is not None:
            bars.append(self)
            self._draw()

    @property
    def total(self) -> int | None:
        """How much there will be."""
        return self.status.total

    @total.setter
    def total(self, value: int | None) -> None:
        self.status.total = value or None

    def update(self, n: int = 1, **metrics: Any) -> None:
        """Count `n` more, and show `metrics` behind the bar."""
        self.status.done += n
        self.status.activity = ""
        self.status.metrics.update(metrics)
        if self._display is not None and perf_counter() - self._last >= INTERVAL:
            self._draw()

    def reset(self) -> None:
        """Count from 0 again; the clock goes on."""
        self.status.done = 0

    def announce(self, text: str) -> None:
        """Show what keeps the bar waiting."""
        self.status.activity = text
        if self._display is not None:
            self._draw()

    def close(self) -> None:
        """Leave the line that stays, once; no line if nothing was counted."""
        if self._display is not None:
            self._measure()
            self.status.activity = ""
            if self.status.done:
                self._display.finish(self.status)
            else:
                self._display.drop()
            self._display.close()
            self._display = None
            bars.remove(self)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _draw(self) -> None:
        self._measure()
        assert self._display is not None
        self._display.show(self.status)
        self._last = perf_counter()

    def _measure(self) -> None:
        self.status.seconds = self.status.busy_seconds = perf_counter() - self._start
