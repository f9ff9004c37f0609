"""Files of real Keras and of older versions of kerasish: they load, predict, and learn the same."""

import pathlib

import numpy as np
import pytest

import kerasish as ks
from kerasish import layers
from kerasish.models import load_model

FOLDER = pathlib.Path(__file__).parent / "golden" / "saved"
CASES = sorted(path.stem for path in FOLDER.glob("*.npz"))
ENDINGS = [".keras", ".h5", ".weights.h5"]


def near(found, expected):
    found = np.asarray(found)
    assert found.shape == expected.shape
    error = np.abs(found - expected).max(initial=0)
    assert error <= 1e-5 * max(1, np.abs(expected).max(initial=0))


def load(case, ending):
    if ending != ".weights.h5":
        return load_model(FOLDER / f"{case}{ending}")
    model = load_model(FOLDER / f"{case}.keras")
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    for variable in model.optimizer.variables:
        variable.assign(np.zeros_like(variable))
    model.load_weights(FOLDER / f"{case}{ending}")
    return model


def test_there_are_files_of_keras_and_of_this_version():
    assert {"mlp", "cnn", "nested", "rnn", "schedule"} < set(CASES)
    assert f"kerasish-{ks.__version__}" in CASES


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("case", CASES)
def test_files_load_predict_and_go_on_training(case, ending):
    if case == "rnn" and not hasattr(layers, "Bidirectional"):
        pytest.skip("no recurrent layers")
    with np.load(FOLDER / f"{case}.npz") as file:
        data = dict(file)
    model = load(case, ending)
    x, y = data["x"], data["y"]
    for i, weight in enumerate(model.get_weights()):
        np.testing.assert_array_equal(weight, data[f"before{i}"])
    assert f"before{i + 1}" not in data
    near(model.predict(x, verbose=0), data["predictions"])
    variables = model.optimizer.variables
    assert f"optimizer{len(variables)}" not in data
    for i, variable in enumerate(variables):
        np.testing.assert_array_equal(variable.numpy(), data[f"optimizer{i}"])
    expected = {key.partition(" ")[2]: v for key, v in data.items() if key.startswith("log ")}
    for step in range(len(expected["loss"])):
        logs = model.train_on_batch(x, y, return_dict=True)
        assert set(logs) == set(expected)
        for key, value in logs.items():
            near(value, expected[key][step])
    for i, weight in enumerate(model.get_weights()):
        near(weight, data[f"after{i}"])


@pytest.mark.parametrize("case", CASES)
def test_what_is_read_is_written_again(case, tmp_path):
    if case == "rnn" and not hasattr(layers, "Bidirectional"):
        pytest.skip("no recurrent layers")
    model = load_model(FOLDER / f"{case}.keras")
    for ending in (".keras", ".h5"):
        model.save(tmp_path / f"m{ending}")
        twin = load_model(tmp_path / f"m{ending}")
        assert twin.to_json() == model.to_json()
        for a, b in zip(model.optimizer.variables, twin.optimizer.variables, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_what_only_kerasish_knows_comes_back(ending):
    model = load_model(FOLDER / f"kerasish-0.1.0{ending}")
    assert model.metadata == {"class_names": ["a", "b", "c"]}
    assert model.metrics_names == ["loss", "accuracy", "precision"]
    assert model._compiled["metrics"][1].average == "macro"
    assert (model.seed, model.counter) == (1, 3)
    assert model.saved_with["threads"] == 1
