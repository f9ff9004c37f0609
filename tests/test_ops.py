"""`keras.ops` and `keras.backend`: which names there are, real Keras's numbers, and training."""

import importlib.util
import json
import pathlib

import numpy as np
import pytest

import kerasish as ks
from kerasish import autodiff, backend, layers, ops
from kerasish import backend as K
from kerasish.compat import random_names

GOLDEN = pathlib.Path(__file__).parent / "golden"
DATA = np.load(GOLDEN / "ops.npz")
NAMES = json.loads(str(DATA["names"]))
spec = importlib.util.spec_from_file_location("ops_cases", GOLDEN / "ops_cases.py")
cases = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cases)

REFUSED = {
    "ops": {
        "pooling to a number of windows: use the layers of these names": (
            "adaptive_average_pool adaptive_max_pool"
        ),
        "use the layers Conv1DTranspose, Conv2DTranspose, Conv3DTranspose": "conv_transpose",
        "rearrange with reshape and transpose": (
            "depth_to_space fold rearrange space_to_depth unfold"
        ),
        "decoding of speech: not in scope": "ctc_decode istft stft",
        "forward mode differentiation: the package autograd goes backward": "jvp",
        "no counterpart in NumPy": "lu_factor",
        "images: use the layers and kerasish.preprocessing.image": "image",
    },
    "backend": {
        "graphs of TensorFlow": "gradients rnn tf",
        "modules that happen to be visible": "itertools keras_export math np py_all py_any",
        "decoding of speech: not in scope": "ctc_batch_cost ctc_decode ctc_label_dense_to_sparse",
        "use the layers UpSampling2D, UpSampling3D, Conv2DTranspose": (
            "conv2d_transpose resize_images resize_volumes"
        ),
    },
    "random": {},
}
MODULES = {"ops": ops, "backend": backend, "random": random_names}


@pytest.mark.parametrize("place", MODULES)
def test_every_name_of_keras_is_there_or_refused_with_a_reason(place):
    refused = {name for names in REFUSED[place].values() for name in names.split()}
    missing = {name for name in NAMES[place] if not hasattr(MODULES[place], name)}
    assert missing == refused


def leaves(value):
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [np.asarray(value)]


@pytest.mark.parametrize("number", range(len(cases.CASES)), ids=lambda i: cases.CASES[i][0])
def test_numbers_are_those_of_keras(number):
    name, args, kwargs = cases.CASES[number]
    found = leaves(getattr(ops, name)(*args, **kwargs))
    for k, value in enumerate(found):
        expected = DATA[f"{number} {name} {k}"]
        assert value.shape == expected.shape
        scale = max(1, np.abs(expected).max(initial=0))
        gap = np.abs(value.astype(float) - expected.astype(float)).max(initial=0)
        assert gap <= 1e-5 * scale
        if expected.dtype.kind == "f":
            assert value.dtype == np.float32


DIFFERENTIABLE = [
    *("exp", "tanh", "sqrt", "log", "square", "abs", "sigmoid", "relu", "softmax", "gelu"),
    *("logsumexp", "erf", "rsqrt", "normalize", "layer_normalization"),
]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients(name):
    pytest.importorskip("autograd")
    x = np.random.default_rng(1).uniform(0.2, 0.9, (2, 3))
    function = getattr(ops, name)
    weights = np.arange(6.0).reshape(2, 3)

    def total(array):
        return np.sum(weights * function(array)) if name != "logsumexp" else function(array)

    gradient = autodiff.vjp(total, x)[1](1.0)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-6
        slope = (float(total(x + step)) - float(total(x - step))) / 2e-6
        assert gradient[index] == pytest.approx(slope, abs=1e-5)


X = np.random.default_rng(0).random((32, 5)).astype("float32")
Y = (X.sum(axis=1, keepdims=True) > 2.5).astype("float32")


def losses():
    o = ops

    def mse(y, p):
        return K.mean(K.square(p - y), axis=-1)

    def mse_ops(y, p):
        return o.mean(o.square(o.subtract(y, p)), axis=-1)

    def bce(y, p):
        p = K.clip(p, K.epsilon(), 1 - K.epsilon())
        return -K.mean(y * K.log(p) + (1 - y) * K.log(1 - p), axis=-1)

    def bce_ops(y, p):
        return o.mean(o.binary_crossentropy(y, p), axis=-1)

    def hinge(y, p):
        return K.mean(K.maximum(1.0 - (2 * y - 1) * p, 0.0), axis=-1)

    def log_cosh(y, p):
        return o.mean(p - y + o.softplus(-2 * (p - y)) - o.log(2.0), axis=-1)

    return [
        (mse, "mse"),
        (mse_ops, "mse"),
        (bce, "binary_crossentropy"),
        (bce_ops, "binary_crossentropy"),
        (hinge, "hinge"),
        (log_cosh, "log_cosh"),
    ]


def trained(loss, extra=(), metrics=None):
    stack = [layers.Dense(4, activation="tanh", input_dim=5), *extra, layers.Dense(1)]
    model = ks.Sequential([*stack, layers.Activation("sigmoid", activity_regularizer=None)], seed=1)
    model.compile(ks.optimizers.SGD(0.5), loss, metrics=metrics)
    history = model.fit(X, Y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
    return model.get_weights(), history


@pytest.mark.parametrize(("own", "name"), losses(), ids=lambda v: getattr(v, "__name__", v))
def test_losses_of_ones_own_train_as_those_built_in(own, name):
    pytest.importorskip("autograd")
    ours, history = trained(own)
    theirs, expected = trained(name)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
    np.testing.assert_allclose(history["loss"], expected["loss"], atol=1e-5)


class Twice(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], shape[-1]), initializer="identity")

    def call(self, x):
        return K.dot(x, self.kernel)


def test_layers_of_ones_own():
    pytest.importorskip("autograd")
    same = layers.Dense(4, use_bias=False, kernel_initializer="identity")
    for a, b in zip(trained("mse", [Twice()])[0], trained("mse", [same])[0], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    add = layers.Lambda(lambda x: K.squeeze(K.expand_dims(x, 1), 1) + 0 * K.sum(x))
    for a, b in zip(trained("mse", [add])[0], trained("mse")[0], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_metrics_need_no_gradient():
    def recall(y, p):
        right = K.sum(K.round(K.clip(y * p, 0, 1)))
        return right / (K.sum(K.round(K.clip(y, 0, 1))) + K.epsilon())

    history = trained("mse", metrics=[recall])[1]
    assert 0 <= history["recall"][-1] <= 1


def test_backend():
    x = np.arange(6.0, dtype="float32").reshape(2, 3)
    assert K.int_shape(x) == (2, 3)
    assert K.int_shape(ks.Input((3,))) == (None, 3)
    assert K.batch_flatten(x[:, None]).shape == (2, 3)
    assert K.batch_dot(x, x).tolist() == [[5.0], [50.0]]
    assert K.batch_dot(x[:, None], x[..., None]).shape == (2, 1, 1)
    assert K.dot(x, x.T).shape == (2, 2)
    assert K.dot(x[None], x.T).shape == (1, 2, 2)
    assert K.permute_dimensions(x, (1, 0)).shape == (3, 2)
    assert K.repeat(x, 4).shape == (2, 4, 3)
    assert K.switch(np.array([True, False]), x, 0 * x).tolist() == [[0, 1, 2], [0, 0, 0]]
    assert K.mean(x > 1) == pytest.approx(4 / 6)
    assert float(K.max(x)) == 5
    v = K.variable([1.0, 2.0])
    K.set_value(v, [3, 4])
    assert K.get_value(K.update_add(v, 1)).tolist() == [4, 5]
    assert K.l2_normalize(x, axis=1).shape == (2, 3)
    assert K.foldl(lambda a, b: a + b, x).tolist() == [3, 5, 7]
    assert K.spatial_2d_padding(np.ones((1, 2, 2, 1))).shape == (1, 4, 4, 1)
    assert K.relu(x - 2, max_value=2).max() == 2
    assert K.random_normal((2, 2), seed=1).tolist() == K.random_normal((2, 2), seed=1).tolist()
    assert K.learning_phase() == 0
    with K.get_session() as session:
        assert session.run([x])[0].shape == (2, 3)
    with pytest.raises(ValueError, match="expects 'channels_last' or 'channels_first' but got 'x'"):
        K.set_image_data_format("x")
    with pytest.raises(ValueError, match=r"Pass epsilon=0\.1"):
        K.set_epsilon(0.1)
    with pytest.raises(TypeError, match="set_value expects a weight"):
        K.set_value(3, 4)


def test_the_learning_rate_and_a_part_of_a_model():
    model = ks.Sequential([layers.Dense(4, input_dim=5), layers.Dense(1)])
    model.compile("adam", "mse")
    K.set_value(model.optimizer.learning_rate, 0.25)
    assert K.get_value(model.optimizer.learning_rate) == 0.25
    part = K.function([model.layers[0].input], [model.layers[0].output])
    kernel, bias = model.layers[0].get_weights()
    np.testing.assert_allclose(part([X])[0], X @ kernel + bias, atol=1e-6)


def test_loops():
    o = ops
    assert o.while_loop(lambda i: i < 5, lambda i: i + 2, 0) == 6
    assert o.fori_loop(0, 4, lambda i, v: v + i, 0) == 6
    carry, ys = o.scan(lambda c, x: (c + x, c * x), 0, np.array([1, 2, 3]))
    assert (int(carry), ys.tolist()) == (6, [0, 2, 9])
    assert o.cond(True, lambda: 1, lambda: 2) == 1
    assert o.switch(1, [lambda x: x, lambda x: -x], 3) == -3
    assert o.map(lambda row: row * 2, np.ones((2, 2))).tolist() == [[2, 2], [2, 2]]
    assert o.vectorized_map(lambda ab: ab[0] + ab[1], (np.ones(2), np.ones(2))).tolist() == [2, 2]
    assert o.associative_scan(lambda a, b: a + b, np.arange(4)).tolist() == [0, 1, 3, 6]
    assert o.convert_to_tensor([1.5]).numpy().tolist() == [1.5]


@pytest.mark.filterwarnings("ignore:.*channels_first")
def test_channels_first_by_default():
    K.set_image_dim_ordering("th")
    try:
        assert (K.image_data_format(), K.image_dim_ordering()) == ("channels_first", "th")
        stack = [layers.Conv2D(4, 3, input_shape=(3, 8, 6)), layers.MaxPooling2D()]
        assert ks.Sequential(stack).output_shape == (None, 4, 3, 2)
    finally:
        K.set_image_data_format("channels_last")
    assert layers.Conv2D(4, 3).data_format == "channels_last"
