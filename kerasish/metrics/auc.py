"""Area under the ROC, precision-recall or precision-recall-gain curve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from kerasish import config
from kerasish.metrics.base import Metric
from kerasish.metrics.shapes import divide_no_nan
from kerasish.metrics.state import Variable
from kerasish.metrics.thresholds import Counts, evenly_spaced, threshold_counts
from kerasish.registry import register
from kerasish.store import Array

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATIONS = ("interpolation", "minoring", "majoring")


@register()
@dataclass(eq=False, repr=False)
class AUC(Metric):
    """Approximate area under a curve, by a Riemann sum over thresholds.

    Parameters
    ----------
    num_thresholds : int
        Number of evenly spaced thresholds, the ends included.
    curve : {"ROC", "PR", "PRGAIN"}
        Recall over false positive rate, precision over recall, or precision gain over recall gain
        (Flach and Kull, 2015).
    summation_method : {"interpolation", "minoring", "majoring"}
        Middle, smaller or larger height of each interval. With ``"interpolation"`` the PR curve is
        interpolated in the counts (Davis and Goadrich, 2006).
    thresholds : list of float, optional
        Thresholds in [0, 1] instead of evenly spaced ones; the ends are added.
    multi_label : bool
        Whether to take the area of each label, predictions being (N, labels), and average.
        Otherwise all entries count as one binary problem.
    num_labels : int, optional
        Number of labels, with `multi_label`.
    label_weights : list of float, optional
        Weights of the labels: of their areas with `multi_label`, of their entries without.
    from_logits : bool
        Whether predictions are logits, to which the sigmoid is applied.

    Examples
    --------
    >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
    0.75
    """

    num_thresholds: int = 200
    curve: Any = "ROC"
    summation_method: Any = "interpolation"
    thresholds: Any = field(default=None, kw_only=True)
    multi_label: bool = field(default=False, kw_only=True)
    num_labels: int | None = field(default=None, kw_only=True)
    label_weights: Any = field(default=None, kw_only=True)
    from_logits: bool = field(default=False, kw_only=True)

    positional_tail = (
        "name",
        "dtype",
        "thresholds",
        "multi_label",
        "num_labels",
        "label_weights",
        "from_logits",
    )
    direction = "max"
    state_names = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    true_positives: ClassVar[Variable]
    false_positives: ClassVar[Variable]
    true_negatives: ClassVar[Variable]
    false_negatives: ClassVar[Variable]

    def __post_init__(self) -> None:
        self.curve = _choice("AUC curve", self.curve, CURVES)
        self.summation_method = _choice("AUC summation method", self.summation_method, SUMMATIONS)
        if self.num_labels and not self.multi_label:
            raise ValueError("`num_labels` is needed only when `multi_label` is True.")
        self._given = self.thresholds is not None
        if self._given:
            inner = sorted(float(t) for t in self.thresholds)
            self._evenly = evenly_spaced([0.0, *inner, 1.0])
            self.num_thresholds = len(inner) + 2
        else:
            if self.num_thresholds <= 1:
                raise ValueError(
                    "Argument `num_thresholds` must be an integer > 1. "
                    f"Received: num_thresholds={self.num_thresholds}"
                )
            steps = self.num_thresholds - 1
            inner = [i / steps for i in range(1, steps)]
            self._evenly = True
        # Every prediction in [0, 1] is above the first threshold, and none above the last.
        self.thresholds = [-config.epsilon(), *inner, 1.0 + config.epsilon()]
        super().__post_init__()
        if not self.multi_label:
            self._start(*[(self.num_thresholds,)] * 4)
        elif self.num_labels:
            self._start(*[(self.num_thresholds, self.num_labels)] * 4)

    def increments(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, ...]:
        """The four counts of a batch, by threshold (and label)."""
        y_pred = np.asarray(y_pred, np.float32)
        if self.multi_label and y_pred.ndim != 2:
            raise ValueError(
                "`y_pred` must have rank 2 when `multi_label=True`. "
                f"Found rank {y_pred.ndim}. Full shape received for `y_pred`: {y_pred.shape}"
            )
        if self.from_logits:
            y_pred = np.float32(1) / (np.float32(1) + np.exp(-np.maximum(y_pred, -80)))
        return threshold_counts(
            "AUC",
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            evenly=self._evenly,
            label_weights=None if self.multi_label else self.label_weights,
            by_label=self.multi_label,
        )

    def result(self) -> Array:
        """The area, averaged over labels with `multi_label`."""
        if not self._built:
            return self._typed(0.0)
        counts = Counts(*(getattr(self, name).value for name in self.state_names))
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_pr(counts)
        else:
            x, y = {"ROC": _roc, "PR": _pr, "PRGAIN": _pr_gain}[self.curve](counts)
            if self.summation_method == "interpolation":
                height = (y[:-1] + y[1:]) / 2
            else:
                pick = np.minimum if self.summation_method == "minoring" else np.maximum
                height = pick(y[:-1], y[1:])
            areas = ((x[:-1] - x[1:]) * height).sum(0)
        if self.multi_label and self.label_weights is not None:
            weights = np.asarray(self.label_weights, np.float64)
            return self._typed(divide_no_nan((areas * weights).sum(), weights.sum()))
        return self._typed(np.mean(areas))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; thresholds only if they were given."""
        written = super().get_config()
        inner = written.pop("thresholds")[1:-1]
        return {**written, "thresholds": inner} if self._given else written


def _choice(what: str, given: Any, options: tuple[str, ...]) -> str:
    given = getattr(given, "value", given)
    for option in options:
        if isinstance(given, str) and given.lower() == option.lower():
            return option
    raise ValueError(f'Invalid {what} value: "{given}". Expected values are {list(options)}')


def _roc(c: Counts) -> tuple[np.ndarray, np.ndarray]:
    return divide_no_nan(c.fp, c.fp + c.tn), divide_no_nan(c.tp, c.tp + c.fn)


def _pr(c: Counts) -> tuple[np.ndarray, np.ndarray]:
    return divide_no_nan(c.tp, c.tp + c.fn), divide_no_nan(c.tp, c.tp + c.fp)


def _pr_gain(c: Counts) -> tuple[np.ndarray, np.ndarray]:
    """Gains 1 - (P / N) fn / tp and 1 - (P / N) fp / tp; 0 and 1 without true positives."""
    odds = divide_no_nan(c.tp + c.fn, c.tn + c.fp)
    recall_gain = np.where(c.tp == 0, 0.0, 1 - odds * divide_no_nan(c.fn, c.tp))
    precision_gain = np.where(c.tp == 0, 1.0, 1 - odds * divide_no_nan(c.fp, c.tp))
    return np.maximum(recall_gain, 0), precision_gain


def _interpolated_pr(c: Counts) -> np.ndarray:
    """Area under the PR curve with tp and fp linear between thresholds.

    With P = tp + fp, slope s = dtp / dP and a = tp - s P, the integral of precision tp / P over an
    interval is s (dtp + a log(P_A / P_B)), to be divided by the number of positives.
    """
    positives = c.tp + c.fp
    d_tp, d_p = c.tp[:-1] - c.tp[1:], positives[:-1] - positives[1:]
    slope = divide_no_nan(d_tp, np.maximum(d_p, 0))
    intercept = c.tp[1:] - slope * positives[1:]
    both = (positives[:-1] > 0) & (positives[1:] > 0)
    ratio = np.where(both, divide_no_nan(positives[:-1], positives[1:]), 1.0)
    area = slope * (d_tp + intercept * np.log(ratio))
    return divide_no_nan(area, (c.tp + c.fn)[1:]).sum(0)
