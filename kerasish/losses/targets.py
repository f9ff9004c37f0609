"""Fitting targets to predictions, and what to say when they do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.errors import warn


def squeeze_or_expand(a: Any, b: Any) -> tuple[Any, Any]:
    """Give two arrays the same rank if one has a last axis of 1 more than the other.

    A rank-1 operand is expanded, else the other is squeezed; anything else stays.

    >>> [x.shape for x in squeeze_or_expand(np.zeros(3), np.zeros((3, 1)))]
    [(3, 1), (3, 1)]
    """
    shapes = aligned_shapes(np.shape(a), np.shape(b))
    return a.reshape(shapes[0]), b.reshape(shapes[1])


def aligned_shapes(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The shapes that `squeeze_or_expand` gives."""
    if len(a) == len(b) + 1 and a[-1] == 1:
        return (a, (*b, 1)) if len(b) == 1 else (a[:-1], b)
    if len(b) == len(a) + 1 and b[-1] == 1:
        return ((*a, 1), b) if len(a) == 1 else (a, b[:-1])
    return a, b


def align(loss: Any, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and predictions in one shape; they are never broadcast.

    Raises
    ------
    ValueError
        If they differ by more than a last axis of 1.
    """
    shape, other = aligned_shapes(y.shape, p.shape)
    if shape != other:
        loss.check_targets(y, p.shape)
        raise ValueError(_mismatch(loss, y.shape, p.shape))
    return y.reshape(shape), p.reshape(other)


_FLATTEN = (
    "If a sample has one target, its axes have to become one: put Flatten() before the Dense "
    "layers."
)


def shape_of(y_true: Any) -> tuple[tuple[int, ...], np.ndarray | None]:
    """Split what `check_targets` was given into a shape and, if it was one, the array."""
    if isinstance(y_true, tuple):
        return y_true, None
    array = np.asarray(y_true)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"Targets must be numbers, but they have dtype {array.dtype}. Convert class names to "
            f"integers, for instance by np.unique(y, return_inverse=True)[1]."
        )
    return array.shape, array


def check_paired(loss: Any, y_true: Any, y_pred_shape: tuple[int, ...]) -> None:
    """For losses whose targets look like the predictions."""
    shape, _ = shape_of(y_true)
    mine, other = aligned_shapes(shape, tuple(y_pred_shape))
    if mine != other:
        raise ValueError(_mismatch(loss, shape, y_pred_shape))


def _mismatch(loss: Any, shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    text = (
        f"{loss.name} expects targets of the predictions' shape {tuple(expected)}, but got "
        f"targets of shape {shape}."
    )
    if len(expected) > max(2, len(shape)):
        return f"{text} {_FLATTEN}"
    if shape and expected and shape[:-1] == tuple(expected[:-1]) and len(shape) > 1:
        units = f"{shape[-1]} unit{'s' if shape[-1] != 1 else ''}"
        return f"{text} Give the last layer {units}, or reshape the targets."
    if len(expected) == 2 and expected[-1] > 1 and int(np.prod(shape)) == shape[0]:
        return f"{text} Give the last layer 1 unit for one target a sample."
    return f"{text} Reshape the targets, or change the last layer."


def check_one_hot(loss: Any, y_true: Any, y_pred_shape: tuple[int, ...], sparse: str) -> None:
    """For losses that take one-hot targets; `sparse` is the one that takes labels, if any."""
    shape, array = shape_of(y_true)
    expected = tuple(y_pred_shape)
    if shape == expected:
        return
    classes = expected[-1] if expected else 0
    labels = shape == expected[:-1] or (shape == (*expected[:-1], 1) and classes > 1)
    if not labels:
        check_paired(loss, shape, expected)
        return
    kind = "" if array is None else f" and dtype {array.dtype}"
    if classes == 1:
        raise ValueError(
            f"{loss.name} expects one-hot targets of shape {expected}, but got targets of shape "
            f"{shape}{kind}, and one class is no choice. Use loss='binary_crossentropy' and "
            f"activation='sigmoid', or give the last layer one unit for each class."
        )
    instead = f"Use loss='{sparse}', or convert" if sparse else "Convert"
    raise ValueError(
        f"{loss.name} expects one-hot targets of shape {expected}, but got targets of shape "
        f"{shape}{kind}, which look like integer labels. {instead} the labels with "
        f"kerasish.utils.to_categorical(y, {classes})."
    )


def check_labels(
    loss: Any,
    y_true: Any,
    y_pred_shape: tuple[int, ...],
    axis: int = -1,
    ignore: int | None = None,
    dense: str = "categorical_crossentropy",
) -> None:
    """For losses that take integer labels; `dense` is the one that takes one-hot targets."""
    shape, array = shape_of(y_true)
    axis %= max(len(y_pred_shape), 1)
    classes = y_pred_shape[axis]
    expected = tuple(n for k, n in enumerate(y_pred_shape) if k != axis)
    if shape == tuple(y_pred_shape) and classes > 1:
        raise ValueError(
            f"{loss.name} expects integer labels of shape {expected}, but got targets of shape "
            f"{shape}, which look one-hot. Use loss='{dense}', or convert the targets with "
            f"np.argmax(y, axis={axis - len(y_pred_shape)})."
        )
    with_one = (*expected[:axis], 1, *expected[axis:])
    if shape not in (expected, with_one, (*expected, 1)):
        deep = len(y_pred_shape) > max(2, len(shape))
        mend = _FLATTEN if deep else "Give one label for each prediction."
        raise ValueError(
            f"{loss.name} expects integer labels of shape {expected} for predictions of shape "
            f"{tuple(y_pred_shape)}, but got targets of shape {shape}. {mend}"
        )
    if array is not None and array.size:
        bad = (array < 0) | (array >= classes)
        if array.dtype.kind == "f":
            bad |= array != np.floor(array)  # NaN too
        if ignore is not None:
            bad &= array != ignore
        if bad.any():
            raise out_of_range(loss, array[bad].ravel()[0], classes)


def check_binary(loss: Any, y_true: np.ndarray) -> None:
    """For losses of two classes: whole numbers must be 0 or 1, others should lie between."""
    if y_true.dtype.kind == "b" or not y_true.size:
        return
    low, high = y_true.min(), y_true.max()
    if not (low < 0 or high > 1):
        return
    labels = y_true.dtype.kind in "iu" or bool((y_true == np.round(y_true)).all())
    got = f"{loss.name} expects targets from 0 to 1 but got values from {low} to {high}."
    if not labels:
        warn(
            f"{got} Its minimum is no longer at y_pred = y_true. Scale the targets, or use "
            f"loss='mse'."
        )
    elif low == -1 and high == 1:
        raise ValueError(f"{got} Write the classes as 0 and 1: (y + 1) / 2, or use loss='hinge'.")
    elif low == 1 and high == 2:
        raise ValueError(f"{got} Subtract 1: its two classes are 0 and 1.")
    else:
        raise ValueError(
            f"{got} For more than two classes use loss='sparse_categorical_crossentropy' and one "
            f"unit with softmax for each class."
        )


def out_of_range(loss: Any, label: Any, classes: int) -> ValueError:
    """The error for a label that is no class of the model."""
    if label == label and abs(label) != np.inf and int(label) != label:
        return ValueError(
            f"{loss.name} expects whole numbers as labels but got {label}. For targets that are "
            f"amounts rather than classes use loss='mse' and a last layer without softmax."
        )
    label = int(label) if label == label and abs(label) != np.inf else label
    if label != label:
        fix = "Drop the rows without a label, or give them one."
    elif classes == 1:
        fix = "Use loss='binary_crossentropy', or give the last layer one unit for each class."
    elif label == classes:
        fix = (
            f"Labels count from 0: subtract 1 if yours count from 1, or give the last layer "
            f"{classes + 1} units."
        )
    elif label > classes:
        fix = f"Give the last layer more units, or number the classes from 0 to {classes - 1}."
    else:
        fix = (
            "Leave such samples out, or pass "
            f"SparseCategoricalCrossentropy(ignore_class={label}) if they are to be ignored."
        )
    return ValueError(
        f"{loss.name} got the label {label}, but the predictions have {classes} "
        f"class{'es' if classes != 1 else ''} (labels 0 to {classes - 1}). {fix}"
    )
