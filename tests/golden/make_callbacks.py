"""Make callbacks.json: what real Keras's callbacks do to learning rates, logs, files and weights.

Run with Keras 3.15 and torch 2.13 installed:
KERAS_BACKEND=torch python tests/golden/make_callbacks.py
"""

import contextlib
import io
import itertools
import json
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import callbacks, layers, optimizers

X = np.linspace(-1, 1, 24).reshape(12, 2).astype("float32")
Y = (X[:, :1] * 0.7 - X[:, 1:] * 0.2 + 0.1).astype("float32")


def tiny(optimizer):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=["mae"])
    model.set_weights([np.array([[0.5], [-0.25]], "float32"), np.zeros(1, "float32")])
    return model


def plateau(options, values):
    """Learning rates and cooldowns after every epoch, the logs' learning rates, the output."""
    model = tiny(optimizers.SGD(0.1))
    model.evaluate(X, Y, verbose=0)
    callback = callbacks.ReduceLROnPlateau(monitor="val_mae", verbose=1, **options)
    callback.set_model(model)
    callback.on_train_begin()
    rows = []
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for epoch, value in enumerate(values):
            logs = {"val_mae": value}
            callback.on_epoch_end(epoch, logs)
            rate = float(model.optimizer.learning_rate.value)
            rows.append([rate, logs["learning_rate"], callback.wait, callback.cooldown_counter])
    reductions = [i for i, line in enumerate(out.getvalue().split("\n\n")) if "reducing" in line]
    return {"options": options, "values": values, "rows": rows, "reductions": len(reductions)}


PLATEAUS = []
GRID = itertools.product(["min", "max"], [0, 1, 3], [0, 2], [0.0, 0.02], [1e-4, 0.3])
for i, (mode, patience, cooldown, min_lr, min_delta) in enumerate(GRID):
    values = np.round(np.random.default_rng(i).uniform(0, 2, 14), 1).tolist()
    options = {
        "mode": mode,
        "patience": patience,
        "cooldown": cooldown,
        "min_lr": min_lr,
        "min_delta": min_delta,
        "factor": 0.5,
    }
    PLATEAUS.append(plateau(options, values))


def scheduled(schedule):
    model = tiny(optimizers.SGD(0.1))
    history = model.fit(
        X, Y, epochs=4, verbose=0, callbacks=[callbacks.LearningRateScheduler(schedule)]
    )
    return history.history["learning_rate"]


SCHEDULES = {
    "halve": scheduled(lambda epoch, lr: lr * 0.5),
    "by epoch": scheduled(lambda epoch: 0.1 / (1 + epoch)),
}


def logged(rows, append=False, before=None, separator=","):
    path = Path(tempfile.mkdtemp(), "log.csv")
    if before is not None:
        path.write_bytes(before.encode())
    log = callbacks.CSVLogger(path, separator=separator, append=append)
    log.set_model(tiny("sgd"))
    log.on_train_begin()
    for epoch, logs in enumerate(rows):
        log.on_epoch_end(epoch, {k: np.array(v) if type(v) is list else v for k, v in logs.items()})
    log.on_train_end()
    return {
        "rows": rows,
        "append": append,
        "before": before,
        "separator": separator,
        "text": path.read_bytes().decode(),
    }


HEAD = "epoch,loss,val_loss\r\n"
FILES = [
    logged([{"loss": 0.5, "acc": 0.25, "val_loss": 1.5}, {"loss": 0.25, "acc": 1, "val_loss": 2}]),
    logged([{"loss": 0.5}, {"loss": 0.25, "val_loss": 3.0}]),
    logged([{"loss": 0.5, "f1": [0.5, 0.25], "note": "a,b"}], separator=";"),
    logged([{"loss": 0.5}], before="old\n"),
    logged([{"loss": 0.5, "val_loss": 0.1}], append=True, before=HEAD + "0,1,2\r\n"),
    logged([{"loss": 0.5, "val_loss": 0.1}], append=True, before=""),
]


class Watch(callbacks.Callback):
    """Weights as they are when an epoch ends."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append([w.tolist() for w in self.model.get_weights()])


def averaged(swap_on_epoch, overwrite=None):
    model = tiny(
        optimizers.SGD(0.3, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=overwrite)
    )
    watch = Watch()
    history = model.fit(
        X,
        Y,
        batch_size=4,
        epochs=3,
        shuffle=False,
        verbose=0,
        validation_data=(X, Y),
        callbacks=[callbacks.SwapEMAWeights(swap_on_epoch), watch],
    )
    return {
        "swap_on_epoch": swap_on_epoch,
        "overwrite": overwrite,
        "history": history.history,
        "seen": watch.seen,
        "weights": [w.tolist() for w in model.get_weights()],
    }


AVERAGES = [averaged(False), averaged(True), averaged(True, 2)]

golden = {
    "plateaus": PLATEAUS,
    "schedules": SCHEDULES,
    "files": FILES,
    "averages": AVERAGES,
    "x": X.tolist(),
    "y": Y.tolist(),
}
Path(__file__).with_name("callbacks.json").write_text(json.dumps(golden) + "\n")
