"""Ctrl-C and numbers that are not finite: both end a fit between two whole steps."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any

import numpy as np


class Interrupts:
    """Holds Ctrl-C back while a step runs, so that every step is done whole or not at all.

    ``with Interrupts() as interrupts:`` around a training, ``with interrupts:`` around a step.
    Outside of a step (in data or callbacks) Ctrl-C acts at once, as does a second one.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._pending = False
        self._installed = False

    def __enter__(self) -> Interrupts:
        self._depth += 1
        first = self._depth == 1 and threading.current_thread() is threading.main_thread()
        if first and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._on_signal)
            self._installed = True
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        self._depth -= 1
        if self._depth == 0 and self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._installed = False
        if self._pending and kind is None:
            self._pending = False
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._depth > 1 and not self._pending:
            self._pending = True
        else:
            raise KeyboardInterrupt


def is_interactive() -> bool:
    """Whether a person types at a prompt or in a notebook."""
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return True
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


class NonFiniteError(ArithmeticError):
    """A loss, output or gradient is NaN or infinite; the message says where it began."""


def all_finite(array: np.ndarray) -> bool:
    """Whether a flat array has neither NaN nor infinity, at the price of one product."""
    square = float(np.dot(array, array))
    return square - square == 0 or bool(np.isfinite(array).all())


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
