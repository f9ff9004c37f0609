"""Callbacks that set the learning rate: by the progress of a metric, or by a function."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.callbacks.base import Callback
from kerasish.callbacks.monitor import MonitorCallback
from kerasish.display import say
from kerasish.registry import register


def learning_rates(optimizer: Any) -> dict[str, Any]:
    """Return the optimizers that have a learning rate, by their names in the logs.

    >>> from kerasish.optimizers import SGD
    >>> list(learning_rates(SGD()))
    ['learning_rate']
    """
    inner = getattr(optimizer, "optimizers", None)
    if inner is None:
        return {} if optimizer is None else {"learning_rate": optimizer}
    return {f"learning_rate_{each.name}": each for each in inner}


def current_rates(optimizer: Any) -> dict[str, float]:
    """Return the learning rates of this moment, by their names in the logs.

    >>> from kerasish.optimizers import SGD
    >>> current_rates(SGD(0.5))
    {'learning_rate': 0.5}
    """
    return {key: float(each.learning_rate) for key, each in learning_rates(optimizer).items()}


def check_settable(callback: Any) -> None:
    """Refuse an optimizer whose learning rate cannot be set, before training begins."""
    for optimizer in learning_rates(getattr(callback.model, "optimizer", None)).values():
        rate = getattr(optimizer, "_learning_rate", None)
        if rate is not None and not hasattr(rate, "assign"):
            raise ValueError(
                f"{type(callback).__name__} sets the learning rate, but that of "
                f"{type(optimizer).__name__} follows {rate!r}. Create the optimizer with a float, "
                f"or leave the callback out."
            )


@register
@dataclass(eq=False, repr=False)
class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate when a metric has stopped improving.

    The learning rate is multiplied by `factor` when `patience` epochs in a row have not beaten
    the best value by more than `min_delta`. Then `cooldown` epochs pass before it waits again.
    The epoch's learning rate, as it was before, is added to the logs as ``learning_rate``.

    Parameters
    ----------
    monitor : str
        Name of the entry of the logs to watch.
    factor : float
        What the learning rate is multiplied by, in [0, 1).
    patience : int
        Epochs without improvement to wait for.
    verbose : int
        1 says when the learning rate is lowered.
    mode : {"auto", "min", "max"}
        Whether the value is to fall or to rise; "auto" asks the metric.
    min_delta : float
        Changes up to this size do not count.
    cooldown : int
        Epochs after a reduction that do not count as waiting.
    min_lr : float
        The learning rate is not lowered further than this.

    Raises
    ------
    ValueError
        If `factor` is not in [0, 1) or, when training begins, the learning rate is a schedule.

    Examples
    --------
    >>> ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=3, min_lr=1e-5)
    ReduceLROnPlateau(factor=0.5, patience=3, min_lr=1e-05)
    """

    monitor: str = "val_loss"
    factor: float = 0.1
    patience: int = 10
    verbose: int = 0
    mode: str = "auto"
    min_delta: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0

    old_spellings: ClassVar[dict[str, str]] = {"epsilon": "min_delta"}

    def __post_init__(self) -> None:
        super().__init__()
        if not 0 <= self.factor < 1:
            raise ValueError(
                f"ReduceLROnPlateau does not support a factor >= 1.0 or below 0. Received "
                f"factor={self.factor}. 0.1 divides the learning rate by ten."
            )
        self._check_monitor()
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget an earlier fit."""
        self._reset()
        self._begin_watching()
        check_settable(self)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log the learning rate, compare the epoch with the best, and lower the rate if due."""
        if self.monitor_op is None:
            self._set_monitor_op()
        logs = {} if logs is None else logs
        rates = learning_rates(self.model.optimizer).values()
        logs.update(current_rates(self.model.optimizer))
        current = self._watched(epoch, logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                lowered = [self._reduce(each, epoch) for each in rates]
                if any(lowered):
                    self.cooldown_counter = self.cooldown
                    self.wait = 0

    def _reduce(self, optimizer: Any, epoch: int) -> bool:
        old = float(optimizer.learning_rate)
        if old <= np.float32(self.min_lr):
            return False
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        if self.verbose > 0:
            which = f" {optimizer.name}" if hasattr(self.model.optimizer, "optimizers") else ""
            say(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing{which} learning rate to {new:.6g}.")
        return True

    def in_cooldown(self) -> bool:
        """Whether a reduction is so recent that epochs do not count as waiting."""
        return self.cooldown_counter > 0

    def on_train_end(self, logs: Any = None) -> None:
        """Warn if the monitored entry never came."""
        self._warn_if_never_seen(logs)

    def get_state(self) -> dict[str, Any]:
        """Best value, and the epochs waited."""
        return {name: getattr(self, name) for name in ("best", "wait", "cooldown_counter")}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on waiting where an earlier training was."""
        for name, value in state.items():
            setattr(self, name, value)


@register
@dataclass(eq=False, repr=False)
class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of every epoch.

    The epoch's learning rate is added to the logs as ``learning_rate``. With a `MultiOptimizer`
    the function is asked for each of its optimizers.

    Parameters
    ----------
    schedule : callable
        ``schedule(epoch, lr)`` or ``schedule(epoch)``: from the epoch, counted from 0, and the
        learning rate so far to the new one.
    verbose : int
        1 says what is set.

    Raises
    ------
    TypeError
        If `schedule` cannot be called.
    ValueError
        If it does not return a number or, when training begins, the optimizer's own learning
        rate is a schedule.

    Examples
    --------
    >>> def slower(epoch, lr):
    ...     return lr if epoch < 10 else lr * 0.9
    >>> LearningRateScheduler(slower).get_config()
    {'schedule': 'slower', 'verbose': 0}
    """

    schedule: Callable[..., Any]
    verbose: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        if not callable(self.schedule):
            raise TypeError(
                f"LearningRateScheduler's `schedule` must be a function of the epoch and the "
                f"learning rate but got {self.schedule!r}."
            )
        self._takes_rate = _takes_two(self.schedule)

    def on_train_begin(self, logs: Any = None) -> None:
        """See that the learning rate can be set."""
        check_settable(self)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the learning rate."""
        for optimizer in learning_rates(self.model.optimizer).values():
            rate = self._next(epoch, float(optimizer.learning_rate))
            optimizer.learning_rate = rate
            if self.verbose > 0:
                which = f"{optimizer.name} " if hasattr(self.model.optimizer, "optimizers") else ""
                say(
                    f"Epoch {epoch + 1}: LearningRateScheduler setting {which}learning rate to "
                    f"{rate:.6g}."
                )

    def _next(self, epoch: int, rate: float) -> float:
        new = self.schedule(epoch, rate) if self._takes_rate else self.schedule(epoch)
        if np.ndim(new) or np.asarray(new).dtype.kind not in "fiu":
            hint = " Does it end with `return`?" if new is None else ""
            raise ValueError(
                f"The output of the `schedule` function should be a float. Got: {new!r} for epoch "
                f"{epoch}.{hint}"
            )
        new = float(new)
        if not (math.isfinite(new) and new >= 0):
            raise ValueError(
                f"The `schedule` function of LearningRateScheduler returned {new} for epoch "
                f"{epoch}: a learning rate must be finite and not negative."
            )
        return new

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log the learning rate."""
        if logs is not None:
            logs.update(current_rates(self.model.optimizer))


def _takes_two(schedule: Callable[..., Any]) -> bool:
    """Whether a function takes the learning rate besides the epoch."""
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # no signature to be had
        return True
    return True
