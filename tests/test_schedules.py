"""Learning-rate schedules against real Keras, and what they refuse."""

import json
from pathlib import Path

import numpy as np
import pytest

from kerasish.optimizers import SGD, Adam, OptimizerState, schedules
from kerasish.registry import known
from kerasish.store import Runs, Weight

with np.load(Path(__file__).parent / "golden" / "optimizers.npz") as golden:
    CASES = json.loads(golden["schedules"].tobytes())
    RATES = golden["rates"]
OURS = {
    name: cls for name, cls in known("schedule").items() if cls.__module__ == schedules.__name__
}


@pytest.mark.parametrize("i", range(len(CASES)), ids=lambda i: f"{CASES[i][0]}-{i}")
def test_agrees_with_keras(i):
    name, args, options = CASES[i]
    schedule = getattr(schedules, name)(*args, **options)
    ours = [float(schedule(step)) for step in range(RATES.shape[1])]
    np.testing.assert_allclose(ours, RATES[i], rtol=1e-5, atol=1e-8)
    np.testing.assert_array_equal(schedule(np.arange(len(ours))), np.float32(ours))


def test_every_schedule_has_a_golden_case():
    assert {name for name, _, _ in CASES} == set(OURS)


@pytest.mark.parametrize("i", range(len(CASES)), ids=lambda i: f"{CASES[i][0]}-{i}")
def test_config_round_trip(i):
    name, args, options = CASES[i]
    schedule = getattr(schedules, name)(*args, **options)
    config = json.loads(json.dumps(schedules.serialize(schedule)))
    assert config["module"] == "keras.optimizers.schedules"
    assert config["registered_name"] is None
    again = schedules.deserialize(config)
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    optimizer = SGD(schedule)
    assert SGD.from_config(optimizer.get_config()).rate(9) == schedule(9)


def test_config_keys_are_those_of_keras():
    config = schedules.CosineDecayRestarts(0.1, 4).get_config()
    assert list(config) == [
        "initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name",
    ]  # fmt: skip
    assert schedules.CosineDecay(0.1, 4).get_config()["warmup_target"] is None


def test_result_is_a_float32_array():
    rate = schedules.ExponentialDecay(0.1, 10, 0.5)(3)
    assert rate.dtype == np.float32
    assert rate.numpy().shape == ()


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "ExponentialDecay expects decay_steps"),
        (lambda: schedules.InverseTimeDecay(0.1, -1, 0.5), "InverseTimeDecay expects decay_steps"),
        (lambda: schedules.PolynomialDecay(0.1, 0), "PolynomialDecay expects decay_steps"),
        (lambda: schedules.CosineDecay(0.1, 0), "CosineDecay expects decay_steps"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), "expects first_decay_steps"),
        (lambda: schedules.PiecewiseConstantDecay([1], [0.1]), "one value more than boundaries"),
        (lambda: schedules.deserialize({"class_name": "ExpDecay"}), "schedule identifier"),
        (lambda: SGD("0.1"), "SGD expects learning_rate to be a float"),
    ],
)
def test_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_base_class_asks_for_call_and_config():
    class Bare(schedules.LearningRateSchedule):
        pass

    with pytest.raises(NotImplementedError, match="Bare must override `__call__"):
        Bare()(0)
    with pytest.raises(NotImplementedError, match="Bare must override `get_config"):
        SGD(Bare()).get_config()


class Halving(schedules.LearningRateSchedule):
    """A user's schedule: no dataclass, not registered."""

    def __init__(self, first):
        self.first = first

    def __call__(self, step):
        return self.first * 0.5**step

    def get_config(self):
        return {"first": self.first}


def test_own_schedule_is_asked_at_every_step_with_raw_steps():
    w = Weight(np.zeros(1, "float32"))
    optimizer = SGD(Halving(1.0), gradient_accumulation_steps=2)
    state = OptimizerState(optimizer, Runs([w]))
    for _ in range(4):
        state.apply(np.ones(1, "float32"))
    np.testing.assert_allclose(w.numpy(), [-(0.5 + 0.125)])  # raw steps 1 and 3
    assert float(optimizer.learning_rate) == 0.5**4
    assert "learning_rate" not in [v.name for v in optimizer.variables]
    again = SGD.from_config(optimizer.get_config() | {"learning_rate": 0.1})
    assert float(again.learning_rate) == np.float32(0.1)


def test_own_schedule_by_config_needs_custom_objects():
    config = Adam(Halving(0.5)).get_config()
    assert config["learning_rate"]["class_name"] == "Halving"
    with pytest.raises(ValueError, match="Halving"):
        Adam.from_config(config)
    again = Adam.from_config(config, custom_objects={"Halving": Halving})
    assert float(again.learning_rate) == 0.5


def test_callable_without_arguments():
    rates = iter([0.5, 0.25])
    w = Weight(np.zeros(1, "float32"))
    state = OptimizerState(SGD(lambda: next(rates)), Runs([w]))
    state.apply(np.ones(1, "float32"))
    state.apply(np.ones(1, "float32"))
    np.testing.assert_array_equal(w.numpy(), [-0.75])
