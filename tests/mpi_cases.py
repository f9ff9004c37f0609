"""Trainings that `test_mpi.py` runs in one process and on the ranks of an MPI job.

    mpiexec -n 2 python -m tests.mpi_cases FOLDER THREADS CASE...

writes a file of JSON for every rank: by case, a hash of the weights and the History.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np

import kerasish as ks
from kerasish import callbacks, layers, losses, metrics
from kerasish.training import shards

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((61, 10)).astype("float32")
LABELS = RNG.integers(0, 4, 61)
WEIGHTS = RNG.uniform(0.2, 2, 61).astype("float32")
IMAGES = RNG.standard_normal((33, 8, 8, 3)).astype("float32")
SERIES = RNG.standard_normal((33, 6, 3)).astype("float32")
SERIES[np.arange(33)[:, None] % 6 < np.arange(6)] = 0  # rows of 1 to 6 steps, the rest masked
WORDS = RNG.integers(0, 20, (33, 5))


def mlp(distribute):
    """Penalties, class weights, a schedule, and last batches of one row: a rank has none."""
    model = ks.Sequential(
        [
            layers.Dense(12, "tanh", kernel_regularizer="l2"),
            layers.Dropout(0.3),
            layers.Dense(4, "softmax", activity_regularizer="l2"),
        ]
    )
    rate = ks.optimizers.schedules.ExponentialDecay(0.05, 3, 0.9)
    optimizer = ks.optimizers.Adam(rate, global_clipnorm=1.0)
    loss, wanted = "sparse_categorical_crossentropy", ["accuracy"]
    model.compile(optimizer, loss, wanted, weighted_metrics=["acc"], distribute=distribute)
    options = {"class_weight": {0: 2.0}, "validation_split": 0.2}
    return model, model.fit(ROWS, LABELS, 16, 3, verbose=0, **options)


def convnet(distribute):
    model = ks.Sequential(
        [
            layers.RandomFlip(),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.SpatialDropout2D(0.2),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(4, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"], distribute=distribute)
    held_out = (IMAGES[:9], LABELS[:9], WEIGHTS[:9])
    options = {"sample_weight": WEIGHTS[:33], "validation_data": held_out}
    return model, model.fit(IMAGES, LABELS[:33], 16, 3, verbose=0, **options)


def lstm(distribute):
    model = ks.Sequential([layers.Masking(), layers.LSTM(5, dropout=0.2), layers.Dense(4)])
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("rmsprop", loss, ["accuracy"], distribute=distribute)
    return model, model.fit(SERIES, LABELS[:33], 10, 3, verbose=0, validation_split=0.3)


def stateful(distribute):
    """Every rank keeps the states of its rows; all have them all."""
    model = ks.Sequential(
        [layers.Input(batch_shape=(4, 6, 3)), layers.GRU(3, stateful=True), layers.Dense(1)]
    )
    model.compile("sgd", "mse", distribute=distribute)
    return model, model.fit(SERIES[:32], LABELS[:32], 4, 2, verbose=0, shuffle=False)


def embedding(distribute):
    model = ks.Sequential([layers.Embedding(20, 3), layers.Flatten(), layers.Dense(4, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", distribute=distribute)
    return model, model.fit(WORDS, LABELS[:33], 8, 3, verbose=0)


def spread(y_true, y_pred):
    """A loss that needs the whole batch."""
    return ((y_pred - y_pred.mean(0) - y_true) ** 2).mean(-1)


class Largest(metrics.Metric):
    def __init__(self, name="largest", **options):
        super().__init__(name=name, **options)
        self.seen = self.add_weight(name="seen")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.seen.assign(np.maximum(self.seen, np.max(np.abs(y_pred - y_true))))

    def result(self):
        return self.seen


def joined(distribute):
    """A loss and a metric that see the joined batch."""
    model = ks.Sequential([layers.Dense(3, "tanh"), layers.Dense(1)])
    model.compile("sgd", spread, [Largest()], distribute=distribute)
    y = LABELS[:, None].astype("float32")
    return model, model.fit(ROWS, y, 20, 2, verbose=0, sample_weight=WEIGHTS, validation_split=0.1)


def generator(distribute):
    """Every rank makes all batches and works on its rows of them."""

    def batches():
        for i in range(1000):
            yield ROWS[i % 7 :: 7], LABELS[i % 7 :: 7]

    model = ks.Sequential([layers.Dense(4, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", distribute=distribute)
    return model, model.fit(batches(), steps_per_epoch=5, epochs=2, verbose=0)


def loop(distribute):
    """A loop of the user's own."""
    model = ks.Sequential([layers.Dense(8, "relu"), layers.Dropout(0.5), layers.Dense(1)])
    model.compile("adam", "mse", distribute=distribute)
    model.build((None, 10))
    losses_ = [model.train_on_batch(ROWS[i::7], LABELS[i::7]) for i in range(7)]
    return model, ks.callbacks.History(), *losses_


def stopped(distribute):
    """Validation decides on the learning rate and on the end, alike everywhere."""
    model = ks.Sequential([layers.Dense(4, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", distribute=distribute)
    watch = [
        callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=0.01),
        callbacks.EarlyStopping("val_loss", patience=3, min_delta=0.01, restore_best_weights=True),
    ]
    options = {"callbacks": watch, "validation_split": 0.3}
    return model, model.fit(ROWS, LABELS, 16, 20, verbose=0, **options)


class SignSGD(ks.optimizers.Optimizer):
    """Keras's way to write an optimizer, weight by weight."""

    def update_step(self, gradient, variable, learning_rate):
        variable.assign_sub(learning_rate * np.sign(gradient))


def wide(optimizer):
    """Enough weights for the ranks of one machine to share the optimizer's work."""

    def case(distribute):
        model = ks.Sequential(
            [
                layers.Embedding(1000, 16, embeddings_regularizer="l2"),
                layers.Flatten(),
                layers.Dense(600, "relu", kernel_constraint="max_norm"),
                layers.BatchNormalization(),
                layers.Dropout(0.2),
                layers.Dense(200, "relu"),
                layers.Dense(4, "softmax"),
            ]
        )
        model.compile(optimizer(), "sparse_categorical_crossentropy", distribute=distribute)
        history = model.fit(WORDS, LABELS[:33], 16, 2, verbose=0)
        again = model.fit(WORDS, LABELS[:33], 8, 1, verbose=0)
        held = [float(np.sum(v.numpy(), dtype="float64")) for v in model.optimizer.variables]
        return model, history, *again.history["loss"], *held

    return case


WIDE = {
    "adam": lambda: ks.optimizers.AdamW(0.01, weight_decay=0.1),
    "clipped": lambda: ks.optimizers.Nadam(0.01, global_clipnorm=0.5),
    "accumulated": lambda: ks.optimizers.RMSprop(0.01, gradient_accumulation_steps=2),
    "averaged": lambda: ks.optimizers.SGD(0.1, momentum=0.9, use_ema=True),
    "whole": lambda: ks.optimizers.Adafactor(0.01),
    "own": lambda: SignSGD(0.001),
}

CASES = {
    case.__name__: case
    for case in (
        mlp, convnet, lstm, stateful, embedding, joined, generator, loop, stopped,
    )
}  # fmt: skip
CASES |= {f"wide {name}": wide(optimizer) for name, optimizer in WIDE.items()}


def run(name, threads, distribute=None):
    """Hash of the weights, and what the History has."""
    minimum, shards.MIN_SHARD_FLOP = shards.MIN_SHARD_FLOP, 1
    before = ks.config.num_threads()
    try:
        ks.config.set_num_threads(threads)
        ks.set_random_seed(1)
        model, history, *more = CASES[name](distribute)
    finally:
        shards.MIN_SHARD_FLOP = minimum
        ks.config.set_num_threads(before)
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(weight.numpy().tobytes())
    some = np.concatenate([weight.numpy().ravel()[:3] for weight in model.weights])
    return {
        "weights": digest.hexdigest()[:16],
        "some": some.tolist(),
        "history": {**history.history, "losses": more},
    }


def main(folder, threads, *names):
    found = {name: run(name, int(threads), "mpi") for name in names or CASES}
    path = pathlib.Path(folder) / f"{ks.distributed.rank()}.json"
    path.write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
