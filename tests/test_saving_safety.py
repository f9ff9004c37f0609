"""Files from strangers: nothing in them runs, reaches out of them, or takes more than they have."""

import json
import pathlib
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

import kerasish as ks
from kerasish import layers
from kerasish.models import load_model, model_from_json
from kerasish.saving import untrusted
from kerasish.saving.limits import json_depth
from tests.test_saving_models import rewrite

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOTH = pytest.mark.parametrize("distrust", [False, True])


def small():
    return ks.Sequential([layers.Dense(2, name="d", input_shape=(3,))], name="small")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "m.h5"
    small().save(path)
    return path


@pytest.fixture(autouse=True)
def quick_start(monkeypatch):
    """Reading processes are forked off this one: what they do is the same."""
    from tests.fuzz_saving import Forked

    monkeypatch.setattr(untrusted, "start", Forked)


KERNEL = "model_weights/d/small/d/kernel"


def replace(path, make):
    with h5py.File(path, "r+") as file:
        del file[KERNEL]
        make(file)


def external_storage(file):
    file.create_dataset(KERNEL, (3, 2), "f4", external=[("raw", 0, 24)])


def virtual(file):
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3, 2))
    file.create_virtual_dataset(KERNEL, layout)


def soft_link(file):
    file[KERNEL] = h5py.SoftLink("/model_weights/d/small/d/bias")


def external_link(file):
    file[KERNEL] = h5py.ExternalLink("other.h5", "/x")


def huge(file):
    file.create_dataset(KERNEL, (10**9, 10**3), "f4")


def huge_and_packed(file):
    file.create_dataset(KERNEL, (10**9, 10**3), "f4", chunks=(10, 10), compression="gzip")


def bomb(file):
    zeros = np.zeros(6 * 10**6, "f4")
    file.create_dataset(KERNEL, data=zeros, chunks=(10**6,), compression="gzip")


def text(file):
    file[KERNEL] = "hello"


def other_filter(file):
    file.create_dataset(KERNEL, data=np.zeros((3, 2), "f4"), compression="lzf")


OUTSIDE = {
    external_storage: "keeps its numbers in another file",
    virtual: "keeps its numbers in another file",
    soft_link: "is a link and links are not followed",
    external_link: "is a link to another file and links are not followed",
    huge: r"claims 4,000,000,000,000 bytes but only 0 are stored",
    huge_and_packed: r"claims? 4,000,000,000,\d+ bytes, (more than|too many)",
    bomb: r"claims? 24,000,\d+ bytes, (more than|too many)",
    text: "does not hold numbers",
    other_filter: "packed with a filter that is not allowed",
}


@BOTH
@pytest.mark.parametrize("make", OUTSIDE, ids=lambda make: make.__name__)
def test_what_reaches_out_of_a_file_or_beyond_its_size(path, make, distrust):
    replace(path, make)
    with pytest.raises(ValueError, match=OUTSIDE[make]) as caught:
        load_model(path, untrusted=distrust)
    assert str(caught.value).startswith(f"Cannot load '{path}': ")


@BOTH
def test_groups_that_hold_themselves(path, distrust):
    with h5py.File(path, "r+") as file:
        file["model_weights/d/loop"] = file["model_weights"]
    with pytest.raises(ValueError, match=r"'/model_weights/d/loop' is the same as '/model_weigh"):
        load_model(path, untrusted=distrust)


@BOTH
def test_a_layer_larger_than_its_file(path, distrust):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["units"] = 10**9
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(ValueError, match=r"weight of shape \(3, 1000000000\), 12,000,000,000 byt"):
        load_model(path, untrusted=distrust)


@BOTH
def test_deep_json(path, distrust):
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = "[" * 100_000 + "]" * 100_000
    with pytest.raises(ValueError, match="nested 100000 levels deep"):
        load_model(path, untrusted=distrust)
    with pytest.raises(ValueError, match="nested 100000 levels deep"):
        model_from_json("[" * 100_000)


def test_the_depth_of_json_is_found_in_linear_time():
    assert json_depth('"' + '\\"' * 10**5) == 0
    assert json_depth('["' * 10**5) == 50_000


NAMES = {
    "os": {"class_name": "function", "module": "os", "config": "system"},
    "builtins": {"class_name": "eval", "module": "builtins", "config": {"source": "1"}},
    "a module": {"class_name": "Popen", "module": "subprocess", "config": {"args": "true"}},
    "a path": {"class_name": "kerasish.saving.untrusted.start", "module": None, "config": {}},
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_resolve_through_the_registry_only(path, kind):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for place in ("layer", "activation", "kernel_initializer"):
            changed = json.loads(json.dumps(config))
            if place == "layer":
                changed["config"]["layers"][1] = NAMES[kind]
            else:
                changed["config"]["layers"][1]["config"][place] = NAMES[kind]
            file.attrs["model_config"] = json.dumps(changed)
            file.flush()
            with pytest.raises((ValueError, TypeError), match=r"Cannot load .*(identifier|config)"):
                load_model(path)


def test_files_that_name_other_files_are_refused(path):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        entry = {"class_name": "StringLookup", "config": {"name": "s", "vocabulary": str(path)}}
        config["config"]["layers"].insert(1, entry)
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(ValueError, match=r"layer 's' has vocabulary=.*must not name others"):
        load_model(path)
    with pytest.raises(ValueError, match="must not name others"):
        model_from_json(json.dumps(config))


def test_pickles_are_refused(tmp_path):
    import pickle

    (tmp_path / "m.h5").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match="looks like a pickle, which can run code and is never"):
        load_model(tmp_path / "m.h5")


# --- zip archives ---------------------------------------------------------------------------------


def archive(path, kind=zipfile.ZIP_STORED, **members):
    small().save(path)
    with zipfile.ZipFile(path) as old:
        content = {name: old.read(name) for name in old.namelist()}
    content |= {name.replace("_json", ".json"): data for name, data in members.items()}
    with zipfile.ZipFile(path, "w", kind) as new:
        for name, data in content.items():
            new.writestr(name, data)


def test_packed_archives_load(tmp_path):
    archive(tmp_path / "m.keras", zipfile.ZIP_DEFLATED)
    assert load_model(tmp_path / "m.keras").count_params() == 8


def test_a_zip_bomb(tmp_path):
    archive(tmp_path / "m.keras", zipfile.ZIP_DEFLATED, config_json=b" " * 3 * 10**7)
    with pytest.raises(ValueError, match=r"'config\.json' claims 30,000,000 bytes, too many"):
        load_model(tmp_path / "m.keras")


def test_a_member_larger_than_it_claims(tmp_path):
    path = tmp_path / "m.keras"
    archive(path, zipfile.ZIP_DEFLATED, config_json=b" " * 10**5)
    data = path.read_bytes()
    size = (10**5).to_bytes(4, "little")
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, (10**4).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="Cannot load"):
        load_model(path)


def test_a_member_that_is_there_twice(tmp_path):
    path = tmp_path / "m.keras"
    small().save(path)
    with zipfile.ZipFile(path, "a") as opened, pytest.warns(UserWarning, match="Duplicate"):
        opened.writestr("config.json", "{}")
    with pytest.raises(ValueError, match=r"'config\.json' is twice there"):
        load_model(path)


def test_members_are_read_by_exact_name_and_never_unpacked(tmp_path):
    path = tmp_path / "m.keras"
    small().save(path)
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr("../evil.txt", "x")
        opened.writestr("assets/a", "x")
    load_model(path)
    assert [p.name for p in tmp_path.rglob("*")] == ["m.keras"]


def test_metadata_of_the_wrong_kind(tmp_path):
    path = tmp_path / "m.keras"
    small().save(path)
    rewrite(path, "metadata.json", lambda _: {"kerasish": [1]})
    with pytest.raises(ValueError, match="its part 'kerasish' is not an object but list"):
        load_model(path)
    rewrite(path, "metadata.json", lambda _: {"kerasish": {"seed": "x", "counter": -1}})
    assert load_model(path).counter == 0


# --- the reading process --------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".keras", ".h5", ".weights.h5"])
def test_untrusted_files_load_the_same(tmp_path, ending):
    path = tmp_path / f"m{ending}"
    model = small().compile("adam", "mse")
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    if ending == ".weights.h5":
        model.save_weights(path)
        twin = small().compile("adam", "mse")
        twin.load_weights(path, untrusted=True)
    else:
        model.save(path)
        twin = load_model(path, untrusted=True)
    for a, b in zip(
        [*model.get_weights(), *model.optimizer.variables],
        [*twin.get_weights(), *twin.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


PROGRAMS = {
    "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)": "ended with the signal 11",
    "import sys; sys.exit(3)": "ended with the code 3",
    "import time; time.sleep(60)": "reading it took longer than 1 s",
    "print('x' * 100)": "sent too much",
    "import sys; sys.stdout.buffer.write(bytes([2] + [0] * 7) + b'[]')": "sent no object",
    "import sys; sys.stdout.buffer.write(bytes([2] + [0] * 7) + b'{}')": "sent no list of groups",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_reading_process_that_goes_wrong(path, monkeypatch, program):
    def start(file, most, seconds):
        return subprocess.Popen(
            [sys.executable, "-S", "-I", "-c", program], stdin=file, stdout=subprocess.PIPE
        )

    monkeypatch.setattr(untrusted, "start", start)
    monkeypatch.setattr(untrusted, "SECONDS", 1.0 if "sleep" in program else 8.0)
    with pytest.raises(ValueError, match=PROGRAMS[program]) as caught:
        load_model(path, untrusted=True)
    assert f"Cannot load '{path}'" in str(caught.value)


def test_the_reading_process_has_limited_memory(path):
    code = """
import numpy, h5py, resource
from kerasish.saving import untrusted
untrusted.limit(64 << 20, 5)
assert resource.getrlimit(resource.RLIMIT_CPU)[0] == 6
try:
    numpy.ones(200 << 20, "u1")
except MemoryError:
    print("refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "refused\n"


def test_a_real_reading_process(path, monkeypatch):
    monkeypatch.undo()
    assert load_model(path, untrusted=True).count_params() == 8


# --- damaged files --------------------------------------------------------------------------------


def fuzz(count, seed, batch):
    code = (
        "import json; from tests import fuzz_saving as f; "
        f"print(json.dumps([f.run(e, {count}, {seed}, batch={batch}) for e in f.ENDINGS]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    for found in json.loads(done.stdout):
        assert found["wrong"] == []
        assert found["results"]["ValueError"] > count / 5
        assert found["results"]["loaded"] > count / 10


@pytest.mark.timeout(300)
def test_a_fixed_corpus_of_damaged_files():
    """A hundred; the next test has more, and `tests/fuzz_saving.py` runs thousands."""
    fuzz(40, seed=7, batch=20)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_damaged_files():
    fuzz(400, seed=8, batch=1)
