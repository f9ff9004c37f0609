"""Arrays in NumPy's archives and in HDF5 files."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.errors import did_you_mean


def existing(path: Any, who: str) -> Path:
    """Return the path of a file that is there; the error has the nearest name beside it."""
    file = Path(path).expanduser()
    if file.is_dir():
        raise IsADirectoryError(f"{who}: {file} is a folder. Pass the path of a file in it.")
    if not file.exists():
        folder = file.parent
        beside = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        hint = did_you_mean(file.name, beside)
        where = "" if folder.is_dir() else f" (there is no folder {folder} either)"
        raise FileNotFoundError(f"{who}: there is no file {file}{where}.{hint} Check the path.")
    return file


def from_npz(path: Any, *names: str) -> Any:
    """Read the arrays of an .npz file; pickled objects in it are refused.

    Parameters
    ----------
    path : path
        The file.
    *names : str
        Arrays to return, in this order; a dict of all without any.

    Returns
    -------
    dict of str to ndarray, or tuple of ndarray
        One array alone for a single name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no .npz file, or is damaged, or lacks a name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(Path(folder, "data.npz"), x=np.arange(4), y=np.arange(2))
    ...     x, y = from_npz(Path(folder, "data.npz"), "x", "y")
    >>> x.shape, y.shape
    ((4,), (2,))
    """
    file = existing(path, "from_npz")
    try:
        with zipfile.ZipFile(file) as archive:
            inside = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(
            f"from_npz: {file} is no .npz file, or is damaged ({error}). Read a single .npy file "
            "by np.load(path, mmap_mode='r')."
        ) from error
    _check_names(names, inside, file, "from_npz")
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in names or inside}
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        if "allow_pickle" in str(error):
            raise ValueError(
                f"from_npz: {file} holds Python objects, which could run code when they are read. "
                "Write plain arrays: rows of one length, text as classes."
            ) from error
        raise ValueError(f"from_npz: {file} is damaged: {error}. Get it anew.") from error
    if not names:
        return found
    return found[names[0]] if len(names) == 1 else tuple(found[name] for name in names)


def _check_names(names: Sequence[str], inside: Sequence[str], file: Path, who: str) -> None:
    for name in names:
        if name not in inside:
            raise ValueError(
                f"{who}: {file} has no {name!r}.{did_you_mean(name, inside)} It has: "
                f"{', '.join(inside) or 'nothing'}."
            )


def from_hdf5(path: Any, *names: str) -> Any:
    """Open arrays of an HDF5 file, which are read when batches need them.

    Parameters
    ----------
    path : path
        The file. It stays open as long as an array of it is in use; ``x.file.close()`` closes it.
    *names : str
        Arrays to return, in this order, such as ``"train/images"``; a dict of all without any.

    Returns
    -------
    dict of str to h5py.Dataset, or tuple of them
        For `fit`, `DataLoader` and `train_test_split`. One alone for a single name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no HDF5 file, or is damaged, or lacks a name.

    Examples
    --------
    >>> import h5py, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with h5py.File(Path(folder.name, "data.h5"), "w") as file:
    ...     file["x"], file["y"] = np.arange(4), np.arange(4)
    >>> x, y = from_hdf5(Path(folder.name, "data.h5"), "x", "y")
    >>> x.shape, x[:2].tolist()
    ((4,), [0, 1])
    >>> x.file.close(); folder.cleanup()
    """
    import h5py

    file = existing(path, "from_hdf5")
    try:
        opened = h5py.File(file, "r")
    except OSError as error:
        hint = "" if h5py.is_hdf5(os.fspath(file)) else ", or is no HDF5 file at all"
        raise ValueError(f"from_hdf5: {file} is damaged{hint} ({error}). Get it anew.") from error
    inside: list[str] = []
    opened.visititems(lambda n, item: inside.append(n) if isinstance(item, h5py.Dataset) else None)
    try:
        _check_names(names, inside, file, "from_hdf5")
    except ValueError:
        opened.close()
        raise
    if not names:
        return {name: opened[name] for name in inside}
    return opened[names[0]] if len(names) == 1 else tuple(opened[name] for name in names)
