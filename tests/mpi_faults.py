"""A training on MPI ranks, one of which fails: ``mpi_faults FOLDER WHAT [COUNT]``.

The first rank writes a hash of the weights to ``result.json``, if the training comes to its end.
"""

import hashlib
import json
import os
import pathlib
import signal
import sys
import threading
import time

import numpy as np

import kerasish as ks
from kerasish import callbacks, layers
from kerasish.distributed import Cluster
from kerasish.training import shards


def main(folder, what, count=0):
    folder, count, rank = pathlib.Path(folder), float(count), ks.distributed.rank()
    other = rank == 1
    shards.MIN_SHARD_FLOP = 1
    if other and what == "never starts":
        time.sleep(1000)
    ks.config.set_num_threads(1 + (other and what == "threads"))
    rng = np.random.default_rng(rank if what == "data" else 0)
    x = rng.standard_normal((90 - (other and what == "rows"), 8, 8, 1)).astype("float32")
    y = rng.integers(0, 3, len(x))
    ks.set_random_seed(1)
    model = ks.Sequential(
        [
            layers.RandomFlip("horizontal"),
            layers.Conv2D(4 + (other and what == "model"), 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(1200, "relu"),  # so many weights that the ranks share the optimizer
            layers.Dropout(0.4),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile(
        ks.optimizers.Adam(0.01), "sparse_categorical_crossentropy", ["acc"], distribute="mpi"
    )
    if other and what == "kill later":
        threading.Timer(count, os.kill, (os.getpid(), signal.SIGKILL)).start()
    if other and what == "exit":
        sys.exit(3)

    def fail(batch, logs):
        if not other or batch != 2:
            return
        if what == "raise":
            raise RuntimeError("no more")
        if what == "hang":
            time.sleep(1000)
        if what == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)

    enter = Cluster._enter

    def counted(self, what_):
        if other and what == "kill" and self.count >= count:
            os.kill(os.getpid(), signal.SIGKILL)
        enter(self, what_)

    Cluster._enter = counted
    history = model.fit(
        x,
        y,
        20,
        4,
        validation_split=0.2,
        verbose=0,
        callbacks=[
            callbacks.BackupAndRestore(folder / "backup", 2),
            callbacks.CSVLogger(folder / "log.csv"),
            callbacks.LambdaCallback(on_train_batch_end=fail),
        ],
    )
    if rank == 0:
        weights = b"".join(weight.numpy().tobytes() for weight in model.weights)
        found = {"weights": hashlib.sha256(weights).hexdigest(), "history": history.history}
        (folder / "result.json").write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
