"""Weights that older versions of Keras laid out otherwise: those of the CuDNN layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Change = Callable[[np.ndarray], np.ndarray]


def conversions(layer: Any, shapes: list[tuple[int, ...] | None]) -> list[Change] | None:
    """How a CuDNNLSTM's or CuDNNGRU's arrays become those of an LSTM or GRU; None if they are not.

    The kernels of CuDNN are the same numbers in another order, its two biases are kept apart.
    """
    gates = {"LSTM": 4, "GRU": 3}.get(type(layer).__name__)
    if gates is None or len(shapes) != 3 or None in shapes:
        return None
    units = getattr(layer, "units", 0)
    if shapes[2] != (2 * gates * units,) or shapes[1] != (units, gates * units):
        return None
    weights = layer.weights
    if len(weights) != 3 or shapes[0] != weights[0].shape:
        return None
    bias: Change = _sum_of_halves if gates == 4 else _two_rows
    if gates == 3 and weights[2].shape != (2, 3 * units):
        return None  # without reset_after the two biases cannot be joined

    def kernel(array: np.ndarray) -> np.ndarray:
        return np.hstack([k.T.reshape(k.shape, order="F") for k in np.hsplit(array, gates)])

    def recurrent(array: np.ndarray) -> np.ndarray:
        return np.hstack([k.T for k in np.hsplit(array, gates)])

    return [kernel, recurrent, bias]


def _sum_of_halves(array: np.ndarray) -> np.ndarray:
    return np.asarray(np.sum(np.split(array, 2), axis=0))


def _two_rows(array: np.ndarray) -> np.ndarray:
    return array.reshape(2, -1)
