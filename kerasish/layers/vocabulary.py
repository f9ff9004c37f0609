"""A list of tokens and the number of each: what lookup layers and TextVectorization learn."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.errors import brief
from kerasish.layers.hashes import buckets
from kerasish.layers.tokens import DROPPED

UNKNOWN = -1


@dataclass
class Vocabulary:
    """Tokens in their order: that of the mask, those of unknown tokens, then those that are known.

    Parameters
    ----------
    owner : str
        Label of the layer, for messages.
    whole : bool
        Whether tokens are whole numbers; else they are texts.
    mode : str
        The layer's `output_mode`. With another than "int" the mask's token has no number.
    max_tokens, num_oov_indices, mask_token, oov_token, pad_to_max_tokens
        Arguments of the layer.
    hashes : bool
        Whether unknown tokens are spread by their hash, else by the remainder.
    filed_size : int, optional
        Size of a vocabulary that a file says there was, for as long as there is none.
    """

    owner: str
    whole: bool
    mode: str
    max_tokens: int | None
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    pad_to_max_tokens: bool
    hashes: bool = True
    salt: list[int] | None = None
    invert: bool = False
    tokens: list[Any] = field(default_factory=list)
    idf: np.ndarray | None = None
    filed_size: int | None = None
    _numbers: dict[Any, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens <= 1:
            raise ValueError(
                f"{self.owner}: `max_tokens` must be greater than 1 but is {self.max_tokens!r}."
            )
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError(f"{self.owner}: pad_to_max_tokens=True needs `max_tokens`.")
        if self.num_oov_indices < 0:
            raise ValueError(
                f"{self.owner}: `num_oov_indices` must be 0 or more but is {self.num_oov_indices}."
            )

    @property
    def first_unknown(self) -> int:
        """Number of the first unknown token."""
        return int(self.mask_token is not None and self.mode == "int")

    @property
    def start(self) -> int:
        """Number of the first known token."""
        return self.first_unknown + self.num_oov_indices

    @property
    def special(self) -> list[Any]:
        """The tokens before the known ones."""
        return [self.mask_token] * self.first_unknown + [self.oov_token] * self.num_oov_indices

    def __len__(self) -> int:
        return self.start + len(self.tokens)

    def columns(self) -> int:
        """Length of an encoded row."""
        if self.pad_to_max_tokens:
            return int(self.max_tokens or 0)
        if not self.tokens and self.filed_size is not None:
            return self.filed_size
        self.require()
        return len(self)

    def require(self) -> None:
        """Refuse to go on without tokens."""
        if not self.tokens:
            raise ValueError(
                f"{self.owner} has no vocabulary yet. Call adapt(data) first, or pass `vocabulary`."
            )

    # --- setting ------------------------------------------------------------------------------

    def set(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take tokens, or those of a text file of one a line; special ones may stand before them.

        Nothing changes where something is refused.
        """
        if (self.mode == "tf_idf") != (idf_weights is not None):
            raise ValueError(
                f"{self.owner}: `idf_weights` go with a vocabulary and output_mode='tf_idf', and "
                f"only with it; here output_mode is {self.mode!r} and they are "
                f"{brief(idf_weights)}."
            )
        given = self._listed(vocabulary)
        has_special = bool(self.start) and given[: self.start] == self.special
        tokens = given[self.start :] if has_special else given
        if not tokens:
            raise ValueError(f"{self.owner}: `vocabulary` is empty. Pass at least one token.")
        repeated = [t for t, count in collections.Counter(tokens).items() if count > 1]
        if repeated:
            raise ValueError(
                f"{self.owner}: `vocabulary` has tokens more than once: {brief(repeated[:5])}. "
                f"Each token has one number; take list(dict.fromkeys(vocabulary))."
            )
        for what, token in ("mask_token", self.mask_token), ("oov_token", self.oov_token):
            if token in tokens and (what == "mask_token" or self.invert):
                raise ValueError(
                    f"{self.owner}: the {what} {token!r} stands inside `vocabulary`. Leave special "
                    f"tokens out, or put them first, as {self.special}."
                )
        if self.max_tokens is not None and self.start + len(tokens) > self.max_tokens:
            raise ValueError(
                f"{self.owner}: `vocabulary` has {len(tokens)} tokens and there are {self.start} "
                f"special ones, more than max_tokens={self.max_tokens}."
            )
        idf = None if idf_weights is None else self._weights(idf_weights, len(given), has_special)
        self._put(tokens, idf)

    def _listed(self, vocabulary: Any) -> list[Any]:
        if isinstance(vocabulary, str | Path):
            if not Path(vocabulary).is_file():
                raise FileNotFoundError(
                    f"{self.owner}: there is no file {str(vocabulary)!r}. `vocabulary` is a list "
                    f"of tokens, or the path of a text file with one a line."
                )
            lines = Path(vocabulary).read_text("utf-8").split("\n")
            while lines and not lines[-1]:
                lines.pop()
            vocabulary = [int(line) for line in lines] if self.whole else lines
        given = np.asarray(vocabulary).tolist() if self.whole else list(vocabulary)
        given = [t.decode() if isinstance(t, bytes) else t for t in given]
        kind, kinds = (int, "whole numbers") if self.whole else (str, "texts")
        for place, token in enumerate(given):
            if not isinstance(token, kind) or isinstance(token, bool):
                raise TypeError(
                    f"{self.owner}: `vocabulary` must hold {kinds} but token {place} is "
                    f"{brief(token)}."
                )
        return given if self.whole else [str(t) for t in given]

    def _weights(self, weights: Any, expected: int, has_special: bool) -> np.ndarray:
        idf = np.asarray(weights, np.float32)
        if idf.shape != (expected,):
            raise ValueError(
                f"{self.owner}: `idf_weights` must be one number for each of the {expected} tokens "
                f"of `vocabulary` but have the shape {idf.shape}."
            )
        return idf if has_special else self._with_unknown(idf)

    def _with_unknown(self, idf: np.ndarray) -> np.ndarray:
        """Weights of the unknown tokens, of which nothing is known: the mean of the others."""
        return np.concatenate([np.full(self.start, idf.mean()), idf]).astype(np.float32)

    def _put(self, tokens: list[Any], idf: np.ndarray | None) -> None:
        self.tokens, self.idf = tokens, idf
        self._numbers = {token: i for i, token in enumerate(tokens, self.start)}
        if self.mask_token is not None:
            self._numbers[self.mask_token] = 0 if self.mode == "int" else DROPPED

    def learn(self, documents: Iterable[list[Any]]) -> None:
        """Take the most frequent tokens of lists of tokens; of equal ones the last of the alphabet.

        A token's weight for "tf_idf" is ``log(1 + lists / (1 + lists with it))``.
        """
        counts: collections.Counter[Any] = collections.Counter()
        found_in: collections.Counter[Any] = collections.Counter()
        number = 0
        for document in documents:
            number += 1
            counts.update(document)
            if self.mode == "tf_idf":
                found_in.update(set(document))
        for special in self.mask_token, self.oov_token:
            counts.pop(special, None)
        if not counts:
            raise ValueError(f"{self.owner}: adapt found no tokens in the data.")
        ranked = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        most = None if self.max_tokens is None else max(self.max_tokens - self.start, 0)
        tokens = ranked[:most]
        if not tokens:
            raise ValueError(
                f"{self.owner}: max_tokens={self.max_tokens} leaves no room beside the "
                f"{self.start} special tokens."
            )
        idf = None
        if self.mode == "tf_idf":
            lists_with = np.array([found_in[token] for token in tokens])
            idf = self._with_unknown(np.log(1 + number / (1 + lists_with)))
        self._put(tokens, idf)

    # --- looking up ---------------------------------------------------------------------------

    def numbers(self, tokens: list[Any]) -> np.ndarray:
        """The number of each token."""
        self.require()
        known = self._numbers
        found = np.fromiter((known.get(t, UNKNOWN) for t in tokens), np.int64, len(tokens))
        unknown = np.flatnonzero(found == UNKNOWN)
        if not len(unknown):
            return found
        if self.num_oov_indices == 0:
            strange = list(dict.fromkeys(tokens[i] for i in unknown[:100]))[:5]
            raise ValueError(
                f"{self.owner}: {strange} are not in the vocabulary, and num_oov_indices=0 leaves "
                f"no number for unknown tokens. Set num_oov_indices=1."
            )
        if self.num_oov_indices == 1:
            found[unknown] = self.first_unknown
        elif self.hashes:
            hashed = buckets((tokens[i] for i in unknown), self.num_oov_indices, self.salt)
            found[unknown] = hashed + self.first_unknown
        else:
            rest = np.array([tokens[i] % self.num_oov_indices for i in unknown])
            found[unknown] = rest + self.first_unknown
        return found

    def listed(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens; where special ones are included, each stands at its number."""
        return (self.special if include_special_tokens else []) + self.tokens

    def weighted(self, counts: np.ndarray) -> np.ndarray:
        """Counts (..., columns) times the weights for "tf_idf"."""
        if self.idf is None:
            self.require()
            raise ValueError(f"{self.owner} has no idf_weights. Call adapt(data), or pass them.")
        y = counts.copy()
        y[..., : len(self.idf)] *= self.idf
        return y

    def for_config(self) -> dict[str, Any]:
        """The entries of a config that make the vocabulary again."""
        if not self.tokens:
            return {"idf_weights": None, "vocabulary": None}
        if self.idf is None:
            return {"idf_weights": None, "vocabulary": list(self.tokens)}
        return {"idf_weights": self.idf.tolist(), "vocabulary": self.listed()}
