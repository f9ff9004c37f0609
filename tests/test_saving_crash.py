"""Saving survives a kill at any moment and a full disk: the old file or the new one, whole."""

import os
import pathlib
import random
import subprocess
import sys
import time

import numpy as np
import pytest

import kerasish as ks
from kerasish import layers
from kerasish.models import load_model

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENDINGS = [".keras", ".h5", ".weights.h5"]
MODEL = """
import sys
import kerasish as ks
from kerasish import layers

def model(value=0.0):
    made = ks.Sequential([layers.Input((100,)), layers.Dense(200), layers.Dense(100)], seed=0)
    made.compile("adam", "mse")
    made.set_weights([0 * w + value for w in made.get_weights()])
    return made
"""
SAVER = (
    MODEL
    + """
one = model()
path = sys.argv[1]
save = one.save_weights if path.endswith(".weights.h5") else one.save
import os, tempfile, time
with tempfile.TemporaryDirectory() as folder:  # once before, since this imports h5py
    for _ in range(3):
        start = time.perf_counter()
        save(os.path.join(folder, os.path.basename(path)))
    print(time.perf_counter() - start, flush=True)
number = 0
while True:
    number += 1
    for weight in one.weights:
        weight.value[...] = number
    save(path)
"""
)
DISK = (
    MODEL
    + """
import resource
one = model(2.0)
for path in sys.argv[1:]:
    for limit in (2000, 300_000):  # at the start and within the weights
        save = one.save_weights if path.endswith(".weights.h5") else one.save
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            save(path)
        except OSError as error:
            print(error)
"""
)
scope: dict = {}
exec(MODEL, scope)


def load(path):
    if not path.name.endswith(".weights.h5"):
        return load_model(path)
    model = scope["model"](0.0)
    model.load_weights(path)
    return model


def killed_saves(path, kills, seed):
    """Kill processes that save over `path` again and again, at random moments; check each time."""
    rng = random.Random(seed)
    first = scope["model"](0.0)
    (first.save_weights if path.name.endswith(".weights.h5") else first.save)(path)
    seen = set()
    for _ in range(kills):
        with subprocess.Popen(
            [sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE, cwd=ROOT
        ) as process:
            duration = float(process.stdout.readline())
            time.sleep(rng.uniform(0, 4 * duration))
            process.kill()
        values = load(path).get_weights()
        value = float(values[0].flat[0])
        assert all(np.all(w == value) for w in values)  # of one save, not of two
        seen.add(value)
    left = [p for p in path.parent.iterdir() if p != path]
    assert all(p.name.startswith(f".{path.name}.") and p.name.endswith(".tmp") for p in left)
    return seen, left


def test_a_killed_save_leaves_a_whole_file(tmp_path):
    killed_saves(tmp_path / "m.keras", 1, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("ending", ENDINGS)
def test_200_killed_saves(tmp_path, ending):
    seen, left = killed_saves(tmp_path / f"m{ending}", 200, seed=1)
    assert len(seen) > 1  # some were killed after a save, some before
    assert left  # and some in the middle


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path):
    paths = [tmp_path / f"m{ending}" for ending in ENDINGS]
    model = scope["model"](1.0)
    for path in paths:
        (model.save_weights if path.name.endswith(".weights.h5") else model.save)(path)
    done = subprocess.run(
        [sys.executable, "-c", DISK, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    for line, path in zip(lines, [path for path in paths for _ in range(2)], strict=True):
        assert f"Cannot write '{path}': the file would be too large. What was there" in line
    assert sorted(os.listdir(tmp_path)) == sorted(path.name for path in paths)
    for path in paths:
        assert np.all(load(path).get_weights()[0] == 1)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_error_while_saving_leaves_the_old_file(tmp_path, ending, monkeypatch):
    path = tmp_path / f"m{ending}"
    model = ks.Sequential([layers.Dense(2, input_shape=(3,))])
    save = model.save_weights if ending == ".weights.h5" else model.save
    save(path)
    before = path.read_bytes()

    def broken(*args):
        raise RuntimeError("on fire")

    for name in ("weights_h5", "layers_h5"):
        monkeypatch.setattr(f"kerasish.saving.{name}.write_array", broken)
    with pytest.raises(RuntimeError, match="on fire"):
        save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]
