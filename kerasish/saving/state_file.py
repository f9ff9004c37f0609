"""A file for nested values and arrays: what a backup consists of. No code, and damage is noticed.

It is an uncompressed .npz: ``state.json``, in which numbers stand for the arrays, and the arrays,
``0.npy``, ``1.npy``, and so on. The check sums of the zip format cover every byte of both.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from typing import Any

import numpy as np

from kerasish.atomic import atomic_write
from kerasish.errors import brief

TAG = "$"  # marks what JSON has no form for
FORMAT = 1


class DamagedFileError(ValueError):
    """A file is not what was written: cut, changed, or of another format."""


def write_state(path: Any, state: Any) -> None:
    """Write nested dicts, lists, tuples, numbers, text and arrays, all of it or nothing.

    Raises
    ------
    TypeError
        If something in it is none of these; the message says where.
    OSError
        If the file cannot be written; an earlier one is as before.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "state.npz")
    ...     write_state(path, {"epoch": 3, "shape": (2, 2), "w": np.eye(2)})
    ...     read_state(path)
    {'epoch': 3, 'shape': (2, 2), 'w': array([[1., 0.],
           [0., 1.]])}
    """
    arrays: list[np.ndarray] = []
    text = json.dumps({"format": FORMAT, "state": _encoded(state, arrays, "")})
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        archive.writestr("state.json", text)
        for i, array in enumerate(arrays):
            with archive.open(f"{i}.npy", "w", force_zip64=array.nbytes > 2**30) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read_state(path: Any) -> Any:
    """Return what `write_state` wrote.

    Raises
    ------
    DamagedFileError
        If the file is damaged or no such file.
    OSError
        If it cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            archive = zipfile.ZipFile(file)
            content = json.loads(_member(archive, "state.json", size))
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise ValueError("it is of another format")
            return _decoded(content["state"], archive, size)
        except Exception as error:  # zipfile raises many kinds for damaged files
            raise DamagedFileError(
                f"'{path}' is damaged or no file of a training's state: {error}"
            ) from error


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit:
        raise ValueError(f"its part {name} is compressed or larger than the file")
    return archive.read(name)  # compares the check sum


def _encoded(value: Any, arrays: list[np.ndarray], where: str) -> Any:
    """What JSON can hold; arrays are put aside."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.hasobject:
            raise TypeError(f"{where or 'the state'} is an array of Python objects: {value!r}.")
        arrays.append(array)
        return {TAG: "array" if isinstance(value, np.ndarray) else "scalar", "n": len(arrays) - 1}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        items = [_encoded(v, arrays, f"{where}[{i}]") for i, v in enumerate(value)]
        return items if isinstance(value, list) else {TAG: "tuple", "items": items}
    if isinstance(value, dict):
        if all(isinstance(k, str) and k != TAG for k in value):
            return {k: _encoded(v, arrays, f"{where}[{k!r}]") for k, v in value.items()}
        pairs = [
            [_encoded(k, arrays, where), _encoded(v, arrays, f"{where}[{k!r}]")]
            for k, v in value.items()
        ]
        return {TAG: "dict", "items": pairs}
    if isinstance(value, bytes):
        return {TAG: "bytes", "hex": value.hex()}
    raise TypeError(
        f"{where or 'the state'} is {brief(value)}, of type {type(value).__name__}. Only numbers, "
        f"text, lists, tuples, dicts and arrays can be stored."
    )


def _decoded(value: Any, archive: zipfile.ZipFile, size: int) -> Any:
    if isinstance(value, list):
        return [_decoded(v, archive, size) for v in value]
    if not isinstance(value, dict):
        return value
    tag = value.get(TAG)
    if tag is None:
        return {k: _decoded(v, archive, size) for k, v in value.items()}
    if tag in ("array", "scalar"):
        array = _array(_member(archive, f"{int(value['n'])}.npy", size))
        return array if tag == "array" else array[()]
    if tag == "bytes":
        return bytes.fromhex(value["hex"])
    items = _decoded(value["items"], archive, size)
    return dict(items) if tag == "dict" else tuple(items)


def _array(content: bytes) -> np.ndarray:
    """The array of a .npy file in memory; its shape is compared with the bytes that are there."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("an array of Python objects")
    flat = np.frombuffer(content, dtype, offset=file.tell())
    return flat.reshape(shape, order="F" if fortran else "C").copy(order="K")
