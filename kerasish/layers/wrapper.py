"""Layers that hold another layer: Wrapper and SpectralNormalization."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasish import initializers, registry
from kerasish.errors import brief
from kerasish.layers.arguments import Shape, positive
from kerasish.layers.base import Backward, Layer
from kerasish.registry import register
from kerasish.step import Step
from kerasish.store import Weight


@register()
@dataclass(eq=False, repr=False)
class Wrapper(Layer):
    """Base of layers that hold another one; by itself it does what that one does.

    Parameters
    ----------
    layer : Layer
        The layer inside. Its weights are those of the wrapper.

    Examples
    --------
    >>> from kerasish.layers import Dense
    >>> class Twice(Wrapper):
    ...     def forward(self, x, step):
    ...         y, backward = self.layer.apply(x, step)
    ...         return 2 * y, backward and (lambda dy: backward(2 * dy))
    >>> Twice(Dense(1, kernel_initializer="ones"))(np.ones((1, 3)))
    Array([[6.]], dtype=float32)
    """

    layer: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.layer, dict):
            self.layer = registry.deserialize("layer", self.layer)
        if not isinstance(self.layer, Layer):
            raise ValueError(
                f"{type(self).__name__} holds a layer but got {brief(self.layer)}. Pass a Layer, "
                f"such as Dense(4)."
            )

    @property
    def supports_masking(self) -> bool:  # type: ignore[override]
        """What the layer inside says."""
        return self.layer.supports_masking

    @property
    def casts_input(self) -> bool:  # type: ignore[override]
        """What the layer inside says."""
        return self.layer.casts_input

    @property
    def keeps_whole(self) -> bool:  # type: ignore[override]
        """What the layer inside says."""
        return self.layer.keeps_whole

    def build(self, input_shape: Shape) -> None:
        """Build the layer inside."""
        self.build_inside(self.layer, input_shape)
        self.shardable = self.layer.shardable

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """What the layer inside does."""
        return self.layer.apply(x, step)

    def check_call(self, shape: tuple[int, ...]) -> None:
        """Let the layer inside compare an input's shape with the one it was built for."""
        self.layer.check_call(shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the layer inside."""
        return self.layer.compute_output_shape(input_shape)

    def flops(self, input_shape: Shape, output_shape: Shape) -> int:
        """Those of the layer inside."""
        return self.layer.flops(input_shape, output_shape)


@register()
@dataclass(eq=False, repr=False)
class SpectralNormalization(Wrapper):
    """Keep the largest singular value of a layer's kernel near 1.

    At each call in training the kernel, as a matrix (..., last axis), is divided by an estimate
    of its largest singular value, and the quotient becomes the kernel; the optimizer goes on from
    there. In inference the kernel is used as it is.

    Parameters
    ----------
    layer : Layer
        One with a `kernel` or `embeddings`, such as Dense, Conv2D or Embedding.
    power_iterations : int
        Steps of the power iteration at each call; the estimate goes on from the last one.

    Notes
    -----
    Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks". The
    gradient is that at the divided kernel, the divisor being taken as a constant.

    Examples
    --------
    >>> from kerasish.layers import Dense
    >>> layer = SpectralNormalization(Dense(2, kernel_initializer="ones"), power_iterations=9)
    >>> x = np.ones((1, 2))
    >>> layer(x)
    Array([[2., 2.]], dtype=float32)
    >>> layer(x, training=True).numpy().round(4)
    array([[1., 1.]], dtype=float32)
    """

    power_iterations: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.power_iterations = positive(self, "power_iterations", self.power_iterations)

    def build(self, input_shape: Shape) -> None:
        """Build the layer inside; make `vector_u` (1, last axis of the kernel)."""
        super().build(input_shape)
        held = vars(self.layer)
        self._kernel_name = next((n for n in ("kernel", "embeddings") if n in held), "")
        if not self._kernel_name:
            raise ValueError(
                f"{self.label}: {self.layer.label} has neither `kernel` nor `embeddings` to be "
                f"normalised. Wrap a layer that has, such as Dense or Conv2D."
            )
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]),
            initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            name="vector_u",
        )

    @property
    def kernel(self) -> Weight:
        """The weight that is normalised."""
        return getattr(self.layer, self._kernel_name)

    @property
    def filed_weights(self) -> list[Weight]:
        """What Keras's files hold for the wrapper itself: the kernel is there twice."""
        return [self.kernel, self.vector_u]

    @property
    def weights(self) -> list[Weight]:
        """Kernel, `vector_u`, and the others, as in Keras."""
        inner = super().weights
        return list(dict.fromkeys([*self.filed_weights, *inner])) if self.built else inner

    def forward(self, x: np.ndarray, step: Step) -> tuple[np.ndarray, Backward | None]:
        """In training, apply the layer with its kernel divided, and let that be the new one."""
        if not step.training:
            return self.layer.apply(x, step)
        kernel, u = self._divided(step.read(self.kernel), step.read(self.vector_u))
        step.update(self.kernel, kernel)
        step.update(self.vector_u, u)
        return apply_with(self.layer, self._kernel_name, kernel, x, step)

    def _divided(self, kernel: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The kernel over its largest singular value, and the right singular vector (1, F)."""
        if not kernel.any():
            return kernel, u
        matrix = kernel.reshape(-1, kernel.shape[-1])
        for _ in range(self.power_iterations):
            v = _unit(u @ matrix.T)
            u = _unit(v @ matrix)
        return kernel / (v @ matrix @ u.T), u


def apply_with(
    layer: Layer, name: str, value: np.ndarray, x: np.ndarray, step: Step
) -> tuple[np.ndarray, Callable[[np.ndarray], Any] | None]:
    """Apply `layer` with `value` for the weight that it holds as `name`, which gets the gradient.

    The layer is not touched: other threads use it.
    """
    weight = getattr(layer, name)
    other = Weight(value, weight.name)
    twin = copy.copy(layer)
    object.__setattr__(twin, name, other)
    if step.wants(weight):
        step.grads[other] = np.empty_like(step.grads[weight])
    y, backward = twin.apply(x, step)
    if backward is None:
        return y, None

    def backward_to_weight(dy: np.ndarray) -> Any:
        dx = backward(dy)
        gradient = step.grads.pop(other, None)
        if gradient is not None and other in step.written:
            step.written.remove(other)
            step.add_grad(weight, gradient)
        return dx

    return y, backward_to_weight


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.sqrt(np.square(vector).sum())), 1e-7)
