"""MonitorCallback: what callbacks share that watch one entry of the logs for improvement."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import errors, spellings
from kerasish.callbacks.base import Callback
from kerasish.errors import warn
from kerasish.viz.runs import declared_directions


class MonitorCallback(Callback):
    """Base of callbacks that watch one entry of the logs for improvement.

    Subclasses have the attributes `monitor` (name of the entry), `mode` and `min_delta`. In mode
    "auto" a loss is to fall, and a metric goes the way that it declares (``direction``).
    """

    monitor: str
    mode: str
    min_delta: float
    monitor_op: Callable[[Any, Any], bool] | None = None
    _missing_since: int | None = None  # the epoch after which the entry was first missed

    def _check_monitor(self) -> None:
        name = type(self).__name__
        if not isinstance(self.monitor, str):
            raise TypeError(
                f"{name}'s `monitor` must be a name from the logs, such as 'val_loss', "
                f"but got {self.monitor!r}."
            )
        if self.mode not in ("auto", "min", "max"):
            hint = errors.did_you_mean(self.mode, ("auto", "min", "max"))
            warn(
                f"{name}: mode {self.mode!r} is unknown, falling back to 'auto'.{hint} "
                f"It is one of 'auto', 'min', 'max'."
            )
            self.mode = "auto"
        self.min_delta = abs(self.min_delta)
        patience = getattr(self, "patience", 0)
        if not isinstance(patience, int | float | np.number):
            raise TypeError(f"{name}'s `patience` must be a number of epochs but got {patience!r}.")

    def _begin_watching(self) -> None:
        """Forget an earlier fit; refuse, or warn of, a name that the logs will not have."""
        self.monitor_op = None
        self._missing_since = None
        company = self._company
        if company is not None and company.reports is not None:
            self._use_todays_name(company)
            self._set_monitor_op()
            if not company.expects(self.monitor, self):
                self._warn_missing(dict.fromkeys(company.reports))

    def _use_todays_name(self, company: Any) -> None:
        """Watch "val_accuracy" for somebody who says "val_acc", and the other way round."""
        other = spellings.other_name(self.monitor)
        if other and other in company.reports and self.monitor not in company.reports:
            spellings.warn_once(
                type(self).__name__, f"monitor={self.monitor!r}", f"Write monitor={other!r}."
            )
            self.monitor = other

    def _set_monitor_op(self) -> None:
        """Find the direction of improvement, once the metrics have their final names."""
        direction = self.mode if self.mode != "auto" else self._declared_direction()
        if direction is None:
            names = list(declared_directions(self.model) or ("loss",))
            known = list(dict.fromkeys([*names, *(f"val_{name}" for name in names)]))
            raise ValueError(
                f"{type(self).__name__} received monitor='{self.monitor}', but whether that is to "
                f"rise or to fall cannot be told.{errors.did_you_mean(self.monitor, known)} "
                f"The model reports: {', '.join(known)}. For a metric of your own pass "
                f"mode='max' or mode='min'."
            )
        self.monitor_op = operator.lt if direction == "min" else operator.gt

    def _declared_direction(self) -> str | None:
        name = self.monitor.removeprefix("val_")
        return (declared_directions(self.model) or {"loss": "min"}).get(name)

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        """Whether `value` is better than `reference` by more than `min_delta`."""
        if reference is None:
            return True
        assert self.monitor_op is not None
        delta = self.min_delta if self.monitor_op is operator.gt else -self.min_delta
        return bool(self.monitor_op(value - delta, reference))

    def _watched(self, epoch: int, logs: dict[str, Any]) -> Any:
        """The monitored value, or None; warns once when it is missing and nobody will add it."""
        value = logs.get(self.monitor)
        if value is None:
            first = self._missing_since is None
            if first:
                self._missing_since = epoch
                company = self._company
                if company is None or not company.may_bring(self.monitor, epoch, self):
                    self._warn_missing(logs)
            return None
        self._missing_since = -1  # it does come, be it not in every epoch
        if np.ndim(value):
            raise ValueError(
                f"{type(self).__name__} cannot monitor '{self.monitor}': it is an array of shape "
                f"{np.shape(value)}. Give the metric average='macro' or monitor a single number."
            )
        return value

    def _warn_if_never_seen(self, logs: Any) -> None:
        """Warn, at the end, of an entry that somebody might have added but nobody did."""
        if self._missing_since is not None and self._missing_since >= 0:
            self._warn_missing(logs or {})

    def _warn_missing(self, logs: dict[str, Any]) -> None:
        hint = errors.did_you_mean(self.monitor, logs)
        if self.monitor.startswith("val_") and not any(key.startswith("val_") for key in logs):
            hint = " Pass validation_data or validation_split to fit()."
        warn(
            f"{type(self).__name__}: the monitored metric `{self.monitor}` is not available. "
            f"Available metrics are: {', '.join(logs)}.{hint}"
        )
        self._missing_since = -1
