"""IMDB: 50,000 film reviews as numbers of words, liked or not (Maas et al., 2011)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.datasets import words
from kerasish.datasets.source import Dataset, load

TABLE = Dataset(
    "imdb",
    (
        words.texts_form(
            "imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
        ),
    ),
)


def load_data(
    path: Any = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return ``(x_train, y_train), (x_test, y_test)``, downloaded if need be.

    Words are numbered by their frequency; 0 is for padding (see `pad_sequences`).

    Parameters
    ----------
    path : path, optional
        An ``imdb.npz`` at hand, or a folder with it. A mere name changes nothing.
    num_words, skip_top : int, optional
        Only the ``num_words - 1`` most frequent words stay, without the `skip_top` first.
    maxlen : int, optional
        Only reviews of fewer words stay.
    seed : int
        Decides on the order, as in Keras.
    start_char, oov_char : int or None
        Marks of the beginning, and of words that do not stay (None leaves them out).
    index_from : int
        What is added to the number of every word.

    Returns
    -------
    x : ndarray of lists of int
        25,000 reviews each.
    y : ndarray of int64
        1 where the film was liked, else 0.

    Raises
    ------
    OSError
        If the file is not at hand and could not be downloaded.
    ValueError
        If it is not the file it should be, or no review is short enough.

    Examples
    --------
    >>> (x_train, y_train), _ = load_data(num_words=5000)  # doctest: +SKIP
    >>> len(x_train)  # doctest: +SKIP
    25000
    """
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError(f"imdb.load_data: unrecognized keyword arguments: {kwargs}.")
    arrays = load(TABLE, path)
    draw = words.orders(seed)
    found = []
    for part in ("train", "test"):
        texts, labels = words.texts_of(arrays, f"x_{part}"), arrays[f"y_{part}"]
        indices = draw(len(texts))
        texts = [words.marked(texts[i], start_char, index_from) for i in indices]
        found.append(words.shortened("imdb", texts, labels[indices], maxlen))
    (train, y_train), (test, y_test) = found
    x = words.chosen([*train, *test], num_words, skip_top, oov_char)
    return (x[: len(train)], y_train), (x[len(train) :], y_test)


def get_word_index(path: Any = "imdb_word_index.json") -> dict[str, int]:
    """The number of every word; `index_from` of `load_data` is to be added to it."""
    return words.word_index(
        "imdb_word_index.json", "bfafd718b763782e994055a2d397834f", 1641221, path
    )


def info() -> dict[str, Any]:
    """Return what there is to know about the data.

    >>> info()["class_names"]
    ['negative', 'positive']
    """
    return {
        "name": "imdb",
        "description": "Film reviews as lists of numbers of words",
        "class_names": ["negative", "positive"],
        "dtype": "lists of int",
        "train_size": 25000,
        "test_size": 25000,
        "source": "Large Movie Review Dataset v1.0",
        "authors": "A. L. Maas et al., ACL 2011",
        "url": "https://ai.stanford.edu/~amaas/data/sentiment/",
        "licence": "none is stated; its authors ask for a citation",
    }
