"""Gradients of tables: a step writes few rows of a large one, and the others cost nothing.

`Step.rows_of` notes in `touched` which rows of a gradient may be other than zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import kernels
from kerasish.step import Step
from kerasish.store import Runs, Weight


def square(step: Step, gradient: np.ndarray, runs: Runs) -> float:
    """The product of a step's packed gradient with itself, or more where a row is noted twice."""
    total, place = 0.0, 0
    for weight in _tables(step, runs):
        start = runs.starts[weight]
        total += _dot(gradient[place:start])
        total += _dot(step.grads[weight][step.touched[weight]].reshape(-1))
        place = start + weight.size
    return total + _dot(gradient[place:])


def _dot(array: np.ndarray) -> float:
    return float(np.dot(array, array))


def _tables(step: Step, runs: Runs) -> list[Weight]:
    """The weights whose rows are noted, in the order in which they are packed."""
    return sorted(step.touched, key=runs.starts.__getitem__)


def move(steps: list[Step], runs: Runs) -> list[tuple[int, int]]:
    """Move the rows of tables from the gradients of later steps to the first one's.

    Returns the packed stretches in which the later ones are zero now.
    """
    first, *others = steps
    done = []
    for weight in _tables(first, runs) if others else ():
        parts = [step.touched.get(weight) for step in others]
        if any(part is None for part in parts):
            continue  # any row may have something in it
        for step, rows in zip(others, parts, strict=True):
            assert rows is not None
            kernels.move_rows(first.grads[weight], step.grads[weight], rows)
        done.append((runs.starts[weight], runs.starts[weight] + weight.size))
    return done


def note_sums(steps: list[Step]) -> None:
    """Note, once the gradients of all steps have been added to the first one's, what is in it."""
    first = steps[0].touched
    for weight in list(first):
        parts: list[Any] = [step.touched.get(weight) for step in steps]
        if weight.regularizer is not None or any(part is None for part in parts):
            del first[weight]
        elif len(parts) > 1:
            first[weight] = np.concatenate(parts)
