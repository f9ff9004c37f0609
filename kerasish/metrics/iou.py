"""Intersection over union, for segmentation: tp / (tp + fp + fn), class by class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish import config
from kerasish.errors import warn
from kerasish.metrics.base import Metric
from kerasish.metrics.shapes import broadcast_weight
from kerasish.metrics.state import Variable
from kerasish.registry import register
from kerasish.store import Array


@register("iou")
@dataclass(eq=False, repr=False)
class IoU(Metric):
    """Mean over chosen classes of tp / (tp + fp + fn); classes that never occur do not count.

    Parameters
    ----------
    num_classes : int
        Number of classes. Labels out of range do not count.
    target_class_ids : list of int
        Classes to average over.
    ignore_class : int, optional
        True class whose entries do not count (255 in many data sets).
    sparse_y_true, sparse_y_pred : bool
        Whether targets and predictions are class numbers; otherwise the largest along `axis`
        counts.
    axis : int
        Axis of the classes.
    dtype : str, optional
        Type in which weights are taken: "int32" by default, when they must be whole numbers.

    Examples
    --------
    >>> round(float(IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    num_classes: int
    target_class_ids: Any
    ignore_class: int | None = field(default=None, kw_only=True)
    sparse_y_true: bool = field(default=True, kw_only=True)
    sparse_y_pred: bool = field(default=True, kw_only=True)
    axis: int = field(default=-1, kw_only=True)

    positional_tail = (
        "name",
        "dtype",
        "ignore_class",
        "sparse_y_true",
        "sparse_y_pred",
        "axis",
    )
    direction = "max"
    takes_mask = False
    state_names = ("total_cm",)
    total_cm: ClassVar[Variable]

    def __post_init__(self) -> None:
        self.target_class_ids = [int(i) for i in self.target_class_ids]
        if max(self.target_class_ids) >= self.num_classes:
            raise ValueError(
                f"Target class id {max(self.target_class_ids)} is out of range, which is "
                f"[0, {self.num_classes})."
            )
        self.dtype = self.dtype or "int"
        super().__post_init__()
        self._start((self.num_classes, self.num_classes))

    def increments(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, ...]:
        """The confusion matrix of a batch, rows being true classes."""
        y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
        true = y_true if self.sparse_y_true else y_true.argmax(self.axis)
        pred = y_pred if self.sparse_y_pred else y_pred.argmax(self.axis)
        if true.size != pred.size:
            raise ValueError(
                f"{type(self).__name__} expects as many targets as predictions but got y_true of "
                f"shape {y_true.shape} and y_pred of shape {y_pred.shape}. Say with sparse_y_true "
                "and sparse_y_pred which of them are class numbers."
            )
        weight = self._weights(sample_weight, true)
        true = true.astype(self.dtype).astype(np.int64).ravel()
        pred = pred.astype(self.dtype).astype(np.int64).ravel()
        size = self.num_classes
        counts = (true >= 0) & (true < size) & (pred >= 0) & (pred < size)
        if self.ignore_class is not None:
            counts &= true != self.ignore_class
        cell = true[counts] * size + pred[counts]
        matrix = np.bincount(cell, weight[counts], minlength=size**2)
        return (matrix.reshape(size, size),)

    def _weights(self, sample_weight: Any, true: np.ndarray) -> np.ndarray:
        if sample_weight is None:
            return np.ones(true.size)
        weight = np.asarray(sample_weight)
        whole = np.dtype(self.dtype).kind in "iu"
        if whole and weight.dtype.kind == "f" and not np.array_equal(weight, np.trunc(weight)):
            warn(
                f"{type(self).__name__} '{self.name}' cuts weights off to whole numbers, as its "
                "dtype is an integer type. Pass dtype='float32' to use them as they are."
            )
        weight = weight.astype(self.dtype)
        if weight.ndim == 1 and weight.size == true.size:
            return weight
        return broadcast_weight(type(self).__name__, weight, true.shape).ravel()

    def result(self) -> Array:
        """The mean over the chosen classes that occur."""
        matrix = self.total_cm.value
        hits = matrix.diagonal()
        union = matrix.sum(0) + matrix.sum(1) - hits
        hits, union = hits[self.target_class_ids], union[self.target_class_ids]
        occurs = union > 1e-9
        epsilon = config.epsilon()
        mean = (occurs * hits / (union + epsilon)).sum() / (occurs.sum() + epsilon)
        return np.array(mean, np.float32).view(Array)


@register()
@dataclass(eq=False, repr=False)
class BinaryIoU(IoU):
    """`IoU` of two classes, predictions being probabilities of class 1.

    Parameters
    ----------
    target_class_ids : list of int
        Classes to average over: 0, 1 or both.
    threshold : float
        Class 1 is predicted from here up.

    Examples
    --------
    >>> round(float(BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
    0.3333
    """

    num_classes: int = field(init=False, default=2)
    target_class_ids: Any = (0, 1)
    threshold: float = 0.5
    ignore_class: int | None = field(init=False, default=None)
    sparse_y_true: bool = field(init=False, default=True)
    sparse_y_pred: bool = field(init=False, default=True)
    axis: int = field(init=False, default=-1)

    def increments(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, ...]:
        """The confusion matrix of a batch."""
        predicted = np.asarray(y_pred, np.float32) >= np.float32(self.threshold)
        return super().increments(y_true, predicted.astype(np.int64), sample_weight)


@register("mean_iou")
@dataclass(eq=False, repr=False)
class MeanIoU(IoU):
    """`IoU` averaged over all classes.

    Examples
    --------
    >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    target_class_ids: Any = field(init=False, default=())

    def __post_init__(self) -> None:
        self.target_class_ids = range(self.num_classes)
        super().__post_init__()


@register()
@dataclass(eq=False, repr=False)
class OneHotIoU(IoU):
    """`IoU` for one-hot targets; predictions are scores by class, or class numbers.

    Examples
    --------
    >>> y = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]
    >>> p = [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1], [0.1, 0.4, 0.5]]
    >>> round(float(OneHotIoU(num_classes=3, target_class_ids=[0, 2])(y, p)), 4)
    0.1667
    """

    sparse_y_true: bool = field(init=False, default=False)
    sparse_y_pred: bool = field(default=False, kw_only=True)


@register()
@dataclass(eq=False, repr=False)
class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` for one-hot targets; predictions are scores by class, or class numbers.

    Examples
    --------
    >>> y = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]
    >>> p = [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1], [0.1, 0.4, 0.5]]
    >>> round(float(OneHotMeanIoU(num_classes=3)(y, p)), 4)
    0.1111
    """

    sparse_y_true: bool = field(init=False, default=False)
    sparse_y_pred: bool = field(default=False, kw_only=True)
