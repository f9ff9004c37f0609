"""Dense layers that follow one another as one call of a kernel (contract 4).

Between two kernels a thread holds the GIL, for which the other shards' threads wait: of layers with
some hundred units as long as a layer takes. The kernels are those of `products`, called in the same
order on the same numbers, so that every bit is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasish.kernels import compiled, products
from kerasish.kernels.products import BACKWARD_ROWS, FORWARD_ROWS, NARROW, PAIR, ROWS, WIDTH
from kerasish.step import LINE, Step
from kerasish.store import Weight

MOST_PLANS = 16  # that a step keeps


class Affine(NamedTuple):
    """What one layer does: ``x @ kernel + bias``, then relu or nothing."""

    kernel: Weight
    bias: Weight | None
    relu: bool


def affine(
    parts: Sequence[Affine], x: np.ndarray, step: Step
) -> tuple[np.ndarray, list[np.ndarray]] | None:
    """The outputs of all layers for x (N, D), and the memory they lie in; None without a kernel."""
    if not _fit(parts, x, step, FORWARD_ROWS):
        return None
    plan = _plan(parts, len(x), step)
    if plan is None:
        return None
    outputs = step.empty((plan.size,), x.dtype)
    start, memory = step.zeros(plan.widest, x.dtype), plan.memory(step)
    if not compiled.stack.affine(compiled.plain(x), plan.table, start, *memory, outputs):
        return None
    return outputs, [outputs[place].reshape(shape) for place, shape in plan.places]


def backward(
    parts: Sequence[Affine],
    dy: np.ndarray,
    x: np.ndarray,
    outputs: np.ndarray,
    step: Step,
    needs_dx: bool,
) -> tuple[bool, np.ndarray | None]:
    """All of their backward pass: whether it was done, and dx if that is needed."""
    weights = [w for part in parts for w in part[:2] if w is not None]
    if not (_fit(parts, x, step, BACKWARD_ROWS) and all(map(step.is_first, weights))):
        return False, None
    plan = _plan(parts, len(x), step)
    if plan is None or not plan.has_gradients:
        return False, None
    dtype = x.dtype
    dx = step.empty(x.shape, dtype) if needs_dx else step.zeros(0, dtype).reshape(0, x.shape[1])
    done = compiled.stack.backward(
        compiled.plain(dy),
        compiled.plain(x),
        plan.table,
        outputs,
        step.zeros(plan.widest, dtype),
        *plan.memory(step),
        step.scratch("spare", (plan.widest,), dtype),
        step.scratch("dz", (plan.largest,), dtype),
        step.scratch("sides", (2, plan.largest), dtype),
        dx,
    )
    if done:
        step.written.update(weights)
    return done, dx if done and needs_dx else None


def _fit(parts: Sequence[Affine], x: np.ndarray, step: Step, most: int) -> bool:
    rows = len(x)
    part = products.is_part(rows, step)
    return all(products.fits(rows, most, p.kernel.value.shape, x.dtype, part) for p in parts)


class _Plan:
    """The table of some layers for one number of rows, and sizes of the memory they need."""

    def __init__(self, parts: Sequence[Affine], rows: int, arrays: list[Any]) -> None:
        self.arrays = arrays  # their addresses stand in the table
        self.has_gradients = all(g is not None and g.flags.carray for g in arrays[2::4])
        self.places: list[tuple[slice, tuple[int, int]]] = []
        self.size = self.lists = self.turned = self.widest = self.largest = 0
        table = []
        for k, part in enumerate(parts):
            depth, units = part.kernel.value.shape
            narrow = units < NARROW
            inner = units if narrow else depth
            groups = max(-(-inner // PAIR), -(-rows // ROWS))
            self.lists = max(self.lists, groups * max(rows, inner))
            self.turned = max(self.turned, units * depth if narrow else 0)
            self.widest = max(self.widest, WIDTH, depth, units)
            self.largest = max(self.largest, rows * max(units, depth if k else 0))
            addresses = (0 if a is None else _address(a) for a in arrays[4 * k : 4 * k + 4])
            table.append((depth, units, *addresses, part.relu, narrow, self.size))
            self.places.append((slice(self.size, self.size + rows * units), (rows, units)))
            self.size += -(-rows * units // LINE) * LINE
        self.table = np.array(table, np.int64)

    def memory(self, step: Step) -> tuple[np.ndarray, ...]:
        """What `products.memory` gives, and room for a turned kernel."""
        panel = self.widest * WIDTH
        return (
            step.scratch("values", (self.lists * ROWS,), np.float32),
            step.scratch("places", (self.lists,), np.int32),
            step.scratch("counts", (self.lists,), np.int64),
            step.scratch("panel", (panel,), np.float32),
            step.scratch("turned", (self.turned,), np.float32),
        )


def _plan(parts: Sequence[Affine], rows: int, step: Step) -> _Plan | None:
    """The plan for this step's weights and gradients; None if a weight is not contiguous."""
    arrays: list[Any] = []
    for kernel, bias, _ in parts:
        arrays += kernel.value, None if bias is None else bias.value
        arrays += step.grads.get(kernel), None if bias is None else step.grads.get(bias)
    key = rows, *(part.kernel for part in parts)
    plan = step.plans.get(key)
    if plan is None or any(a is not b for a, b in zip(plan.arrays, arrays, strict=True)):
        if any(a is not None and not a.flags.c_contiguous for a in arrays):
            return None
        if len(step.plans) >= MOST_PLANS:
            step.plans.clear()
        plan = step.plans[key] = _Plan(parts, rows, arrays)
    return plan


def _address(x: np.ndarray) -> int:
    return x.__array_interface__["data"][0]
