"""Group, unit, RMS and spectral normalisation, and wrappers: meaning, training, errors."""

import numpy as np
import pytest

from kerasish import Sequential, layers
from kerasish.step import Step, commit
from kerasish.testing import in_shards

RNG = np.random.default_rng(3)
IMAGES = (5 + 2 * RNG.standard_normal((4, 3, 2, 6))).astype("float32")


def largest_singular_value(kernel):
    return np.linalg.norm(np.asarray(kernel).reshape(-1, kernel.shape[-1]), 2)


def test_groups_of_each_sample_are_standardised():
    y = layers.GroupNormalization(groups=2, epsilon=1e-9)(IMAGES).reshape(4, 6, 2, 3)
    assert np.allclose(y.mean(axis=(1, 3)), 0, atol=1e-5)
    assert np.allclose(y.std(axis=(1, 3)), 1, atol=1e-5)
    y = layers.GroupNormalization(groups=-1, epsilon=1e-9)(IMAGES)
    assert np.allclose(y.std(axis=(1, 2)), 1, atol=1e-5)


def test_channels_first_groups():
    first = layers.GroupNormalization(groups=3, axis=1)(np.moveaxis(IMAGES, -1, 1))
    last = layers.GroupNormalization(groups=3)(IMAGES)
    assert np.allclose(np.moveaxis(first, 1, -1), last, atol=1e-6)


@pytest.mark.parametrize("groups", [0, -2, 2.0, True, "2"])
def test_bad_groups(groups):
    with pytest.raises(ValueError, match="`groups` must be a positive whole number, or -1"):
        layers.GroupNormalization(groups)


def test_groups_that_do_not_fit():
    with pytest.raises(ValueError, match="'g': `groups`=4 must divide the number of channels, 6"):
        layers.GroupNormalization(4, name="g")(IMAGES)
    with pytest.raises(ValueError, match="`groups`=32 must divide the number of channels, 6"):
        layers.GroupNormalization()(IMAGES)
    with pytest.raises(TypeError, match="`axis` must be one whole number"):
        layers.GroupNormalization(2, axis=[1, 2])
    with pytest.raises(ValueError, match="Axis 0 is the batch"):
        layers.GroupNormalization(2, axis=0)(IMAGES)
    with pytest.raises(ValueError, match="out of bounds"):
        layers.GroupNormalization(2, axis=4)(IMAGES)


def test_norm_of_one():
    y = layers.UnitNormalization(axis=[1, 2, 3])(IMAGES)
    assert np.allclose(np.linalg.norm(y.reshape(4, -1), axis=1), 1, atol=1e-6)
    assert layers.UnitNormalization()(np.zeros((2, 3))).tolist() == [[0] * 3] * 2
    with pytest.raises(TypeError, match="`axis` must be a whole number or a list of them"):
        layers.UnitNormalization(axis=1.5)
    with pytest.raises(ValueError, match="out of bounds"):
        layers.UnitNormalization(axis=-5)(IMAGES)


def test_root_mean_square_of_one():
    layer = layers.RMSNormalization(axis=[1, -1], epsilon=0)
    y = layer(IMAGES)
    assert layer.scale.shape == (3, 6)
    assert np.allclose(np.square(y).mean(axis=(1, 3)), 1, atol=1e-5)
    with pytest.raises(TypeError, match="`axis` must be a whole number or a list of them"):
        layers.RMSNormalization(axis="last")


def test_axes_in_an_order_that_keras_would_change_are_written_otherwise():
    layer = layers.RMSNormalization(axis=[-1, 1])
    assert layer.get_config()["axis"] == [-1, 1]
    layer(IMAGES[:, 0])
    assert layer.get_config()["axis"] == [-2, -1]
    other = layers.RMSNormalization(axis=[1, 3])
    other(IMAGES)
    assert other.get_config()["axis"] == [1, 3]


# --- wrappers -----------------------------------------------------------------------------------


def test_a_wrapper_is_the_layer_inside():
    inner = layers.Dropout(0.5)
    assert layers.Wrapper(inner).supports_masking
    wrapper = layers.Wrapper(layers.Dense(3))
    x = np.ones((2, 4), "float32")
    assert np.array_equal(wrapper(x), wrapper.layer(x))
    assert wrapper.weights == wrapper.layer.weights
    wrapper.trainable = False
    assert wrapper.layer.trainable is False
    with pytest.raises(ValueError, match="Wrapper holds a layer but got 3"):
        layers.Wrapper(3)
    with pytest.raises(ValueError, match="Dense 'd' expects inputs of shape"):
        layers.Wrapper(layers.Dense(3, name="d"))(np.ones(3))


def test_a_subclass_in_the_way_of_keras():
    class Doubled(layers.Wrapper):
        def __init__(self, layer, factor=2, **kwargs):
            super().__init__(layer, **kwargs)
            self.factor = factor

        def forward(self, x, step):
            y, backward = self.layer.apply(x, step)
            return self.factor * y, backward and (lambda dy: backward(self.factor * dy))

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    layer = Doubled(layers.Dense(2, kernel_initializer="ones"), factor=3)
    assert layer(np.ones((1, 2))).tolist() == [[6, 6]]
    again = Doubled.from_config(layer.get_config())
    assert again.factor == 3
    assert again.layer.units == 2
    model = Sequential([layer])
    model.compile("sgd", "mse")
    before = layer.layer.kernel.numpy()
    model.fit(np.ones((4, 2)), np.zeros((4, 2)), verbose=0)
    assert (layer.layer.kernel.numpy() < before).all()


def test_weights_of_spectral_normalization_have_the_order_of_keras():
    layer = layers.SpectralNormalization(layers.Dense(3))
    layer(np.ones((1, 2)))
    assert [w.name for w in layer.weights] == ["kernel", "vector_u", "bias"]
    assert [w.name for w in layer.trainable_weights] == ["kernel", "bias"]
    layer.layer.trainable = False
    assert [w.name for w in layer.trainable_weights] == []


def test_training_brings_the_spectral_norm_to_one():
    layer = layers.SpectralNormalization(layers.Conv2D(4, 2))
    for _ in range(100):
        layer(IMAGES, training=True)
    assert abs(largest_singular_value(layer.layer.kernel.value) - 1) < 1e-3
    kernel = layer.layer.kernel.numpy()
    layer(IMAGES)
    assert np.array_equal(layer.layer.kernel.value, kernel)
    layer.layer.kernel.assign(np.zeros_like(kernel))
    assert np.isfinite(layer(IMAGES, training=True)).all()


def test_the_optimizer_goes_on_from_the_divided_kernel():
    x, y = RNG.standard_normal((8, 5)), RNG.standard_normal((8, 3))
    wrapped = layers.SpectralNormalization(layers.Dense(3, kernel_regularizer="l2"))
    model = Sequential([wrapped])
    model.compile("sgd", "mse")
    model.build((None, 5))
    kernel, u = wrapped._divided(wrapped.kernel.numpy(), wrapped.vector_u.numpy())

    plain = Sequential([layers.Dense(3, kernel_regularizer="l2")])
    plain.compile("sgd", "mse")
    plain.build((None, 5))
    plain.layers[0].kernel.assign(kernel)
    assert model.train_on_batch(x, y) == pytest.approx(plain.train_on_batch(x, y), rel=1e-6)
    assert np.allclose(wrapped.kernel.value, plain.layers[0].kernel.value, atol=1e-7)
    assert np.allclose(wrapped.vector_u.value, u)


def test_shards_divide_by_the_same():
    layer = layers.SpectralNormalization(layers.Dense(3))
    x = RNG.standard_normal((6, 4)).astype("float32")
    layer.ensure_built(x.shape, np.random.default_rng(0))

    def shard(rows, number, exchange):
        step = Step(training=True, recording=True, batch_size=6, rows=rows, exchange=exchange)
        step.grads = {w: np.zeros_like(w.value) for w in layer.trainable_weights}
        y, backward = layer.apply(x[rows], step)
        backward(np.ones_like(y))
        return y, step

    (whole,) = in_shards(shard, [slice(0, 6)])
    first, second = in_shards(shard, [slice(0, 2), slice(2, 6)])
    assert np.allclose(np.concatenate([first[0], second[0]]), whole[0], atol=1e-6)
    assert set(first[1].grads) == set(layer.trainable_weights)
    for weight in layer.trainable_weights:
        total = first[1].grads[weight] + second[1].grads[weight]
        assert np.allclose(total, whole[1].grads[weight], atol=1e-5)
    commit([first[1], second[1]])
    assert abs(largest_singular_value(layer.kernel.value) - 1) < 0.5


def test_arguments_of_spectral_normalization():
    with pytest.raises(ValueError, match="`power_iterations` must be a positive whole number"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)
    with pytest.raises(ValueError, match="Flatten 'f' has neither `kernel` nor `embeddings`"):
        layers.SpectralNormalization(layers.Flatten(name="f"))(IMAGES)


def test_files_hold_the_kernel_where_keras_looks_for_it(tmp_path):
    h5py = pytest.importorskip("h5py")
    model = Sequential([layers.SpectralNormalization(layers.Dense(3), name="sn")])
    model.build((None, 4))
    model.save_weights(tmp_path / "a.weights.h5")
    with h5py.File(tmp_path / "a.weights.h5") as file:
        own = file["layers/spectral_normalization/vars"]
        assert [own["0"].shape, own["1"].shape] == [(4, 3), (1, 3)]
        assert file["layers/spectral_normalization/layer/vars/1"].shape == (3,)
    other = Sequential([layers.SpectralNormalization(layers.Dense(3))])
    other.build((None, 4))
    other.load_weights(tmp_path / "a.weights.h5")
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(a, b)
