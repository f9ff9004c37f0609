"""Sequences: padding, windows over a series, word pairs (``keras.preprocessing.sequence``)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from kerasish import config
from kerasish.data.dataset import PyDataset
from kerasish.utils.sequences import pad_sequences

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]


class TimeseriesGenerator(PyDataset):
    """Batches of windows over a series and of the targets that follow them.

    Parameters
    ----------
    data, targets : array-like
        The series, time on axis 0, and one target for each of its steps.
    length : int
        Steps that a window spans; the target is that of the step after it.
    sampling_rate, stride : int
        Steps between two elements of a window, and between two windows.
    start_index, end_index : int, optional
        The part of the series that is used, `end_index` included.
    shuffle, reverse : bool
        Draw the windows at random; turn each of them round.
    batch_size : int
        Windows of a batch.

    Raises
    ------
    ValueError
        If data and targets differ in length, or no window fits.

    Examples
    --------
    >>> x, y = TimeseriesGenerator([0, 1, 2, 3, 4], [0, 10, 20, 30, 40], length=3)[0]
    >>> x.tolist(), y.tolist()
    ([[0, 1, 2], [1, 2, 3]], [30, 40])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ) -> None:
        super().__init__()
        if len(data) != len(targets):
            raise ValueError(
                f"TimeseriesGenerator: data and targets have to be of the same length, but data "
                f"has {len(data)} steps and targets {len(targets)}."
            )
        self.data, self.targets, self.length = np.asarray(data), np.asarray(targets), length
        self.sampling_rate, self.stride, self.batch_size = sampling_rate, stride, batch_size
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse = shuffle, reverse
        self._rng = np.random.default_rng(config.next_seed()) if shuffle else None
        if self.start_index > self.end_index:
            raise ValueError(
                f"TimeseriesGenerator: `start_index+length={self.start_index} > "
                f"end_index={self.end_index}` is disallowed, as no part of the sequence would be "
                f"left to be used as current step. Shorten `length` or pass a longer series."
            )

    def __len__(self) -> int:
        span = self.batch_size * self.stride
        return (self.end_index - self.start_index + span) // span

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self._rng is not None:
            rows = self._rng.integers(self.start_index, self.end_index + 1, self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            last = min(first + self.batch_size * self.stride, self.end_index + 1)
            rows = np.arange(first, last, self.stride)
        offsets = np.arange(-self.length, 0, self.sampling_rate)
        x = self.data[rows[:, None] + offsets]
        return (x[:, ::-1] if self.reverse else x), self.targets[rows]

    def get_config(self) -> dict[str, Any]:
        """Arguments and data, as JSON holds them."""
        return {
            "data": json.dumps(self.data.tolist()),
            "targets": json.dumps(self.targets.tolist()),
            "length": self.length,
            "sampling_rate": self.sampling_rate,
            "stride": self.stride,
            "start_index": self.start_index,
            "end_index": self.end_index,
            "shuffle": self.shuffle,
            "reverse": self.reverse,
            "batch_size": self.batch_size,
        }

    def to_json(self, **kwargs: Any) -> str:
        """`get_config` as JSON text."""
        return json.dumps(
            {"class_name": type(self).__name__, "config": self.get_config()}, **kwargs
        )


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """Probability of keeping a word in `skipgrams`, by its rank (Mikolov et al., 2013).

    The frequency of the word of rank r is taken to be ``1 / (r (ln r + 0.5772) + 1/2 - 1/(12 r))``
    (Zipf's law); words more frequent than `sampling_factor` are thinned out.

    >>> make_sampling_table(3, 0.1).round(3)
    array([0.315, 0.315, 0.548])
    """
    rank = np.arange(size)
    rank[:1] = 1
    inverse = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    f = sampling_factor * inverse
    return np.minimum(1.0, f / np.sqrt(f))


def skipgrams(
    sequence: Any,
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of words that stand near each other (label 1), and random ones (label 0).

    Parameters
    ----------
    sequence : list of int
        Indices of words; 0 is no word and left out.
    vocabulary_size : int
        One more than the largest index.
    window_size : int
        How far apart the words of a pair may stand.
    negative_samples : float
        Random pairs for each true one.
    shuffle, categorical : bool
        Mix the pairs; give labels as ``[0, 1]`` and ``[1, 0]``.
    sampling_table : array-like, optional
        See `make_sampling_table`.
    seed : int, optional
        Decides on what is drawn.

    Examples
    --------
    >>> skipgrams([1, 2], 3, negative_samples=0, shuffle=False)
    ([[1, 2], [2, 1]], [1, 1])
    """
    rng = np.random.default_rng(config.next_seed() if seed is None else seed)
    pairs: list[list[int]] = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < rng.random()):
            continue
        near = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        pairs.extend([word, sequence[j]] for j in near if j != i and sequence[j])
    labels: list[Any] = [[0, 1] if categorical else 1] * len(pairs)
    if negative_samples > 0:
        count = int(len(labels) * negative_samples)
        words = [pair[0] for pair in pairs]
        rng.shuffle(words)
        drawn = rng.integers(1, max(2, vocabulary_size), count).tolist()
        pairs += [[words[i % len(words)], other] for i, other in enumerate(drawn)]
        labels += [[1, 0] if categorical else 0] * count
    if shuffle:
        order = rng.permutation(len(pairs))
        pairs, labels = [pairs[i] for i in order], [labels[i] for i in order]
    return pairs, labels
