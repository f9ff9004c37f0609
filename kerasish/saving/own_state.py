"""What layers save by methods of their own: variables under names of their choice, and files."""

from __future__ import annotations

import contextlib
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.layers.filed import overrides
from kerasish.saving.limits import FileError, Limits
from kerasish.saving.places import saved_layers

ASSETS = "assets"
MOST_ASSETS = 10_000


def has_own_variables(layer: Any) -> bool:
    """Whether a layer saves its variables in a way of its own."""
    return overrides(layer, "save_own_variables", "load_own_variables")


def own_variables(layer: Any) -> dict[str, np.ndarray]:
    """The arrays that a layer wants to be kept, by name.

    Raises
    ------
    TypeError
        If a name is no plain text, or a value is no array of numbers.
    """
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    found = {}
    for key, value in store.items():
        if not isinstance(key, str) or "/" in key or not key.strip("."):
            raise TypeError(
                f"{layer.label}: save_own_variables stored something under {key!r}. Names must be "
                f"texts without '/'."
            )
        found[key] = array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"{layer.label}: save_own_variables stored {key!r}, which holds no numbers but "
                f"elements of type {array.dtype}. Put texts into get_config, or into a file of "
                f"save_assets."
            )
    return found


def load_variables(stores: list[tuple[Any, dict[str, np.ndarray]]]) -> None:
    """Let layers load what they saved; if one of them fails, all are as before.

    Raises
    ------
    FileError
        With the error that a layer raised.
    """
    before = [
        (layer, dict(layer.__dict__), [(w, w.value.copy()) for w in layer.weights])
        for layer, _ in stores
    ]
    try:
        for layer, store in stores:
            with _named(layer, "load_own_variables", f"the file has {list(store)} for it"):
                layer.load_own_variables(store)
    except BaseException:
        for layer, state, weights in before:
            layer.__dict__.clear()
            layer.__dict__.update(state)
            for weight, value in weights:
                weight.value[...] = value
        raise


@contextlib.contextmanager
def _named(layer: Any, method: str, detail: str) -> Iterator[None]:
    try:
        yield
    except FileError:
        raise
    except Exception as error:
        raise FileError(
            f"{layer.label} could not load its part: {method} raised {type(error).__name__}: "
            f"{error}; {detail}"
        ) from error


# --- files of their own, in ``.keras`` archives -----------------------------------------------


def assets(model: Any) -> dict[str, bytes]:
    """The files that layers want to be kept, by their names in the archive."""
    found: dict[str, bytes] = {}
    for place, layer in saved_layers(model):
        if not hasattr(layer, "save_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            layer.save_assets(folder)
            for path in sorted(Path(folder).rglob("*")):
                mode = path.lstat().st_mode
                if stat.S_ISREG(mode):
                    inside = path.relative_to(folder).as_posix()
                    found["/".join(filter(None, [ASSETS, place, inside]))] = path.read_bytes()
                elif not stat.S_ISDIR(mode):
                    raise TypeError(
                        f"{layer.label}: save_assets made '{path.name}', which is no regular file."
                    )
    return found


def load_assets(model: Any, names: list[str], read: Callable[[str], bytes], limits: Limits) -> None:
    """Let layers read the files that they saved, each in a folder that holds only its own.

    Parameters
    ----------
    names : list of str
        All members of the archive.
    read : callable
        Gives the content of one.
    limits : Limits
        How much may be read in all.
    """
    for place, layer in saved_layers(model):
        if not hasattr(layer, "load_assets"):
            continue
        start = "/".join(filter(None, [ASSETS, place])) + "/"
        own = [name for name in names if name.startswith(start) and not name.endswith("/")]
        if not own:
            continue
        if len(own) > MOST_ASSETS:
            raise FileError(f"it has {len(own):,} files for {layer.label}")
        with tempfile.TemporaryDirectory() as folder:
            for name in own:
                content = read(name)
                limits.take(f"its member '{name}'", len(content))
                path = _inside(folder, name.removeprefix(start), name)
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(path, "xb") as file:
                    file.write(content)
            with _named(layer, "load_assets", f"the file has {own[:5]} for it"):
                layer.load_assets(folder)


def _inside(folder: str, name: str, member: str) -> Path:
    """Where a member goes; nothing is written outside of the folder."""
    parts = name.split("/")
    bad = any(p.strip(". ") == "" or set(p) & set('\\:*?"<>|\0') or len(p) > 200 for p in parts)
    if bad or len(parts) > 20:
        raise FileError(f"it has a member of the name '{member[:80]}', which is not allowed")
    return Path(folder, *parts)
