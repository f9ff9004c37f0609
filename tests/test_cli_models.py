"""The commands on scripts and model files: run, summary, evaluate, predict, convert."""

import itertools
import json

import numpy as np
import pytest

import kerasish as ks
from kerasish import layers
from kerasish.cli import main

X = np.random.default_rng(0).random((30, 4)).astype("float32")
Y = np.arange(30) % 3


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a trained model and data, which the commands run in."""
    monkeypatch.chdir(tmp_path)
    model = ks.Sequential([layers.Dense(3, activation="softmax", input_dim=4, name="out")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, verbose=0)
    model.save("m.keras")
    np.savez("d.npz", x=X * 255, y=Y)
    np.save("x.npy", X)
    return model


def test_summary(folder, capsys):
    assert main(["summary", "m.keras"]) == 0
    out = capsys.readouterr().out
    assert "out (Dense)" in out
    assert "Compiled with Adam, loss sparse_categorical_crossentropy" in out


def test_evaluate(folder, capsys):
    assert main(["evaluate", "m.keras", "--data", "d.npz", "--scale", "255", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    expected = folder.evaluate(X, Y, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, abs=1e-5)
    assert main(["evaluate", "m.keras", "--data", "d.npz", "--loss", "mse", "--y", "z"]) == 1
    assert "has the arrays x, y but not z" in capsys.readouterr().err
    folder._program = None
    folder.save("bare.keras")
    assert main(["evaluate", "bare.keras", "--data", "d.npz"]) == 1
    assert "saved without loss and metrics" in capsys.readouterr().err
    assert main(["evaluate", "bare.keras", "--data", "d.npz", "--loss", "mae"]) == 1
    assert "expects" in capsys.readouterr().err


def test_predict(folder, capsys):
    assert main(["predict", "m.keras", "x.npy", "--out", "y.npy"]) == 0
    assert "wrote y.npy: (30, 3), float32" in capsys.readouterr().out
    y = folder.predict(X, verbose=0)
    assert np.array_equal(np.load("y.npy"), y)
    assert main(["predict", "m.keras", "x.npy", "--classes"]) == 0
    assert capsys.readouterr().out.split() == [str(c) for c in y.argmax(-1)]
    np.save("wrong.npy", X[:, :2])
    assert main(["predict", "m.keras", "wrong.npy"]) == 1
    assert "(N, 4) but got (N, 2)" in capsys.readouterr().err
    np.save("objects.npy", np.array([None]), allow_pickle=True)
    assert main(["predict", "m.keras", "objects.npy"]) == 1
    assert "no .npy or .npz file of numbers" in capsys.readouterr().err


def test_convert_there_and_back(folder, capsys):
    names = ["m.keras", "a.h5", "b.weights.h5", "c.keras"]
    for source, out in itertools.pairwise(names):
        assert main(["convert", source, out]) == 0
        assert f"wrote {out}" in capsys.readouterr().out
    twin = ks.saving.load_model("c.keras")
    assert np.array_equal(twin.predict(X, verbose=0), folder.predict(X, verbose=0))
    assert main(["summary", "b.weights.h5"]) == 0
    assert "Not compiled" in capsys.readouterr().out
    assert main(["convert", "m.keras", "a.h5"]) == 1
    assert "a.h5 is there already. Pass --force" in capsys.readouterr().err
    assert main(["convert", "m.keras", "a.pb"]) == 1
    assert "the ending must state the format" in capsys.readouterr().err


def test_run_and_check(folder, capsys, tmp_path):
    (tmp_path / "s.py").write_text("from keras.layers import Dense, Concatenate\n")
    assert main(["run", "--check", "s.py"]) == 1
    assert capsys.readouterr().out.startswith("s.py:1: keras.layers.Concatenate")
    (tmp_path / "good.py").write_text("from keras.layers import Dense\n")
    assert main(["run", "--check", "good.py"]) == 0
    assert main(["run", "--check", "-m", "good"]) == 0
    (tmp_path / "bad.py").write_text("def f(:\n")
    assert main(["run", "--check", "bad.py"]) == 1
    assert "bad.py cannot be parsed" in capsys.readouterr().err
    assert main(["run", "none.py"]) == 1
    assert "there is no file 'none.py'" in capsys.readouterr().err
    assert main(["run", "--check", "-m", "no.such"]) == 1
    assert "no module 'no.such'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["summary", "evaluate", "predict", "convert"])
def test_a_missing_or_damaged_file_is_told(folder, capsys, command, tmp_path):
    rest = {"evaluate": ["--data", "d.npz"], "predict": ["x.npy"], "convert": ["o.h5"]}
    assert main([command, "none.keras", *rest.get(command, [])]) == 1
    assert "none.keras" in capsys.readouterr().err
    (tmp_path / "bad.keras").write_bytes(b"nothing")
    assert main([command, "bad.keras", *rest.get(command, [])]) == 1
    assert "bad.keras" in capsys.readouterr().err
