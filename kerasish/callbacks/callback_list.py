"""CallbackList: how a loop calls its callbacks, and what happens when one of them raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kerasish.callbacks.base import HOOKS, Callback, History, find_hook, plain_logs
from kerasish.callbacks.progress import ProgressBar

Hook = tuple[Any, Callable[..., None]]


def _flatten(callbacks: Any) -> Iterator[Callback]:
    """Yield the callbacks of nested lists, each checked."""
    if callbacks is None:
        return
    if type(callbacks) is CallbackList:
        callbacks = callbacks.callbacks
    if isinstance(callbacks, dict):
        callbacks = callbacks.values()
    elif not isinstance(callbacks, list | tuple):
        callbacks = [callbacks]
    for item in callbacks:
        if isinstance(item, list | tuple | dict) or type(item) is CallbackList:
            yield from _flatten(item)
        else:
            yield _checked(item)


def _checked(item: Any) -> Any:
    if isinstance(item, type):
        mend = f"That is a class: make an instance of it, {item.__name__}()."
    elif isinstance(item, Callback) or all(
        callable(getattr(item, name, None)) for name in ("set_params", "set_model")
    ):
        return item  # whatever quacks like a callback (one of Keras's own) is taken too
    elif item is None:
        mend = "Leave it out of the list."
    elif isinstance(item, str):
        mend = "Pass the object: kerasish.callbacks.EarlyStopping(...), say."
    elif callable(item) and not hasattr(item, "registry_kind"):
        mend = "Wrap the function: LambdaCallback(on_epoch_end=function)."
    else:
        mend = f"Derive {type(item).__name__} from kerasish.callbacks.Callback."
    raise TypeError(f"`callbacks` must hold instances of Callback but got {item!r}. {mend}")


def _blame(error: BaseException, owner: Any, hook: str, *where: int) -> None:
    """Note on `error` which callback raised it; the exception itself stays what it is."""
    place = "".join(f", {'epoch' if 'epoch' in hook else 'batch'} {index}" for index in where)
    error.add_note(f"Raised by the callback {type(owner).__name__} in {hook}{place}.")


class CallbackList(Callback):
    """Calls several callbacks as one.

    Only hooks that a callback really has are called; they are found when something begins, so
    a hook that nobody has costs one look. `logs` may be a function without arguments: it is
    called only where some callback wants them.

    When a hook raises, the same exception goes on with the callback's name as a note.
    ``on_*_begin`` and ``on_*_end`` reach every callback even then, so that what one opens is
    closed; the first exception is raised when all have had their turn.

    Parameters
    ----------
    callbacks : Callback or list, optional
        Instances, in nested lists if you like.
    add_history, add_progbar : bool
        Whether to add a `History` and a `ProgressBar` unless one is there.
    model : Sequential, optional
        Given to every callback.
    speaks : bool
        False on all ranks of an MPI job but the first: leaves out the callbacks that are
        `first_rank_only`.
    **params
        ``verbose``, ``epochs`` and ``steps``, given to every callback.

    Attributes
    ----------
    callbacks : list
        In the order of their calls: the user's, History, ProgressBar, those that come last.
    history, progress : Callback or None
        The `History` and the `ProgressBar` among them.
    validates : callable, optional
        Set by the trainer: whether epoch number ``epoch`` (from 0) is followed by validation.
    fit_state : FitState, optional
        Set by the trainer: where the fit stands, for `BackupAndRestore`.
    error : BaseException or None
        What has ended the loop before its time.
    reports : list of str, optional
        Set by the trainer: the names of what it puts into the logs of an epoch.
    stopped_by : str or None
        Name of the callback that has set ``model.stop_training``.

    Raises
    ------
    TypeError
        If something in the list is no callback, such as a class instead of an instance.

    Examples
    --------
    A loop of your own; `end` closes the callbacks after an error as well:

    >>> from kerasish.callbacks import LambdaCallback
    >>> show = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
    >>> callbacks = CallbackList([show], add_history=True, epochs=1)
    >>> callbacks.on_train_begin()
    >>> try:
    ...     callbacks.on_epoch_end(0, {"loss": 0.5})
    ... except BaseException as error:
    ...     callbacks.end(error=error)
    ...     raise
    ... else:
    ...     callbacks.end({"loss": 0.5})
    0 {'loss': 0.5}
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        speaks: bool = True,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Any] = [
            c for c in _flatten(callbacks) if speaks or not getattr(c, "first_rank_only", False)
        ]
        self.speaks = speaks
        self.history: History | None = self._find(History)
        self.progress: ProgressBar | None = self._find(ProgressBar)
        self.validates: Callable[[int], bool] | None = None
        self.fit_state: Any = None
        self.error: BaseException | None = None
        self.reports: list[str] | None = None
        self.stopped_by: str | None = None
        if add_history and self.history is None:
            self.history = History()
            self.callbacks.append(self.history)
        if add_progbar and self.progress is None:
            self.progress = ProgressBar()
            self.callbacks.append(self.progress)
        self._begun: dict[str, list[Any]] = {}
        self._prepare()
        self.set_model(model)
        self.set_params(params)

    def _find(self, cls: type) -> Any:
        return next((c for c in reversed(self.callbacks) if isinstance(c, cls)), None)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end of the list."""
        self.callbacks.append(_checked(callback))
        self.history = self._find(History)
        self.progress = self._find(ProgressBar)
        if self.model is not None:
            callback.set_model(self.model)
        if self.params:
            callback.set_params(self.params)
        self._prepare()

    def set_params(self, params: Any) -> None:
        """Give every callback the parameters of the fit."""
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Give every callback the model; its `history` becomes this list's."""
        if model is None:
            return
        self._model = model
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def _prepare(self) -> None:
        """Find out which callback really has which hook, and the order of their calls."""
        self.callbacks.sort(key=lambda c: bool(getattr(c, "comes_last", False)))
        self._hooks: dict[str, list[Hook]] = {
            name: [(c, h) for c in self.callbacks if (h := find_hook(c, name)) is not None]
            for name in HOOKS
        }
        self._wants_logs = {
            name: any(not getattr(c, "takes_lazy_logs", False) for c, _ in hooks)
            for name, hooks in self._hooks.items()
        }
        self._foreign = [
            c
            for c, h in self._hooks["on_epoch_end"]
            if not (getattr(h, "__module__", None) or "").startswith("kerasish.")
        ]
        for callback in self.callbacks:
            if isinstance(callback, Callback):
                callback._company = self

    def wants(self, hook: str) -> bool:
        """Whether any callback has this hook: the loop may skip the work of calling it."""
        return bool(self._hooks[hook])

    def expects(self, key: str, asking: Any) -> bool:
        """Whether the logs will, or may, get `key`: as far as that is known before training."""
        if self.reports is None or key in self.reports or key.startswith("learning_rate"):
            return True
        return any(c is not asking for c in self._foreign)

    def may_bring(self, key: str, epoch: int, asking: Any) -> bool:
        """Whether the logs may yet get `key`: by a user's callback or a later validation."""
        if any(c is not asking for c in self._foreign):
            return True
        return key.startswith("val_") and self.validates is not None and not self.validates(epoch)

    def _call(self, name: str, *args: Any, **kwargs: Any) -> None:
        for owner, hook in self._hooks[name]:
            try:
                hook(*args, **kwargs)
            except Exception as error:
                _blame(error, owner, name, *(a for a in args if isinstance(a, int)))
                raise
            if self.stopped_by is None and getattr(self._model, "stop_training", False):
                self.stopped_by = type(owner).__name__

    def _after_batch(self, name: str, batch: int, logs: Any) -> None:
        if self._hooks[name]:
            if self._wants_logs[name]:
                logs = plain_logs(logs() if callable(logs) else logs)
            self._call(name, batch, logs=logs)

    def _begin(self, kind: str, logs: Any) -> None:
        name = f"on_{kind}_begin"
        self._prepare()
        begun = self._begun[kind] = []
        first: Exception | None = None
        for callback in self.callbacks:
            begun.append(callback)
            try:
                getattr(callback, name, _nothing)(plain_logs(logs))
            except Exception as error:
                _blame(error, callback, name)
                first = _join(first, error)
        self._prepare()  # a callback may have given itself hooks
        if first is not None:
            raise first

    def end(
        self, logs: Any = None, error: BaseException | None = None, kind: str = "train"
    ) -> BaseException | None:
        """Give every callback that began its ``on_<kind>_end``, once, whatever happens.

        Parameters
        ----------
        logs : dict, optional
            The last epoch's metrics.
        error : BaseException, optional
            What ended the loop early. It is not raised here: raise it again after this call.
            What the callbacks raise now is added to it as notes.
        kind : {"train", "test", "predict"}
            Which loop has ended.

        Returns
        -------
        BaseException or None
            With an `error` given, the first exception that a callback raised now.

        Raises
        ------
        Exception
            The first that a callback raised now, if no `error` was given.
        """
        name = f"on_{kind}_end"
        own: BaseException | None = None
        self.error = error
        callbacks, self._begun[kind] = self._begun.get(kind, self.callbacks), []
        logs = plain_logs(logs)
        for callback in callbacks:
            try:
                getattr(callback, name, _nothing)(logs)
            except BaseException as raised:
                _blame(raised, callback, name)
                own = _join(own, raised)
                self.error = self.error or raised
                if error is not None:
                    _join(error, raised)
        if error is None and own is not None:
            raise own
        return own

    def on_train_begin(self, logs: Any = None) -> None:
        """Call `on_train_begin` of all."""
        self.stopped_by = None
        self._begin("train", logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Call `on_train_end` of all that began; see `end`."""
        self.end(logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Call `on_test_begin` of all."""
        self._begin("test", logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Call `on_test_end` of all that began; see `end`."""
        self.end(logs, kind="test")

    def on_predict_begin(self, logs: Any = None) -> None:
        """Call `on_predict_begin` of all."""
        self._begin("predict", logs)

    def on_predict_end(self, logs: Any = None) -> None:
        """Call `on_predict_end` of all that began; see `end`."""
        self.end(logs, kind="predict")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Call `on_epoch_begin` of those who have it."""
        self._call("on_epoch_begin", epoch, plain_logs(logs))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Call `on_epoch_end` of those who have it; all share one dict and may add to it."""
        if self.progress is not None and self._foreign:
            self.progress.make_room()
        self._call("on_epoch_end", epoch, plain_logs(logs() if callable(logs) else logs))

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Call `on_batch_begin` of those who have it."""
        self._call("on_batch_begin", batch, logs=plain_logs(logs))

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Call `on_batch_end` of those who have it."""
        self._after_batch("on_batch_end", batch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Call `on_train_batch_begin` of those who have it."""
        if self._hooks["on_train_batch_begin"]:
            self._call("on_train_batch_begin", batch, logs=plain_logs(logs))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Call `on_train_batch_end` of those who have it."""
        self._after_batch("on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Call `on_test_batch_begin` of those who have it."""
        if self._hooks["on_test_batch_begin"]:
            self._call("on_test_batch_begin", batch, logs=plain_logs(logs))

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Call `on_test_batch_end` of those who have it."""
        self._after_batch("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Call `on_predict_batch_begin` of those who have it."""
        if self._hooks["on_predict_batch_begin"]:
            self._call("on_predict_batch_begin", batch, logs=plain_logs(logs))

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Call `on_predict_batch_end` of those who have it; `logs` is passed as it is."""
        if self._hooks["on_predict_batch_end"]:
            self._call("on_predict_batch_end", batch, logs=logs)


def _nothing(logs: Any) -> None:
    """Stands for a hook that a foreign callback does not have."""


def _join(first: Any, raised: Any) -> Any:
    """The exception to raise when `raised` comes after `first`."""
    if first is None or first is raised:
        return raised
    notes = " ".join(getattr(raised, "__notes__", ()))
    first.add_note(f"After it came {type(raised).__name__}: {raised} {notes}")
    return first
