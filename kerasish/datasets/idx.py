"""IDX, the format of MNIST and of its drop-in replacements: reader and table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerasish.datasets.source import Arrays, Form, Remote, opened

_NAMES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
SHAPES = {
    "x_train": (60000, 28, 28),
    "y_train": (60000,),
    "x_test": (10000, 28, 28),
    "y_test": (10000,),
}


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file of unsigned bytes, compressed by gzip or not.

    The head is two zero bytes, the element type (8: unsigned byte), the number of axes, and their
    lengths as big-endian 32-bit integers (Y. LeCun, C. Cortes and C. Burges, "The MNIST database").

    Raises
    ------
    ValueError
        If the head is another one, or the data are shorter or longer than it says.
    """
    with opened(path) as file:
        head = file.read(4)
        if len(head) < 4 or head[:3] != b"\x00\x00\x08" or not 1 <= head[3] <= 4:
            raise ValueError(f"{path.name} does not begin as an IDX file of bytes (got {head!r})")
        axes = file.read(4 * head[3])
        if len(axes) < 4 * head[3]:
            raise ValueError(f"{path.name} ends within its head")
        shape = tuple(int(n) for n in np.frombuffer(axes, ">u4"))
        count = int(np.prod(shape, dtype=np.int64))
        data = file.read(count + 1)
    if len(data) != count:
        more = "more" if len(data) > count else f"{len(data)}"
        raise ValueError(f"{path.name} should hold {count} bytes of data but holds {more}")
    return np.frombuffer(bytearray(data), np.uint8).reshape(shape)


def parse(paths: dict[str, Path]) -> Arrays:
    """Read the four files; images and labels must go together."""
    arrays = {key: read_idx(paths[name]) for key, name in _NAMES.items()}
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.ndim != 3 or y.ndim != 1 or len(x) != len(y):
            raise ValueError(f"images of shape {x.shape} and labels of shape {y.shape}")
    return arrays


def form(
    mirrors: tuple[str, ...],
    files: dict[str, tuple[int, str, str]],
    folders: tuple[str, ...],
) -> Form:
    """Return the form of four IDX files.

    Parameters
    ----------
    mirrors : tuple of str
        Addresses up to the file names.
    files : dict
        Size, SHA-256 and hash of the decompressed content, by the array's name.
    folders : tuple of str
        Where other programs keep such files, compressed or not.
    """
    remotes = []
    for key, (size, sha256, content) in files.items():
        name = _NAMES[key]
        plain = name.removesuffix(".gz")
        elsewhere = tuple(f"{folder}/{n}" for folder in folders for n in (name, plain))
        urls = tuple(mirror + name for mirror in mirrors)
        remotes.append(
            Remote(name, urls, size, sha256=sha256, content=content, elsewhere=elsewhere)
        )
    return Form(tuple(remotes), parse)
