"""A training that is killed and started again ends as if nothing had happened, to the bit."""

import hashlib
import json
import pathlib
import random
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

import kerasish as ks
from kerasish import callbacks, layers, optimizers
from kerasish.callbacks import BackupAndRestore, EarlyStopping
from kerasish.data.snapshot import Snapshot
from kerasish.saving import state_file
from kerasish.training import shards

RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 6)).astype("float32")
Y = RNG.integers(0, 3, 50)
EPOCHS, SIZE = 4, 8


class Killed(BaseException):
    """Stands for SIGKILL where the process is needed afterwards."""


class Trap(callbacks.Callback):
    """Ends everything when `count` of a hook's calls, over all epochs, have gone by."""

    def __init__(self, hook, count):
        super().__init__()
        self.count = count
        setattr(self, hook, self.spring)

    def spring(self, *_, **__):
        self.count -= 1
        if self.count < 0:
            raise Killed

    def get_state(self):  # no warning that it changes its attributes
        return {}


# --- trainings: each begins anew whenever it is called, as a script does --------------------------


def model(optimizer="adam", seed=3, stack=(), metrics=("accuracy",), loss=None):
    made = ks.Sequential(
        [
            layers.Dense(12, "relu"),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            *stack,
            layers.GaussianNoise(0.1),
            layers.Dense(3, "softmax"),
        ],
        seed=seed,
    )
    return made.compile(optimizer, loss or "sparse_categorical_crossentropy", metrics=list(metrics))


def arrays(**options):
    schedule = optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    recall = ks.metrics.Recall(average="macro", name="recall")
    stop = EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    return (
        model(
            optimizers.Adam(schedule), metrics=["accuracy", recall, ks.metrics.F1Score(name="f")]
        ),
        {"x": X, "y": Y, "validation_split": 0.2, "callbacks": [stop], **options},
    )


def no_seed():
    return model(seed=None), {"x": X, "y": Y}


def steps():
    return model(), {"x": X, "y": Y, "steps_per_epoch": 5, "validation_data": (X, Y)}


def within_batches():
    return model(), {"x": X, "y": Y, "shuffle": "batch", "class_weight": {0: 2.0}}


def in_a_file(folder):
    path = folder / "data.h5"
    if not path.exists():
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=X, chunks=(10, 6))
    return model(), {"x": h5py.File(path)["x"], "y": Y}


def averaged():
    optimizer = optimizers.AdamW(
        0.01, use_ema=True, ema_momentum=0.9, gradient_accumulation_steps=2, clipnorm=1.0
    )
    return model(optimizer), {"x": X, "y": Y}


def several_optimizers():
    inner = optimizers.OptimizerMap(optimizers.Adam(0.01), {".*bias": optimizers.SGD(0.1, 0.9)})
    return model(optimizers.MultiOptimizer(inner)), {"x": X, "y": Y}


def generators():
    np.random.seed(5)

    def batches(count):
        while True:
            order = np.random.permutation(50)
            for at in range(0, 50, SIZE)[:count]:
                rows = order[at : at + SIZE]
                yield X[rows] + np.random.normal(0, 0.1, (len(rows), 6)), Y[rows]

    return model(), {
        "x": batches(7),
        "steps_per_epoch": 6,
        "validation_data": batches(3),
        "validation_steps": 2,
        "batch_size": None,
    }


class Loader:
    """What a DataLoader is like: a new order whenever it is iterated over."""

    def __init__(self):
        self.rng = np.random.default_rng(1)

    def __iter__(self):
        for rows in np.array_split(self.rng.permutation(50), 7):
            yield X[rows], Y[rows]


def iterables():
    return model(), {"x": Loader(), "validation_data": Loader(), "batch_size": None}


class Mixed(ks.utils.PyDataset):
    """Shuffles its rows in a hook, and draws from its own and from NumPy's global numbers."""

    def __init__(self, **options):
        super().__init__(**options)
        self.rng, self.order = np.random.default_rng(1), list(range(50))
        self.names = [("row", i) for i in range(3)]

    def __len__(self):
        return 7

    def __getitem__(self, index):
        rows = self.order[index * 7 : index * 7 + 7]
        noise = self.rng.normal(0, 0.1, (len(rows), 6)) + np.random.normal(0, 0.1)
        return X[rows] + noise + self.names[0][1], Y[rows]

    def on_epoch_end(self):
        np.random.shuffle(self.order)
        self.names.reverse()


def datasets():
    np.random.seed(5)
    return model(), {"x": Mixed(), "validation_data": Mixed(), "batch_size": None}


class Plain(ks.utils.PyDataset):
    def __len__(self):
        return 7

    def __getitem__(self, index):
        return X[index * 7 : index * 7 + 7], Y[index * 7 : index * 7 + 7]


def datasets_ahead():
    return model(), {"x": Plain(workers=3), "batch_size": None, "steps_per_epoch": 5}


class Largest(ks.metrics.Metric):
    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.seen = self.add_weight(name="seen", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.seen.assign(np.maximum(self.seen, np.max(y_pred)))

    def result(self):
        return self.seen


class Decay(callbacks.Callback):
    """Changes the learning rate by what it is, at the beginning of every epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) * 0.7


def plateau():
    listed = [
        callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=1.0, factor=0.5),
        callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
    ]
    return model(), {"x": X, "y": Y, "callbacks": listed}


def swapped():
    optimizer = optimizers.Adam(0.01, use_ema=True, ema_momentum=0.8)
    return model(optimizer), {
        "x": X,
        "y": Y,
        "validation_data": (X, Y),
        "callbacks": [callbacks.SwapEMAWeights(swap_on_epoch=True)],
    }


def loaders():
    def noisy(x, rng):
        return x + rng.normal(0, 0.1, x.shape)

    data = ks.data.DataLoader(X, Y, batch_size=SIZE, shuffle=True, seed=4).map(noisy)
    return model(), {"x": data, "validation_data": data, "batch_size": None}


def loaders_by_steps():
    made, arguments = loaders()
    return made, {**arguments, "steps_per_epoch": 5, "validation_steps": 2}


def recurrent():
    """States go on from batch to batch, and from epoch to epoch."""
    stack = [
        layers.LSTM(4, stateful=True, dropout=0.2, batch_input_shape=(10, 3, 2)),
        layers.Dense(3, "softmax"),
    ]
    made = ks.Sequential(stack, seed=3).compile("adam", "sparse_categorical_crossentropy")
    return made, {"x": X.reshape(50, 3, 2), "y": Y, "batch_size": 10, "shuffle": False}


def own_classes():
    return model("sgd", metrics=[Largest()]), {"x": X, "y": Y, "callbacks": [Decay()]}


def threads():
    ks.config.set_num_threads(2)
    return arrays()


TRAININGS = [
    arrays,
    no_seed,
    steps,
    within_batches,
    in_a_file,
    averaged,
    several_optimizers,
    generators,
    iterables,
    datasets,
    datasets_ahead,
    plateau,
    swapped,
    loaders,
    loaders_by_steps,
    recurrent,
    own_classes,
    threads,
]
KILLS = {
    "before the first batch": [("on_train_batch_begin", 0)],
    "in the first epoch": [("on_train_batch_end", 4)],
    "in a later epoch": [("on_train_batch_end", 10)],
    "in a validation or hook": [("on_epoch_end", 1)],
    "twice": [("on_train_batch_begin", 8), ("on_train_batch_end", 3)],
}


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(shards, "MIN_SHARD_FLOP", 1)
    before = ks.config.num_threads()
    yield
    ks.config.set_num_threads(before)


def run(training, folder, freq="epoch", trap=None, epochs=EPOCHS, **options):
    """Weights, History and epochs of one process of a script."""
    script = (lambda: training(folder)) if training is in_a_file else training
    made, arguments = script()
    arguments = {"batch_size": SIZE, "verbose": 0, "epochs": epochs, **arguments, **options}
    if arguments["batch_size"] is None:
        arguments.pop("batch_size")
    listed = [BackupAndRestore(folder / "backup", save_freq=freq), *arguments.pop("callbacks", [])]
    if trap is not None:
        listed.append(Trap(*trap))
    history = made.fit(callbacks=listed, **arguments)
    return outcome(made, history)


def outcome(made, history):
    arrays = [*made.get_weights(), *(np.asarray(v) for v in made.optimizer.variables)]
    digest = hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()
    return digest, json.dumps(history.history, default=np.ndarray.tolist), history.epoch


def cases():
    """Every training with every frequency and kill; by default one of each, in turn."""
    for i, training in enumerate(TRAININGS):
        for j, freq in enumerate(("epoch", 1, 3)):
            for k, (name, kills) in enumerate(KILLS.items()):
                fast = j == i % 3 and k == (i + j) % len(KILLS)
                yield pytest.param(
                    training,
                    freq,
                    kills,
                    id=f"{training.__name__}-{freq}-{name}",
                    marks=() if fast else pytest.mark.slow,
                )


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize(("training", "freq", "kills"), list(cases()))
def test_a_killed_training_ends_the_same(training, freq, kills, tmp_path):
    folder = tmp_path / "killed"
    folder.mkdir()
    state = None
    if training is no_seed:
        ks.config.set_random_state(state := ks.config.random_state())
    whole = run(training, tmp_path)
    if state:
        ks.config.set_random_state(state)
    for trap in kills:
        with pytest.raises(Killed):
            run(training, folder, freq, trap)
    assert run(training, folder, freq) == whole
    assert not (folder / "backup").exists()


# --- what a data set keeps in its attributes ------------------------------------------------------


class Source:
    def __init__(self):
        self.rows = np.arange(6)
        self.table = np.zeros((2, 2))  # data: not looked at
        self.names = [("row", i) for i in range(6)]
        self.options = {"deep": [1, 2]}
        self.count, self.opened = 0, object()
        self.new, self.old, self.plain = (
            np.random.default_rng(0),
            np.random.RandomState(0),
            random.Random(0),
        )

    def read(self):
        drawn = [self.new.normal(), self.old.normal(), self.plain.random()]
        self.new.shuffle(self.rows)
        self.plain.shuffle(self.names)
        self.options["deep"].append(self.count)
        self.count += 1
        self.table += 1
        return [*drawn, self.rows.tolist(), list(self.names), str(self.options), self.count]


def test_attributes_of_a_data_set_go_on_where_they_were(tmp_path):
    source = Source()
    snapshot = Snapshot(source)
    assert snapshot.changed() == {}
    source.read()
    state = snapshot.changed()
    assert set(state) == {"rows", "names", "options", "count", "new", "old", "plain"}
    state_file.write_state(tmp_path / "state.npz", state)
    again = Source()
    rows = again.rows
    Snapshot(again).restore(state_file.read_state(tmp_path / "state.npz"))
    assert again.rows is rows  # others may hold the same array
    assert again.read() == source.read()


def test_a_data_set_that_has_a_state_is_asked():
    class Asked(Source):
        def get_state(self):
            return self.count

        def set_state(self, state):
            self.count = 10 * state

    source = Asked()
    snapshot = Snapshot(source)
    source.read()
    assert snapshot.changed() == 1
    snapshot.restore(3)
    assert source.count == 30


# --- real processes -------------------------------------------------------------------------------

SCRIPT = pathlib.Path(__file__).with_name("killed_training.py")


def child(folder, *arguments, wait=True):
    command = [sys.executable, "-W", "error", str(SCRIPT), str(folder), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not wait:
        return process
    out, err = process.communicate(timeout=100)
    assert process.returncode in (0, -signal.SIGKILL), err
    return json.loads(out.splitlines()[-1]) if process.returncode == 0 else None


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return child(tmp_path_factory.mktemp("whole"), "epoch")


# What the process kills itself in: (function or hook, number of its calls before).
MOMENTS = [
    [("write_array", 3)],  # while the first backup is written
    [("on_train_batch_end", 9), ("replace", 2)],
]
MORE_MOMENTS = [
    [("fsync", 3), ("replace", 2)],
    [("remove", 1), ("on_test_batch_end", 3)],
    # while a backup is read, and while what it holds is taken up
    [
        ("on_epoch_end", 1),
        ("read_state", 0),
        ("read_magic", 5),
        ("set_state", 0),
        ("read_magic", 30),
    ],
    [("on_epoch_end", 0), ("fsync", 0), ("on_epoch_begin", 2), ("write_array", 50)],
]


@pytest.mark.parametrize(
    ("freq", "moments"),
    [
        *(pytest.param("epoch", m) for m in MOMENTS),
        *(pytest.param("epoch", m, marks=pytest.mark.slow) for m in MORE_MOMENTS),
        *(pytest.param(2, m, marks=pytest.mark.slow) for m in MOMENTS + MORE_MOMENTS),
    ],
)
def test_sigkill_at_chosen_moments(freq, moments, tmp_path, uninterrupted):
    for moment in moments:
        assert child(tmp_path, freq, *moment) is None, "the process was not killed"
    assert child(tmp_path, freq) == uninterrupted
    assert not list(tmp_path.glob("backup*"))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("freq", ["epoch", 1, 3])
def test_sigkill_at_random_moments(freq, tmp_path, uninterrupted):
    def begun(folder):
        process = child(folder, freq, wait=False)
        assert process.stdout.readline() == "begins\n", process.communicate()
        return process

    rng, kills, attempt = np.random.default_rng(), 0, 0
    (tmp_path / "timed").mkdir()
    process = begun(tmp_path / "timed")
    start = time.perf_counter()
    process.communicate()
    span = time.perf_counter() - start  # of the training alone
    while attempt < 10 or (kills < 20 and attempt < 100):
        attempt += 1
        folder = tmp_path / str(attempt)
        folder.mkdir()
        for left in (1, 0.8, 0.6, 0.4):  # of the training, after kills
            process = begun(folder)
            try:
                _, err = process.communicate(timeout=rng.uniform(0, 0.9) * left * span)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                continue
            assert process.returncode == 0, err
            break
        assert child(folder, freq) == uninterrupted
    assert kills >= 20
