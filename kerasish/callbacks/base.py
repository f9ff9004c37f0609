"""What a callback is, and the two that every script meets: History and LambdaCallback."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import errors
from kerasish.registry import Configurable, register
from kerasish.spellings import Entries
from kerasish.viz.runs import declared_directions, read_runs, run_of_logs
from kerasish.viz.web.notebook import curves_html

if TYPE_CHECKING:
    from kerasish.callbacks.callback_list import CallbackList

Logs = dict[str, Any]


def plain_logs(logs: Any) -> Logs:
    """Return `logs` as a new dict in alphabetical order, its scalars as Python floats.

    Array-valued metrics stay arrays (copies), nested dicts are flattened.

    >>> plain_logs({"loss": np.float32(0.5), "accuracy": 1})
    {'accuracy': 1.0, 'loss': 0.5}
    """
    plain: Logs = Entries()
    for key in sorted(logs or ()):
        value = logs[key]
        if type(value) is float:
            plain[key] = value
        elif isinstance(value, dict):
            plain.update(plain_logs(value))
        elif isinstance(value, str) or value is None:
            plain[key] = value
        elif np.ndim(value) == 0:
            plain[key] = float(value)
        else:
            plain[key] = np.array(value)
    return plain


class Callback(Configurable):
    """Base class of callbacks: override the hooks that you need, the others cost nothing.

    Pass instances to `fit`, `evaluate` or `predict`. Hooks get `logs`, a dict of plain floats
    (arrays for array-valued metrics). ``self.model.stop_training = True`` in any hook ends
    training after the current batch. `on_train_end` comes after errors and Ctrl-C too. An
    exception raised in a hook ends training and reaches the caller as it is, with a note.

    Attributes
    ----------
    params : dict
        ``verbose``, ``epochs`` and ``steps`` (batches an epoch, None when unknown).
    model : Sequential
        The model being trained, evaluated or asked for predictions.
    comes_last : bool
        Class attribute: whether its hooks are called after those of all other callbacks.
    first_rank_only : bool
        Class attribute: whether it only looks on, prints or writes files, so that of the ranks of
        an MPI job one is enough to call it.

    Notes
    -----
    *Resuming.* What a callback has to remember when a killed training goes on in a later process
    is what `get_state` returns: a dict of JSON values, tuples and arrays. `BackupAndRestore` asks
    for it when all callbacks have had their `on_epoch_end` (or `on_train_batch_end`). The later
    process calls `on_train_begin`, then, for a backup from within an epoch, that epoch's
    `on_epoch_begin` once more, and then `set_state`.

    A callback that writes a log therefore empties or opens no file in `on_train_begin`, but at
    its first write: until then `set_state` may come. `get_state` flushes the file and returns
    where it ends, and `set_state` cuts it there and writes on behind, so that what a killed
    process had logged after its last backup is not there twice.

    Examples
    --------
    >>> class Threshold(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         if logs["accuracy"] > 0.95:
    ...             self.model.stop_training = True
    """

    registry_kind = "callback"
    takes_lazy_logs = False  # True: hooks take a function that makes the logs as well as a dict
    comes_last = False
    first_rank_only = False

    # Class-level defaults, so that a subclass may leave out super().__init__().
    params: Any = None
    _model: Any = None
    _company: CallbackList | None = None  # the list that calls this callback

    def __init__(self) -> None:
        self.params = None
        self._model = None

    def set_params(self, params: Any) -> None:
        """Store what `fit` was told: ``{"verbose", "epochs", "steps"}``."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Store the model that the hooks are called for."""
        self._model = model

    @property
    def model(self) -> Any:
        """The model that the hooks are called for."""
        return self._model

    def get_state(self) -> dict[str, Any]:
        """What a resumed training needs: a dict of JSON values, tuples and arrays."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what `get_state` returned, after `on_train_begin` (see the notes)."""

    def __getstate__(self) -> dict[str, Any]:
        # Copies and pickles leave the model behind: fit sets it again.
        return {**self.__dict__, "_model": None, "_company": None}

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Older name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Called before an epoch of training; `epoch` counts from 0, `logs` is empty."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Called after an epoch; `logs` has the epoch's metrics and, validated, ``val_*``.

        Keys added to `logs` are seen by the callbacks that follow, History and the bar.
        """

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before a training batch; `batch` counts from 0 in each epoch."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after a training batch; `logs` has the epoch's metrics so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before a batch of `evaluate` or of validation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after a batch of `evaluate` or of validation."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after a batch of `predict`; ``logs["outputs"]`` are its predictions."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Called once when `fit` starts."""

    def on_train_end(self, logs: Any = None) -> None:
        """Called once when `fit` ends, also after an error; `logs` are the last epoch's."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Called when `evaluate` or a validation starts."""

    def on_test_end(self, logs: Any = None) -> None:
        """Called when `evaluate` or a validation ends; `logs` has its metrics."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Called when `predict` starts."""

    def on_predict_end(self, logs: Any = None) -> None:
        """Called when `predict` ends."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


def find_hook(callback: Any, name: str) -> Callable[..., None] | None:
    """Return the method that `callback` has for a hook, None where that would do nothing.

    >>> find_hook(Callback(), "on_epoch_end") is None
    True
    """
    hook = getattr(callback, name, None)
    if hook is not None and getattr(hook, "__func__", hook) is not getattr(Callback, name):
        return hook
    if name in ("on_train_batch_begin", "on_train_batch_end"):
        return find_hook(callback, name.replace("train_", ""))
    return None


@register
class History(Callback):
    """Records the metrics of every epoch; this is what `fit` returns.

    Attributes
    ----------
    history : dict of list
        One list an entry of the logs. ``val_*`` lists are shorter if `validation_freq` > 1.
    epoch : list of int
        The epochs recorded, counted from 0.
    params : dict
        ``verbose``, ``epochs`` and ``steps`` of the fit.
    interrupted : bool
        Whether training ended by Ctrl-C.

    Examples
    --------
    >>> history = History()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.history
    {'loss': [0.5]}
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = Entries()
        self.epoch: list[int] = []
        self.interrupted = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Start counting epochs."""
        self.epoch = []
        self.interrupted = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Append the epoch's metrics."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)
        if self.model is not None:
            self.model.history = self

    def _repr_html_(self) -> str:
        """The curves, for notebooks."""
        kept = {key: values for key, values in self.history.items() if _all_numbers(values)}
        run = read_runs(kept)[0] if kept else run_of_logs((), ())
        run.directions = declared_directions(self.model)
        return curves_html(run, "Interrupted." if self.interrupted else "")

    def get_state(self) -> dict[str, Any]:
        """The record so far."""
        history = {key: list(values) for key, values in self.history.items()}
        return {"epoch": list(self.epoch), "history": history}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on with an earlier record."""
        self.epoch = list(state["epoch"])
        self.history = Entries((key, list(values)) for key, values in state["history"].items())


def _all_numbers(values: Any) -> bool:
    try:
        return bool(np.asarray(values, dtype=float).size)
    except (TypeError, ValueError):
        return False


@register
class LambdaCallback(Callback):
    """A callback made of functions.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable, optional
        Called with ``(epoch, logs)``.
    on_train_begin, on_train_end : callable, optional
        Called with ``(logs)``.
    on_train_batch_begin, on_train_batch_end : callable, optional
        Called with ``(batch, logs=logs)``.
    **kwargs : callable
        Any other hook of `Callback`, by its name.

    Raises
    ------
    TypeError
        If a name is no hook of `Callback`, or something cannot be called.

    Examples
    --------
    >>> shout = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> shout.on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any] | None,
    ) -> None:
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in hooks.items():
            if name not in HOOKS:
                raise TypeError(
                    f"LambdaCallback got `{name}`, which is no hook of Callback."
                    f"{errors.did_you_mean(name, HOOKS)} Hooks: {', '.join(HOOKS)}."
                )
            if function is None:
                continue
            if not callable(function):
                raise TypeError(
                    f"LambdaCallback's `{name}` must be a function but got {function!r}. "
                    f"Pass the function itself, without calling it."
                )
            setattr(self, name, function)
