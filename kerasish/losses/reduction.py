"""From the losses of the samples to one number: reductions, sample weights and masks.

A reduced loss is ``sum(c * losses)``; this module makes `c`. It is also the gradient of the
reduced loss with respect to the losses, so value and gradient cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


def standardize(reduction: Any) -> str | None:
    """Check the name of a reduction; old files say ``"auto"`` for the default."""
    if reduction == "auto":
        return "sum_over_batch_size"
    if isinstance(reduction, str | None) and reduction in REDUCTIONS:
        return reduction
    raise ValueError(
        f"Invalid value for argument `reduction`: expected one of "
        f"{', '.join(map(repr, REDUCTIONS))}, but got {reduction!r}."
    )


def coefficients(
    reduction: str | None,
    shape: tuple[int, ...],
    sample_weight: Any = None,
    mask: Any = None,
    rows: tuple[int, int] | None = None,
    all_sum: Callable[[Any], Any] | None = None,
    dtype: Any = "float32",
) -> np.ndarray:
    """Return `c` of `shape` with reduced loss = ``sum(c * losses)``; see `Loss.coefficients`."""
    averaging = reduction in ("sum_over_batch_size", "mean")
    part, whole = rows or (1, 1)
    count = math.prod(shape) * whole / part if part else 0
    if sample_weight is None and mask is None:
        by_count = averaging or reduction == "mean_with_sample_weight"
        return np.full(shape, _inverse(count) if by_count else 1.0, dtype)
    if all_sum is None:
        all_sum = _itself

    weights = None if sample_weight is None else np.asarray(sample_weight, dtype)
    if mask is not None:
        keep = np.asarray(mask, bool)
        kept: Any = keep.astype(dtype)
        if averaging:  # mean over what is kept: each counts total / kept, the others nothing
            kept *= keep.size * (whole / part) * _inverse(all_sum(float(np.count_nonzero(keep))))
        if weights is None:
            weights = kept
        else:
            kept, weights = _lead(kept, weights)
            weights = kept * weights
    assert weights is not None
    if not shape:  # the batch has one loss, which each weight multiplies
        total = float(weights.sum(dtype=np.float64))
        count = weights.size
    else:
        if weights.ndim and weights.ndim != len(shape):
            weights = _to_rank(weights, shape)
        total = 0.0
    try:
        c = np.broadcast_to(weights, shape) if shape else np.asarray(total, dtype)
    except ValueError:
        what = "sample_weight" if mask is None else "mask"
        raise ValueError(
            f"`{what}` of shape {np.shape(sample_weight if mask is None else mask)} does not fit "
            f"losses of shape {shape}: it needs one number for each sample, or for each loss."
        ) from None
    if averaging:
        return c * np.asarray(_inverse(count), dtype)
    if reduction == "mean_with_sample_weight":
        divisor = all_sum(float(weights.sum(dtype=np.float64)))
        return c * np.asarray(_inverse(divisor), dtype)
    return np.array(c)


def _inverse(number: float) -> float:
    """1 / number, and 0 for 0: a batch in which nothing counts has no loss."""
    return 1.0 / number if number else 0.0


def _itself(value: Any) -> Any:
    return value


def _lead(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the array of lower rank trailing axes, so that the leading axes meet."""
    if a.ndim > b.ndim:
        return a, _to_rank(b, a.shape)
    return _to_rank(a, b.shape), b


def _to_rank(weights: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if weights.ndim > len(shape):
        while weights.ndim > len(shape) and weights.shape[-1] == 1:
            weights = weights[..., 0]
        return weights
    return weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))
