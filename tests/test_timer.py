"""Timer: seconds of epochs, training and validation apart."""

import json
import types

import numpy as np
import pytest

from kerasish import Sequential, layers
from kerasish.callbacks import CallbackList, LambdaCallback, Timer, pacing
from kerasish.callbacks import timer as module
from tests.html_checks import checked

X = np.ones((10, 2), "float32")


@pytest.fixture
def now(monkeypatch):
    clock = types.SimpleNamespace(seconds=0.0)
    for place in (module, pacing):
        monkeypatch.setattr(place, "perf_counter", lambda: clock.seconds)
    return clock


def fit(timer, now, epochs=2, **options):
    """Each batch takes a second (the first epoch's three), each of validation a quarter."""

    def step(batch, logs):
        now.seconds += 3.0 if len(timer.times) == 0 else 1.0

    def check(batch, logs):
        now.seconds += 0.25

    clock = LambdaCallback(on_train_batch_end=step, on_test_batch_end=check)
    model = Sequential([layers.Dense(1)]).compile("sgd", "mse")
    return model.fit(
        X, X[:, 0], batch_size=5, epochs=epochs, verbose=0, callbacks=[timer, clock], **options
    )


def test_training_and_validation_are_timed_apart(now, capsys):
    timer = Timer()
    fit(timer, now, validation_data=(X, X[:, 0]))
    first, second = timer.times
    assert (first.epoch, first.training, first.validation) == (1, 6.0, 0.5)
    assert (second.training, second.seconds, second.samples_per_second) == (2.0, 2.5, 5.0)
    assert timer.seconds == 9.0
    assert capsys.readouterr().out == (
        "2 epochs in 9.0 s: 4.5 s an epoch, of which validation 500 ms, 3 samples/s; "
        "the slowest was epoch 1 (6.5 s)\n"
    )


def test_one_epoch_without_validation_and_silence(now, capsys):
    timer = Timer(verbose=0)
    fit(timer, now, epochs=1)
    assert capsys.readouterr().out == ""
    assert timer.summary() == "1 epoch in 6.0 s: 6.0 s an epoch, 2 samples/s"


def test_a_notebook_gets_a_table(now):
    timer = Timer(verbose=0)
    assert timer._repr_html_() is None
    fit(timer, now)
    text = checked(timer._repr_html_()).text
    assert "epoch training (s) validation (s) samples/s" in text
    assert "1 6.000 0.000 2" in text


def test_it_goes_on_from_its_state(now):
    first, second = Timer(verbose=0), Timer(verbose=0)
    fit(first, now)
    state = json.loads(json.dumps(first.get_state()))
    second.on_train_begin()
    second.set_state(state)
    assert second.times == first.times
    callbacks = CallbackList([second])
    now.seconds += 1.0
    callbacks.end({})
    assert second.seconds == first.seconds + 1.0


def test_nothing_timed_yet():
    with pytest.raises(ValueError, match=r"Timer: no epoch was timed yet\. Pass it to fit"):
        Timer().summary()
