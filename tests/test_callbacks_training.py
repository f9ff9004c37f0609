"""Callbacks that steer or log training: learning rates, averages, CSV files; against real Keras.

The numbers in golden/callbacks.json were made by golden/make_callbacks.py.
"""

import copy
import errno
import json
import os
import pathlib
import pickle
import re

import numpy as np
import pytest

from kerasish import Sequential, layers, optimizers, spellings
from kerasish.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    HTMLReport,
    LambdaCallback,
    LearningRateScheduler,
    LivePlot,
    ReduceLROnPlateau,
    SwapEMAWeights,
)

GOLDEN = json.loads(
    pathlib.Path(__file__).with_name("golden").joinpath("callbacks.json").read_text()
)
X, Y = (np.array(GOLDEN[key], "float32") for key in "xy")


def close(ours, keras):
    scale = 1e-5 * max(1, np.max(np.abs(keras)))
    assert np.max(np.abs(np.asarray(ours) - np.asarray(keras))) <= scale


def tiny(optimizer="sgd"):
    model = Sequential([layers.Dense(1, input_shape=(2,), name="out")], name="tiny", seed=0)
    model.compile(optimizer, "mse", metrics=["mae"])
    model.set_weights([np.array([[0.5], [-0.25]], "float32"), np.zeros(1, "float32")])
    return model


def fit(model, *callbacks, epochs=4, **options):
    options = {"verbose": 0, "batch_size": 4, "shuffle": False, **options}
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **options)


# ReduceLROnPlateau


@pytest.mark.parametrize("case", GOLDEN["plateaus"], ids=lambda c: str(c["options"]))
def test_plateaus_are_those_of_keras(case, capsys):
    model = tiny(optimizers.SGD(0.1))
    callback = ReduceLROnPlateau(monitor="val_mae", verbose=1, **case["options"])
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, (value, row) in enumerate(zip(case["values"], case["rows"], strict=True)):
        logs = {"val_mae": value}
        callback.on_epoch_end(epoch, logs)
        rate = float(model.optimizer.learning_rate)
        assert [rate, logs["learning_rate"], callback.wait, callback.cooldown_counter] == row
    assert capsys.readouterr().out.count("reducing learning rate") == case["reductions"]


def test_plateau_in_a_fit(capsys):
    model = tiny(optimizers.SGD(0.5))
    plateau = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10, verbose=1)
    history = fit(model, plateau, epochs=3)
    assert history.history["learning_rate"] == [0.5, 0.5, 0.25]
    assert float(model.optimizer.learning_rate) == 0.125
    assert capsys.readouterr().out == (
        "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.25.\n"
        "Epoch 3: ReduceLROnPlateau reducing learning rate to 0.125.\n"
    )


def test_plateau_goes_on_from_its_state():
    case = next(c for c in GOLDEN["plateaus"] if c["options"]["patience"] == 3)
    first, second = (ReduceLROnPlateau("val_mae", **case["options"]) for _ in range(2))
    model = tiny(optimizers.SGD(0.1))
    for callback, epochs in ((first, range(7)), (second, range(7, 14))):
        callback.set_model(model)
        callback.on_train_begin()
        if callback is second:
            second.set_state(json.loads(json.dumps(first.get_state())))
        for epoch in epochs:
            callback.on_epoch_end(epoch, {"val_mae": case["values"][epoch]})
            assert float(model.optimizer.learning_rate) == case["rows"][epoch][0]


def several():
    return optimizers.MultiOptimizer(
        optimizers.OptimizerMap(
            optimizers.SGD(0.5, name="one"), {".*bias": optimizers.SGD(0.25, name="two")}
        )
    )


def test_each_of_several_optimizers_has_its_learning_rate(capsys):
    model = tiny(several())
    plateau = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10, verbose=1)
    history = fit(model, plateau, epochs=2).history
    assert history["learning_rate_one"] == [0.5, 0.5]
    assert history["learning_rate_two"] == [0.25, 0.25]
    assert [float(o.learning_rate) for o in model.optimizer.optimizers] == [0.125, 0.25]
    assert "reducing two learning rate to 0.125." in capsys.readouterr().out
    history = fit(model, LearningRateScheduler(lambda epoch, lr: lr / 2, verbose=1), epochs=1)
    assert history.history["learning_rate_two"] == [0.0625]
    assert "setting two learning rate to 0.0625." in capsys.readouterr().out


@pytest.mark.parametrize("factor", [1.0, 2, -0.5])
def test_plateau_factor(factor):
    with pytest.raises(ValueError, match=rf"factor >= 1.0 or below 0. Received factor={factor}"):
        ReduceLROnPlateau(factor=factor)


def test_plateau_takes_the_old_name_of_min_delta():
    with spellings.silently():  # its warning comes once in a process
        assert ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5
    with pytest.raises(TypeError, match=r"Did you mean 'patience'\?"):
        ReduceLROnPlateau(patients=2)


@pytest.mark.parametrize(
    "callback", [ReduceLROnPlateau("loss"), LearningRateScheduler(lambda epoch: 0.1)]
)
def test_a_schedule_cannot_be_set(callback):
    model = tiny(optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)))
    with pytest.raises(ValueError, match=r"sets the learning rate, but that of SGD follows Expo"):
        fit(model, callback)
    assert model.optimizer.iterations == 0


# Names that the logs will not have


def test_unknown_monitors_are_told_before_training():
    begun = []
    watch = LambdaCallback(on_train_batch_begin=lambda batch, logs: begun.append(batch))
    with pytest.raises(ValueError, match=r"monitor='val_mea'.*Did you mean 'val_mae'\?"):
        fit(tiny(), EarlyStopping("val_mea"), watch, validation_split=0.5)
    with pytest.warns(UserWarning, match=r"Pass validation_data or validation_split") as caught:
        fit(tiny(), EarlyStopping("val_mae"), TerminateAtOnce(begun))
    assert len(caught) == 1
    assert begun == []


class TerminateAtOnce(Callback):
    def __init__(self, begun):
        super().__init__()
        self.begun = begun

    def on_train_batch_begin(self, batch, logs=None):
        self.model.stop_training = True


def test_metrics_are_watched_by_the_names_in_the_logs():
    model = tiny()
    model.compile("sgd", "mse", metrics=["mae", "mae"])
    stop = EarlyStopping("mae_1", patience=1)
    fit(model, stop, epochs=2)
    assert stop.best is not None


# LearningRateScheduler

SCHEDULES = {"halve": lambda epoch, lr: lr * 0.5, "by epoch": lambda epoch: 0.1 / (1 + epoch)}


@pytest.mark.parametrize("name", GOLDEN["schedules"])
def test_schedules_are_those_of_keras(name):
    history = fit(tiny(optimizers.SGD(0.1)), LearningRateScheduler(SCHEDULES[name]))
    assert history.history["learning_rate"] == GOLDEN["schedules"][name]


def test_scheduler_says_what_it_sets(capsys):
    fit(tiny(), LearningRateScheduler(lambda epoch: np.float32(0.25), verbose=1), epochs=1)
    out = capsys.readouterr().out
    assert out == "Epoch 1: LearningRateScheduler setting learning rate to 0.25.\n"


def test_scheduler_takes_a_schedule_of_optimizers():
    decay = optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    history = fit(tiny(), LearningRateScheduler(decay), epochs=3)
    assert history.history["learning_rate"] == [0.5, 0.25, 0.125]


def test_errors_within_a_schedule_are_not_hidden():
    def wrong(epoch, lr):
        return lr + "0.1"

    with pytest.raises(TypeError, match="unsupported operand"):
        fit(tiny(), LearningRateScheduler(wrong))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"should be a float. Got: None for epoch 0. Does it end with `return`\?"),
        ("0.1", r"should be a float. Got: '0.1'"),
        (True, r"should be a float. Got: True"),
        ([0.1], r"should be a float. Got: \[0.1\]"),
        (float("nan"), r"returned nan for epoch 0: a learning rate must be finite"),
        (-0.1, r"returned -0.1 for epoch 0: .* not negative"),
    ],
)
def test_bad_schedules(value, message):
    with pytest.raises(ValueError, match=message):
        fit(tiny(), LearningRateScheduler(lambda epoch: value))


def test_schedule_must_be_a_function():
    with pytest.raises(TypeError, match=r"must be a function of the epoch.* but got 0.1"):
        LearningRateScheduler(0.1)


# CSVLogger


@pytest.mark.parametrize("case", GOLDEN["files"], ids=range(len(GOLDEN["files"])))
def test_files_are_those_of_keras(tmp_path, case):
    path = tmp_path / "log.csv"
    if case["before"] is not None:
        path.write_bytes(case["before"].encode())
    log = CSVLogger(path, separator=case["separator"], append=case["append"])
    log.on_train_begin()
    for epoch, logs in enumerate(case["rows"]):
        log.on_epoch_begin(epoch)
        log.on_epoch_end(epoch, {k: np.array(v) if type(v) is list else v for k, v in logs.items()})
    log.on_train_end()
    assert path.read_bytes().decode() == case["text"]


def test_rows_are_there_as_soon_as_their_epoch_ends(tmp_path):
    path = tmp_path / "new" / "folder" / "log.csv"
    lines = []
    look = LambdaCallback(on_epoch_end=lambda e, logs: lines.append(path.read_text().count("\n")))
    history = fit(tiny(), CSVLogger(path), look, epochs=3)
    assert lines == [2, 3, 4]
    header, *rows = path.read_text().splitlines()
    assert header == "epoch,loss,mae,val_loss,val_mae"
    assert [float(row.split(",")[1]) for row in rows] == history.history["loss"]


def test_appending_keeps_the_columns_of_the_file(tmp_path):
    path = tmp_path / "log.csv"
    fit(tiny(), CSVLogger(path), epochs=1)
    fit(tiny(), CSVLogger(path, append=True), epochs=1, validation_split=0.5)
    first, second = (row.split(",") for row in path.read_text().splitlines()[1:])
    assert first[3:] == ["NA", "NA"]
    assert "NA" not in second


def resumed(path, state, epoch, append=False):
    """A logger in another process that goes on before `epoch`."""
    log = CSVLogger(path, append=append)
    log.on_train_begin()
    log.set_state(json.loads(json.dumps(state)))
    log.on_epoch_begin(epoch)
    log.on_epoch_end(epoch, {"loss": 9.0})
    log.on_train_end()


def test_a_kill_while_rows_are_replaced_loses_none(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    log = CSVLogger(path)
    fit(tiny(), log, epochs=4)
    before = path.read_text()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            resumed(path, log.get_state(), 2)
    assert path.read_text() == before
    resumed(path, log.get_state(), 2)
    assert [line.split(",")[0] for line in path.read_text().splitlines()[1:]] == ["0", "1", "2"]


def test_a_resumed_training_keeps_the_rows_of_earlier_ones(tmp_path):
    path = tmp_path / "log.csv"
    fit(tiny(), CSVLogger(path), epochs=3)
    log = CSVLogger(path, append=True)
    log.on_train_begin()
    state = log.get_state()
    for epoch in range(3):
        log.on_epoch_end(epoch, {"loss": float(epoch)})
    log.on_train_end()
    resumed(path, state, 1, append=True)
    epochs = [line.split(",")[0] for line in path.read_text().splitlines()[1:]]
    assert epochs == ["0", "1", "2", "0", "1"]


def test_a_resumed_training_replaces_the_rows_that_it_repeats(tmp_path):
    path = tmp_path / "log.csv"
    log = CSVLogger(path)
    fit(tiny(), log, epochs=4)
    whole = path.read_text()
    state = json.loads(json.dumps(log.get_state()))
    with path.open("a") as file:
        file.write("4,0.1")  # killed in the middle of a row

    class Resume(Callback):
        def on_train_begin(self, logs=None):
            again.set_state(state)

    again = CSVLogger(path)
    model = tiny()
    fit(model, epochs=2)
    fit(model, again, Resume(), epochs=5, initial_epoch=2)
    lines = path.read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "0", "1", "2", "3", "4"]
    assert lines[:4] == whole.splitlines()[:4]


def test_nothing_is_lost_before_the_first_epoch(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("precious")
    with pytest.raises(ValueError, match="no"):
        fit(tiny(), CSVLogger(path), Raising())
    assert path.read_text() == "precious"


class Raising(Callback):
    def on_train_begin(self, logs=None):
        raise ValueError("no")


def test_a_disk_that_only_looks_writable_is_told_before_training(tmp_path, monkeypatch):
    def refuse(dir):
        raise OSError(errno.EROFS, "Read-only file system", f"{dir}/tmp123")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    model = tiny()
    for made in LivePlot(path=tmp_path / "a.png"), HTMLReport(tmp_path / "a.html"):
        who = type(made).__name__
        message = rf"{who} cannot write '.*': Read-only file system: '{re.escape(str(tmp_path))}'\."
        with pytest.raises(OSError, match=message):
            fit(model, made)
    assert model.optimizer.iterations == 0


def test_a_file_that_cannot_be_written_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    model = tiny()
    with pytest.raises(OSError, match=r"CSVLogger cannot write '.*file/log.csv': .*'.*file'"):
        fit(model, CSVLogger(tmp_path / "file" / "log.csv"))
    with pytest.raises(IsADirectoryError, match=r"CSVLogger cannot write .*: it is a folder"):
        fit(model, CSVLogger(tmp_path))
    if os.geteuid():  # root may do everything
        (tmp_path / "file").chmod(0o400)
        with pytest.raises(PermissionError, match=r"the file is write-protected"):
            fit(model, CSVLogger(tmp_path / "file"))
    assert model.optimizer.iterations == 0


def test_bad_arguments_of_the_csv_logger():
    with pytest.raises(ValueError, match=r"`separator` must be a single character but got ', '"):
        CSVLogger("log.csv", separator=", ")
    with pytest.raises(
        TypeError, match=r"CSVLogger: the path must be a string or a path but got 3"
    ):
        CSVLogger(3)


# SwapEMAWeights


class Watch(Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(self.model.get_weights())


def averaging(**options):
    return optimizers.SGD(0.3, use_ema=True, ema_momentum=0.8, **options)


@pytest.mark.parametrize("case", GOLDEN["averages"], ids=range(len(GOLDEN["averages"])))
def test_averages_are_those_of_keras(case):
    model, watch = tiny(averaging(ema_overwrite_frequency=case["overwrite"])), Watch()
    swap = SwapEMAWeights(case["swap_on_epoch"])
    history = fit(model, swap, watch, epochs=3, validation_data=(X, Y))
    for key, values in case["history"].items():
        close(history.history[key], values)
    for ours, keras in zip(
        [*watch.seen, model.get_weights()], [*case["seen"], case["weights"]], strict=True
    ):
        for a, b in zip(ours, keras, strict=True):
            close(a, b)


def weights_after(*callbacks, model=None, **options):
    model = model or tiny(averaging())
    fit(model, *callbacks, **options)
    return np.concatenate([w.ravel() for w in model.get_weights()])


@pytest.mark.parametrize("on_epoch", [False, True])
def test_swapping_changes_no_bit_of_training(on_epoch):
    expected = weights_after(validation_data=(X, Y))
    np.testing.assert_array_equal(
        weights_after(SwapEMAWeights(on_epoch), validation_data=(X, Y)), expected
    )


def test_the_average_stays_when_training_is_stopped_early():
    stop = LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True))
    model = tiny(averaging())
    expected = weights_after(epochs=1)
    np.testing.assert_array_equal(
        weights_after(SwapEMAWeights(True), stop, model=model, epochs=5), expected
    )


def test_after_an_error_the_weights_are_those_being_trained():
    def fail(epoch, logs):
        if epoch == 1:
            raise RuntimeError("no")

    def run(*callbacks):
        model = tiny(averaging())
        with pytest.raises(RuntimeError, match="no"):
            fit(model, *callbacks, LambdaCallback(on_epoch_end=fail))
        return model.get_weights()[0]

    np.testing.assert_array_equal(run(SwapEMAWeights(True)), run())


def test_evaluate_and_predict_use_the_average_and_give_the_weights_back():
    model = tiny(averaging())
    model.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    before = model.get_weights()
    plain = model.predict(X, verbose=0)
    swapped = model.predict(X, verbose=0, callbacks=[SwapEMAWeights()])
    assert np.abs(plain - swapped).max() > 1e-4
    judged = model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()])[0]
    assert judged == pytest.approx(float(np.mean((swapped - Y) ** 2)), rel=1e-5)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_before_the_first_step_there_is_nothing_to_swap():
    model = tiny(averaging())
    plain = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()]) == plain


def test_averages_of_several_optimizers():
    chosen = optimizers.OptimizerMap(averaging(), {".*bias": optimizers.SGD(0.25)})
    model = tiny(optimizers.MultiOptimizer(chosen))
    fit(model, SwapEMAWeights(True), epochs=2, validation_data=(X, Y))
    other = tiny(
        optimizers.MultiOptimizer(
            optimizers.OptimizerMap(averaging(), {".*bias": optimizers.SGD(0.25)})
        )
    )
    fit(other, epochs=2)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_swapping_goes_on_from_its_state():
    model = tiny(averaging())
    states = []

    class Keep(Callback):
        def on_epoch_end(self, epoch, logs=None):
            states.append((swap.get_state(), model.get_weights(), model.program.state.get_state()))

    swap = SwapEMAWeights(True)
    fit(model, swap, Keep(), epochs=3)
    state, weights, slots = states[1]
    assert state == {"ema_weights_in_model": True}

    class Resume(Callback):
        def on_train_begin(self, logs=None):
            other.set_weights(weights)
            other.program.state.set_state(slots)
            again.set_state(state)

    other, again = tiny(averaging()), SwapEMAWeights(True)
    fit(other, again, Resume(), epochs=3, initial_epoch=2)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_averaging_must_be_on():
    with pytest.raises(ValueError, match=r"`use_ema=True` is set on the optimizer. Received: SGD"):
        fit(tiny(), SwapEMAWeights())


@pytest.mark.parametrize(
    "callback",
    [ReduceLROnPlateau(), LearningRateScheduler(len), CSVLogger("x.csv"), SwapEMAWeights(True)],
)
def test_copies(callback):
    for other in (copy.deepcopy(callback), pickle.loads(pickle.dumps(callback))):
        assert type(other) is type(callback)
        assert other.get_config() == callback.get_config()
