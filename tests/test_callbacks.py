"""Hooks, their order, errors in them, History, EarlyStopping and TerminateOnNaN."""

import copy
import itertools
import json
import pickle
import time
import types
import warnings

import numpy as np
import pytest

from kerasish import callbacks, registry
from kerasish.callbacks import (
    Callback,
    CallbackList,
    EarlyStopping,
    History,
    LambdaCallback,
    ProgbarLogger,
    ProgressBar,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from kerasish.callbacks.base import HOOKS


class Model:
    """As much of a model as callbacks look at; its weights count the epochs."""

    def __init__(self, **directions):
        self.metrics = [types.SimpleNamespace(name=n, direction=d) for n, d in directions.items()]
        self.stop_training = False
        self.weights = [np.zeros(2)]

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = [w.copy() for w in weights]


def fit(callbacks, logs, model=None, steps=2, validates=None):
    """The loop that every trainer has; `logs` gives an epoch's metrics each."""
    model = model or Model()
    callbacks = CallbackList(
        callbacks, add_history=True, model=model, verbose=0, epochs=len(logs), steps=steps
    )
    callbacks.validates = validates
    last = None
    try:
        callbacks.on_train_begin()
        for epoch, epoch_logs in enumerate(logs):
            callbacks.on_epoch_begin(epoch)
            for batch in range(steps):
                callbacks.on_train_batch_begin(batch)
                callbacks.on_train_batch_end(batch, lambda: {"loss": np.float32(0.5)})
                if model.stop_training:
                    break
            model.weights[0] += 1
            last = epoch_logs
            callbacks.on_epoch_end(epoch, epoch_logs)
            if model.stop_training:
                break
    except BaseException as error:
        callbacks.end(last, error)
        raise
    else:
        callbacks.end(last)
    return model.history


def series(*losses, key="val_loss"):
    return [{"loss": 1.0, key: value} for value in losses]


class Recorder(Callback):
    """Writes down its calls."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        if name in HOOKS and not name.startswith(("on_batch", "on_train_batch")):
            return lambda *args, **kwargs: self.calls.append((name, *args, *kwargs.items()))
        return super().__getattribute__(name)

    def names(self):
        return [call[0] for call in self.calls]


# CallbackList

EDGES = ("begin", "end")


def test_the_hooks_are_those_of_keras():
    assert sorted(HOOKS) == sorted(
        [f"on_{kind}_batch_{edge}" for kind in ("train", "test", "predict") for edge in EDGES]
        + [f"on_{kind}_{edge}" for kind in ("train", "test", "predict", "epoch") for edge in EDGES]
        + [f"on_batch_{edge}" for edge in EDGES]
    )


def test_order_and_arguments_of_a_fit():
    seen = []

    class Seer(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(("batch_end", batch, logs))

        def on_batch_begin(self, batch, logs=None):
            seen.append(("batch_begin", batch, logs))

    recorder = Recorder()
    history = fit([recorder, [Seer()]], [{"loss": 0.5}])
    assert recorder.calls == [
        ("on_train_begin", {}),
        ("on_epoch_begin", 0, {}),
        ("on_epoch_end", 0, {"loss": 0.5}),
        ("on_train_end", {"loss": 0.5}),
    ]
    assert seen == [
        ("batch_begin", 0, {}),
        ("batch_end", 0, {"loss": 0.5}),
        ("batch_begin", 1, {}),
        ("batch_end", 1, {"loss": 0.5}),
    ]
    assert history.params == {"verbose": 0, "epochs": 1, "steps": 2}


def test_defaults_are_added_once_and_last():
    own = Callback()
    callbacks = CallbackList(own, add_history=True, add_progbar=True)
    assert [type(c) for c in callbacks.callbacks] == [Callback, History, ProgressBar]
    history, bar = History(), ProgressBar()
    callbacks = CallbackList([bar, history], add_history=True, add_progbar=True)
    assert callbacks.callbacks == [bar, history]
    assert (callbacks.history, callbacks.progress) == (history, bar)
    again = CallbackList([callbacks, own], add_history=True)
    assert again.callbacks == [bar, history, own]


def test_append_passes_model_and_params():
    model = Model()
    callbacks = CallbackList(model=model, epochs=3)
    history = History()
    callbacks.append(history)
    callbacks.on_epoch_end(0, {"loss": 1})
    assert (history.model, history.params, model.history) == (model, {"epochs": 3}, history)
    assert callbacks.history is history


def test_params_and_model_reach_everyone():
    model, one = Model(), Callback()
    CallbackList([one], model=model, verbose=1, epochs=2, steps=None)
    assert one.model is model
    assert one.params == {"verbose": 1, "epochs": 2, "steps": None}


def test_subclass_without_super_init_works():
    class Bare(Callback):
        def __init__(self, threshold):
            self.threshold = threshold

    bare = Bare(3)
    assert (bare.model, bare.params) == (None, None)
    fit([bare], [{"loss": 1}])
    assert bare.params["epochs"] == 1


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        (History, r"That is a class: make an instance of it, History\(\)"),
        (object(), r"Derive object from kerasish.callbacks.Callback"),
        (lambda epoch, logs: None, r"Wrap the function: LambdaCallback\("),
        (None, r"Leave it out of the list"),
        ("EarlyStopping", r"Pass the object: kerasish.callbacks.EarlyStopping"),
    ],
)
def test_what_is_no_callback(wrong, mend):
    with pytest.raises(TypeError, match=rf"must hold instances of Callback but got .*{mend}"):
        CallbackList([Callback(), wrong])
    with pytest.raises(TypeError, match=mend):
        CallbackList().append(wrong)


def test_foreign_callbacks_with_some_hooks_are_taken():
    class Foreign:
        def __init__(self):
            self.calls = []

        def set_params(self, params):
            self.calls.append("params")

        def set_model(self, model):
            self.calls.append("model")

        def on_epoch_end(self, epoch, logs=None):
            self.calls.append(epoch)

    foreign = Foreign()
    fit([foreign], [{"loss": 1}])
    assert foreign.calls == ["model", "params", 0]


def test_logs_are_plain_floats_in_alphabetical_order():
    got = []
    matrix = np.eye(2)
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: got.append(logs))
    late = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(learning_rate=0.1))
    mine = {"val_loss": np.float32(0.5), "loss": np.array(1), "matrix": matrix, "accuracy": 1}
    history = fit([look, late], [mine])
    assert list(got[0]) == ["accuracy", "loss", "matrix", "val_loss", "learning_rate"]
    assert all(type(v) is float for k, v in got[0].items() if k != "matrix")
    assert list(history.history) == list(got[0])
    assert "learning_rate" not in mine
    matrix[:] = 0
    np.testing.assert_array_equal(history.history["matrix"][0], np.eye(2))


def test_predictions_are_passed_as_they_are():
    got = []
    callbacks = CallbackList(
        LambdaCallback(on_predict_batch_end=lambda batch, logs: got.append(logs))
    )
    outputs = np.ones((1, 1))
    callbacks.on_predict_begin()
    callbacks.on_predict_batch_begin(0)
    callbacks.on_predict_batch_end(0, {"outputs": outputs})
    callbacks.on_predict_end()
    assert got[0]["outputs"] is outputs


def test_test_hooks():
    recorder = Recorder()
    callbacks = CallbackList(recorder)
    callbacks.on_test_begin()
    callbacks.on_test_batch_begin(0)
    callbacks.on_test_batch_end(0, {"loss": 1})
    callbacks.on_test_end({"loss": 1})
    assert recorder.calls == [
        ("on_test_begin", {}),
        ("on_test_batch_begin", 0, ("logs", {})),
        ("on_test_batch_end", 0, ("logs", {"loss": 1.0})),
        ("on_test_end", {"loss": 1.0}),
    ]


def test_old_batch_hooks_can_be_called_directly():
    got = []
    old = LambdaCallback(on_batch_end=lambda batch, logs: got.append(batch))
    callbacks = CallbackList(old)
    callbacks.on_batch_begin(0)
    callbacks.on_batch_end(0, {"loss": 1})
    callbacks.on_train_batch_end(1, {"loss": 1})
    assert got == [0, 1]


def test_hooks_attached_while_training_begins_are_found():
    got = []

    class Late(Callback):
        def on_train_begin(self, logs=None):
            self.on_epoch_end = lambda epoch, logs: got.append(epoch)

    fit([Late()], [{"loss": 1}])
    assert got == [0]


def test_a_hook_that_nobody_has_costs_nothing():
    callbacks = CallbackList([Callback()], add_history=True)
    assert not callbacks.wants("on_train_batch_end")
    assert callbacks.wants("on_epoch_end")
    made = []
    callbacks.on_train_batch_end(0, lambda: made.append(1))
    assert made == []

    def cost(n=2000):
        start = time.perf_counter()
        for batch in range(n):
            callbacks.on_train_batch_begin(batch)
            callbacks.on_train_batch_end(batch, None)
        return (time.perf_counter() - start) / n

    assert min(cost() for _ in range(5)) < 5e-6


def test_stop_training_in_any_hook():
    def stop(batch, logs):
        model.stop_training = True

    model = Model()
    history = fit([LambdaCallback(on_train_batch_begin=stop)], series(1, 2), model)
    assert history.epoch == [0]


# Callbacks that raise


class Trouble(Exception):
    pass


@pytest.mark.parametrize(
    "hook",
    ["on_train_begin", "on_epoch_begin", "on_batch_begin", "on_train_batch_end", "on_epoch_end"],
)
def test_the_same_exception_goes_on_and_all_others_end(hook):
    trouble = Trouble("no")

    class Raiser(Callback):
        pass

    def fail(*args, **kwargs):
        raise trouble

    setattr(Raiser, hook, fail)
    before, after = Recorder(), Recorder()
    with pytest.raises(Trouble) as caught:
        fit([before, Raiser(), after], series(1))
    assert caught.value is trouble
    assert caught.value.__notes__[0].startswith("Raised by the callback Raiser in on_")
    for recorder in (before, after):
        assert recorder.names().count("on_train_begin") == 1
        assert recorder.names().count("on_train_end") == 1


def test_the_note_says_where():
    def fail(epoch, logs):
        raise Trouble

    with pytest.raises(Trouble) as caught:
        fit([LambdaCallback(on_epoch_end=fail)], series(1))
    assert caught.value.__notes__ == [
        "Raised by the callback LambdaCallback in on_epoch_end, epoch 0."
    ]


def test_one_failing_end_does_not_keep_others_from_theirs():
    def fail(logs):
        raise Trouble("at the end")

    def fail_too(logs):
        raise ValueError("as well")

    after = Recorder()
    ends = [LambdaCallback(on_train_end=fail), LambdaCallback(on_train_end=fail_too), after]
    with pytest.raises(Trouble, match="at the end") as caught:
        fit(ends, series(1))
    assert after.names()[-1] == "on_train_end"
    assert "After it came ValueError: as well" in caught.value.__notes__[1]


def test_errors_at_the_end_do_not_hide_what_came_first():
    def fail(logs):
        raise Trouble("at the end")

    def interrupt(epoch, logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        fit([LambdaCallback(on_epoch_begin=interrupt, on_train_end=fail)], series(1))
    assert "After it came Trouble: at the end" in caught.value.__notes__[0]
    callbacks = CallbackList(LambdaCallback(on_train_end=fail))
    assert isinstance(callbacks.end(error=KeyboardInterrupt()), Trouble)


def test_ends_come_once():
    recorder = Recorder()
    callbacks = CallbackList(recorder)
    callbacks.on_train_begin()
    callbacks.on_train_end()
    callbacks.end(error=ValueError())
    assert recorder.names() == ["on_train_begin", "on_train_end"]
    loop = Recorder()
    CallbackList(loop).on_train_end()  # a loop of one's own without a beginning
    assert loop.names() == ["on_train_end"]


def test_interrupted_beginning_ends_only_what_began():
    def interrupt(logs):
        raise KeyboardInterrupt

    before, after = Recorder(), Recorder()
    with pytest.raises(KeyboardInterrupt):
        fit([before, LambdaCallback(on_train_begin=interrupt), after], series(1))
    assert before.names() == ["on_train_begin", "on_train_end"]
    assert after.names() == []


def test_a_fit_inside_a_callback():
    inner = Recorder()

    def nested(epoch, logs):
        fit([inner], series(1))

    assert fit([LambdaCallback(on_epoch_end=nested)], series(1, 2)).epoch == [0, 1]
    assert inner.names().count("on_train_end") == 2


# History and LambdaCallback


def test_history():
    history = fit([], [{"loss": 2.0}, {"loss": 1.0, "val_loss": 3.0}])
    assert history.epoch == [0, 1]
    assert history.history == {"loss": [2.0, 1.0], "val_loss": [3.0]}
    assert history.interrupted is False


def test_history_pickles_without_the_model():
    history = fit([], [{"loss": 2.0}])
    for other in (pickle.loads(pickle.dumps(history)), copy.deepcopy(history)):
        assert other.history == history.history
        assert other.epoch == [0]
        assert other.params == history.params
        assert other.model is None
    assert history.model is not None


def test_lambda_callback_takes_every_hook():
    called = []
    hooks = {name: lambda *a, name=name, **k: called.append(name) for name in HOOKS}
    shout = LambdaCallback(**hooks)
    for name in HOOKS:
        getattr(shout, name)(0)
    assert called == list(HOOKS)


def test_lambda_callback_refuses_what_is_no_hook():
    with pytest.raises(TypeError, match=r"no hook of Callback. Did you mean 'on_epoch_end'\?"):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match=r"`on_epoch_end` must be a function but got 3"):
        LambdaCallback(on_epoch_end=3)


# EarlyStopping


def reference(values, mode, min_delta, patience, baseline, start):
    """When to stop and which epoch was best, in Keras's words: (epoch or None, best epoch)."""
    best, best_epoch, wait = None, 0, 0
    sign = 1 if mode == "max" else -1

    def better(value, other):
        return other is None or sign * value - min_delta > sign * other

    for epoch, value in enumerate(values):
        if epoch < start:
            continue
        wait += 1
        if better(value, best):
            best, best_epoch = value, epoch
            if baseline is None or better(value, baseline):
                wait = 0
        elif wait >= patience and epoch > 0:
            return epoch, best_epoch
    return None, best_epoch


@pytest.mark.parametrize(
    ("mode", "min_delta", "patience", "baseline", "start"),
    list(itertools.product(["min", "max"], [0, -0.5], [0, 1, 3], [None, 1.5], [0, 2])),
)
def test_early_stopping_follows_its_definition(mode, min_delta, patience, baseline, start):
    for seed in range(5):
        values = list(np.round(np.random.default_rng(seed).uniform(0, 3, 12), 1))
        stop = EarlyStopping(
            min_delta=min_delta,
            patience=patience,
            mode=mode,
            baseline=baseline,
            start_from_epoch=start,
            restore_best_weights=True,
        )
        model = Model()
        history = fit([stop], series(*values), model)
        at, best = reference(values, mode, abs(min_delta), patience, baseline, start)
        assert stop.stopped_epoch == (at or 0)
        assert history.epoch[-1] == (len(values) - 1 if at is None else at)
        assert stop.best_epoch == best
        assert model.weights[0][0] == best + 1


def test_early_stopping_forgets_between_fits():
    stop = EarlyStopping(patience=1)
    for _ in range(2):
        assert fit([stop], series(1, 2, 3, 4)).epoch == [0, 1]
        assert (stop.wait, stop.best, stop.stopped_epoch) == (1, 1.0, 1)


def test_early_stopping_does_not_stop_in_the_first_epoch():
    model = Model()
    stop = EarlyStopping(baseline=0.1)
    fit([stop], series(1), model)
    assert not model.stop_training


@pytest.mark.parametrize(
    ("monitor", "direction", "expected"),
    [("val_f1", "max", [0, 1]), ("val_f1", "min", [0, 1, 2]), ("loss", None, [0, 1, 2])],
)
def test_auto_mode_asks_the_metric(monitor, direction, expected):
    values = series(3, 2, 1, key=monitor)
    assert fit([EarlyStopping(monitor)], values, Model(f1=direction)).epoch == expected


def test_auto_mode_understands_metrics_written_for_keras():
    model = Model()
    model.metrics = [types.SimpleNamespace(name="f1", _direction="up")]
    assert fit([EarlyStopping("f1")], series(3, 2, 1, key="f1"), model).epoch == [0, 1]


def test_auto_mode_cannot_guess():
    stop = EarlyStopping("val_acuracy")
    message = r"monitor='val_acuracy'.*Did you mean 'val_accuracy'\? .*loss, accuracy, val_loss"
    with pytest.raises(ValueError, match=message):
        fit([stop], series(1), Model(accuracy="max"))


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
def test_patience_is_a_number(kind):
    with pytest.raises(TypeError, match=f"{kind.__name__}'s `patience` must be a number.*'3'"):
        kind(patience="3")


def test_names_that_are_left_out_or_misspelt_say_so():
    with pytest.raises(AttributeError, match=r"has no RemoteMonitor: it posts.*LambdaCallback"):
        _ = callbacks.RemoteMonitor
    with pytest.raises(AttributeError, match=r"'EarlyStoping'.*Did you mean 'EarlyStopping'\?"):
        _ = callbacks.EarlyStoping


def test_unknown_mode_warns_and_is_auto():
    with pytest.warns(UserWarning, match=r"mode 'mim' is unknown.*Did you mean 'min'\?"):
        assert EarlyStopping(mode="mim").mode == "auto"


def test_missing_monitor_warns_once_with_what_there_is():
    message = (
        r"EarlyStopping: the monitored metric `val_acuracy` is not available. Available metrics "
        r"are: loss, val_accuracy. Did you mean 'val_accuracy'\?"
    )
    with pytest.warns(UserWarning, match=message) as caught:
        fit([EarlyStopping("val_acuracy", mode="max")], series(1, 2, key="val_accuracy"))
    assert len(caught) == 1


def test_missing_validation_says_what_to_pass():
    with pytest.warns(UserWarning, match=r"Pass validation_data or validation_split to fit\(\)"):
        fit([EarlyStopping()], [{"loss": 1.0}])


def test_missing_monitor_is_silent_where_it_is_not_used_or_may_come():
    def add(epoch, logs):
        if epoch % 2:
            logs["val_auc"] = 1.0

    stop = EarlyStopping("val_auc", mode="max")
    fit([LambdaCallback(on_epoch_end=add), stop], [{"loss": 1.0}] * 4)
    assert stop.best == 1.0
    fit([EarlyStopping(start_from_epoch=5)], [{"loss": 1.0}] * 3)
    CallbackList([EarlyStopping("nonsense")]).on_test_end({"loss": 1.0})
    sometimes = [{"loss": 1.0}, {"loss": 1.0, "val_loss": 1.0}]
    fit([EarlyStopping()], sometimes, validates=lambda epoch: epoch % 2 == 1)


def test_monitor_that_never_came_is_told_at_the_end():
    other = LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    with pytest.warns(UserWarning, match=r"`val_auc` is not available"):
        fit([other, EarlyStopping("val_auc", mode="max")], [{"loss": 1.0}] * 3)


def test_array_cannot_be_monitored():
    stop = EarlyStopping("f1", mode="max")
    with pytest.raises(ValueError, match=r"cannot monitor 'f1': it is an array of shape \(3,\)"):
        fit([stop], series(np.zeros(3), key="f1"))


def test_monitor_must_be_a_name():
    with pytest.raises(TypeError, match=r"`monitor` must be a name from the logs.*but got \["):
        EarlyStopping(monitor=["val_loss"])


def test_early_stopping_says_what_it_does(capsys):
    fit([EarlyStopping(verbose=1, restore_best_weights=True)], series(1, 2, 3))
    assert capsys.readouterr().out == (
        "Epoch 2: early stopping\nRestoring model weights from the end of the best epoch: 1.\n"
    )


def test_best_weights_are_restored_after_an_interruption():
    def interrupt(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    model = Model()
    stop = EarlyStopping(restore_best_weights=True, patience=5)
    with pytest.raises(KeyboardInterrupt):
        fit([stop, LambdaCallback(on_epoch_begin=interrupt)], series(1, 2, 3), model)
    assert model.weights[0][0] == 1


def test_states_resume():
    values = series(3, 1, 2, 2, 2)
    whole = EarlyStopping(patience=3, restore_best_weights=True)
    fit([whole], values)
    first = EarlyStopping(patience=3, restore_best_weights=True)
    history = fit([first], values[:3])
    state, record = first.get_state(), history.get_state()
    json.dumps({k: v for k, v in state.items() if k != "best_weights"})
    json.dumps(record)
    second, again = EarlyStopping(patience=3, restore_best_weights=True), History()
    second.set_model(Model())
    for callback, saved in ((second, state), (again, record)):
        callback.on_train_begin()
        callback.set_state(saved)
        for epoch in (3, 4):
            callback.on_epoch_end(epoch, values[epoch])
    assert (second.stopped_epoch, second.best_epoch) == (whole.stopped_epoch, whole.best_epoch)
    assert again.epoch == [0, 1, 2, 3, 4]
    assert again.history["val_loss"] == [3, 1, 2, 2, 2]
    assert Callback().get_state() == TerminateOnNaN().get_state() == {}


# TerminateOnNaN


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_terminate_on_nan(capsys, value):
    model = Model()
    callbacks = CallbackList([TerminateOnNaN()], model=model)
    callbacks.on_train_batch_end(2, {"loss": 1.0})
    callbacks.on_train_batch_end(3, {"accuracy": value})
    assert not model.stop_training
    callbacks.on_train_batch_end(3, {"loss": np.float32(value)})
    assert model.stop_training
    assert capsys.readouterr().out == "Batch 3: Invalid loss, terminating training\n"


def test_terminate_on_nan_raises_if_asked():
    callbacks = CallbackList([TerminateOnNaN(raise_error=True)], model=Model())
    with pytest.raises(RuntimeError, match=r"NaN or Inf loss encountered at batch 0 \(loss = nan"):
        callbacks.on_train_batch_end(0, {"loss": np.nan})


# Registry


@pytest.mark.parametrize("cls", [History, LambdaCallback, EarlyStopping, TerminateOnNaN])
def test_callbacks_are_known_by_name(cls):
    assert registry.lookup("callback", cls.__name__) is cls


def test_progress_bar_is_known_by_both_names():
    assert registry.lookup("callback", "ProgbarLogger") is ProgressBar is ProgbarLogger


def test_config_and_unknown_arguments():
    config = {"class_name": "EarlyStopping", "config": {"patience": 4}}
    stop = registry.deserialize("callback", config)
    assert stop.get_config() == {
        "monitor": "val_loss",
        "min_delta": 0,
        "patience": 4,
        "verbose": 0,
        "mode": "auto",
        "baseline": None,
        "restore_best_weights": False,
        "start_from_epoch": 0,
    }
    assert EarlyStopping("loss", 0.1, 2, 1, "min", 3.0, True, 4).start_from_epoch == 4
    with pytest.raises(TypeError, match=r"Unrecognized keyword .* Did you mean 'patience'\?"):
        EarlyStopping(patiance=3)


def test_users_register_theirs():
    @registry.register
    class Mine(Callback):
        def __init__(self, every=1):
            super().__init__()
            self.every = every

    assert registry.lookup("callback", "Mine") is Mine
    assert registry.deserialize("callback", {"class_name": "Mine", "every": 3}).every == 3


def test_subclass_of_early_stopping():
    class Patient(EarlyStopping):
        def __init__(self, **kwargs):
            super().__init__(patience=2, **kwargs)
            self.epochs = []

        def on_epoch_end(self, epoch, logs=None):
            self.epochs.append(epoch)
            super().on_epoch_end(epoch, logs)

    patient = Patient(monitor="loss")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit([patient], [{"loss": 1.0}] * 5)
    assert patient.epochs == [0, 1, 2]


def test_the_public_names_are_those_of_the_package():
    from kerasish import callbacks

    assert set(callbacks.__all__) <= set(dir(callbacks))
