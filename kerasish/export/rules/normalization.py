"""Normalising layers."""

from __future__ import annotations

from typing import Any

from kerasish import layers
from kerasish.export.functions import basics
from kerasish.export.rules.basics import within_samples
from kerasish.export.script import Script, rule


@rule(layers.Normalization)
def _normalization(layer: Any, script: Script) -> None:
    if 0 in layer.axis:
        within_samples(layer, layer.axis)
    mean, variance = (s.astype(script.dtype) for s in (layer.mean, layer.variance))
    options: dict[str, Any] = {"invert": True} if layer.invert else {}
    script.call(basics.normalize, mean, variance, **options)


@rule(layers.BatchNormalization)
def _batch(layer: Any, script: Script) -> None:
    statistics = layer.moving_mean, layer.moving_variance
    script.call(
        basics.batch_normalize, *statistics, layer.gamma, layer.beta, layer.axis, layer.epsilon
    )


@rule(layers.LayerNormalization)
def _layer(layer: Any, script: Script) -> None:
    axes = within_samples(layer, layer.axis)
    options: dict[str, Any] = {"rms_scaling": True} if layer.rms_scaling else {}
    epsilon = float(layer.epsilon)
    script.call(basics.layer_normalize, layer.gamma, layer.beta, axes, epsilon, **options)


@rule(layers.GroupNormalization)
def _group(layer: Any, script: Script) -> None:
    groups = layer.input_shape[layer.axis] if layer.groups == -1 else layer.groups
    script.call(basics.group_normalize, layer.gamma, layer.beta, groups, layer.axis, layer.epsilon)


@rule(layers.RMSNormalization)
def _rms(layer: Any, script: Script) -> None:
    axes = within_samples(layer, layer.axis)
    script.call(basics.rms_normalize, layer.scale, axes, layer.epsilon)


@rule(layers.UnitNormalization)
def _unit(layer: Any, script: Script) -> None:
    script.call(basics.unit_normalize, within_samples(layer, layer.axis))
