"""``keras.ops``: the functions that NumPy has too."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish.ops.calls import operand, result, same_as_numpy, shape_of

_SAME = """abs absolute add all allclose amax amin angle any append arange arccos arccosh arcsin
    arcsinh arctan arctan2 arctanh argmax argmin argpartition argsort array_split average bartlett
    bincount bitwise_and bitwise_or bitwise_xor blackman broadcast_to cbrt ceil clip concatenate
    conj conjugate copy corrcoef correlate cos cosh count_nonzero cross cumprod cumsum deg2rad diag
    diagflat diagonal diff digitize divide dot dsplit dstack einsum empty empty_like equal exp exp2
    expand_dims expm1 eye fabs flip fliplr flipud floor floor_divide fmax fmin fmod full full_like
    gcd geomspace greater greater_equal hamming hanning heaviside histogram hsplit hstack hypot i0
    identity imag inner isclose isfinite isin isinf isnan isneginf isposinf isreal kaiser kron lcm
    ldexp left_shift less less_equal linspace log log10 log1p log2 logaddexp logaddexp2 logical_and
    logical_not logical_or logical_xor logspace matmul max maximum mean median meshgrid min minimum
    mod moveaxis multiply nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean
    nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum nanvar ndim negative nextafter
    nonzero not_equal ones ones_like outer pad percentile power prod ptp quantile rad2deg ravel real
    reciprocal repeat reshape right_shift roll rot90 round searchsorted sign signbit sin sinc sinh
    size sort split sqrt square squeeze stack std subtract sum swapaxes take_along_axis tan tanh
    tensordot tile trace transpose trapezoid tri tril triu true_divide trunc unravel_index vander
    var vdot vsplit vstack where zeros zeros_like"""
_RENAMED = {
    "bitwise_invert": "invert",
    "bitwise_not": "invert",
    "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift",
}
for _name in _SAME.split():
    globals()[_name] = same_as_numpy(_name)
for _name, _numpy_name in _RENAMED.items():
    globals()[_name] = same_as_numpy(_name, _numpy_name)


def array(x: Any, dtype: Any = None) -> Any:
    """An array; floats become float32."""
    x = operand(x)
    return result(x if dtype is None else x.astype(dtype), x)


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Elements, or slices along `axis`, at `indices`."""
    indices = np.asarray(operand(indices))
    return result(np.take(operand(x), indices, axis=axis), x)


def get_item(x: Any, key: Any) -> Any:
    """``x[key]``."""
    return result(operand(x)[key], x)


def view(x: Any, dtype: Any = None) -> Any:
    """The same memory, read as another type."""
    return result(np.asarray(operand(x)).view(dtype), x)


def unique(
    x: Any,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different values, in order, and where and how often they come."""
    distinct: Any = np.unique
    found = distinct(
        operand(x), return_inverse=return_inverse, return_counts=return_counts, axis=axis
    )
    if size is not None:
        values = found[0] if isinstance(found, tuple) else found
        filled = np.full(size, values.min() if fill_value is None else fill_value, values.dtype)
        filled[: len(values)] = values[:size]
        found = (filled, *found[1:]) if isinstance(found, tuple) else filled
    return result(found, x)


def polar(abs_: Any, angle: Any) -> Any:
    """The complex numbers of these absolute values and angles."""
    r, phi = operand(abs_), operand(angle)
    return result(r * np.cos(phi) + 1j * r * np.sin(phi), abs_)


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """For each element, of the choice whose condition is the first that holds."""
    found = operand(default)
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        found = np.where(operand(condition), operand(choice), found)
    return result(found, *choicelist)


def slogdet(x: Any) -> Any:
    """Sign, and logarithm of the absolute value, of the determinant."""
    sign, log = np.linalg.slogdet(operand(x))
    return result((sign, log), x)


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """The slices along `axis`, as a list."""
    x = operand(x)
    count = shape_of(x)[axis] if num is None else num
    return [result(np.take(x, i, axis=axis), x) for i in range(count)]


def vectorize(pyfunc: Any, *, excluded: Any = None, signature: str | None = None) -> Any:
    """A function of arrays made of one of numbers."""
    return np.vectorize(pyfunc, excluded=excluded, signature=signature)


def dtype(x: Any) -> str:
    """Name of the element type."""
    return str(getattr(operand(x), "dtype", config.floatx()))


__all__ = sorted(
    name
    for name in globals()
    if not name.startswith("_")
    and name
    not in ("annotations", "Any", "np", "config", "operand", "result", "same_as_numpy", "shape_of")
)
