"""Kernels compiled by numba (the extra ``fast``), and the rule that chooses them.

A kernel has the arguments of a plain NumPy definition in `kerasish.kernels` and agrees with it to
the rounding of float32, NaN and infinity included. Which of the two runs is a function of shapes
and of whether numba is installed, never of timing, so that results repeat:

    if compiled.chosen(y.size, y.dtype):
        compiled.rows.add_bias(y, bias)     # numba is imported here, at first use
    else:
        y += bias

The environment variable ``KERASISH_COMPILED`` is ``auto`` (this rule), ``0`` (plain NumPy always)
or ``1`` (kernels for float32 of any size, an error without numba).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

FLOAT32 = np.dtype(np.float32)
# Elements that an elementwise kernel must touch in one call before numba, which takes 0.4 s to
# load, is worth it. A small model stays below in all of its layers and never loads it.
MIN_ELEMENTS = 16_384

_smallest: float | None = None  # elements from which on kernels are chosen; None: not yet known
_listeners: list[Callable[[], None]] = []


def chosen(elements: int, dtype: Any) -> bool:
    """Whether a call that touches so many elements of this type takes the compiled kernel."""
    if _smallest is None:
        _decide()
    return elements >= _smallest and dtype == FLOAT32  # type: ignore[operator]


def plain(x: np.ndarray) -> np.ndarray:
    """`x`, or a copy if it is not contiguous or read-only: kernels are compiled for one layout."""
    return x if x.flags.carray else np.array(x, order="C")


def _decide(mode: str | None = None) -> None:
    global _smallest
    mode = os.environ.get("KERASISH_COMPILED", "").strip() or "auto" if mode is None else mode
    if mode not in ("auto", "0", "1"):
        raise ValueError(f"KERASISH_COMPILED must be 'auto', '0' or '1' but is {mode!r}.")
    if mode == "0" or not _has_numba(required=mode == "1"):
        _smallest = float("inf")
    else:
        _smallest = 1 if mode == "1" else MIN_ELEMENTS


def _has_numba(required: bool) -> bool:
    if importlib.util.find_spec("numba") is None:
        if required:
            raise ImportError(
                'KERASISH_COMPILED=1 needs numba, which is not installed: pip install "kerasish'
                '[fast]".'
            )
        return False
    return os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


@contextlib.contextmanager
def forced(mode: str) -> Iterator[None]:
    """Inside the block behave as if ``KERASISH_COMPILED`` were `mode`; for tests.

    >>> with forced("0"):
    ...     chosen(10**9, np.float32)
    False
    """
    global _smallest
    before = _smallest
    _decide(mode)
    try:
        yield
    finally:
        _smallest = before


def __getattr__(name: str) -> Any:
    """Import a family of kernels at its first use; from then on it is an attribute."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


# --- telling people that the first process compiles -----------------------------------------------


@contextlib.contextmanager
def announcing(listener: Callable[[], None]) -> Iterator[None]:
    """Inside the block, call `listener` once when a kernel starts to be compiled.

    Compiled code is kept on disk, so this happens in the first process only. The call comes from
    whatever thread needs the kernel.
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        if listener in _listeners:
            _listeners.remove(listener)


def announce() -> None:
    """Tell the listeners that something is being compiled."""
    while _listeners:
        _listeners.pop()()
