"""Sequences of different lengths as one array, and windows over a series."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish.data.dataset import PyDataset
from kerasish.errors import brief


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Make one array of sequences, all of the same length.

    Parameters
    ----------
    sequences : list of list
        Sequences of numbers, or of arrays of one shape.
    maxlen : int, optional
        Length of the result; that of the longest sequence if left out.
    dtype : str
        Type of the result; ``object`` for text.
    padding, truncating : {"pre", "post"}
        Whether short sequences are filled, and long ones cut, at their beginning or end.
    value : float or str
        What they are filled with.

    Returns
    -------
    ndarray
        Of shape (number of sequences, maxlen, ...).

    Raises
    ------
    ValueError
        If something is no sequence, or their elements differ in shape.

    Examples
    --------
    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2)
    array([[0, 1],
           [3, 4]], dtype=int32)
    """
    for argument, where in ("padding", padding), ("truncating", truncating):
        if where not in ("pre", "post"):
            raise ValueError(
                f"pad_sequences: `{argument}` must be 'pre' or 'post' but is {where!r}."
            )
    if not hasattr(sequences, "__len__"):
        raise ValueError(
            f"pad_sequences: `sequences` must be iterable, with a length, but is "
            f"{brief(sequences)}. Pass a list of lists."
        )
    for i, one in enumerate(sequences):
        if not hasattr(one, "__len__") or isinstance(one, str):
            raise ValueError(
                f"pad_sequences: `sequences` must be a list of sequences but element {i} is "
                f"{brief(one)}. Put a single sequence into a list: [sequence]."
            )
    longest = max(map(len, sequences), default=0)
    maxlen = longest if maxlen is None else maxlen
    inner = next((np.asarray(one).shape[1:] for one in sequences if len(one)), ())
    kind = np.dtype(dtype).kind
    if isinstance(value, str) and kind not in "OUS":
        raise ValueError(
            f"pad_sequences: `value` is the text {value!r} but `dtype` is {dtype}. Pass "
            f"dtype=object, or a number."
        )
    result = np.full((len(sequences), maxlen, *inner), value, dtype)
    if maxlen == 0:
        return result
    for i, one in enumerate(sequences):
        if not len(one):
            continue
        kept = np.asarray(one[-maxlen:] if truncating == "pre" else one[:maxlen], dtype)
        if kept.shape[1:] != inner:
            raise ValueError(
                f"pad_sequences: the elements of sequence {i} have shape {kept.shape[1:]} but "
                f"those before {inner}. All must have one shape."
            )
        if padding == "pre":
            result[i, -len(kept) :] = kept
        else:
            result[i, : len(kept)] = kept
    return result


class Windows(PyDataset):
    """Batches of windows over a series: what `timeseries_dataset_from_array` returns."""

    def __init__(
        self,
        data: np.ndarray,
        targets: np.ndarray | None,
        starts: np.ndarray,
        offsets: np.ndarray,
        batch_size: int | None,
        rng: np.random.Generator | None,
    ) -> None:
        super().__init__()
        self._data, self._targets, self._rng = data, targets, rng
        self._starts, self._offsets = starts, offsets
        self._batch_size = batch_size
        if rng is not None:
            rng.shuffle(self._starts)

    def __len__(self) -> int:
        return -(-len(self._starts) // (self._batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        size = self._batch_size or 1
        starts = self._starts[index * size : (index + 1) * size]
        x = self._data[starts[:, None] + self._offsets]
        y = None if self._targets is None else self._targets[starts]
        if self._batch_size is None:
            x, y = x[0], None if y is None else y[0]
        return x if y is None else (x, y)

    def on_epoch_end(self) -> None:
        """Draw a new order."""
        if self._rng is not None:
            self._rng.shuffle(self._starts)


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Windows:
    """Windows over a series, in batches, for `fit`.

    Parameters
    ----------
    data : array-like
        The series, with time on axis 0.
    targets : array-like or None
        ``targets[i]`` belongs to the window that starts at ``data[i]``.
    sequence_length : int
        Steps of a window.
    sequence_stride, sampling_rate : int
        Steps between two windows, and between two elements of a window.
    batch_size : int or None
        Windows of a batch; None gives them one by one.
    shuffle : bool
        Whether the windows come in another order in every epoch.
    seed : int, optional
        Decides on the order.
    start_index, end_index : int, optional
        The part of the series, `end_index` not included, that is used.
    format : str
        Accepted for Keras's sake; there is one kind of data set here.

    Raises
    ------
    ValueError
        If no window fits, or a number makes no sense.

    Examples
    --------
    >>> windows = timeseries_dataset_from_array(np.arange(6), np.arange(3, 6), 3)
    >>> [(x.tolist(), y.tolist()) for x, y in windows]
    [([[0, 1, 2], [1, 2, 3], [2, 3, 4]], [3, 4, 5])]
    """
    who = "timeseries_dataset_from_array"
    data = np.asarray(data)
    targets = None if targets is None else np.asarray(targets)
    counts = {
        "sequence_length": sequence_length,
        "sequence_stride": sequence_stride,
        "sampling_rate": sampling_rate,
        **({} if batch_size is None else {"batch_size": batch_size}),
    }
    for argument, number in counts.items():
        if not isinstance(number, int | np.integer) or number < 1:
            raise ValueError(f"{who}: `{argument}` must be higher than 0 but is {number!r}.")
    first, last = start_index or 0, len(data) if end_index is None else end_index
    if not 0 <= first < last <= len(data):
        raise ValueError(
            f"{who}: `start_index` and `end_index` must mark a part of the {len(data)} steps of "
            f"`data` but are {start_index!r} and {end_index!r}."
        )
    reach = (sequence_length - 1) * sampling_rate
    data = data[first:last]
    count = len(data) - reach
    if targets is not None:
        targets = targets[first:last]
        count = min(count, len(targets))
    starts = np.arange(0, count, sequence_stride)
    if not len(starts):
        raise ValueError(
            f"{who}: no window of {sequence_length} steps, {sampling_rate} apart, fits into the "
            f"{len(data)} steps of `data` from {first} on. Shorten the window."
        )
    rng = None
    if shuffle:
        rng = np.random.default_rng(config.next_seed() if seed is None else seed)
    offsets = np.arange(0, reach + 1, sampling_rate)
    return Windows(data, targets, starts, offsets, batch_size, rng)
