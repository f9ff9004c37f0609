"""Old spellings of Keras 1 and 2: each works and says the new one, once."""

import warnings

import numpy as np
import pytest

import kerasish as ks
from kerasish import layers, optimizers, spellings

X = np.random.default_rng(0).standard_normal((24, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    """Every test sees the first use of a spelling."""
    monkeypatch.setattr(spellings, "_warned", set())


LAYERS = [
    ("Dense", {"output_dim": 3}, {"units": 3}),
    ("Dense", {"units": 3, "init": "uniform"}, {"units": 3, "kernel_initializer": "uniform"}),
    ("Dense", {"units": 3, "W_regularizer": "l2"}, {"units": 3, "kernel_regularizer": "l2"}),
    ("Dense", {"units": 3, "bias": False}, {"units": 3, "use_bias": False}),
    ("Dropout", {"p": 0.3}, {"rate": 0.3}),
    ("GaussianNoise", {"sigma": 0.3}, {"stddev": 0.3}),
    (
        "Conv2D",
        {"nb_filter": 4, "kernel_size": 3, "border_mode": "same", "subsample": (2, 2)},
        {"filters": 4, "kernel_size": 3, "padding": "same", "strides": (2, 2)},
    ),
    (
        "MaxPooling2D",
        {"dim_ordering": "tf", "border_mode": "same"},
        {"data_format": "channels_last", "padding": "same"},
    ),
    ("MaxPooling1D", {"pool_length": 3, "stride": 2}, {"pool_size": 3, "strides": 2}),
    ("Conv1D", {"nb_filter": 4, "filter_length": 3}, {"filters": 4, "kernel_size": 3}),
    ("LeakyReLU", {"alpha": 0.2}, {"negative_slope": 0.2}),
    ("BatchNormalization", {"gamma_init": "zeros"}, {"gamma_initializer": "zeros"}),
]


@pytest.mark.parametrize(("name", "old", "new"), LAYERS)
def test_layers(name, old, new):
    with pytest.warns(DeprecationWarning, match=rf"{name}: `\w+` is an old spelling\. Write "):
        layer = getattr(layers, name)(**old, name="layer")
    assert layer.get_config() == getattr(layers, name)(**new, name="layer").get_config()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        getattr(layers, name)(**old)  # once is enough


def test_the_warning_points_at_the_users_line():
    with pytest.warns(DeprecationWarning, match="Dense: `output_dim`") as record:
        layers.Dense(output_dim=3)
    assert record[0].filename == __file__


def test_both_spellings_at_once_are_refused():
    with pytest.raises(TypeError, match=r"Unrecognized .* \{'output_dim': 3\}"):
        layers.Dense(4, output_dim=3)


def test_lr_and_decay():
    with pytest.warns(DeprecationWarning, match=r"SGD: `lr` .* Write learning_rate=0\.5"):
        sgd = optimizers.SGD(lr=0.5)
    assert float(sgd.learning_rate) == 0.5
    spellings._warned.clear()
    with pytest.warns(DeprecationWarning, match="SGD: `lr`"):
        sgd.lr = 0.25
    assert float(sgd.lr) == 0.25
    with pytest.warns(DeprecationWarning, match=r"`decay` .*=InverseTimeDecay\(0\.1, "):
        adam = optimizers.Adam(0.1, epsilon=None, decay=0.5)
    assert adam.epsilon == 1e-7
    assert adam.rate(0) == pytest.approx(0.1)
    assert adam.rate(4) == pytest.approx(0.1 / (1 + 0.5 * 4))  # Keras 2's formula
    adam.learning_rate = 0.3
    assert adam.rate(4) == pytest.approx(0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizers.Nadam(0.002, beta_1=0.9, schedule_decay=0.004, decay=0.0)


def compiled(metric="accuracy"):
    model = ks.Sequential([layers.Dense(1, activation="sigmoid", input_dim=4)])
    return model.compile("sgd", "binary_crossentropy", metrics=[metric])


@pytest.mark.parametrize(("metric", "other"), [("accuracy", "acc"), ("acc", "accuracy")])
def test_the_history_under_both_names(metric, other):
    seen = []

    class Stop(ks.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(logs.get(other))

    model = compiled(metric)
    early = ks.callbacks.EarlyStopping(monitor=f"val_{other}", patience=5)
    options = {"validation_split": 0.25, "verbose": 0, "callbacks": [Stop(), early]}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        history = model.fit(X, Y, **options).history
        assert history[other] == history[metric] == seen
        assert history[f"val_{other}"] == history[f"val_{metric}"]
    words = [str(warning.message) for warning in told]
    assert [w.partition(" is an")[0] for w in words] == [
        f"EarlyStopping: monitor='val_{other}'",
        f"History: '{other}'",
        f"History: 'val_{other}'",
    ]
    assert f"val_{other}" in history
    assert list(history) == sorted(["loss", "val_loss", metric, f"val_{metric}"])
    with pytest.raises(KeyError):
        history["precision"]


def batches(size=6):
    while True:
        for i in range(0, 24, size):
            yield X[i : i + size], Y[i : i + size]


def test_generators():
    model = compiled()
    with pytest.warns(DeprecationWarning, match=r"fit_generator\(\) .* Write fit\(\)"):
        history = model.fit_generator(
            batches(), 4, 2, verbose=0, validation_data=batches(), validation_steps=2, workers=4
        )
    assert len(history.history["val_loss"]) == 2
    with pytest.warns(DeprecationWarning, match="epochs=3"):
        history = model.fit_generator(
            batches(), samples_per_epoch=24, nb_epoch=3, verbose=0, nb_worker=1, pickle_safe=True
        )
    assert len(history.epoch) == 3
    with pytest.warns(DeprecationWarning, match="evaluate_generator"):
        found = model.evaluate_generator(batches(), 4)
    np.testing.assert_allclose(found, model.evaluate(X, Y, verbose=0), atol=1e-6)
    with pytest.warns(DeprecationWarning, match="predict_generator"):
        y = model.predict_generator((X[i : i + 6] for i in range(0, 24, 6)), steps=4)
    np.testing.assert_allclose(y, model.predict(X, verbose=0), atol=1e-6)


def test_classes_and_probabilities():
    model = compiled()
    y = model.predict(X, verbose=0)
    with pytest.warns(DeprecationWarning, match="predict_classes"):
        assert np.array_equal(model.predict_classes(X), (y > 0.5).astype(int))
    with pytest.warns(DeprecationWarning, match="predict_proba"):
        assert np.array_equal(model.predict_proba(X), y)
    many = ks.Sequential([layers.Dense(3, activation="softmax", input_dim=4)])
    assert np.array_equal(many.predict_classes(X), many.predict(X, verbose=0).argmax(-1))


def test_fit_and_compile():
    model = compiled()
    with pytest.warns(DeprecationWarning, match=r"fit\(\): `nb_epoch` .* Write epochs=2"):
        assert len(model.fit(X, Y, nb_epoch=2, verbose=0).epoch) == 2
    model.compile("Adam", "mse", metrics="accuracy", sample_weight_mode=None)
    with pytest.raises(TypeError, match="Did you mean 'epochs'"):
        model.fit(X, Y, epoch=2)
