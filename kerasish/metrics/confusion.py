"""Counts of right and wrong yes-or-no predictions, and the best trade-offs between two rates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish.metrics.base import Metric
from kerasish.metrics.shapes import divide_no_nan
from kerasish.metrics.state import Variable
from kerasish.metrics.thresholds import Counts, evenly_spaced, parse_thresholds, threshold_counts
from kerasish.registry import plain, register
from kerasish.store import Array


@dataclass(eq=False, repr=False)
class _Count(Metric):
    """One of the four counts, at one threshold or several; entries are above if ``p > t``."""

    thresholds: Any = None
    state_names = ("accumulator",)
    accumulator: ClassVar[Variable]
    which: ClassVar[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.init_thresholds = plain(self.thresholds)
        self.thresholds = parse_thresholds(self.thresholds)
        self._evenly = evenly_spaced(self.thresholds)
        self._start((len(self.thresholds),))

    def increments(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, ...]:
        """Counts of a batch by threshold."""
        counts = threshold_counts(
            type(self).__name__,
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            evenly=self._evenly,
        )
        return (getattr(counts, self.which),)

    def result(self) -> Array:
        """The count, or one a threshold."""
        counts = self.accumulator.value
        return self._typed(counts[0] if len(counts) == 1 else counts)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


@register()
@dataclass(eq=False, repr=False)
class TruePositives(_Count):
    """Weighted number of entries whose target is 1 and whose prediction is above the threshold.

    Examples
    --------
    >>> float(TruePositives()([0, 1, 1, 1], [1, 0, 1, 1]))
    2.0
    """

    which = "tp"


@register()
@dataclass(eq=False, repr=False)
class FalsePositives(_Count):
    """Weighted number of entries whose target is 0 and whose prediction is above the threshold.

    Examples
    --------
    >>> float(FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1]))
    2.0
    """

    which = "fp"


@register()
@dataclass(eq=False, repr=False)
class TrueNegatives(_Count):
    """Weighted number of entries whose target is 0 and whose prediction is not above.

    Examples
    --------
    >>> float(TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0]))
    2.0
    """

    which = "tn"


@register()
@dataclass(eq=False, repr=False)
class FalseNegatives(_Count):
    """Weighted number of entries whose target is 1 and whose prediction is not above.

    Examples
    --------
    >>> float(FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0]))
    2.0
    """

    which = "fn"


@dataclass(eq=False, repr=False)
class _BestUnderConstraint(Metric):
    """The largest value of one rate over the thresholds at which another is high enough."""

    num_thresholds: int = field(default=200, kw_only=True)
    class_id: int | None = field(default=None, kw_only=True)
    positional_tail = ("num_thresholds", "class_id", "name", "dtype")

    constraint: ClassVar[str]  # also the constructor argument that holds the bound
    direction = "max"
    state_names = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    true_positives: ClassVar[Variable]
    false_positives: ClassVar[Variable]
    true_negatives: ClassVar[Variable]
    false_negatives: ClassVar[Variable]

    def __post_init__(self) -> None:
        bound = getattr(self, self.constraint)
        if not 0 <= bound <= 1:
            raise ValueError(
                f"Argument `{self.constraint}` must be in the range [0, 1]. "
                f"Received: {self.constraint}={bound}"
            )
        if self.num_thresholds <= 0:
            raise ValueError(
                "Argument `num_thresholds` must be an integer > 0. "
                f"Received: num_thresholds={self.num_thresholds}"
            )
        super().__post_init__()
        steps = self.num_thresholds - 1
        self.thresholds = [i / steps for i in range(steps + 1)] if steps else [0.5]
        self._start(*[(len(self.thresholds),)] * 4)

    def increments(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, ...]:
        """The four counts of a batch by threshold."""
        return threshold_counts(
            type(self).__name__,
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            evenly=len(self.thresholds) > 1,
            class_id=self.class_id,
        )

    def _rate(self, name: str) -> np.ndarray:
        c = Counts(*(getattr(self, n).value for n in self.state_names))
        over, under = {
            "precision": (c.tp, c.fp),
            "recall": (c.tp, c.fn),
            "sensitivity": (c.tp, c.fn),
            "specificity": (c.tn, c.fp),
        }[name]
        return divide_no_nan(over, over + under).astype(np.float32)

    def _best(self, wanted: str) -> Array:
        bound = np.float32(getattr(self, self.constraint))
        feasible = self._rate(self.constraint) >= bound
        return self._typed(np.max(self._rate(wanted), where=feasible, initial=0))


@register()
@dataclass(eq=False, repr=False)
class SensitivityAtSpecificity(_BestUnderConstraint):
    """Best sensitivity tp / (tp + fn) over thresholds whose specificity is at least as given.

    Parameters
    ----------
    specificity : float
        Bound of tn / (tn + fp), in [0, 1].
    num_thresholds : int
        Number of evenly spaced thresholds tried.
    class_id : int, optional
        Class (entry of the last axis) that alone counts.

    Examples
    --------
    >>> float(SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    specificity: float
    constraint = "specificity"

    def result(self) -> Array:
        """The best sensitivity, 0 if no threshold will do."""
        return self._best("sensitivity")


@register()
@dataclass(eq=False, repr=False)
class SpecificityAtSensitivity(_BestUnderConstraint):
    """Best specificity tn / (tn + fp) over thresholds whose sensitivity is at least as given.

    Parameters
    ----------
    sensitivity : float
        Bound of tp / (tp + fn), in [0, 1].
    num_thresholds : int
        Number of evenly spaced thresholds tried.
    class_id : int, optional
        Class (entry of the last axis) that alone counts.

    Examples
    --------
    >>> m = SpecificityAtSensitivity(0.5)
    >>> round(float(m([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])), 4)
    0.6667
    """

    sensitivity: float
    constraint = "sensitivity"

    def result(self) -> Array:
        """The best specificity, 0 if no threshold will do."""
        return self._best("specificity")


@register()
@dataclass(eq=False, repr=False)
class PrecisionAtRecall(_BestUnderConstraint):
    """Best precision tp / (tp + fp) over thresholds whose recall is at least as given.

    Parameters
    ----------
    recall : float
        Bound of tp / (tp + fn), in [0, 1].
    num_thresholds : int
        Number of evenly spaced thresholds tried.
    class_id : int, optional
        Class (entry of the last axis) that alone counts.

    Examples
    --------
    >>> float(PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    recall: float
    constraint = "recall"

    def result(self) -> Array:
        """The best precision, 0 if no threshold will do."""
        return self._best("precision")


@register()
@dataclass(eq=False, repr=False)
class RecallAtPrecision(_BestUnderConstraint):
    """Best recall tp / (tp + fn) over thresholds whose precision is at least as given.

    Parameters
    ----------
    precision : float
        Bound of tp / (tp + fp), in [0, 1].
    num_thresholds : int
        Number of evenly spaced thresholds tried.
    class_id : int, optional
        Class (entry of the last axis) that alone counts.

    Examples
    --------
    >>> float(RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
    0.5
    """

    precision: float
    constraint = "precision"

    def result(self) -> Array:
        """The best recall, 0 if no threshold will do."""
        return self._best("recall")
