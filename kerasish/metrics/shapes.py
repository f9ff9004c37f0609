"""Shapes: how targets, predictions and weights are brought together before anything is counted."""

from __future__ import annotations

from typing import Any

import numpy as np


def same_rank(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Align ``(N,)`` with ``(N, 1)``, and ``(..., T)`` with ``(..., T, 1)``, as Keras does.

    >>> [x.shape for x in same_rank(np.zeros(3), np.zeros((3, 1)))]
    [(3, 1), (3, 1)]
    """
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, b[:, None]) if b.ndim == 1 else (a[..., 0], b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[:, None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b


def floats(x: Any) -> np.ndarray:
    """`x` as a float array: lists, integers and booleans become float32."""
    array = np.asarray(x)
    if array.dtype in (np.float32, np.float64) and isinstance(x, np.ndarray):
        return array
    return array.astype(np.float32)


def aligned(who: str, y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions of one shape; nothing is broadcast silently.

    Raises
    ------
    ValueError
        If the shapes still differ after ``(N,)`` and ``(N, 1)`` were aligned.
    """
    y_true, y_pred = same_rank(np.asarray(y_true), np.asarray(y_pred))
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{who} expects targets and predictions of the same shape but got y_true of shape "
            f"{y_true.shape} and y_pred of shape {y_pred.shape}. {_hint(who, y_true, y_pred)}"
        )
    return y_true, y_pred


def _hint(who: str, y_true: np.ndarray, y_pred: np.ndarray) -> str:
    if y_true.shape[:1] != y_pred.shape[:1]:
        return "Pass as many targets as predictions."
    labels_only = y_true.ndim < y_pred.ndim or y_true.shape[-1:] == (1,)
    if labels_only and y_pred.shape[-1:] != (1,):
        if who.startswith(("Precision", "Recall")):
            return (
                "For integer labels of several classes say how to average over them, such as "
                "average='macro', or make them one-hot with to_categorical(y_true)."
            )
        return (
            "For integer labels use the sparse metric, or to_categorical(y_true) to make them "
            "one-hot."
        )
    return "Reshape one of them."


def broadcast_weight(who: str, sample_weight: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Weights of `shape`: given by row, by row and step, or by entry, they get trailing axes."""
    weight = np.asarray(sample_weight, np.float64)
    if weight.ndim == len(shape) + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    padded = weight.reshape(weight.shape + (1,) * (len(shape) - weight.ndim))
    fits = padded.ndim == len(shape)
    if not fits or any(padded.shape[i] not in (1, n) for i, n in enumerate(shape)):
        raise ValueError(
            f"{who} got sample_weight of shape {weight.shape}, which does not fit values of shape "
            f"{shape}. Pass one weight a sample, shape ({shape[0] if shape else ''},)."
        )
    return np.broadcast_to(padded, shape)


def divide_no_nan(a: Any, b: Any) -> np.ndarray:
    """``a / b``, and 0 where `b` is 0.

    >>> divide_no_nan([1.0, 2.0], [0.0, 4.0])
    array([0. , 0.5])
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b != 0)
