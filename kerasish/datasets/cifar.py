"""The two formats in which CIFAR-10 and CIFAR-100 are published, and their readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from kerasish.datasets import pickles
from kerasish.datasets.source import Arrays, Form, Remote, members

SIDE = 32
PIXELS = 3 * SIDE * SIDE
Labels = tuple[str, ...]  # names of the labels of an image, in the order of the binary format
Reader = Callable[[bytes, Labels, str], Arrays]


def read_binary(data: bytes, labels: Labels, name: str) -> Arrays:
    """Read records of label bytes and 3,072 pixel bytes (red, green and blue planes)."""
    record = len(labels) + PIXELS
    if not data or len(data) % record:
        raise ValueError(f"{name} should hold records of {record} bytes but has {len(data)} bytes")
    rows = np.frombuffer(data, np.uint8).reshape(-1, record)
    arrays = {label: rows[:, i : i + 1].copy() for i, label in enumerate(labels)}
    return {"x": _as_images(rows[:, len(labels) :]), **arrays}


def read_python(data: bytes, labels: Labels, name: str) -> Arrays:
    """Read the pickled dict of planes and label lists; of a pickle only data are admitted."""
    batch = pickles.load(data)
    keys = {"y": b"labels", "fine": b"fine_labels", "coarse": b"coarse_labels"}
    if not isinstance(batch, dict):
        raise ValueError(f"{name} should hold a dict but holds a {type(batch).__name__}")
    planes = batch.get(b"data")
    if not isinstance(planes, np.ndarray) or planes.dtype != np.uint8:
        raise ValueError(f"{name} has no pixels")
    if planes.ndim != 2 or planes.shape[1] != PIXELS:
        raise ValueError(f"the pixels in {name} have shape {planes.shape}, not (n, {PIXELS})")
    arrays = {}
    for label in labels:
        arrays[label] = np.asarray(batch.get(keys[label], ()), np.uint8).reshape(-1, 1)
        if len(arrays[label]) != len(planes):
            raise ValueError(f"{name} has {len(planes)} images and {len(arrays[label])} labels")
    return {"x": _as_images(planes), **arrays}


def _as_images(planes: np.ndarray) -> np.ndarray:
    """(n, 3072) planes to (n, 32, 32, 3) images."""
    return np.ascontiguousarray(planes.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1))


def forms(
    archive: Remote, read: Reader, labels: Labels, train: int, folders: tuple[str, ...]
) -> tuple[Form, Form]:
    """Return two forms of a data set: the archive, and its files as others have extracted them.

    Parameters
    ----------
    archive : Remote
        Its `members` are batches: the first `train` of them for training, the last for testing.
    read : callable
        `read_binary` or `read_python`.
    labels : tuple of str
        Names of the labels of an image.
    folders : tuple of str
        Where extracted files may lie.
    """
    parts = dict(zip(archive.members, ["train"] * train + ["test"], strict=True))
    extracted = tuple(
        Remote(name, content=stated, elsewhere=tuple(f"{folder}/{name}" for folder in folders))
        for name, stated in archive.members.items()
    )

    def parse_archive(paths: dict[str, Path]) -> Arrays:
        batches = members(paths[archive.name], parts)
        return _join({name: read(data, labels, name) for name, data in batches}, parts)

    def parse_files(paths: dict[str, Path]) -> Arrays:
        batches = {name: read(path.read_bytes(), labels, name) for name, path in paths.items()}
        return _join(batches, parts)

    return Form((archive,), parse_archive), Form(extracted, parse_files)


def _join(batches: dict[str, Arrays], parts: Mapping[str, str]) -> Arrays:
    """Put the batches of each part behind one another, in their order."""
    arrays: Arrays = {}
    for part in ("train", "test"):
        pieces = [batches[name] for name in parts if parts[name] == part]
        for key in pieces[0]:
            arrays[f"{key}_{part}"] = np.concatenate([piece[key] for piece in pieces])
    return arrays
