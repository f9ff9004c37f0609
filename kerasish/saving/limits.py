"""What a file may ask for: bounds that follow from its own size."""

from __future__ import annotations

import json
import re
from typing import Any

SLACK = 16 << 20
EXPANSION = 4
MOST_ITEMS = 1_000_000
MOST_JSON = 64 << 20
MOST_DEPTH = 200


class FileError(ValueError):
    """What is wrong with a file, without its path, which whoever opened it adds."""


def most_bytes(size: int) -> int:
    """How many bytes may come out of a file of `size` bytes, packed parts unpacked."""
    return EXPANSION * size + SLACK


class Limits:
    """Adds up what is read from one file and refuses what the file cannot hold.

    Plain numbers take as many bytes as are stored; packed ones may take more, up to `most` in all.
    """

    def __init__(self, size: int, most: int | None = None) -> None:
        self.size = size
        self.most = most_bytes(size) if most is None else most
        self._left = self.most

    def check_stored(self, what: str, wanted: int, stored: int) -> None:
        """Refuse plain numbers of `wanted` bytes of which the file has `stored`."""
        if wanted > min(self.size, stored):
            raise FileError(f"{what} claims {wanted:,} bytes but only {stored:,} are stored")

    def take(self, what: str, wanted: int) -> None:
        """Count `wanted` bytes that are about to be read."""
        if wanted > self._left:
            raise FileError(
                f"{what} claims {wanted:,} bytes, too many for a file of {self.size:,} bytes"
            )
        self._left -= wanted

    def check_count(self, what: str, count: int) -> None:
        """Refuse lists of more items than any model has."""
        if count > min(MOST_ITEMS, self.size):
            raise FileError(f"{what} claims {count:,} items")


def read_json(text: str | bytes, what: str) -> Any:
    """Parse JSON of bounded size and depth.

    Raises
    ------
    FileError
        If it is no JSON, too large, or nested too deep.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FileError(f"{what} is not text in UTF-8: {error}") from None
    if len(text) > MOST_JSON:
        raise FileError(f"{what} has {len(text):,} characters, too many for a configuration")
    depth = json_depth(text)
    if depth > MOST_DEPTH:
        raise FileError(f"{what} is nested {depth} levels deep; at most {MOST_DEPTH} are read")
    try:
        return json.loads(text)
    except ValueError as error:
        hint = ""
        if re.match(r"\s*[\w\"']+:", text):
            hint = ". It looks like YAML, which is not read: save the model as JSON"
        raise FileError(f"{what} is not JSON: {error}{hint}") from None


# A text without an end goes on to the end of the file, so that the search is linear.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def json_depth(text: str) -> int:
    """How deep brackets are nested, found without recursion.

    >>> json_depth('{"a": [1, {"b": "[[["}]}')
    3
    """
    depth = deepest = 0
    for token in _TOKENS.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "]}":
            depth -= 1
    return deepest
