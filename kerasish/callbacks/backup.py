"""BackupAndRestore: a training that is killed goes on where it was."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.callbacks.base import Callback
from kerasish.data.snapshot import marks
from kerasish.display import say
from kerasish.errors import brief, warn
from kerasish.registry import register
from kerasish.saving.state_file import DamagedFileError, read_state, write_state

NAME = re.compile(r"backup-(\d{6,})\.npz")
LEFTOVER = re.compile(r"\.backup-\d{6,}\.npz\.[0-9a-f]{16}\.tmp")


@register
@dataclass(eq=False, repr=False)
class BackupAndRestore(Callback):
    """Backs up the training, so that a killed script, started again, goes on where it was.

    Weights and History end up the same, to the bit, as if nothing had happened. Stored are epoch
    and batch, weights, optimizer, random numbers, the loss and metrics of the epoch so far, the
    History, and what the other callbacks remember (see `Callback.get_state`). Arrays, HDF5 files
    and a `PyDataset` are read from the right batch on; generators and other iterables are run up
    to it. The first backup is made before the first batch, and at the normal end of the
    training all are deleted. After Ctrl-C and errors they stay.

    Parameters
    ----------
    backup_dir : str or PathLike
        Folder for the backups of this one training; made if it is not there.
    save_freq : "epoch" or int
        After every epoch, or every so many batches.
    double_checkpoint : bool
        Accepted for Keras's sake: the newest two backups are always kept. If the newer one cannot
        be read, a warning says so and the older one is taken.
    delete_checkpoint : bool
        Whether the backups are deleted at the end.

    Raises
    ------
    OSError
        When `fit` begins, if the folder cannot be written to.
    ValueError
        When `fit` begins, if the backup is of another model or optimizer, was made within an
        epoch of other data, or if no backup that is there can be read.

    Warns
    -----
    UserWarning
        If a backup is damaged; if the model, the optimizer, the data or the number of threads
        are not those of the backup; if a callback without `get_state` changes its attributes.

    Examples
    --------
    >>> import tempfile, kerasish as ks
    >>> model = ks.Sequential([ks.layers.Dense(1)], seed=0).compile("sgd", "mse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     safe = BackupAndRestore(f"{folder}/backup", delete_checkpoint=False)
    ...     _ = model.fit(np.ones((8, 2)), np.ones(8), epochs=2, callbacks=[safe], verbose=0)
    ...     again = model.fit(np.ones((8, 2)), np.ones(8), epochs=3, callbacks=[safe], verbose=0)
    >>> again.epoch
    [0, 1, 2]
    """

    backup_dir: Any
    save_freq: Any = "epoch"
    double_checkpoint: bool = False
    delete_checkpoint: bool = True
    comes_last = True
    first_rank_only = True

    def __post_init__(self) -> None:
        super().__init__()
        if not isinstance(self.backup_dir, str | os.PathLike) or not os.fspath(self.backup_dir):
            raise ValueError(
                f"BackupAndRestore: `backup_dir` must be the path of a folder but is "
                f"{brief(self.backup_dir)}."
            )
        freq = self.save_freq
        whole = isinstance(freq, int | np.integer) and not isinstance(freq, bool) and freq > 0
        if freq != "epoch" and not whole:
            raise ValueError(
                f"BackupAndRestore: `save_freq` must be 'epoch' or a number of batches from 1 on "
                f"but is {brief(freq)}."
            )
        self._number = 0  # of the newest backup
        self._batches = 0  # since it was made
        self._epoch = 0
        self._about: dict[str, Any] = {}
        self._marks: dict[int, dict[str, Any]] = {}

    # --- hooks --------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        """Go on from the newest backup, or make the first one."""
        fit = self._fit_state()
        self._about, self._batches = fit.about(), 0
        self._marks = {id(c): marks(c) for c in self._forgetful()}
        self._prepare_folder()
        found = self._newest()
        if found is None:
            self._save(fit.epoch, 0)
            return
        name, content = found
        fit.resume_from(content["fit"], content["about"])
        if (self.params or {}).get("verbose") != 0:
            epoch, batch = content["fit"]["epoch"], content["fit"]["batch"]
            within = f", batch {batch}" if batch else ""
            say(f"Resuming from epoch {epoch + 1}{within} ({name}).")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Back up every `save_freq` batches."""
        if self.save_freq == "epoch" or not self._fit_state().finite:
            return
        self._batches += 1
        if self._batches >= self.save_freq:
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Back up the epoch."""
        if self.save_freq == "epoch":
            self._save(epoch + 1, 0)

    def on_train_end(self, logs: Any = None) -> None:
        """Delete the backups, unless an error or Ctrl-C has ended the training."""
        ended_well = self._company is not None and self._company.error is None
        if not self.delete_checkpoint or not ended_well:
            return
        for _, name in self._backups():
            os.remove(os.path.join(self.backup_dir, name))
        with contextlib.suppress(OSError):  # other files are there
            os.rmdir(self.backup_dir)

    # --- files --------------------------------------------------------------------------------

    def _fit_state(self) -> Any:
        state = None if self._company is None else self._company.fit_state
        if state is None:
            raise RuntimeError(
                "BackupAndRestore works within fit(): pass it as fit(..., callbacks=[...]). In a "
                "loop of your own save and load the weights yourself."
            )
        return state

    def _prepare_folder(self) -> None:
        try:
            os.makedirs(self.backup_dir, exist_ok=True)
            entries = os.listdir(self.backup_dir)
            with tempfile.TemporaryFile(dir=self.backup_dir):  # can it be written to?
                pass
        except OSError as error:
            raise type(error)(
                error.errno,
                f"BackupAndRestore cannot use the folder '{self.backup_dir}': {error.strerror}. "
                f"Give `backup_dir` a folder that can be written to",
            ) from error
        for name in entries:
            if LEFTOVER.fullmatch(name):  # of a process that was killed while it wrote
                with contextlib.suppress(OSError):
                    os.remove(os.path.join(self.backup_dir, name))

    def _backups(self) -> list[tuple[int, str]]:
        """Numbers and names of the backups that are there, the newest first."""
        found = [(m, name) for name in os.listdir(self.backup_dir) if (m := NAME.fullmatch(name))]
        return sorted(((int(m[1]), name) for m, name in found), reverse=True)

    def _newest(self) -> tuple[str, dict[str, Any]] | None:
        """The newest backup that can be read."""
        backups = self._backups()
        reasons = []
        self._number = backups[0][0] if backups else 0
        for _, name in backups:
            path = os.path.join(self.backup_dir, name)
            try:
                content = read_state(path)
            except (OSError, DamagedFileError) as error:
                reasons.append(str(error))
                continue
            if reasons:
                warn(
                    f"BackupAndRestore: {'; '.join(reasons)}. Going on from the backup before, "
                    f"'{name}'."
                )
            return name, content
        if reasons:
            raise ValueError(
                f"BackupAndRestore: no backup in '{self.backup_dir}' can be read: "
                f"{'; '.join(reasons)}. Delete the folder to train from the beginning."
            )
        return None

    def _save(self, epoch: int, batch: int) -> None:
        """Write a new backup, then delete the one before the last."""
        self._warn_of_forgetful()
        self._batches = 0
        content = {"fit": self._fit_state().get_state(epoch, batch), "about": self._about}
        number = self._number + 1
        try:
            write_state(os.path.join(self.backup_dir, f"backup-{number:06d}.npz"), content)
        except TypeError as error:
            raise TypeError(
                f"BackupAndRestore: what is to be stored holds something that cannot be: {error} "
                f"Mend the get_state() that returns it."
            ) from None
        self._number = number
        for old, name in self._backups():
            if old < number - 1:
                os.remove(os.path.join(self.backup_dir, name))

    # --- callbacks that cannot be resumed -----------------------------------------------------

    def _forgetful(self) -> list[Any]:
        """Users' callbacks without `get_state`."""
        listed = [] if self._company is None else self._company.callbacks
        return [
            c
            for c in listed
            if not (type(c).__module__.startswith("kerasish.") or isinstance(c, BackupAndRestore))
            and getattr(type(c), "get_state", Callback.get_state) is Callback.get_state
        ]

    def _warn_of_forgetful(self) -> None:
        for callback in self._forgetful():
            before = self._marks.pop(id(callback), None)
            if before is None:  # has been warned of
                continue
            now = marks(callback)
            changed = sorted(k for k in now if k not in before or now[k] != before[k])
            if not changed:
                self._marks[id(callback)] = before
                continue
            warn(
                f"BackupAndRestore: the callback {type(callback).__name__} changes "
                f"{', '.join(f'self.{key}' for key in changed)} during training, which no backup "
                f"holds: resumed, it begins anew. Give it get_state() and set_state(state)."
            )
