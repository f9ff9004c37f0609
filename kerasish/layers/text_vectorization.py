"""Texts as numbers of their words: TextVectorization."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from kerasish.errors import brief, did_you_mean
from kerasish.layers.adaptable import Adaptable
from kerasish.layers.arguments import Shape, positive
from kerasish.layers.base import Backward
from kerasish.layers.function import FunctionName, known_function
from kerasish.layers.lookup import LOOKUP_MODES
from kerasish.layers.tokens import DROPPED, checked_mode, refuse_sparse, tokens_array
from kerasish.layers.vocabulary import Vocabulary
from kerasish.registry import register
from kerasish.step import Step

STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLIT = ("whitespace", "character")
# Keras cleans bytes: other letters than A to Z keep their case, other spaces split nothing.
LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
WORD = re.compile(r"[^ \t\n\r\v\f]+")


@register()
class TextVectorization(Adaptable):
    """Texts (N,) or (N, 1) as the numbers of their words, (N, T), or as a row for each text.

    Number 0 fills short texts up, and 1 stands for unknown words (``output_mode="int"``).

    Parameters
    ----------
    max_tokens : int, optional
        Largest size of the vocabulary, special tokens included.
    standardize : str, callable or None
        ``"lower_and_strip_punctuation"`` (default), ``"lower"``, ``"strip_punctuation"``, or a
        function from an array of texts to another one. As in Keras, only A to Z are lowered.
    split : str, callable or None
        At ``"whitespace"`` (default), into each ``"character"``, or by a function from an array of
        texts to a list of lists of words; None takes each text as one word.
    ngrams : int or tuple of int, optional
        Also runs of up to this many words, or of just these numbers of words.
    output_mode : {"int", "multi_hot", "count", "tf_idf", "one_hot"}
        The numbers; or for each text a row with one column for each word: whether it comes, how
        often, or that times its weight ``log(1 + texts / (1 + texts with it))``.
    output_sequence_length : int, optional
        Length T to which texts are cut or filled up; else that of the longest one of a batch, and
        then one thread does a batch by itself.
    pad_to_max_tokens : bool
        Whether rows have `max_tokens` columns, also where there are fewer words.
    vocabulary : list or path, optional
        The words, or a text file of one a line. Without it call `adapt`.
    idf_weights : list of float, optional
        One for each word, with ``output_mode="tf_idf"``.
    encoding : str
        Of inputs that are bytes.

    Examples
    --------
    >>> layer = TextVectorization(output_sequence_length=4)
    >>> layer.adapt(["foo bar", "bar baz", "baz bada boom"])
    >>> layer(["Foo qux bar!", "qux baz"])
    Array([[4, 1, 3, 0],
           [1, 2, 0, 0]])
    """

    takes_text: ClassVar[bool] = True
    also_filed_as = ("_lookup_layer",)
    implied_dtype: ClassVar[str | None] = "string"

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        *,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        refuse_sparse(self.label, sparse)
        refuse_sparse(self.label, ragged, "ragged")
        self.standardize = self._choice("standardize", standardize, STANDARDIZE)
        self.split = self._choice("split", split, SPLIT)
        self.ngrams = self._widths(ngrams)
        self.output_mode = checked_mode(self.label, output_mode, LOOKUP_MODES)
        if output_sequence_length is not None:
            if self.output_mode != "int":
                raise ValueError(
                    f"{self.label}: `output_sequence_length` goes with output_mode='int', not "
                    f"{output_mode!r}, whose rows have a column for each word."
                )
            positive(self, "output_sequence_length", output_sequence_length)
        self.output_sequence_length = output_sequence_length
        # Else texts are filled up to the longest one of the whole batch.
        self.shardable = self.output_mode not in ("int", "one_hot") or bool(output_sequence_length)
        self.encoding = encoding
        self._vocabulary = Vocabulary(
            owner=self.label,
            whole=False,
            mode=self.output_mode,
            max_tokens=max_tokens,
            num_oov_indices=1,
            mask_token="",
            oov_token="[UNK]",
            pad_to_max_tokens=pad_to_max_tokens,
        )
        self._start(vocabulary, idf_weights)

    def _choice(self, argument: str, value: Any, names: tuple[str, ...]) -> Any:
        if value is None or callable(value) or value in names:
            return value
        raise ValueError(
            f"{self.label}: `{argument}` must be one of {', '.join(map(repr, names))}, a function "
            f"or None but is {value!r}.{did_you_mean(value, names)}"
        )

    def _widths(self, ngrams: Any) -> Any:
        widths = (ngrams,) if isinstance(ngrams, int) else ngrams
        good = widths is None or isinstance(widths, tuple | list)
        if not good or any(not isinstance(n, int) or n < 1 for n in widths or ()):
            raise ValueError(
                f"{self.label}: `ngrams` must be a positive whole number, a tuple of them or None "
                f"but is {ngrams!r}."
            )
        return tuple(ngrams) if isinstance(ngrams, list) else ngrams

    # --- texts to words -------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Take the most frequent words of texts, forgetting earlier ones.

        Parameters
        ----------
        data : list, array or iterable
            Texts, or an iterable of batches of them (of tuples, the first entry counts).
        batch_size : int, optional
            Without effect, as in Keras.
        steps : int, optional
            Number of batches to look at.
        """
        self._adapt(data, steps)

    def documents(self, data: Any, is_whole: bool) -> Iterator[list[str]]:
        """The words of each text."""
        yield from self._words(np.atleast_1d(self.prepare_input(data)))

    def prepare_input(self, inputs: Any) -> np.ndarray:
        """An array of texts."""
        x = tokens_array(inputs, self.label, self.encoding)
        if x.dtype.kind in "biuf" and x.size:
            raise TypeError(
                f"{self.label} expects texts but got numbers (elements of type {x.dtype})."
            )
        return x

    def _words(self, x: np.ndarray) -> list[list[str]]:
        """The words, or runs of words, of each text of (N,) or (N, 1), or of each row."""
        if self.split is not None and x.ndim > 1:
            if x.shape[1:] != (1,):
                raise self.shape_error(
                    "(N,) or (N, 1)", x.shape, "Join the words of a row, or pass split=None."
                )
            x = x[:, 0]
        rows = self._split(self._standardized(x))
        if self.ngrams is None:
            return rows
        widths = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [
            [" ".join(row[i : i + n]) for n in widths for i in range(len(row) - n + 1)]
            for row in rows
        ]

    def _standardized(self, x: np.ndarray) -> np.ndarray:
        how = self.standardize
        if how is None:
            return x
        if callable(how):
            found = np.asarray(how(x.astype(str)))
            if found.shape != x.shape:
                raise ValueError(
                    f"{self.label}: `standardize` must return an array of the shape it got, "
                    f"{x.shape}, but returned {brief(found)}."
                )
            return found
        table = {
            "lower": LOWER,
            "strip_punctuation": NO_PUNCTUATION,
            "lower_and_strip_punctuation": LOWER | NO_PUNCTUATION,
        }[how]
        found = np.empty(x.size, object)
        found[:] = [text.translate(table) for text in x.ravel().tolist()]
        return found.reshape(x.shape)

    def _split(self, x: np.ndarray) -> list[list[str]]:
        if self.split is None:
            return [np.ravel(row).tolist() for row in x]
        if callable(self.split):
            return [[str(word) for word in row] for row in self.split(x.astype(str))]
        if self.split == "character":
            return [list(text) for text in x.tolist()]
        return [WORD.findall(text) for text in x.tolist()]

    # --- words to numbers -----------------------------------------------------------------------

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """Split the texts, look their words up, and put the numbers into one array."""
        rows = self._words(x[None] if x.ndim == 0 else x)
        numbers = self._vocabulary.numbers([word for row in rows for word in row])
        lengths = np.array([len(row) for row in rows], int)
        length = self.output_sequence_length or int(lengths.max(initial=0))
        used = np.arange(max(length, int(lengths.max(initial=0)))) < lengths[:, None]
        y = np.full(used.shape, 0 if self.output_mode == "int" else DROPPED, np.int64)
        y[used] = numbers
        y = self.encoded(y[:, :length])
        return y[0] if x.ndim == 0 else y, (lambda dy: None) if step.recording else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, T), or (N, number of words)."""
        if self.output_mode == "int":
            return (input_shape[0], self.output_sequence_length)
        if self.output_mode == "one_hot":
            return (input_shape[0], None, self.depth())
        return (input_shape[0], self.depth())

    def get_config(self) -> dict[str, Any]:
        """Arguments, in the order of Keras's files, with the vocabulary; functions by name."""
        vocabulary, how = self._vocabulary, (self.standardize, self.split)
        standardize, split = (FunctionName(f) if callable(f) else f for f in how)
        config = super().get_config()
        config.update(
            max_tokens=vocabulary.max_tokens,
            standardize=standardize,
            split=split,
            ngrams=list(self.ngrams) if isinstance(self.ngrams, tuple) else self.ngrams,
            output_mode=self.output_mode,
            output_sequence_length=self.output_sequence_length,
            pad_to_max_tokens=vocabulary.pad_to_max_tokens,
            sparse=False,
            ragged=False,
        )
        found = vocabulary.for_config()
        config.update(vocabulary=found["vocabulary"], idf_weights=found["idf_weights"])
        size = len(vocabulary) if vocabulary.tokens else vocabulary.filed_size or len(vocabulary)
        config.update(encoding=self.encoding, vocabulary_size=size)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> TextVectorization:
        """Build the layer; functions are looked up among the registered and custom objects."""
        config = dict(config)
        for key in "standardize", "split":
            if isinstance(config.get(key), dict):
                config[key] = known_function(config[key], config.get("name"), cls.__name__)
        return super().from_config(config)
