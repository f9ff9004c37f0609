"""Whole trainings against real Keras (tests/golden/make_fit.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

from kerasish import Sequential, optimizers

GOLDEN = np.load(Path(__file__).parent / "golden" / "fit.npz")
CASES = json.loads(str(GOLDEN["cases"]))


def close(ours, keras, what):
    scale = 1e-5 * max(1, np.max(np.abs(keras)))
    assert np.max(np.abs(np.asarray(ours) - np.asarray(keras))) <= scale, what


@pytest.mark.filterwarnings("ignore:.*does not support masks")
@pytest.mark.parametrize("name", CASES)
def test_fit_is_the_same_as_keras(name):
    case = CASES[name]

    def array(key):
        return GOLDEN.get(f"{name}/{key}", None)

    model = Sequential.from_config(case["config"])
    count = len(model.weights)
    model.set_weights([array(f"before{i}") for i in range(count)])
    compiled = dict(case["compile"])
    compiled["optimizer"] = optimizers.deserialize(compiled["optimizer"])
    model.compile(**compiled)
    fit = dict(case["fit"])
    if "class_weight" in fit:
        fit["class_weight"] = dict(fit["class_weight"])
    x, y = array("x"), array("y")
    history = model.fit(
        x, y, sample_weight=array("sample_weight"), shuffle=False, verbose=0, **fit
    ).history
    assert list(history) == list(case["history"])
    for key, values in case["history"].items():
        close(history[key], values, key)
    for i, weight in enumerate(model.weights):
        close(weight.value, array(f"after{i}"), weight.path)
    close(model.predict(x, verbose=0), array("predictions"), "predict")
    results = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(results) == list(case["evaluate"])
    for key, value in case["evaluate"].items():
        close(results[key], value, key)
