"""Gradients of users' own functions, through the optional package `autograd`.

What kerasish ships carries its backward pass beside its forward pass and never comes here. A
custom loss, activation, regularizer or layer `call` is plain NumPy; `vjp` runs it on autograd's
recording boxes. NumPy's dispatch protocols (NEP 13 and NEP 18) are installed on those boxes, so
that ``np.sqrt(box)`` reaches ``autograd.numpy.sqrt`` without another import in the user's code.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

_lock = threading.Lock()
_engine: SimpleNamespace | None = None


def vjp(
    fn: Callable[..., Any], *args: Any, argnums: int | tuple[int, ...] = 0
) -> tuple[Any, Callable[[Any], Any]]:
    """Run ``fn(*args)`` and return its value with a function for its gradients.

    Parameters
    ----------
    fn : callable
        Written with ``numpy`` (or ``autograd.numpy``); it must not write into arrays.
    *args
        Arrays; an argument to differentiate may be a list, tuple or dict of arrays. Integers
        are passed on as they are, and their gradient is zero.
    argnums : int or tuple of int
        Which arguments to differentiate with respect to.

    Returns
    -------
    value : ndarray
        What `fn` returned (a list or tuple of arrays stays one).
    backward : callable
        ``backward(dy)`` with `dy` of the value's shape returns the gradient with the shape and
        dtype of the argument; a tuple of gradients if `argnums` is a tuple. Arguments that the
        value does not depend on get zeros.

    Raises
    ------
    ImportError
        If autograd is not installed.
    TypeError
        If `fn` uses something without a gradient, or returns something other than floats.

    Examples
    --------
    >>> value, backward = vjp(lambda x: np.sqrt(np.sum(x**2)), np.array([3.0, 4.0]))
    >>> float(value), backward(1.0)
    (5.0, array([0.6, 0.8]))
    """
    engine = _get_engine()
    wanted = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    roots: list[tuple[Any, np.ndarray]] = []

    def box(array: Any) -> Any:
        array = np.asarray(array)
        root = engine.VJPNode.new_root()
        roots.append((root, array))
        return engine.new_box(array, trace, root) if array.dtype.kind == "f" else array

    with engine.traces.new_trace() as trace:
        boxed = list(args)
        for k in wanted:
            boxed[k] = _map(box, args[k])
        with _explained(fn, engine):
            out = fn(*boxed)
    nodes: list[tuple[Any, np.ndarray]] = []

    def unbox(leaf: Any) -> np.ndarray:
        tracked = engine.isbox(leaf) and leaf._trace == trace
        value = _checked_value(fn, leaf._value if tracked else leaf)
        nodes.append((leaf._node if tracked else None, value))
        return value

    value = _map(unbox, out)

    def backward(dy: Any) -> Any:
        leaves: list[Any] = []
        _map(leaves.append, dy)
        seeds = [
            (node, np.broadcast_to(np.asarray(d, y.dtype), y.shape))
            for (node, y), d in zip(nodes, leaves, strict=True)
            if node is not None
        ]
        with _explained(fn, engine):
            found = _pull_back(seeds, [root for root, _ in roots], engine)
        grads = iter(_as_gradient(g, array) for g, (_, array) in zip(found, roots, strict=True))
        by_argument = tuple(_map(lambda _: next(grads), args[k]) for k in wanted)
        return by_argument[0] if isinstance(argnums, int) else by_argument

    return value, backward


def gradient(fn: Callable[..., Any], *args: Any, argnums: int = 0) -> Any:
    """Return the gradient of a scalar ``fn(*args)``.

    >>> gradient(lambda w: 0.5 * np.sum(w * w), np.array([1.0, -2.0]))
    array([ 1., -2.])
    """
    value, backward = vjp(fn, *args, argnums=argnums)
    return backward(np.ones_like(value))


def through(fn: Callable[[Any], tuple[Any, Callable[[Any], Any] | None]], x: Any) -> Any:
    """Apply a function that brings its own backward pass, inside a function under `vjp`.

    `fn(array)` returns ``(y, backward)``; `x` may be a traced array, and then the result is
    traced too and differentiated by `backward`, or a plain one.

    >>> def double(x):
    ...     return 2 * x, lambda dy: 2 * dy
    >>> gradient(lambda x: np.sum(through(double, x) ** 2), np.array([1.0, 3.0]))
    array([ 8., 24.])
    """
    engine = _get_engine()
    if not engine.isbox(x):
        return fn(x)[0]
    y, backward = fn(x._value)
    if backward is None:
        return y
    node = engine.VJPNode.new_root()
    node.parents = [x._node]
    node.vjp = lambda dy: (backward(np.asarray(dy)),)
    return engine.new_box(np.asarray(y), x._trace, node)


def _as_gradient(g: Any, array: np.ndarray) -> np.ndarray:
    if g is None:
        return np.zeros(array.shape, array.dtype if array.dtype.kind == "f" else "float32")
    return np.asarray(g, array.dtype).reshape(array.shape)


class _Top:
    """A node above all outputs, so that one topological order covers them."""

    def __init__(self, parents: list[Any]) -> None:
        self.parents = parents


def _pull_back(seeds: list[tuple[Any, np.ndarray]], roots: list[Any], engine: Any) -> list[Any]:
    """Reverse mode from several outputs to several inputs; None where nothing arrives."""
    grads: dict[Any, Any] = {}
    for node, seed in seeds:
        grads[node] = engine.add_outgrads(grads.get(node), seed)
    top = _Top([node for node, _ in seeds])
    for node in engine.toposort(top):
        if node is top or not node.parents:
            continue
        outgrad = grads.pop(node, None)
        if outgrad is None:
            continue
        for parent, ingrad in zip(node.parents, node.vjp(outgrad[0]), strict=True):
            grads[parent] = engine.add_outgrads(grads.get(parent), ingrad)
    return [grads[root][0] if root in grads else None for root in roots]


def _map(fn: Callable[[Any], Any], tree: Any) -> Any:
    """Apply `fn` to the leaves of nested lists, tuples and dicts."""
    if isinstance(tree, list | tuple):
        return type(tree)([_map(fn, item) for item in tree])
    if isinstance(tree, dict):
        return {key: _map(fn, item) for key, item in tree.items()}
    return fn(tree)


def _name(fn: Any) -> str:
    return getattr(fn, "__qualname__", None) or getattr(fn, "__name__", None) or repr(fn)


def _checked_value(fn: Any, value: Any) -> np.ndarray:
    array = None if value is None else np.asarray(value)
    if array is None or array.dtype.kind != "f":
        got = "None" if array is None else f"{array.dtype} values ({type(value).__name__})"
        raise TypeError(
            f"{_name(fn)} must return an array of floats to have a gradient, but it returned "
            f"{got}. Return the result of the computation, in floats."
        )
    return array


@contextlib.contextmanager
def _explained(fn: Any, engine: Any) -> Iterator[None]:
    """Turn autograd's terse complaints into ones that name the function and the way out."""
    try:
        yield
    except NotImplementedError as error:
        if "VJP of" not in str(error):
            raise
        what = str(error).split()[2]
        raise TypeError(
            f"{_name(fn)} uses numpy.{what}, whose gradient is not known. Write it with other "
            f"NumPy functions, or give the gradient yourself by a `forward` that returns the "
            f"value and a backward function."
        ) from error
    except TypeError as error:
        if "ArrayBox" not in str(error):
            raise
        raise TypeError(
            f"{_name(fn)} cannot be differentiated: {error}. It gets arrays that record what is "
            f"done with them: use NumPy functions and operators that make new arrays, without "
            f"`out=`, item assignment, float() or np.asarray()."
        ) from error


def _get_engine() -> SimpleNamespace:
    global _engine
    if _engine is None:
        with _lock:
            if _engine is None:
                _engine = _install()
    return _engine


def _install() -> SimpleNamespace:
    """Import autograd, make its trace counter thread-local and its boxes dispatch NumPy."""
    try:
        import autograd.numpy as anp
        from autograd import core, tracer
        from autograd.numpy.numpy_boxes import ArrayBox
        from autograd.util import toposort
    except ImportError as error:
        raise ImportError(
            "Custom functions without a backward pass are differentiated by the package "
            'autograd, which is not installed. Run: pip install "kerasish[autograd]"'
        ) from error

    class Traces(threading.local):
        """How deep differentiations are nested; autograd's own counter is shared by threads."""

        top = -1

        @contextlib.contextmanager
        def new_trace(self) -> Iterator[int]:
            self.top += 1
            try:
                yield self.top
            finally:
                self.top -= 1

    traces = tracer.trace_stack = Traces()
    modules = {"numpy": anp, "numpy.linalg": anp.linalg, "numpy.fft": anp.fft}

    def array_function(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _call(engine, _find(func, modules), func, args, kwargs)

    def array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        inputs = tuple(x if tracer.isbox(x) else np.asarray(x) for x in inputs)
        if method == "reduce" and ufunc.__name__ in _REDUCTIONS:
            func = getattr(np, _REDUCTIONS[ufunc.__name__])
            kwargs = {"axis": 0, **kwargs}
            return _call(engine, _find(func, modules), func, inputs, kwargs)
        if method != "__call__":
            raise _without_gradient(f"numpy.{ufunc.__name__}.{method}")
        known = getattr(tracer, "trace_primitives_map", {})
        substituted = ufunc.__name__ in _SUBSTITUTES
        found = known[ufunc] if ufunc in known and not substituted else _find(ufunc, modules)
        return _call(engine, found, ufunc, inputs, kwargs)

    def refuse_array(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            "np.asarray() of an ArrayBox would lose its gradient; the argument is an array "
            "already, so leave the conversion out (and join arrays by np.stack, not np.array)"
        )

    ArrayBox.__array_ufunc__ = array_ufunc
    ArrayBox.__array_function__ = array_function
    ArrayBox.__array__ = refuse_array
    ArrayBox.copy = lambda self: self
    ArrayBox.dot = lambda self, other: anp.dot(self, other)
    ArrayBox.take = lambda self, indices, axis=None: _take(self, indices, axis)
    engine = SimpleNamespace(
        VJPNode=core.VJPNode,
        add_outgrads=core.add_outgrads,
        isbox=tracer.isbox,
        new_box=tracer.new_box,
        toposort=toposort,
        traces=traces,
    )
    return engine


def _without_gradient(what: str) -> TypeError:
    return TypeError(f"{what} on an ArrayBox has no gradient")


def _find(func: Any, modules: dict[str, Any]) -> Callable[..., Any]:
    """The differentiable counterpart of a NumPy function."""
    if func.__name__ in _SUBSTITUTES:
        return _SUBSTITUTES[func.__name__]
    module = modules.get(getattr(func, "__module__", None) or "numpy", modules["numpy"])
    found = getattr(module, func.__name__, None)
    if found is None:
        raise _without_gradient(f"numpy.{func.__name__}")
    return found


def _call(engine: Any, found: Any, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call `found` as NumPy would `func`; autograd sees boxes in positional arguments only."""
    kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue and v is not None}
    if kwargs.get("keepdims") is False:
        del kwargs["keepdims"]
    dtype = kwargs.pop("dtype", None)
    for name in ("out", "where", "initial"):
        if kwargs.get(name) not in (None, True):
            raise _without_gradient(f"the argument `{name}` of numpy.{func.__name__}")
        kwargs.pop(name, None)
    if any(engine.isbox(v) for v in kwargs.values()):
        names = list(inspect.signature(func).parameters)
        last = max(names.index(k) for k, v in kwargs.items() if engine.isbox(v))
        args = (*args, *(kwargs.pop(name) for name in names[len(args) : last + 1]))
    result = found(*args, **kwargs)
    return result if dtype is None else result.astype(dtype)


# What autograd does not differentiate, or less well than needed, in terms of what it does.
# Every np.* call below is dispatched again.


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (min if a_min is None else a_min), (max if a_max is None else a_max)
    if low is not None:
        a = np.where(a < low, low, a)
    return a if high is None else np.where(a > high, high, a)


def _where(condition: Any, *branches: Any) -> Any:
    from autograd.numpy import where

    return where(condition, *branches)


def _take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    if axis is None:
        return a.ravel()[indices]
    return a[(slice(None),) * (axis % a.ndim) + (indices,)]


def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        return arr.ravel()[indices]
    grid = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    return arr[tuple(grid)]


def _flip(m: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    axes = range(m.ndim) if axis is None else np.atleast_1d(axis)
    turned = {int(k) % m.ndim for k in axes}
    return m[tuple(slice(None, None, -1 if k in turned else 1) for k in range(m.ndim))]


def _average(a: Any, axis: Any = None, weights: Any = None) -> Any:
    if weights is None:
        return np.mean(a, axis=axis)
    if np.shape(weights) != np.shape(a):
        weights = np.reshape(
            weights, tuple(n if k == axis % a.ndim else 1 for k, n in enumerate(a.shape))
        )
    return np.sum(a * weights, axis=axis) / np.sum(weights + 0 * a, axis=axis)


def _nansum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(np.where(np.isnan(a), 0, a), axis=axis, keepdims=keepdims)


def _nanmean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    count = np.sum(~np.isnan(a), axis=axis, keepdims=keepdims)
    return _nansum(a, axis, keepdims) / count


def _ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
_SUBSTITUTES: dict[str, Callable[..., Any]] = {
    "average": _average,
    "cbrt": lambda x: np.sign(x) * np.abs(x) ** (1.0 / 3.0),
    "clip": _clip,
    "copy": lambda a, order="K", subok=False: a,
    "float_power": lambda x, y: x**y,
    "flip": _flip,
    "heaviside": lambda x, at_zero: np.where(x > 0, 1.0, np.where(x < 0, 0.0, at_zero)),
    "hypot": lambda x, y: np.sqrt(x * x + y * y),
    "nanmean": _nanmean,
    "nansum": _nansum,
    "outer": lambda a, b: np.ravel(a)[:, None] * np.ravel(b),
    "positive": lambda x: x,
    "ptp": _ptp,
    "take": _take,
    "take_along_axis": _take_along_axis,
    "where": _where,
}
_SUBSTITUTES["amax"], _SUBSTITUTES["amin"] = (
    functools.partial(lambda name, *a, **k: getattr(np, name)(*a, **k), name)
    for name in ("max", "min")
)


def is_traced(x: Any) -> bool:
    """Whether `x` is an array that autograd is following.

    >>> is_traced(np.ones(3))
    False
    """
    tracer = None if isinstance(x, np.ndarray) else sys.modules.get("autograd.tracer")
    return tracer is not None and bool(tracer.isbox(x))


def untraced(x: Any) -> np.ndarray:
    """Return the numbers of an array, without the recording of what happens to it."""
    while is_traced(x):
        x = x._value
    return np.asarray(x)
