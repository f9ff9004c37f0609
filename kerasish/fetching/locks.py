"""A lock that processes share, held in the file system; it ends with the process that holds it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerasish.display import say


@contextlib.contextmanager
def locked(path: Path, what: str = "") -> Iterator[None]:
    """Hold the lock of the file `path`, which is made if need be; wait while others hold it.

    Where the file system has no locks, there is none: whoever writes must still replace whole
    files.

    Parameters
    ----------
    path : Path
        The file; it stays, empty.
    what : str
        What is being waited for, to be said when that takes time.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked(Path(folder, "lock")):
    ...     print("alone")
    alone
    """
    with open(path, "ab") as file, contextlib.ExitStack() as held:
        try:
            if not _take(file, wait=False):
                say(f"Waiting for another process to end its work on {what or path}.")
                _take(file, wait=True)
            held.callback(_release, file)
        except OSError:
            pass
        yield


if sys.platform == "win32":
    import msvcrt

    def _take(file: Any, wait: bool) -> bool:
        file.seek(0)
        try:
            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
                    return True
                except PermissionError:
                    if not wait:
                        raise
        except PermissionError:
            return False

    def _release(file: Any) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(file: Any, wait: bool) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def _release(file: Any) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
