"""Class numbers read off targets and predictions of any usual form, and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from kerasish.metrics.base import Metric
from kerasish.metrics.shapes import broadcast_weight
from kerasish.metrics.state import Variable
from kerasish.registry import register
from kerasish.store import Array


class Classes(NamedTuple):
    """Class numbers of samples, flat, with their number where the outputs' width tells it."""

    true: np.ndarray
    pred: np.ndarray
    weight: np.ndarray | None
    number: int

    def matrix(self) -> np.ndarray:
        """Weighted counts, shape (number, number): row the true class, column the predicted one."""
        cell = self.true * self.number + self.pred
        counts = np.bincount(cell, self.weight, minlength=self.number**2)
        return counts.astype(np.float64).reshape(self.number, self.number)


def class_numbers(
    who: str, y_true: Any, y_pred: Any, sample_weight: Any = None, num_classes: int | None = None
) -> Classes:
    """Read class numbers.

    Parameters
    ----------
    y_true : array-like
        Integer labels (...) or (..., 1), or one-hot (..., C).
    y_pred : array-like
        Probabilities or logits (..., C), of which the largest counts; probabilities of class 1 of
        two, (..., 1) or (...), which count from above 0.5; or class numbers, of an integer type,
        of shape (...) or (..., 1).
    num_classes : int, optional
        Number of classes, where `y_pred` holds class numbers.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a label is out of range.
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    width = y_pred.shape[-1] if y_pred.ndim else 1
    wide = y_pred.ndim > 1 and width > 1
    if wide and y_pred.dtype.kind in "iub" and y_true.shape == y_pred.shape:
        wide = _one_hot(y_pred) and _one_hot(y_true)  # else a map of class numbers
    count: int | None
    if wide:
        pred, count = y_pred.argmax(-1), width
    else:
        flat = y_pred[..., 0] if y_pred.ndim > 1 and width == 1 else y_pred
        if y_pred.dtype.kind in "iu":
            pred, count = flat.astype(np.int64), num_classes
        else:
            pred, count = (flat > 0.5).astype(np.int64), num_classes or 2
    true = _true_classes(who, y_true, pred.shape, count)
    if num_classes is not None and wide and width != num_classes:
        raise ValueError(
            f"{who} was made for {num_classes} classes but got predictions of shape "
            f"{y_pred.shape}. Pass num_classes={width}, or None."
        )
    weight = None
    if sample_weight is not None:
        weight = broadcast_weight(who, sample_weight, pred.shape).ravel()
    true, pred = true.ravel(), pred.ravel()
    known = count is not None
    if count is None:
        count = int(max(true.max(initial=-1), pred.max(initial=-1))) + 1
    for what, numbers in (("targets", true), ("predictions", pred)):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < count:
            rng = f"0 to {count - 1}" if known else "0 up"
            raise ValueError(
                f"{who} expects {what} to be classes from {rng} but got values from "
                f"{numbers.min()} to {numbers.max()}. Number the classes from 0."
            )
    return Classes(true, pred, weight, count)


def _one_hot(x: np.ndarray) -> bool:
    return bool((x.sum(-1) == 1).all() and x.min(initial=0) == 0 and x.max(initial=1) == 1)


def _true_classes(
    who: str, y_true: np.ndarray, shape: tuple[int, ...], count: int | None
) -> np.ndarray:
    if y_true.shape == (*shape, 1):
        y_true = y_true[..., 0]
    if y_true.shape == shape:
        numbers = y_true.astype(np.int64)
        if y_true.dtype.kind == "f" and not np.array_equal(numbers, y_true):
            raise ValueError(
                f"{who} expects whole numbers or one-hot rows as targets but got values such as "
                f"{y_true[numbers != y_true][0]}. Round them first."
            )
        return numbers
    one_hot = y_true.ndim == len(shape) + 1 and y_true.shape[:-1] == shape
    if one_hot and count in (None, y_true.shape[-1]):
        return y_true.argmax(-1)
    wanted = f"{shape}" + (f" or {(*shape, count)}" if count else "")
    raise ValueError(
        f"{who} expects targets of shape {wanted} (class numbers, or one-hot) but got y_true of "
        f"shape {y_true.shape}."
    )


@register()
@dataclass(eq=False, repr=False)
class ConfusionMatrix(Metric):
    """How often each class was taken for each: entry (i, j) counts class i predicted as j.

    Parameters
    ----------
    num_classes : int, optional
        Number of classes. By default it is the width of the predictions, 2 for a single column,
        and where predictions are class numbers it grows as they come.
    name, dtype : str, optional
        As for `Metric`.

    Notes
    -----
    Targets are integers (N,) or (N, 1), or one-hot (N, C). Predictions are probabilities (N, C);
    probabilities of class 1, (N, 1) or (N,); or class numbers of an integer type, (N,).

    Examples
    --------
    >>> ConfusionMatrix()([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]).astype(int).tolist()
    [[1, 0], [1, 1]]
    """

    unknown_to_keras: ClassVar[bool] = True

    num_classes: int | None = None
    name: Any = field(default="confusion_matrix", kw_only=True)
    state_names = ("matrix",)
    grows = True
    takes_mask = True
    matrix: ClassVar[Variable]

    def __post_init__(self) -> None:
        if self.num_classes is not None and self.num_classes < 1:
            raise ValueError(
                "ConfusionMatrix expects num_classes to be a positive number or None but got "
                f"{self.num_classes}."
            )
        super().__post_init__()
        self._start((self.num_classes or 0,) * 2)

    def reset_state(self) -> None:
        """Forget all batches, and the number of classes where it was not stated."""
        self.set_state([np.zeros((self.num_classes or 0,) * 2)])

    def increments(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, ...]:
        """The matrix of a batch."""
        found = class_numbers("ConfusionMatrix", y_true, y_pred, sample_weight, self.num_classes)
        return (found.matrix(),)

    def result(self) -> Array:
        """The matrix over all batches, shape (classes, classes)."""
        return self._typed(self.matrix.value)
