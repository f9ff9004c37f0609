"""Text as sequences of numbers (``keras.preprocessing.text`` of Keras 2)."""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from kerasish.errors import brief, did_you_mean

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
MODES = ("binary", "count", "tfidf", "freq")

__all__ = [
    "Tokenizer",
    "hashing_trick",
    "one_hot",
    "text_to_word_sequence",
    "tokenizer_from_json",
]


def text_to_word_sequence(
    input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """The words of a text: split at `split`, without the characters of `filters`.

    >>> text_to_word_sequence("Hello, big world!")
    ['hello', 'big', 'world']
    """
    if lower:
        input_text = input_text.lower()
    cleaned = input_text.translate({ord(character): split for character in filters})
    return [word for word in cleaned.split(split) if word]


def hashing_trick(
    text: str,
    n: int,
    hash_function: str | Callable[[str], int] | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """The words of a text as numbers from 1 to ``n - 1``, by a hash; two may share a number.

    `hash_function` is ``"md5"`` if left out, the same in every process, where Keras takes
    Python's own, which is another in each.

    >>> hashing_trick("one two one", 50)
    [9, 19, 9]
    """
    if n < 2:
        raise ValueError(f"hashing_trick: `n` must be at least 2 but is {n!r}.")
    if hash_function is None or hash_function == "md5":
        hash_function = _md5
    if not callable(hash_function):
        raise ValueError(
            f"hashing_trick: `hash_function` must be 'md5' or a function but is {hash_function!r}."
        )
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [hash_function(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """`hashing_trick` under the name that Keras has for it; no vector is made.

    >>> one_hot("one two one", 50) == hashing_trick("one two one", 50)
    True
    """
    return hashing_trick(input_text, n, None, filters, lower, split, analyzer)


class Tokenizer:
    """Numbers words by their frequency, and turns texts into sequences or rows of numbers.

    Parameters
    ----------
    num_words : int, optional
        Only the ``num_words - 1`` most frequent words get into results.
    filters : str
        Characters that are taken out.
    lower : bool
        Whether the case of letters is dropped.
    split : str
        Separator of words.
    char_level : bool
        Count characters in place of words.
    oov_token : str, optional
        Stands, as number 1, for words that are not known; else they are left out.
    analyzer : callable, optional
        Function from a text to its words.

    Attributes
    ----------
    word_index, index_word : dict
        Number of a word, from 1 on, and word of a number.
    word_counts, word_docs : dict
        How often a word came, and in how many texts.
    document_count : int
        Number of texts.

    Examples
    --------
    >>> tokenizer = Tokenizer()
    >>> tokenizer.fit_on_texts(["the cat", "the dog sleeps"])
    >>> tokenizer.texts_to_sequences(["the cat sleeps"])
    [[1, 2, 4]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], list[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        num_words = kwargs.pop("nb_words", num_words)
        self.document_count: int = kwargs.pop("document_count", 0)
        if kwargs:
            known = ["num_words", "filters", "lower", "split", "char_level", "oov_token"]
            raise TypeError(
                f"Unrecognized keyword arguments passed to Tokenizer: {kwargs}."
                f"{did_you_mean(next(iter(kwargs)), known)}"
            )
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: collections.OrderedDict[str, int] = collections.OrderedDict()
        self.word_docs: dict[str, int] = collections.defaultdict(int)
        self.index_docs: dict[int, int] = collections.defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> list[str]:
        if isinstance(text, list | tuple) or self.char_level:
            if self.lower:
                text = [w.lower() for w in text] if isinstance(text, list | tuple) else text.lower()
            return list(text)
        if not isinstance(text, str):
            raise TypeError(
                f"Tokenizer expects texts, or lists of words, but got {brief(text)}. Turn missing "
                f"values into '' and others into text with str()."
            )
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of texts (or lists of words), and number them."""
        if isinstance(texts, str):
            raise TypeError(
                "Tokenizer.fit_on_texts expects a list of texts but got one text. Write [text]."
            )
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        by_count = sorted(self.word_counts.items(), key=lambda item: item[1], reverse=True)
        first = [] if self.oov_token is None else [self.oov_token]
        listed = first + [word for word, _ in by_count]
        self.word_index = {word: i for i, word in enumerate(listed, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Iterable[Iterable[int]]) -> None:
        """Count in how many sequences each number comes, for `sequences_to_matrix`."""
        for sequence in sequences:
            self.document_count += 1
            for index in set(sequence):
                self.index_docs[index] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Each text as the numbers of its words."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """The same, one text at a time."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for text in texts:
            numbers = []
            for word in self._words(text):
                index = self.word_index.get(word)
                if index is None or (self.num_words and index >= self.num_words):
                    index = unknown
                if index is not None:
                    numbers.append(index)
            yield numbers

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Each sequence as the words of its numbers, with blanks between them."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """The same, one sequence at a time."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for sequence in sequences:
            words = []
            for index in sequence:
                word = self.index_word.get(index)
                if word is None or (self.num_words and index >= self.num_words):
                    word = self.index_word.get(unknown) if unknown is not None else None
                if word is not None:
                    words.append(word)
            yield " ".join(words)

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """Each text as a row with one column a word; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> np.ndarray:
        """Each sequence as a row, with one column for every number.

        `mode` says what stands there: whether the word comes ("binary"), how often ("count"),
        its share ("freq"), or ``(1 + ln count) * ln(1 + texts / (1 + texts with it))`` ("tfidf").
        """
        if mode not in MODES:
            raise ValueError(
                f"Tokenizer: `mode` must be one of {', '.join(map(repr, MODES))} but is "
                f"{mode!r}.{did_you_mean(mode, MODES)}"
            )
        if not self.num_words and not self.word_index:
            raise ValueError(
                "Tokenizer: give num_words, or call fit_on_texts first, so that the number of "
                "columns is known."
            )
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: call fit_on_texts before using mode 'tfidf'.")
        columns = self.num_words or len(self.word_index) + 1
        rows = np.zeros((len(sequences), columns))
        for row, sequence in zip(rows, sequences, strict=True):
            counts = collections.Counter(i for i in sequence if i < columns)
            for index, count in counts.items():
                row[index] = self._entry(mode, index, count, len(sequence))
        return rows

    def _entry(self, mode: str, index: int, count: int, length: int) -> float:
        if mode == "binary":
            return 1.0
        if mode == "count":
            return float(count)
        if mode == "freq":
            return count / length
        texts = self.index_docs.get(index, 0)
        return (1 + np.log(count)) * np.log(1 + self.document_count / (1 + texts))

    def get_config(self) -> dict[str, Any]:
        """Arguments and counts; the counts as JSON texts, as in Keras."""
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            "word_counts": json.dumps(self.word_counts),
            "word_docs": json.dumps(self.word_docs),
            "index_docs": json.dumps(self.index_docs),
            "index_word": json.dumps(self.index_word),
            "word_index": json.dumps(self.word_index),
        }

    def to_json(self, **kwargs: Any) -> str:
        """JSON text, which `tokenizer_from_json` reads, here and in Keras."""
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Make a Tokenizer of what `Tokenizer.to_json` returned.

    >>> tokenizer = Tokenizer(char_level=True)
    >>> tokenizer.fit_on_texts(["ab", "a"])
    >>> tokenizer_from_json(tokenizer.to_json()).texts_to_sequences(["ba"])
    [[2, 1]]
    """
    try:
        config = dict(json.loads(json_string)["config"])
        tables = {
            key: json.loads(config.pop(key))
            for key in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"tokenizer_from_json expects what Tokenizer.to_json() returned but got "
            f"{brief(json_string)}: {error!r}."
        ) from None
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts = collections.OrderedDict(tables["word_counts"])
    tokenizer.word_docs = collections.defaultdict(int, tables["word_docs"])
    tokenizer.word_index = tables["word_index"]
    tokenizer.index_word = {int(k): v for k, v in tables["index_word"].items()}
    tokenizer.index_docs = collections.defaultdict(
        int, {int(k): v for k, v in tables["index_docs"].items()}
    )
    return tokenizer
