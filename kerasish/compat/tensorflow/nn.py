"""``tf.nn``: activations, which `activation=` takes, and losses of logits."""

from __future__ import annotations

from typing import Any

from kerasish import activations
from kerasish import ops as all_ops
from kerasish.ops.calls import operand, result

_ops: Any = all_ops
relu, relu6, elu, selu, gelu = (
    activations.relu, activations.relu6, activations.elu, activations.selu, activations.gelu
)  # fmt: skip
leaky_relu, sigmoid, tanh = activations.leaky_relu, activations.sigmoid, activations.tanh
softmax, log_softmax, softplus = (
    activations.softmax, activations.log_softmax, activations.softplus
)  # fmt: skip
softsign, silu, swish = activations.softsign, activations.silu, activations.silu
moments, batch_normalization = _ops.moments, _ops.batch_normalization
conv2d, max_pool, avg_pool = _ops.conv, _ops.max_pool, _ops.average_pool
max_pool2d, avg_pool2d, depthwise_conv2d = max_pool, avg_pool, _ops.depthwise_conv


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, **_: Any) -> Any:
    """Element by element."""
    return _ops.binary_crossentropy(labels, logits, from_logits=True)


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, **_: Any) -> Any:
    """Of each sample."""
    return _ops.categorical_crossentropy(labels, logits, True, axis)


softmax_cross_entropy_with_logits_v2 = softmax_cross_entropy_with_logits


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, **_: Any) -> Any:
    """Of each sample, from integer labels."""
    return _ops.sparse_categorical_crossentropy(labels, logits, True)


def l2_loss(t: Any, name: str | None = None) -> Any:
    """Half the sum of squares."""
    x = operand(t)
    return result((x * x).sum() / 2, t)


def dropout(x: Any, rate: float, noise_shape: Any = None, seed: Any = None, **_: Any) -> Any:
    """Zeros with probability `rate`; the rest is divided by ``1 - rate``."""
    from kerasish.backend.random import dropout as drop

    return drop(x, rate, noise_shape, seed)


def bias_add(value: Any, bias: Any, data_format: Any = None, name: Any = None) -> Any:
    """Add a bias to the channels."""
    return result(operand(value) + operand(bias), value)


def embedding_lookup(params: Any, ids: Any, **_: Any) -> Any:
    """Rows at these indices."""
    return _ops.take(params, ids, axis=0)


__all__ = [
    *("avg_pool", "avg_pool2d", "batch_normalization", "bias_add", "conv2d", "depthwise_conv2d"),
    *("dropout", "elu", "embedding_lookup", "gelu", "in_top_k", "l2_loss", "l2_normalize"),
    *("leaky_relu", "log_softmax", "max_pool", "max_pool2d", "moments", "relu", "relu6", "selu"),
    *("sigmoid", "sigmoid_cross_entropy_with_logits", "silu", "softmax"),
    *("softmax_cross_entropy_with_logits", "softmax_cross_entropy_with_logits_v2", "softplus"),
    *("softsign", "sparse_softmax_cross_entropy_with_logits", "swish", "tanh", "top_k"),
]
