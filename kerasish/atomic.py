"""Writing files so that a crash leaves the old one or the new one, never half of either."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from typing import IO, Any

_FULL = {errno.ENOSPC: "no space left", errno.EFBIG: "the file would be too large"}
if hasattr(errno, "EDQUOT"):
    _FULL[errno.EDQUOT] = "the disk quota is used up"
_STALE_SECONDS = 3600


@contextlib.contextmanager
def atomic_write(path: Any, mode: str = "wb", encoding: str | None = None) -> Iterator[IO[Any]]:
    """Open a file that takes the place of `path` when the block ends without an error.

    What is written goes to a temporary file in the same folder, which is flushed to the disk and
    then renamed; after an error it is removed and `path` is as before. Leftovers of processes
    that were killed are removed by a later write to the same path.

    Parameters
    ----------
    path : str or PathLike
        A symbolic link is followed; the permissions of an existing file are kept.
    mode : {"wb", "w"}
        Bytes, or text in `encoding` (UTF-8 by default). The file can be read back and seeked,
        so ``h5py.File(file, "w")``, ``zipfile.ZipFile(file, "w")`` and ``np.savez(file)`` work.

    Yields
    ------
    file
        The temporary file.

    Raises
    ------
    OSError
        If it cannot be written: no such folder, no permission, no space. The message names `path`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "notes.txt")
    ...     with atomic_write(path, "w") as file:
    ...         _ = file.write("done")
    ...     path.read_text()
    'done'
    """
    if mode not in ("wb", "w"):
        raise ValueError(f"atomic_write expects mode 'wb' or 'w' but got {mode!r}.")
    text = mode == "w"
    target = os.path.realpath(os.fsdecode(path))
    _check(path, target)
    folder, name = os.path.split(target)
    _sweep(folder, name)
    temporary = os.path.join(folder, f"{_prefix(name)}{secrets.token_hex(8)}.tmp")
    try:
        file = open(  # noqa: SIM115 (closed below, before the rename)
            temporary,
            "x+" if text else "x+b",
            encoding=(encoding or "utf-8") if text else None,
            newline="\n" if text else None,
        )
    except OSError as error:
        raise _explained(error, path) from error
    try:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
        finally:
            file.close()
        with contextlib.suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(temporary, target)
        sync_folder(folder)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise _explained(error, path) from error
        raise


def sync_folder(folder: Any) -> None:
    """Flush the names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError):  # Windows opens no folders, some file systems sync none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _check(path: Any, target: str) -> None:
    """Refuse what a rename would replace although it could not be written to."""
    if os.path.isdir(target):
        raise IsADirectoryError(
            errno.EISDIR, f"Cannot write '{path}': it is a folder. Add a file name to it"
        )
    if not os.path.exists(target):
        return
    if not os.path.isfile(target):
        raise OSError(errno.EINVAL, f"Cannot write '{path}': it is no regular file")
    if not os.access(target, os.W_OK):
        raise PermissionError(
            errno.EACCES, f"Cannot write '{path}': the file there is write-protected"
        )


def _explained(error: OSError, path: Any) -> OSError:
    """The same error with a message that says what happened to `path`."""
    folder = os.path.dirname(os.path.realpath(os.fsdecode(path)))
    if error.errno == errno.ENOENT:
        why = f"there is no folder '{folder}'. Make it first"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        why = f"no permission to write into the folder '{folder}'"
    elif error.errno in _FULL:
        why = f"{_FULL[error.errno]}. What was there before is unchanged"
    else:
        why = error.strerror or str(error)
    return OSError(error.errno, f"Cannot write '{path}': {why}")


def _prefix(name: str) -> str:
    return f".{os.fsdecode(os.fsencode(name)[:100])}."


def _sweep(folder: str, name: str) -> None:
    """Remove the leftovers of earlier writes to the same file that were killed."""
    prefix = _prefix(name)
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder or "."):
            code = entry.name.removeprefix(prefix).removesuffix(".tmp")
            if entry.name != f"{prefix}{code}.tmp" or len(code) != 16:
                continue
            with contextlib.suppress(OSError):
                if time.time() - entry.stat().st_mtime > _STALE_SECONDS:
                    os.remove(entry.path)
