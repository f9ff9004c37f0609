"""Inputs of a predictor, from Python and from files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray


def read_array(path: str) -> Array:
    """The array in a file that numpy.save has written."""
    x = np.load(path, allow_pickle=False)
    if not isinstance(x, np.ndarray):
        raise ValueError(f"{path} holds several arrays. Pass a .npy file with one.")
    return x


def texts(x: Any, encoding: str) -> Array:
    """An array of texts; bytes are decoded."""
    x = np.array(x, object) if isinstance(x, list | tuple) else np.asarray(x)
    if x.dtype.kind == "U":
        return x
    found = np.empty(x.size, object)
    found[:] = [t.decode(encoding) if isinstance(t, bytes) else t for t in x.ravel().tolist()]
    for text in found.tolist():
        if not isinstance(text, str):
            raise TypeError(f"x must hold texts but holds {text!r}, a {type(text).__name__}.")
    return found.reshape(x.shape)


def texts_or_numbers(x: Any, encoding: str) -> Array:
    """An array of numbers, or of texts."""
    x = np.asarray(x)
    return x if x.dtype.kind in "biuf" else texts(x, encoding)


def read_texts(path: str, columns: int | None) -> Array:
    """The lines of a text file, or of stdin for "-"; or an array that numpy.save has written.

    Where a sample has several texts, so many columns, they stand in one line, with tabs between.
    """
    if path.endswith(".npy"):
        return read_array(path)
    data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    try:
        lines = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8: {error}.") from None
    if lines[-1] == "":
        lines.pop()
    if columns == 1:
        return np.array(lines, object)
    rows = [line.split("\t") for line in lines]
    for number, row in enumerate(rows, 1):
        if len(row) != (columns or len(rows[0])):
            raise ValueError(
                f"Line {number} of {path} has {len(row)} texts, with tabs between, and not "
                f"{columns or len(rows[0])}."
            )
    return np.array(rows, object).reshape(len(rows), columns or -1 if rows else 0)
