"""Gradients of users' own functions, through the optional package `autograd`.

What kerasish ships carries its backward pass beside its forward pass and never comes here. A
custom loss, activation, regularizer or layer `call` is plain NumPy; `vjp` runs it on autograd's
recording boxes. NumPy's dispatch protocols (NEP 13 and NEP 18) are installed on those boxes, so
that ``np.sqrt(box)`` reaches ``autograd.numpy.sqrt`` without another import in the user's code.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from kerasish.autodiff import dispatch

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

    backward.depends = any(node is not None for node, _ in nodes)  # type: ignore[attr-defined]
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
                _engine = dispatch.install()
    return _engine


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
