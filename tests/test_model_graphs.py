"""Model: chains in the functional style, parts of models, and models with their own `call`."""

import copy
import pickle

import numpy as np
import pytest

import kerasish as ks
from kerasish import layers

X = np.random.default_rng(0).standard_normal((20, 4)).astype("float32")
Y = np.arange(20) % 3


def chain():
    start = ks.Input((4,), name="features")
    x = layers.Dense(5, activation="tanh", name="hidden")(start)
    x = layers.Dropout(0.5, name="drop")(x)
    return ks.Model(inputs=start, outputs=layers.Dense(3, activation="softmax", name="head")(x))


def test_a_chain_of_layers_is_a_sequential():
    model = chain()
    assert isinstance(model, ks.Sequential)
    assert isinstance(model, ks.Model)
    assert [layer.name for layer in model.layers] == ["hidden", "drop", "head"]
    assert model.built
    assert model.input_shape == (None, 4)
    model.compile("sgd", "sparse_categorical_crossentropy").fit(X, Y, epochs=2, verbose=0)
    twin = ks.models.model_from_json(model.to_json())
    twin.set_weights(model.get_weights())
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_part_of_a_model_shares_its_weights():
    model = chain()
    part = ks.Model(model.input, model.layers[0].output)
    assert part.layers == model.layers[:1]
    kernel, bias = model.layers[0].get_weights()
    expected = np.tanh(X @ kernel + bias)
    np.testing.assert_allclose(part.predict(X, verbose=0), expected, atol=1e-6)
    rest = ks.Model(model.layers[1].input, model.output)
    assert rest.input_shape == (None, 5)
    both = rest.predict(part.predict(X, verbose=0), verbose=0)
    np.testing.assert_allclose(both, model.predict(X, verbose=0), atol=1e-6)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_know_their_chain(twin):
    model = twin(chain())
    assert ks.Model(model.input, model.get_layer("hidden").output).output_shape == (None, 5)


def test_a_new_head_on_an_old_body():
    body = chain()
    body.trainable = False
    model = ks.Model(body.input, layers.Dense(2)(body.layers[0].output))
    assert model.output_shape == (None, 2)
    before = body.layers[0].get_weights()
    model.compile("sgd", "mse").fit(X, X[:, :2], verbose=0)
    assert all(map(np.array_equal, before, body.layers[0].get_weights()))


def test_a_model_is_a_layer_of_a_chain():
    start = ks.Input((4,))
    model = ks.Model(start, layers.Dense(1)(chain()(start)), name="outer")
    assert model.output_shape == (None, 1)
    assert model.name == "outer"


def test_a_layer_outside_of_a_model_has_no_output():
    with pytest.raises(AttributeError, match="Dense 'd' has no input and output of its own"):
        layers.Dense(3, name="d").output  # noqa: B018


class Residual(ks.Model):
    """What no Sequential can be: the input comes in twice."""

    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(4, activation="tanh", name="inner")
        self.drop = layers.Dropout(0.2)
        self.head = layers.Dense(3, activation="softmax")

    def call(self, inputs, training=False):
        x = inputs + self.inner(inputs)
        return self.head(self.drop(x, training=training))


def test_a_model_with_its_own_call_learns():
    pytest.importorskip("autograd")
    ks.set_random_seed(0)
    model = Residual()
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(X, Y, epochs=30, batch_size=4, validation_split=0.2, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert "val_accuracy" in history
    assert [layer.name for layer in model.layers[:1]] == ["inner"]
    assert model.count_params() == 35
    y = model.predict(X, verbose=0)
    assert y.shape == (20, 3)
    assert np.array_equal(model(X), y)
    assert len(model.evaluate(X, Y, verbose=0)) == 2
    twin = copy.deepcopy(model)
    assert np.array_equal(twin.predict(X, verbose=0), y)


def test_its_gradient_is_that_of_the_same_sequential():
    pytest.importorskip("autograd")

    class Plain(ks.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(5, activation="tanh"), layers.Dense(1)

        def call(self, inputs):
            return self.b(self.a(inputs))

    ours = Plain()
    ours.compile(ks.optimizers.SGD(0.1), "mse")
    ours.build((None, 4))
    same = ks.Sequential([layers.Dense(5, activation="tanh"), layers.Dense(1)])
    same.build((None, 4))
    same.set_weights(ours.get_weights())
    same.compile(ks.optimizers.SGD(0.1), "mse")
    for model in (ours, same):
        model.fit(X, X[:, 0], epochs=3, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
