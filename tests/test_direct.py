"""One small batch, predicted again and again: a model that is kept prepared."""

import concurrent.futures
import pickle

import numpy as np

import kerasish
from kerasish import Sequential, layers


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
