"""Small array helpers that scripts call before training."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Turn class numbers into one-hot rows.

    Parameters
    ----------
    x : array-like of int
        Classes from 0 to ``num_classes - 1``, of any shape; a last axis of size 1 is dropped.
    num_classes : int, optional
        Length of a row; ``max(x) + 1`` if not given.

    Returns
    -------
    ndarray of float64
        Shape ``x.shape + (num_classes,)``.

    Raises
    ------
    ValueError
        If a class is negative, not whole, or not below `num_classes`.

    Examples
    --------
    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    """
    given = np.asarray(x)
    if given.dtype.kind not in "biuf":
        raise ValueError(
            f"to_categorical: x must hold class numbers but its dtype is {given.dtype}. Number "
            "class names first: np.unique(x, return_inverse=True)[1]."
        )
    labels = given.astype("int64")
    if given.dtype.kind == "f" and not np.array_equal(labels, given):
        raise ValueError(
            "to_categorical: x must hold whole class numbers but has values such as "
            f"{given[labels != given].flat[0]}. Round it, or check that these are classes."
        )
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    labels = labels.reshape(-1)
    if not num_classes:
        if labels.size == 0:
            raise ValueError(
                "to_categorical: x is empty, so the number of classes is not known. Pass "
                "num_classes."
            )
        num_classes = int(labels.max()) + 1
    if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(
            f"to_categorical: classes must lie between 0 and {num_classes - 1} but x has values "
            f"from {labels.min()} to {labels.max()}. Raise num_classes, or number the classes "
            "from 0."
        )
    rows = np.zeros((labels.size, num_classes))
    rows[np.arange(labels.size), labels] = 1
    return rows.reshape(*shape, num_classes)


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Divide by the norm along an axis; vectors of zeros stay zeros.

    Parameters
    ----------
    x : array-like
        The vectors to scale.
    axis : int
        Along which they lie.
    order : int
        Which norm, as in `numpy.linalg.norm`: 2 is the Euclidean length.

    Examples
    --------
    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    x = np.asarray(x)
    norm = np.asarray(np.linalg.norm(x, order, axis, keepdims=True))
    return x / np.where(norm == 0, norm.dtype.type(1), norm)


def standardize_dtype(dtype: Any) -> str:
    """Return the name of an element type, ``"float32"`` for None.

    >>> standardize_dtype(np.int64), standardize_dtype(None)
    ('int64', 'float32')
    """
    if dtype is None:
        return config.floatx()
    try:
        return np.dtype(getattr(dtype, "__name__", None) or dtype).name
    except TypeError:
        name = str(dtype).rpartition(".")[2]
        if name in ("bfloat16", "float16", "float32", "float64", "int32", "int64", "bool"):
            return name  # such as torch.float32
        raise ValueError(f"Invalid dtype: {dtype!r}. Pass a name such as 'float32'.") from None
