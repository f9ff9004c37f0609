"""CSVLogger: the metrics of every epoch in a file that spreadsheets and pandas read."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.callbacks.base import Callback
from kerasish.callbacks.files import LogFile, path_of
from kerasish.registry import register


@register
@dataclass(eq=False, repr=False)
class CSVLogger(Callback):
    """Writes the metrics of every epoch to a CSV file, flushed after each.

    The first column is the epoch, counted from 0, the others are the logs in alphabetical order.
    The columns are fixed by the first epoch; if that has no validation, columns ``val_*`` are
    added all the same, and ``NA`` stands where there is no value. A resumed training goes on in
    the same file: rows of epochs that are trained again are replaced.

    Parameters
    ----------
    filename : str or PathLike
        The file; its folder is made if needed.
    separator : str
        What stands between two columns.
    append : bool
        Whether to keep what is in the file already; then its columns are kept, too.

    Raises
    ------
    OSError
        When training begins, if the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
    >>> log = CSVLogger(path)
    >>> log.on_train_begin()
    >>> log.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.25})
    >>> log.on_train_end()
    >>> path.read_text().split()
    ['epoch,loss,val_loss', '0,0.5,0.25']
    """

    filename: Any
    separator: str = ","
    append: bool = False
    first_rank_only = True

    def __post_init__(self) -> None:
        super().__init__()
        if not isinstance(self.separator, str) or len(self.separator) != 1:
            raise ValueError(
                f"CSVLogger's `separator` must be a single character but got {self.separator!r}."
            )
        self.filename = path_of(self.filename, "CSVLogger")
        self.keys: list[str] | None = None
        self._log: LogFile | None = None
        self._writer: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_log": None, "_writer": None}

    def on_train_begin(self, logs: Any = None) -> None:
        """Open the file."""
        self.on_train_end()
        self.keys = None
        self._log = LogFile(self.filename, self, self.append, self._epoch_of)

    def _epoch_of(self, line: str) -> int | None:
        head = line.split(self.separator, 1)[0].strip('"')
        return int(head) if head.isdigit() else None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the epoch's row."""
        logs = logs or {}
        if self._log is None:
            raise ValueError("CSVLogger: the file is opened by `on_train_begin`; call it first.")
        self._log.begin(epoch)
        if self._writer is None:
            self._open_table(logs)
        row = {key: _cell(logs.get(key, "NA")) for key in self.keys or ()}
        self._writer.writerow({"epoch": epoch, **row})
        self._log.file.flush()

    def _open_table(self, logs: dict[str, Any]) -> None:
        assert self._log is not None
        file, fresh = self._log.file, self._log.is_empty
        if self.keys is None and not fresh:
            file.seek(0)
            header = next(csv.reader(file, delimiter=self.separator), [])
            self.keys = header[1:] if header[:1] == ["epoch"] else None
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        self._writer = csv.DictWriter(file, ["epoch", *self.keys], delimiter=self.separator)
        if fresh:
            self._writer.writeheader()

    def on_train_end(self, logs: Any = None) -> None:
        """Close the file."""
        if self._log is not None:
            self._log.close()
        self._log = self._writer = None

    def get_state(self) -> dict[str, Any]:
        """The columns, and where in the file this training begins."""
        keys = None if self.keys is None else list(self.keys)
        return {"keys": keys, "start": 0 if self._log is None else self._log.start}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on in the file; rows from the epoch on that comes next are dropped."""
        self.keys = state["keys"]
        if self._log is not None:
            self._log.resume(state.get("start", 0))


def _cell(value: Any) -> Any:
    """A value as Keras writes it: an array as ``"[1.0, 2.0]"``."""
    if np.ndim(value):
        return f'"[{", ".join(map(str, value))}]"'
    return value
