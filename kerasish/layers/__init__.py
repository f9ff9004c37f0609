"""Layers, with Keras's names: ``from kerasish.layers import Dense``."""

from __future__ import annotations

from typing import Any

from kerasish import registry
from kerasish.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from kerasish.layers.adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from kerasish.layers.augmentation.colors import (
    RandomColorDegeneration,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from kerasish.layers.augmentation.filters import RandomGaussianBlur, RandomSharpness
from kerasish.layers.augmentation.geometry import (
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from kerasish.layers.augmentation.histograms import (
    AutoContrast,
    ContrastLimitedAdaptiveHistogramEqualization,
    Equalization,
)
from kerasish.layers.augmentation.jitter import RandomColorJitter
from kerasish.layers.augmentation.light import RandomBrightness, RandomContrast
from kerasish.layers.augmentation.mixing import CutMix, MixUp, RandomErasing
from kerasish.layers.augmentation.pipeline import Pipeline
from kerasish.layers.augmentation.policies import AugMix, RandAugment
from kerasish.layers.augmentation.resizing import CenterCrop, RandomCrop, Resizing
from kerasish.layers.augmentation.tones import RandomInvert, RandomPosterization, Solarization
from kerasish.layers.augmentation.warps import RandomElasticTransform, RandomPerspective
from kerasish.layers.base import Layer
from kerasish.layers.convolution import (
    Conv1D,
    Conv2D,
    Conv3D,
    Convolution1D,
    Convolution2D,
    Convolution3D,
)
from kerasish.layers.core import Dense, Identity, Input, InputLayer, Masking
from kerasish.layers.depthwise import DepthwiseConv1D, DepthwiseConv2D
from kerasish.layers.discrete import CategoryEncoding, Discretization, Hashing
from kerasish.layers.embedding import Embedding
from kerasish.layers.function import Lambda
from kerasish.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalAvgPool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from kerasish.layers.group_normalization import GroupNormalization
from kerasish.layers.lookup import IntegerLookup, StringLookup
from kerasish.layers.normalization import BatchNormalization, LayerNormalization
from kerasish.layers.norms import RMSNormalization, UnitNormalization
from kerasish.layers.padding import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from kerasish.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    AvgPool1D,
    AvgPool2D,
    AvgPool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from kerasish.layers.preprocessing import Normalization, Rescaling
from kerasish.layers.recurrent.bidirectional import Bidirectional
from kerasish.layers.recurrent.cells import GRUCell, LSTMCell, SimpleRNNCell
from kerasish.layers.recurrent.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from kerasish.layers.recurrent.layers import GRU, LSTM, SimpleRNN
from kerasish.layers.recurrent.rnn import RNN
from kerasish.layers.recurrent.stacked import StackedRNNCells
from kerasish.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
)
from kerasish.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from kerasish.layers.separable import (
    SeparableConv1D,
    SeparableConv2D,
    SeparableConvolution1D,
    SeparableConvolution2D,
)
from kerasish.layers.spatial_dropout import SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from kerasish.layers.text_vectorization import TextVectorization
from kerasish.layers.time_distributed import TimeDistributed
from kerasish.layers.transposed import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
    Convolution1DTranspose,
    Convolution2DTranspose,
    Convolution3DTranspose,
)
from kerasish.layers.upsampling import UpSampling1D, UpSampling2D, UpSampling3D
from kerasish.layers.wrapper import SpectralNormalization, Wrapper

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "AlphaDropout",
    "AugMix",
    "AutoContrast",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CutMix",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dropout",
    "Embedding",
    "Equalization",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "MixUp",
    "Normalization",
    "PReLU",
    "Permute",
    "Pipeline",
    "RMSNormalization",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "StringLookup",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "deserialize",
    "get",
    "serialize",
]


def get(identifier: Any) -> Any:
    """Return the layer that a class, name, config dict or layer stands for.

    >>> get("Flatten").name.startswith("flatten")
    True
    """
    layer = registry.resolve("layer", identifier)
    if layer is not None and not isinstance(layer, Layer):
        raise TypeError(f"{identifier!r} is not a layer. Pass a Layer, its config or its name.")
    return layer


def serialize(layer: Layer) -> dict[str, Any]:
    """Return the config dict of a layer.

    >>> serialize(Flatten(name="flat"))["class_name"]
    'Flatten'
    """
    return registry.serialize(layer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Build the layer that a config dict describes; the inverse of `serialize`.

    >>> deserialize({"class_name": "Dense", "config": {"units": 3}}).units
    3
    """
    layer = registry.deserialize("layer", config, custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(f"deserialize expects the config of a layer but got {config!r}.")
    return layer
