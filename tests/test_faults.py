"""What goes wrong from outside: Ctrl-C, numbers that are not finite, users' code that raises."""

import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import kerasish as ks
from kerasish import layers
from kerasish.training import interrupt, shards

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 6)).astype("float32")
Y = RNG.standard_normal((40, 2)).astype("float32")


@pytest.fixture(autouse=True, params=[1, 3])
def threads(request, monkeypatch):
    """Every test runs on one and on three threads."""
    monkeypatch.setattr(shards, "MIN_SHARD_FLOP", 1)
    before, handler = ks.config.num_threads(), signal.getsignal(signal.SIGINT)
    ks.config.set_num_threads(request.param)
    yield request.param
    ks.config.set_num_threads(before)
    assert signal.getsignal(signal.SIGINT) is handler


def press(*_, **__):
    """Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


class Trap(layers.Layer):
    """Calls `act` in its call number `at` (from 0) in training."""

    act = staticmethod(press)
    at = 0

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.count = 0

    def forward(self, x, step):
        if step.training and step.shard == 0:
            self.count += 1
            if self.count == self.at + 1:
                self.act()
        return x, lambda dy: dy


def made(*traps, loss="mse", **options):
    stack = [layers.Dense(5, "tanh"), *traps, layers.BatchNormalization(), layers.Dense(2)]
    return ks.Sequential(stack, seed=2).compile("adam", loss, **options)


def fit(model, callbacks=(), **options):
    options = {"batch_size": 10, "verbose": 0, **options}
    return model.fit(X, Y, callbacks=list(callbacks), **options)


def after(steps):
    """Weights after that many whole steps."""
    model = made()
    model.build((None, 6))
    end = ks.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs=None: setattr(
            end.model, "stop_training", int(end.model.optimizer.iterations) == steps
        )
    )
    if steps:
        fit(model, [end], epochs=-(-steps // 4))
    return model.get_weights()


def assert_steps(model, steps):
    assert int(model.optimizer.iterations) == steps
    for ours, expected in zip(model.get_weights(), after(steps), strict=True):
        np.testing.assert_array_equal(ours, expected)


class Ends(ks.callbacks.Callback):
    """Counts how often training began and ended."""

    def __init__(self):
        super().__init__()
        self.began = self.ended = 0

    def on_train_begin(self, logs=None):
        self.began += 1

    def on_train_end(self, logs=None):
        self.ended += 1


# --- Ctrl-C ----------------------------------------------------------------------------------


def test_ctrl_c_in_a_step_lets_it_end_whole():
    trap = Trap()
    trap.at = 5
    model, ends = made(trap), Ends()
    with pytest.raises(KeyboardInterrupt):
        fit(model, [ends], epochs=9)
    assert_steps(model, 6)
    assert (ends.began, ends.ended) == (1, 1)
    assert model.history.interrupted
    assert len(model.history.epoch) == 1
    history = fit(model)
    assert not history.interrupted
    assert int(model.optimizer.iterations) == 10


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_begin"])
def test_ctrl_c_in_a_callback_acts_at_once(hook):
    model, ends, went_on = made(), Ends(), []
    act = ks.callbacks.LambdaCallback(**{hook: lambda *_, **__: (press(), went_on.append(1))})
    with pytest.raises(KeyboardInterrupt):
        fit(model, [ends, act], epochs=3)
    assert went_on == []
    assert ends.ended == 1
    assert model.history.interrupted
    assert_steps(model, 0)


def test_ctrl_c_in_the_data_acts_at_once():
    def batches():
        for i in range(4):
            if i == 3:
                press()
            yield X[10 * i : 10 * i + 10], Y[10 * i : 10 * i + 10]

    model = made()
    with pytest.raises(KeyboardInterrupt):
        model.fit(batches(), verbose=0)
    assert int(model.optimizer.iterations) == 3
    assert model.history.interrupted


def test_at_a_prompt_fit_returns_the_history_so_far(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    trap = Trap()
    trap.at = 5
    model, ends = made(trap), Ends()
    history = fit(model, [ends], epochs=9)
    assert history is model.history
    assert history.interrupted
    assert history.epoch == [0]
    assert ends.ended == 1
    assert_steps(model, 6)
    with pytest.raises(ZeroDivisionError):  # errors are still errors
        fit(model, [ks.callbacks.LambdaCallback(on_epoch_end=lambda *_: 1 / 0), history])


@pytest.mark.parametrize("interactive", [False, True])
def test_ctrl_c_in_a_fit_inside_a_fit_ends_both_between_steps(interactive, monkeypatch):
    if interactive:
        monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    trap = Trap()
    trap.at = 2
    inner, outer = made(trap), made()
    nested = ks.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs=None: batch == 1 and fit(inner)
    )
    if interactive:
        assert fit(outer, [nested], epochs=5).interrupted
    else:
        with pytest.raises(KeyboardInterrupt):
            fit(outer, [nested], epochs=5)
    assert_steps(inner, 3)
    assert_steps(outer, 2)
    assert inner.history.interrupted
    assert outer.history.interrupted


def test_a_second_ctrl_c_ends_a_step_that_hangs(monkeypatch):
    trap = Trap()
    went_on = []

    def act():
        press()
        press()  # too soon to be meant
        monkeypatch.setattr(interrupt, "PATIENCE", 0)
        press()
        went_on.append(1)

    trap.act = act
    model = made(trap)
    with pytest.raises(KeyboardInterrupt):
        fit(model)
    assert went_on == []
    assert_steps(model, 0)
    fit(model)


def test_a_handler_of_the_users_own_is_called_after_the_step_and_comes_back():
    trap, order = Trap(), []
    trap.act = lambda: (press(), order.append("step"))
    model = made(trap)
    before = signal.signal(signal.SIGINT, lambda number, frame: order.append(number))
    try:
        own = signal.getsignal(signal.SIGINT)
        fit(model)
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)
    assert order == ["step", signal.SIGINT]
    assert_steps(model, 4)


def test_ctrl_c_in_single_batches_predictions_and_evaluations():
    trap = Trap()
    model = made(trap)
    with pytest.raises(KeyboardInterrupt):
        model.train_on_batch(X[:10], Y[:10])
    assert int(model.optimizer.iterations) == 1
    before = model.predict(X, verbose=0)

    class Press(layers.Layer):
        on = False

        def forward(self, x, step):
            if self.on and step.shard == 0:
                press()
            return x, lambda dy: dy

    pressing = Press()
    both = ks.Sequential([model, pressing]).compile("sgd", "mse")
    both.build((None, 6))
    pressing.on = True
    for call in (
        lambda: both.predict(X, verbose=0),
        lambda: both.evaluate(X, Y, verbose=0),
        lambda: both.predict_on_batch(X),
    ):
        with pytest.raises(KeyboardInterrupt):
            call()
    pressing.on = False
    np.testing.assert_array_equal(both.predict(X, verbose=0), before)


SCRIPT = """
import os, random, signal, sys, threading, time
import numpy as np
import kerasish as ks
from kerasish import layers
from kerasish.training import shards

shards.MIN_SHARD_FLOP = 1
ks.config.set_num_threads(int(sys.argv[1]))
rng = np.random.default_rng(0)
x, y = rng.standard_normal((64, 32)), rng.standard_normal((64, 2))
wait = random.Random(int(sys.argv[1]))

class Watch(ks.callbacks.Callback):
    begun, ended, most = None, 0, 10**9
    def on_train_begin(self, logs=None):
        if self.begun:
            self.begun.set()
    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == self.most:
            self.model.stop_training = True
    def on_train_end(self, logs=None):
        self.ended += 1

def made():
    model = ks.Sequential([layers.Dense(64, "tanh"), layers.Dropout(0.3), layers.Dense(2)], seed=1)
    return model.compile("adam", "mse")

def train(model, watch):
    model.fit(x, y, epochs=10**6, batch_size=16, verbose=0, callbacks=[watch])

def press(begun, seconds):
    begun.wait()
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGINT)

for trial in range(8):
    model, watch = made(), Watch()
    watch.begun = threading.Event()
    presser = threading.Thread(target=press, args=(watch.begun, wait.uniform(0, 0.02)))
    presser.start()
    try:
        train(model, watch)
    except KeyboardInterrupt:
        presser.join()
    assert not presser.is_alive()
    assert model.history.interrupted
    assert watch.ended == 1
    again, most = made(), Watch()
    most.most = int(model.optimizer.iterations)
    if most.most:
        train(again, most)
        for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
            assert np.array_equal(a, b) and np.isfinite(a).all()
watch.begun = threading.Event()
threading.Thread(target=press, args=(watch.begun, 0.01)).start()
print("ready", flush=True)
train(model, watch)
"""


def test_real_ctrl_c_at_any_moment(threads):
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(threads)], capture_output=True, text=True, timeout=60
    )
    assert ended.stdout == "ready\n", ended.stderr
    assert ended.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in ended.stderr


# --- numbers that are not finite -------------------------------------------------------------


class Bad(layers.Layer):
    """Output or gradient infinite from training call `at` on."""

    at, where = 2, "output"

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.count = 0

    def forward(self, x, step):
        if step.shard == 0 and step.recording:
            self.count += 1
        bad = step.training and self.count > self.at
        y = x * np.inf if bad and self.where == "output" else x
        return y, lambda dy: dy * np.inf if bad and self.where == "gradient" else dy


def nan_loss_at(step):
    seen = []

    def loss(y_true, y_pred):
        seen.append(1)
        return np.mean((y_true - y_pred) ** 2, axis=-1) * (np.nan if len(seen) > step else 1)

    return loss


def fit_to_the_end(model, message, x=X, steps=2, **options):
    """Fit, expect the warning, and that nothing of the bad step was applied."""
    ends = Ends()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        history = model.fit(
            x, Y, batch_size=10, epochs=3, shuffle=False, verbose=0, callbacks=[ends], **options
        )
    stopped = [w for w in found if "fit stopped" in str(w.message)]
    assert len(stopped) == 1
    assert message in str(stopped[0].message)
    assert stopped[0].filename == __file__
    assert int(model.optimizer.iterations) == steps
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert np.isnan(history.history["loss"][-1])
    assert not history.interrupted
    assert ends.ended == 1
    return history


def test_nan_in_the_data_stops_fit_before_it_is_learnt():
    x = X.copy()
    x[25, 1] = np.nan
    model, twin = made(), made()
    fit_to_the_end(model, "fit stopped in epoch 1, batch 2: the input data is not finite", x)
    twin.fit(X[:20], Y[:20], batch_size=10, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_infinite_output_is_traced_to_its_layer():
    bad = Bad(name="culprit")
    fit_to_the_end(made(bad), "batch 2: the output of Bad 'culprit' (layer 1) is not finite")


def test_an_infinite_gradient_is_traced_to_its_weight():
    bad = Bad()
    bad.where = "gradient"
    model = made(bad)
    fit_to_the_end(model, "batch 2: the gradient of weight")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fit(model)
    assert f"weight '{model.layers[0].bias.path}'" in str(found[0].message)


def test_a_nan_of_the_loss_itself():
    model = made(loss=nan_loss_at(2))
    fit_to_the_end(model, "batch 2: the loss (every layer's output is finite) is not finite")


def test_a_learning_rate_that_explodes():
    model = ks.Sequential([layers.Dense(5, name="first"), layers.Dense(2)], seed=0)
    model.compile(ks.optimizers.SGD(1e25), "mse")
    history = fit_to_the_end(model, "is not finite", steps=1)
    assert list(history.history) == ["loss"]
    assert len(history.epoch) == 1
    with pytest.warns(UserWarning, match="lower the learning rate"):
        fit(model)


def test_an_average_of_no_step_is_not_given_to_the_weights():
    model = ks.Sequential([layers.Dense(2, input_shape=(6,))], seed=0)
    model.compile(ks.optimizers.SGD(0.1, use_ema=True), "mse")
    before = model.get_weights()
    fit_to_the_end(model, "batch 0: the input data", X * np.float32("nan"), steps=0)
    fit(model, epochs=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_validation_after_it_and_training_can_go_on():
    bad = Bad()
    model = made(bad)
    history = fit_to_the_end(model, "batch 2", validation_data=(X, Y))
    assert "val_loss" not in history.history
    bad.at = 10**9
    assert np.isfinite(fit(model).history["loss"]).all()


# --- users' code that raises -----------------------------------------------------------------


@pytest.mark.parametrize(
    "hook",
    ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end"]
    + ["on_test_begin", "on_test_batch_end", "on_test_end", "on_epoch_end", "on_train_end"],
)
def test_the_error_of_a_callback_comes_out_as_it_is(hook):
    error = LookupError("mine")

    class Failing(ks.callbacks.Callback):
        pass

    def fail(*_, **__):
        raise error

    setattr(Failing, hook, fail)
    before, behind = Ends(), Ends()
    model = made()
    with pytest.raises(LookupError) as caught:
        fit(model, [before, Failing(), behind], validation_data=(X, Y))
    assert caught.value is error
    assert any(f"callback Failing in {hook}" in note for note in error.__notes__)
    assert (before.ended, behind.ended) == (before.began, behind.began) == (1, 1)
    fit(model)


def test_a_generator_that_raises_leaves_a_usable_model():
    def batches():
        yield X[:10], Y[:10]
        yield X[10:20], Y[10:20]
        raise OSError("disk gone")

    model, ends = made(), Ends()
    with pytest.raises(OSError, match="disk gone"):
        model.fit(batches(), verbose=0, callbacks=[ends])
    assert ends.ended == 1
    assert int(model.optimizer.iterations) == 2
    fit(model)
    assert int(model.optimizer.iterations) == 6


def test_a_loss_that_raises_frees_all_shards_and_changes_nothing():
    switch = []

    def loss(y_true, y_pred):
        if switch:
            raise RuntimeError("no loss")
        return np.mean((y_true - y_pred) ** 2, axis=-1)

    model = made(loss=loss)
    fit(model)
    before = model.get_weights()
    switch.append(1)
    with pytest.raises(RuntimeError, match="no loss"):
        fit(model)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    switch.clear()
    fit(model)


def test_a_metric_that_raises_leaves_the_step_undone():
    def metric(y_true, y_pred):
        raise RuntimeError("no metric")

    model = made(metrics=[metric])
    model.build((None, 6))
    before = model.get_weights()  # with the moving averages
    with pytest.raises(RuntimeError, match="no metric"):
        fit(model)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_error_in_validation_brings_the_epochs_scores_back():
    model = made()
    with pytest.raises(ValueError, match="expects"):
        model.fit(X, Y, verbose=0, validation_data=(X, Y[:, :1]))
    fit(model)


def test_ctrl_c_goes_to_the_main_thread_while_another_one_fits():
    model, began = made(), threading.Event()
    begin = ks.callbacks.LambdaCallback(on_train_begin=lambda logs=None: began.set())
    worker = threading.Thread(target=fit, args=(model, [begin]), kwargs={"epochs": 20})
    worker.start()
    began.wait(10)
    with pytest.raises(KeyboardInterrupt):
        press()
    worker.join(30)
    assert int(model.optimizer.iterations) == 80
    assert not model.history.interrupted
