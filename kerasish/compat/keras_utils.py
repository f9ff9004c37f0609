"""What stands in ``keras.utils`` and not in ``kerasish.utils``."""

from __future__ import annotations

import sys
from typing import Any

from kerasish.compat.names import REFUSED_NAMES


class Progbar:
    """A bar for loops of one's own: ``bar.update(step, [("loss", 0.5)])``."""

    def __init__(
        self, target: int | None, width: int = 20, verbose: int = 1, interval: float = 0.05,
        stateful_metrics: Any = None, unit_name: str = "step",
    ) -> None:  # fmt: skip
        from tqdm.auto import tqdm

        self.target = target
        self._totals: dict[str, list[float]] = {}
        self._stateful = set(stateful_metrics or ())
        self._bar = tqdm(
            total=target, unit=unit_name, disable=not verbose, mininterval=interval, file=sys.stdout
        )

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Go to `current` and show running means of the values."""
        steps = max(current - self._bar.n, 0)
        shown = {}
        for key, value in values or ():
            if key in self._stateful:
                shown[key] = float(value)
                continue
            total = self._totals.setdefault(key, [0.0, 0.0])
            total[0] += float(value) * max(steps, 1)
            total[1] += max(steps, 1)
            shown[key] = total[0] / total[1]
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update(steps)
        if finalize or (finalize is None and self.target and current >= self.target):
            self._bar.close()

    def add(self, n: int, values: Any = None) -> None:
        """Go on by `n`."""
        self.update(self._bar.n + n, values)


def multi_gpu_model(model: Any, gpus: Any = None, **kwargs: Any) -> Any:
    """The model itself: all processors are used without it."""
    print(f"multi_gpu_model: {REFUSED_NAMES['multi_gpu_model']}", file=sys.stderr)
    return model


def print_summary(model: Any, line_length: Any = None, positions: Any = None, **_: Any) -> None:
    """``model.summary()``."""
    model.summary(line_length=line_length, positions=positions)


def convert_all_kernels_in_model(model: Any) -> None:
    """Nothing: kernels are not flipped here."""


__all__ = ["Progbar", "convert_all_kernels_in_model", "multi_gpu_model", "print_summary"]
