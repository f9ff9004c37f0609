"""Texts as numbers of words: reading Keras's files of them, and choosing words and texts."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.datasets import pickles
from kerasish.datasets.source import Arrays, Dataset, Form, Remote, load

ADDRESS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
MOST_BYTES = 2**28


def texts_form(name: str, sha256: str) -> Form:
    """The one .npz file of a data set of texts."""
    return Form((Remote(name, (ADDRESS + name,), sha256=sha256),), read_texts)


def read_texts(paths: dict[str, Path]) -> Arrays:
    """Parse a .npz with arrays of lists, which are pickles: only plain data are admitted.

    An array "x" of lists comes back as "x_words", all of them one after the other, and
    "x_lengths", so that it can be kept without a pickle.
    """
    (path,) = paths.values()
    arrays: Arrays = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > MOST_BYTES:
                raise ValueError(f"{member.filename} in {path.name} is too large")
            with archive.open(member) as file:
                name = member.filename.removesuffix(".npy")
                version = np.lib.format.read_magic(file)
                read: Any = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }.get(version)
                if read is None:
                    raise ValueError(f"{member.filename} in {path.name} has an unknown format")
                shape, _, kind = read(file)
                if kind.hasobject:
                    texts = pickles.load(file.read(), encoding="latin1")
                    arrays[f"{name}_lengths"] = np.array([len(text) for text in texts], "int32")
                    arrays[f"{name}_words"] = np.concatenate(
                        [np.asarray(text, "int32") for text in texts]
                    )
                else:
                    data = np.frombuffer(file.read(), kind)
                    arrays[name] = data.reshape(shape).copy()
    return arrays


def texts_of(arrays: Arrays, name: str) -> list[list[int]]:
    """The lists that `read_texts` has taken apart."""
    words = arrays[f"{name}_words"].tolist()
    ends = np.cumsum(arrays[f"{name}_lengths"]).tolist()
    return [words[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def orders(seed: int) -> Callable[[int], np.ndarray]:
    """A function that gives one order of so many rows after the other, as Keras draws them."""
    rng = np.random.RandomState(seed)

    def draw(count: int) -> np.ndarray:
        indices = np.arange(count)
        rng.shuffle(indices)
        return indices

    return draw


def marked(text: list[int], start_char: int | None, index_from: int) -> list[int]:
    """A text with its beginning marked, and room below for the marks."""
    if start_char is not None:
        return [start_char, *(w + index_from for w in text)]
    return [w + index_from for w in text] if index_from else list(text)


def shortened(
    who: str, texts: list[list[int]], labels: np.ndarray, maxlen: int | None
) -> tuple[list[list[int]], np.ndarray]:
    """The texts of fewer than `maxlen` words, as in Keras."""
    if not maxlen:
        return texts, labels
    kept = [i for i, text in enumerate(texts) if len(text) < maxlen]
    if not kept:
        raise ValueError(
            f"{who}.load_data: After filtering for sequences shorter than maxlen={maxlen}, no "
            f"sequence was kept. Increase maxlen."
        )
    return [texts[i] for i in kept], labels[kept]


def chosen(
    texts: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None
) -> np.ndarray:
    """The texts with their rare and their most frequent words replaced or left out."""
    most = num_words or max(max(text, default=0) for text in texts)  # as in Keras, exclusive
    result = np.empty(len(texts), object)
    for i, text in enumerate(texts):
        if oov_char is None:
            result[i] = [w for w in text if skip_top <= w < most]
        else:
            result[i] = [w if skip_top <= w < most else oov_char for w in text]
    return result


def word_index(name: str, md5: str, size: int, path: Any) -> dict[str, int]:
    """The JSON file that numbers the words of a data set."""
    table = Dataset(
        name.removesuffix(".json"),
        (Form((Remote(name, (ADDRESS + name,), size, md5=md5),), _json),),
    )
    arrays = load(table, path)
    return dict(zip(arrays["words"].tolist(), arrays["numbers"].tolist(), strict=True))


def _json(paths: dict[str, Path]) -> Arrays:
    (path,) = paths.values()
    found = json.loads(path.read_text("utf-8"))
    if not isinstance(found, dict) or not all(isinstance(n, int) for n in found.values()):
        raise ValueError("it is no JSON of words and numbers")
    return {"words": np.array(list(found)), "numbers": np.array(list(found.values()), "int32")}


def check_share(who: str, test_split: float) -> None:
    """Refuse a share of test data that is none."""
    if not 0 <= test_split < 1:
        raise ValueError(
            f"{who}.load_data: `test_split` must be between 0 and 1 (exclusive of 1) but is "
            f"{test_split!r}."
        )


def table_parts(
    arrays: Arrays, test_split: float, seed: int, rows: int | None = None
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Rows of numbers x and y in Keras's order, the last of them for testing."""
    x, y = arrays["x"][:rows], arrays["y"][:rows]
    indices = orders(seed)(len(x))
    cut = int(len(x) * (1 - test_split))
    train, test = indices[:cut], indices[cut:]
    return (x[train], y[train]), (x[test], y[test])
