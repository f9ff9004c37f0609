"""Initializers: values and configs against real Keras, distributions, seeds, errors."""

import json
import math

import numpy as np
import pytest

import kerasish
from kerasish import config, initializers, registry
from kerasish.initializers import Initializer, compute_fans
from kerasish.initializers.deterministic import COSINE_WINDOWS
from tests.golden import make_rank1

GOLDEN = make_rank1.load()
RANDOM = sorted(
    cls.__name__
    for cls in set(registry.known("initializer").values())
    if issubclass(cls, initializers.RandomInitializer) and cls.__module__.startswith("kerasish.")
)
SCALED = "(seed=None, input_axes=None, output_axes=None)"
SCALING = (
    "(scale=1.0, mode='fan_in', distribution='truncated_normal', seed=None, input_axes=None, "
    "output_axes=None)"
)
STFT = "(side='real', window='hann', scaling='density', periodic=False)"
# All public symbols of keras.initializers 3.15; every one is supported.
API = {
    "Constant constant": "(value=0.0)",
    "GlorotNormal glorot_normal": SCALED,
    "GlorotUniform glorot_uniform": SCALED,
    "HeNormal he_normal": SCALED,
    "HeUniform he_uniform": SCALED,
    "Identity IdentityInitializer identity": "(gain=1.0)",
    "Initializer": "()",
    "LecunNormal lecun_normal": SCALED,
    "LecunUniform lecun_uniform": SCALED,
    "Ones ones": "()",
    "Orthogonal OrthogonalInitializer orthogonal": "(gain=1.0, seed=None)",
    "RandomNormal random_normal": "(mean=0.0, stddev=0.05, seed=None)",
    "RandomUniform random_uniform": "(minval=-0.05, maxval=0.05, seed=None)",
    "STFT STFTInitializer stft": STFT,
    "TruncatedNormal truncated_normal": "(mean=0.0, stddev=0.05, seed=None)",
    "VarianceScaling variance_scaling": SCALING,
    "Zeros zeros": "()",
    "deserialize": "(config, custom_objects=None)",
    "get": "(identifier)",
    "serialize": "(initializer)",
}
NAMES = [(name, shown) for names, shown in API.items() for name in names.split()]


@pytest.mark.parametrize(("name", "shown"), NAMES, ids=[name for name, _ in NAMES])
def test_public_symbol_has_keras_arguments_and_defaults(name, shown):
    assert make_rank1.signature(getattr(initializers, name)) == shown
    assert name in initializers.__all__


# --- against real Keras ---------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(len(make_rank1.INITIALIZERS)))
def test_values_without_chance_are_those_of_keras(index):
    name, arguments, shape = make_rank1.INITIALIZERS[index]
    values = getattr(initializers, name)(**arguments)(shape)
    expected = GOLDEN[f"initializer/{index}"]
    assert values.dtype == np.float32
    assert values.shape == expected.shape
    assert np.max(np.abs(values - expected)) <= 1e-5


@pytest.mark.parametrize(("case", "fans"), list(zip(make_rank1.FANS, GOLDEN["fans"], strict=True)))
def test_fans_are_those_of_keras(case, fans):
    assert compute_fans(*case) == tuple(fans)


@pytest.mark.parametrize("index", range(len(make_rank1.CONFIGS["initializers"])))
def test_configs_are_those_of_keras(index):
    name, arguments = make_rank1.CONFIGS["initializers"][index]
    made = initializers.serialize(getattr(initializers, name)(**arguments))
    again = initializers.serialize(initializers.deserialize(json.loads(json.dumps(made))))
    assert again == made
    for key in make_rank1.FORGOTTEN.get(name, ()):
        del made["config"][key]
    expected = GOLDEN["configs"]["initializers"][index]
    assert made == expected
    assert list(made["config"]) == list(expected["config"])


# --- distributions --------------------------------------------------------------------------------

SHAPE = (3, 3, 40, 100)
FAN_IN, FAN_OUT = 360, 900
# Name, arguments, standard deviation, largest magnitude.
DRAWN = [
    ("RandomNormal", {}, 0.05, math.inf),
    ("RandomUniform", {}, 0.05 / math.sqrt(3), 0.05),
    ("TruncatedNormal", {"stddev": 0.1}, 0.1 * 0.87962566, 0.2),
    ("GlorotNormal", {}, math.sqrt(2 / (FAN_IN + FAN_OUT)), 2 / 0.8796 * math.sqrt(2 / 1260)),
    ("GlorotUniform", {}, math.sqrt(2 / (FAN_IN + FAN_OUT)), math.sqrt(6 / 1260)),
    ("HeNormal", {}, math.sqrt(2 / FAN_IN), 2 / 0.8796 * math.sqrt(2 / FAN_IN)),
    ("HeUniform", {}, math.sqrt(2 / FAN_IN), math.sqrt(6 / FAN_IN)),
    ("LecunNormal", {}, math.sqrt(1 / FAN_IN), 2 / 0.8796 * math.sqrt(1 / FAN_IN)),
    ("LecunUniform", {}, math.sqrt(1 / FAN_IN), math.sqrt(3 / FAN_IN)),
    ("VarianceScaling", {}, math.sqrt(1 / FAN_IN), 2 / 0.8796 * math.sqrt(1 / FAN_IN)),
    (
        "VarianceScaling",
        {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal"},
        math.sqrt(3 / FAN_OUT),
        math.inf,
    ),
    (
        "VarianceScaling",
        {"mode": "fan_avg", "distribution": "uniform", "input_axes": [2], "output_axes": [0]},
        math.sqrt(1 / 21.5),
        math.sqrt(3 / 21.5),
    ),
    ("Orthogonal", {"gain": 2.0}, 2 / math.sqrt(FAN_IN), math.inf),
]


@pytest.mark.parametrize(("name", "arguments", "stddev", "limit"), DRAWN)
def test_moments_and_limits(name, arguments, stddev, limit):
    w = getattr(initializers, name)(**arguments, seed=11)(SHAPE)
    n = w.size
    assert w.shape == SHAPE
    assert w.dtype == np.float32
    assert abs(w.mean()) < 4 * stddev / math.sqrt(n)
    assert abs(w.std() / stddev - 1) < 4 / math.sqrt(2 * n)
    assert np.abs(w).max() <= limit * (1 + 1e-6)
    assert np.abs(w).max() > min(limit * 0.99, 3 * stddev)


def test_every_random_initializer_has_its_moments_tested():
    assert {name for name, *_ in DRAWN} == set(RANDOM)


def test_location_and_scale():
    for cls in (initializers.RandomNormal, initializers.TruncatedNormal):
        w = cls(mean=3.0, stddev=0.5, seed=1)((20000,))
        assert abs(w.mean() - 3) < 0.02
    assert abs(np.abs(w - 3).max() - 1) < 0.01
    w = initializers.RandomUniform(2.0, 5.0, seed=1)((20000,))
    assert (w.min() >= 2, w.max() <= 5) == (True, True)
    assert abs(w.mean() - 3.5) < 0.03


def test_truncated_normal_has_the_shape_of_a_normal():
    w = initializers.TruncatedNormal(stddev=1.0, seed=5)((100_000,))
    within = [np.mean(np.abs(w) < limit) for limit in (0.5, 1.0, 1.5)]
    expected = [math.erf(limit / math.sqrt(2)) / math.erf(math.sqrt(2)) for limit in (0.5, 1, 1.5)]
    np.testing.assert_allclose(within, expected, atol=0.006)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (2, 3, 4), (3, 2, 2, 7)])
def test_orthogonal_rows_or_columns(shape):
    w = initializers.Orthogonal(gain=3.0, seed=2)(shape, "float64")
    q = w.reshape(-1, shape[-1]) / 3
    gram = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_orthogonal_matrices_are_drawn_evenly():
    # Without the correction of signs, QR would give a diagonal that leans to one side.
    corners = [initializers.Orthogonal(seed=s)((3, 3))[0, 0] for s in range(400)]
    assert abs(np.mean(corners)) < 0.1


# --- seeds, types, shapes -------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name):
    cls, shape = getattr(initializers, name), (4, 5)
    seeded = cls(seed=3)
    np.testing.assert_array_equal(seeded(shape), seeded(shape))
    np.testing.assert_array_equal(seeded(shape), cls(seed=3)(shape, rng=np.random.default_rng(9)))
    assert np.any(seeded(shape) != cls(seed=4)(shape))
    assert np.any(cls()(shape) != cls()(shape))
    one, two = (cls()(shape, rng=np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    rng = np.random.default_rng(9)
    np.testing.assert_array_equal(cls()(shape, rng=rng), one)
    assert np.any(cls()(shape, rng=rng) != one)
    config.set_random_seed(5)
    first = cls()(shape)
    config.set_random_seed(5)
    np.testing.assert_array_equal(cls()(shape), first)
    clone = seeded.clone()
    assert type(clone) is cls
    np.testing.assert_array_equal(clone(shape), seeded(shape))
    cls(seed=-1)(shape), cls(seed=np.int64(2))(shape)
    generator = {"class_name": "SeedGenerator", "config": {"name": "s", "seed": 3}}
    np.testing.assert_array_equal(cls(seed=generator)(shape), seeded(shape))


@pytest.mark.parametrize("name", [*RANDOM, "Zeros", "Ones", "Constant", "Identity"])
def test_types(name):
    cls = getattr(initializers, name)
    arguments = {"seed": 3} if name in RANDOM else {}
    single, double = (cls(**arguments)((3, 4), dtype=d) for d in ("float32", "float64"))
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(single, double, rtol=1e-6, atol=1e-7)
    assert type(single.numpy()) is np.ndarray
    assert single.flags.writeable
    assert single.flags.c_contiguous
    if name not in ("Orthogonal", "Identity"):
        assert cls(**arguments)(5).shape == (5,)
        assert cls(**arguments)(()).shape == ()
        assert cls(**arguments)([2, 0, 3]).shape == (2, 0, 3)
    try:
        config.set_floatx("float64")
        assert cls(**arguments)((3, 4)).dtype == np.float64
    finally:
        config.set_floatx("float32")


def test_constant_takes_arrays():
    row = initializers.Constant(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(row((3, 2)), [[1, 2]] * 3)
    again = initializers.deserialize(json.loads(json.dumps(initializers.serialize(row))))
    np.testing.assert_array_equal(again((3, 2)), row((3, 2)))
    with pytest.raises(ValueError, match=r"Constant holds values of shape \(2,\).*shape \(3,\)"):
        row((3,))


def test_stft_windows():
    window = np.array([1.0, 2.0, 3.0, 4.0])
    kernel = initializers.STFT("real", window, None)((4, 1, 3))
    np.testing.assert_array_equal(kernel[:, 0, 0], window)
    assert initializers.STFT("imag")((4, 1, 1)).shape == (4, 1, 1)
    pytest.importorskip("scipy")
    from scipy.signal import get_window

    for name in (*COSINE_WINDOWS, "cosine", "bohman"):
        for periodic in (True, False):
            kernel = initializers.STFT("real", name, None, periodic)((9, 1, 3), "float64")
            np.testing.assert_allclose(kernel[:, 0, 0], get_window(name, 9, periodic), atol=1e-12)


# --- getting, saving, custom ones -----------------------------------------------------------------


def test_get():
    spellings = {
        "normal": "RandomNormal",
        "uniform": "RandomUniform",
        "zero": "Zeros",
        "one": "Ones",
        "IdentityInitializer": "Identity",
        "OrthogonalInitializer": "Orthogonal",
        "STFTInitializer": "STFT",
        "HE_UNIFORM": "HeUniform",
        "stft": "STFT",
        "lecun_normal": "LecunNormal",
        "truncated_normal": "TruncatedNormal",
        "variance_scaling": "VarianceScaling",
    }
    for text, name in spellings.items():
        assert type(initializers.get(text)) is getattr(initializers, name)
        assert type(initializers.deserialize(text)) is getattr(initializers, name)
    assert initializers.get(None) is None
    assert isinstance(initializers.get(initializers.Zeros), initializers.Zeros)
    ours = initializers.Ones()
    assert initializers.get(ours) is ours
    assert initializers.get({"class_name": "Constant", "config": {"value": 3}}).value == 3
    old = {"class_name": "RandomNormal", "config": {"stddev": 0.5, "dtype": "float32"}}
    assert initializers.get(old).stddev == 0.5
    assert repr(initializers.get("he_normal")) == "HeNormal()"


def test_get_takes_arrays_and_functions():
    given = initializers.get(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(given((2, 3), "float32"), [[0, 1, 2], [3, 4, 5]])
    assert given((2, 3)).dtype == np.float32
    given((2, 3))[0] = 7
    np.testing.assert_array_equal(given((2, 3))[0], [0, 1, 2])
    with pytest.raises(ValueError, match=r"has shape \(2, 3\), but the weight has shape \(3, 2\)"):
        given((3, 2))

    def half(shape, dtype=None):
        return np.full(shape, 0.5, dtype)

    assert initializers.get(half) is half


class Steps(Initializer):
    """An initializer as a user writes it."""

    def __init__(self, size):
        self.size = size

    def __call__(self, shape, dtype=None):
        return np.arange(np.prod(shape)).reshape(shape) * self.size

    def get_config(self):
        return {"size": self.size}


def test_custom_initializers():
    kerasish.register(Steps)
    made = initializers.get(Steps(2))
    saved = initializers.serialize(made)
    assert saved["registered_name"] == "Custom>Steps"
    assert initializers.deserialize(saved).size == made.clone().size == 2
    from kerasish import layers

    layer = layers.Dense(2, kernel_initializer=Steps(0.5))
    layer(np.ones((1, 2)))
    np.testing.assert_array_equal(layer.kernel.value, [[0, 0.5], [1, 1.5]])


def test_bad_input():
    cls = initializers.VarianceScaling
    with pytest.raises(ValueError, match="Could not interpret initializer identifier: 'he_norml'"):
        initializers.get("he_norml")
    with pytest.raises(ValueError, match="Did you mean 'HeNormal'"):
        initializers.get("HeNorml")
    with pytest.raises(ValueError, match="Could not interpret initializer identifier: 3"):
        initializers.get(3)
    with pytest.raises(ValueError, match="VarianceScaling expects `scale` to be above 0 but got 0"):
        cls(scale=0)
    with pytest.raises(ValueError, match=r"`mode` to be one of fan_in, .* but got 'fan'"):
        cls(mode="fan")
    with pytest.raises(ValueError, match=r"`distribution` to be one of uniform.* got 'gamma'"):
        cls(distribution="gamma")
    with pytest.raises(ValueError, match="GlorotUniform expects `seed` to be an integer or None"):
        initializers.GlorotUniform(seed=1.5)
    with pytest.raises(ValueError, match="expects `seed` to be an integer or None but got True"):
        initializers.RandomNormal(seed=True)
    with pytest.raises(TypeError, match=r"passed to HeNormal: {'scale': 2}.*HeNormal takes: seed"):
        initializers.HeNormal(scale=2)
    with pytest.raises(ValueError, match=r"at least two axes, but got shape \(3,\)"):
        initializers.Orthogonal()((3,))
    with pytest.raises(ValueError, match=r"matrices \(rank 2\) only, but got shape \(2, 2, 2\)"):
        initializers.Identity()((2, 2, 2))
    with pytest.raises(ValueError, match=r"shape of whole numbers but got \(None, 2\)"):
        initializers.Zeros()((None, 2))
    with pytest.raises(ValueError, match="`side` to be 'real' or 'imag' but got 'both'"):
        initializers.STFT("both")
    with pytest.raises(ValueError, match="`scaling` to be 'density', 'spectrum' or None"):
        initializers.STFT(scaling="l2")
    with pytest.raises(ValueError, match="han2"):
        initializers.STFT(window="han2")
    with pytest.raises(ValueError, match=r"kernels of shape \(T, 1, F\) but got shape \(4, 3\)"):
        initializers.STFT()((4, 3))
    with pytest.raises(ValueError, match=r"window of shape \(3,\) for kernels of 4 steps"):
        initializers.STFT(window=[1, 2, 3])((4, 1, 3))
    with pytest.raises(TypeError, match="Initializer must define __call__"):
        Initializer()((2,))
