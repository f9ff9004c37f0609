"""Convolution and pooling: real Keras's numbers, memory, ties, formats and errors."""

import importlib.util
import pathlib
import tracemalloc

import numpy as np
import pytest

from kerasish import Sequential, layers
from kerasish.kernels import columns
from kerasish.layers import spatial
from kerasish.step import Step
from kerasish.testing import check_layer

GOLDEN = pathlib.Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def already_warned(monkeypatch):
    """The word on the cost of channels first has a test of its own."""
    monkeypatch.setattr(spatial, "_warned", {"channels_first"})


# --- numbers of real Keras ----------------------------------------------------------------------


def _load_cases():
    spec = importlib.util.spec_from_file_location("cases", GOLDEN / "image_layer_cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


CASES = _load_cases()


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "image_layers.npz") as file:
        return dict(file)


def assert_near(found, expected):
    assert found.shape == expected.shape
    error = np.abs(found - expected).max(initial=0)
    assert error <= 1e-5 * max(1, np.abs(expected).max(initial=0))


def run(layer, x, dy=None):
    """Output, dLoss/dx and gradients; `dy` defaults to ones."""
    layer.ensure_built((None, *x.shape[1:]))
    step = Step(recording=True, batch_size=len(x))
    step.grads = {w: np.full_like(w.value, np.nan) for w in layer.trainable_weights}
    y, backward = layer.apply(x, step)
    dx = backward(np.ones_like(y) if dy is None else dy)
    return y, dx, [step.grads[w] for w in layer.trainable_weights]


@pytest.mark.parametrize("block", [columns.BLOCK, 40], ids=["whole", "cut"])
@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_agrees_with_keras(number, block, golden, monkeypatch):
    monkeypatch.setattr(columns, "BLOCK", block)
    name, arguments, shape = CASES[number]
    data = {k.partition("/")[2]: v for k, v in golden.items() if k.startswith(f"{number}/")}
    layer = getattr(layers, name)(**arguments)
    layer.ensure_built((None, *shape[1:]))
    layer.set_weights([v for k, v in data.items() if k.startswith("weight")])
    y, dx, gradients = run(layer, data["x"], data["dy"])
    assert_near(y, data["y"])
    assert_near(dx, data["dx"])
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *data["y"].shape[1:])
    for i, gradient in enumerate(gradients):
        assert_near(gradient, data[f"gradient_{i}"])


# --- particulars --------------------------------------------------------------------------------


def test_average_leaves_padding_out():
    y, dx, _ = run(layers.AveragePooling1D(2, padding="same"), np.float32([[[1], [3], [5]]]))
    assert y.ravel().tolist() == [2, 5]
    assert dx.ravel().tolist() == [0.5, 0.5, 1]


def test_ties_send_the_gradient_to_the_first_maximum():
    x = np.zeros((1, 3, 3, 1), "float32")
    for layer in (
        layers.MaxPooling2D(3),
        layers.GlobalMaxPooling2D(),
        layers.AdaptiveMaxPooling2D(1),
    ):
        _, dx, _ = run(layer, x)
        assert dx.ravel().tolist() == [1, *[0] * 8]
    _, dx, _ = run(layers.MaxPooling2D(2, 1), x)
    assert dx.ravel().tolist() == [1, 1, 0, 1, 1, 0, 0, 0, 0]
    x = np.float32([[0, 1], [1, 0]]).reshape(1, 2, 2, 1)
    _, dx, _ = run(layers.AdaptiveMaxPooling2D(1), x)
    assert dx.ravel().tolist() == [0, 1, 0, 0]


def test_windows_of_more_than_256_elements():
    x = np.zeros((1, 20, 20, 1), "float32")
    x[0, 19, 19] = 1
    _, dx, _ = run(layers.MaxPooling2D(20), x)
    assert np.array_equal(dx, x)


def test_mask_of_global_average():
    x = np.float32([[[1], [3], [5]]])
    found = layers.GlobalAveragePooling1D()(x, mask=[[True, True, False]])
    assert found.tolist() == [[2.0]]
    step = Step(batch_size=1)
    step.mask = np.ones((1, 3), bool)
    layers.GlobalAveragePooling1D().apply(x, step)
    assert step.mask is None


def test_sizes_that_are_not_known():
    conv = layers.Conv2D(4, 3, strides=2, padding="same")
    assert conv.compute_output_shape((None, None, 9, 3)) == (None, None, 5, 4)
    assert layers.MaxPooling2D().compute_output_shape((None, None, 9, 3)) == (None, None, 4, 3)
    conv(np.zeros((1, 8, 8, 3)))
    assert conv(np.zeros((1, 12, 6, 3))).shape == (1, 6, 3, 4)


def test_third_argument_is_strides():
    assert layers.Convolution2D(32, 3, 3).strides == (3, 3)
    assert layers.MaxPool2D is layers.MaxPooling2D
    assert layers.get("MaxPool2D").name.startswith("max_pooling2d")


def test_activity_regularizer_stands_where_keras_writes_it():
    config = layers.Conv2D(4, 3, activity_regularizer="l2").get_config()
    assert list(config)[3:5] == ["activity_regularizer", "filters"]
    assert layers.Conv2D.from_config(config).get_config() == config


def test_memory_does_not_grow_with_the_batch():
    """Beyond input, output and gradients only a few images' windows are held."""
    x = np.ones((64, 32, 32, 16), "float32")
    layer = layers.Conv2D(16, 3, padding="same")
    run(layer, x)  # loads what is compiled, whose memory is not the layer's
    tracemalloc.start()
    run(layer, x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * x.nbytes + 6e6  # y, dy, dx; all windows at once are 9 * x.nbytes


@pytest.mark.slow
def test_memory_of_a_wide_convolution():
    """64 images of 64x64x64 to 64 channels, forward and backward, input included."""
    layer = layers.Conv2D(64, 3, padding="same")
    run(layer, np.ones((4, 64, 64, 64), "float32"))  # loads what is compiled
    tracemalloc.start()
    x = np.ones((64, 64, 64, 64), "float32")
    run(layer, x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6  # x, y, dy and dx alone are 268e6


def test_transposed_convolution_is_the_gradient_of_a_convolution():
    """A convolution's dLoss/dx, for dLoss/dy = x, with the same kernel and window."""
    rng = np.random.default_rng(0)
    conv = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)
    back = layers.Conv2DTranspose(2, 3, strides=2, padding="same", use_bias=False)
    image, x = rng.standard_normal((2, 6, 8, 2)), rng.standard_normal((2, 3, 4, 4))
    image, x = image.astype("float32"), x.astype("float32")
    _, dx, _ = run(conv, image, x)
    back.ensure_built(x.shape)
    back.set_weights(conv.get_weights())
    assert_near(back(x).numpy(), dx)


def test_flops_count_every_place():
    layer = layers.Conv2D(4, 3, groups=2)
    layer.ensure_built((None, 8, 8, 6))
    assert layer.flops((None, 8, 8, 6), (None, 6, 6, 4)) == 2 * 9 * 3 * 4 * 36
    layer = layers.Conv2D(4, 3, data_format="channels_first")
    layer.ensure_built((None, 6, 8, 8))
    assert layer.flops((None, 6, 8, 8), (None, 4, 6, 6)) == 2 * 9 * 6 * 4 * 36

    layer = layers.Conv2DTranspose(4, 3, strides=2)
    layer.ensure_built((None, 8, 6, 5))
    assert layer.flops((None, 8, 6, 5), (None, 17, 13, 4)) == 2 * 9 * 5 * 4 * 48
    layer = layers.SeparableConv2D(4, 3, depth_multiplier=2)
    layer.ensure_built((None, 8, 8, 6))
    assert layer.flops((None, 8, 8, 6), (None, 6, 6, 4)) == 2 * 36 * (9 * 12 + 12 * 4)


def test_a_small_net_learns():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 8, 8, 1)).astype("float32") / 4
    y = np.arange(64) % 2
    x[y == 1, 2:6, 3] += 2
    x[y == 0, 3, 2:6] += 2
    net = [
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(2, activation="softmax"),
    ]
    model = Sequential(net)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    model.fit(x, y, epochs=8, batch_size=16, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] > 0.95


# --- formats ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: layers.Conv2D(2, 2, data_format="channels_first"), (2, 2, 3, 4)),
        (lambda: layers.MaxPooling1D(2, data_format="channels_first"), (2, 2, 5)),
        (lambda: layers.GlobalAveragePooling2D("channels_first", True), (2, 2, 3, 2)),
    ],
)
def test_channels_first(layer, shape):
    check_layer(layer(), shape)


def test_cost_of_channels_first_is_said_once(monkeypatch):
    monkeypatch.setattr(spatial, "_warned", set())
    with pytest.warns(UserWarning, match="Conv2D 'c': data_format='channels_first' is computed by"):
        layers.Conv2D(2, 2, data_format="channels_first", name="c")
    layers.Conv2D(2, 2, data_format="channels_first")


# --- errors -------------------------------------------------------------------------------------


def test_missing_channel_axis():
    message = (
        r"Conv2D 'c' expects inputs of shape \(N, height, width, channels\) but got "
        r"\(N, 28, 28\)\. Add the channel axis: x\[\.\.\., None\]\."
    )
    with pytest.raises(ValueError, match=message):
        layers.Conv2D(2, 3, name="c")(np.zeros((2, 28, 28)))
    with pytest.raises(ValueError, match=r"Conv2D 'd' \(layer 0\) expects inputs of shape \(N, h"):
        Sequential([layers.Conv2D(2, 3, name="d")]).build((None, 28, 28))
    with pytest.raises(ValueError, match=r"MaxPooling2D 'p' expects inputs of shape \(N, height"):
        layers.MaxPooling2D(name="p")(np.zeros((2, 28)))
    with pytest.raises(ValueError, match=r"\(N, steps, channels\) but got \(N, 3\)"):
        layers.GlobalMaxPooling1D()(np.zeros((2, 3)))


def test_other_number_of_channels():
    layer = layers.Conv2D(2, 3, name="c")
    layer(np.zeros((2, 5, 5, 3)))
    with pytest.raises(ValueError, match=r"\(N, height, width, 3\) but got \(N, 5, 5, 1\)"):
        layer(np.zeros((2, 5, 5, 1)))
    with pytest.raises(ValueError, match="number of channels must be known"):
        layers.Conv2D(2, 3).build((None, 5, 5, None))


def test_kernel_larger_than_the_input():
    with pytest.raises(
        ValueError, match=r"kernel of \(5, 5\) is larger than its input of \(4, 9\)"
    ):
        layers.Conv2D(2, 5)(np.zeros((1, 4, 9, 1)))
    with pytest.raises(ValueError, match=r"kernel of \(3,\) dilated by \(4,\) is larger"):
        layers.Conv1D(2, 3, dilation_rate=4)(np.zeros((1, 8, 1)))
    with pytest.raises(
        ValueError, match=r"window of \(2, 2\) is larger than its input of \(1, 9\)"
    ):
        layers.MaxPooling2D()(np.zeros((1, 1, 9, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strides": 2, "dilation_rate": 2}, "`strides` > 1 together with `dilation_rate` > 1"),
        ({"groups": 3}, "`groups`=3 must divide the number of filters, 4"),
        ({"padding": "full"}, "`padding` must be 'valid' or 'same' but is 'full'"),
        ({"padding": "causal"}, "Only Conv1D pads causally"),
        ({"kernel_size": (3, 3, 3)}, "`kernel_size` must be a positive whole number or a tuple of"),
        ({"kernel_size": 0}, "`kernel_size` must be a positive whole number"),
        ({"strides": 1.5}, "`strides` must be a positive whole number"),
        ({"filters": 0}, "`filters` must be a positive whole number"),
        ({"groups": 0}, "`groups` must be a positive whole number"),
        ({"data_format": "NHWC"}, "`data_format` must be 'channels_last' or 'channels_first'"),
        ({"lora_rank": 2}, "does not take `lora_rank`"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.Conv2D(**{"filters": 4, "kernel_size": 3, **arguments})


def test_groups_that_do_not_divide_the_channels():
    with pytest.raises(ValueError, match="`groups`=2 must divide the number of input channels, 3"):
        layers.Conv2D(4, 3, groups=2)(np.zeros((1, 5, 5, 3)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output_padding": 2, "strides": 2}, "'t': `output_padding` must be less than `strides`"),
        ({"output_padding": -1}, "`output_padding` must be a whole number from 0 up"),
        ({"output_padding": (0, 0, 0)}, "`output_padding` must be a whole number from 0 up"),
        ({"strides": 2, "dilation_rate": 2}, "`strides` > 1 together with `dilation_rate` > 1"),
        ({"padding": "causal"}, "`padding` must be 'valid' or 'same' but is 'causal'"),
        ({"filters": -1}, "`filters` must be a positive whole number"),
    ],
)
def test_bad_arguments_of_transposed_convolution(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.Conv2DTranspose(**{"filters": 4, "kernel_size": 3, "name": "t", **arguments})


def test_bad_inputs_of_transposed_and_separable_convolution():
    layer = layers.Conv2DTranspose(2, 3, name="t")
    with pytest.raises(ValueError, match=r"Conv2DTranspose 't' expects .* channels\) but got"):
        layer(np.zeros((1, 4, 4)))
    layer(np.zeros((1, 4, 4, 3)))
    with pytest.raises(ValueError, match=r"\(N, height, width, 3\) but got \(N, 4, 4, 1\)"):
        layer(np.zeros((1, 4, 4, 1)))
    layer = layers.Conv1DTranspose(2, 2, padding="same", output_padding=0)
    with pytest.raises(ValueError, match=r"padding='same' leaves no output for an input of \(1,"):
        layer(np.zeros((1, 1, 3)))
    with pytest.raises(ValueError, match=r"'s': a kernel of \(5, 5\) is larger than its input"):
        layers.SeparableConv2D(2, 5, name="s")(np.zeros((1, 4, 9, 1)))
    with pytest.raises(ValueError, match="`depth_multiplier` must be a positive whole number"):
        layers.SeparableConv1D(2, 5, depth_multiplier=0)
    with pytest.raises(ValueError, match=r"'s': `strides` > 1 together with `dilation_rate` > 1"):
        layers.SeparableConv2D(2, 3, strides=2, dilation_rate=2, name="s")


def test_aliases():
    for rank in "123":
        assert getattr(layers, f"Convolution{rank}DTranspose") is getattr(
            layers, f"Conv{rank}DTranspose"
        )
    assert layers.SeparableConvolution2D is layers.SeparableConv2D
    assert isinstance(
        layers.get({"class_name": "SeparableConvolution1D", "filters": 2, "kernel_size": 3}),
        layers.SeparableConv1D,
    )


def test_borders_and_factors():
    with pytest.raises(ValueError, match=r"`cropping`=\(.*\) leaves nothing of an input of shape"):
        layers.Cropping2D(2)(np.zeros((1, 4, 9, 1)))
    with pytest.raises(ValueError, match="`padding` must be a whole number, or one or a pair for"):
        layers.ZeroPadding2D((1, 2, 3))
    with pytest.raises(ValueError, match="`padding` must be a whole number from 0 up"):
        layers.ZeroPadding1D(-1)
    with pytest.raises(ValueError, match="`size` must be a positive whole number"):
        layers.UpSampling2D(0)
    with pytest.raises(ValueError, match="`interpolation` must be 'bilinear', 'nearest', "):
        layers.UpSampling2D(2, interpolation="cubic")
    with pytest.raises(ValueError, match="`output_size` must be a positive whole number or a tup"):
        layers.AdaptiveMaxPooling2D(0)
    with pytest.raises(ValueError, match=r"\(N, height, width, channels\) but got \(N, 5, 5\)"):
        layers.AdaptiveAveragePooling2D(2)(np.ones((1, 5, 5)))


def test_spatial_dropout_drops_whole_channels():
    y = layers.SpatialDropout2D(0.5, seed=1)(np.ones((8, 3, 3, 8)), training=True).numpy()
    assert set(np.unique(y)) == {0, 2}
    assert (y == y[:, :1, :1]).all()
    config = layers.SpatialDropout2D(0.5).get_config()
    assert list(config) == ["rate", "seed", "name", "dtype", "data_format"]
