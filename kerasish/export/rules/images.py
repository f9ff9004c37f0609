"""Layers on sequences, images and volumes."""

from __future__ import annotations

from typing import Any

from kerasish import layers
from kerasish.export.functions import basics, images, tones
from kerasish.export.script import Script, rule
from kerasish.layers.augmentation.base import ImageLayer


def _ordered(layer: Any, script: Script, function: Any, *args: Any, **kwargs: Any) -> None:
    """Call a function with the channels last."""
    if layer.channels_first:
        script.call(images.channels_last)
    script.call(function, *args, **kwargs)
    if layer.channels_first:
        script.call(images.channels_first)


@rule(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def _conv(layer: Any, script: Script) -> None:
    options = {} if layer.groups == 1 else {"groups": layer.groups}
    window = layer.strides, layer.padding, layer.dilation_rate
    _ordered(layer, script, images.conv, layer.kernel, layer.bias, *window, **options)
    script.activate(layer.activation)


@rule(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def _depthwise(layer: Any, script: Script) -> None:
    window = layer.strides, layer.padding, layer.dilation_rate
    _ordered(layer, script, images.depthwise_conv, layer.kernel, layer.bias, *window)
    script.activate(layer.activation)


@rule(layers.SeparableConv1D, layers.SeparableConv2D)
def _separable(layer: Any, script: Script) -> None:
    if layer.channels_first:
        script.call(images.channels_last)
    window = layer.strides, layer.padding, layer.dilation_rate
    script.call(images.depthwise_conv, layer.depthwise_kernel, None, *window)
    pointwise = layer.pointwise_kernel.value.reshape(-1, layer.filters)
    script.call(basics.dense, pointwise, layer.bias)
    if layer.channels_first:
        script.call(images.channels_first)
    script.activate(layer.activation)


@rule(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
def _transposed(layer: Any, script: Script) -> None:
    window: list[Any] = [layer.strides, layer.padding, layer.dilation_rate]
    if layer.output_padding is not None:
        window.append(layer.output_padding)
    _ordered(layer, script, images.conv_transpose, layer.kernel, layer.bias, *window)
    script.activate(layer.activation)


@rule(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)
def _max_pool(layer: Any, script: Script) -> None:
    _ordered(layer, script, images.max_pool, layer.pool_size, layer.strides, layer.padding)


@rule(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)
def _average_pool(layer: Any, script: Script) -> None:
    _ordered(layer, script, images.average_pool, layer.pool_size, layer.strides, layer.padding)


@rule(layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D)
def _global_average(layer: Any, script: Script) -> None:
    mask: dict[str, Any] = {} if script.mask is None else {"mask": script.mask}
    _pooled(layer, script, images.global_average, **mask)


@rule(layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D)
def _global_max(layer: Any, script: Script) -> None:
    _pooled(layer, script, images.global_max)


def _pooled(layer: Any, script: Script, function: Any, **mask: Any) -> None:
    script.mask = None
    if layer.channels_first:
        script.call(images.channels_last)
    script.call(function, **mask)
    if layer.keepdims:
        script.call(basics.reshape, layer.output_shape[1:])


@rule(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def _padding(layer: Any, script: Script) -> None:
    _ordered(layer, script, images.border, layer.pairs)


@rule(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def _cropping(layer: Any, script: Script) -> None:
    _ordered(layer, script, images.crop, layer.pairs)


@rule(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
def _upsampling(layer: Any, script: Script) -> None:
    how = getattr(layer, "interpolation", "nearest")
    if how == "nearest":
        _ordered(layer, script, images.repeat, layer.size)
    else:
        _ordered(layer, script, images.enlarge, layer.size, how)


@rule(
    layers.AdaptiveAveragePooling1D,
    layers.AdaptiveAveragePooling2D,
    layers.AdaptiveAveragePooling3D,
)
def _adaptive_average(layer: Any, script: Script) -> None:
    _ordered(layer, script, images.adaptive_average, layer.output_size)


@rule(layers.AdaptiveMaxPooling1D, layers.AdaptiveMaxPooling2D, layers.AdaptiveMaxPooling3D)
def _adaptive_max(layer: Any, script: Script) -> None:
    _ordered(layer, script, images.adaptive_max, layer.output_size)


def _training_only(layer: Any) -> bool:
    ours = isinstance(layer, type) and layer.__module__.startswith("kerasish.")
    return ours and issubclass(layer, ImageLayer) and not layer.always


@rule(*filter(_training_only, vars(layers).values()))
def _augmentation(layer: Any, script: Script) -> None:
    """It acts in training only."""


@rule(layers.CenterCrop, layers.RandomCrop)
def _center_crop(layer: Any, script: Script) -> None:
    _ordered(layer, script, images.center_crop, layer.height, layer.width)


@rule(layers.Resizing)
def _resizing(layer: Any, script: Script) -> None:
    if layer.channels_first:
        script.call(images.channels_last)
    size = layer.height, layer.width
    if layer.crop_to_aspect_ratio:
        script.call(images.in_proportion, *size)
    elif layer.pad_to_aspect_ratio:
        script.call(images.padded_to_proportion, *size, layer.fill_value)
    options: dict[str, Any] = {"antialias": True} if layer.antialias else {}
    script.call(images.resize, size, layer.interpolation, **options)
    if layer.channels_first:
        script.call(images.channels_first)


@rule(layers.Pipeline)
def _pipeline(layer: Any, script: Script) -> None:
    for inner in layer.layers:
        script.apply(inner)


@rule(layers.AutoContrast)
def _auto_contrast(layer: Any, script: Script) -> None:
    _ordered(layer, script, tones.auto_contrast, *layer.value_range)


@rule(layers.ContrastLimitedAdaptiveHistogramEqualization)
def _tiles(layer: Any, script: Script) -> None:
    limits = layer.clip_limit, layer.tile_grid_size
    _ordered(layer, script, tones.equalize_tiles, *layer.value_range, *limits)
