"""Dropout and noise: distributions, seeds, noise shapes, shards."""

import numpy as np
import pytest

from kerasish import layers
from kerasish.step import Step
from kerasish.testing import in_shards

X = np.ones((200, 50), "float32")


def trained(layer, x=X, **options):
    step = Step(training=True, batch_size=len(x), **{"seed": 1, "counter": 1, **options})
    return layer.apply(x, step)[0]


def test_dropout_drops_and_scales():
    y = trained(layers.Dropout(0.25))
    assert set(np.unique(y)) == {np.float32(0), np.float32(4 / 3)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert y.dtype == np.float32


def test_dropout_of_everything_and_nothing():
    assert not trained(layers.Dropout(1)).any()
    assert trained(layers.Dropout(0)) is X
    assert trained(layers.GaussianNoise(0)) is X


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dropout(0.5),
        layers.AlphaDropout(0.5),
        layers.GaussianDropout(0.5),
        layers.GaussianNoise(0.5),
        layers.Identity(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_inference_lets_the_input_through_without_a_copy(layer):
    y, backward = layer.apply(X, Step(batch_size=len(X), recording=True))
    assert y is X
    assert backward(X) is X


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).standard_normal((500, 200)).astype("float32")
    y = trained(layers.AlphaDropout(0.3), x)
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02
    assert y.dtype == np.float32


def test_gaussian_layers():
    x = 2 * X
    y = trained(layers.GaussianDropout(0.2), x)
    assert abs(y.mean() - 2) < 0.03
    assert abs(y.std() - 2 * 0.5) < 0.03
    y = trained(layers.GaussianNoise(0.3), x)
    assert abs(y.mean() - 2) < 0.02
    assert abs(y.std() - 0.3) < 0.02
    assert y.dtype == np.float32


def test_random_numbers_follow_seed_counter_and_shard():
    layer = layers.Dropout(0.5)
    same = trained(layer)
    assert np.array_equal(trained(layer), same)
    for change in ({"seed": 2}, {"counter": 2}, {"shard": 1}):
        assert not np.array_equal(trained(layer, **change), same)
    own = layers.Dropout(0.5, seed=7)
    assert np.array_equal(trained(own, seed=2), trained(own))
    assert not np.array_equal(trained(own, counter=2), trained(own))


@pytest.mark.parametrize("seed", [None, 3])
def test_standalone_calls_differ(seed):
    layer = layers.Dropout(0.5, seed=seed)
    assert not np.array_equal(layer(X, training=True), layer(X, training=True))
    if seed is not None:
        again = layers.Dropout(0.5, seed=seed), layers.Dropout(0.5, seed=seed)
        assert np.array_equal(again[0](X, training=True), again[1](X, training=True))


def test_noise_shape_shares_the_mask():
    x = np.ones((6, 5, 4), "float32")
    y = trained(layers.Dropout(0.5, noise_shape=(None, 1, 4)), x)
    assert (y == y[:, :1]).all()
    assert len(np.unique(y.reshape(6, -1), axis=0)) > 1
    y = trained(layers.Dropout(0.5, noise_shape=(6, 5, 1)), x)
    assert (y == y[:, :, :1]).all()


def test_noise_shape_over_the_batch_is_one_mask_for_all_shards():
    x = np.ones((6, 50), "float32")
    layer = layers.Dropout(0.5, noise_shape=(1, 50))

    def shard(rows, number, exchange):
        return trained(layer, x[rows], shard=number, rows=rows, exchange=exchange)

    y = np.concatenate(in_shards(shard, [slice(0, 2), slice(2, 6)]))
    assert (y == y[:1]).all()
    assert (y == 0).any()


@pytest.mark.parametrize("shape", ["abc", 3, (1, 0), (None, -1), (1, 2.5)])
def test_bad_noise_shape(shape):
    with pytest.raises(ValueError, match="`noise_shape` must be a tuple of positive whole"):
        layers.Dropout(0.5, noise_shape=shape)


def test_noise_shape_that_does_not_fit():
    with pytest.raises(ValueError, match=r"`noise_shape` \(None, 3\) does not fit inputs of shape"):
        trained(layers.Dropout(0.5, noise_shape=(None, 3)))
    with pytest.raises(ValueError, match="does not fit inputs"):
        trained(layers.Dropout(0.5, noise_shape=(1,)))


@pytest.mark.parametrize("name", ["AlphaDropout", "GaussianDropout"])
def test_rates_below_one(name):
    with pytest.raises(ValueError, match="`rate` must be below 1"):
        getattr(layers, name)(1.0)


def test_bad_deviation():
    with pytest.raises(ValueError, match="`stddev` must be a number from 0 to 1"):
        layers.GaussianNoise(2)


def test_activity_regularization_is_a_mean_over_the_batch():
    step = Step(recording=True, batch_size=2)
    x = np.array([[1.0, -2.0], [3.0, 0.0]], "float32")
    _, backward = layers.ActivityRegularization(l1=0.1, l2=0.2).apply(x, step)
    assert step.losses == [pytest.approx((0.1 * 6 + 0.2 * 14) / 2)]
    expected = (0.1 * np.sign(x) + 0.4 * x) / 2
    assert np.allclose(backward(np.zeros_like(x)), expected)
