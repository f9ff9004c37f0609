"""Callbacks that end training: EarlyStopping and TerminateOnNaN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.callbacks.base import Callback
from kerasish.callbacks.monitor import MonitorCallback
from kerasish.display import say
from kerasish.registry import register


@register
@dataclass(eq=False, repr=False)
class EarlyStopping(MonitorCallback):
    """Ends training when a metric has stopped improving.

    A value is an improvement if it beats the best so far by more than `min_delta`. Training
    ends after `patience` epochs in a row without one.

    Parameters
    ----------
    monitor : str
        Name of the entry of the logs to watch.
    min_delta : float
        Changes up to this size do not count.
    patience : int
        Epochs without improvement to wait for.
    verbose : int
        1 says why training ended.
    mode : {"auto", "min", "max"}
        Whether the value is to fall or to rise; "auto" asks the metric.
    baseline : float, optional
        An improvement resets the waiting only if it beats this too.
    restore_best_weights : bool
        Whether to end with the weights of the best epoch. They are restored whenever training
        ends, also by the number of epochs or by Ctrl-C.
    start_from_epoch : int
        Epochs (from 0) before this one are not looked at.

    Attributes
    ----------
    stopped_epoch : int
        The epoch (from 0) at which training was stopped, 0 if it was not.
    best, best_epoch, wait : float or None, int, int
        Best value so far, its epoch, and the epochs waited since.

    Raises
    ------
    ValueError
        After the first epoch, if `mode` is "auto" and the metric declares no direction.

    Examples
    --------
    >>> stop = EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
    >>> stop
    EarlyStopping(patience=3, restore_best_weights=True)
    """

    monitor: str = "val_loss"
    min_delta: float = 0
    patience: int = 0
    verbose: int = 0
    mode: str = "auto"
    baseline: float | None = None
    restore_best_weights: bool = False
    start_from_epoch: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self._check_monitor()
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: list[np.ndarray] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget an earlier fit."""
        self._reset()
        self._begin_watching()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare the epoch with the best so far."""
        if self.monitor_op is None:
            self._set_monitor_op()
        if epoch < self.start_from_epoch:
            return
        current = self._watched(epoch, logs or {})
        if current is None:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Restore the best weights, if asked to."""
        self._warn_if_never_seen(logs)
        if self.stopped_epoch > 0 and self.verbose > 0:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                say(
                    "Restoring model weights from the end of the best epoch: "
                    f"{self.best_epoch + 1}."
                )
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs: Any) -> Any:
        """The monitored entry of `logs`; warns if there is none."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            self._warn_missing(logs or {})
        return value

    def get_state(self) -> dict[str, Any]:
        """Best value and weights, and the epochs waited."""
        names = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")
        return {name: getattr(self, name) for name in names}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on waiting where an earlier training was."""
        for name, value in state.items():
            setattr(self, name, value)


@register
@dataclass(eq=False, repr=False)
class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite.

    `fit` looks for non-finite values itself, before they reach the weights, and names the
    layer; this callback is for loops of your own and for scripts that pass it.

    Parameters
    ----------
    raise_error : bool
        True raises instead of setting ``model.stop_training``.

    Raises
    ------
    RuntimeError
        If `raise_error` is True and the loss is not finite.

    Examples
    --------
    >>> TerminateOnNaN(raise_error=True).on_batch_end(3, {"loss": float("nan")})
    Traceback (most recent call last):
        ...
    RuntimeError: NaN or Inf loss encountered at batch 3 (loss = nan). ...
    """

    raise_error: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or np.all(np.isfinite(loss)):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch} (loss = {loss}). "
                "Lower the learning rate, clip the gradients, or look for NaN in the data."
            )
        say(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
