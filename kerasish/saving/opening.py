"""Opening files to be read: what kind they are, and errors that name them."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Iterator
from typing import Any

from kerasish.saving.hdf5 import SIGNATURE, FileTree, Tree
from kerasish.saving.limits import FileError, most_bytes

ZIP = b"PK\x03\x04"
_OTHER_KINDS = [
    (b"", "it is empty"),
    (b"version https://git-lfs", "it is a Git LFS pointer: fetch the file with `git lfs pull`"),
    (b"<", "it is an HTML or XML page: the download has failed"),
    (b"{", "it is JSON text: read the architecture with models.model_from_json(text)"),
    (b"\x80", "it looks like a pickle, which can run code and is never loaded"),
    (b"\x93NUMPY", "it is a NumPy array"),
    (b"class_name:", "it is YAML, which is not read: save the model again as .keras or .h5"),
    (b"backend:", "it is YAML, which is not read: save the model again as .keras or .h5"),
]


@contextlib.contextmanager
def errors_name(path: Any) -> Iterator[None]:
    """Let every error inside the block name the file; all become ValueError, TypeError, OSError."""
    try:
        yield
    except Warning:
        raise
    except Exception as error:
        start = f"Cannot load '{path}': "
        text = str(error) or type(error).__name__
        if text.startswith("Cannot load"):
            raise
        if isinstance(error, OSError):
            if error.errno is None:  # what libhdf5 says of a file that it cannot make sense of
                text = f"it is damaged or cut off: {text.splitlines()[0]}"
                raise OSError(start + text) from error
            raise OSError(error.errno, start + (error.strerror or text)) from error
        if isinstance(error, TypeError):
            raise TypeError(start + text) from error
        if not isinstance(error, ValueError):
            text = f"{type(error).__name__}: {text}"
        raise ValueError(start + text) from error


def kind_of(path: Any) -> str:
    """``"hdf5"`` or ``"zip"``, by a file's first bytes.

    Raises
    ------
    OSError
        If it is missing, a folder, or cannot be read.
    FileError
        If it is something else; the message says what where that can be seen.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, _folder(path))
    if not os.path.exists(path):
        raise FileNotFoundError(errno.ENOENT, f"there is no such file{_near(path)}")
    if not os.path.isfile(path):
        raise FileError("it is no regular file")
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except PermissionError:
        raise PermissionError(errno.EACCES, "no permission to read it") from None
    if start.startswith(SIGNATURE):
        return "hdf5"
    if start.startswith(ZIP):
        return "zip"
    known = next((text for magic, text in _OTHER_KINDS[1:] if start.startswith(magic)), None)
    raise FileError(
        f"it is neither HDF5 (.h5, .weights.h5) nor a .keras file: "
        f"{_OTHER_KINDS[0][1] if not start else known or f'it begins with {start[:8]!r}'}"
    )


@contextlib.contextmanager
def open_tree(source: Any, untrusted: bool = False, path: Any = None) -> Iterator[Tree]:
    """Open an HDF5 file as a `Tree`.

    Parameters
    ----------
    source : str or bytes
        The path of the file, or what it holds.
    untrusted : bool
        Read all of it in a child process of limited memory and time.
    path : str, optional
        The file that `source` comes from, which bounds how much may be read.
    """
    path = source if path is None else path
    most = most_bytes(os.path.getsize(path))
    if untrusted:
        from kerasish.saving.untrusted import read_tree

        yield read_tree(source, path, most)
        return
    import h5py

    inside = isinstance(source, bytes)
    with io.BytesIO(source) if inside else open(source, "rb") as file, h5py.File(file) as opened:
        yield FileTree(opened, str(path), len(source) if inside else os.path.getsize(path), most)


def _folder(path: Any) -> str:
    if os.path.exists(os.path.join(path, "saved_model.pb")):
        return (
            "it is a TensorFlow SavedModel folder, which holds code. Load it in TensorFlow and "
            "save it there as .h5"
        )
    return "it is a folder. Pass a file in it"


def _near(path: Any) -> str:
    """What the user may have meant: the same name with another ending."""
    folder, name = os.path.split(os.fspath(path))
    stem = name.split(".")[0]
    with contextlib.suppress(OSError):
        others = sorted(n for n in os.listdir(folder or ".") if n.split(".")[0] == stem)
        if others:
            return f". Did you mean '{os.path.join(folder, others[0])}'?"
        return "" if os.path.isdir(folder or ".") else f": no folder '{folder}' either"
    return f": there is no folder '{folder}' either"
