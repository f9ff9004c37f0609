"""What callbacks that write files share: early refusal, and logs that go on where training does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import IO, Any

from kerasish.atomic import atomic_write
from kerasish.callbacks.base import Callback


def path_of(path: Any, who: str) -> str:
    """Return a path as a string."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{who}: the path must be a string or a path but got {path!r}.")
    return os.fspath(path)


def prepared(path: Any, who: str, shown: str | None = None) -> str:
    """Return `path` as a string, its folder made, having seen that it can be written.

    Messages call it `shown`, if that is given.

    Raises
    ------
    OSError
        If it cannot; the message names the callback and the path.
    """
    path = path_of(path, who)
    shown = shown or path
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    try:
        if os.path.isdir(target):
            raise IsADirectoryError(f"it is a folder. Add a file name: '{os.path.join(path, who)}'")
        os.makedirs(folder, exist_ok=True)
        exists = os.path.exists(target)
        place = target if exists else folder
        if os.access(place, os.W_OK):  # which promises too much to root and on read-only disks
            try:
                with open(target, "ab") if exists else tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                error.filename = place
                raise
    except OSError as error:
        why = f"{error.strerror}: '{error.filename}'" if error.filename else str(error)
        raise type(error)(f"{who} cannot write '{shown}': {why}.") from None
    if not os.access(place, os.W_OK):
        what = "the file is write-protected" if exists else "no permission"
        raise PermissionError(f"{who} cannot write '{shown}': {what}.")
    return path


class LogFile:
    """A text file with one line an epoch, flushed as it grows.

    Parameters
    ----------
    path : str or PathLike
        The file.
    owner : Callback
        Named in messages.
    append : bool
        Whether to keep what is there. Otherwise `begin` empties the file, unless `resume` was
        called before.
    epoch_of : callable
        From a line to its epoch, or None for lines without.

    Attributes
    ----------
    begun : bool
        Whether `begin` was called: lines can be written.
    start : int
        Where in the file this training's lines begin, in bytes.
    """

    def __init__(
        self, path: Any, owner: Callback, append: bool, epoch_of: Callable[[str], int | None]
    ) -> None:
        who = type(owner).__name__
        self.path = prepared(path, who)
        self._keep = append
        self._resumed = False
        self._epoch_of = epoch_of
        self.begun = False
        self.file = self._open()
        self.start = self.file.seek(0, os.SEEK_END) if append else 0

    def _open(self) -> IO[str]:
        return open(self.path, "a+", encoding="utf-8", newline="")

    def resume(self, start: int = 0) -> None:
        """Keep the lines of the epochs before the next one, and drop those of it and after.

        What stands before the place `start` stays: it is of other trainings.
        """
        self._resumed, self.start = True, start

    def begin(self, epoch: int) -> None:
        """Make the file ready for the lines of an epoch; only the first call does anything."""
        if self.begun:
            return
        self.begun = True
        if self._resumed:
            self.file.seek(0)
            lines, place, kept = self.file.readlines(), 0, []
            for line in lines:
                if place < self.start or (line.endswith("\n") and self._is_before(line, epoch)):
                    kept.append(line)
                place += len(line.encode())
            if kept != lines:
                self.file.close()
                with atomic_write(self.path, "w") as file:  # a kill must not leave half of it
                    file.writelines(kept)
                self.file = self._open()
        elif not self._keep:
            self.file.truncate(0)

    def _is_before(self, line: str, epoch: int) -> bool:
        own = self._epoch_of(line)
        return own is None or own < epoch

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been written so far."""
        self.file.seek(0, os.SEEK_END)
        return self.file.tell() == 0

    def close(self) -> None:
        """Close the file."""
        self.file.close()
