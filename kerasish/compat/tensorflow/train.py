"""``tf.train``: optimizers under their older names."""

from typing import Any

from kerasish import optimizers


def AdamOptimizer(learning_rate: Any = 0.001, *args: Any, **kwargs: Any) -> Any:
    """`Adam`."""
    return optimizers.Adam(learning_rate, *args, **kwargs)


def GradientDescentOptimizer(learning_rate: Any, *args: Any, **kwargs: Any) -> Any:
    """`SGD`."""
    return optimizers.SGD(learning_rate)


def RMSPropOptimizer(learning_rate: Any, decay: float = 0.9, momentum: float = 0.0) -> Any:
    """`RMSprop`; `decay` is its `rho`."""
    return optimizers.RMSprop(learning_rate, rho=decay, momentum=momentum)
