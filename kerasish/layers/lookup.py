"""Layers that number the values of a list: IntegerLookup and StringLookup."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.adaptable import Adaptable
from kerasish.layers.hashes import salt_pair
from kerasish.layers.tokens import MODES, as_whole, checked_mode, refuse_sparse
from kerasish.layers.vocabulary import Vocabulary
from kerasish.registry import plain, register

LOOKUP_MODES = (*MODES, "tf_idf")


class IndexLookup(Adaptable):
    """What `IntegerLookup` and `StringLookup` share."""

    whole: ClassVar[bool]

    def _set_up(
        self,
        output_mode: str,
        invert: bool,
        sparse: bool,
        vocabulary: Any,
        idf_weights: Any,
        hashes: bool,
        salt: Any,
        **options: Any,
    ) -> None:
        refuse_sparse(self.label, sparse)
        self.output_mode = checked_mode(self.label, output_mode, LOOKUP_MODES)
        self.invert = bool(invert)
        if invert and self.output_mode != "int":
            raise ValueError(
                f"{self.label}: invert=True goes with output_mode='int', not {output_mode!r}."
            )
        self._vocabulary = Vocabulary(
            owner=self.label,
            whole=self.whole,
            mode=self.output_mode,
            hashes=hashes,
            salt=salt_pair(self.label, salt),
            invert=self.invert,
            **options,
        )
        self._start(vocabulary, idf_weights)

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Take the most frequent tokens of `data`, forgetting earlier ones.

        Parameters
        ----------
        data : array, list or iterable
            Tokens; for ``output_mode="tf_idf"``, each row is a text. Or an iterable of batches (of
            tuples, the first entry counts).
        steps : int, optional
            Number of batches to look at.
        """
        self._adapt(data, steps)

    def documents(self, data: Any, is_whole: bool) -> Iterator[list[Any]]:
        """The rows; a batch of one axis is one of them."""
        x = self._tokens(self.prepare_input(data))
        rows = x[None] if x.ndim == 0 or not (is_whole or x.ndim > 1) else x
        for row in rows:
            yield np.ravel(row).tolist()

    def _tokens(self, x: np.ndarray) -> np.ndarray:
        """`x` as tokens, of their type."""
        is_text = x.dtype.kind not in "biuf"
        if is_text == self.whole and x.size:
            kind, other = (
                ("whole numbers", "StringLookup")
                if self.whole
                else (
                    "texts",
                    "IntegerLookup",
                )
            )
            raise TypeError(
                f"{self.label} expects {kind} but got elements of type {x.dtype}. Use {other}, or "
                f"convert them."
            )
        return self._whole(x) if self.whole else x

    def _whole(self, x: np.ndarray) -> np.ndarray:
        try:
            return as_whole(x)
        except ValueError:
            raise ValueError(
                f"{self.label} expects whole numbers but got fractions or NaN."
            ) from None

    def indices(self, x: np.ndarray) -> np.ndarray:
        """Numbers of tokens, or tokens of numbers."""
        vocabulary = self._vocabulary
        if not self.invert:
            return vocabulary.numbers(self._tokens(x).ravel().tolist()).reshape(x.shape)
        vocabulary.require()
        if x.dtype.kind not in "biuf":
            raise TypeError(f"{self.label} has invert=True: it expects numbers of tokens.")
        tokens = vocabulary.listed()
        numbers = self._whole(x).ravel().tolist()
        size, unknown = len(tokens), vocabulary.oov_token
        found = [tokens[n] if 0 <= n < size else unknown for n in numbers]
        return np.array(found, np.int64 if self.whole else str).reshape(x.shape)

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files, with the vocabulary."""
        vocabulary = self._vocabulary
        config = super().get_config()
        config.update(
            invert=self.invert,
            max_tokens=vocabulary.max_tokens,
            num_oov_indices=vocabulary.num_oov_indices,
            oov_token=plain(vocabulary.oov_token),
            mask_token=plain(vocabulary.mask_token),
            output_mode=self.output_mode,
            sparse=False,
            pad_to_max_tokens=vocabulary.pad_to_max_tokens,
            vocabulary_dtype="int64",
            **vocabulary.for_config(),
            vocabulary_size=len(vocabulary) if vocabulary.tokens else vocabulary.filed_size,
            oov_method="farmhash" if vocabulary.hashes and self.whole else "floormod",
            salt=vocabulary.salt,
        )
        return config


@register()
class IntegerLookup(IndexLookup):
    """Whole numbers of any size as numbers from 0 on: their places in a vocabulary.

    Parameters
    ----------
    max_tokens : int, optional
        Largest size of the vocabulary, special tokens included.
    num_oov_indices : int
        How many numbers unknown tokens get; with 0 they are refused.
    mask_token : int, optional
        Becomes 0 (``output_mode="int"``), or is left out.
    oov_token : int
        What `invert` gives for unknown tokens.
    vocabulary : list or path, optional
        The tokens, or a text file of one a line. Without it call `adapt`.
    idf_weights : list of float, optional
        One for each token, with ``output_mode="tf_idf"``.
    invert : bool
        From places to tokens instead.
    output_mode : {"int", "one_hot", "multi_hot", "count", "tf_idf"}
        The places, or rows as of `CategoryEncoding`; "tf_idf" weighs the counts.
    pad_to_max_tokens : bool
        Whether rows have `max_tokens` columns, also where there are fewer tokens.
    oov_method : {"floormod", "farmhash"}
        How unknown tokens are spread over several numbers.
    salt : int or list of 2 int, optional
        Key of the hash, for "farmhash".

    Examples
    --------
    >>> layer = IntegerLookup()
    >>> layer.adapt([[12, 1138, 42], [42, 1000, 36]])
    >>> layer.get_vocabulary()
    [-1, 42, 1138, 1000, 36, 12]
    >>> layer([[42, 7]])
    Array([[1, 0]])
    """

    whole: ClassVar[bool] = True
    implied_dtype: ClassVar[str | None] = "int64"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        *,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        if vocabulary_dtype != "int64":
            raise ValueError(
                f"{self.label}: `vocabulary_dtype` must be 'int64' but is {vocabulary_dtype!r}."
            )
        if oov_method not in ("floormod", "farmhash"):
            raise ValueError(
                f"{self.label}: `oov_method` must be 'floormod' or 'farmhash' but is "
                f"{oov_method!r}."
            )
        if salt is not None and oov_method != "farmhash":
            raise ValueError(f"{self.label}: `salt` goes with oov_method='farmhash'.")
        self._set_up(
            output_mode,
            invert,
            sparse,
            vocabulary,
            idf_weights,
            oov_method == "farmhash",
            salt,
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            pad_to_max_tokens=pad_to_max_tokens,
        )


@register()
class StringLookup(IndexLookup):
    """Texts as whole numbers: their places in a vocabulary. They are neither split nor changed.

    Parameters
    ----------
    mask_token : str, optional
        Becomes 0 (``output_mode="int"``), or is left out.
    oov_token : str
        What `invert` gives for unknown tokens.
    encoding : str
        Of inputs that are bytes.
    salt : int or list of 2 int, optional
        Key of the hash that spreads unknown tokens over several numbers.
    max_tokens, num_oov_indices, vocabulary, idf_weights, invert, output_mode, pad_to_max_tokens
        As of `IntegerLookup`.

    Examples
    --------
    >>> layer = StringLookup(vocabulary=["a", "b", "c", "d"])
    >>> layer([["a", "c", "d"], ["d", "z", "b"]])
    Array([[1, 3, 4],
           [4, 0, 2]])
    """

    whole: ClassVar[bool] = False
    takes_text: ClassVar[bool] = True
    implied_dtype: ClassVar[str | None] = "string"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        *,
        oov_method: str = "floormod",
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.encoding = encoding
        self._set_up(
            output_mode,
            invert,
            sparse,
            vocabulary,
            idf_weights,
            True,  # whatever `oov_method`, as in Keras
            salt,
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            pad_to_max_tokens=pad_to_max_tokens,
        )

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files, with the vocabulary."""
        config = super().get_config()
        del config["vocabulary_dtype"]
        return {**config, "encoding": self.encoding}
