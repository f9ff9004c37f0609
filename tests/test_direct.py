"""One small batch, predicted again and again: a model that is kept prepared."""

import concurrent.futures
import importlib.util
import pickle

import numpy as np
import pytest

import kerasish
from kerasish import Sequential, config, layers
from kerasish.kernels import compiled
from kerasish.training import direct

HAS_NUMBA = importlib.util.find_spec("numba") is not None
needs_numba = pytest.mark.skipif(not HAS_NUMBA, reason="needs numba")


def small_classifier():
    model = Sequential([layers.Dense(6, activation="relu"), layers.Dense(3, activation="softmax")])
    model.build((None, 4))
    return model


def test_predictions_of_a_shape_seen_before_are_the_same_bits():
    """From the third on the model is a prepared list of functions."""
    model, x = small_classifier(), np.random.default_rng(0).random((1, 4), "float32")
    first, *others = [model.predict(x, verbose=0) for _ in range(4)]
    for y in others:
        np.testing.assert_array_equal(y, first)
        assert y.flags.owndata
    x[...] = 0.5
    np.testing.assert_array_equal(others[0], first)  # it is not the model's memory
    np.testing.assert_array_equal(model.predict(x, verbose=0), np.asarray(model(x)))


def test_prepared_predictions_notice_every_change_of_the_model():
    model, x = small_classifier(), np.ones((1, 4), "float32")
    for change in (
        lambda: None,
        lambda: model.set_weights([w * 2 for w in model.get_weights()]),
        lambda: model.layers[0].kernel.assign(np.ones((4, 6))),
        lambda: setattr(model.layers[0], "activation", kerasish.activations.tanh),
        lambda: model.add(layers.Dense(2)),
        lambda: Sequential([model, layers.Dense(1)]).build((None, 4)),  # moves the weights
        lambda: model.layers[0].kernel.assign(np.zeros((4, 6))),
        lambda: model.pop(),
    ):
        change()
        for _ in range(3):
            np.testing.assert_array_equal(model.predict(x, verbose=0), np.asarray(model(x)))
    pickle.loads(pickle.dumps(model)).predict(x, verbose=0)


def test_threads_that_predict_at_once_do_not_share_memory():
    model = small_classifier()
    xs = np.random.default_rng(0).random((8, 1, 4), "float32")
    expected = [np.asarray(model(x)) for x in xs]

    def work(i):
        return all(np.array_equal(model.predict(xs[i], verbose=0), expected[i]) for _ in range(50))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def convnet(size=12, channels=3, **options):
    return Sequential(
        [
            layers.Input((size, size, channels)),
            layers.Conv2D(16, 3, padding="same", activation="relu", **options),
            layers.Conv2D(24, 3, activation="relu", **options),
            layers.MaxPooling2D(2),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        seed=1,
    )


def mixture():
    return Sequential(
        [
            layers.Input((10, 10, 2)),
            layers.GaussianNoise(0.1),
            layers.Conv2D(8, 3, strides=2, activation="tanh"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(6, (1, 2), dilation_rate=2, groups=2, use_bias=False),
            layers.AveragePooling2D(2),
            layers.GlobalMaxPooling2D(),
            layers.Dense(3),
        ],
        seed=1,
    )


def sequences():
    return Sequential(
        [
            layers.Input((20, 4)),
            layers.Conv1D(16, 3, padding="causal", activation="elu"),
            layers.MaxPooling1D(3, padding="same"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, activation="sigmoid"),
        ],
        seed=1,
    )


def wide():
    """So much work that a batch of 32 is cut into shards."""
    stack = [layers.Dense(300, activation="relu"), layers.Dense(400, activation="relu")]
    return Sequential([layers.Input((500,)), *stack, layers.Dense(10, activation="softmax")])


def in_a_loop(model, x):
    """Predictions the way that many batches go."""
    return model.predict(np.concatenate([x, x]), batch_size=len(x), verbose=0)[: len(x)]


def count_chains(model):
    return sum(len(chains or ()) for chains in model._prepared[2].values())


@pytest.mark.parametrize("kernels", ["auto", "0"])
@pytest.mark.parametrize("rows", [1, 3, 32])
@pytest.mark.parametrize("make", [convnet, mixture, sequences, wide])
def test_a_prepared_model_gives_the_bits_of_a_loop(make, rows, kernels, monkeypatch):
    monkeypatch.setattr(config, "num_threads", lambda: 2)
    with compiled.forced(kernels):
        model = make()
        x = np.random.default_rng(0).standard_normal((rows, *model.input_shape[1:]), "float32")
        expected = in_a_loop(model, x)
        for _ in range(4):
            y = model.predict(x, verbose=0)
            np.testing.assert_array_equal(y, expected)
            assert y.flags.owndata
            assert y.flags.writeable
        assert count_chains(model) == 1


@needs_numba
def test_a_kept_kernel_is_transformed_again_when_any_of_its_bits_changes():
    model = convnet(size=16, channels=16)
    x = np.random.default_rng(0).random((1, 16, 16, 16), "float32")
    kernels = [layer.kernel for layer in model.layers[:2]]
    for change in (
        lambda: None,
        lambda: kernels[0].value.__setitem__((0, 0, 0, 0), 7),
        lambda: kernels[1].value.__setitem__((2, 2, 15, 23), -3),
        lambda: kernels[1].assign(np.zeros(kernels[1].shape)),
        lambda: kernels[0].value.__setitem__((1, 1, 3, 3), np.nan),
        lambda: kernels[0].assign(np.ones(kernels[0].shape)),
    ):
        change()
        with compiled.forced("1"):
            expected = in_a_loop(model, x)
            again = [model.predict(x, verbose=0) for _ in range(3)]
        for y in again:
            np.testing.assert_array_equal(y, expected)


@needs_numba
def test_images_with_nan_are_predicted_as_in_a_loop():
    model = convnet(size=16, channels=16)
    x = np.random.default_rng(0).random((2, 16, 16, 16), "float32")
    x[0, 3, 3, 3] = np.inf
    with compiled.forced("1"):
        expected = in_a_loop(model, x)
        again = [model.predict(x, verbose=0) for _ in range(3)]
    for y in again:
        np.testing.assert_array_equal(y, expected)
    assert np.isfinite(expected[1]).all()
    assert not np.isfinite(expected[0]).all()


def test_little_memory_is_kept(monkeypatch):
    """Of models and batches that need much of it, nothing is; shapes are counted."""
    model = convnet()
    for rows in range(1, 40):
        for _ in range(2):
            model.predict_on_batch(np.zeros((rows, 12, 12, 3)))
    assert 1 <= count_chains(model) <= direct.MOST_SHAPES
    monkeypatch.setattr(direct, "MOST_ELEMENTS", 10_000)
    model = convnet()
    for _ in range(3):
        y = model.predict_on_batch(np.zeros((4, 12, 12, 3)))
    assert count_chains(model) == 0
    assert y.shape == (4, 10)


def test_a_prediction_that_is_interrupted_leaves_the_model_prepared():
    model, x = wide(), np.ones((32, 500), "float32")
    for _ in range(2):
        expected = model.predict(x, verbose=0)
    chain = next(iter(model._prepared[2].values()))[0]
    parts = chain._shards[0][2]
    last = parts[-1]
    parts[-1] = lambda inputs: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        model.predict(x, verbose=0)
    parts[-1] = last
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    assert count_chains(model) == 1
