"""Ctrl-C and numbers that are not finite: both end a fit between two whole steps."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np

SQUARE_LIMIT = float(np.finfo(np.float32).max)
PATIENCE = 1.0  # seconds after which a second Ctrl-C ends even a step


class Interrupts:
    """Holds Ctrl-C back while a step runs, so that every step is done whole or not at all.

    Signals come to the main thread only; in other threads there is nothing to do. Outside of
    steps (in data or callbacks) Ctrl-C acts at once. In a step it acts when the step has ended,
    or, if it is pressed again after a second, at once: the step may hang.
    """

    def __init__(self) -> None:
        self._loops = 0
        self._steps = 0
        self._noticed: float | None = None
        self._previous: Callable[[int, FrameType | None], Any] | None = None
        self._whole = Whole(self)
        self.main_thread = threading.main_thread().ident

    @contextlib.contextmanager
    def watch(self) -> Iterator[bool]:
        """Take Ctrl-C over for a loop of steps; gives whether it is inside no other loop."""
        if threading.get_ident() != self.main_thread:
            yield True
            return
        outermost = self._loops == 0
        self._loops += 1
        try:
            found = signal.getsignal(signal.SIGINT) if outermost else None
            if callable(found) and found != self._on_signal:
                self._previous = found
                signal.signal(signal.SIGINT, self._on_signal)
            yield outermost
        finally:
            self._loops -= 1
            if outermost and signal.getsignal(signal.SIGINT) == self._on_signal:
                signal.signal(signal.SIGINT, self._previous)

    def whole(self) -> Whole:
        """Hold Ctrl-C back until the block, or the outermost of such blocks, has ended."""
        return self._whole

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._steps and (self._noticed is None or now - self._noticed < PATIENCE):
            self._noticed = self._noticed or now
        else:
            self._act()

    def _act(self) -> None:
        self._noticed = None
        if self._previous is not None:
            self._previous(signal.SIGINT, None)

    def after_fork(self) -> None:
        """In a child process no step is running, whatever other threads were doing."""
        self._steps, self._noticed = 0, None
        self.main_thread = threading.main_thread().ident


class Whole(contextlib.ContextDecorator):
    """What `Interrupts.whole` gives; its blocks close in reverse order, so one object will do."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._watch: Any = None

    def __enter__(self) -> None:
        held = self._interrupts
        if threading.get_ident() == held.main_thread:
            if not held._loops:
                self._watch = held.watch()
                self._watch.__enter__()
            held._steps += 1

    def __exit__(self, *error: Any) -> None:
        held = self._interrupts
        if threading.get_ident() != held.main_thread:
            return
        held._steps = max(0, held._steps - 1)
        if held._steps:
            return
        watch, self._watch = self._watch, None
        try:
            if held._noticed is not None:
                held._act()
        finally:
            if watch is not None:
                watch.__exit__(*error)


interrupts = Interrupts()


def is_interactive() -> bool:
    """Whether a person types at a prompt or in a notebook."""
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return True
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


class NonFiniteError(ArithmeticError):
    """A loss, output or gradient is NaN or infinite; the message says where it began."""


def all_finite(arrays: list[np.ndarray], squares: list[float] | None = None) -> bool:
    """Whether the sum of flat arrays has neither NaN nor infinity.

    That a sum of parts is finite follows from their squares (products with themselves, made here
    if not given) where these are not near the limit.
    """
    if squares is None:
        squares = [float(np.dot(array, array)) for array in arrays]
    return sum(squares) * len(arrays) < SQUARE_LIMIT or bool(np.isfinite(sum(arrays)).all())


def first_non_finite(model: Any, x: np.ndarray, step: Any) -> str | None:
    """Label of the first layer whose output is not finite, or None."""
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        return "the input data"
    for layer in model.flat_layers():
        for weight in layer._own_weights:
            if not np.isfinite(weight.value).all():
                return f"weight '{weight.name}' of {layer.label}"
        with np.errstate(all="ignore"):
            x, _ = layer.forward(x, step)
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            return f"the output of {layer.label}"
    return None
