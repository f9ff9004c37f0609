"""Metrics that are means of a loss: crossentropies, divergences and hinges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish.metrics.reductions import MeanMetricWrapper, totals
from kerasish.metrics.shapes import broadcast_weight
from kerasish.registry import register


@register("bce", "BCE")
@dataclass(eq=False, repr=False)
class BinaryCrossentropy(MeanMetricWrapper):
    """Mean of -y log p - (1 - y) log(1 - p).

    Parameters
    ----------
    from_logits : bool
        Whether predictions are logits, before the sigmoid.
    label_smoothing : float
        s: targets become y (1 - s) + s / 2.

    Examples
    --------
    >>> round(float(BinaryCrossentropy()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])), 4)
    0.8149
    """

    name: Any = "binary_crossentropy"
    dtype: Any = None
    from_logits: bool = False
    label_smoothing: float = 0
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Crossentropies, one a sample."""
        from kerasish import losses

        return losses.binary_crossentropy(
            y_true, y_pred, from_logits=self.from_logits, label_smoothing=self.label_smoothing
        )


@register()
@dataclass(eq=False, repr=False)
class CategoricalCrossentropy(MeanMetricWrapper):
    """Mean of -Σ y log p over classes, for one-hot targets.

    Parameters
    ----------
    from_logits : bool
        Whether predictions are logits, before the softmax.
    label_smoothing : float
        s: targets become y (1 - s) + s / classes.
    axis : int
        Axis of the classes.

    Examples
    --------
    >>> m = CategoricalCrossentropy()
    >>> round(float(m([[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]])), 4)
    1.1769
    """

    name: Any = "categorical_crossentropy"
    dtype: Any = None
    from_logits: bool = False
    label_smoothing: float = 0
    axis: int = -1
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Crossentropies, one a sample."""
        from kerasish import losses

        return losses.categorical_crossentropy(
            y_true,
            y_pred,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
            axis=self.axis,
        )


@register()
@dataclass(eq=False, repr=False)
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Mean of -log p[label], for integer labels.

    Parameters
    ----------
    from_logits : bool
        Whether predictions are logits, before the softmax.
    ignore_class : int, optional
        Label of samples whose value is 0. As in Keras they count as samples where there are no
        weights, and do not where there are.
    axis : int
        Axis of the classes.

    Examples
    --------
    >>> m = SparseCategoricalCrossentropy()
    >>> round(float(m([1, 2], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]])), 4)
    1.1769
    """

    name: Any = "sparse_categorical_crossentropy"
    dtype: Any = None
    from_logits: bool = False
    ignore_class: int | None = None
    axis: int = -1
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Crossentropies, one a sample."""
        from kerasish import losses

        return losses.sparse_categorical_crossentropy(
            y_true,
            y_pred,
            from_logits=self.from_logits,
            ignore_class=self.ignore_class,
            axis=self.axis,
        )

    def increments(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> tuple[float, ...]:
        """Weighted sum of the crossentropies of a batch, and its weight."""
        values = np.asarray(self.values(y_true, y_pred))
        if self.ignore_class is not None and sample_weight is not None:
            kept = (np.asarray(y_true) != self.ignore_class).reshape(values.shape)
            sample_weight = kept * broadcast_weight(self.name, sample_weight, values.shape)
        return totals(self.name, values, sample_weight)


@register("kld", "KLD", "kullback_leibler_divergence")
@dataclass(eq=False, repr=False)
class KLDivergence(MeanMetricWrapper):
    """Mean of the Kullback-Leibler divergence Σ y log(y / p).

    Examples
    --------
    >>> round(float(KLDivergence()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])), 4)
    0.4581
    """

    name: Any = "kl_divergence"
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Divergences, one a sample."""
        from kerasish import losses

        return losses.kl_divergence(y_true, y_pred)


@register()
@dataclass(eq=False, repr=False)
class Poisson(MeanMetricWrapper):
    """Mean of p - y log p, the Poisson loss.

    Examples
    --------
    >>> round(float(Poisson()([[0, 1], [0, 0]], [[1, 1], [0, 0]])), 4)
    0.5
    """

    name: Any = "poisson"
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Losses, one a sample."""
        from kerasish import losses

        return losses.poisson(y_true, y_pred)


@register()
@dataclass(eq=False, repr=False)
class Hinge(MeanMetricWrapper):
    """Mean of max(1 - y p, 0); labels 0 and 1 are taken as -1 and 1.

    Examples
    --------
    >>> round(float(Hinge()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])), 4)
    1.3
    """

    name: Any = "hinge"
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Losses, one a sample."""
        from kerasish import losses

        return losses.hinge(y_true, y_pred)


@register()
@dataclass(eq=False, repr=False)
class SquaredHinge(MeanMetricWrapper):
    """Mean of max(1 - y p, 0)²; labels 0 and 1 are taken as -1 and 1.

    Examples
    --------
    >>> round(float(SquaredHinge()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])), 4)
    1.86
    """

    name: Any = "squared_hinge"
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Losses, one a sample."""
        from kerasish import losses

        return losses.squared_hinge(y_true, y_pred)


@register()
@dataclass(eq=False, repr=False)
class CategoricalHinge(MeanMetricWrapper):
    """Mean of max(0, 1 + max((1 - y) p) - Σ y p), for one-hot targets.

    Examples
    --------
    >>> round(float(CategoricalHinge()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])), 4)
    1.4
    """

    name: Any = "categorical_hinge"
    direction = "min"

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Losses, one a sample."""
        from kerasish import losses

        return losses.categorical_hinge(y_true, y_pred)
