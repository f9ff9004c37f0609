"""Comparing what a file has with what a model needs; nothing is assigned unless all of it fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish.errors import warn
from kerasish.saving.hdf5 import Tree
from kerasish.saving.limits import FileError
from kerasish.saving.own_state import load_variables

MOST_SHOWN = 8
Change = Callable[[np.ndarray], np.ndarray]


class Comparison:
    """Pairs of targets (weights, optimizer arrays) and places in a file, and what has no pair.

    Attributes
    ----------
    missing, extra, misshapen : list of str
        Lines for the message: what only the model has, what only the file has, and what both
        have in different shapes.
    """

    def __init__(self, tree: Tree, owner: str) -> None:
        self._tree, self._owner = tree, owner
        self._pairs: list[tuple[Any, str, Change | None]] = []
        self._whole: list[tuple[Any, dict[str, str]]] = []
        self.missing: list[str] = []
        self.extra: list[str] = []
        self.misshapen: list[str] = []
        self._notes: list[str] = []

    def note(self, text: str) -> None:
        """Add a sentence to what is said about the difference."""
        self._notes.append(text)

    def pair(self, target: Any, name: str, place: str, change: Change | None = None) -> None:
        """Fill `target` from the dataset at `place`, which `change` may convert first."""
        found = self._tree.shape(place)
        if found is None:
            self.missing.append(f"{name} {target.shape}")
        elif change is None and found != target.shape:
            self.misshapen.append(f"{name}: the file has {found}, the model {target.shape}")
        else:
            self._pairs.append((target, place, change))

    def pair_whole(self, layer: Any, places: dict[str, str]) -> None:
        """Let a layer load the datasets at several places by itself."""
        self._whole.append((layer, places))

    def add_missing(self, name: str, shape: Sequence[int]) -> None:
        """Note what the file lacks."""
        self.missing.append(f"{name} {tuple(shape)}")

    def add_extra(self, name: str, shape: Any) -> None:
        """Note what the model lacks."""
        self.extra.append(f"{name} {tuple(shape) if shape is not None else ''}".strip())

    @property
    def fits(self) -> bool:
        """Whether both sides have the same names and shapes."""
        return not (self.missing or self.extra or self.misshapen or self._notes)

    def difference(self) -> str:
        """What does not fit, as text."""
        parts = [
            ("Not in the file", self.missing),
            ("Only in the file", self.extra),
            ("Of different shapes", self.misshapen),
        ]
        lists = [f"{title}: {_shown(lines)}." for title, lines in parts if lines]
        return " ".join([*self._notes, *lists])

    def check(self, skip_mismatch: bool = False) -> None:
        """Raise an error, or with `skip_mismatch` a warning, if anything does not fit."""
        if self.fits:
            return
        if not skip_mismatch:
            raise FileError(
                f"its weights are not those of {self._owner}, and nothing was changed. "
                f"{self.difference()} Use the model that the file was saved from, or pass "
                f"skip_mismatch=True to load what fits."
            )
        warn(
            f"{self._tree.path}: not everything fits {self._owner}, the rest is loaded. "
            f"{self.difference()}"
        )

    def read(self) -> list[tuple[Any, Any]]:
        """Read what has been paired; this can fail, and has changed nothing if it does.

        A layer that loads by itself gets a dict of arrays.
        """
        found: list[tuple[Any, Any]] = [
            (layer, {name: self._tree.read(place) for name, place in places.items()})
            for layer, places in self._whole
        ]
        for target, place, change in self._pairs:
            array = self._tree.read(place)
            if change is not None:
                array = change(array)
            found.append((target, array))
        return found


def assign(pairs: list[tuple[Any, Any]]) -> None:
    """Write arrays that fit into weights, or into arrays, and let layers load their own.

    Raises
    ------
    FileError
        If such a layer fails; then nothing is changed.
    """
    load_variables([(target, store) for target, store in pairs if isinstance(store, dict)])
    for target, array in pairs:
        if isinstance(array, dict):
            continue
        (target if isinstance(target, np.ndarray) else target.value)[...] = array


def _shown(lines: list[str]) -> str:
    more = f"; and {len(lines) - MOST_SHOWN} more" if len(lines) > MOST_SHOWN else ""
    return "; ".join(lines[:MOST_SHOWN]) + more
