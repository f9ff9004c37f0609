"""Constraints: values and configs against real Keras, what they promise, errors."""

import json

import numpy as np
import pytest

import kerasish
from kerasish import constraints
from kerasish.constraints import Constraint
from tests.golden import make_rank1

GOLDEN = make_rank1.load()
CASES = list(enumerate(make_rank1.CONSTRAINTS))
IDS = [f"{name}-{arguments}" for _, (name, arguments) in CASES]
# All public symbols of keras.constraints 3.15; every one is supported.
API = {
    "Constraint": "()",
    "MaxNorm max_norm": "(max_value=2, axis=0)",
    "MinMaxNorm min_max_norm": "(min_value=0.0, max_value=1.0, rate=1.0, axis=0)",
    "NonNeg non_neg": "()",
    "UnitNorm unit_norm": "(axis=0)",
    "deserialize": "(config, custom_objects=None)",
    "get": "(identifier)",
    "serialize": "(constraint)",
}
NAMES = [(name, shown) for names, shown in API.items() for name in names.split()]


def make(case):
    name, arguments = case
    return getattr(constraints, name)(**arguments)


@pytest.mark.parametrize(("name", "shown"), NAMES, ids=[name for name, _ in NAMES])
def test_public_symbol_has_keras_arguments_and_defaults(name, shown):
    assert make_rank1.signature(getattr(constraints, name)) == shown


@pytest.mark.parametrize(("index", "case"), CASES, ids=IDS)
def test_value_is_that_of_keras(index, case):
    w = make_rank1.matrix()
    before = w.copy()
    projected, expected = make(case)(w), GOLDEN[f"constraint/{index}"]
    np.testing.assert_array_equal(w, before)
    assert not np.shares_memory(projected, w)
    assert projected.dtype == np.float32
    assert type(projected.numpy()) is np.ndarray
    assert np.max(np.abs(projected - expected)) <= 1e-5 * max(1, np.max(np.abs(expected)))
    double = make(case)(w.astype("float64"))
    assert double.dtype == np.float64
    np.testing.assert_allclose(double, projected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("index", "case"), CASES, ids=IDS)
def test_configs_are_those_of_keras(index, case):
    made = constraints.serialize(make(case))
    expected = GOLDEN["configs"]["constraints"][index]
    assert made == expected
    assert list(made["config"]) == list(expected["config"])
    again = constraints.deserialize(json.loads(json.dumps(expected)))
    assert constraints.serialize(again) == made
    w = make_rank1.matrix()
    np.testing.assert_array_equal(again(w), make(case)(w))


@pytest.mark.parametrize("axis", [0, 1, (0, 1, 2), [0, 1], -1])
def test_norms_are_what_was_asked_for(axis):
    w = np.random.default_rng(0).standard_normal((3, 3, 4, 5))
    over = tuple(axis) if isinstance(axis, list) else axis

    def norms(array):
        return np.sqrt((array**2).sum(axis=over))

    np.testing.assert_allclose(norms(constraints.UnitNorm(axis)(w)), 1, rtol=1e-6)
    capped = constraints.MaxNorm(1.5, axis)(w)
    np.testing.assert_allclose(norms(capped), np.minimum(norms(w), 1.5), rtol=1e-6)
    between = norms(constraints.MinMaxNorm(1.0, 1.5, axis=axis)(w))
    assert between.min() > 1 - 1e-6
    assert between.max() < 1.5 + 1e-6
    half = norms(constraints.MinMaxNorm(1.0, 1.5, 0.5, axis)(w))
    np.testing.assert_allclose(half, (norms(w) + between) / 2, rtol=1e-6)
    np.testing.assert_array_equal(constraints.NonNeg()(w), np.where(w > 0, w, 0))


def test_special_values():
    for cls in (constraints.MaxNorm, constraints.UnitNorm, constraints.MinMaxNorm):
        np.testing.assert_array_equal(cls()(np.zeros((3, 2))), np.zeros((3, 2)))
        assert np.isnan(cls()([[np.nan, 1.0], [1.0, 1.0]])[:, 0]).all()
        assert np.isfinite(cls()(np.full((2, 2), 1e18, "float32"))).all()
    np.testing.assert_array_equal(constraints.NonNeg()([np.nan, -np.inf, 2]), [np.nan, 0, 2])
    assert constraints.NonNeg()([1, -1]).dtype == np.float32


def test_get():
    for text, cls in {
        "max_norm": constraints.MaxNorm,
        "maxnorm": constraints.MaxNorm,
        "MaxNorm": constraints.MaxNorm,
        "min_max_norm": constraints.MinMaxNorm,
        "non_neg": constraints.NonNeg,
        "nonneg": constraints.NonNeg,
        "unit_norm": constraints.UnitNorm,
        "unitnorm": constraints.UnitNorm,
    }.items():
        assert type(constraints.get(text)) is type(constraints.deserialize(text)) is cls
    with pytest.warns(DeprecationWarning, match="Write max_value=3"):
        assert constraints.maxnorm(m=3).max_value == constraints.maxnorm(3).max_value == 3
    assert constraints.nonneg is constraints.NonNeg
    assert constraints.unitnorm is constraints.UnitNorm
    assert constraints.get(None) is None
    ours = constraints.MaxNorm(3)
    assert constraints.get(ours) is ours
    assert isinstance(constraints.get(constraints.NonNeg), constraints.NonNeg)
    assert constraints.get({"class_name": "MaxNorm", "config": {"max_value": 4}}).max_value == 4
    assert repr(ours) == "MaxNorm(max_value=3)"


class Between(Constraint):
    """A constraint as a user writes it."""

    def __init__(self, limit):
        self.limit = limit

    def __call__(self, w):
        return np.clip(w, -self.limit, self.limit)

    def get_config(self):
        return {"limit": self.limit}


def test_custom_constraints():
    kerasish.register(Between)
    saved = constraints.serialize(Between(0.5))
    assert saved["registered_name"] == "Custom>Between"
    assert constraints.deserialize(saved).limit == 0.5
    assert constraints.get(np.abs) is np.abs
    w = np.ones(3)
    assert Constraint()(w) is w


def test_bad_input():
    with pytest.raises(ValueError, match="Could not interpret constraint identifier: 'max_nrm'"):
        constraints.get("max_nrm")
    with pytest.raises(ValueError, match="Did you mean 'MaxNorm'"):
        constraints.get("MaxNrm")
    with pytest.raises(ValueError, match="Could not interpret constraint identifier: 3"):
        constraints.get(3)
    with pytest.raises(TypeError, match=r"passed to MaxNorm: {'max': 3}.*MaxNorm takes: max_value"):
        constraints.MaxNorm(max=3)
    with pytest.raises(TypeError, match="UnitNorm expects an array of real numbers"):
        constraints.UnitNorm()(np.array([["a"]]))
    with pytest.raises(ValueError, match=r"MaxNorm .*`axis`.* \(3,\)"):
        constraints.MaxNorm(axis=1)(np.ones(3))
