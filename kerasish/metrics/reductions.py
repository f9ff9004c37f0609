"""Sum, Mean, and the mean over samples of any function of targets and predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish import registry
from kerasish.metrics.base import Metric
from kerasish.metrics.shapes import same_rank
from kerasish.metrics.state import Variable
from kerasish.registry import Configurable, register
from kerasish.store import Array


def totals(who: str, values: Any, sample_weight: Any = None) -> tuple[float, float]:
    """``(sum of w * v, sum of w)`` over the samples, `v` being the mean of a sample's values.

    `values` has shape (N, ...). `sample_weight` has the leading axes of `values`, or fewer; with
    more axes than one, a sample's weight is the mean of its weights. A scalar counts as one sample.
    """
    values = np.asarray(values)
    if sample_weight is None and values.ndim == 1 and values.dtype == bool:
        return float(np.count_nonzero(values)), float(len(values))
    if values.dtype.kind not in "biuf":
        raise TypeError(
            f"{who}: a metric's function must return numbers, one for each sample, but returned "
            f"values of type {values.dtype}. Return the result of the computation."
        )
    if sample_weight is None:
        total = np.count_nonzero(values) if values.dtype == bool else values.sum(dtype=np.float64)
        rows = len(values) if values.ndim else 1
        return float(total) * rows / max(values.size, 1), float(rows)
    values, weight = same_rank(values, np.asarray(sample_weight, np.float64))
    if values.ndim > weight.ndim:
        values = values.mean(axis=tuple(range(weight.ndim, values.ndim)), dtype=np.float64)
    if weight.ndim > values.ndim or weight.shape != values.shape:
        weight = _spread(who, weight, values.shape)
    a_sample = values.size / len(values) if values.ndim and len(values) else 1
    return float((values * weight).sum()) / a_sample, float(weight.sum()) / a_sample


def _spread(who: str, weight: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.broadcast_to(weight, shape)
    except ValueError:
        fix = f"Pass one weight a sample, shape ({shape[0]},)." if shape else "Leave it out."
        raise ValueError(
            f"{who} got sample_weight of shape {weight.shape} for values of shape {shape}. {fix}"
        ) from None


@register()
@dataclass(eq=False, repr=False)
class Sum(Metric):
    """Weighted sum of the values given: sum of w * v.

    Examples
    --------
    >>> m = Sum()
    >>> m.update_state([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
    >>> float(m.result())
    4.0
    """

    name: Any = "sum"
    state_names = ("total",)
    total: ClassVar[Variable]

    def __post_init__(self) -> None:
        super().__post_init__()
        self._start(())

    def increments(self, values: Any, sample_weight: Any = None) -> tuple[float, ...]:
        """The weighted sum of a batch of values, shape (N, ...)."""
        values = np.asarray(values, np.float64)
        if sample_weight is None:
            return (float(values.sum()),)
        values, weight = same_rank(values, np.asarray(sample_weight, np.float64))
        if values.ndim > weight.ndim:
            values = values.sum(axis=tuple(range(weight.ndim, values.ndim)))
        return (float((values * _spread(self.name, weight, values.shape)).sum()),)

    def result(self) -> Array:
        """The sum over all batches."""
        return self._typed(self.total.value)


@register()
@dataclass(eq=False, repr=False)
class Mean(Metric):
    """Weighted mean of the values given: sum of w * v over sum of w, and 0 before any value.

    Examples
    --------
    >>> m = Mean()
    >>> m.update_state([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
    >>> float(m.result())
    2.0
    """

    name: Any = "mean"
    state_names = ("total", "count")
    total: ClassVar[Variable]
    count: ClassVar[Variable]

    def __post_init__(self) -> None:
        super().__post_init__()
        self._start((), ())

    def increments(self, values: Any, sample_weight: Any = None) -> tuple[float, ...]:
        """Weighted sum and weight of a batch of values, shape (N, ...)."""
        return totals(self.name, values, sample_weight)

    def apply(self, increments: Any) -> None:
        """Add what `increments` returned, of one batch or of a part of one."""
        for variable, increment in zip((self.total, self.count), increments, strict=True):
            variable.value[()] = variable.value.item() + increment  # faster than +=

    def result(self) -> Array:
        """The mean over all batches."""
        count = float(self.count.value)
        return self._typed(float(self.total.value) / count if count else 0.0)


@register()
class MeanMetricWrapper(Mean):
    """Weighted mean over samples of ``fn(y_true, y_pred, **kwargs)``.

    Parameters
    ----------
    fn : callable
        Gives an array with one value, or several, a sample. A function that gives one number for
        the batch is averaged over batches and cannot be weighted.
    name, dtype : str, optional
        As for `Metric`.
    **kwargs
        Further arguments of `fn`.

    Notes
    -----
    ``sample_weight`` has one entry a sample, or one a time step. A mask of the predictions reaches
    the metric in it: the training loop passes ``mask * sample_weight``.

    Examples
    --------
    >>> m = MeanMetricWrapper(lambda y_true, y_pred: abs(y_true - y_pred), name="off")
    >>> m.update_state(np.array([0.0, 1.0]), np.array([1.0, 1.0]), sample_weight=[1, 3])
    >>> float(m.result())
    0.25
    """

    takes_mask = True
    additive = True

    def __init__(self, fn: Any, name: Any = None, dtype: Any = None, **kwargs: Any) -> None:
        if not callable(fn):
            raise TypeError(
                f"MeanMetricWrapper expects a function fn(y_true, y_pred) but got {fn!r}."
            )
        self._fn, self._fn_kwargs = fn, kwargs
        self.name, self.dtype = name, dtype
        self.__post_init__()
        ours = (getattr(fn, "__module__", None) or "").startswith("kerasish.")
        if not ours or isinstance(fn, Configurable):
            self.additive = False  # it may well look at the batch as a whole
        home = (getattr(fn, "__module__", None) or type(fn).__module__).split(".")[:2]
        if home == ["kerasish", "losses"]:
            self.direction = "min"  # type: ignore[misc]
        elif ours:
            self.direction = "max"  # type: ignore[misc]

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Values by sample, of shape (N,) or (N, ...)."""
        return self._fn(y_true, y_pred, **self._fn_kwargs)

    def increments(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> tuple[float, ...]:
        """Weighted sum of the values of a batch, and its weight."""
        return totals(self.name, self.values(y_true, y_pred), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return name, dtype, the function by its name, and its arguments."""
        written = super().get_config()
        if type(self).values is MeanMetricWrapper.values and "_fn" in vars(self):
            written["fn"] = _function_config(self._fn)
            written.update(registry.plain(self._fn_kwargs))
        return written

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Build the metric; a function is looked up by its name in the registry."""
        if not callable(config.get("fn", len)):
            from kerasish.metrics.names import function

            config = {**config, "fn": function(config["fn"])}
        return cls(**config)


def _function_config(fn: Any) -> dict[str, Any]:
    if isinstance(fn, Configurable):
        return registry.serialize(fn)
    name = getattr(fn, "__name__", type(fn).__name__)
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }
