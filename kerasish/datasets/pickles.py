"""An unpickler for data: arrays, bytes, text, lists, dicts and numbers, and no code at all."""

from __future__ import annotations

import codecs
import io
import pickle
from typing import Any

import numpy as np

# What pickled arrays name, in all versions of NumPy and Python; each of them only builds arrays.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def _rebuild(subtype: type, shape: tuple[int, ...], kind: Any) -> np.ndarray:
    """Make the empty array that its pickled state fills."""
    if subtype is not np.ndarray:
        raise pickle.UnpicklingError("an array of another class than ndarray")
    return np.ndarray.__new__(np.ndarray, shape, kind)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Turn text into the bytes it stands for; Python 3 pickles bytes so for Python 2."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding!r}")
    return codecs.encode(text, "latin1")


def _from_buffer(data: Any, kind: np.dtype, shape: tuple[int, ...], order: Any) -> np.ndarray:
    """Make an array of numbers from its bytes."""
    return np.frombuffer(bytearray(data), kind).reshape(shape, order=order)


for _package in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_package}.multiarray", "_reconstruct"] = _rebuild
    _ALLOWED[f"{_package}.numeric", "_frombuffer"] = _from_buffer
_ALLOWED["_codecs", "encode"] = _encode


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, and a data file has only arrays, bytes, lists, dicts "
                "and numbers"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to objects outside of the file")


def load(data: bytes, encoding: str = "bytes") -> Any:
    """Return the data that were pickled.

    Parameters
    ----------
    data : bytes
        A whole pickle.
    encoding : str
        Of the byte strings of Python 2.

    Raises
    ------
    ValueError
        If the pickle is damaged, or names anything but arrays and plain data; nothing of it has
        been run.

    Examples
    --------
    >>> load(pickle.dumps({"labels": [1, 2], "data": np.arange(3)}))
    {'labels': [1, 2], 'data': array([0, 1, 2])}
    >>> load(pickle.dumps(print))
    Traceback (most recent call last):
    ValueError: unsafe or damaged pickle: it names builtins.print, and a data file has only ...
    """
    try:
        return _Unpickler(io.BytesIO(data), encoding=encoding).load()
    except Exception as error:  # damaged pickles raise all sorts of things
        raise ValueError(f"unsafe or damaged pickle: {error}") from error
