"""The contract of all layers: one row for each, proved by `check_layer` and by real Keras."""

import importlib.util
import json
import pathlib

import numpy as np
import pytest

from kerasish import layers, registry
from kerasish.layers import arguments
from kerasish.step import Step, commit
from kerasish.testing import check_layer

GOLDEN = pathlib.Path(__file__).parent / "golden"


def _load_cases():
    spec = importlib.util.spec_from_file_location("layer_cases", GOLDEN / "layer_cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES, module.layer_config


CASES, layer_config = _load_cases()


TOKENS = np.array([[0, 3, 1], [4, 3, 0], [1, 1, 2]])
LETTERS = np.array([["a", "b"], ["c", "a"], ["b", "b"]])
ON_TENSORFLOW = ("Hashing", "IntegerLookup", "StringLookup", "TextVectorization")
MASK = [[1, 1, 0, 1], [0, 1, 1, 0], [0, 0, 0, 0]]

# Class, arguments, shape of the input with its batch axis, and options of check_layer.
TABLE = [
    ("Dense", {"units": 3, "activation": "tanh"}, (4, 5), {}),
    ("Dense", {"units": 2, "use_bias": False, "activity_regularizer": "l2"}, (4, 3, 2), {}),
    ("Dense", {"units": 3, "activation": "softmax", "kernel_regularizer": "l1"}, (3, 4), {}),
    ("Activation", {"activation": "gelu"}, (4, 3), {}),
    ("Activation", {"activation": "softmax", "activity_regularizer": "l1l2"}, (4, 3), {}),
    ("Identity", {}, (2, 3), {}),
    ("InputLayer", {"shape": (3,)}, (2, 3), {}),
    ("Masking", {"mask_value": 0.5}, (2, 3, 2), {}),
    ("Lambda", {"function": lambda x: np.tanh(x) * np.sum(x, axis=0)}, (3, 2), {}),
    ("Lambda", {"function": lambda x, k: x[:, :k], "arguments": {"k": 1}}, (3, 2), {}),
    ("Flatten", {}, (2, 3, 2), {}),
    ("Flatten", {"data_format": "channels_first"}, (2, 3, 2, 2), {}),
    ("Flatten", {}, (4,), {}),
    ("Reshape", {"target_shape": (-1, 2)}, (2, 3, 4), {}),
    ("Permute", {"dims": (3, 1, 2)}, (2, 2, 3, 4), {}),
    ("RepeatVector", {"n": 3}, (2, 4), {}),
    ("Dropout", {"rate": 0.4}, (4, 5), {}),
    ("Dropout", {"rate": 1}, (4, 5), {}),
    ("Dropout", {"rate": 0.5, "noise_shape": (None, 1, 3), "seed": 3}, (3, 2, 3), {}),
    ("GaussianNoise", {"stddev": 0.4}, (4, 5), {}),
    ("GaussianDropout", {"rate": 0.4, "seed": 1}, (4, 5), {}),
    ("AlphaDropout", {"rate": 0.4}, (4, 5), {}),
    ("AlphaDropout", {"rate": 0.4, "noise_shape": (4, 1)}, (4, 5), {}),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, (3, 2), {}),
    ("BatchNormalization", {}, (5, 3), {}),
    ("BatchNormalization", {"axis": 1, "scale": False}, (3, 2, 4), {}),
    ("BatchNormalization", {"center": False}, (2, 3, 2, 2), {}),
    ("BatchNormalization", {"trainable": False}, (3, 2), {}),
    ("BatchNormalization", {}, (4, 3, 2), {"mask": [[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 1, 0]]}),
    ("BatchNormalization", {}, (2, 3, 2), {"mask": [[0, 0, 0], [1, 1, 1]]}),
    ("LayerNormalization", {}, (3, 4), {}),
    ("LayerNormalization", {"axis": 1, "scale": False}, (2, 4, 3), {}),
    ("LayerNormalization", {"axis": [-1, 1], "center": False}, (2, 3, 2, 2), {}),
    ("LayerNormalization", {"rms_scaling": True}, (3, 4), {}),
    ("GroupNormalization", {"groups": 2}, (2, 3, 4), {}),
    ("GroupNormalization", {"groups": -1, "axis": 1, "center": False}, (2, 2, 3, 2), {}),
    ("GroupNormalization", {"groups": 1, "scale": False}, (3, 4), {}),
    ("UnitNormalization", {}, (3, 4), {}),
    ("UnitNormalization", {"axis": [1, -1]}, (2, 3, 2, 2), {}),
    ("RMSNormalization", {}, (3, 4), {}),
    ("RMSNormalization", {"axis": [-1, 1]}, (2, 3, 2, 2), {}),
    ("UnitNormalization", {"axis": 0}, (3, 2), {}),
    ("Wrapper", {"layer": layer_config("Dense", units=2)}, (3, 4), {}),
    (
        "SpectralNormalization",  # in training its gradient is that of a constant divisor
        {"layer": layer_config("Dense", units=2), "power_iterations": 2},
        (3, 4),
        {"modes": (False,)},
    ),
    ("ReLU", {}, (3, 4), {}),
    ("ReLU", {"max_value": 0.8, "negative_slope": 0.2, "threshold": 0.3}, (5, 4), {}),
    ("LeakyReLU", {}, (3, 4), {}),
    ("ELU", {"alpha": 0.5}, (3, 4), {}),
    ("PReLU", {}, (3, 2, 2), {}),
    ("PReLU", {"shared_axes": [1, 2], "alpha_regularizer": "l2"}, (2, 3, 2, 2), {}),
    ("Softmax", {}, (3, 4), {}),
    ("Softmax", {"axis": [1, 2]}, (2, 3, 2), {}),
    ("Softmax", {"axis": 0}, (3, 2), {}),
    ("Softmax", {}, (2, 3), {"mask": [[1, 0, 1], [0, 0, 0]]}),
    ("Rescaling", {"scale": 0.5, "offset": 1}, (2, 3), {}),
    ("Rescaling", {"scale": [0.5, 2.0], "offset": [1.0, 0.0]}, (2, 3, 2), {}),
    ("Normalization", {}, (3, 2), {}),
    ("Normalization", {"mean": [1.0, 2.0], "variance": [2.0, 3.0], "invert": True}, (3, 2), {}),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "activation": "tanh"}, (3, 6, 2), {}),
    (
        "Conv1D",
        {"filters": 2, "kernel_size": 2, "padding": "causal", "dilation_rate": 2},
        (2, 6, 2),
        {},
    ),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "kernel_regularizer": "l2"}, (3, 5, 4, 2), {}),
    (
        "Conv2D",
        {"filters": 4, "kernel_size": (2, 3), "strides": 2, "padding": "same", "groups": 2},
        (2, 5, 4, 2),
        {},
    ),
    ("Conv2D", {"filters": 2, "kernel_size": 1, "use_bias": False}, (2, 3, 3, 2), {}),
    (
        "Conv2D",
        {"filters": 2, "kernel_size": 2, "dilation_rate": (1, 2), "activity_regularizer": "l2"},
        (2, 3, 5, 1),
        {},
    ),
    ("Conv3D", {"filters": 2, "kernel_size": 2, "strides": (1, 2, 1)}, (2, 3, 3, 2, 2), {}),
    ("MaxPooling1D", {}, (2, 5, 3), {}),
    ("MaxPooling2D", {}, (2, 5, 4, 2), {}),
    ("MaxPooling2D", {"pool_size": 3, "strides": 1, "padding": "same"}, (2, 3, 4, 2), {}),
    ("MaxPooling3D", {}, (2, 2, 4, 3, 2), {}),
    ("AveragePooling1D", {"pool_size": 2}, (2, 5, 3), {}),
    (
        "AveragePooling2D",
        {"pool_size": (3, 2), "strides": 2, "padding": "same"},
        (2, 6, 5, 2),
        {},
    ),
    ("AveragePooling3D", {"pool_size": 2}, (2, 2, 4, 3, 2), {}),
    ("GlobalAveragePooling1D", {}, (2, 3, 2), {}),
    ("GlobalAveragePooling1D", {}, (2, 3, 2), {"mask": [[1, 0, 1], [0, 1, 0]]}),
    ("GlobalAveragePooling2D", {"keepdims": True}, (2, 3, 2, 2), {}),
    ("GlobalAveragePooling3D", {}, (2, 3, 2, 2, 2), {}),
    ("GlobalMaxPooling1D", {"keepdims": True}, (2, 3, 2), {}),
    ("GlobalMaxPooling2D", {}, (2, 3, 2, 2), {}),
    ("GlobalMaxPooling3D", {}, (2, 3, 2, 2, 2), {}),
    ("ZeroPadding1D", {"padding": (1, 0)}, (2, 3, 2), {}),
    ("ZeroPadding2D", {"padding": ((1, 2), (0, 1))}, (2, 3, 2, 2), {}),
    ("ZeroPadding3D", {}, (2, 1, 2, 1, 2), {}),
    ("Cropping1D", {}, (2, 4, 2), {}),
    ("Cropping2D", {"cropping": (1, (0, 2))}, (2, 3, 4, 2), {}),
    ("Cropping3D", {}, (2, 3, 3, 4, 2), {}),
    ("UpSampling1D", {}, (2, 3, 2), {}),
    ("UpSampling2D", {"size": (2, 3)}, (2, 3, 2, 2), {}),
    ("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear"}, (2, 3, 2, 2), {}),
    ("UpSampling2D", {"size": 2, "interpolation": "bicubic"}, (2, 3, 2, 2), {}),
    ("UpSampling2D", {"size": 2, "interpolation": "lanczos3"}, (2, 3, 2, 2), {}),
    ("UpSampling3D", {}, (2, 2, 1, 2, 2), {}),
    ("Embedding", {"input_dim": 5, "output_dim": 3}, TOKENS, {}),
    (
        "Embedding",
        {"input_dim": 5, "output_dim": 2, "mask_zero": True, "embeddings_regularizer": "l2"},
        TOKENS,
        {},
    ),
    ("CategoryEncoding", {"num_tokens": 5, "output_mode": "count"}, TOKENS, {}),
    ("Discretization", {"bin_boundaries": [-0.5, 0.5], "output_mode": "one_hot"}, (3, 2), {}),
    ("Hashing", {"num_bins": 4, "output_mode": "multi_hot"}, TOKENS, {}),
    ("IntegerLookup", {"vocabulary": [3, 1], "output_mode": "multi_hot"}, TOKENS, {}),
    ("StringLookup", {"vocabulary": ["b", "a"], "output_mode": "one_hot"}, LETTERS, {}),
    ("TextVectorization", {"vocabulary": ["b", "a"], "output_mode": "count"}, LETTERS[:, :1], {}),
    ("SimpleRNN", {"units": 3}, (3, 4, 2), {}),
    ("SimpleRNN", {"units": 2, "activation": "relu", "use_bias": False}, (2, 3, 2), {}),
    ("SimpleRNN", {"units": 2, "dropout": 0.4, "recurrent_dropout": 0.3}, (2, 3, 2), {}),
    (
        "SimpleRNN",
        {"units": 2, "return_sequences": True, "go_backwards": True},
        (3, 4, 2),
        {"mask": MASK},
    ),
    ("LSTM", {"units": 3, "kernel_regularizer": "l2", "activity_regularizer": "l1"}, (3, 4, 2), {}),
    ("LSTM", {"units": 2}, (3, 4, 2), {"mask": MASK}),
    ("LSTM", {"units": 2, "return_sequences": True}, (3, 4, 2), {"mask": MASK}),
    (
        "LSTM",
        {"units": 2, "return_sequences": True, "zero_output_for_mask": True, "go_backwards": True},
        (3, 4, 2),
        {"mask": MASK},
    ),
    (
        "LSTM",
        {"units": 2, "activation": "softsign", "recurrent_activation": "elu", "use_bias": False},
        (2, 3, 2),
        {},
    ),
    ("LSTM", {"units": 2, "dropout": 0.4}, (2, 3, 2), {}),
    ("LSTM", {"units": 2, "dropout": 0.4, "recurrent_dropout": 0.3, "seed": 2}, (2, 3, 2), {}),
    ("GRU", {"units": 3}, (3, 4, 2), {}),
    ("GRU", {"units": 3, "reset_after": False}, (3, 4, 2), {}),
    ("GRU", {"units": 2, "return_sequences": True}, (3, 4, 2), {"mask": MASK}),
    (
        "GRU",
        {"units": 2, "return_sequences": True, "reset_after": False, "go_backwards": True},
        (3, 4, 2),
        {"mask": MASK},
    ),
    ("GRU", {"units": 2, "use_bias": False, "activation": "selu"}, (2, 3, 2), {}),
    ("GRU", {"units": 2, "dropout": 0.4, "recurrent_dropout": 0.3}, (2, 3, 2), {}),
    (
        "GRU",
        {"units": 2, "dropout": 0.4, "recurrent_dropout": 0.3, "reset_after": False},
        (2, 3, 2),
        {},
    ),
    ("RNN", {"cell": layer_config("LSTMCell", units=3), "return_sequences": True}, (2, 3, 2), {}),
    (
        "RNN",
        {
            "cell": layer_config(
                "StackedRNNCells",
                cells=[layer_config("GRUCell", units=2), layer_config("SimpleRNNCell", units=2)],
            )
        },
        (3, 4, 2),
        {"mask": MASK},
    ),
    ("AdaptiveAveragePooling1D", {"output_size": 2}, (2, 5, 2), {}),
    ("AdaptiveAveragePooling2D", {"output_size": (2, 3)}, (2, 3, 2, 2), {}),
    ("AdaptiveAveragePooling3D", {"output_size": 2}, (2, 2, 3, 2, 2), {}),
    ("AdaptiveMaxPooling1D", {"output_size": 2}, (2, 5, 2), {}),
    ("AdaptiveMaxPooling2D", {"output_size": (2, 3)}, (2, 3, 2, 2), {}),
    ("AdaptiveMaxPooling3D", {"output_size": 2}, (2, 2, 3, 2, 2), {}),
    ("CenterCrop", {"height": 2, "width": 2}, (2, 3, 4, 1), {}),
    ("CenterCrop", {"height": 3, "width": 2}, (2, 2, 4, 1), {}),
    ("RandomCrop", {"height": 2, "width": 2, "seed": 3}, (2, 3, 4, 1), {}),
    ("Resizing", {"height": 3, "width": 2, "interpolation": "bicubic"}, (2, 2, 3, 1), {}),
    ("Resizing", {"height": 2, "width": 2, "crop_to_aspect_ratio": True}, (2, 3, 5, 1), {}),
    ("Resizing", {"height": 2, "width": 2, "pad_to_aspect_ratio": True}, (2, 3, 5, 1), {}),
    ("RandomFlip", {}, (4, 2, 3, 1), {}),
    ("RandomTranslation", {"height_factor": 0.4, "width_factor": (0, 0.5)}, (2, 3, 2, 2), {}),
    ("RandomRotation", {"factor": 0.2, "fill_mode": "constant"}, (2, 3, 2, 2), {}),
    ("RandomZoom", {"height_factor": (-0.4, 0.2), "fill_mode": "wrap"}, (2, 3, 2, 1), {}),
    ("RandomShear", {"x_factor": [0.1, 0.3], "y_factor": [0, 0.2], "seed": 1}, (2, 3, 2, 1), {}),
    ("RandomBrightness", {"factor": 0.2, "value_range": [-2, 2]}, (2, 3, 2, 2), {}),
    ("RandomContrast", {"factor": 0.6, "value_range": [-2, 2]}, (2, 3, 2, 2), {}),
    ("ConvLSTM1D", {"filters": 2, "kernel_size": 2, "strides": 2}, (2, 2, 5, 1), {}),
    (
        "ConvLSTM1D",
        {"filters": 1, "kernel_size": 2, "return_sequences": True, "go_backwards": True},
        (3, 4, 3, 2),
        {"mask": MASK},
    ),
    (
        "ConvLSTM1D",
        {"filters": 1, "kernel_size": 2, "dropout": 0.3, "recurrent_dropout": 0.4},
        (2, 2, 3, 1),
        {},
    ),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": (2, 1), "padding": "same"}, (2, 2, 3, 2, 1), {}),
    ("ConvLSTM3D", {"filters": 1, "kernel_size": 2, "use_bias": False}, (2, 2, 2, 3, 2, 1), {}),
    ("Bidirectional", {"layer": layer_config("LSTM", units=2)}, (2, 3, 2), {}),
    (
        "Bidirectional",
        {
            "layer": layer_config("GRU", units=2, return_sequences=True),
            "merge_mode": "mul",
            "backward_layer": layer_config(
                "SimpleRNN", units=2, return_sequences=True, go_backwards=True
            ),
        },
        (3, 4, 2),
        {"mask": MASK},
    ),
    (
        "Bidirectional",
        {"layer": layer_config("SimpleRNN", units=2, return_sequences=True), "merge_mode": "sum"},
        (3, 4, 2),
        {"mask": MASK},
    ),
    (
        "Bidirectional",
        {"layer": layer_config("GRU", units=2, activity_regularizer="l2")} | {"merge_mode": "ave"},
        (2, 3, 2),
        {},
    ),
    ("TimeDistributed", {"layer": layer_config("Dense", units=2)}, (3, 4, 2), {"mask": MASK}),
    (
        "TimeDistributed",
        {"layer": layer_config("BatchNormalization")},
        (3, 3, 2),
        {"mask": [[1, 1, 1], [0, 1, 1], [1, 1, 0]]},
    ),
    (
        "TimeDistributed",
        {"layer": layer_config("Conv1D", filters=2, kernel_size=2)},
        (2, 3, 4, 2),
        {},
    ),
    ("TimeDistributed", {"layer": layer_config("LSTM", units=2)}, (2, 2, 3, 2), {}),
    ("RandomHue", {"factor": 0.5, "value_range": [-3, 3]}, (2, 2, 2, 3), {}),
    ("RandomSaturation", {"factor": 0.8, "value_range": [-3, 3]}, (2, 2, 3, 3), {}),
    ("RandomGrayscale", {}, (4, 2, 1, 3), {}),
    ("RandomColorDegeneration", {"factor": 0.5, "value_range": [-3, 3]}, (3, 2, 1, 3), {}),
    (
        "RandomColorJitter",
        {
            "value_range": [-3, 3],
            "contrast_factor": 0.5,
            "saturation_factor": 0.6,
            "hue_factor": 0.2,
        },
        (2, 2, 2, 3),
        {},
    ),
    ("RandomInvert", {"value_range": [-3, 3]}, (4, 2, 1, 2), {}),
    ("RandomPosterization", {"factor": 4, "value_range": [-3, 3]}, (2, 2, 2, 1), {}),
    ("Solarization", {"addition_factor": 0.3, "threshold_factor": 0.6}, (2, 2, 3, 1), {}),
    ("AutoContrast", {"value_range": [-3, 3]}, (2, 3, 2, 2), {}),
    ("Equalization", {"value_range": [-3, 3], "bins": 9}, (2, 3, 2, 1), {}),
    (
        "ContrastLimitedAdaptiveHistogramEqualization",
        {"value_range": [-3, 3], "tile_grid_size": [2, 2]},
        (2, 5, 4, 1),
        {},
    ),
    ("RandomSharpness", {"factor": 0.9, "value_range": [-2, 2]}, (2, 3, 4, 1), {}),
    ("RandomGaussianBlur", {"value_range": [-2, 2]}, (3, 3, 4, 1), {}),
    ("RandomPerspective", {"scale": 0.8}, (3, 3, 4, 1), {}),
    (
        "RandomElasticTransform",
        {"value_range": [-2, 2], "fill_mode": "mirror", "seed": 3},
        (3, 4, 5, 1),
        {},
    ),
    ("RandomErasing", {"scale": [0.2, 0.5], "value_range": [-2, 2]}, (3, 4, 4, 1), {}),
    ("MixUp", {"alpha": 0.7}, (3, 2, 2, 1), {}),
    ("CutMix", {}, (3, 4, 4, 1), {}),
    ("RandAugment", {"value_range": [-3, 3]}, (3, 3, 4, 3), {}),
    ("AugMix", {"value_range": [-3, 3], "num_chains": 2}, (3, 3, 4, 3), {}),
    (
        "Pipeline",
        {"layers": [layer_config("RandomFlip"), layer_config("Rescaling", scale=2.0, offset=0.5)]},
        (3, 2, 2, 1),
        {},
    ),
    ("SpatialDropout1D", {"rate": 0.5}, (4, 3, 3), {}),
    ("SpatialDropout2D", {"rate": 0.5, "seed": 3}, (4, 3, 2, 2), {}),
    ("SpatialDropout3D", {"rate": 0.5}, (4, 2, 2, 2, 2), {}),
    ("DepthwiseConv1D", {"kernel_size": 2, "strides": 2, "padding": "same"}, (2, 5, 2), {}),
    (
        "DepthwiseConv2D",
        {"kernel_size": 2, "depth_multiplier": 2, "activation": "tanh"},
        (2, 3, 4, 2),
        {},
    ),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 3, "activation": "tanh"}, (2, 4, 2), {}),
    (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
        (2, 2, 3, 2),
        {},
    ),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "strides": 3}, (2, 2, 2, 2), {}),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2}, (2, 2, 1, 2, 2), {}),
    ("SeparableConv1D", {"filters": 2, "kernel_size": 2, "strides": 2}, (2, 5, 2), {}),
    (
        "SeparableConv2D",
        {"filters": 3, "kernel_size": 2, "depth_multiplier": 2, "activation": "tanh"},
        (2, 3, 4, 2),
        {},
    ),
]


def row_id(row):
    shown = {k: v["class_name"] if k == "layer" else v for k, v in row[1].items()}
    shown.pop("layers", None)
    arguments = ",".join(f"{k}={v}" for k, v in shown.items() if not callable(v))
    return f"{row[0]}({arguments})"


@pytest.mark.parametrize("row", TABLE, ids=row_id)
def test_contract(row):
    name, arguments, shape, options = row
    check_layer(getattr(layers, name)(**arguments), shape, **options)


def test_every_layer_has_a_row():
    ours = {
        cls.__name__
        for cls in registry.known("layer").values()
        if isinstance(cls, type) and cls.__module__.startswith("kerasish.layers")
    }
    inside = {
        type(part).__name__ for row in TABLE for part in getattr(layers, row[0])(**row[1]).walk()
    }
    assert ours - inside == set()


def test_every_layer_is_exported():
    for name, cls in registry.known("layer").items():
        if isinstance(cls, type) and cls.__module__.startswith("kerasish.layers"):
            assert cls.__name__ in layers.__all__, name


# --- numbers of real Keras ----------------------------------------------------------------------


def assert_near(found, expected):
    found = np.asarray(found)
    assert found.shape == expected.shape
    error = np.abs(found - expected).max(initial=0)
    assert error <= 1e-5 * max(1, np.abs(expected).max(initial=0))


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "layers.npz") as file:
        return dict(file)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_agrees_with_keras(case, golden):
    name, cls, arguments, shape, options = case
    data = {k.partition("/")[2]: v for k, v in golden.items() if k.partition("/")[0] == name}
    if cls == "Lambda":
        arguments = {"function": lambda x: x**2 + 3 * x}
    layer = getattr(layers, cls)(**arguments)
    layer.ensure_built((None, *shape[1:]))
    if "data" in data:
        layer.adapt(data["data"])
    elif layer.weights:
        layer.set_weights([data[f"weight_{i}"] for i in range(len(layer.weights))])

    x = data["x"]
    step = Step(training=options.get("training", False), recording=True, batch_size=len(x))
    step.grads = {w: np.zeros_like(w.value) for w in layer.trainable_weights}
    step.mask = data.get("mask")
    y, backward = layer.apply(x, step)
    assert_near(y, data["y"])
    assert_near(backward(data["dy"]), data["dx"])
    if "loss" in data:
        assert_near(sum(step.losses), data["loss"].sum())
    if "out_mask" in data:
        assert np.array_equal(step.mask, data["out_mask"])
    for i, weight in enumerate(layer.trainable_weights):
        assert_near(step.grads[weight], data[f"gradient_{i}"])
    commit([step])
    if "kernel_after" in data:
        assert_near(layer.kernel.value, data["kernel_after"])
    for i, weight in enumerate(layer.non_trainable_weights):
        assert_near(weight.value, data[f"after_{i}"])


# --- configs ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keras_configs():
    return json.loads((GOLDEN / "layer_configs.json").read_text())


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row[0] not in ("Lambda", *ON_TENSORFLOW)], ids=row_id
)
def test_config_is_that_of_keras(row, keras_configs):
    """Keys, their order and their values; made anew by golden/make_layer_configs.py."""
    expected = keras_configs[row_id(row)]
    config = json.loads(json.dumps(getattr(layers, row[0])(**row[1], name="layer").get_config()))
    assert config == expected
    if row[0] != "ELU":  # whose own argument stands second there
        assert list(config) == list(expected)


def test_config_of_an_input():
    config = layers.Input((3,), dtype="int32", name="tokens").get_config()
    assert config == {
        "batch_shape": [None, 3],
        "dtype": "int32",
        "sparse": False,
        "ragged": False,
        "name": "tokens",
        "optional": False,
    }
    assert list(config)[:2] == ["batch_shape", "dtype"]


def test_activity_regularizer_stands_before_the_arguments():
    config = layers.Dense(3, activity_regularizer="l2", name="d").get_config()
    assert list(config)[3:5] == ["activity_regularizer", "units"]
    assert layers.Dense.from_config(config).get_config() == config
    config = layers.ReLU(activity_regularizer="l1").get_config()
    assert list(config)[3] == "activity_regularizer"


@pytest.mark.parametrize("row", TABLE, ids=row_id)
def test_serialize_and_deserialize(row):
    layer = getattr(layers, row[0])(**row[1])
    config = layers.serialize(layer)
    assert config["module"] == "keras.layers"
    assert config["class_name"] == row[0]
    assert config["registered_name"] is None
    if row[0] != "Lambda":
        config = json.loads(json.dumps(config))
    assert layers.deserialize(config).get_config() == layer.get_config()


def test_get():
    assert isinstance(layers.get("BatchNormalization"), layers.BatchNormalization)
    dense = layers.Dense(2)
    assert layers.get(dense) is dense
    assert layers.get({"class_name": "Dense", "units": 4}).units == 4
    with pytest.raises(ValueError, match=r"layer identifier: 'Dens'. Did you mean 'Dense'"):
        layers.get("Dens")
    with pytest.raises(TypeError, match="is not a layer"):
        layers.get(abs)
    with pytest.raises(ValueError, match="expects the config of a layer"):
        layers.deserialize({"class_name": "f", "config": {}}, {"f": lambda **_: 3})


# --- what all layers share ----------------------------------------------------------------------


def test_arguments_have_the_order_of_keras():
    import inspect

    orders = {
        "BatchNormalization": "axis momentum epsilon center scale beta_initializer "
        "gamma_initializer moving_mean_initializer moving_variance_initializer beta_regularizer "
        "gamma_regularizer beta_constraint gamma_constraint renorm renorm_clipping "
        "renorm_momentum synchronized",
        "LayerNormalization": "axis epsilon center scale beta_initializer gamma_initializer "
        "beta_regularizer gamma_regularizer beta_constraint gamma_constraint",
        "Dropout": "rate noise_shape seed",
        "AlphaDropout": "rate noise_shape seed",
        "Dense": "units activation use_bias kernel_initializer bias_initializer "
        "kernel_regularizer bias_regularizer activity_regularizer kernel_constraint "
        "bias_constraint",
        "Lambda": "function output_shape mask arguments",
        "Normalization": "axis mean variance invert",
        "ReLU": "max_value negative_slope threshold",
        "InputLayer": "shape batch_size dtype sparse ragged batch_shape input_tensor optional",
        "Input": "shape batch_size dtype sparse ragged batch_shape name tensor optional",
    }
    for name, order in orders.items():
        parameters = inspect.signature(getattr(layers, name)).parameters.values()
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert positional[: len(order.split())] == order.split(), name


@pytest.mark.parametrize("name", ["Dense", "Flatten", "Normalization", "Lambda", "InputLayer"])
def test_unknown_argument(name):
    arguments = next(row[1] for row in TABLE if row[0] == name)
    with pytest.raises(TypeError, match=f"Unrecognized keyword arguments passed to {name}"):
        getattr(layers, name)(**arguments, foo=1)


def test_wrong_feature_size():
    layer = layers.Dense(3, name="d")
    layer(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"Dense 'd' expects inputs of shape \(N, 4\) but got"):
        layer(np.ones((2, 5)))
    with pytest.raises(ValueError, match=r"expects inputs of shape \(N, 4\) but got \(N, 2, 4\)"):
        layer(np.ones((2, 2, 4)))
    with pytest.raises(ValueError, match=r"expects inputs of shape \(N, features\)"):
        layers.Dense(3)(np.ones(3))


def test_array_of_objects():
    with pytest.raises(TypeError, match="Dense 'd' expects an array of numbers"):
        layers.Dense(3, name="d")(np.array([["a", "b"]]))


@pytest.mark.parametrize("units", [0, -3, 2.5, None, True])
def test_bad_units(units):
    with pytest.raises(ValueError, match="`units` must be a positive whole number"):
        layers.Dense(units)


@pytest.mark.parametrize("rate", [-0.1, 1.5, "0.5", None])
@pytest.mark.parametrize("name", ["Dropout", "AlphaDropout", "GaussianDropout"])
def test_bad_rate(name, rate):
    with pytest.raises(ValueError, match="`rate` must be a number from 0 to 1 but is"):
        getattr(layers, name)(rate)


def test_weights_of_another_layer():
    layer = layers.Dense(3)
    layer(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"weight 'dense.*/kernel' has shape \(4, 3\) but"):
        layer.set_weights([np.ones((3, 4)), np.ones(3)])
    with pytest.raises(ValueError, match="has 2 weights but set_weights got 1"):
        layer.set_weights([np.ones((4, 3))])
    layer.set_weights([np.ones((4, 3)), np.ones(3)])
    assert layer(np.ones((1, 4))).tolist() == [[5.0, 5.0, 5.0]]


def test_weights_given_before_building():
    layer = layers.Dense(1, weights=[np.full((2, 1), 3.0), np.zeros(1)])
    assert layer(np.ones((1, 2))).tolist() == [[6.0]]


def test_integers_and_doubles_are_cast():
    assert layers.Dense(2)(np.ones((2, 3), int)).dtype == np.float32
    assert layers.Flatten()(np.ones((2, 3))).dtype == np.float32
    assert layers.Dense(2, dtype="float64")(np.ones((2, 3), "float32")).dtype == np.float64


def test_results_own_their_memory():
    x = np.ones((2, 3), "float32")
    for layer in (layers.Flatten(), layers.Dropout(0.5), layers.Identity(), layers.Reshape((3,))):
        y = layer(x)
        y[:] = 7
        assert (x == 1).all()


def test_a_mask_ends_at_a_layer_that_does_not_know_it():
    step = Step(batch_size=2)
    step.mask = np.ones((2, 3), bool)
    layers.Dense(2)(np.ones((2, 3, 2)), mask=step.mask)
    with pytest.warns(UserWarning, match="Flatten 'flat' does not support masks"):
        layers.Flatten(name="flat").apply(np.ones((2, 3, 2)), step)
    assert step.mask is None


def test_shape_and_name_arguments():
    assert arguments.as_shape(5, "who", "input_dim") == (5,)
    with pytest.raises(ValueError, match="who: `shape` must be a tuple of positive whole numbers"):
        arguments.as_shape((3, 0), "who", "shape")
    assert layers.Dense(3, input_shape=(4,)).input_hint == (None, 4)
    assert layers.Dense(3, input_dim=4).input_hint == (None, 4)
    assert layers.Dense(3, batch_input_shape=(8, 4)).input_hint == (8, 4)
    with pytest.raises(ValueError, match="`name` must be a text without '/'"):
        layers.Dense(3, name="a/b")
    with pytest.raises(ValueError, match="`dtype` must be 'float32' or 'float64'"):
        layers.Dense(3, dtype="complex64")
