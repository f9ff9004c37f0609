"""Sequential: making, building, describing and copying models."""

import copy
import json
import pickle

import numpy as np
import pytest

import kerasish as ks
from kerasish import layers, models

RNG = np.random.default_rng(0)
X = RNG.standard_normal((64, 8)).astype("float32")
Y = RNG.integers(0, 3, 64)


def classifier(**options):
    return ks.Sequential(
        [
            layers.Dense(8, activation="relu"),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax"),
        ],
        seed=3,
        **options,
    )


def trained(epochs=2):
    model = classifier()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=epochs, verbose=0)
    return model


def same(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a.get_weights(), b.get_weights(), strict=True))


# --- making ----------------------------------------------------------------------------------


def test_layers_may_be_objects_or_configs_of_either_form():
    model = ks.Sequential(
        [
            {"class_name": "Dense", "config": {"units": 4, "activation": "tanh"}},
            {"class_name": "Dropout", "rate": 0.2},
            layers.Dense(2),
        ]
    )
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dropout", "Dense"]
    assert model.layers[0].units == 4
    assert model.layers[1].rate == 0.2


@pytest.mark.parametrize(
    ("first", "shape"),
    [
        ([layers.Input((5,)), layers.Dense(2)], (None, 5)),
        ([layers.Input(batch_shape=(7, 5)), layers.Dense(2)], (7, 5)),
        ([layers.InputLayer(shape=(5,)), layers.Dense(2)], (None, 5)),
        ([layers.Dense(2, input_shape=(5,))], (None, 5)),
        ([layers.Dense(2, input_shape=(3, 5))], (None, 3, 5)),
        ([layers.Dense(2, input_dim=5)], (None, 5)),
        ([layers.Dense(2, batch_input_shape=(None, 5))], (None, 5)),
    ],
)
def test_the_input_shape_can_be_stated_in_each_of_keras_ways(first, shape):
    model = ks.Sequential(first)
    assert model.built
    assert model.input_shape == shape
    assert model.output_shape == (*shape[:-1], 2)
    assert len(model.layers) == 1


def test_without_a_shape_the_model_is_built_by_the_first_data():
    model = classifier()
    assert not model.built
    assert model.weights == []
    model.predict(X, verbose=0)
    assert model.input_shape == (None, 8)
    assert model.count_params() == 72 + 32 + 27


def test_add_and_pop_keep_what_was_learnt():
    model = trained()
    before = model.get_weights()
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2)
    model.pop()
    assert model.output_shape == (None, 3)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.fit(X, Y, verbose=0)


def test_get_layer_by_name_and_index():
    model = classifier()
    assert model.get_layer(index=-1) is model.layers[-1]
    assert model.get_layer(model.layers[0].name) is model.layers[0]


def test_models_nest():
    inner = ks.Sequential([layers.Dense(4, activation="tanh"), layers.Dense(4)])
    model = ks.Sequential([layers.Input((8,)), inner, layers.Dense(1)])
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit(X, X[:, :1], verbose=0)
    assert not np.array_equal(before[0], inner.get_weights()[0])
    assert model.weights[0] is inner.layers[0].kernel
    rebuilt = ks.Sequential.from_config(model.get_config())
    rebuilt.set_weights(model.get_weights())
    np.testing.assert_array_equal(rebuilt.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_layer_used_twice_has_one_set_of_weights_and_both_gradients():
    layer = layers.Dense(8, activation="tanh", use_bias=False)
    model = ks.Sequential([layer, layer], seed=0)
    model.compile(ks.optimizers.SGD(1.0), "mse")
    model.build((None, 8))
    w = layer.kernel.numpy().astype("float64")
    model.train_on_batch(X, X)
    hidden = np.tanh(X @ w)
    out = np.tanh(hidden @ w)
    dz2 = 2 * (out - X) / X.size * (1 - out**2)
    dz1 = (dz2 @ w.T) * (1 - hidden**2)
    expected = w - (hidden.T @ dz2 + X.T @ dz1)
    np.testing.assert_allclose(layer.kernel.numpy(), expected, atol=1e-6)


def test_half_of_an_autoencoder_shares_its_weights():
    both = ks.Sequential([layers.Dense(3, "tanh", input_dim=8), layers.Dense(8)])
    both.compile("sgd", "mse")
    encoder = ks.Sequential(both.layers[:1])
    before = encoder.predict(X, verbose=0)
    both.fit(X, X, verbose=0)
    after = encoder.predict(X, verbose=0)
    assert not np.array_equal(before, after)
    np.testing.assert_allclose(after, both.layers[0](X), rtol=1e-6)


def test_in_a_gan_each_compile_learns_what_it_was_told():
    make = layers.Dense
    generator = ks.Sequential([make(8, "relu", input_shape=(4,)), make(8)], name="generator")
    judge = ks.Sequential([make(8, "relu", input_shape=(8,)), make(1, "sigmoid")], name="judge")
    judge.compile("adam", "binary_crossentropy")
    judge.trainable = False
    gan = ks.Sequential([generator, judge])
    gan.compile("adam", "binary_crossentropy")
    ours, theirs = generator.get_weights(), judge.get_weights()
    gan.train_on_batch(RNG.standard_normal((16, 4)), np.ones((16, 1)))
    assert all(np.array_equal(a, b) for a, b in zip(theirs, judge.get_weights(), strict=True))
    assert not np.array_equal(ours[0], generator.get_weights()[0])
    ours = generator.get_weights()
    judge.train_on_batch(X, np.ones((64, 1)))
    assert not np.array_equal(theirs[0], judge.get_weights()[0])
    assert all(np.array_equal(a, b) for a, b in zip(ours, generator.get_weights(), strict=True))


def test_a_frozen_layer_stays_and_can_be_thawed_by_compiling_again():
    model = trained()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert np.array_equal(before[0], model.get_weights()[0])
    assert not np.array_equal(before[-1], model.get_weights()[-1])
    model.layers[0].trainable = True
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(before[0], model.get_weights()[0])


# --- using -----------------------------------------------------------------------------------


def test_calls_chain_and_results_are_arrays_with_numpy():
    model = classifier().compile("adam", "sparse_categorical_crossentropy")
    y = model(X)
    assert isinstance(y, np.ndarray)
    assert type(y.numpy()) is np.ndarray
    np.testing.assert_allclose(y.numpy().sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(y, model.predict(X, verbose=0), rtol=1e-6)


def test_single_batches():
    model = trained()
    results = model.train_on_batch(X, Y, return_dict=True)
    assert sorted(results) == ["accuracy", "loss"]
    assert model.test_on_batch(X, Y) == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)
    np.testing.assert_array_equal(model.predict_on_batch(X), model.predict(X, 64, verbose=0))


def test_metrics_auto_is_accuracy_where_the_loss_classifies():
    model = classifier().compile("adam", "sparse_categorical_crossentropy", metrics="auto")
    assert list(model.fit(X, Y, verbose=0).history) == ["accuracy", "loss"]
    model = ks.Sequential([layers.Dense(1)]).compile("adam", "mse", metrics="auto")
    assert list(model.fit(X, Y, verbose=0).history) == ["loss"]


def test_metrics_names_and_their_order():
    model = classifier()
    model.compile(
        "adam",
        "categorical_crossentropy",
        metrics=["acc", ks.metrics.Precision(name="p"), "mse"],
        weighted_metrics=["mse"],
    )
    assert model.metrics_names == ["loss", "acc", "p", "mse", "weighted_mse"]
    model.fit(X, np.eye(3)[Y], verbose=0)
    assert len(model.evaluate(X, np.eye(3)[Y], verbose=0)) == 5
    assert [m.name for m in model.metrics[:2]] == ["acc", "p"]


def test_array_valued_metrics_stay_arrays():
    model = classifier()
    metric = ks.metrics.Recall(average=None, name="recall")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=[metric])
    history = model.fit(X, Y, epochs=2, validation_data=(X, Y), verbose=0).history
    assert [value.shape for value in history["recall"]] == [(3,), (3,)]
    assert history["val_recall"][1].shape == (3,)


def test_a_loss_from_probabilities_that_saturate_still_has_a_gradient():
    model = ks.Sequential([layers.Dense(2, "softmax", kernel_initializer="zeros", input_dim=1)])
    model.compile(ks.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    model.set_weights([np.array([[500.0, -500.0]]), np.zeros(2)])
    loss = model.train_on_batch(np.ones((1, 1)), np.array([1]))
    assert loss == pytest.approx(1000)
    np.testing.assert_allclose(model.get_weights()[0], [[499, -499]])


def test_users_layers_losses_and_metrics_written_in_numpy():
    class Gate(layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.inner = layers.Dense(4)

        def build(self, input_shape):
            self.w = self.add_weight(
                shape=(input_shape[-1], self.units), initializer="glorot_uniform", name="w"
            )

        def call(self, inputs):
            return np.tanh(self.inner(np.dot(inputs, self.w)))

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    def rmse(y_true, y_pred):
        return np.sqrt(np.mean((y_true - y_pred) ** 2))

    model = ks.Sequential([Gate(5), layers.Dense(1)], seed=0)
    model.compile("adam", rmse, metrics=[rmse])
    history = model.fit(X, X[:, :1], epochs=60, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert model.layers[0].get_config()["units"] == 5
    assert model.layers[0].output_shape == (None, 4)


# --- describing ------------------------------------------------------------------------------


def test_summary_before_and_after_build():
    model, text = classifier(name="net"), []
    model.summary(print_fn=text.append)
    assert 'Model: "net"' in text[0]
    assert "0 (unbuilt)" in text[0]
    model.build((None, 8))
    model.summary(print_fn=text.append, line_length=80)
    assert "(None, 8)" in text[1]
    assert " Total params: 131 (524.00 B)" in text[1]
    assert " Non-trainable params: 16 (64.00 B)" in text[1]
    table = [line for line in text[1].splitlines() if line[:1] in "┏┃┡│├└"]
    assert {len(line) for line in table} == {80}


def test_summary_counts_the_optimizer_from_the_first_step_on():
    text = []
    model = ks.Sequential([layers.Dense(2, input_shape=(3,))])
    model.compile("adam", "mse")
    model.summary(print_fn=text.append)
    assert " Total params: 8 (32.00 B)" in text[0]
    assert "Optimizer" not in text[0]
    model.train_on_batch(np.zeros((1, 3)), np.zeros((1, 2)))
    model.summary(print_fn=text.append)
    assert " Optimizer params: 18 " in text[1]


def test_summary_is_the_one_of_keras():
    text = []
    model = ks.Sequential(
        [layers.Input((6, 6, 4)), layers.BatchNormalization(), layers.Flatten(), layers.Dense(10)],
        name="cnn",
    )
    model.summary(print_fn=text.append, line_length=88)
    assert text[0].splitlines()[3:7] == [
        "┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━┩",
        f"│ {model.layers[0].name:36} │ (None, 6, 6, 4)             │              16 │",
        "│ (BatchNormalization)                 │                             │                 │",
        "├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤",
    ]


def test_json_goes_there_and_back():
    model = classifier()
    model.build((None, 8))
    twin = models.model_from_json(model.to_json())
    assert twin.get_config() == model.get_config()
    entry = json.loads(model.to_json())
    assert entry["module"] == "keras"
    assert entry["config"]["layers"][0]["class_name"] == "InputLayer"
    assert entry["config"]["build_input_shape"] == [None, 8]


# --- copying ---------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_goes_on_training_to_the_same_bits(make):
    model = trained()
    twin = make(model)
    assert same(model, twin)
    a = model.fit(X, Y, epochs=2, verbose=0).history
    b = twin.fit(X, Y, epochs=2, verbose=0).history
    assert a == b
    assert same(model, twin)
    assert twin.layers[0].kernel.value.base is twin.layers[-1].kernel.value.base  # one store


def test_a_clone_has_fresh_weights():
    model = trained()
    twin = models.clone_model(model)
    assert twin.get_config() == model.get_config()
    assert not twin.compiled
    assert not np.array_equal(twin.get_weights()[0], model.get_weights()[0])
    other = models.clone_model(model, clone_function=lambda layer: layer)
    assert other.layers[0] is model.layers[0]


def test_the_seed_decides_the_weights():
    a, b, c = classifier(), classifier(), ks.Sequential([layers.Dense(8)], seed=4)
    for model in (a, b, c):
        model.build((None, 8))
    assert same(a, b)
    assert not np.array_equal(a.get_weights()[0], c.get_weights()[0])
    ks.set_random_seed(5)
    first = ks.Sequential([layers.Dense(8, input_dim=3)]).get_weights()
    ks.set_random_seed(5)
    second = ks.Sequential([layers.Dense(8, input_dim=3)]).get_weights()
    np.testing.assert_array_equal(first[0], second[0])


def test_data_that_end_early_end_the_fit_and_say_so_once():
    def batches(count):
        for _ in range(count):
            yield np.ones((4, 2)), np.ones((4, 1))

    model = ks.Sequential([layers.Dense(1)]).compile("sgd", "mse")
    for count, steps, expected in [(3, None, [0]), (3, 2, [0, 1]), (4, 2, [0, 1])]:
        with pytest.warns(UserWarning, match="ran out of data") as caught:
            history = model.fit(batches(count), steps_per_epoch=steps, epochs=3, verbose=0)
        assert len(caught) == 1
        assert history.epoch == expected
        assert all(loss > 0 for loss in history.history["loss"])


# --- predictions of small batches ---------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8", "bool"])
def test_small_batches_are_predicted_directly_and_alike(dtype, monkeypatch):
    model = ks.Sequential([layers.Dense(8, "tanh"), layers.Dense(3, "softmax")], seed=0)
    model.build((None, 5))
    x = (np.random.default_rng(0).random((7, 5)) * 3).astype(dtype)
    quick = [model.predict(x), model.predict_on_batch(x), model.predict(x, batch_size=7)]
    monkeypatch.setattr("kerasish.training.direct.SMALL_FLOP", 0)
    for y in quick:
        np.testing.assert_allclose(y, model.predict(x), rtol=1e-6)
        assert y.dtype == np.float32
        assert y.flags.owndata


def test_what_is_predicted_directly_owns_its_memory():
    x = np.ones((2, 4), "float32")
    for stack in ([layers.Identity()], [layers.Reshape((2, 2))], [layers.Flatten()]):
        model = ks.Sequential([layers.Input((4,)), *stack])
        for y in (model.predict(x), model.predict_on_batch(x)):
            y[...] = 5
            assert (x == 1).all()


def test_predictions_that_overflow_give_no_warning():
    model = ks.Sequential([layers.Input((2,)), layers.Dense(2, "exponential")], seed=0)
    for rows in (1, 40):
        for y in (model.predict(np.full((rows, 2), 1e30)), model(np.full((rows, 2), 1e30))):
            assert len(y) == rows
