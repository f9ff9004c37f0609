"""What a line of progress says: how far something is, how fast, and with what results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Status:
    """Where an epoch, a prediction or a download stands."""

    label: str  # "Epoch 3/10"
    done: int = 0  # of what `unit` says
    total: int | None = None
    unit: str = "step"  # "B" for bytes
    seconds: float = 0.0  # since the start
    busy_seconds: float = 0.0  # of these, without validation
    samples: int | None = None  # seen so far
    activity: str = ""  # "validating 3/10"
    metrics: dict[str, Any] = field(default_factory=dict)

    def rate(self) -> str:
        """Speed as ``"2246 samples/s"``, in steps where the size of a batch is not known."""
        count = self.done if self.samples is None else self.samples
        known = bool(count) and self.busy_seconds > 0
        speed = (count or 0) / self.busy_seconds if known else 0.0
        if self.unit == "B":
            return f"{amount(speed) if known else '? B'}/s"
        unit = f"{self.unit}s/s" if self.samples is None else "samples/s"
        if not known:
            return f"? {unit}"
        return f"{speed:.0f} {unit}" if speed >= 100 else f"{speed:.3g} {unit}"

    def position(self) -> str:
        """How far it is: ``"3/10"``, ``"1.2 MB/11.6 MB"``, or without the total."""
        say = amount if self.unit == "B" else str
        return say(self.done) + ("" if self.total is None else f"/{say(self.total)}")

    def result(self) -> str:
        """How far it came: ``"10 steps"``, ``"3/10 steps"``, ``"11.6 MB"``."""
        text = self.position() if self.total and self.total != self.done else ""
        if self.unit == "B":
            return text or amount(self.done)
        text = text or str(self.done)
        return f"{text} {self.unit}" if text == "1" else f"{text} {self.unit}s"

    def remaining(self) -> str:
        """Time that the batches still to come will take, ``"?"`` before the first."""
        if not self.total or not self.done:
            return "?"
        return clock(self.busy_seconds / self.done * (self.total - self.done))

    def values(self) -> list[str]:
        """Metrics as ``"loss: 0.3012"``."""
        return [f"{printable(key)}: {four_digits(v)}" for key, v in self.metrics.items()]


def amount(count: float) -> str:
    """Write a number of bytes.

    >>> amount(0), amount(11_594_722)
    ('0 B', '11.6 MB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"


def four_digits(value: Any) -> str:
    """Write a metric with 4 significant digits, an array by its mean.

    >>> four_digits(0.9), four_digits(1234.5), four_digits(0.00001), four_digits([1.0, 2.0])
    ('0.9000', '1234', '1.000e-05', '1.500')
    """
    if isinstance(value, str) or value is None:
        return printable(str(value))
    number = float(np.mean(value)) if np.size(value) else float("nan")
    return f"{number:#.4g}".rstrip(".")


def printable(text: str) -> str:
    """`text` without characters that move the cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)


def clock(seconds: float) -> str:
    """Write a duration as ``[H:]MM:SS``.

    >>> clock(75), clock(3675)
    ('01:15', '1:01:15')
    """
    minutes, s = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{s:02d}" if hours else f"{minutes:02d}:{s:02d}"
