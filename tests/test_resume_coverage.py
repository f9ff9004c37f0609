"""Whatever remembers something goes on after a kill; a new thing that does not fails here."""

import inspect
import json

import numpy as np
import pytest

import kerasish as ks
from kerasish import callbacks, layers, optimizers, registry
from kerasish.callbacks import BackupAndRestore, Callback
from kerasish.saving.state_file import read_state, write_state
from kerasish.store import Weight
from tests.test_layers import TABLE, row_id

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 4)).astype("float32")
LABELS = RNG.integers(0, 3, 40)
HOT = np.eye(3, dtype="float32")[LABELS]


class Killed(BaseException):
    """Stands for SIGKILL."""


def trap(batches):
    left = iter(range(batches))

    def spring(batch, logs=None):
        if next(left, None) is None:
            raise Killed

    return callbacks.LambdaCallback(on_train_batch_begin=spring)


def network(optimizer="adam", loss="categorical_crossentropy", metrics=None, head="softmax"):
    stack = [layers.Dense(5, "tanh"), layers.Dropout(0.2), layers.Dense(3, head)]
    return ks.Sequential(stack, seed=2).compile(optimizer, loss, metrics=metrics)


def train(made, folder, *others, kill=None, y=HOT):
    listed = [BackupAndRestore(folder, save_freq=2), *others]
    listed += [trap(kill)] if kill is not None else []
    options = {"epochs": 3, "batch_size": 8, "validation_split": 0.2, "verbose": 0}
    return made.fit(X, y, callbacks=listed, **options)


def killed_and_whole(make, folder, y=HOT, kill=6):
    """(model, History) of a training that was killed within its second epoch, and of one not so."""
    with pytest.raises(Killed):
        train(make(), folder / "killed", kill=kill, y=y)
    results = []
    for name in "killed", "whole":
        made = make()
        results.append((made, train(made, folder / name, y=y).history))
    return results


def assert_same(one, other):
    for a, b in zip(one[0].get_weights(), other[0].get_weights(), strict=True):
        assert np.array_equal(a, b)
    for a, b in zip(one[0].optimizer.variables, other[0].optimizer.variables, strict=True):
        assert np.array_equal(a, b)
    assert json.dumps(one[1], default=np.ndarray.tolist) == json.dumps(
        other[1], default=np.ndarray.tolist
    )


# --- callbacks ------------------------------------------------------------------------------------

WITHOUT_STATE = {
    "BackupAndRestore": "is what stores the others; counts batches since its own last backup",
    "Callback": "the base",
    "CallbackList": "hands hooks on",
    "LambdaCallback": "functions of the user's; what they change is named in a warning",
    "LearningRateScheduler": "the rate is the optimizer's",
    "ProgbarLogger": "shows what the epoch's scores say",
    "ProgressBar": "shows what the epoch's scores say",
    "TerminateOnNaN": "looks at one batch at a time",
}
MADE = {
    "CSVLogger": lambda folder: callbacks.CSVLogger(folder / "log.csv"),
    "ClassReport": lambda folder: callbacks.ClassReport(),
    "ConfusionMatrix": lambda folder: callbacks.ConfusionMatrix(path=folder / "c.png"),
    "EarlyStopping": lambda folder: callbacks.EarlyStopping("loss", patience=9),
    "HTMLReport": lambda folder: callbacks.HTMLReport(folder / "report.html"),
    "History": lambda folder: callbacks.History(),
    "LRFinder": lambda folder: callbacks.LRFinder(steps=12, verbose=0),
    "LivePlot": lambda folder: callbacks.LivePlot(path=folder / "live.png"),
    "ModelCheckpoint": lambda folder: callbacks.ModelCheckpoint(folder / "m.keras", "loss"),
    "Profiler": lambda folder: callbacks.Profiler(verbose=0),
    "ReduceLROnPlateau": lambda folder: callbacks.ReduceLROnPlateau("loss", patience=1),
    "RunLog": lambda folder: callbacks.RunLog(folder / "run.jsonl"),
    "SwapEMAWeights": lambda folder: callbacks.SwapEMAWeights(),
    "TensorBoard": lambda folder: callbacks.TensorBoard(folder / "board"),
    "Timer": lambda folder: callbacks.Timer(verbose=0),
}


def all_callbacks():
    names = {name for name in dir(callbacks) if name[0].isupper()}
    found = {name: getattr(callbacks, name) for name in names}
    return {n: c for n, c in found.items() if inspect.isclass(c) and issubclass(c, Callback)}


def test_every_callback_has_a_state_or_a_reason():
    found = all_callbacks()
    without = {n for n, cls in found.items() if cls.get_state is Callback.get_state}
    assert without == set(WITHOUT_STATE)
    assert set(MADE) == set(found) - without, "give the new callback a line in MADE"
    registered = registry.known("callback").values()
    assert {c.__name__ for c in registered if c.__module__.startswith("kerasish.")} <= set(found)


OTHERWISE = ("seconds", "samples_per_second", "filename")  # than in another run


def timeless(value):
    """A state without paths and times, but with how many times there are."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in OTHERWISE}
        return {k: len(v) if k == "times" else timeless(v) for k, v in kept.items()}
    if isinstance(value, list | tuple):
        return [timeless(v) for v in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


PICTURES = ("ConfusionMatrix", "LivePlot")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n in PICTURES else ()) for n in sorted(MADE)],
)
def test_states_of_callbacks_go_on(name, tmp_path):
    """After a resume the state is that of a training that was never killed."""
    states = []
    for folder, kill in (("killed", 6), ("killed", None), ("whole", None)):
        (tmp_path / folder).mkdir(exist_ok=True)
        kept = {}
        made = MADE[name](tmp_path / folder)

        def keep(epoch, logs=None, made=made, kept=kept):
            kept[epoch] = timeless(made.get_state())

        look = callbacks.LambdaCallback(on_epoch_end=keep)
        optimizer = optimizers.Adam(0.01, use_ema=True)
        arguments = (network(optimizer, metrics=["accuracy"]), tmp_path / folder / "b", made, look)
        if kill is None:
            train(*arguments)
            states.append(kept)
        else:
            with pytest.raises(Killed):
                train(*arguments, kill=kill)
        write_state(tmp_path / "state.npz", made.get_state())
        read_state(tmp_path / "state.npz")
    resumed, whole = states
    assert set(resumed) == {1, 2}
    assert resumed == {epoch: state for epoch, state in whole.items() if epoch in resumed}


# --- optimizers, metrics, layers ------------------------------------------------------------------

OPTIMIZERS = sorted(
    {c.__name__ for c in registry.known("optimizer").values() if inspect.isclass(c)}
    - {"Optimizer", "MultiOptimizer"}  # test_resume.py has the latter
)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("options", [{}, {"use_ema": True, "gradient_accumulation_steps": 3}])
def test_optimizers_go_on(name, options, tmp_path):
    if options and name == "ScheduleFreeAdamW":
        options = {"gradient_accumulation_steps": 3}
    cls = getattr(optimizers, name)
    assert_same(*killed_and_whole(lambda: network(cls(**options)), tmp_path))


NEEDS = {
    "IoU": [3, [1]],
    "MeanIoU": [3],
    "OneHotIoU": [3, [0]],
    "OneHotMeanIoU": [3],
    "PrecisionAtRecall": [0.5],
    "RecallAtPrecision": [0.5],
    "SensitivityAtSpecificity": [0.5],
    "SpecificityAtSensitivity": [0.5],
    "SparseTopKCategoricalAccuracy": [2],
    "TopKCategoricalAccuracy": [2],
    "ConfusionMatrix": [3],
}
NOT_FOR_COMPILE = (
    "Metric",
    "MeanMetricWrapper",
    "Mean",
    "MeanTensor",
    "Sum",
    "LossFunctionWrapper",
)
METRICS = sorted(
    {c.__name__ for c in registry.known("metric").values() if inspect.isclass(c)}
    - set(NOT_FOR_COMPILE)
)


@pytest.mark.parametrize("name", METRICS)
def test_running_metrics_go_on(name, tmp_path):
    cls = getattr(ks.metrics, name)
    options = {"sparse_y_pred": False} if name in ("IoU", "MeanIoU") else {}
    sparse = name.startswith("Sparse") or name in ("IoU", "MeanIoU", "ConfusionMatrix")
    y, loss, head = HOT, "categorical_crossentropy", "softmax"
    if sparse:
        y, loss = LABELS, "sparse_categorical_crossentropy"
    if name == "BinaryIoU":
        loss, head = "binary_crossentropy", "sigmoid"

    def make():
        return network("sgd", loss, [cls(*NEEDS.get(name, []), name="m", **options)], head)

    assert_same(*killed_and_whole(make, tmp_path, y))


STATES = {"states", "counter", "_told", "_flat", "_flops", "_direct", "_spare_teams", "built"}


def remembered(layer):
    """All that a layer holds besides weights, as text."""
    found = {}
    for inner in layer.walk():
        for key, value in vars(inner).items():
            if key not in STATES and not isinstance(value, Weight):
                found[inner.name, key] = repr(value)[:2000] if key != "_sublayers" else len(value)
    return found


@pytest.mark.filterwarnings("ignore:.*does not support masks", "ignore:.*but not their labels")
@pytest.mark.parametrize("row", [row for row in TABLE if row[0] != "InputLayer"], ids=row_id)
def test_layers_remember_nothing_but_weights_and_states(row):
    """So that a backup, which has these, has all of a layer."""
    name, arguments, shape, _ = row
    layer = getattr(layers, name)(**arguments)
    if isinstance(shape, tuple):
        x = np.ones((4, *shape[1:]), "int64" if name == "Embedding" else "float32")
        x = x if x.dtype.kind == "i" else RNG.standard_normal(x.shape).astype("float32")
    else:
        x = np.resize(np.asarray(shape), (4, *np.shape(shape)[1:]))
    if name == "Normalization" and arguments.get("mean") is None:
        layer.adapt(x)
    dtype = "string" if x.dtype.kind == "U" else None
    model = ks.Sequential([layers.Input(x.shape[1:], dtype=dtype), layer])
    if len(model.output_shape) > 2:
        model.add(layers.Flatten())
    model.add(layers.Dense(2))
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((4, 2)), epochs=1, verbose=0, batch_size=4, shuffle=False)
    before = remembered(layer)
    model.fit(x, np.zeros((4, 2)), epochs=2, verbose=0, batch_size=4, shuffle=False)
    assert remembered(layer) == before
