"""Recurrences in compiled kernels: what `recurrent` defines, for the activations in `KINDS`.

Where no step of a sample has counted yet the output is its first state: zero, as `recurrent` says
it, unless another one was given; `RNN` sees to those.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.kernels import compiled
from kerasish.kernels.compiled import gates as numbers
from kerasish.kernels.recurrent import Pass, Product, States
from kerasish.step import Step

PANEL = 16
NOTHING = np.zeros((0, 0), np.uint8)
NO_MASKS = np.zeros((0, 0, 0), np.float32)
# Activations by name, as the kernels number them; a pass takes one for states, one for gates.
KINDS = {
    "linear": numbers.LINEAR,
    "tanh": numbers.TANH,
    "sigmoid": numbers.SIGMOID,
    "relu": numbers.RELU,
    "hard_sigmoid": numbers.HARD_SIGMOID,
    "hard_sigmoid_keras2": numbers.HARD_SIGMOID_2,
}
Kinds = tuple[int, int]
USUAL = KINDS["tanh"], KINDS["sigmoid"]


def padded(units: int) -> int:
    """`units` rounded up to what the kernels work on."""
    return -(-units // PANEL) * PANEL


def panels(kernel: np.ndarray) -> np.ndarray:
    """(K, columns) as (columns / 16, K, 16)."""
    parts = kernel.reshape(len(kernel), -1, PANEL)
    return np.ascontiguousarray(parts.transpose(1, 0, 2))


def spaced(x: np.ndarray, gates: int, step: Step | None = None) -> np.ndarray:
    """(..., gates * U) with zeros after each gate, so that U becomes a multiple of 16."""
    units = x.shape[-1] // gates
    wide = padded(units)
    if wide == units:
        return x
    shape = (*x.shape[:-1], gates, wide)
    out = np.empty(shape, x.dtype) if step is None else step.empty(shape, x.dtype)
    out[..., :units] = x.reshape(*x.shape[:-1], gates, units)
    out[..., units:] = 0
    return out.reshape(*x.shape[:-1], gates * wide)


def closed(x: np.ndarray, gates: int, units: int) -> np.ndarray:
    """The inverse of `spaced`."""
    if x.shape[-1] == gates * units:
        return x
    parts = x.reshape(*x.shape[:-1], gates, -1)[..., :units]
    return np.ascontiguousarray(parts).reshape(*x.shape[:-1], gates * units)


class Frame:
    """The padded kernel, mask and states of one pass."""

    def __init__(
        self, x: np.ndarray, recurrent: Product, keep: np.ndarray | None, gates: int, step: Step
    ) -> None:
        kernel = recurrent.kernel
        self.steps, self.rows = x.shape[:2]
        self.gates, self.step = gates, step
        self.units = x.shape[-1] // gates
        self.wide = padded(self.units)
        self.z = spaced(x, gates, step)
        self.keep = NOTHING if keep is None else np.ascontiguousarray(keep).view(np.uint8)
        self.kernel = spaced(kernel, gates)
        if self.wide != self.units:
            below = np.zeros((self.wide - self.units, self.kernel.shape[1]), kernel.dtype)
            self.kernel = np.concatenate([self.kernel, below])
        self.masks = NO_MASKS if recurrent.masks is None else spaced(recurrent.masks, 1)

    @property
    def panels(self) -> np.ndarray:
        """Of the kernel."""
        return panels(self.kernel)

    def back_panels(self, by_gate: bool = False) -> np.ndarray:
        """Of the transposed kernel, or of the gates' transposed kernels one after the other."""
        if not by_gate and not len(self.masks):
            return panels(self.kernel.T)
        parts = self.kernel.reshape(self.wide, self.gates, self.wide).transpose(2, 1, 0)
        return panels(parts.reshape(self.wide, -1))

    def history(self, first: np.ndarray | None) -> np.ndarray:
        """Memory for a state after each step, with the one before the first; without, for less."""
        steps = self.steps + (first is not None)
        found = self.step.empty((steps, self.rows, self.wide), self.z.dtype)
        if first is not None:
            found[0, :, : self.units] = first
            found[0, :, self.units :] = 0
        return found

    def output(self, hs: np.ndarray, sequences: bool) -> np.ndarray:
        """What is returned."""
        return hs[1:, :, : self.units] if sequences else hs[-1, :, : self.units]

    def seeds(self, dy: np.ndarray, dstates: Any, sequences: bool, count: int) -> list[np.ndarray]:
        """Gradients of the last states, padded, to be worked on; without sequences dy is of h."""
        found = []
        for number in range(count):
            out = self.step.empty((self.rows, self.wide), self.z.dtype)
            out[...] = 0
            if dstates is not None:
                out[:, : self.units] = dstates[number]
            if not sequences and number == 0:
                out[:, : self.units] += dy
            found.append(out)
        return found

    def gradients(self, dy: np.ndarray, sequences: bool) -> tuple[np.ndarray, int, int]:
        """dLoss/dy, flat, with its strides in steps and rows; row stride 0 without sequences."""
        if not sequences:
            return np.zeros(0, self.z.dtype), 0, 0
        if self.wide == self.units:
            for order, turned in (0, dy), (1, dy.swapaxes(0, 1)):
                if turned.flags.c_contiguous:
                    inner = turned.shape[1] * self.units
                    strides = (inner, self.units) if order == 0 else (self.units, inner)
                    return turned.reshape(-1), *strides
        out = self.step.empty((self.steps, self.rows, self.wide), self.z.dtype)
        out[..., : self.units] = dy
        out[..., self.units :] = 0
        return out.reshape(-1), self.rows * self.wide, self.wide

    def kernel_gradient(self, before: np.ndarray, dz: np.ndarray) -> np.ndarray:
        """Of the recurrent kernel, from the states before all steps."""
        return self.columns_gradient(before, dz, slice(0, self.gates))

    def columns_gradient(self, before: np.ndarray, dz: np.ndarray, gates: slice) -> np.ndarray:
        """That of the columns of some gates."""
        rows, wide = dz.reshape(-1, dz.shape[-1]), self.wide
        if not len(self.masks):
            columns = rows[:, gates.start * wide : gates.stop * wide]
            product = before.reshape(-1, wide).T @ columns
        else:
            product = np.concatenate(
                [
                    (before * self.masks[g]).reshape(-1, wide).T
                    @ rows[:, g * wide : (g + 1) * wide]
                    for g in range(gates.start, gates.stop)
                ],
                axis=1,
            )
        return closed(product[: self.units], gates.stop - gates.start, self.units)


def simple(
    x: np.ndarray,
    recurrent: Product,
    states: States,
    keep: np.ndarray | None,
    sequences: bool,
    step: Step,
    kinds: Kinds = USUAL,
) -> Pass:
    """`recurrent.simple`; x is used up."""
    frame = Frame(x, recurrent, keep, 1, step)
    z, units = frame.z, frame.units
    hs = frame.history(states[0])
    compiled.recurrent.simple(z, frame.panels, hs, frame.keep, frame.masks, kinds[0])

    def backward(dy: np.ndarray, dstates: Any = None) -> Any:
        (dh,) = frame.seeds(dy, dstates, sequences, 1)
        flat = frame.gradients(dy, sequences)
        transposed, tail = frame.back_panels(), (frame.masks, *kinds)
        compiled.recurrent.simple_backward(*flat, z, transposed, hs, frame.keep, dh, *tail[:2])
        return closed(z, 1, units), frame.kernel_gradient(hs[:-1], z), [dh[:, :units]]

    return Pass(frame.output(hs, sequences), [hs[-1, :, :units]], backward)


def lstm(
    x: np.ndarray,
    recurrent: Product,
    states: States,
    keep: np.ndarray | None,
    sequences: bool,
    step: Step,
    kinds: Kinds = USUAL,
) -> Pass:
    """`recurrent.lstm`; x is used up."""
    frame = Frame(x, recurrent, keep, 4, step)
    z, units = frame.z, frame.units
    hs, cs = frame.history(states[0]), frame.history(states[1])
    squashed = frame.history(None)
    compiled.recurrent.lstm(z, frame.panels, hs, cs, squashed, frame.keep, frame.masks, *kinds)

    def backward(dy: np.ndarray, dstates: Any = None) -> Any:
        dh, dc = frame.seeds(dy, dstates, sequences, 2)
        flat = frame.gradients(dy, sequences)
        transposed, tail = frame.back_panels(), (frame.masks, *kinds)
        arrays = z, transposed, cs, squashed, frame.keep, dh, dc
        compiled.recurrent.lstm_backward(*flat, *arrays, *tail)
        first = [dh[:, :units], dc[:, :units]]
        return closed(z, 4, units), frame.kernel_gradient(hs[:-1], z), first

    return Pass(frame.output(hs, sequences), [hs[-1, :, :units], cs[-1, :, :units]], backward)


def gru(
    x: np.ndarray,
    recurrent: Product,
    bias: np.ndarray | None,
    states: States,
    keep: np.ndarray | None,
    sequences: bool,
    step: Step,
    kinds: Kinds = USUAL,
) -> Pass:
    """`recurrent.gru`; x is used up."""
    frame = Frame(x, recurrent, keep, 3, step)
    z, units = frame.z, frame.units
    hs = frame.history(states[0])
    products = step.empty(z.shape, z.dtype)
    offset = np.zeros(3 * units, z.dtype) if bias is None else bias
    arrays = spaced(offset, 3), frame.panels, hs, products, frame.keep
    compiled.recurrent.gru(z, *arrays, frame.masks, *kinds)

    def backward(dy: np.ndarray, dstates: Any = None) -> Any:
        (dh,) = frame.seeds(dy, dstates, sequences, 1)
        flat = frame.gradients(dy, sequences)
        transposed, tail = frame.back_panels(), (frame.masks, *kinds)
        arrays = z, products, transposed, hs, frame.keep, dh
        compiled.recurrent.gru_backward(*flat, *arrays, *tail)
        rows = products.reshape(-1, products.shape[-1])
        dbias = closed(step.ones(len(rows), rows.dtype) @ rows, 3, units)
        kernel = frame.kernel_gradient(hs[:-1], products)
        return closed(z, 3, units), kernel, [dh[:, :units]], dbias

    return Pass(frame.output(hs, sequences), [hs[-1, :, :units]], backward)


def gru_before(
    x: np.ndarray,
    recurrent: Product,
    states: States,
    keep: np.ndarray | None,
    sequences: bool,
    step: Step,
    kinds: Kinds = USUAL,
) -> Pass:
    """`recurrent.gru_before`; x is used up."""
    frame = Frame(x, recurrent, keep, 3, step)
    z, units = frame.z, frame.units
    hs, resets = frame.history(states[0]), frame.history(None)
    tail = frame.masks, *kinds
    compiled.recurrent.gru_before(z, frame.panels, hs, resets, frame.keep, *tail)

    def backward(dy: np.ndarray, dstates: Any = None) -> Any:
        (dh,) = frame.seeds(dy, dstates, sequences, 1)
        flat = frame.gradients(dy, sequences)
        arrays = z, frame.back_panels(by_gate=True), hs, frame.keep, dh
        compiled.recurrent.gru_before_backward(*flat, *arrays, *tail)
        left = frame.columns_gradient(hs[:-1], z, slice(0, 2))
        right = frame.columns_gradient(resets, z, slice(2, 3))
        return closed(z, 3, units), np.concatenate([left, right], axis=1), [dh[:, :units]]

    return Pass(frame.output(hs, sequences), [hs[-1, :, :units]], backward)
