"""A training that kills its own process: ``killed_training.py FOLDER FREQ [WHERE COUNT]``.

`test_resume.py` runs it again and again until it ends, and compares what it prints.
"""

import hashlib
import json
import os
import pathlib
import signal
import sys

import numpy as np

import kerasish as ks
from kerasish import callbacks, layers
from kerasish.callbacks import backup

OWNERS = {
    "write_array": np.lib.format,
    "read_magic": np.lib.format,
    "read_state": backup,
    "set_state": callbacks.EarlyStopping,
}


def kill_in(place, count, listed):
    """Let the `count`-th call (from 0) of a function or a hook be the last thing that happens."""
    state = {"left": count}

    def spring():
        state["left"] -= 1
        if state["left"] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if place.startswith("on_"):
        listed.append(callbacks.LambdaCallback(**{place: lambda *_, **__: spring()}))
        return
    owner = OWNERS.get(place, os)
    real = getattr(owner, place)

    def watched(*args, **kwargs):
        spring()
        return real(*args, **kwargs)

    setattr(owner, place, watched)


def main(folder, freq, place=None, count=0):
    ks.config.set_num_threads(2)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((90, 8, 8, 1)).astype("float32")
    y = rng.integers(0, 3, 90)
    ks.set_random_seed(1)
    model = ks.Sequential(
        [
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile(ks.optimizers.Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
    listed = [
        callbacks.BackupAndRestore(folder / "backup", "epoch" if freq == "epoch" else int(freq)),
        callbacks.CSVLogger(folder / "log.csv"),
        callbacks.RunLog(folder / "run.jsonl"),
        callbacks.ModelCheckpoint(folder / "best.keras", save_best_only=True),
        callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=0.3),
        callbacks.EarlyStopping("val_accuracy", patience=3, restore_best_weights=True),
    ]
    if place is not None:
        kill_in(place, count, listed)
    print("begins", flush=True)
    history = model.fit(
        x, y, batch_size=16, epochs=8, validation_split=0.2, callbacks=listed, verbose=0
    )
    results = [digest(model), digest(ks.models.load_model(folder / "best.keras"))]
    results += [history.history, history.epoch, int(model.optimizer.iterations)]
    results += [(folder / "log.csv").read_text()]
    lines = list(map(json.loads, (folder / "run.jsonl").read_text().splitlines()))
    results += [[e["metrics"], e["learning_rate"]] for e in lines if e["event"] == "epoch"]
    print(json.dumps(results))


def digest(model):
    return hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()


if __name__ == "__main__":
    folder, freq, *moment = sys.argv[1:]
    main(pathlib.Path(folder), freq, *([moment[0], int(moment[1])] if moment else []))
