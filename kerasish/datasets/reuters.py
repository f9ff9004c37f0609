"""Reuters: 11,228 newswires of 1987 as numbers of words, in 46 topics."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.datasets import words
from kerasish.datasets.source import Dataset, load

TABLE = Dataset(
    "reuters",
    (
        words.texts_form(
            "reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
        ),
    ),
)
TOPICS = """cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade
    reserves ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold
    tin strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange
    pet-chem dlr gas silver wpi hog lead"""


def load_data(
    path: Any = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return ``(x_train, y_train), (x_test, y_test)``, downloaded if need be.

    Parameters
    ----------
    path, num_words, skip_top, maxlen, seed, start_char, oov_char, index_from
        As in `kerasish.datasets.imdb.load_data`.
    test_split : float
        Share of the newswires that is for testing.

    Returns
    -------
    x : ndarray of lists of int
        The newswires.
    y : ndarray of int64
        Their topics, 0 to 45: see `get_label_names`.

    Raises
    ------
    OSError, ValueError
        If the file cannot be had, or is not what it should be.

    Examples
    --------
    >>> (x_train, y_train), _ = load_data(num_words=10000)  # doctest: +SKIP
    >>> len(x_train)  # doctest: +SKIP
    8982
    """
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError(f"reuters.load_data: unrecognized keyword arguments: {kwargs}.")
    words.check_share("reuters", test_split)
    arrays = load(TABLE, path)
    texts, indices = words.texts_of(arrays, "x"), words.orders(seed)(len(arrays["y"]))
    texts = [words.marked(texts[i], start_char, index_from) for i in indices]
    texts, labels = words.shortened("reuters", texts, arrays["y"][indices], maxlen)
    x = words.chosen(texts, num_words, skip_top, oov_char)
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], labels[:cut]), (x[cut:], labels[cut:])


def get_word_index(path: Any = "reuters_word_index.json") -> dict[str, int]:
    """The number of every word; `index_from` of `load_data` is to be added to it."""
    return words.word_index(
        "reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921", 550378, path
    )


def get_label_names() -> tuple[str, ...]:
    """The names of the topics.

    >>> get_label_names()[3], len(get_label_names())
    ('earn', 46)
    """
    return tuple(TOPICS.split())


def info() -> dict[str, Any]:
    """Return what there is to know about the data.

    >>> info()["class_names"][:2]
    ['cocoa', 'grain']
    """
    return {
        "name": "reuters",
        "description": "Newswires as lists of numbers of words",
        "class_names": list(get_label_names()),
        "dtype": "lists of int",
        "train_size": 8982,
        "test_size": 2246,
        "source": "Reuters-21578, Distribution 1.0",
        "authors": "D. D. Lewis, 1997",
        "url": "https://martin-thoma.com/nlp-reuters/",
        "licence": "for research; see the README of the collection",
    }
