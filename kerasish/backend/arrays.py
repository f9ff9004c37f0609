"""Computing with arrays, under the names and arguments of Keras 2's backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish import ops as all_ops
from kerasish.ops.calls import operand, result, shape_of

ops: Any = all_ops  # whose names are made by tables, in part
abs, arange, argmax, argmin = ops.abs, ops.arange, ops.argmax, ops.argmin
cos, equal, exp, expand_dims = ops.cos, ops.equal, ops.exp, ops.expand_dims
greater, greater_equal, less = ops.greater, ops.greater_equal, ops.less
less_equal, maximum, minimum, not_equal = ops.less_equal, ops.maximum, ops.minimum, ops.not_equal
sign, sin, sqrt, square, squeeze = ops.sign, ops.sin, ops.sqrt, ops.square, ops.squeeze
tile, round, log = ops.tile, ops.round, ops.log
hard_sigmoid, softplus, softsign = ops.hard_sigmoid, ops.softplus, ops.softsign
in_top_k, cast, stop_gradient, logsumexp = ops.in_top_k, ops.cast, ops.stop_gradient, ops.logsumexp


def _reduction(name: str) -> Any:
    function = getattr(np, name)

    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        array = operand(x)
        if name in ("mean", "std", "var") and getattr(array, "dtype", np.dtype(float)).kind == "b":
            array = array.astype(config.floatx())
        axis = tuple(axis) if isinstance(axis, list) else axis
        return result(function(array, axis=axis, keepdims=keepdims), x)

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = f"``numpy.{name}`` along `axis`, or of all elements."
    return reduce


all, any, max, mean, min = map(_reduction, ("all", "any", "max", "mean", "min"))
prod, std, sum, var = map(_reduction, ("prod", "std", "sum", "var"))


def _cumulative(name: str) -> Any:
    function = getattr(np, name)

    def accumulate(x: Any, axis: int = 0) -> Any:
        return result(function(operand(x), axis=axis), x)

    accumulate.__name__ = accumulate.__qualname__ = name
    accumulate.__doc__ = f"``numpy.{name}`` along `axis`."
    return accumulate


cumsum, cumprod = _cumulative("cumsum"), _cumulative("cumprod")


def dtype(x: Any) -> str:
    """Name of the element type."""
    return ops.dtype(x)


def shape(x: Any) -> tuple[int, ...]:
    """The shape."""
    return shape_of(x)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape, with None for what is not known of a symbol."""
    return tuple(x.shape) if hasattr(x, "start") or hasattr(x, "as_symbol") else shape_of(x)


def ndim(x: Any) -> int:
    """Number of axes."""
    return len(int_shape(x))


def cast_to_floatx(x: Any) -> Any:
    """An array of the default float type."""
    return ops.cast(x, config.floatx())


def is_sparse(tensor: Any) -> bool:
    """False: there are no sparse arrays here."""
    return False


def to_dense(tensor: Any) -> Any:
    """The array itself."""
    return result(operand(tensor))


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """Within these bounds; None is no bound."""
    return result(np.clip(operand(x), min_value, max_value), x)


def pow(x: Any, a: Any) -> Any:
    """``x ** a``."""
    return result(operand(x) ** operand(a) if not np.isscalar(a) else operand(x) ** a, x)


def dot(x: Any, y: Any) -> Any:
    """Product of matrices: the last axis of x with the last but one of y."""
    x, y = operand(x), operand(y)
    rank = len(shape_of(y))
    return result(np.tensordot(x, y, ([-1], [0 if rank == 1 else rank - 2])), x, y)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """For each sample, the product over the axes given; by default last with last but one."""
    x, y = operand(x), operand(y)
    a, b = len(shape_of(x)), len(shape_of(y))
    if axes is None:
        first, second = (a - 1, b - 1) if b == 2 else (a - 1, b - 2)
    else:
        first, second = (axes, axes) if isinstance(axes, int) else axes
    first, second = first % a, second % b
    letters = "abcdefghijklmnop"
    left = "z" + letters[: a - 1]
    right = list("z" + letters[a - 1 : a + b - 2])
    right[second] = left[first]
    kept = "z" + "".join(c for i, c in enumerate(left) if i not in (0, first))
    kept += "".join(c for i, c in enumerate(right) if i not in (0, second))
    y = result(np.einsum(f"{left},{''.join(right)}->{kept}", x, y), x, y)
    return result(y[..., None], x) if len(kept) == 1 else y


def transpose(x: Any) -> Any:
    """All axes in reverse order."""
    return result(np.transpose(operand(x)), x)


def permute_dimensions(x: Any, pattern: Any) -> Any:
    """The axes in another order."""
    return result(np.transpose(operand(x), pattern), x)


def reshape(x: Any, shape: Any) -> Any:
    """Another shape; one axis may be -1."""
    return result(np.reshape(operand(x), tuple(int(n) for n in shape)), x)


def flatten(x: Any) -> Any:
    """One axis."""
    return result(np.reshape(operand(x), (-1,)), x)


def batch_flatten(x: Any) -> Any:
    """One axis for each sample."""
    return result(np.reshape(operand(x), (shape_of(x)[0], -1)), x)


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Put together along an axis."""
    return result(np.concatenate([operand(t) for t in tensors], axis=axis), *tensors)


def stack(x: Any, axis: int = 0) -> Any:
    """Put together along a new axis."""
    return result(np.stack([operand(t) for t in x], axis=axis), *x)


def repeat(x: Any, n: int) -> Any:
    """(N, D) to (N, n, D)."""
    return result(np.stack([operand(x)] * n, axis=1), x)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Each element `rep` times along an axis."""
    return result(np.repeat(operand(x), rep, axis=axis), x)


def reverse(x: Any, axes: Any) -> Any:
    """Turned round along the axes."""
    return result(np.flip(operand(x), axes), x)


def gather(reference: Any, indices: Any) -> Any:
    """Rows at these indices."""
    return ops.take(reference, indices, axis=0)


def one_hot(indices: Any, num_classes: int) -> Any:
    """Rows with a one at each index."""
    return ops.one_hot(indices, num_classes)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Any:
    """The identity matrix."""
    rows, columns = size if isinstance(size, list | tuple) else (size, size)
    return result(np.eye(rows, columns, dtype=dtype or config.floatx()))


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros."""
    return result(np.zeros(tuple(shape), dtype or config.floatx()))


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones."""
    return result(np.ones(tuple(shape), dtype or config.floatx()))


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros of the shape of `x`."""
    return result(np.zeros(shape_of(x), dtype or ops.dtype(x)))


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones of the shape of `x`."""
    return result(np.ones(shape_of(x), dtype or ops.dtype(x)))


def identity(x: Any, name: str | None = None) -> Any:
    """The array itself."""
    return result(operand(x), x)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Elements of one or the other; functions are called."""
    then = then_expression() if callable(then_expression) else then_expression
    other = else_expression() if callable(else_expression) else else_expression
    condition, then, other = operand(condition), operand(then), operand(other)
    missing = len(shape_of(then)) - len(shape_of(condition))
    if missing > 0 and shape_of(condition):
        condition = np.reshape(condition, shape_of(condition) + (1,) * missing)
    return result(np.where(condition, then, other), then, other)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` while training, else `alt`."""
    chosen = x if training else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` while training, else `x`."""
    return in_train_phase(alt, x, training)


__all__ = [
    "abs",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "batch_dot",
    "batch_flatten",
    "cast",
    "cast_to_floatx",
    "clip",
    "concatenate",
    "cos",
    "cumprod",
    "cumsum",
    "dot",
    "dtype",
    "equal",
    "exp",
    "expand_dims",
    "eye",
    "flatten",
    "gather",
    "greater",
    "greater_equal",
    "hard_sigmoid",
    "identity",
    "in_test_phase",
    "in_top_k",
    "in_train_phase",
    "int_shape",
    "is_sparse",
    "less",
    "less_equal",
    "log",
    "logsumexp",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "ndim",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "permute_dimensions",
    "pow",
    "prod",
    "repeat",
    "repeat_elements",
    "reshape",
    "reverse",
    "round",
    "shape",
    "sign",
    "sin",
    "softplus",
    "softsign",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "sum",
    "switch",
    "tile",
    "to_dense",
    "transpose",
    "var",
    "zeros",
    "zeros_like",
]
