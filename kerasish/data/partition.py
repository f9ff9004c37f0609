"""Dividing rows at random into a part to train on and a part to judge by."""

from __future__ import annotations

import math
import operator
import sys
from typing import Any

import numpy as np

from kerasish import config
from kerasish.data import arrays, checks
from kerasish.data.hdf5 import RowRange, RowSelection, is_stored

Pair = tuple[Any, Any]


def train_test_split(
    *given: Any,
    test_size: int | float | None = None,
    train_size: int | float | None = None,
    seed: int | None = None,
    shuffle: bool = True,
    stratify: Any = None,
    random_state: int | None = None,
) -> list[Any]:
    """Divide the rows of arrays at random, alike in all of them.

    Parameters
    ----------
    *given : array-like
        Arrays, lists, pandas objects, memory maps or arrays in a file, of equally many rows. What
        is in a file or mapped is not read: its parts are views that read their rows when they are
        needed, and all rows keep their order then.
    test_size, train_size : int or float, optional
        Rows of either part, as a count or a fraction of all; what is left goes to the other part.
        A quarter is for testing if neither is given. Together they may leave rows out.
    seed : int, optional
        The same seed divides in the same way on every machine. Without one, `set_random_seed`
        decides.
    shuffle : bool
        False cuts off the tail, in order.
    stratify : array-like, optional
        Classes (numbers or names, (n,), (n, 1) or one-hot): each of them has the same share of
        both parts, to within one row.
    random_state : int, optional
        scikit-learn's name of `seed`.

    Returns
    -------
    list
        ``[first_train, first_test, second_train, second_test, ...]``.

    Raises
    ------
    ValueError, TypeError
        If the rows do not match, a part would be empty, or the classes cannot be divided.

    Examples
    --------
    >>> x, y = np.arange(20).reshape(10, 2), np.array([0, 1] * 5)
    >>> x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=4, seed=0, stratify=y)
    >>> x_train.shape, x_test.shape, sorted(y_test.tolist())
    ((6, 2), (4, 2), [0, 0, 1, 1])
    """
    who = "train_test_split"
    if not given:
        raise TypeError(f"{who}: no arrays came. Pass them first: {who}(x, y, test_size=0.2).")
    rows = checks.same_rows({f"array {i + 1}": _rows(a, who) for i, a in enumerate(given)}, who)
    train, test = _counts(rows, train_size, test_size, ("train_size", "test_size"), 0.25, who)
    seed = random_state if seed is None else seed
    parts = _divide(rows, train, test, seed, shuffle, stratify, who)
    if any(is_stored(a) or arrays.is_on_disk(a) for a in given):
        parts = tuple(map(np.sort, parts))  # read in the order of the file
    return [_take(array, part) for array in given for part in parts]


def train_val_split(
    x: Any,
    y: Any,
    val_size: int | float = 0.1,
    seed: int | None = None,
    shuffle: bool = True,
    stratify: Any = None,
) -> tuple[Pair, Pair]:
    """Divide x and y at random: ``(x_train, y_train), (x_val, y_val)``.

    The second pair is what `fit` takes as `validation_data`. Unlike ``validation_split``, which
    takes the tail as it is, it holds rows from everywhere.

    Parameters
    ----------
    x, y : array-like
        As for `train_test_split`.
    val_size : int or float
        Rows for validation, as a count or a fraction.
    seed, shuffle
        As for `train_test_split`.
    stratify : bool or array-like, optional
        True divides the classes in y alike; or the classes to divide alike.

    Examples
    --------
    >>> x, y = np.arange(100.0), np.arange(100) % 4
    >>> train, validation = train_val_split(x, y, 0.2, seed=0, stratify=True)
    >>> len(train[0]), np.bincount(validation[1]).tolist()
    (80, [5, 5, 5, 5])
    """
    who = "train_val_split"
    rows = checks.same_rows({"x": _rows(x, who), "y": _rows(y, who)}, who)
    train, val = _counts(rows, None, val_size, ("", "val_size"), 0.1, who)
    classes = y if stratify is True else None if stratify is False else stratify
    parts = _divide(rows, train, val, seed, shuffle, classes, who)
    if any(is_stored(a) or arrays.is_on_disk(a) for a in (x, y)):
        parts = tuple(map(np.sort, parts))
    first, second = ((_take(x, part), _take(y, part)) for part in parts)
    return first, second


def split_dataset(
    dataset: Any,
    left_size: int | float | None = None,
    right_size: int | float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: Any = None,
) -> tuple[Any, Any]:
    """Divide arrays, or a data set that gives samples, into a left and a right part.

    Parameters
    ----------
    dataset : array-like, tuple or list of arrays, or iterable
        An array of rows; arrays that belong together, ``(x, y)``; or a data set whose samples are
        taken one by one into a list.
    left_size, right_size : int or float, optional
        Samples of either part, as a count or a fraction; what is left goes to the other.
    shuffle : bool
        Whether samples are drawn at random.
    seed : int, optional
        Of the draw.
    preferred_backend : str, optional
        Taken for Keras's sake.

    Returns
    -------
    (left, right)
        Each of the kind that was given.

    Examples
    --------
    >>> left, right = split_dataset((np.arange(10), np.arange(10) % 2), left_size=0.8)
    >>> right
    (array([8, 9]), array([0, 1]))
    """
    who = "split_dataset"
    if left_size is None and right_size is None:
        raise ValueError(
            f"{who}: at least one of `left_size` and `right_size` must be given, such as "
            "left_size=0.8."
        )
    several = isinstance(dataset, tuple) or (
        isinstance(dataset, list) and len(dataset) > 0 and arrays.has_axes(dataset[0])
    )
    if several and len({_rows(part, who) for part in dataset}) == 1:
        parts = list(dataset)
    else:
        several = False
        parts = [dataset if arrays.is_array_like(dataset) else list(dataset)]
    rows = checks.same_rows({f"array {i + 1}": _rows(a, who) for i, a in enumerate(parts)}, who)
    names = ("left_size", "right_size")
    left, right = _counts(rows, left_size, right_size, names, 0.5, who, round)
    order = _divide(rows, left, right, seed, shuffle, None, who)
    first, second = ([_take(part, taken) for part in parts] for taken in order)
    kind = type(dataset)
    return (kind(first), kind(second)) if several else (first[0], second[0])


def _rows(value: Any, who: str) -> int:
    shape = getattr(value, "shape", None)
    if shape is not None and len(shape) > 0:
        return int(shape[0])
    if isinstance(value, list | tuple):
        return len(value)
    raise TypeError(
        f"{who}: expects arrays, lists or pandas objects with one row for every sample but got "
        f"{type(value).__name__}. Collect the rows in an array first."
    )


def _counts(
    rows: int,
    train: Any,
    test: Any,
    names: tuple[str, str],
    default: float,
    who: str,
    rounding: Any = None,
) -> tuple[int, int]:
    """Rows of both parts; fractions are rounded up for testing, down for training."""
    if train is None and test is None:
        test = default
    test_rows = None if test is None else _count(test, rows, names[1], rounding or math.ceil, who)
    train_rows = (
        None if train is None else _count(train, rows, names[0], rounding or math.floor, who)
    )
    if train_rows is None:
        train_rows = rows - (test_rows or 0)
    if test_rows is None:
        test_rows = rows - train_rows
    if train_rows < 1 or test_rows < 1 or train_rows + test_rows > rows:
        raise ValueError(
            f"{who}: {rows} rows cannot give {train_rows} to train on and {test_rows} to judge "
            f"by. Choose another `{names[1]}`; both parts need a row at least."
        )
    return train_rows, test_rows


def _count(size: Any, rows: int, name: str, rounding: Any, who: str) -> int:
    if isinstance(size, float | np.floating):
        if not 0 < size < 1:
            raise ValueError(
                f"{who}: `{name}` must be a fraction between 0 and 1, or a whole number of rows, "
                f"but got {size}."
            )
        return int(rounding(round(size * rows, 6)))
    try:
        if isinstance(size, bool):
            raise TypeError
        return operator.index(size)
    except TypeError:
        raise TypeError(
            f"{who}: `{name}` must be a fraction or a whole number of rows but got {size!r}."
        ) from None


def _divide(
    rows: int, train: int, test: int, seed: Any, shuffle: bool, stratify: Any, who: str
) -> tuple[np.ndarray, ...]:
    """Row numbers of the two parts."""
    if not shuffle:
        if stratify is not None:
            raise ValueError(
                f"{who}: `stratify` needs rows to choose from, but shuffle=False takes the tail. "
                "Leave one of them out."
            )
        return np.arange(train), np.arange(train, train + test)
    classes = None if stratify is None else class_numbers(stratify, rows, who)
    if classes is not None:
        least = np.bincount(classes).min()
        if least < 2:
            raise ValueError(
                f"{who}: a class of `stratify` has 1 row only, which cannot be in both parts. "
                "Drop such classes, or leave `stratify` out."
            )
    in_test, order = draw(rows, test, config.next_seed() if seed is None else seed, classes)
    return order[~in_test[order]][:train], order[in_test[order]]


def class_numbers(labels: Any, rows: int, who: str) -> np.ndarray:
    """Number the classes of rows that are given as labels, names or one-hot rows."""
    found = np.asarray(labels[:] if is_stored(labels) else labels)
    if found.ndim == 2:
        found = found[:, 0] if found.shape[1] == 1 else found.argmax(1)
    if found.ndim != 1 or len(found) != rows:
        raise ValueError(
            f"{who}: `stratify` must have one class for each of the {rows} rows but has shape "
            f"{np.shape(labels)}."
        )
    if found.dtype.kind == "f" and not np.array_equal(found, np.round(found)):
        raise ValueError(
            f"{who}: `stratify` must hold classes but has values such as "
            f"{found[found != np.round(found)][0]}. Put amounts into bins first (np.digitize)."
        )
    return np.unique(found, return_inverse=True)[1].reshape(-1)


def draw(
    rows: int, count: int, seed: int, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Choose `count` of the rows, of each class its share, and an order of all of them.

    Returns
    -------
    chosen : ndarray of bool
        Whether a row is chosen.
    order : ndarray of int
        A permutation.
    """
    # Raw bits of PCG64, unlike Generator.permutation, are promised to stay the same in NumPy.
    bits = np.random.PCG64(seed)
    tickets, order = bits.random_raw(rows), np.argsort(bits.random_raw(rows), kind="stable")
    chosen = np.zeros(rows, bool)
    if classes is None:
        chosen[np.argsort(tickets, kind="stable")[:count]] = True
        return chosen, order
    for number, wanted in enumerate(_shares(np.bincount(classes), count)):
        members = np.flatnonzero(classes == number)
        chosen[members[np.argsort(tickets[members], kind="stable")[:wanted]]] = True
    return chosen, order


def _shares(sizes: np.ndarray, count: int) -> np.ndarray:
    """Divide `count` in proportion to `sizes`, rounding by the largest remainders."""
    exact = sizes * count / sizes.sum()
    shares = np.floor(exact).astype(int)
    short = np.argsort(shares - exact, kind="stable")[: count - shares.sum()]
    shares[short] += 1
    return shares


def _take(value: Any, rows: np.ndarray) -> Any:
    """The given rows of an array, list or pandas object; a view of what is not in memory."""
    first, last = int(rows[0]), int(rows[-1])
    in_row = last - first == len(rows) - 1 and bool((np.diff(rows) == 1).all())
    if is_stored(value):
        return RowRange(value, first, last + 1) if in_row else RowSelection(value, rows)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series):
        return value.iloc[rows]
    if isinstance(value, list | tuple):
        return [value[i] for i in rows]
    value = np.asanyarray(value)
    if in_row:
        return value[first : last + 1]
    return RowSelection(value, rows) if arrays.is_on_disk(value) else value[rows]
