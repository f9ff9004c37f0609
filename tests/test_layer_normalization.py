"""Batch and layer normalisation: statistics, freezing, masks, shards, numerics."""

import numpy as np
import pytest

from kerasish import layers
from kerasish.kernels import moments
from kerasish.step import Step, commit
from kerasish.testing import in_shards

RNG = np.random.default_rng(3)
X = (5 + 2 * RNG.standard_normal((64, 3))).astype("float32")


def test_training_moves_the_averages_with_the_biased_variance():
    layer = layers.BatchNormalization(momentum=0.9)
    y = layer(X, training=True)
    assert np.abs(y.mean(0)).max() < 1e-5
    assert np.allclose(layer.moving_mean.value, 0.1 * X.mean(0), atol=1e-5)
    assert np.allclose(layer.moving_variance.value, 0.9 + 0.1 * X.var(0), atol=1e-5)


def test_inference_uses_and_keeps_the_averages():
    layer = layers.BatchNormalization()
    y = layer(X)
    assert np.allclose(y, X / np.sqrt(1.001), atol=1e-6)
    assert not layer.moving_mean.value.any()


def test_frozen_layers_infer():
    layer = layers.BatchNormalization(trainable=False)
    assert np.array_equal(layer(X, training=True), layer(X))
    assert not layer.moving_mean.value.any()
    layer.trainable = True
    layer(X, training=True)
    assert layer.moving_mean.value.all()


def test_trainability_is_what_the_model_was_compiled_with():
    layer = layers.BatchNormalization()
    layer.ensure_built((None, 3))
    step = Step(training=True, batch_size=64)
    step.frozen = frozenset([layer])
    y, _ = layer.apply(X, step)
    assert np.allclose(y, X / np.sqrt(1.001), atol=1e-6)
    assert not step.updates
    layer.trainable = False
    step.frozen = frozenset()
    layer.apply(X, step)
    assert len(step.updates) == 2


def test_used_twice_in_a_step_the_averages_move_twice():
    layer = layers.BatchNormalization(momentum=0.5)
    layer.ensure_built((None, 3))
    step = Step(training=True, batch_size=64)
    layer.apply(X, step)
    layer.apply(X, step)
    commit([step])
    assert np.allclose(layer.moving_mean.value, 0.75 * X.mean(0), atol=1e-5)


def test_weights_are_in_the_order_of_keras():
    layer = layers.BatchNormalization(name="bn")
    layer(X)
    assert [w.path for w in layer.weights] == [
        "bn/gamma",
        "bn/beta",
        "bn/moving_mean",
        "bn/moving_variance",
    ]
    assert [w.name for w in layer.trainable_weights] == ["gamma", "beta"]
    assert len(layers.BatchNormalization(center=False, scale=False).weights) == 0


def test_large_means_do_not_cancel():
    x = (1e4 + RNG.standard_normal((256, 4))).astype("float32")
    y = layers.BatchNormalization(epsilon=0)(x, training=True)
    exact = x.astype("float64")
    exact = (exact - exact.mean(0)) / exact.std(0)
    assert np.abs(y - exact).max() < 5e-3
    row = layers.LayerNormalization(epsilon=1e-9)(x.T[:, :256])
    exact = x.T.astype("float64")
    exact = (exact - exact.mean(1, keepdims=True)) / exact.std(1, keepdims=True)
    assert np.abs(row - exact).max() < 5e-3


def test_masked_rows_do_not_count():
    x = RNG.standard_normal((4, 3, 2)).astype("float32")
    mask = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1]], bool)
    changed = np.where(mask[..., None], x, 1e6).astype("float32")
    layer = layers.BatchNormalization()
    y, z = layer(x, training=True, mask=mask), layer(changed, training=True, mask=mask)
    assert np.array_equal(y[mask], z[mask])
    assert np.allclose(y[mask].mean(0), 0, atol=1e-5)


def test_bad_masks():
    with pytest.raises(ValueError, match="mask of one dimension less than its inputs"):
        layers.BatchNormalization()(X, training=True, mask=np.ones((64, 3)))
    with pytest.raises(ValueError, match="channels on the last axis"):
        layers.BatchNormalization(axis=1)(np.ones((2, 3, 4)), training=True, mask=np.ones((2, 3)))


def test_moments_over_shards():
    masks = None, RNG.random(64) < 0.6
    for mask in masks:
        rows = X if mask is None else X[mask]

        def shard(part, number, exchange, mask=mask):
            step = Step(batch_size=64, rows=part, shard=number, exchange=exchange)
            return moments(X[part], step, None if mask is None else mask[part])

        parts = [slice(0, 10), slice(10, 40), slice(40, 64)]
        results = in_shards(shard, parts)
        for mean, variance, count in results:
            assert np.allclose(mean, rows.mean(0), atol=1e-5)
            assert np.allclose(variance, rows.var(0), atol=1e-5)
            assert count == pytest.approx(len(rows))
            assert mean.dtype == variance.dtype == np.float32


def test_arguments_of_batch_normalization():
    with pytest.raises(ValueError, match="does not take `renorm`: batch renormalisation"):
        layers.BatchNormalization(renorm=True)
    with pytest.raises(TypeError, match="`axis` must be one whole number but is"):
        layers.BatchNormalization(axis=[1, 2])
    with pytest.raises(ValueError, match="out of bounds"):
        layers.BatchNormalization(axis=3)(X)
    assert layers.BatchNormalization(axis=[3]).axis == 3
    assert layers.BatchNormalization(synchronized=True).get_config()["synchronized"] is True
    config = {"renorm": False, "renorm_clipping": None, "renorm_momentum": 0.99}
    assert layers.BatchNormalization.from_config(config).get_config()["renorm"] is False


def test_a_wrong_channel_count_is_named():
    layer = layers.BatchNormalization(name="bn")
    layer(X)
    with pytest.raises(ValueError, match=r"BatchNormalization 'bn' expects inputs of shape"):
        layer(np.ones((2, 4)))


def test_layer_normalization():
    x = RNG.standard_normal((4, 3, 5)).astype("float32")
    layer = layers.LayerNormalization(axis=[-1, 1], epsilon=1e-9)
    y = layer(x)
    assert layer.gamma.shape == (5, 3)  # as in Keras: negative axes come first
    assert np.allclose(y.mean(axis=(1, 2)), 0, atol=1e-6)
    assert np.allclose(y.std(axis=(1, 2)), 1, atol=1e-5)
    layer = layers.LayerNormalization(axis=1, epsilon=1e-9)
    assert np.allclose(layer(x).mean(axis=1), 0, atol=1e-6)
    layer = layers.LayerNormalization(rms_scaling=True)
    assert np.allclose(layer(x), x / np.sqrt(x.var(-1, keepdims=True) + 1e-3), atol=1e-5)
    assert layer.beta is None


def test_arguments_of_layer_normalization():
    with pytest.raises(TypeError, match="`axis` must be a whole number or a list of them"):
        layers.LayerNormalization(axis=1.5)
    with pytest.raises(ValueError, match="out of bounds"):
        layers.LayerNormalization(axis=2)(X)
