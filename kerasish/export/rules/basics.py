"""Dense layers, activations, reshaping, masks, and what does nothing in inference."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import layers
from kerasish.export.functions import activations as formulas
from kerasish.export.functions import basics
from kerasish.export.functions.images import channels_last
from kerasish.export.script import DTYPE, CannotExportError, Script, rule


@rule(
    layers.ActivityRegularization,
    layers.AlphaDropout,
    layers.Dropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
    layers.InputLayer,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
)
def _nothing(layer: Any, script: Script) -> None:
    """They act in training only."""


@rule(layers.Wrapper, layers.SpectralNormalization)
def _wrapper(layer: Any, script: Script) -> None:
    script.apply(layer.layer)


@rule(layers.Lambda)
def _function(layer: Any, script: Script) -> None:
    if layer.mask is not None:
        raise CannotExportError(
            f"{layer.label} cannot be exported: it makes a mask. Write a layer, and a rule for it: "
            f"see kerasish.export.rule."
        )
    options = dict(layer.arguments)
    if "mask" in layer.accepted:
        options["mask"] = script.mask
    if "training" in layer.accepted:
        options["training"] = False
    script.call(layer.function, **options)
    script.call(basics.settle, DTYPE)
    script.contents = "numbers"


@rule(layers.Dense)
def _dense(layer: Any, script: Script) -> None:
    script.call(basics.dense, layer.kernel, layer.bias)
    script.activate(layer.activation)


@rule(layers.Activation)
def _activation(layer: Any, script: Script) -> None:
    script.activate(layer.activation)


@rule(layers.ReLU)
def _relu(layer: Any, script: Script) -> None:
    script.call(formulas.relu, layer.negative_slope, layer.max_value, layer.threshold)


@rule(layers.LeakyReLU)
def _leaky_relu(layer: Any, script: Script) -> None:
    script.call(formulas.leaky_relu, layer.negative_slope)


@rule(layers.ELU)
def _elu(layer: Any, script: Script) -> None:
    script.call(formulas.elu, layer.alpha)


@rule(layers.PReLU)
def _prelu(layer: Any, script: Script) -> None:
    script.call(formulas.prelu, layer.alpha)


@rule(layers.Softmax)
def _softmax(layer: Any, script: Script) -> None:
    axes = within_samples(layer, layer.axis)
    axis: Any = layer.axis if isinstance(layer.axis, int) else axes
    options: dict[str, Any] = {} if script.mask is None else {"mask": script.mask}
    script.call(formulas.softmax, axis, **options)


def within_samples(layer: Any, axis: Any) -> tuple[int, ...]:
    """Axes, counted from the front once the layer is built; the batch may not be among them."""
    axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
    if layer.built:
        axes = tuple(sorted({a % len(layer.input_shape) for a in axes}))
    if 0 in axes:
        raise CannotExportError(
            f"{layer.label} cannot be exported: with axis={axis} it mixes the samples of a batch, "
            f"so that a prediction would depend on its neighbours. Use an axis from 1 on."
        )
    return axes


@rule(layers.Flatten)
def _flatten(layer: Any, script: Script) -> None:
    if layer.data_format == "channels_first" and len(layer.input_shape) > 2:
        script.call(channels_last)
    script.call(basics.flatten)


@rule(layers.Reshape)
def _reshape(layer: Any, script: Script) -> None:
    script.call(basics.reshape, layer.target_shape)


@rule(layers.Permute)
def _permute(layer: Any, script: Script) -> None:
    script.call(basics.permute, layer.dims)


@rule(layers.RepeatVector)
def _repeat_vector(layer: Any, script: Script) -> None:
    script.call(basics.repeat_vector, layer.n)


@rule(layers.Rescaling)
def _rescaling(layer: Any, script: Script) -> None:
    values = [v if np.ndim(v) == 0 else np.asarray(v) for v in (layer.scale, layer.offset)]
    script.call(basics.rescale, *values)


@rule(layers.Masking)
def _masking(layer: Any, script: Script) -> None:
    script.mask, script.mask_axes = script.fresh("mask"), len(layer.input_shape) - 1
    script.call(basics.mask_steps, layer.mask_value, to=f"x, {script.mask}")
