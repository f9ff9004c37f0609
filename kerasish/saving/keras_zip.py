"""Keras 3's ``.keras``: a zip archive of two JSON files and a weights file."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import os
import zipfile
from collections.abc import Iterator
from typing import Any

from kerasish.saving import layers_h5, weights_h5
from kerasish.saving.configs import jsonable, model_config
from kerasish.saving.extras import NAME, extras
from kerasish.saving.hdf5 import Tree
from kerasish.saving.limits import FileError, Limits, most_bytes, read_json
from kerasish.saving.loading import Stored
from kerasish.saving.opening import open_tree
from kerasish.saving.own_state import assets, load_assets

METADATA = "metadata.json"
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
_STEP = 1 << 20


def write_model(file: Any, model: Any, include_optimizer: bool = True) -> None:
    """Write a model into an open file, as Keras 3 lays it out."""
    config = model_config(model, assets=True)
    config.setdefault("build_config", {"input_shape": list(model.input_shape)})
    config["compile_config"] = jsonable(model.get_compile_config()) if include_optimizer else {}
    now = datetime.datetime.now()
    metadata = {
        "keras_version": layers_h5.KERAS_VERSION,
        "date_saved": now.strftime("%Y-%m-%d@%H:%M:%S"),
        NAME: extras(model, include_optimizer),
    }
    with zipfile.ZipFile(file, "w") as archive:
        stamp = now.timetuple()[:6] if now.year >= 1980 else (1980, 1, 1, 0, 0, 0)
        archive.writestr(zipfile.ZipInfo(METADATA, stamp), json.dumps(metadata))
        archive.writestr(zipfile.ZipInfo(CONFIG, stamp), json.dumps(config))
        content = _weights_file(model, include_optimizer)
        archive.writestr(zipfile.ZipInfo(WEIGHTS, stamp), content)
        for name, asset in assets(model).items():
            archive.writestr(zipfile.ZipInfo(name, stamp), asset)


def _weights_file(model: Any, include_optimizer: bool) -> memoryview:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        weights_h5.write_weights(file, model, include_optimizer)
    return buffer.getbuffer()


@contextlib.contextmanager
def open_model(path: str, untrusted: bool = False) -> Iterator[Stored]:
    """Open an archive: its configurations are read, its weights may be."""
    with _archive(path) as archive:
        config = read_json(_member(archive, path, CONFIG), CONFIG)
        metadata: Any = {}
        if METADATA in archive.namelist():
            metadata = read_json(_member(archive, path, METADATA), METADATA)
        content = _member(archive, path, WEIGHTS)
    own = metadata.get(NAME) if isinstance(metadata, dict) else None
    with open_tree(content, untrusted, path) as tree:
        yield Stored(
            tree=tree,
            config=config,
            compiled=lambda: config.get("compile_config"),
            extras=lambda: own,
            compare=lambda model: weights_h5.compare_weights(tree, model),
            compare_optimizer=lambda model: weights_h5.compare_optimizer(tree, model),
            load_assets=lambda model: _load_assets(model, path),
        )


def _load_assets(model: Any, path: str) -> None:
    with _archive(path) as archive:
        limits = Limits(os.path.getsize(path))
        load_assets(model, archive.namelist(), lambda name: _member(archive, path, name), limits)


@contextlib.contextmanager
def weights_tree(path: str, untrusted: bool = False) -> Iterator[Tree]:
    """Open the weights in an archive."""
    with _archive(path) as archive:
        content = _member(archive, path, WEIGHTS)
    with open_tree(content, untrusted, path) as tree:
        yield tree


@contextlib.contextmanager
def _archive(path: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise FileError(f"it is a damaged or cut off zip archive: {error}") from error


def _member(archive: zipfile.ZipFile, path: str, name: str) -> bytes:
    """The content of a member, if it is there once and not larger than the archive allows."""
    names = archive.namelist()
    if names.count(name) != 1:
        if any(n.endswith("data.pkl") for n in names):
            raise FileError("it is a PyTorch file, which holds pickles and is never loaded")
        problem = "twice" if name in names else "not"
        raise FileError(f"it is a zip archive in which '{name}' is {problem} there")
    most = most_bytes(os.path.getsize(path))
    claimed = archive.getinfo(name).file_size
    if claimed > most:
        raise FileError(
            f"its member '{name}' claims {claimed:,} bytes, too many for a file of "
            f"{os.path.getsize(path):,} bytes"
        )
    parts, size = [], 0
    with archive.open(name) as member:
        while part := member.read(_STEP):
            size += len(part)
            if size > claimed:
                raise FileError(f"its member '{name}' is larger than it claims")
            parts.append(part)
    return b"".join(parts)
