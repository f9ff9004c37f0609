"""Regularizers: values and gradients against real Keras, gradients against differences, errors."""

import json

import numpy as np
import pytest

import kerasish
from kerasish import autodiff, regularizers
from kerasish.regularizers import Regularizer
from tests.golden import make_rank1

GOLDEN = make_rank1.load()
CASES = list(enumerate(make_rank1.REGULARIZERS))
IDS = [f"{name}-{arguments}" for _, (name, arguments) in CASES]
# All public symbols of keras.regularizers 3.15; every one is supported.
API = {
    "L1 l1": "(l1=0.01)",
    "L1L2 l1_l2": "(l1=0.0, l2=0.0)",
    "L2 l2": "(l2=0.01)",
    "OrthogonalRegularizer orthogonal_regularizer": "(factor=0.01, mode='rows')",
    "Regularizer": "()",
    "deserialize": "(config, custom_objects=None)",
    "get": "(identifier)",
    "serialize": "(regularizer)",
}
NAMES = [(name, shown) for names, shown in API.items() for name in names.split()]


def make(case):
    name, arguments = case
    return getattr(regularizers, name)(**arguments)


@pytest.mark.parametrize(("name", "shown"), NAMES, ids=[name for name, _ in NAMES])
def test_public_symbol_has_keras_arguments_and_defaults(name, shown):
    assert make_rank1.signature(getattr(regularizers, name)) == shown


@pytest.mark.parametrize(("index", "case"), CASES, ids=IDS)
def test_value_and_gradient_are_those_of_keras(index, case):
    regularizer, w = make(case), make_rank1.matrix()
    value, expected = regularizer(w), GOLDEN[f"regularizer/{index}/value"]
    assert value.dtype == np.float32
    assert value.shape == ()
    assert type(value.numpy()) is np.ndarray
    assert abs(value - expected) <= 1e-5 * max(1, abs(expected))
    gradient, expected = regularizer.gradient(w), GOLDEN[f"regularizer/{index}/dx"]
    assert gradient.dtype == np.float32
    assert gradient.flags.c_contiguous
    assert np.max(np.abs(gradient - expected)) <= 1e-5 * max(1, np.max(np.abs(expected)))
    np.testing.assert_array_equal(regularizers.gradient(regularizer, w), gradient)


@pytest.mark.parametrize(("index", "case"), CASES, ids=IDS)
def test_gradient_is_the_limit_of_differences(index, case):
    regularizer, w = make(case), make_rank1.matrix().astype("float64")
    w[1, 2] = 0.3  # |w| has no derivative at 0
    before = w.copy()
    gradient = regularizer.gradient(w)
    np.testing.assert_array_equal(w, before)
    for at in np.ndindex(w.shape):
        nudged = np.zeros_like(w)
        nudged[at] = 1e-6
        slope = float(regularizer(w + nudged) - regularizer(w - nudged)) / 2e-6
        assert abs(slope - gradient[at]) < 1e-7


@pytest.mark.parametrize(("index", "case"), CASES, ids=IDS)
def test_configs_are_those_of_keras(index, case):
    made = regularizers.serialize(make(case))
    expected = GOLDEN["configs"]["regularizers"][index]
    assert made == expected
    assert list(made["config"]) == list(expected["config"])
    again = regularizers.deserialize(json.loads(json.dumps(expected)))
    assert regularizers.serialize(again) == made
    np.testing.assert_array_equal(again(make_rank1.matrix()), make(case)(make_rank1.matrix()))


@pytest.mark.parametrize(("index", "case"), CASES, ids=IDS)
def test_additive_means_that_parts_add_up(index, case):
    regularizer, w = make(case), make_rank1.matrix().astype("float64")
    parts = sum(float(regularizer(part)) for part in (w[:2], w[2:]))
    assert regularizer.additive == np.isclose(parts, float(regularizer(w)), rtol=1e-12)


@pytest.mark.parametrize(("index", "case"), CASES, ids=IDS)
def test_inside_a_function_of_the_user(index, case):
    regularizer, w = make(case), make_rank1.matrix().astype("float64")
    gradient = autodiff.gradient(lambda a: 3 * regularizer(a) + np.sum(a), w)
    np.testing.assert_allclose(gradient, 3 * regularizer.gradient(w) + 1)


def test_special_values():
    assert float(regularizers.L1L2(None, None)([1.0])) == 0
    assert regularizers.L1(None).l1 == float(np.float32(0.01))
    assert regularizers.L2(None).l2 == 0.01
    assert float(regularizers.L2(1)([3, 4])) == 25
    assert np.isnan(regularizers.L1(1)([np.nan, 1.0]))
    assert np.isnan(regularizers.L1(1).gradient(np.array([np.nan]))).all()
    for regularizer in (regularizers.L1(1), regularizers.L2(1), regularizers.L1L2(1, 1)):
        assert np.isinf(regularizer(np.full(4, 3e38, "float32")))
        assert float(regularizer(np.zeros((0, 3)))) == 0
    orthogonal = regularizers.OrthogonalRegularizer(0.5)
    assert float(orthogonal(np.zeros((3, 2)))) == 0
    np.testing.assert_array_equal(orthogonal.gradient(np.zeros((3, 2))), np.zeros((3, 2)))
    assert float(orthogonal(np.ones((1, 2)))) == 0  # a single row: no pairs
    np.testing.assert_array_equal(orthogonal.gradient(np.ones((1, 2))), np.zeros((1, 2)))
    assert float(orthogonal(np.ones((3, 2)))) == pytest.approx(0.5)


def test_get():
    for text, cls in {
        "l1": regularizers.L1,
        "L2": regularizers.L2,
        "l1l2": regularizers.L1L2,
        "l1_l2": regularizers.L1L2,
        "orthogonal_regularizer": regularizers.OrthogonalRegularizer,
        "OrthogonalRegularizer": regularizers.OrthogonalRegularizer,
    }.items():
        assert type(regularizers.get(text)) is type(regularizers.deserialize(text)) is cls
    ours = regularizers.L2(0.1)
    assert regularizers.get(ours) is ours
    assert regularizers.get(None) is None
    assert isinstance(regularizers.get(regularizers.L1), regularizers.L1)
    assert regularizers.get({"class_name": "L2", "config": {"l2": 0.5}}).l2 == 0.5
    with pytest.warns(DeprecationWarning, match=r"L2: `l` .* Write l2=0\.5"):
        assert regularizers.l2(l=0.5).l2 == 0.5
    assert repr(regularizers.l1_l2(0.5)) == "L1L2(l1=0.5)"


class Cubes(Regularizer):
    """A regularizer as a user writes it."""

    def __init__(self, strength):
        self.strength = strength

    def __call__(self, x):
        return self.strength * np.sum(np.abs(x) ** 3)

    def get_config(self):
        return {"strength": self.strength}


def test_custom_regularizers():
    kerasish.register(Cubes)
    w = np.array([[1.0, -2.0]], "float32")
    cubes = Cubes(2.0)
    assert not cubes.additive
    for regularizer in (cubes, lambda x: 2 * np.sum(np.abs(x) ** 3)):
        gradient = regularizers.gradient(regularizer, w)
        np.testing.assert_allclose(gradient, [[6, -24]])
        assert gradient.dtype == np.float32
        assert regularizers.get(regularizer) is regularizer
    saved = regularizers.serialize(cubes)
    assert saved["registered_name"] == "Custom>Cubes"
    assert regularizers.deserialize(saved).strength == 2.0
    assert Regularizer()(w) == 0
    np.testing.assert_array_equal(Regularizer().gradient(w), np.zeros_like(w))


def test_bad_input():
    with pytest.raises(ValueError, match="Could not interpret regularizer identifier: 'l3'"):
        regularizers.get("l3")
    with pytest.raises(ValueError, match=r"Could not interpret regularizer identifier: 0\.5"):
        regularizers.get(0.5)
    for wrong in (-1, "a", float("nan"), float("inf"), [1.0]):
        with pytest.raises(ValueError, match="L2 expects `l2` to be a finite number, at least 0"):
            regularizers.L2(wrong)
    with pytest.raises(ValueError, match=r"L1L2 expects `l1` .* but got -0\.5"):
        regularizers.L1L2(l1=-0.5)
    with pytest.raises(ValueError, match="`mode` to be 'rows' or 'columns' but got 'both'"):
        regularizers.OrthogonalRegularizer(mode="both")
    with pytest.raises(ValueError, match=r"expects a matrix \(rank 2\) but got shape \(3,\)"):
        regularizers.OrthogonalRegularizer()(np.ones(3))
    with pytest.raises(TypeError, match=r"passed to L1: {'l3': 1}.*L1 takes: l1"):
        regularizers.L1(l3=1)
    with pytest.raises(TypeError, match="L1 expects an array of real numbers"):
        regularizers.L1()(np.array(["a"]))
