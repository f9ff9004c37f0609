"""``tf.math``, and what of it stands in ``tf`` itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import ops as all_ops
from kerasish.ops.calls import operand, result, shape_of

_ops: Any = all_ops
_SAME = """abs add argmax argmin ceil cos cosh cumprod cumsum divide divide_no_nan einsum equal erf
    exp expand_dims expm1 eye floor greater greater_equal less less_equal linspace log log1p
    log_sigmoid logical_and logical_not logical_or logical_xor matmul maximum minimum mod multiply
    negative not_equal one_hot ones ones_like pad range reciprocal repeat reshape round rsqrt
    sigmoid sign sin sinh softplus sqrt square squeeze stack subtract tan tanh tensordot tile
    transpose unstack where zeros zeros_like"""
_OTHER = {
    "acos": "arccos", "asin": "arcsin", "atan": "arctan", "atan2": "arctan2", "is_nan": "isnan",
    "is_inf": "isinf", "is_finite": "isfinite", "pow": "power", "range": "arange", "rint": "round",
    "floordiv": "floor_divide", "floormod": "mod", "truediv": "true_divide", "roll": "roll",
    "reverse": "flip", "argsort": "argsort", "sort": "sort", "searchsorted": "searchsorted",
    "segment_sum": "segment_sum", "unsorted_segment_sum": "segment_sum", "fill": "full",
    "broadcast_to": "broadcast_to", "meshgrid": "meshgrid", "norm": "norm", "shape": "shape",
    "size": "size", "rank": "ndim", "cast": "cast", "bincount": "bincount",
}  # fmt: skip
REDUCTIONS = {
    "reduce_mean": np.mean, "reduce_sum": np.sum, "reduce_max": np.max, "reduce_min": np.min,
    "reduce_prod": np.prod, "reduce_all": np.all, "reduce_any": np.any, "reduce_std": np.std,
    "reduce_variance": np.var,
}  # fmt: skip


def _named(function: Any, name: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        kwargs.pop("name", None)
        dtype = kwargs.pop("dtype", None)
        for theirs in ("input", "x", "tensor", "values"):
            if theirs in kwargs:
                args = (kwargs.pop(theirs), *args)
        if "perm" in kwargs:
            kwargs["axes"] = kwargs.pop("perm")
        found = function(*args, **kwargs)
        return found if dtype is None else _ops.cast(found, dtype)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`kerasish.ops.{getattr(function, '__name__', name)}`."
    return call


def _reduction(name: str, function: Any) -> Any:
    def reduce(
        input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
    ) -> Any:
        axis = tuple(axis) if isinstance(axis, list) else axis
        return result(function(operand(input_tensor), axis=axis, keepdims=keepdims), input_tensor)

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = f"``numpy.{function.__name__}`` along `axis`, or of all elements."
    return reduce


for _name in _SAME.split():
    globals()[_name] = _named(getattr(_ops, _OTHER.get(_name, _name)), _name)
for _name, _ours in _OTHER.items():
    globals()[_name] = _named(getattr(_ops, _ours), _name)
for _name, _function in REDUCTIONS.items():
    globals()[_name] = _reduction(_name, _function)


def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` along `axis`."""
    return _ops.logsumexp(input_tensor, axis, keepdims)


def concat(values: Any, axis: int, name: str | None = None) -> Any:
    """Put together along an axis."""
    return _ops.concatenate(values, axis=axis)


def split(value: Any, num_or_size_splits: Any, axis: int = 0, **_: Any) -> list[Any]:
    """Equal parts, or parts of these sizes."""
    if not isinstance(num_or_size_splits, int):
        num_or_size_splits = [int(n) for n in np.cumsum(num_or_size_splits)[:-1]]
    return list(_ops.split(value, num_or_size_splits, axis=axis))


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: Any = None) -> Any:
    """Within two bounds."""
    return result(np.clip(operand(t), clip_value_min, clip_value_max), t)


def squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    """``(x - y) ** 2``."""
    return result((operand(x) - operand(y)) ** 2, x, y)


def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of a list of arrays."""
    total = operand(inputs[0])
    for x in inputs[1:]:
        total = total + operand(x)
    return result(total, *inputs)


def gather(params: Any, indices: Any, axis: int = 0, **_: Any) -> Any:
    """Slices at these indices."""
    return _ops.take(params, indices, axis=axis)


def boolean_mask(tensor: Any, mask: Any, **_: Any) -> Any:
    """Where the mask is true."""
    return result(operand(tensor)[np.asarray(operand(mask), np.bool_)], tensor)


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """A block."""
    return _ops.slice(input_, begin, size)


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: Any = None) -> Any:
    """Divided by the Euclidean norm."""
    x = operand(x)
    square = np.sum(x * x, axis=axis, keepdims=True)
    return result(x / np.sqrt(np.maximum(square, epsilon)), x)


def top_k(input: Any, k: int = 1, sorted: bool = True, name: Any = None) -> Any:
    """The `k` largest and their places."""
    return _ops.top_k(input, k)


def in_top_k(targets: Any, predictions: Any, k: int, name: Any = None) -> Any:
    """Whether the target is among the `k` largest."""
    return _ops.in_top_k(targets, predictions, k)


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: int | None = None, weights: Any = None, **_: Any
) -> Any:
    """Counts: rows are labels, columns predictions."""
    y, p = (np.asarray(operand(v)).ravel().astype(int) for v in (labels, predictions))
    count = int(max(y.max(), p.max())) + 1 if num_classes is None else num_classes
    found = np.zeros((count, count), "int32" if weights is None else "float32")
    np.add.at(found, (y, p), 1 if weights is None else np.asarray(operand(weights)))
    return result(found)


def map_fn(fn: Any, elems: Any, **_: Any) -> Any:
    """`fn` of each row."""
    return _ops.map(fn, elems)


def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: Any = None) -> Any:
    """What one of two functions returns."""
    return _ops.cond(pred, true_fn, false_fn)


def while_loop(cond: Any, body: Any, loop_vars: Any, **_: Any) -> Any:
    """Repeat while the condition holds."""
    return _ops.while_loop(cond, body, loop_vars)


def ensure_shape(x: Any, shape: Any, name: Any = None) -> Any:
    """The array, if it has that shape."""
    found = shape_of(x)
    if len(found) != len(shape) or any(
        a not in (None, b) for a, b in zip(shape, found, strict=True)
    ):
        raise ValueError(f"ensure_shape: expected the shape {tuple(shape)} but got {found}.")
    return result(operand(x), x)


__all__ = sorted(
    name
    for name, value in list(globals().items())
    if callable(value)
    and not name.startswith("_")
    and name not in ("Any", "operand", "result", "shape_of")
)
