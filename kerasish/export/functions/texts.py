"""Texts, words, and the numbers of tokens."""

from __future__ import annotations

import functools
import json
import re
import string
from typing import Any

import numpy as np

from kerasish.layers.hashes import buckets
from kerasish.layers.tokens import as_whole

Array = np.ndarray


# --- texts to words -----------------------------------------------------------------------------


def clean(x: Array, lower: bool = False, strip: bool = False) -> Array:
    """Texts with A to Z in lower case, or without punctuation; other letters stay."""
    table: dict[int, Any] = {}
    if lower:
        table.update(str.maketrans(string.ascii_uppercase, string.ascii_lowercase))
    if strip:
        table.update(str.maketrans("", "", string.punctuation))
    y = np.empty(x.size, object)
    y[:] = [text.translate(table) for text in x.ravel().tolist()]
    return y.reshape(x.shape)


def words_of(x: Array) -> list[list[str]]:
    """The words of each text, which white space separates."""
    return [re.findall(r"[^ \t\n\r\v\f]+", text) for text in x.ravel().tolist()]


def characters_of(x: Array) -> list[list[str]]:
    """The characters of each text."""
    return [list(text) for text in x.ravel().tolist()]


def texts_of(x: Array) -> list[list[str]]:
    """The texts of each sample, as they are."""
    return [np.ravel(row).tolist() for row in x]


def runs(rows: list[list[str]], widths: tuple[int, ...]) -> list[list[str]]:
    """Runs of so many words, joined by spaces."""
    return [
        [" ".join(row[at : at + n]) for n in widths for at in range(len(row) - n + 1)]
        for row in rows
    ]


def table_of(rows: list[list[str]], length: int | None = None) -> Array:
    """Words as an array (N, T): cut to a length, and filled up with ""."""
    columns = max([length or 0, *map(len, rows)])
    y = np.full((len(rows), columns), "", object)
    for line, row in zip(y, rows, strict=True):
        line[: len(row)] = row
    return y[:, : length or columns]


# --- tokens to numbers --------------------------------------------------------------------------


@functools.cache
def numbering(vocabulary: bytes, first: int) -> dict[Any, int]:
    """The tokens of a list in JSON, and their numbers from `first` on."""
    return {token: number for number, token in enumerate(json.loads(vocabulary), first)}


def look_up(
    x: Array,
    vocabulary: Array,
    first: int,
    unknown: int = 1,
    mask: Any = None,
    masked: int = 0,
    spread: Any = None,
    salt: Any = None,
) -> Array:
    """The number of each token: known ones from `first` on, `masked` for `mask`.

    Others get one of as many numbers as `unknown` says, before `first`: which one, `spread` tells.
    """
    known, tokens = numbering(vocabulary.tobytes(), first), x.ravel().tolist()
    numbers = np.array([masked if t == mask else known.get(t, -1) for t in tokens], np.int64)
    strange = np.flatnonzero(numbers == -1)
    names = [tokens[at] for at in strange]
    if names and not unknown:
        raise ValueError(f"{names[0]!r} is not in the vocabulary.")
    if names:
        numbers[strange] = first - unknown
        if unknown > 1:
            numbers[strange] += spread(names, unknown, salt)
    return numbers.reshape(x.shape)


def by_hash(tokens: list[Any], count: int, salt: Any) -> Array:
    """A number below `count` for each token."""
    return buckets(tokens, count, salt)


def by_remainder(tokens: list[Any], count: int, salt: Any) -> Array:
    """A number below `count` for each token."""
    return np.array([token % count for token in tokens])


def tokens_of(x: Array, vocabulary: Array, unknown: Any) -> Array:
    """The token of each number."""
    tokens = json.loads(vocabulary.tobytes())
    numbers = as_whole(x).ravel().tolist()
    found = [tokens[n] if 0 <= n < len(tokens) else unknown for n in numbers]
    return np.array(found, str if isinstance(unknown, str) else np.int64).reshape(x.shape)


def weigh(x: Array, weights: Array) -> Array:
    """Counts (..., columns) times the weight of each token."""
    y = x.copy()
    y[..., : len(weights)] *= weights
    return y


# --- numbers to numbers -------------------------------------------------------------------------


def whole_below(x: Array, limit: int) -> Array:
    """`x`, if it holds whole numbers from 0 to ``limit - 1``."""
    if np.any((x < 0) | (x >= limit) | (x != np.trunc(x))):
        raise ValueError(f"x must hold whole numbers from 0 to {limit - 1}.")
    return x.astype(np.int64)


def range_of(x: Array, boundaries: Array) -> Array:
    """The number of the range that each value lies in."""
    limits = boundaries.astype(x.dtype if x.dtype.kind == "f" else "float64")
    return np.searchsorted(limits, x, side="right").astype(np.int32)
