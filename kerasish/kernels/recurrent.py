"""Recurrences over time in plain NumPy: the loop, and what each kind of cell does in a step.

Sequences are time-major, (T, N, D), so that a step is one contiguous block and the weights'
gradients are one product over all steps. `keep` (T, N) is False where a sample has no data at a
step: its states stay as they were, and its output is the one before (zeros at the start).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasish.step import Step

States = Sequence[np.ndarray]
Activate = Callable[[np.ndarray], tuple[np.ndarray, Any]]


class Product:
    """``x @ kernel`` for a kernel (K, G * U) of G gates side by side.

    `masks` (M, N, K) are the dropout masks of x: one for all gates (M = 1) or one for each (M = G).
    With a `step` results lie in its memory. Subclasses replace the matrix product.
    """

    def __init__(
        self, kernel: np.ndarray, masks: np.ndarray | None = None, step: Step | None = None
    ) -> None:
        self.kernel, self.masks, self.step = kernel, masks, step
        self._kernels = [] if masks is None else self._gates(kernel)

    def columns(self, end: int) -> tuple[Product, Product]:
        """The products with the columns before `end` and from there on."""
        masks = self.masks
        left: Any
        right: Any
        if masks is not None and len(masks) > 1:
            cut = len(masks) * end // self.kernel.shape[-1]
            left, right = masks[:cut], masks[cut:]
        else:
            left = right = masks
        return Product(self.kernel[:, :end], left), Product(self.kernel[:, end:], right)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(..., N, K) to (..., N, G * U)."""
        if self.masks is None:
            return self.apply(x, self.kernel)
        pairs = zip(self.masks, self._kernels, strict=True)
        return np.concatenate([self.apply(x * m, k) for m, k in pairs], axis=-1)

    def backward(self, dz: np.ndarray) -> np.ndarray:
        """dLoss/dx."""
        if self.masks is None:
            return self.transposed(dz, self.kernel)
        pairs = zip(self.masks, self._kernels, self._gates(dz), strict=True)
        return sum(m * self.transposed(d, k) for m, k, d in pairs)

    def gradient(self, x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        """dLoss/dkernel, summed over all steps and samples."""
        if self.masks is None:
            return self.outer(x, dz, self.kernel)
        kernels, parts = self._kernels, self._gates(dz)
        triples = zip(self.masks, parts, kernels, strict=True)
        return np.concatenate([self.outer(x * m, d, k) for m, d, k in triples], axis=-1)

    def _gates(self, array: np.ndarray) -> list[np.ndarray]:
        assert self.masks is not None
        parts = np.split(array, len(self.masks), axis=-1)
        return [np.ascontiguousarray(part) for part in parts]

    def apply(self, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """The product itself."""
        shape = (*x.shape[:-1], kernel.shape[-1])
        out = np.empty(shape, x.dtype) if self.step is None else self.step.empty(shape, x.dtype)
        np.matmul(_flat(x), kernel, out=_flat(out))
        return out

    def transposed(self, dz: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """The product with the transposed kernel."""
        return Product.apply(self, dz, kernel.T)

    def outer(self, x: np.ndarray, dz: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """The gradient of `kernel`."""
        return _flat(x).T @ _flat(dz)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1])


class Pass(NamedTuple):
    """What a recurrence gives.

    Attributes
    ----------
    output : ndarray
        (T, N, U), or of the last step only, (N, U).
    states : list of ndarray
        Those after the last step.
    backward : callable
        ``backward(dy, dstates)`` returns what the recurrence says it does.
    """

    output: np.ndarray
    states: list[np.ndarray]
    backward: Callable[..., Any]


def scan(
    advance: Callable[[int, States], tuple[np.ndarray, States, Any]],
    states: States,
    keep: np.ndarray | None,
    steps: int,
    sequences: bool,
    recording: bool = True,
) -> Pass:
    """Run ``advance(t, states)`` for all steps; it returns output, new states and backward.

    Its backward takes ``(dy, dstates)`` and returns dLoss/dx of the step, or None, with the
    gradients of the states before. That of the whole returns the list of the former and the
    gradients of the initial states.
    """
    outputs, backwards = [], []
    y: Any = None
    for t in range(steps):
        new_y, new_states, back = advance(t, states)
        if keep is not None:
            held = np.zeros_like(new_y) if y is None else y
            new_y = _where(keep[t], new_y, held)
            new_states = [_where(keep[t], n, s) for n, s in zip(new_states, states, strict=True)]
        y, states = new_y, new_states
        if recording:
            backwards.append(back)
        if sequences:
            outputs.append(y)

    def backward(dy: np.ndarray, dstates: Any = None) -> tuple[list[Any], list[np.ndarray]]:
        found: list[Any] = [None] * steps
        carried = [np.zeros_like(s) for s in states] if dstates is None else list(dstates)
        held: Any = np.zeros_like(y) if sequences else dy  # gradient of the output before
        for t in reversed(range(steps)):
            d = dy[t] + held if sequences else held
            held = np.zeros_like(y)
            if keep is None:
                found[t], carried = backwards[t](d, carried)
                continue
            held = _where(keep[t], held, d)
            new = [_where(keep[t], c, np.zeros_like(c)) for c in carried]
            d = _where(keep[t], d, np.zeros_like(d))
            found[t], before = backwards[t](d, new)
            carried = [_where(keep[t], b, c + b) for b, c in zip(before, carried, strict=True)]
        return found, carried

    return Pass(np.stack(outputs) if sequences else y, list(states), backward)


def _where(keep: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(keep.reshape(keep.shape + (1,) * (a.ndim - 1)), a, b)


# --- steps: from the gates' inputs z to the new states, and back ---------------------------------


def lstm_step(
    z: np.ndarray, c: np.ndarray, activate: Activate, gate: Activate
) -> tuple[np.ndarray, np.ndarray, Any]:
    """``c' = f * c + i * g; h = o * activate(c')`` with the gates i, f, g, o on the last axis.

    Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """
    zi, zf, zg, zo = np.split(z, 4, axis=-1)
    (i, i_back), (f, f_back), (g, g_back), (o, o_back) = gate(zi), gate(zf), activate(zg), gate(zo)
    new_c = f * c + i * g
    a, a_back = activate(new_c.copy())  # `activate` may write where it reads

    def backward(dh: np.ndarray, dc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        dc = dc + a_back(dh * o)
        dz = [i_back(dc * g), f_back(dc * c), g_back(dc * i), o_back(dh * a)]
        return np.concatenate(dz, axis=-1), dc * f

    return o * a, new_c, backward


def gru_step(
    x: np.ndarray, rec: np.ndarray, h: np.ndarray, activate: Activate, gate: Activate
) -> tuple[np.ndarray, Any]:
    """``h' = z * h + (1 - z) * activate(x_h + r * rec_h)`` with the gates z, r, h on the last axis.

    x and rec are the products of input and state (N, 3 U). Cho et al. 2014, second variant.
    """
    xz, xr, xh = np.split(x, 3, axis=-1)
    rz, rr, rh = np.split(rec, 3, axis=-1)
    (z, z_back), (r, r_back) = gate(xz + rz), gate(xr + rr)
    a, a_back = activate(xh + r * rh)

    def backward(dh: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        da = a_back(dh * (1 - z))
        dz, dr = z_back(dh * (h - a)), r_back(da * rh)
        return np.concatenate([dz, dr, da], -1), np.concatenate([dz, dr, da * r], -1), dh * z

    return z * h + (1 - z) * a, backward


# --- whole recurrences -------------------------------------------------------------------------


def simple(
    x: np.ndarray,
    recurrent: Product,
    states: States,
    keep: np.ndarray | None,
    sequences: bool,
    activate: Activate,
) -> Pass:
    """``h' = activate(x + h @ kernel)`` over x (T, N, U).

    backward returns (dx, gradient of the recurrent kernel, gradients of the initial states).
    """
    before = np.empty_like(x)
    dx = np.empty_like(x)

    def advance(t: int, states: States) -> Any:
        before[t] = states[0]
        h, back = activate(x[t] + recurrent(states[0]))

        def backward(dy: np.ndarray, dstates: States) -> Any:
            dx[t] = back(dy + dstates[0])
            return None, [recurrent.backward(dx[t])]

        return h, [h], backward

    done = scan(advance, states, keep, len(x), sequences)

    def backward(dy: np.ndarray, dstates: Any = None) -> Any:
        _, first = done.backward(dy, dstates)
        return dx, recurrent.gradient(before, dx), first

    return done._replace(backward=backward)


def lstm(
    x: np.ndarray,
    recurrent: Product,
    states: States,
    keep: np.ndarray | None,
    sequences: bool,
    activate: Activate,
    gate: Activate,
) -> Pass:
    """LSTM over x (T, N, 4 U), the input's products; states h and c.

    backward returns (dx, gradient of the recurrent kernel, gradients of the initial states).
    """
    before = np.empty((*x.shape[:-1], x.shape[-1] // 4), x.dtype)
    dx = np.empty_like(x)

    def advance(t: int, states: States) -> Any:
        h, c = states
        before[t] = h
        new_h, new_c, back = lstm_step(x[t] + recurrent(h), c, activate, gate)

        def backward(dy: np.ndarray, dstates: States) -> Any:
            dx[t], dc = back(dy + dstates[0], dstates[1])
            return None, [recurrent.backward(dx[t]), dc]

        return new_h, [new_h, new_c], backward

    done = scan(advance, states, keep, len(x), sequences)

    def backward(dy: np.ndarray, dstates: Any = None) -> Any:
        _, first = done.backward(dy, dstates)
        return dx, recurrent.gradient(before, dx), first

    return done._replace(backward=backward)


def gru(
    x: np.ndarray,
    recurrent: Product,
    bias: np.ndarray | None,
    states: States,
    keep: np.ndarray | None,
    sequences: bool,
    activate: Activate,
    gate: Activate,
) -> Pass:
    """GRU whose reset gate acts after the recurrent product, over x (T, N, 3 U); state h.

    `bias` (3 U,) is added to the recurrent product. backward returns (dx, gradient of the
    recurrent kernel, gradients of the initial states, gradient of `bias`).
    """
    before = np.empty((*x.shape[:2], x.shape[2] // 3), x.dtype)
    dx, drec = np.empty_like(x), np.empty_like(x)

    def advance(t: int, states: States) -> Any:
        before[t] = states[0]
        rec = recurrent(states[0])
        if bias is not None:
            rec += bias
        h, back = gru_step(x[t], rec, states[0], activate, gate)

        def backward(dy: np.ndarray, dstates: States) -> Any:
            dx[t], drec[t], dh = back(dy + dstates[0])
            return None, [dh + recurrent.backward(drec[t])]

        return h, [h], backward

    done = scan(advance, states, keep, len(x), sequences)

    def backward(dy: np.ndarray, dstates: Any = None) -> Any:
        _, first = done.backward(dy, dstates)
        return dx, recurrent.gradient(before, drec), first, _flat(drec).sum(axis=0)

    return done._replace(backward=backward)


def gru_before(
    x: np.ndarray,
    gates: Product,
    candidate: Product,
    states: States,
    keep: np.ndarray | None,
    sequences: bool,
    activate: Activate,
    gate: Activate,
) -> Pass:
    """GRU whose reset gate acts on the state before its product (Cho et al. 2014, first variant).

    `gates` is the product with the kernel's columns of z and r, `candidate` with those of h.
    backward returns (dx, gradient of the recurrent kernel, gradients of the initial states).
    """
    units = x.shape[2] // 3
    before = np.empty((*x.shape[:2], units), x.dtype)
    reset = np.empty_like(before)
    dx = np.empty_like(x)

    def advance(t: int, states: States) -> Any:
        (h,) = states
        before[t] = h
        xz, xr, xh = np.split(x[t], 3, axis=-1)
        rz, rr = np.split(gates(h), 2, axis=-1)
        (z, z_back), (r, r_back) = gate(xz + rz), gate(xr + rr)
        reset[t] = r * h
        a, a_back = activate(xh + candidate(reset[t]))

        def backward(dy: np.ndarray, dstates: States) -> Any:
            dh = dy + dstates[0]
            da = a_back(dh * (1 - z))
            dreset = candidate.backward(da)
            dx[t] = np.concatenate([z_back(dh * (h - a)), r_back(dreset * h), da], axis=-1)
            return None, [dh * z + dreset * r + gates.backward(dx[t, :, : 2 * units])]

        new_h = z * h + (1 - z) * a
        return new_h, [new_h], backward

    done = scan(advance, states, keep, len(x), sequences)

    def backward(dy: np.ndarray, dstates: Any = None) -> Any:
        _, first = done.backward(dy, dstates)
        left = gates.gradient(before, dx[..., : 2 * units])
        right = candidate.gradient(reset, dx[..., 2 * units :])
        return dx, np.concatenate([left, right], axis=-1), first

    return done._replace(backward=backward)
