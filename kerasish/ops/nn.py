"""``keras.ops``: activations, losses, convolutions and what else networks are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import activations, losses
from kerasish.autodiff import is_traced, through
from kerasish.kernels import images
from kerasish.ops.calls import operand, result, shape_of
from kerasish.step import Step
from kerasish.utils.numerical import normalize as _normalize

_ACTIVATIONS = """celu elu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh
    leaky_relu log_sigmoid relu relu6 selu sigmoid silu soft_shrink softplus softsign sparse_plus
    sparse_sigmoid sparsemax squareplus swish tanh_shrink threshold"""


def _activation(name: str) -> Any:
    function = getattr(activations, name)

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        return result(function(operand(x), *args, **kwargs), x)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"The activation `kerasish.activations.{name}`."
    return call


for _name in _ACTIVATIONS.split():
    globals()[_name] = _activation(_name)


def gelu(x: Any, approximate: bool = True) -> Any:
    """The activation `kerasish.activations.gelu`, approximated by tanh unless told otherwise."""
    return result(activations.gelu(operand(x), approximate), x)


def softmax(x: Any, axis: Any = -1) -> Any:
    """Exponentials, divided by their sum along `axis`."""
    return result(activations.softmax(operand(x), axis=axis), x)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Logarithm of `softmax`."""
    return result(activations.log_softmax(operand(x), axis=axis), x)


def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Any:
    """Rows with a one at each index; indices out of range give zeros."""
    index = np.asarray(operand(x)).astype(np.int64)
    hot = (index[..., None] == np.arange(num_classes)).astype(dtype or "float32")
    return result(np.moveaxis(hot, -1, axis) if axis != -1 else hot)


def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
) -> Any:
    """The largest of the one-hot rows along the last axis of `inputs`."""
    if num_classes is None:
        raise ValueError("multi_hot needs `num_classes`, the length of the rows.")
    hot = np.asarray(one_hot(inputs, num_classes, dtype=dtype))
    return result(hot.max(axis=-2) if hot.ndim > 1 else hot)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Element by element: ``-(y log p + (1 - y) log(1 - p))``."""
    y, p = operand(target), operand(output)
    if from_logits:
        return result(np.maximum(p, 0) - p * y + np.log1p(np.exp(-np.abs(p))), output)
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return result(-(y * np.log(p) + (1 - y) * np.log(1 - p)), output)


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """``-sum(y log p)`` along `axis`, p scaled to a sum of 1."""
    y, p = operand(target), operand(output)
    if shape_of(y) != shape_of(p):
        raise ValueError(
            f"Arguments `target` and `output` must have the same shape. Received: "
            f"target.shape={shape_of(y)}, output.shape={shape_of(p)}."
        )
    if from_logits:
        log = activations.log_softmax(p, axis=axis)
    else:
        p = p / np.sum(p, axis=axis, keepdims=True)
        log = np.log(np.clip(p, 1e-7, 1 - 1e-7))
    return result(-np.sum(y * log, axis=axis), output)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """`categorical_crossentropy` of integer labels."""
    labels = np.asarray(operand(target))
    rank = len(shape_of(output))
    if labels.ndim == rank and labels.shape[-1] == 1:
        labels = labels[..., 0]
    hot = one_hot(labels, shape_of(output)[axis], axis=axis)
    return categorical_crossentropy(hot, output, from_logits, axis)


def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """Mean and variance along `axes`."""
    x = operand(x)
    axes = tuple(axes) if isinstance(axes, list | tuple) else axes
    mean = np.mean(x, axis=axes, keepdims=True)
    variance = np.mean((x - mean) ** 2, axis=axes, keepdims=keepdims)
    return result((mean if keepdims else np.mean(x, axis=axes), variance), x)


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Any:
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset`` along `axis`."""
    rank = len(shape_of(x))
    shape = tuple(-1 if i == axis % rank else 1 for i in range(rank))
    factor = 1 / np.sqrt(operand(variance) + epsilon)
    if scale is not None:
        factor = factor * operand(scale)
    y = (operand(x) - np.reshape(operand(mean), shape)) * np.reshape(factor, shape)
    return result(y if offset is None else y + np.reshape(operand(offset), shape), x)


def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Any = -1,
    epsilon: float | None = None,
    rms_scaling: bool = False,
) -> Any:
    """Zero mean and unit variance along `axis`, then scaled by `gamma` and shifted by `beta`."""
    x = operand(x)
    axes = tuple(axis) if isinstance(axis, list | tuple) else axis
    epsilon = 1e-7 if epsilon is None else epsilon
    mean = np.mean(x, axis=axes, keepdims=True)
    variance = np.mean((x - mean) ** 2, axis=axes, keepdims=True)
    y = (x if rms_scaling else x - mean) / np.sqrt(variance + epsilon)
    y = y if gamma is None else y * operand(gamma)
    return result(y if beta is None else y + operand(beta), x)


def rms_normalization(
    x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Any:
    """Divided by the root of the mean square along `axis`."""
    x = operand(x)
    square = np.mean(x * x, axis=axis, keepdims=True)
    y = x / np.sqrt(square + (1e-7 if epsilon is None else epsilon))
    return result(y if scale is None else y * operand(scale), x)


def normalize(x: Any, axis: int = -1, order: Any = 2, epsilon: float | None = None) -> Any:
    """Divided by the norm along `axis`."""
    if not is_traced(x) and epsilon is None:
        return result(_normalize(np.asarray(operand(x)), axis=axis, order=order), x)
    x = operand(x)
    norm = np.sum(np.abs(x) ** order, axis=axis, keepdims=True) ** (1 / order)
    return result(x / np.maximum(norm, 1e-12 if epsilon is None else epsilon), x)


def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """Peak signal-to-noise ratio in decibels."""
    error = np.mean((operand(x1) - operand(x2)) ** 2)
    return result(10 * np.log10(max_val**2 / error), x1)


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    **_: Any,
) -> Any:
    """``softmax(query key^T * scale) value`` for arrays (N, T, heads, D)."""
    q, k, v = operand(query), operand(key), operand(value)
    scale = 1 / float(np.sqrt(shape_of(q)[-1])) if scale is None else scale
    scores = np.einsum("nthd,nshd->nhts", q, k) * scale
    if bias is not None:
        scores = scores + operand(bias)
    if is_causal:
        steps = np.tril(np.ones((shape_of(q)[1], shape_of(k)[1]), bool))
        mask = steps if mask is None else np.logical_and(operand(mask), steps)
    if mask is not None:
        scores = np.where(operand(mask), scores, np.float32(-1e9))
    return result(np.einsum("nhts,nshd->nthd", activations.softmax(scores), v), query)


# --- windows --------------------------------------------------------------------------------------


def _sizes(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _channels_last(x: Any, data_format: Any) -> tuple[Any, bool]:
    first = data_format == "channels_first"
    return (np.moveaxis(operand(x), 1, -1) if first else operand(x)), first


def _restored(y: Any, first: bool, x: Any) -> Any:
    return result(np.moveaxis(y, -1, 1) if first else y, x)


def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """Correlation of (N, *spatial, C) with a kernel (*size, C / groups, F)."""
    x, first = _channels_last(inputs, data_format)
    kernel = operand(kernel)
    *size, per_group, _ = shape_of(kernel)
    rank, groups = len(size), shape_of(x)[-1] // per_group
    window = images.window_of(
        shape_of(x)[1:-1], tuple(size), _sizes(strides, rank), _sizes(dilation_rate, rank), padding
    )

    def correlate(array: np.ndarray, weights: np.ndarray) -> np.ndarray:
        array, weights = (np.ascontiguousarray(a, np.float32) for a in (array, weights))
        return images.correlate(array, weights, window, groups, Step(batch_size=len(array)))

    if is_traced(kernel):
        y = _correlate_traced(x, kernel, window, groups)
    elif is_traced(x):
        fixed = np.ascontiguousarray(kernel, np.float32)

        def both(array: np.ndarray) -> Any:
            spatial = array.shape[1:-1]

            def backward(dy: np.ndarray) -> np.ndarray:
                step = Step(batch_size=len(dy))
                dy = np.ascontiguousarray(dy, np.float32)
                return images.input_gradient(dy, fixed, window, groups, spatial, step)

            return correlate(array, fixed), backward

        y = through(both, x)
    else:
        y = correlate(x, kernel)
    return _restored(y, first, inputs)


def _correlate_traced(x: Any, kernel: Any, window: Any, groups: int) -> Any:
    """Window by window as products, which autograd follows for both operands."""
    pads = [(0, 0), *window.padding, (0, 0)]
    padded = np.pad(x, pads) if any(map(any, pads)) else x
    places = window.outputs(shape_of(x)[1:-1])
    columns = []
    for offset in window.offsets:
        cut = tuple(
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, d, n, s in zip(offset, window.dilation, places, window.strides, strict=True)
        )
        columns.append(padded[(slice(None), *cut)])
    stacked = np.stack(columns, axis=-2)  # (N, *places, K, C)
    per_group, filters = shape_of(kernel)[-2], shape_of(kernel)[-1]
    weights = np.reshape(kernel, (-1, per_group, filters))
    if groups == 1:
        return np.tensordot(stacked, weights, 2)
    width = filters // groups
    parts = [
        np.tensordot(
            stacked[..., g * per_group : (g + 1) * per_group],
            weights[..., g * width : (g + 1) * width],
            2,
        )
        for g in range(groups)
    ]
    return np.concatenate(parts, axis=-1)


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """Each channel with its own kernels: (*size, C, multiplier)."""
    kernel = operand(kernel)
    *size, channels, multiplier = shape_of(kernel)
    grouped = np.reshape(kernel, (*size, 1, channels * multiplier))
    return conv(inputs, grouped, strides, padding, data_format, dilation_rate)


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """`depthwise_conv`, then a convolution of size 1 that mixes the channels."""
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, 1, "valid", data_format)


def _pool(kind: Any, inputs: Any, pool_size: Any, strides: Any, padding: str, fmt: Any) -> Any:
    x, first = _channels_last(inputs, fmt)
    rank = len(shape_of(x)) - 2
    size = _sizes(pool_size, rank)
    strides = size if strides is None else _sizes(strides, rank)
    window = images.window_of(shape_of(x)[1:-1], size, strides, padding=padding)

    def both(array: np.ndarray) -> Any:
        step = Step(batch_size=len(array), recording=True)
        return kind(np.ascontiguousarray(array), window, step)

    return _restored(through(both, x) if is_traced(x) else both(x)[0], first, inputs)


def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: Any = None,
) -> Any:
    """Largest element of each window."""
    return _pool(images.max_pool, inputs, pool_size, strides, padding, data_format)


def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: Any = None,
) -> Any:
    """Mean of each window; padding does not count."""
    return _pool(images.average_pool, inputs, pool_size, strides, padding, data_format)


def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Any:
    """Connectionist temporal classification: see `kerasish.losses.CTC`."""
    lengths = np.asarray(operand(target_length)), np.asarray(operand(output_length))
    steps = shape_of(output)[1]
    if mask_index != 0 or (lengths[1] != steps).any():
        raise ValueError(
            "ctc_loss: kerasish takes mask_index=0 and outputs that all have their full length."
        )
    labels = np.array(operand(target))
    labels[np.arange(labels.shape[1]) >= lengths[0][:, None]] = 0
    return result(losses.ctc(labels, operand(output)), output)


__all__ = [
    *_ACTIVATIONS.split(),
    *("average_pool", "batch_normalization", "binary_crossentropy", "categorical_crossentropy"),
    *("conv", "ctc_loss", "depthwise_conv", "dot_product_attention", "gelu"),
    "layer_normalization",
    *("log_softmax", "max_pool", "moments", "multi_hot", "normalize", "one_hot", "psnr"),
    *("rms_normalization", "separable_conv", "softmax", "sparse_categorical_crossentropy"),
]
