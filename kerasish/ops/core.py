"""``keras.ops``: types, shapes, slices, and loops in plain Python."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.autodiff import is_traced, untraced
from kerasish.ops.calls import operand, result, shape_of
from kerasish.store import Weight, as_array
from kerasish.utils.numerical import standardize_dtype


def shape(x: Any) -> tuple[int, ...]:
    """The shape, as a tuple."""
    return shape_of(x)


def cast(x: Any, dtype: Any) -> Any:
    """The same numbers in another type."""
    x = operand(x)
    name = "float32" if str(dtype) in ("float16", "bfloat16") else standardize_dtype(dtype)
    if is_traced(x):
        floating = np.dtype(name).kind == "f"
        return x.astype(name) if floating else as_array(np.asarray(untraced(x)).astype(name))
    return as_array(x.astype(name))


def saturate_cast(x: Any, dtype: Any) -> Any:
    """`cast`, with numbers that the type cannot hold at its ends."""
    name = standardize_dtype(dtype)
    kind = np.dtype(name).kind
    if kind in "iu":
        ends = np.iinfo(name)
        x = np.clip(operand(x), ends.min, ends.max)
    return cast(x, name)


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Any:
    """An array with ``.numpy()``; floats become float32 unless `dtype` says otherwise."""
    x = operand(x)
    return result(x) if dtype is None else cast(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """A plain ndarray."""
    return np.array(untraced(x) if is_traced(x) else operand(x))


def is_tensor(x: Any) -> bool:
    """Whether `x` is an array, a weight, or what is differentiated."""
    return isinstance(x, np.ndarray | Weight) or is_traced(x)


def stop_gradient(variable: Any) -> Any:
    """The numbers, for which no gradient goes back."""
    return as_array(untraced(variable)) if is_traced(variable) else result(operand(variable))


def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Zeros of `shape`, to which `values` are added at `indices`."""
    indices, values = np.asarray(operand(indices)), operand(values)
    count = int(np.prod(shape[: indices.shape[-1]]))
    flat = np.ravel_multi_index(tuple(np.moveaxis(indices, -1, 0)), shape[: indices.shape[-1]])
    place = np.eye(count, dtype=values.dtype)[flat.ravel()]  # (updates, places)
    inner = tuple(shape[indices.shape[-1] :])
    rows = np.reshape(values, (flat.size, -1))
    return result(np.reshape(place.T @ rows, (*shape[: indices.shape[-1]], *inner)), values)


def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: Any = None) -> Any:
    """`inputs` with other numbers at `indices`, or combined with these."""
    changed = np.array(convert_to_numpy(inputs))
    at = tuple(np.moveaxis(np.asarray(operand(indices)), -1, 0))
    updates = convert_to_numpy(updates)
    if reduction is None:
        changed[at] = updates
    else:
        kinds = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
        kinds[reduction].at(changed, at, updates)
    return result(changed, inputs)


def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """The block of `shape` from `start_indices` on."""
    start = [int(i) for i in np.asarray(operand(start_indices))]
    sizes = [
        n - s if size == -1 else size
        for n, s, size in zip(shape_of(inputs), start, shape, strict=True)
    ]
    key = tuple(np.s_[s : s + size] for s, size in zip(start, sizes, strict=True))
    return result(operand(inputs)[key], inputs)


def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """`inputs` with the block from `start_indices` on replaced by `updates`."""
    changed = np.array(convert_to_numpy(inputs))
    start = [int(i) for i in np.asarray(operand(start_indices))]
    block = convert_to_numpy(updates)
    key = tuple(np.s_[s : s + n] for s, n in zip(start, block.shape, strict=True))
    changed[key] = block
    return result(changed, inputs)


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """What one of two functions returns."""
    return true_fn() if bool(untraced(pred) if is_traced(pred) else pred) else false_fn()


def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """What the function of this number returns."""
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Repeat `body` on the loop's variables while `cond` of them holds."""
    several = isinstance(loop_vars, list | tuple)
    values = tuple(loop_vars) if several else (loop_vars,)
    done = 0
    while bool(cond(*values)) and (maximum_iterations is None or done < maximum_iterations):
        found = body(*values)
        values = tuple(found) if isinstance(found, list | tuple) else (found,)
        done += 1
    return values if several else values[0]


def fori_loop(lower: int, upper: int, body_fun: Callable[[int, Any], Any], init_val: Any) -> Any:
    """Repeat ``value = body_fun(i, value)``."""
    for i in range(int(lower), int(upper)):
        init_val = body_fun(i, init_val)
    return init_val


def scan(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> Any:
    """Carry a value along an array: ``carry, y = f(carry, x)``; the carry and all y."""
    count = len(xs) if xs is not None else int(length or 0)
    order = range(count - 1, -1, -1) if reverse else range(count)
    ys = []
    for i in order:
        init, y = f(init, None if xs is None else operand(xs)[i])
        ys.append(y)
    if reverse:
        ys.reverse()
    return init, None if not ys or ys[0] is None else result(np.stack([operand(y) for y in ys]))


def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """Running combination of the slices along `axis`."""
    parts = list(np.moveaxis(convert_to_numpy(elems), axis, 0))
    parts = parts[::-1] if reverse else parts
    found = [parts[0]]
    for part in parts[1:]:
        found.append(np.asarray(f(found[-1], part)))
    found = found[::-1] if reverse else found
    return result(np.moveaxis(np.stack(found), 0, axis), elems)


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """`f` of each row, put together."""
    rows = [f(row) for row in operand(xs)]
    return result(np.stack([operand(row) for row in rows]), xs)


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """`f` of each row; several arrays are walked through together."""
    if not isinstance(elements, list | tuple):
        return map(function, elements)
    rows = [function(row) for row in zip(*(operand(e) for e in elements), strict=True)]
    return result(np.stack([operand(row) for row in rows]))


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for a function that returns its value and the function of its gradient."""
    from kerasish.autodiff import through

    @functools.wraps(f)
    def call(x: Any) -> Any:
        if not is_traced(x):
            return f(x)[0]

        def both(array: Any) -> Any:
            value, grad = f(array)
            return np.asarray(value), lambda dy: np.asarray(grad(dy))

        return through(both, x)

    return call


__all__ = [
    *("associative_scan", "cast", "cond", "convert_to_numpy", "convert_to_tensor"),
    *("custom_gradient", "fori_loop", "is_tensor", "map", "saturate_cast", "scan", "scatter"),
    *("scatter_update", "shape", "slice", "slice_update", "stop_gradient", "switch"),
    *("vectorized_map", "while_loop"),
]
