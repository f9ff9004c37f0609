"""Layers bound to one shape of input, for small models, where looking things up is what costs.

`prepare` gives a layer as two functions that are called batch after batch: all that is the same
for each of them, such as memory and the places of gradients, has been found before. They do with
NumPy what the layer's `forward` does, in the same order, so that every bit is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from kerasish import activations
from kerasish.kernels import compiled, constants, images, products
from kerasish.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from kerasish.layers.base import Layer
from kerasish.layers.convolution import Conv, Conv1D, Conv2D, Conv3D
from kerasish.layers.core import Dense, Identity
from kerasish.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
)
from kerasish.layers.normalization import BatchNormalization, LayerNormalization
from kerasish.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    Pooling,
)
from kerasish.layers.regularization import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from kerasish.layers.reshaping import Flatten, Reshape
from kerasish.step import Step, aligned_array

MOST_KEPT = 2**18  # elements of a kernel for Winograd, which keeps four times as many


class Prepared(NamedTuple):
    """A layer as two functions, and the shape of its output.

    `backward` belongs to the last call of `forward`. `uses_step` says whether they take memory or
    random numbers from the step, which has then to be restarted for every batch.
    """

    forward: Callable[[np.ndarray], np.ndarray]
    backward: Callable[[np.ndarray], Any]
    shape: tuple[int, ...]
    uses_step: bool = False


def prepare(layer: Layer, shape: tuple[int, ...], step: Step) -> Prepared | None:
    """Bind `layer` to inputs of `shape` and to the gradients of `step`.

    None where there is no such form: for layers that are not listed here, which includes all
    subclasses, and for work that is big enough for compiled kernels.
    """
    make: Any = _FORMS.get(type(layer))
    is_patched = not vars(layer).keys().isdisjoint(("forward", "apply"))
    if make is None or is_patched or layer.activity_regularizer is not None:
        return None
    return make(layer, shape, step)


def prepare_chain(
    layers: Sequence[Layer],
    shape: tuple[int, ...],
    step: Step,
    at_head: bool = False,
    most_elements: float = math.inf,
) -> list[Prepared] | None:
    """Bind layers that follow one another; None where one of them cannot be, or comes twice.

    With `at_head` the last one leaves its logits in the step (see `Layer.activate`). Their outputs
    have `most_elements` in all.
    """
    if len(set(layers)) < len(layers):
        return None
    pieces = []
    for layer in layers:
        step.at_head = at_head and layer is layers[-1]
        piece = prepare(layer, shape, step)
        if piece is None:
            return None
        pieces.append(piece)
        shape = piece.shape
        most_elements -= math.prod(shape)
        if most_elements < 0:
            return None
    return pieces


def _dense(layer: Dense, shape: tuple[int, ...], step: Step) -> Prepared | None:
    kernel, bias = layer.kernel, layer.bias
    after, dtype = (shape[0], layer.units), kernel.value.dtype
    if len(shape) != 2:
        return None
    if compiled.chosen(math.prod(after), dtype) or not products.are_plain(
        shape[0], kernel.shape, dtype
    ):
        return None if step.recording else _as_it_is(layer, shape, step)
    z = aligned_array(after, dtype)
    activation = _activation(layer, z, step)
    if activation is None:
        return None
    activate, to_dz = activation
    of_kernel = step.grads.get(kernel)
    of_bias = None if bias is None else step.grads.get(bias)
    dx = aligned_array(shape, dtype) if step.recording and step.needs_dx(layer) else None
    ones = constants.ones(shape[0], dtype)
    x = z

    def forward(inputs: np.ndarray) -> np.ndarray:
        nonlocal x
        x = inputs
        inputs.dot(kernel.value, z)
        if bias is not None:
            np.add(z, bias.value, z)
        return activate()

    def backward(dy: np.ndarray) -> np.ndarray | None:
        dz = to_dz(dy)
        if of_bias is not None:
            ones.dot(dz, of_bias)
        if of_kernel is not None:
            x.T.dot(dz, of_kernel)
        return None if dx is None else dz.dot(kernel.value.T, dx)

    return Prepared(forward, backward, after)


def _activation(layer: Any, z: np.ndarray, step: Step) -> Any:
    """`Layer.activated` for memory `z`, but for the gradient of the bias."""
    fn = layer.activation
    if step.at_head:
        step.at_head = False
        step.logits = z
        return partial(fn._formula, z, out=aligned_array(z.shape, z.dtype)), _same
    if fn is activations.linear:
        return (lambda: z), _same
    if not layer.is_relu:
        return activations.bound(fn, z, step.recording)
    (zero,) = constants.numbers(z.dtype, 0)
    passes, dz = aligned_array(z.shape, np.dtype(bool)), aligned_array(z.shape, z.dtype)

    def to_dz(dy: np.ndarray) -> np.ndarray:
        np.not_equal(z, zero, passes)
        return np.multiply(dy, passes, dz)

    return partial(np.maximum, z, zero, out=z), to_dz


def _convolution(layer: Conv, shape: tuple[int, ...], step: Step) -> Prepared | None:
    """For predictions; `Winograd` keeps the transformed kernel."""
    kernel, bias, relu = layer.kernel, layer.bias, layer.is_relu
    if step.recording or layer.channels_first or kernel.size > MOST_KEPT:
        return None
    window, after = layer.window(shape[1:-1]), layer.compute_output_shape(shape)
    correlation = images.Correlation(
        shape, kernel.value.dtype, kernel.shape, window, layer.groups, step
    )
    activate: Any = None
    if not relu and layer.activation is not activations.linear:
        activation = _activation(layer, correlation.y, step)
        if activation is None:
            return None
        activate, _ = activation

    def forward(x: np.ndarray) -> np.ndarray:
        y = correlation(x, kernel.value, None if bias is None else bias.value, relu)
        return y if activate is None else activate()

    return Prepared(forward, _same, after)  # type: ignore[arg-type]


def _max_pooling(layer: Pooling, shape: tuple[int, ...], step: Step) -> Prepared | None:
    """For predictions."""
    if step.recording or layer.channels_first:
        return None
    after: Any = layer.compute_output_shape(shape)
    y = aligned_array(after, layer.dtype)
    pool = images.MaxPool(layer.window(shape[1:-1]), shape, y.dtype, Step(batch_size=shape[0]))
    winner = pool.winner(after)

    def forward(x: np.ndarray) -> np.ndarray:
        pool.forward(x, y, winner)
        return y

    return Prepared(forward, _same, after)


def _flatten(layer: Flatten, shape: tuple[int, ...], step: Step) -> Prepared | None:
    if layer.data_format != "channels_last":
        return None
    after = shape[0], math.prod(shape[1:])
    return Prepared(lambda x: x.reshape(after), lambda dy: dy.reshape(shape), after)


def _only_in_training(layer: Layer, shape: tuple[int, ...], step: Step) -> Prepared:
    """A layer that gives its input back in predictions."""
    return _as_it_is(layer, shape, step) if step.training else Prepared(_same, _same, shape)


def _only_predicting(layer: Layer, shape: tuple[int, ...], step: Step) -> Prepared | None:
    return None if step.recording else _as_it_is(layer, shape, step)


def _as_it_is(layer: Layer, shape: tuple[int, ...], step: Step) -> Prepared:
    """A layer that does enough for its own `forward` to be called."""
    at_head, step.at_head = step.at_head, False
    back: Any = None

    def forward(x: np.ndarray) -> np.ndarray:
        nonlocal back
        step.at_head = at_head
        y, back = layer.apply(x, step)
        return y

    after: Any = layer.compute_output_shape((None, *shape[1:]))
    return Prepared(forward, lambda dy: back(dy), (shape[0], *after[1:]), uses_step=True)


def _same(dy: np.ndarray) -> np.ndarray:
    return dy


_FORMS: dict[type, Callable[[Any, tuple[int, ...], Step], Prepared | None]] = {
    Dense: _dense,
    Flatten: _flatten,
    **dict.fromkeys((Conv1D, Conv2D, Conv3D), _convolution),
    **dict.fromkeys((MaxPooling1D, MaxPooling2D, MaxPooling3D), _max_pooling),
    **dict.fromkeys((AlphaDropout, Dropout, GaussianDropout, GaussianNoise), _only_in_training),
    **dict.fromkeys(
        (
            AveragePooling1D,
            AveragePooling2D,
            GlobalAveragePooling1D,
            GlobalAveragePooling2D,
            GlobalMaxPooling1D,
            GlobalMaxPooling2D,
        ),
        _only_predicting,
    ),
    **dict.fromkeys(
        (
            Activation,
            BatchNormalization,
            ELU,
            Identity,
            LayerNormalization,
            LeakyReLU,
            PReLU,
            ReLU,
            Reshape,
            Softmax,
        ),
        _as_it_is,
    ),
}
