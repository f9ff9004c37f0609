"""Precision and recall: of yes-or-no entries as in Keras, or of classes as in scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.metrics.base import Metric
from kerasish.metrics.classes import class_numbers
from kerasish.metrics.shapes import divide_no_nan
from kerasish.metrics.state import UNSET, Variable
from kerasish.metrics.thresholds import NEVER, evenly_spaced, parse_thresholds, threshold_counts
from kerasish.registry import plain, register
from kerasish.store import Array

AVERAGES = (None, "micro", "macro", "weighted")


@dataclass(eq=False, repr=False)
class _HitRate(Metric):
    """tp / (tp + misses), where misses are false positives or false negatives."""

    thresholds: Any = None
    top_k: int | None = None
    class_id: int | None = None
    average: Any = field(default=UNSET, kw_only=True, metadata={"when_set": True})

    positional_tail = ("name", "dtype", "average")
    beyond_keras = ("average",)
    direction = "max"
    misses: ClassVar[str]  # the state variable beside true_positives: of Keras's two
    true_positives: ClassVar[Variable]

    def __post_init__(self) -> None:
        who = type(self).__name__
        self.init_thresholds = plain(self.thresholds)
        default = 0.5 if self.top_k is None else float(NEVER)
        self.thresholds = parse_thresholds(self.thresholds, default)
        self._evenly = evenly_spaced(self.thresholds)
        super().__post_init__()
        if self.average is UNSET:
            self.state_names = ("true_positives", self.misses)  # type: ignore[misc]
            self._start(*[(len(self.thresholds),)] * 2)
            return
        if self.average not in AVERAGES:
            raise ValueError(
                f"{who} expects average to be None, 'micro', 'macro' or 'weighted'. "
                f"Received: average={self.average}"
            )
        if (self.init_thresholds, self.top_k, self.class_id) != (None, None, None):
            raise ValueError(
                f"{who} with average counts each sample for its most probable class, so it takes "
                "no thresholds, top_k or class_id. Leave out these, or average."
            )
        self.state_names = (  # type: ignore[misc]
            "true_positives",
            "false_positives",
            "false_negatives",
        )
        self.grows = self.takes_mask = True  # type: ignore[misc]
        self._start((0,), (0,), (0,))

    def reset_state(self) -> None:
        """Forget all batches."""
        if self.average is UNSET:
            super().reset_state()
        else:
            self.set_state([np.zeros(0)] * 3)

    def increments(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, ...]:
        """Counts of a batch: by threshold, or by class with `average`."""
        who = type(self).__name__
        if self.average is not UNSET:
            matrix = class_numbers(who, y_true, y_pred, sample_weight).matrix()
            hits = matrix.diagonal()
            return hits, matrix.sum(0) - hits, matrix.sum(1) - hits
        counts = threshold_counts(
            who,
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            evenly=self._evenly,
            top_k=self.top_k,
            class_id=self.class_id,
        )
        return counts.tp, counts.fp if self.misses == "false_positives" else counts.fn

    def result(self) -> Array:
        """The rate; one a threshold, or one a class with ``average=None``."""
        hits, misses = self.true_positives.value, getattr(self, self.misses).value
        if self.average == "micro":
            hits, misses = hits.sum(), misses.sum()
        rates = divide_no_nan(hits, hits + misses)
        if self.average is UNSET:
            return self._typed(rates[0] if len(rates) == 1 else rates)
        if self.average in ("macro", "weighted"):
            support = hits + getattr(self, "false_negatives").value  # noqa: B009
            seen = support + getattr(self, "false_positives").value > 0  # noqa: B009
            weights = seen if self.average == "macro" else support
            rates = divide_no_nan((rates * weights).sum(), weights.sum())
        return self._typed(rates)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, `average` only if it was given."""
        written = super().get_config()
        written["thresholds"] = self.init_thresholds
        return written


@register()
@dataclass(eq=False, repr=False)
class Precision(_HitRate):
    """tp / (tp + fp): how many of the predicted are right; 0 where nothing is predicted.

    Parameters
    ----------
    thresholds : float or list of float, optional
        An entry is predicted if it is above; 0.5 by default. With a list the result has one
        value a threshold.
    top_k : int, optional
        Only the k largest predictions of a sample are predicted.
    class_id : int, optional
        Only this class (entry of the last axis) counts.
    name, dtype : str, optional
        As for `Metric`.
    average : {None, "micro", "macro", "weighted"}, optional
        If it is given, be it None, each sample counts for its most probable class alone, and the
        value is scikit-learn's ``precision_score(..., zero_division=0)``: by class as an array
        (None), over all samples ("micro"), the mean over the classes that occur ("macro"), or that
        weighted by their frequency ("weighted"). Targets are then integers or one-hot; a single
        column of predictions means class 1 where it is above 0.5. If it is not given, entries of
        predictions and targets (of the same shape) count one by one, as in Keras.

    Examples
    --------
    >>> round(float(Precision()([0, 1, 1, 1], [1, 0, 1, 1])), 4)
    0.6667
    >>> p = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4]]
    >>> Precision(average=None)([0, 1, 2], p).tolist()
    [1.0, 0.5, 0.0]
    """

    misses = "false_positives"


@register()
@dataclass(eq=False, repr=False)
class Recall(_HitRate):
    """tp / (tp + fn): how many of the true are predicted; 0 where nothing is true.

    Parameters
    ----------
    thresholds : float or list of float, optional
        An entry is predicted if it is above; 0.5 by default. With a list the result has one
        value a threshold.
    top_k : int, optional
        Only the k largest predictions of a sample are predicted.
    class_id : int, optional
        Only this class (entry of the last axis) counts.
    name, dtype : str, optional
        As for `Metric`.
    average : {None, "micro", "macro", "weighted"}, optional
        If it is given, be it None, each sample counts for its most probable class alone, and the
        value is scikit-learn's ``recall_score(..., zero_division=0)``; see `Precision`.

    Examples
    --------
    >>> round(float(Recall()([0, 1, 1, 1], [1, 0, 1, 1])), 4)
    0.6667
    >>> p = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4]]
    >>> Recall(average=None)([0, 1, 2], p).tolist()
    [1.0, 1.0, 0.0]
    """

    misses = "false_negatives"
