"""ModelCheckpoint: writes the model, or its weights, to files along the way."""

from __future__ import annotations

import os
import string
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasish.callbacks.files import path_of, prepared
from kerasish.callbacks.monitor import MonitorCallback
from kerasish.display import say
from kerasish.errors import brief, did_you_mean, warn
from kerasish.registry import register
from kerasish.saving.weights import FOREIGN
from kerasish.spellings import Entries

WHOLE = (".keras", ".h5", ".hdf5")
WEIGHTS = (".weights.h5", ".h5", ".hdf5")


class UnknownNameError(KeyError):
    """A KeyError that shows its message as it is."""

    def __str__(self) -> str:
        return str(self.args[0])


@register
@dataclass(eq=False, repr=False)
class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after epochs or batches: always, or when it is the best.

    Files are written atomically: a process that is killed leaves the old one or the new one.

    Parameters
    ----------
    filepath : str or PathLike
        Where to; folders are made. ``{epoch:02d}`` (counted from 1), ``{batch}`` (with a
        `save_freq` in batches) and any entry of the logs, as ``{val_loss:.2f}``, are filled in.
        Ends in ``.keras``, ``.h5`` or ``.hdf5``; for weights in ``.weights.h5`` (which has the
        optimizer's state too), ``.h5`` or ``.hdf5``.
    monitor : str
        Entry of the logs that decides on the best.
    verbose : int
        1 says what is saved.
    save_best_only : bool
        Save only when `monitor` beats its best so far. Epochs that are not validated are passed
        over if it is the validation's.
    save_weights_only : bool
        `model.save_weights` in place of `model.save`.
    mode : {"auto", "min", "max"}
        Whether the value is to fall or to rise; "auto" asks the metric.
    save_freq : "epoch" or int
        After every epoch, or every so many batches, counted through all epochs.
    initial_value_threshold : float, optional
        The value to beat for the first file.
    period : int, optional
        Keras 2's way to save after every so many epochs only.

    Attributes
    ----------
    best : float or None
        Best value so far. It goes on from fit to fit, and is remembered after a resume.

    Raises
    ------
    ValueError
        For an ending that stands for another format.
    OSError
        When `fit` begins, if the folder cannot be written to.
    KeyError
        When `fit` begins, if `filepath` names an entry that the logs will not have.

    Examples
    --------
    >>> import tempfile, kerasish as ks
    >>> folder = tempfile.mkdtemp()
    >>> model = ks.Sequential([ks.layers.Dense(1)]).compile("sgd", "mse")
    >>> keep = ModelCheckpoint(f"{folder}/weights.{{epoch:02d}}.hdf5", save_weights_only=True)
    >>> _ = model.fit(np.ones((8, 2)), np.ones(8), epochs=2, callbacks=[keep], verbose=0)
    >>> sorted(os.listdir(folder))
    ['weights.01.hdf5', 'weights.02.hdf5']
    """

    filepath: Any
    monitor: str = "val_loss"
    verbose: int = 0
    save_best_only: bool = False
    save_weights_only: bool = False
    mode: str = "auto"
    save_freq: Any = "epoch"
    initial_value_threshold: float | None = None
    period: int | None = field(default=None, kw_only=True, metadata={"private": True})

    min_delta = 0.0
    first_rank_only = True

    def __post_init__(self) -> None:
        super().__init__()
        self.filepath = path_of(self.filepath, "ModelCheckpoint")
        self._check_ending()
        for name in ("save_freq", "period"):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not (whole and value > 0) and value not in ("epoch", None):
                raise ValueError(
                    f"ModelCheckpoint: `save_freq` must be 'epoch' or a number of batches from 1 "
                    f"on, but {name} is {brief(value)}."
                )
        if self.period is not None:
            warn(
                "ModelCheckpoint: `period` is Keras 2's. Use `save_freq`, which is 'epoch' or "
                "counts batches.",
                DeprecationWarning,
            )
        self._check_monitor()
        self._fields = _fields(self.filepath)
        self.best = self.initial_value_threshold
        self._epoch = 0
        self._since = 0  # epochs or batches since the last file

    def _check_ending(self) -> None:
        ends = WEIGHTS if self.save_weights_only else WHOLE
        ending = os.path.splitext(self.filepath)[1].lower()
        known = {".keras", *FOREIGN}
        if self.save_weights_only:  # names of TensorFlow's are taken for weights, in HDF5
            known -= {".ckpt", ".tf"}
        if ending in known and ending not in ends:
            what = "`save_weights_only=True`" if self.save_weights_only else "whole models"
            raise ValueError(
                f"ModelCheckpoint: with {what} the filepath must end in one of {', '.join(ends)}. "
                f"Received: filepath={self.filepath}"
            )

    # --- hooks --------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        """See that the files can be written and have names."""
        if self.save_best_only and self.save_freq == "epoch":
            self._begin_watching()
        elif self.save_best_only:
            self._set_monitor_op()
        literal = self.filepath.partition("{")[0]
        probe = os.path.join(os.path.dirname(literal), "{") if self._fields else self.filepath
        prepared(probe, "ModelCheckpoint", shown=self.filepath)
        self._check_fields()

    def _check_fields(self) -> None:
        """Refuse names in the filepath that nothing will be filled in for."""
        company, by_epoch = self._company, self.save_freq == "epoch"
        if company is None or company.reports is None:
            return
        known = [key for key in company.reports if by_epoch or not key.startswith("val_")]
        known += ["epoch"] if by_epoch else ["epoch", "batch"]
        for name in self._fields:
            late = not by_epoch and name.startswith("val_")  # validation comes after the batches
            mistaken = name == "batch" or late or not company.expects(name, self)
            if name not in known and mistaken:
                raise self._unknown(name, known)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save every `save_freq` batches."""
        if self.save_freq == "epoch":
            return
        self._since += 1
        if self._since >= self.save_freq:
            self._since = 0
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save after the epoch."""
        if self.save_freq != "epoch":
            return
        self._since += 1
        if self._since >= (self.period or 1):
            self._since = 0
            self._save(epoch, None, logs or {})

    # --- saving -------------------------------------------------------------------------------

    def _save(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> None:
        told: list[str] = []
        if self.save_best_only and not self._is_best(epoch, logs, told):
            self._say(epoch, told)
            return
        path = self._path(epoch, batch, logs)
        self._say(epoch, [*told, f"saving model to {path}"])
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _say(self, epoch: int, told: list[str]) -> None:
        if self.verbose > 0:
            say(f"Epoch {epoch + 1}: {', '.join(told)}")

    def _is_best(self, epoch: int, logs: dict[str, Any], told: list[str]) -> bool:
        """Whether to save; where there is no single number to compare, always, as Keras does."""
        shape = np.shape(logs.get(self.monitor, 0))
        if shape:
            warn(
                f"ModelCheckpoint: Can save best model only when `monitor` is a scalar value, but "
                f"'{self.monitor}' is an array of shape {shape}. Saving every time. Give the "
                f"metric average='macro', say."
            )
            return True
        current = self._watched(epoch, logs)
        if current is None:
            told.append(f"no {self.monitor}")
            name, company = self.monitor, self._company
            if company is None or not company.expects(name, self):
                return True
            return not company.may_bring(name, epoch, self)
        best = "None" if self.best is None else f"{self.best:.5f}"
        if self._is_improvement(current, self.best):
            told.append(f"{self.monitor} improved from {best} to {current:.5f}")
            self.best = current
            return True
        told.append(f"{self.monitor} did not improve from {best}")
        return False

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        known = {"epoch": epoch + 1} if batch is None else {"epoch": epoch + 1, "batch": batch + 1}
        try:
            return self.filepath.format_map(Entries({**known, **logs}))
        except KeyError as error:
            raise self._unknown(error.args[0], [*known, *logs]) from None

    def _unknown(self, name: str, known: Any) -> KeyError:
        return UnknownNameError(
            f"ModelCheckpoint: Failed to format the filepath '{self.filepath}': there is no "
            f"'{name}' to fill in.{did_you_mean(name, known)} There are: {', '.join(known)}."
        )

    def get_state(self) -> dict[str, Any]:
        """Best value, and what was counted since the last file."""
        return {"best": self.best, "since": self._since}

    def set_state(self, state: dict[str, Any]) -> None:
        """Know the best again."""
        self.best, self._since = state["best"], state["since"]


def _fields(filepath: str) -> list[str]:
    """Names in braces: ``["epoch"]`` of ``"{epoch:02d}.h5"``."""
    try:
        parsed = [name for _, name, _, _ in string.Formatter().parse(filepath) if name is not None]
    except ValueError as error:
        raise ValueError(
            f"ModelCheckpoint: '{filepath}' is no format of a path: {error}. Write braces that "
            f"are part of the name twice."
        ) from None
    names = [name.partition(".")[0].partition("[")[0] for name in parsed]
    if any(not name or name.isdigit() for name in names):
        raise ValueError(
            f"ModelCheckpoint: '{filepath}' has braces without a name. Write {{epoch:02d}} or "
            f"{{val_loss:.2f}}."
        )
    return names
