"""Layers done together: convolution with pooling, Dense with Dense. The same bits as apart."""

import importlib.util

import numpy as np
import pytest

from kerasish import Sequential, layers
from kerasish.kernels import columns, compiled, winograd
from kerasish.layers.convolution import Conv
from kerasish.layers.core import Dense
from kerasish.step import Arena, Step

HAS_NUMBA = importlib.util.find_spec("numba") is not None
PATHS = ["0", pytest.param("1", marks=pytest.mark.skipif(not HAS_NUMBA, reason="needs numba"))]
RNG = np.random.default_rng(3)


@pytest.fixture(params=PATHS, ids=["numpy", "compiled"], autouse=True)
def path(request, monkeypatch):
    """On plain NumPy and on kernels, a few images at a time."""
    monkeypatch.setattr(columns, "BLOCK", 9_000)
    monkeypatch.setattr(winograd, "IMAGES", 60_000)
    monkeypatch.setattr(winograd, "MANY_TILES", 1)
    with compiled.forced(request.param):
        yield


def make(conv, pool, shape):
    ends = [layers.Flatten(), layers.Dense(2)]
    model = Sequential([layers.Input(shape), conv, pool, *ends], seed=0)
    model.compile("sgd", "mse")
    return model


def passes(model, x, seed=7):
    """Output, dLoss/dx and gradients of one step in an arena, and the memory that it took."""
    step = Step(training=True, recording=True, batch_size=len(x), seed=seed, arena=Arena())
    step.grads = {w: np.full_like(w.value, np.nan) for w in model.trainable_weights}
    y, backward = model.apply(x, step)
    dx = backward(np.cos(np.arange(y.size, dtype="float32")).reshape(y.shape))
    found = [np.array(a) for a in (y, dx, *step.grads.values())]
    return found, step.arena.nbytes


def apart(monkeypatch):
    monkeypatch.setattr(Conv, "joined", lambda self, following: None)


JOINED = {
    "winograd": (
        lambda: layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D,
        (14, 14, 16),
    ),
    "few channels": (
        lambda: layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D,
        (11, 9, 3),
    ),
    "linear": (lambda: layers.Conv2D(5, 2), layers.MaxPooling2D, (9, 9, 4)),
    "no bias": (
        lambda: layers.Conv2D(16, 3, activation="relu", use_bias=False),
        layers.MaxPooling2D,
        (14, 14, 16),
    ),
    "overlapping windows": (
        lambda: layers.Conv2D(8, 3, activation="relu"),
        lambda: layers.MaxPooling2D(3, strides=2),
        (12, 12, 3),
    ),
    "groups and strides": (
        lambda: layers.Conv2D(8, 3, strides=2, groups=2, activation="relu"),
        layers.MaxPooling2D,
        (13, 13, 4),
    ),
    "steps": (lambda: layers.Conv1D(16, 3, activation="relu"), layers.MaxPooling1D, (40, 6)),
    "volumes": (lambda: layers.Conv3D(4, 2, activation="relu"), layers.MaxPooling3D, (6, 6, 6, 2)),
}


@pytest.mark.parametrize("case", JOINED)
def test_joined_layers_give_the_same_bits_in_less_memory(case, monkeypatch):
    conv, pool, shape = JOINED[case]
    model = make(conv(), pool(), shape)
    assert model.layers[0].joined(model.layers[1:]) is not None
    x = RNG.standard_normal((11, *shape)).astype("float32")
    found, memory = passes(model, x)
    predicted = model.predict(x, verbose=0)
    apart(monkeypatch)
    expected, more = passes(model, x)
    for a, b in zip(found, expected, strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(predicted, model.predict(x, verbose=0))
    assert memory < more


@pytest.mark.parametrize("frozen", ["first", "all"])
def test_frozen_layers(frozen, monkeypatch):
    conv, pool, shape = JOINED["winograd"]
    model = make(conv(), pool(), shape)
    for layer in model.layers[: 1 if frozen == "first" else None]:
        layer.trainable = False
    model.compile("sgd", "mse")
    x, y = RNG.standard_normal((6, *shape)).astype("float32"), np.zeros((6, 2), "float32")
    start = model.get_weights()
    loss = model.train_on_batch(x, y)
    trained = model.get_weights()
    assert np.array_equal(start[0], trained[0])
    model.set_weights(start)
    apart(monkeypatch)
    assert model.train_on_batch(x, y) == loss
    assert all(np.array_equal(a, b) for a, b in zip(trained, model.get_weights(), strict=True))


def test_what_is_not_finite_is_found_as_without_joining(monkeypatch):
    conv, pool, shape = JOINED["winograd"]
    model = make(conv(), pool(), shape)
    x = RNG.standard_normal((4, *shape)).astype("float32")
    x[2, 5, 5, 3] = np.inf
    with np.errstate(invalid="ignore"):
        (found, *_), _ = passes(model, x)
        apart(monkeypatch)
        (expected, *_), _ = passes(model, x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert np.isfinite(found[[0, 1, 3]]).all()
    assert not np.isfinite(found[2]).all()


class Doubled(layers.Conv2D):
    """A subclass with a forward of its own."""

    def forward(self, x, step):
        return super().forward(2 * x, step)


SEPARATE = {
    "another activation": (layers.Conv2D(4, 3, activation="tanh"), layers.MaxPooling2D()),
    "penalty": (layers.Conv2D(4, 3, activity_regularizer="l2"), layers.MaxPooling2D()),
    "averages": (layers.Conv2D(4, 3), layers.AveragePooling2D()),
    "padding": (layers.Conv2D(4, 3), layers.MaxPooling2D(padding="same")),
    "not pooling": (layers.Conv2D(4, 3), layers.Dropout(0.5)),
    "a subclass": (Doubled(4, 3), layers.MaxPooling2D()),
}


@pytest.mark.parametrize("case", SEPARATE)
def test_layers_that_stay_apart(case):
    conv, pool = SEPARATE[case]
    assert conv.joined([pool]) is None


def test_a_subclass_is_called_before_its_pool():
    shape = (8, 8, 2)
    model = make(Doubled(4, 3), layers.MaxPooling2D(), shape)
    plain = make(layers.Conv2D(4, 3), layers.MaxPooling2D(), shape)
    plain.set_weights(model.get_weights())
    x = RNG.standard_normal((3, *shape)).astype("float32")
    found, expected = model.predict(x, verbose=0), plain.predict(2 * x, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# --- Dense layers in a row ------------------------------------------------------------------------

RUNS = {  # units and activations, rows
    "classifier": ([(512, "relu"), (96, "relu"), (10, "softmax")], 64),
    "autoencoder": ([(128, "relu"), (32, "relu"), (128, None), (200, "sigmoid")], 33),
    "ends in relu": ([(70, None), (64, "relu")], 5),
    "ends in tanh": ([(100, "relu"), (80, "tanh")], 40),
    "few rows": ([(512, "relu"), (512, "relu")], 3),
    "many rows": ([(300, "relu"), (200, "relu")], 200),
    "too many rows": ([(64, "relu"), (64, "relu")], 600),
    "one unit": ([(128, "relu"), (1, "sigmoid")], 32),
}


def dense_model(units, **options):
    made = [layers.Dense(n, activation, **options) for n, activation in units]
    model = Sequential([layers.Input((150,)), *made], seed=0)
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("use_bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("case", RUNS)
def test_a_run_of_dense_layers_gives_the_same_bits(case, use_bias, monkeypatch):
    units, rows = RUNS[case]
    model = dense_model(units, use_bias=use_bias)
    count, _ = model.layers[0].joined(model.layers[1:])
    assert count == len(units)
    x = np.maximum(RNG.standard_normal((rows, 150)), 0).astype("float32")
    found, _ = passes(model, x)
    monkeypatch.setattr(Dense, "joined", lambda self, following: None)
    expected, _ = passes(model, x)
    for a, b in zip(found, expected, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("frozen", [[], [0], [1], [0, 1, 2]])
def test_a_run_with_weights_that_are_frozen_or_not_finite(place, frozen, monkeypatch):
    model = dense_model(RUNS["classifier"][0])
    for k in frozen:
        model.layers[k].trainable = False
    x = np.maximum(RNG.standard_normal((64, 150)), 0).astype("float32")
    start = model.get_weights()
    spoilt = [np.array(a) for a in start]
    spoilt[2 * place][3, 2] = np.inf
    for weights in start, spoilt:
        model.set_weights(weights)
        with np.errstate(invalid="ignore"):
            found, _ = passes(model, x)
        with monkeypatch.context() as inner, np.errstate(invalid="ignore"):
            inner.setattr(Dense, "joined", lambda self, following: None)
            expected, _ = passes(model, x)
        for a, b in zip(found, expected, strict=True):
            assert np.array_equal(a, b, equal_nan=True)


def test_what_ends_a_run():
    class Own(layers.Dense):
        pass

    def count(*following):
        Sequential([layers.Input((8,)), first, *following])
        found = first.joined(following)
        return 1 if found is None else found[0]

    first = layers.Dense(4, "relu")
    assert count(layers.Dense(3, "relu"), layers.Dense(2)) == 3
    assert count(layers.Dense(3, "tanh"), layers.Dense(2)) == 2
    assert count(layers.Dense(3, "relu"), layers.Dropout(0.5), layers.Dense(2)) == 2
    assert count(layers.Dense(3, "relu"), layers.Dense(2, activity_regularizer="l2")) == 2
    assert count(Own(3)) == 1
    assert count() == 1
    first = layers.Dense(4, "tanh")
    assert count(layers.Dense(3)) == 1
    patched = layers.Dense(3)
    first = layers.Dense(4, "relu")
    patched.forward = patched.forward
    assert count(patched) == 1


def test_a_layer_that_comes_twice_is_no_part_of_a_run():
    twice = layers.Dense(150, "relu")
    model = Sequential([layers.Input((150,)), twice, layers.Dense(150, "relu"), twice], seed=0)
    model.compile("sgd", "mse")
    x = RNG.standard_normal((64, 150)).astype("float32")
    (y, *_), _ = passes(model, x)
    expected = np.asarray(twice(model.layers[1](twice(x))))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
