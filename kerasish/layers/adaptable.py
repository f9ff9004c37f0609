"""Layers that learn a list of values from data, and how that list goes into files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.layers.tokens import Discrete, encode, parts
from kerasish.layers.vocabulary import Vocabulary

MOST_LINES = 1_000_000  # where the config does not say how many there are


def _lines(data: bytes, size: int | None) -> list[str]:
    """The `size` lines of a file; empty ones behind them do not count.

    They may end as on Windows, where Keras writes text as that system does. Nothing is split
    before the lines are counted.
    """
    breaks = data.count(b"\n")
    if breaks and data.count(b"\r\n") == breaks:
        data = data.replace(b"\r\n", b"\n")
    empty = len(data) - len(data.rstrip(b"\n"))
    if size is not None:
        empty = min(empty, max(breaks + 1 - size, 0))
    found = breaks + 1 - empty
    if size is not None and found != size:
        raise ValueError(f"vocabulary.txt has {found} tokens, and the config says {size}")
    if size is None and found > MOST_LINES:
        raise ValueError(f"vocabulary.txt has {found:,} tokens, and the config does not say so")
    data = data[: len(data) - empty]
    try:
        return data.decode().split("\n") if data else []
    except UnicodeDecodeError as error:
        raise ValueError(
            f"vocabulary.txt is no text in UTF-8 ({error}); Keras on Windows writes that of the "
            f"system: there, save again with PYTHONUTF8=1"
        ) from None


class Adaptable(Discrete):
    """A layer with a `Vocabulary`, which is given to it, or learnt by `adapt`."""

    _vocabulary: Vocabulary
    _is_given: bool

    def _start(self, vocabulary: Any, idf_weights: Any) -> None:
        self._is_given = vocabulary is not None
        if vocabulary is not None:
            self._vocabulary.set(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise ValueError(
                f"{self.label}: `idf_weights` need a `vocabulary` that they belong to."
            )

    def documents(self, data: Any, is_whole: bool) -> Iterator[list[Any]]:
        """Lists of tokens that `adapt` counts; `is_whole` if `data` is no batch of several."""
        raise TypeError(f"{type(self).__name__} must define `documents`.")

    def _adapt(self, data: Any, steps: int | None) -> None:
        if self._is_given:
            raise ValueError(
                f"{self.label} was given its vocabulary: it cannot adapt. Make it without "
                f"`vocabulary`, or use set_vocabulary."
            )
        is_whole = isinstance(data, list | tuple) or hasattr(data, "shape")
        self._vocabulary.learn(
            document
            for part in parts(data, self.label, steps)
            for document in self.documents(part, is_whole)
        )

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take these tokens in place of earlier ones.

        Parameters
        ----------
        vocabulary : list or path
            The tokens, or a text file of one a line. Special tokens may stand before them.
        idf_weights : list of float, optional
            One for each token, with ``output_mode="tf_idf"`` only.
        """
        self._vocabulary.set(vocabulary, idf_weights)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens; where special ones are included, each stands at its number."""
        return self._vocabulary.listed(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Number of tokens, those for padding and unknown ones included."""
        return len(self._vocabulary)

    def depth(self) -> int:
        """Number of tokens, or `max_tokens` where rows are filled up to it."""
        return self._vocabulary.columns()

    def encoded(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers of tokens as `output_mode` says."""
        if self.output_mode != "tf_idf":
            return super().encoded(numbers)
        return self._vocabulary.weighted(encode(numbers, "count", self.depth(), self.dtype))

    # --- files: where `adapt` found the tokens, they go into one of their own, as in Keras ------

    def _as_text(self) -> str:
        return "\n".join(map(str, self._vocabulary.listed()))

    @property
    def kept_in_assets(self) -> tuple[str, ...]:
        """Entries of the config that need not be there, since `save_assets` keeps them."""
        if self._is_given or not self._vocabulary.tokens:
            return ()
        tokens = list(map(str, self._vocabulary.listed()))
        readable = self._as_text().splitlines() == tokens  # by Keras, which drops an empty end
        return ("vocabulary", "idf_weights") if readable and tokens[-1] else ()

    def save_assets(self, dir_path: Any) -> None:
        """Write ``vocabulary.txt`` into a folder."""
        if self.kept_in_assets:
            Path(dir_path, "vocabulary.txt").write_bytes(self._as_text().encode())

    def load_assets(self, dir_path: Any) -> None:
        """Read ``vocabulary.txt`` in a folder, unless the vocabulary is known."""
        if self._is_given:
            return
        vocabulary = self._vocabulary
        lines = _lines(Path(dir_path, "vocabulary.txt").read_bytes(), vocabulary.filed_size)
        tokens = [int(line) for line in lines] if vocabulary.whole else lines
        vocabulary.set(tokens, vocabulary.idf)

    def save_own_variables(self, store: Any) -> None:
        """Put the weights for "tf_idf" into a mapping."""
        if self._vocabulary.idf is not None:
            store["idf_weights"] = self._vocabulary.idf

    def load_own_variables(self, store: Any) -> None:
        """Take the weights for "tf_idf" from a mapping; the tokens come with `load_assets`."""
        if self.output_mode != "tf_idf" or "idf_weights" not in store:
            return
        idf = np.asarray(store["idf_weights"], np.float32)
        size = len(self._vocabulary) if self._vocabulary.tokens else self._vocabulary.filed_size
        if idf.shape != (size,):
            raise ValueError(f"idf_weights has shape {idf.shape}, and there are {size} tokens")
        self._vocabulary = replace(self._vocabulary, idf=idf)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Build the layer.

        Raises
        ------
        ValueError
            If the config names a file of tokens: none is opened because a model says so.
        """
        config = dict(config)
        config.pop("has_input_vocabulary", None)
        size = config.pop("vocabulary_size", None)
        if isinstance(config.get("vocabulary"), str):
            raise ValueError(
                f"{cls.__name__}: the config names a file of tokens, {config['vocabulary']!r}, and "
                f"no file is opened because a config says so. Read it, and call set_vocabulary."
            )
        layer = cls(**config)
        if isinstance(size, int) and size > 0 and not layer._is_given:
            layer._vocabulary.filed_size = size
        return layer
