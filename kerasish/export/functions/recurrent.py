"""Recurrent layers over sequences (N, T, D); a mask (N, T) is False where there is no data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.export.functions.images import Sizes, conv

Array = np.ndarray
Function = Callable[[Array], Array]


def recur(
    x: Array,
    step: Callable[[Array, list[Array]], list[Array]],
    states: list[Array],
    mask: Array | None,
    return_sequences: bool,
    go_backwards: bool,
    zero_output_for_mask: bool,
) -> Array:
    """Call ``step(x at a time, states)`` along the sequences; the first state is the output.

    Where there is no data the states stay as they were.
    """
    times = range(x.shape[1])[:: -1 if go_backwards else 1]
    shape = (len(x), *(1,) * (states[0].ndim - 1))
    outputs = []
    for t in times:
        new = step(x[:, t], states)
        keep = True if mask is None else mask[:, t].reshape(shape)
        states = [np.where(keep, a, b) for a, b in zip(new, states, strict=True)]
        shown = keep if zero_output_for_mask else True
        outputs.append(np.where(shown, states[0], x.dtype.type(0)))
    return np.stack(outputs, axis=1) if return_sequences else outputs[-1]


def simple_rnn(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    activation: Function,
    mask: Array | None = None,
    return_sequences: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
) -> Array:
    """``h' = activation(x @ kernel + h @ recurrent_kernel + bias)``."""

    def step(x: Array, states: list[Array]) -> list[Array]:
        z = x @ kernel + states[0] @ recurrent_kernel
        return [activation(z if bias is None else z + bias)]

    states = [np.zeros((len(x), len(recurrent_kernel)), x.dtype)]
    return recur(x, step, states, mask, return_sequences, go_backwards, zero_output_for_mask)


def lstm(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    activation: Function,
    recurrent_activation: Function,
    mask: Array | None = None,
    return_sequences: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
) -> Array:
    """``c' = f * c + i * activation(g); h = o * activation(c')``, the gates in the order ifgo."""

    def step(x: Array, states: list[Array]) -> list[Array]:
        h, c = states
        z = x @ kernel + h @ recurrent_kernel
        i, f, g, o = np.split(z if bias is None else z + bias, 4, axis=-1)
        i, f, o = recurrent_activation(i), recurrent_activation(f), recurrent_activation(o)
        c = f * c + i * activation(g)
        return [o * activation(c), c]

    states = [np.zeros((len(x), len(recurrent_kernel)), x.dtype)] * 2
    return recur(x, step, states, mask, return_sequences, go_backwards, zero_output_for_mask)


def gru(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    activation: Function,
    recurrent_activation: Function,
    reset_after: bool = True,
    mask: Array | None = None,
    return_sequences: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
) -> Array:
    """``h' = z * h + (1 - z) * candidate``, the gates in the order z, r, h."""
    units = len(recurrent_kernel)
    of_input: Any = 0 if bias is None else bias[0] if reset_after else bias
    of_state: Any = bias[1] if bias is not None and reset_after else 0

    def step(x: Array, states: list[Array]) -> list[Array]:
        h = states[0]
        xz, xr, xh = np.split(x @ kernel + of_input, 3, axis=-1)
        if reset_after:
            hz, hr, hh = np.split(h @ recurrent_kernel + of_state, 3, axis=-1)
            z, r = recurrent_activation(xz + hz), recurrent_activation(xr + hr)
            candidate = activation(xh + r * hh)
        else:
            hz, hr = np.split(h @ recurrent_kernel[:, : 2 * units], 2, axis=-1)
            z, r = recurrent_activation(xz + hz), recurrent_activation(xr + hr)
            candidate = activation(xh + (r * h) @ recurrent_kernel[:, 2 * units :])
        return [z * h + (1 - z) * candidate]

    states = [np.zeros((len(x), units), x.dtype)]
    return recur(x, step, states, mask, return_sequences, go_backwards, zero_output_for_mask)


def conv_lstm(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    activation: Function,
    recurrent_activation: Function,
    strides: Sizes,
    padding: str,
    dilation: Sizes,
    mask: Array | None = None,
    return_sequences: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
) -> Array:
    """`lstm` over sequences (N, T, *spatial, C), with convolutions in the place of products."""
    ones = (1,) * len(strides)

    def step(x: Array, states: list[Array]) -> list[Array]:
        h, c = states
        z = conv(x, kernel, bias, strides, padding, dilation)
        z = z + conv(h, recurrent_kernel, None, ones, "same", ones)
        i, f, g, o = np.split(z, 4, axis=-1)
        i, f, o = recurrent_activation(i), recurrent_activation(f), recurrent_activation(o)
        c = f * c + i * activation(g)
        return [o * activation(c), c]

    first = conv(x[:, 0], kernel, bias, strides, padding, dilation)
    states = [np.zeros((*first.shape[:-1], recurrent_kernel.shape[-2]), x.dtype)] * 2
    return recur(x, step, states, mask, return_sequences, go_backwards, zero_output_for_mask)
