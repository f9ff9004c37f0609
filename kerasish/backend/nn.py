"""Activations, losses, convolutions and loops over rows, under the names of Keras 2's backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import activations
from kerasish import ops as all_ops
from kerasish.ops.calls import operand, result, shape_of

ops: Any = all_ops  # whose names are made by tables, in part

# --- activations and losses -----------------------------------------------------------------------


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Rectifier with the slope `alpha` below the threshold, and an upper bound."""
    return result(activations.relu(operand(x), alpha, max_value, threshold), x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """``alpha (exp(x) - 1)`` below zero."""
    return result(activations.elu(operand(x), alpha), x)


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return result(activations.sigmoid(operand(x)), x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""
    return result(np.tanh(operand(x)), x)


def softmax(x: Any, axis: int = -1) -> Any:
    """Exponentials divided by their sum."""
    return ops.softmax(x, axis)


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """Divided by the Euclidean norm along `axis`."""
    x = operand(x)
    square = np.sum(x * x, axis=axis, keepdims=True)
    return result(x / np.sqrt(np.maximum(square, 1e-12)), x)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Element by element."""
    return ops.binary_crossentropy(target, output, from_logits)


def binary_focal_crossentropy(
    target: Any,
    output: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
) -> Any:
    """Element by element, easy ones weighted down by ``(1 - p_t) ** gamma``."""
    y, p = operand(target), operand(output)
    p = activations.sigmoid(p) if from_logits else p
    loss = ops.binary_crossentropy(y, p)
    right = y * p + (1 - y) * (1 - p)
    loss = (1 - right) ** gamma * loss
    if apply_class_balancing:
        loss = (y * alpha + (1 - y) * (1 - alpha)) * loss
    return result(loss, output)


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Of each sample."""
    return ops.categorical_crossentropy(target, output, from_logits, axis)


def categorical_focal_crossentropy(
    target: Any,
    output: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    axis: int = -1,
) -> Any:
    """Of each sample, easy ones weighted down."""
    y, p = operand(target), operand(output)
    p = activations.softmax(p, axis=axis) if from_logits else p
    p = np.clip(p / np.sum(p, axis=axis, keepdims=True), 1e-7, 1 - 1e-7)
    return result(np.sum(alpha * (1 - p) ** gamma * -y * np.log(p), axis=axis), output)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1, ignore_class: Any = None
) -> Any:
    """Of each sample, from integer labels."""
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(target, output, from_logits, axis)
    labels = np.asarray(operand(target))
    valid = labels != ignore_class
    loss = ops.sparse_categorical_crossentropy(
        np.where(valid, labels, 0), output, from_logits, axis
    )
    return result(np.where(valid, loss, 0), output)


def bias_add(x: Any, bias: Any, data_format: Any = None) -> Any:
    """Add a bias to the channels."""
    x, bias = operand(x), operand(bias)
    if data_format == "channels_first" and len(shape_of(bias)) == 1:
        bias = np.reshape(bias, (-1, *(1,) * (len(shape_of(x)) - 2)))
    return result(x + bias, x)


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """Normalised by mean and variance, scaled and shifted."""
    return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)


# --- images and sequences -------------------------------------------------------------------------


def _conv(rank: int) -> Any:
    def convolve(
        x: Any,
        kernel: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
    ) -> Any:
        return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)

    convolve.__name__ = convolve.__qualname__ = f"conv{rank}d"
    convolve.__doc__ = f"Correlation over {rank} axes with a kernel (*size, C, F)."
    return convolve


conv1d, conv2d, conv3d = map(_conv, (1, 2, 3))


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """Each channel with its own kernels."""
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """`depthwise_conv2d`, then the channels are mixed."""
    return ops.separable_conv(
        x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate
    )


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    pool_mode: str = "max",
) -> Any:
    """Largest element or mean of each window."""
    pool = {"max": ops.max_pool, "avg": ops.average_pool}[pool_mode]
    return pool(x, pool_size, strides, padding, data_format)


pool3d = pool2d


def _padded(x: Any, pads: Any, first: bool) -> Any:
    inner = [tuple(p) for p in pads]
    whole = [(0, 0), (0, 0), *inner] if first else [(0, 0), *inner, (0, 0)]
    return result(np.pad(operand(x), whole), x)


def temporal_padding(x: Any, padding: Any = (1, 1)) -> Any:
    """Zeros before and after the steps."""
    return _padded(x, [padding], False)


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: Any = None) -> Any:
    """Zeros around images."""
    return _padded(x, padding, data_format == "channels_first")


def spatial_3d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: Any = None
) -> Any:
    """Zeros around volumes."""
    return _padded(x, padding, data_format == "channels_first")


def map_fn(fn: Any, elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """`fn` of each row."""
    return ops.map(fn, elems)


def foldl(fn: Any, elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """Combine the rows from the first on."""
    rows = list(operand(elems))
    found = rows.pop(0) if initializer is None else initializer
    for row in rows:
        found = fn(found, row)
    return found


def foldr(fn: Any, elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """Combine the rows from the last on."""
    return foldl(fn, operand(elems)[::-1], initializer)


__all__ = [
    "batch_normalization",
    "bias_add",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "conv1d",
    "conv2d",
    "conv3d",
    "depthwise_conv2d",
    "elu",
    "foldl",
    "foldr",
    "l2_normalize",
    "map_fn",
    "pool2d",
    "pool3d",
    "relu",
    "separable_conv2d",
    "sigmoid",
    "softmax",
    "sparse_categorical_crossentropy",
    "spatial_2d_padding",
    "spatial_3d_padding",
    "tanh",
    "temporal_padding",
]
