"""Rescaling and Normalization: adapting to arrays and batches, files, errors."""

import numpy as np
import pytest

from kerasish import layers
from kerasish.layers import Normalization, Rescaling, preprocessing

RNG = np.random.default_rng(5)
DATA = 3 + 2 * RNG.standard_normal((50, 4))


def test_adapt_to_an_array():
    layer = Normalization()
    layer.adapt(DATA)
    assert layer.mean.shape == (1, 4)
    assert np.allclose(layer.mean, DATA.mean(0), atol=1e-5)
    assert np.allclose(layer.variance.numpy(), DATA.var(0), atol=1e-5)
    y = layer(DATA)
    assert np.allclose(y.mean(0), 0, atol=1e-5)
    assert np.allclose(y.std(0), 1, atol=1e-5)
    assert [w.name for w in layer.weights] == ["mean", "variance", "count"]
    assert layer.trainable_weights == []


class Batches:
    def __len__(self):
        return 5

    def __getitem__(self, index):
        if not 0 <= index < 5:
            raise IndexError
        return DATA[10 * index : 10 * index + 10], None


@pytest.mark.parametrize(
    "data",
    [
        [DATA[:20], DATA[20:27], DATA[27:]],
        ((DATA[i : i + 7], np.zeros(7)) for i in range(0, 50, 7)),
        Batches(),
    ],
    ids=["list", "generator of pairs", "sequence"],
)
def test_adapt_to_batches(data):
    layer = Normalization()
    layer.adapt(data)
    assert np.allclose(layer.mean, DATA.mean(0), atol=1e-5)
    assert np.allclose(layer.variance, DATA.var(0), atol=1e-5)


def test_adapt_reads_large_arrays_in_parts(monkeypatch):
    monkeypatch.setattr(preprocessing, "ROWS_AT_ONCE", 8)
    layer = Normalization(axis=None)
    layer.adapt(DATA)
    assert layer.mean.item() == pytest.approx(DATA.mean(), abs=1e-5)
    assert layer.variance.item() == pytest.approx(DATA.var(), abs=1e-5)


def test_adapt_to_a_data_frame():
    pandas = pytest.importorskip("pandas")
    layer = Normalization()
    layer.adapt(pandas.DataFrame(DATA))
    assert np.allclose(layer.mean, DATA.mean(0), atol=1e-5)
    series = Normalization(axis=None)
    series.adapt(pandas.Series([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert series.mean.item() == 3


def test_adapt_starts_again():
    layer = Normalization()
    layer.adapt(DATA + 100)
    layer.adapt(DATA)
    assert np.allclose(layer.mean, DATA.mean(0), atol=1e-5)


def test_adapt_to_integers_and_images():
    images = RNG.integers(0, 256, (6, 4, 4, 3)).astype("uint8")
    layer = Normalization()
    layer.adapt(images)
    assert layer.mean.shape == (1, 1, 1, 3)
    assert np.allclose(layer.mean.ravel(), images.mean((0, 1, 2)), atol=1e-3)
    assert np.allclose(layer(images).std((0, 1, 2)), 1, atol=1e-4)


def test_weights_carry_the_statistics():
    layer, other = Normalization(), Normalization()
    layer.adapt(DATA)
    other.ensure_built((None, 4))
    other.set_weights(layer.get_weights())
    assert np.array_equal(other(DATA), layer(DATA))


def test_given_statistics():
    y = Normalization(mean=3.0, variance=2.0)(np.array([[1.0], [2.0], [3.0]]))
    assert np.allclose(y.ravel(), [-1.4142135, -0.70710677, 0])
    layer = Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0], invert=True)
    assert layer(np.ones((1, 2))).tolist() == [[3.0, 5.0]]
    assert layer.weights == []
    assert layer.mean.tolist() == [[1.0, 2.0]]
    assert Normalization().mean is None
    stored = {"class_name": "__numpy__", "config": {"value": [1.0, 2.0], "dtype": "float32"}}
    layer = Normalization.from_config({"mean": stored, "variance": [4.0, 9.0]})
    assert layer(np.ones((1, 2))).tolist() == [[0.0, pytest.approx(-1 / 3)]]


def test_constant_features_do_not_divide_by_zero():
    layer = Normalization()
    layer.adapt(np.ones((3, 2)))
    assert layer(np.ones((1, 2))).tolist() == [[0.0, 0.0]]


def test_errors():
    with pytest.raises(ValueError, match="give both `mean` and `variance` or neither"):
        Normalization(mean=1.0)
    with pytest.raises(ValueError, match="must have the same shape, of at most 1 axes"):
        Normalization(mean=[1.0], variance=[1.0, 2.0])
    with pytest.raises(ValueError, match="it cannot adapt"):
        Normalization(mean=1.0, variance=1.0).adapt(DATA)
    with pytest.raises(ValueError, match="adapt got no data"):
        Normalization().adapt([])
    with pytest.raises(TypeError, match=r"expects batches that are arrays .* np.asarray"):
        Normalization().adapt([1.0, 2.0])
    with pytest.raises(TypeError, match="expects an array or an iterable of batches but got int"):
        Normalization().adapt(3)
    with pytest.raises(ValueError, match=r"expects inputs of shape with the axes \(4,\)"):
        Normalization(axis=4).adapt(DATA)
    with pytest.raises(ValueError, match="Pass axis=None"):
        Normalization()(np.ones(3))
    layer = Normalization(name="scale")
    layer.adapt(DATA)
    with pytest.raises(ValueError, match=r"'scale' was built for inputs of shape .* incompatible"):
        layer.adapt(DATA[:, :2])
    with pytest.raises(ValueError, match="expects inputs of shape"):
        layer(DATA[:, :2])


def test_rescaling():
    assert Rescaling(1 / 255)(np.array([[255, 51]], "uint8")).tolist() == [
        [1.0, pytest.approx(0.2)]
    ]
    layer = Rescaling(np.array([1.0, 2.0]), offset=np.array([0.0, -1.0]))
    assert layer(np.ones((1, 2))).tolist() == [[1.0, 1.0]]
    assert layer.get_config()["scale"] == [1.0, 2.0]
    stored = {"class_name": "__numpy__", "config": {"value": [1.0, 2.0], "dtype": "float32"}}
    assert Rescaling.from_config({"scale": stored})(np.ones((1, 2))).tolist() == [[1.0, 2.0]]


def test_old_names():
    from kerasish.layers.experimental import preprocessing as old

    assert old.Rescaling is layers.Rescaling
    assert old.Normalization is layers.Normalization
