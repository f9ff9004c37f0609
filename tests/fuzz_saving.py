"""Damage model files in thousands of ways and load them: a clean load, or an error that names it.

Each file is loaded in a forked process with ``untrusted=True``, whose reading process is forked as
well. Wanted: no crash of the interpreter, no hang over 10 s, no memory above 10 times the file's
size plus 200 MB, no error but ValueError, TypeError or OSError naming the path, and weights that
are as before where loading them fails. The long run, which takes some minutes a format:

    python tests/fuzz_saving.py [--count 5000] [--seed 0] [--keep FOLDER] [ending ...]

A file follows from the seed and its number alone, so that a long run can be cut into parts:
``--first 1000 --count 500`` makes the files 1000 to 1499 of it.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
import zipfile

import h5py
import numpy as np

SAVED = pathlib.Path(__file__).parent / "golden" / "saved"
ENDINGS = (".h5", ".keras", ".weights.h5")
MODELS = ("schedule", "mlp", "nested", "rnn", "kerasish-0.1.0")
TEXTS = ("letters", "lookups", "weighed_words", "words")  # with vocabularies as files, in .keras
SECONDS = 10
WEIRD = [
    None,
    True,
    -1,
    0,
    1e308,
    10**400,
    2**63,
    "",
    "x" * 2000,
    "../../etc/passwd",
    "__import__('os')",
    [],
    {},
    [[[[]]]],
    {"class_name": "Lambda", "config": {"function": ["4wAAAA==", None, None]}},
    {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"},
    {"class_name": "Sequential", "config": {"name": "s", "layers": []}},
    {"class_name": "Dense", "config": {"units": 10**9}},
    {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}},
]


# --- ways to damage a file ------------------------------------------------------------------------


def flipped(data: bytes, rng: random.Random) -> bytes:
    found = bytearray(data)
    start = 0 if rng.random() < 0.5 else max(0, len(found) - 3000)
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        area = len(found) if rng.random() < 0.5 else min(len(found), 3000)
        found[min(start + rng.randrange(area), len(found) - 1)] ^= 1 << rng.randrange(8)
    return bytes(found)


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def overwritten(data: bytes, rng: random.Random) -> bytes:
    found = bytearray(data)
    size = rng.choice([1, 2, 4, 8, 100, 2000])
    place = rng.randrange(max(1, len(found) - size))
    fill = rng.choice([b"\0", b"\xff", None])
    found[place : place + size] = rng.randbytes(size) if fill is None else fill * size
    return bytes(found)


def moved(data: bytes, rng: random.Random) -> bytes:
    size = rng.randrange(1, 500)
    a, b = (rng.randrange(max(1, len(data) - size)) for _ in range(2))
    found = bytearray(data)
    found[a : a + size], found[b : b + size] = data[b : b + size], data[a : a + size]
    return bytes(found)


def inserted(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + rng.randbytes(rng.choice([1, 7, 512])) + data[place:]


BYTES = (flipped, flipped, flipped, cut, overwritten, overwritten, moved, inserted)


def places_in(value, found, path=()):
    found.append(path)
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, item in items:
        places_in(item, found, (*path, key))
    return found


def weird_json(text: str, rng: random.Random) -> str:
    """JSON with some values replaced, left out, doubled, or nested deep."""
    try:
        value = json.loads(text)
    except RecursionError:  # made so by an earlier change
        return text
    for _ in range(rng.choice([1, 1, 2, 5])):
        path = rng.choice(places_in(value, []))
        new = rng.choice(WEIRD)
        if not path:
            value = new
            break
        owner = value
        for key in path[:-1]:
            owner = owner[key]
        what = rng.random()
        if what < 0.6:
            owner[path[-1]] = new
        elif what < 0.8:
            del owner[path[-1]]
        elif isinstance(owner, dict):
            owner[rng.choice(["extra", "name", "units", "class_name"])] = new
        else:
            owner.append(owner[rng.randrange(len(owner))])
    if rng.random() < 0.1:
        deep = rng.choice([100, 5000, 200_000])
        return "[" * deep + "]" * deep
    try:
        return json.dumps(value)
    except ValueError:  # a list that holds itself
        return "[]"


def changed_tree(data: bytes, rng: random.Random) -> bytes:
    """HDF5 that is sound as such, but not the model that was saved."""
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        groups, datasets = [file], []
        file.visititems(lambda _, o: (groups if isinstance(o, h5py.Group) else datasets).append(o))
        datasets = [d.name for d in datasets]
        for _ in range(rng.choice([1, 1, 3])):
            change = rng.choice(TREE)
            try:
                change(file, rng.choice(groups), rng.choice(datasets), rng)
            except (LookupError, ValueError, RuntimeError, OSError, TypeError):
                continue  # what an earlier change has taken away
    return buffer.getvalue()


def huge_shape(file, group, name, rng):
    del file[name]
    rank = rng.randrange(1, 4)
    shape = tuple(rng.choice([1, 1000, 2**20, 2**31, 2**40]) for _ in range(rank))
    options = {"chunks": tuple(min(n, 2**16) for n in shape)} if rng.random() < 0.5 else {}
    if options and rng.random() < 0.5:
        options["compression"] = "gzip"
    file.create_dataset(name, shape, rng.choice(["f4", "f8", "i1"]), **options)


def zero_bomb(file, group, name, rng):
    del file[name]
    zeros = np.zeros(rng.choice([10**5, 4 * 10**6, 2 * 10**7]), "f4")
    file.create_dataset(name, data=zeros, chunks=(10**5,), compression="gzip")


def other_type(file, group, name, rng):
    del file[name]
    file[name] = rng.choice([np.zeros(3, "S9"), np.zeros(2, "i8"), np.float64(1), "text"])


def linked(file, group, name, rng):
    del file[name]
    file[name] = rng.choice(
        [h5py.SoftLink("/"), h5py.SoftLink("/nowhere"), h5py.ExternalLink("/etc/passwd", "/x")]
    )


def stored_elsewhere(file, group, name, rng):
    shape = file[name].shape
    del file[name]
    file.create_dataset(name, shape, "f4", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def circular(file, group, name, rng):
    group["loop"] = file


def swapped(file, group, name, rng):
    members = list(group)
    a, b = rng.choice(members), rng.choice(members)
    group.move(a, "swap")
    group.move(b, a)
    group.move("swap", b)


def dropped(file, group, name, rng):
    del group[rng.choice(list(group))]


def renamed(file, group, name, rng):
    group.move(
        rng.choice(list(group)), rng.choice(["x", "vars", "layers", "0", "99", "model_weights"])
    )


def attribute(file, group, name, rng):
    owner = rng.choice([group, file])
    key = rng.choice([*owner.attrs, "layer_names", "weight_names", "model_config"])
    old = owner.attrs.get(key)
    if isinstance(old, str) and old.startswith("{") and rng.random() < 0.9:
        owner.attrs[key] = weird_json(old, rng).encode()
        return
    owner.attrs[key] = rng.choice(
        [1, 1.5, b"\xff\xfe", "text", [b"a", b"b"], [b"x"] * 1000, np.zeros((3, 3)), "{", "[]"]
    )


def configuration(file, group, name, rng):
    key = rng.choice([k for k in file.attrs if str(file.attrs[k]).startswith("{")])
    file.attrs[key] = weird_json(file.attrs[key], rng).encode()


TREE = (
    attribute,
    circular,
    configuration,
    configuration,
    configuration,
    dropped,
    huge_shape,
    linked,
    other_type,
    renamed,
    stored_elsewhere,
    swapped,
    zero_bomb,
)


ODD_NAMES = (
    "../evil",
    "assets/x",
    "assets/layers/../../../evil",
    "assets/layers//evil",
    "/assets/evil",
    "assets\\layers\\evil",
    "C:evil",
    "assets/layers/" + "deep/" * 300 + "evil",
    "assets/layers/" + "x" * 300,
    "assets/layers/words/\0",
    "assets/layers/words/\u202evil \U0001f600",
)


def odd_vocabulary(content: bytes, rng: random.Random) -> bytes:
    """What stands in a vocabulary that nobody has learnt."""
    lines = content.split(b"\n")
    odd = [
        b"",
        b"\n" * rng.choice([1, 10, 10**6]),
        b"\n".join(b"%d" % n for n in range(rng.choice([10**5, 10**6]))),
        b"\n".join([b"word"] * 10**5),
        b"\n".join(reversed(lines)),
        b"\n".join(lines + lines),
        b"\n".join(lines[: rng.randrange(len(lines))]),
        content.replace(b"\n", b"\r\n"),
        content.replace(b"\n", b"\0"),
        b"\xef\xbb\xbf" + content,
        content.decode().encode("utf-16"),
        b"\xff\xfe" + content,
        content[:1] + b"\xc3" + content[1:],
        content + b"\n\xed\xa0\x80",  # half of a surrogate pair
        b"9" * rng.choice([100, 5000, 10**6]) + b"\n" + content,
        rng.randbytes(rng.choice([1, 100, 10**5])),
        b"x" * 10**7,
        b"gASVAAAA\x80\x04cos\nsystem\n(S'true'\ntR.",
    ]
    return rng.choice(odd)


def changed_assets(members: dict[str, bytes], rng: random.Random) -> None:
    """Change a vocabulary, move it to a place of another name, or make it a bomb."""
    assets = [name for name in members if name.startswith("assets/")]
    if not assets:
        members[rng.choice(ODD_NAMES)] = b"x\ny"
        return
    name = rng.choice(assets)
    what = rng.random()
    if what < 0.5:
        members[name] = odd_vocabulary(members[name], rng)
    elif what < 0.6:
        members[name] = rng.choice(BYTES)(members[name], rng)
    elif what < 0.7:
        del members[name]
    elif what < 0.8:
        members[rng.choice(ODD_NAMES)] = members.pop(name)
    elif what < 0.9:
        folder = name.rpartition("/")[0]
        members[f"{folder}/{rng.choice(ODD_NAMES)}"] = members[name]
    elif what < 0.95:
        for number in range(rng.choice([100, 12_000])):
            members[f"{name}{number}"] = b""
    else:
        members[name] = rng.choice([b"\n", b"\0", b"a"]) * rng.choice([10**7, 10**8])


def lying(archive: bytes, rng: random.Random) -> bytes:
    """An archive whose list claims other sizes, places or ways of packing than there are."""
    found = bytearray(archive)
    start = found.find(b"PK\x01\x02")  # entries of the list; sizes are at 20 and 24, place at 42
    entries = []
    while start >= 0:
        entries.append(start)
        start = found.find(b"PK\x01\x02", start + 4)
    if entries:
        entry = rng.choice(entries)
        at, size = rng.choice([(8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (42, 4)])
        value = rng.choice([0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, rng.randrange(1 << 32)])
        found[entry + at : entry + at + size] = value.to_bytes(8, "little")[:size]
    return bytes(found)


def changed_archive(data: bytes, rng: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    kind = zipfile.ZIP_STORED
    has_assets = any(name.startswith("assets/") for name in members)
    if rng.random() < (0.5 if has_assets else 0.02):
        changed_assets(members, rng)
        kind = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED])
        if any(len(content) > 10**6 for content in members.values()):
            kind = zipfile.ZIP_DEFLATED
        return zipped(members, kind, rng)
    for _ in range(rng.choice([1, 1, 2])):
        what = rng.random()
        name = rng.choice(list(members))
        if what < 0.4:
            members["config.json"] = weird_json(members["config.json"].decode(), rng).encode()
        elif what < 0.45:
            members["metadata.json"] = weird_json(members["metadata.json"].decode(), rng).encode()
        elif what < 0.6:
            members["model.weights.h5"] = rng.choice(BYTES)(members["model.weights.h5"], rng)
        elif what < 0.8:
            with contextlib.suppress(RuntimeError, OSError):  # damaged already
                members["model.weights.h5"] = changed_tree(members["model.weights.h5"], rng)
        elif what < 0.85:
            del members[name]
            break
        elif what < 0.9:
            members[name] = bytes(rng.choice([10**6, 10**8]))
            kind = zipfile.ZIP_DEFLATED
            break
        elif what < 0.95:
            members["../evil"] = members["assets/x"] = b"x"
        else:
            kind = rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    return zipped(members, kind, rng)


def zipped(members: dict[str, bytes], kind: int, rng: random.Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members.items():
            archive.writestr(name, content)
            if rng.random() < 0.02:
                archive.writestr(name, content)
    return lying(buffer.getvalue(), rng) if rng.random() < 0.1 else buffer.getvalue()


def damaged(data: bytes, ending: str, rng: random.Random) -> tuple[bytes, str]:
    """A damaged copy of a file, and how it was damaged."""
    if rng.random() < 0.5:
        change = rng.choice(BYTES)
        return change(data, rng), change.__name__
    if ending == ".keras":
        return changed_archive(data, rng), "changed_archive"
    return changed_tree(data, rng), "changed_tree"


# --- loading them ---------------------------------------------------------------------------------


class Forked:
    """What `untrusted.start` returns, forked off instead of started anew: ten times as fast."""

    def __init__(self, file, most, seconds):
        from kerasish.saving import untrusted

        read, write = os.pipe()
        self.pid = os.fork()
        self.code = None
        if self.pid == 0:
            try:
                os.dup2(file.fileno(), 0)
                os.dup2(write, 1)
                os.close(read)
                untrusted.serve(most, seconds)
                os._exit(0)
            finally:
                os._exit(1)
        os.close(write)
        self.stdout = os.fdopen(read, "rb")

    def kill(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code


def attempt(path: str, ending: str, model, untrusted: bool) -> str:
    """Load a file; what came of it. An error of a kind that is not wanted is raised."""
    from kerasish.models import load_model

    before = None if model is None else model.get_weights()
    try:
        if ending == ".weights.h5":
            model.load_weights(path, untrusted=untrusted)
        else:
            load_model(path, untrusted=untrusted)
    except (ValueError, TypeError, OSError) as error:
        if path not in str(error):
            raise
        if before is not None:
            for a, b in zip(before, model.get_weights(), strict=True):
                assert np.array_equal(a, b), "weights have changed"
        return type(error).__name__
    return "loaded"


def peak() -> int:
    return 1024 * max(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
    )


def in_fork(paths: list[str], ending: str, models: list, untrusted: bool) -> list[dict]:
    """`attempt` files in a process of their own; the results, or what went wrong."""
    read, write = os.pipe()
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        warnings.simplefilter("ignore")
        for path, model in zip(paths, models, strict=True):
            base = peak()
            try:
                result = {"result": attempt(path, ending, model, untrusted)}
            except BaseException as error:
                result = {"wrong": f"{type(error).__name__}: {error}"[:2000]}
            result["memory"] = peak() - base
            os.write(write, json.dumps(result).encode() + b"\n")
        os._exit(0)
    os.close(write)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    found: list[dict] = []
    with os.fdopen(read, "rb") as pipe:
        for path in paths:
            signal.setitimer(signal.ITIMER_REAL, SECONDS + 2)
            text = pipe.readline()
            if not text:
                break
            now = time.monotonic()
            found.append(json.loads(text))
            if now - start > SECONDS:
                found[-1]["wrong"] = f"took {now - start:.1f} s"
            start = now
            allowed = 10 * os.path.getsize(path) + (200 << 20)
            if found[-1]["memory"] > allowed:
                found[-1]["wrong"] = f"took {found[-1]['memory']:,} bytes, {allowed:,} allowed"
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    signal.setitimer(signal.ITIMER_REAL, 0)
    if len(found) < len(paths):
        found.append({"wrong": f"the process ended with {code}"})
    return found


def write_damaged(path: str, data: bytes, ending: str, seed: str) -> str | None:
    """Write a damaged file in a process of its own, since libhdf5 can crash on what is made."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            made, how = damaged(data, ending, random.Random(seed))
            pathlib.Path(path).write_bytes(made)
            os.write(write, how.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        how = pipe.read().decode()
    os.waitpid(pid, 0)
    return how or None


def corpus(ending: str) -> tuple[dict[str, bytes], dict]:
    """Sound files by name, and the models that they hold (which imports all that is needed)."""
    from kerasish.models import load_model

    models = {name: load_model(SAVED / f"{name}.keras") for name in MODELS}
    models |= {name: load_model(SAVED / "texts" / f"{name}.keras") for name in TEXTS}
    files = {name: (SAVED / f"{name}{ending}").read_bytes() for name in MODELS}
    with tempfile.TemporaryDirectory() as folder:
        for name in TEXTS:
            path = SAVED / "texts" / f"{name}.keras"
            if ending != ".keras":
                path = pathlib.Path(folder, name + ending)
                write = "save_weights" if ending == ".weights.h5" else "save"
                getattr(models[name], write)(path)
            files[name] = path.read_bytes()
    return files, models


def run(
    ending: str, count: int, seed: int, keep=None, untrusted=True, batch=1, first: int = 0
) -> dict:
    """Damage and load `count` files, `batch` in one process; how often what came of it."""
    from kerasish.saving import untrusted as reading

    reading.start = Forked
    files, sound = corpus(ending)
    models = sound if ending == ".weights.h5" else dict.fromkeys(sound)
    results: collections.Counter = collections.Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        made = []
        for i in range(first, first + count):
            name = random.Random(f"{seed} {ending} {i} model").choice(MODELS + TEXTS)
            path = os.path.join(folder, f"damaged{i}{ending}")
            how = write_damaged(path, files[name], ending, f"{seed} {ending} {i}")
            if how is None:
                results["not made"] += 1
            else:
                made.append((path, models[name], f"{i} ({name}, {how})"))
            if len(made) < batch and i < first + count - 1:
                continue
            while made:
                paths, chosen = [m[0] for m in made], [m[1] for m in made]
                for found in in_fork(paths, ending, chosen, untrusted):
                    path, _, title = made.pop(0)
                    results[found.get("result", "wrong")] += 1
                    if "wrong" in found:
                        wrong.append(f"{title}: {found['wrong']}")
                        print("WRONG", ending, wrong[-1], file=sys.stderr, flush=True)
                        if keep:
                            shutil.copy(path, os.path.join(keep, f"{seed}-{i}{ending}"))
                    os.remove(path)
    return {"results": dict(results), "wrong": wrong}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endings", nargs="*", default=ENDINGS)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", help="a folder for the files that went wrong")
    parser.add_argument("--in-process", action="store_true", help="without untrusted=True")
    chosen = parser.parse_args()
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
    failed = 0
    for ending in chosen.endings or ENDINGS:
        start = time.monotonic()
        how = {"untrusted": not chosen.in_process, "first": chosen.first}
        found = run(ending, chosen.count, chosen.seed, chosen.keep, **how)
        failed += len(found["wrong"])
        seconds = time.monotonic() - start
        print(json.dumps({"ending": ending, **found["results"], "seconds": round(seconds)}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
