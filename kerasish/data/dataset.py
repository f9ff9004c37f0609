"""`PyDataset`: data of one's own, a batch at a time; packing of batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any


class PyDataset:
    """Base class of datasets that make whole batches on demand.

    Subclasses write ``__getitem__(index)``, which returns batch number `index` as ``(x, y)`` or
    ``(x, y, sample_weight)``, and ``__len__`` (or the property `num_batches`), the number of
    batches; without an end when `num_batches` is None. Unlike a generator it gives every batch
    exactly once an epoch, in any order.

    Parameters
    ----------
    workers : int
        Threads in which `fit` asks for batches ahead of their time; with 1 it asks when it needs
        them.
    use_multiprocessing : bool
        Read ahead even with one worker. The workers are threads all the same.
    max_queue_size : int
        How many batches may wait.

    Examples
    --------
    >>> import numpy as np
    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         x = np.arange(4 * index, 4 * index + 4)
    ...         return x, x**2
    >>> [y.tolist() for _, y in Squares()][-1]
    [64, 81, 100, 121]
    """

    # Class attributes, so that subclasses work that never call `super().__init__`.
    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise TypeError(
            f"{type(self).__name__} must define __getitem__(self, index), which returns batch "
            "number `index` as a tuple (x, y)."
        )

    @property
    def num_batches(self) -> int | None:
        """Number of batches, or None for a dataset without an end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise TypeError(
            f"{type(self).__name__} must define __len__(self), the number of batches, or the "
            "property num_batches (None: without an end)."
        )

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Run before every epoch; to be overridden."""

    def on_epoch_end(self) -> None:
        """Run after every epoch, for instance to shuffle; to be overridden."""


Sequence = PyDataset


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Return x, ``(x, y)`` or ``(x, y, sample_weight)``, whatever was given.

    >>> pack_x_y_sample_weight(1, 2)
    (1, 2)
    """
    if y is None:
        return (x,) if isinstance(x, tuple | list) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Return ``(x, y, sample_weight)`` of a batch, with None for what it does not have.

    Raises
    ------
    ValueError
        If `data` is a tuple of more than three.

    Examples
    --------
    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if not isinstance(data, tuple | list):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, "
            f"but got a {type(data).__name__} of {len(data)}. Join several inputs into one array."
        )
    x, y, weight = (*data, None, None)[:3]
    return x, y, weight
