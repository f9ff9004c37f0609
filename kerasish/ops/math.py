"""``keras.ops``: sums by segment, special functions, transforms; and linear algebra."""

from __future__ import annotations

import math as _math
from typing import Any

import numpy as np

from kerasish.ops.calls import operand, result, same_as_numpy

cholesky = same_as_numpy("cholesky", "linalg.cholesky")
det = same_as_numpy("det", "linalg.det")
eig = same_as_numpy("eig", "linalg.eig")
eigh = same_as_numpy("eigh", "linalg.eigh")
inv = same_as_numpy("inv", "linalg.inv")
matrix_rank = same_as_numpy("matrix_rank", "linalg.matrix_rank")
pinv = same_as_numpy("pinv", "linalg.pinv")
solve = same_as_numpy("solve", "linalg.solve")


def qr(x: Any, mode: str = "reduced") -> Any:
    """Orthogonal times upper triangular matrix."""
    decompose: Any = np.linalg.qr
    return result(tuple(decompose(operand(x), mode=mode)), x)


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition."""
    decompose: Any = np.linalg.svd
    found = decompose(operand(x), full_matrices=full_matrices, compute_uv=compute_uv)
    return result(tuple(found) if compute_uv else found, x)


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """Least squares solution of ``a x = b``."""
    return result(np.linalg.lstsq(operand(a), operand(b), rcond=rcond)[0], a)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors or matrices."""
    x = operand(x)
    if (
        ord in (None, 2)
        and not isinstance(axis, tuple | list)
        and (axis is not None or x.ndim == 1)
    ):
        return result(np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)), x)
    return result(np.linalg.norm(x, ord=ord, axis=axis, keepdims=keepdims), x)


def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverse of a matrix, from its Cholesky factor."""
    factor = np.swapaxes(operand(x), -1, -2) if upper else operand(x)
    return result(np.linalg.inv(factor @ np.swapaxes(factor, -1, -2)), x)


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """Solution of ``a x = b`` for a triangular `a`."""
    a = operand(a)
    return result(np.linalg.solve(np.tril(a) if lower else np.triu(a), operand(b)), a)


def logdet(x: Any) -> Any:
    """Logarithm of the determinant of a positive definite matrix."""
    return result(np.linalg.slogdet(operand(x))[1], x)


def cdist(x1: Any, x2: Any) -> Any:
    """Euclidean distances between the rows of two arrays."""
    a, b = operand(x1)[..., :, None, :], operand(x2)[..., None, :, :]
    return result(np.sqrt(np.sum((a - b) ** 2, axis=-1)), x1)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))``, computed without overflow."""
    x = operand(x)
    axis = tuple(axis) if isinstance(axis, list) else axis
    top = np.max(x, axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return result(total if keepdims else np.squeeze(total, axis=axis), x)


def rsqrt(x: Any) -> Any:
    """``1 / sqrt(x)``."""
    return result(1 / np.sqrt(operand(x)), x)


def divide_no_nan(x1: Any, x2: Any) -> Any:
    """Quotient, 0 where the denominator is 0."""
    a, b = operand(x1), operand(x2)
    return result(np.where(b == 0, 0, a / np.where(b == 0, 1, b)), x1, x2)


_erf = np.frompyfunc(_math.erf, 1, 1)


def erf(x: Any) -> Any:
    """The error function."""
    from kerasish.autodiff import is_traced, through

    def both(array: np.ndarray) -> Any:
        y = np.asarray(_erf(array)).astype(array.dtype)
        return y, lambda dy: dy * (2 / _math.sqrt(_math.pi)) * np.exp(-array * array)

    x = operand(x)
    return through(both, x) if is_traced(x) else result(np.asarray(_erf(x)).astype(float), x)


def erfc(x: Any) -> Any:
    """``1 - erf(x)``."""
    return result(1 - erf(x), x)


def erfinv(x: Any) -> Any:
    """Inverse of the error function, by Newton's method."""
    y = np.asarray(operand(x), float)
    log = np.log(np.maximum((1 - y) * (1 + y), 1e-300))
    a = 2 / (_math.pi * 0.147) + log / 2
    found = np.sign(y) * np.sqrt(np.sqrt(a * a - log / 0.147) - a)
    for _ in range(4):
        slope = 2 / _math.sqrt(_math.pi) * np.exp(-found * found)
        found = found - (np.asarray(_erf(found), float) - y) / np.maximum(slope, 1e-300)
    return result(np.where(np.abs(y) == 1, np.sign(y) * np.inf, found), x)


def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """The `k` largest along the last axis, and their places."""
    x = operand(x)
    order = np.argsort(-np.asarray(x), axis=-1, kind="stable")[..., :k]
    return result((np.take_along_axis(x, order, -1), order.astype("int32")), x)


def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether the prediction of each target is among the `k` largest."""
    p, y = np.asarray(operand(predictions)), np.asarray(operand(targets))
    own = np.take_along_axis(p, y[..., None], -1)
    return result((p > own).sum(-1) < k)


def _segments(start: float, combine: Any, data: Any, ids: Any, count: int | None) -> Any:
    data, ids = np.asarray(operand(data)), np.asarray(operand(ids))
    count = int(ids.max()) + 1 if count is None else count
    found = np.full((count, *data.shape[1:]), start, data.dtype)
    combine.at(found, ids, data)
    return result(found, data)


def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """Sum of the rows of each number."""
    from kerasish.ops.nn import one_hot

    ids = np.asarray(operand(segment_ids))
    count = int(ids.max()) + 1 if num_segments is None else num_segments
    data = operand(data)
    rows = np.reshape(data, (len(ids), -1))
    total = np.asarray(one_hot(ids, count)).T.astype(data.dtype) @ rows
    return result(np.reshape(total, (count, *data.shape[1:])), data)


def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """Largest of the rows of each number."""
    return _segments(-np.inf, np.maximum, data, segment_ids, num_segments)


def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """Smallest of the rows of each number."""
    return _segments(np.inf, np.minimum, data, segment_ids, num_segments)


def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Any:
    """Product of the rows of each number."""
    return _segments(1, np.multiply, data, segment_ids, num_segments)


def _complex(x: Any) -> np.ndarray:
    real, imaginary = x
    return np.asarray(operand(real)) + 1j * np.asarray(operand(imaginary))


def _pair(value: np.ndarray, *inputs: Any) -> Any:
    return result((value.real, value.imag), *inputs)


def fft(x: Any) -> Any:
    """Fourier transform of (real, imaginary) along the last axis."""
    return _pair(np.fft.fft(_complex(x)), *x)


def fft2(x: Any) -> Any:
    """Fourier transform of (real, imaginary) along the last two axes."""
    return _pair(np.fft.fft2(_complex(x)), *x)


def ifft2(x: Any) -> Any:
    """Inverse of `fft2`."""
    return _pair(np.fft.ifft2(_complex(x)), *x)


def rfft(x: Any, fft_length: int | None = None) -> Any:
    """Fourier transform of real numbers, as (real, imaginary)."""
    return _pair(np.fft.rfft(np.asarray(operand(x)), fft_length), x)


def irfft(x: Any, fft_length: int | None = None) -> Any:
    """Inverse of `rfft`."""
    return result(np.fft.irfft(_complex(x), fft_length), *x)


def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """Windows along the last axis: (..., number of windows, sequence_length)."""
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(operand(x)), sequence_length, -1)
    return result(windows[..., ::sequence_stride, :], x)


def view_as_complex(x: Any) -> Any:
    """Complex numbers of pairs on the last axis."""
    x = np.asarray(operand(x))
    return result(x[..., 0] + 1j * x[..., 1])


def view_as_real(x: Any) -> Any:
    """Pairs on a new last axis of complex numbers."""
    x = np.asarray(operand(x))
    return result(np.stack([x.real, x.imag], axis=-1))


__all__ = sorted(
    name
    for name, value in list(globals().items())
    if callable(value)
    and not name.startswith("_")
    and name not in ("operand", "result")
    and name not in ("same_as_numpy", "Any")
)
