"""HTMLReport: what the page holds, when it is written, what it costs, and how it ends."""

import base64
import io
import json
import pickle
import re
import types

import numpy as np
import pytest

from kerasish import Sequential, datasets, layers
from kerasish.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    EarlyStopping,
    HTMLReport,
    LambdaCallback,
    LearningRateScheduler,
    pacing,
)
from kerasish.callbacks import html_report as module
from kerasish.callbacks.verdicts import Verdicts, class_count, takes_images
from kerasish.optimizers import SGD, Adam, MultiOptimizer, OptimizerMap
from tests.html_checks import checked

EVIL = "<script>alert(1)</script>\"'&<!--"
X = np.linspace(-1, 1, 16).reshape(8, 2).astype("float32")
Y = X[:, 0] * 0.5


def line(name="line"):
    model = Sequential([layers.Dense(1, input_shape=(2,))], name=name, seed=0)
    return model.compile("sgd", "mse", metrics=["mae"])


def fit(report, *others, epochs=3, model=None, **options):
    options = {"verbose": 0, "validation_data": (X, Y), **options}
    return (model or line()).fit(X, Y, epochs=epochs, callbacks=[report, *others], **options)


def page_of(path):
    return checked(path.read_text("utf-8"))


def curves(page, name):
    """The points of a chart, as its script gets them."""
    (chart,) = page.all("svg", class_="chart", data_name=name)
    return {kind: (x, y) for kind, x, y in json.loads(chart["data-curves"])["curves"]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "report.html"


@pytest.fixture
def now(monkeypatch):
    """A clock that only the test moves."""
    clock = types.SimpleNamespace(seconds=0.0)
    for place in (module, pacing):
        monkeypatch.setattr(place, "perf_counter", lambda: clock.seconds)
    return clock


@pytest.fixture
def digits(path):
    """A report on a small classifier of images, and its matrix."""
    (x, y), _ = datasets.digits.load_data()
    names = [f"class {k}" for k in range(10)]
    model = Sequential([layers.Flatten(), layers.Dense(10, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    report = HTMLReport(path, class_names=names)
    held_out = (x[300:500] / 16, y[300:500])
    history = model.fit(
        x[:300] / 16, y[:300], epochs=4, callbacks=[report], verbose=0, validation_data=held_out
    )
    return types.SimpleNamespace(
        page=page_of(path), report=report, model=model, held_out=held_out, history=history
    )


# What the page holds


def test_it_is_one_page_with_everything_in_it(path):
    history = fit(HTMLReport(path), epochs=3)
    page = page_of(path)
    text = page.text
    for part in (
        "line",
        "done",
        "Epochs done 3 of 3",
        "Learning rate 0.01",
        "Environment",
        "mse",
        "8 samples, x float32 (2)",
        "Seed 0",
        "numpy",
        "Threads",
        "Trainable params 3 (12.00 B)",
        "dense",
        "(None, 1)",
    ):
        assert part in text, part
    found = curves(page, "loss")
    assert found["training"][0] == [1, 2, 3]
    np.testing.assert_allclose(found["training"][1], history.history["loss"], rtol=1e-5)
    np.testing.assert_allclose(found["validation"][1], history.history["val_loss"], rtol=1e-5)
    assert curves(page, "mae").keys() == {"training", "validation"}
    assert page.all("svg", class_="diagram")


def test_a_browser_is_told_to_load_nothing(path):
    fit(HTMLReport(path), epochs=1)
    page = page_of(path)
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy")
    assert policy["content"].startswith("default-src 'none'; script-src 'sha256-")
    (script,) = re.findall(r"<script>(.*?)</script>", path.read_text("utf-8"), re.DOTALL)
    import hashlib

    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy["content"]


def test_what_comes_from_users_is_escaped(path):
    class Brings(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs[EVIL] = float(epoch)
            if epoch == 1:
                error = RuntimeError(EVIL)
                error.add_note(EVIL)
                raise error

    model = Sequential([layers.Dense(1, name=EVIL.replace("/", "|"), input_shape=(2,))])
    model.name = EVIL
    model.compile("sgd", "mse")
    with pytest.raises(RuntimeError):
        fit(HTMLReport(path), Brings(), model=model)
    page = page_of(path)
    assert len(page.all("script")) == 1
    assert page.text.count("<script>alert(1)") >= 4  # as text
    assert "<script>alert" not in path.read_text("utf-8")
    assert "RuntimeError" in page.text


def test_odd_characters_do_no_harm(path):
    model = line()
    model.name = "a\x00b\ud800\x1bc \N{SNOWMAN}"
    fit(HTMLReport(path), model=model, epochs=1)
    assert "\N{SNOWMAN}" in page_of(path).text


def test_the_best_epoch_is_that_of_the_metrics_direction(path):
    def my_error(y_true, y_pred):  # says nothing of its direction
        return np.abs(y_true - y_pred)

    model = Sequential([layers.Dense(1, input_shape=(2,))], seed=0)
    from kerasish.metrics import Mean

    class Odd(Mean):
        direction = "max"

        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(np.abs(y_true - y_pred))

    model.compile("sgd", "mse", metrics=[Odd(name="odd_loss"), my_error])
    fit(HTMLReport(path), model=model, epochs=3)
    text = page_of(path).text
    assert re.search(r"Odd loss best [\d.]+, epoch 3", text)  # its name would say epoch 1
    assert re.search(r"Loss best [\d.]+, epoch 3", text)
    assert not re.search(r"My error best", text)


def test_a_learning_rate_that_changes_has_a_curve(path):
    halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
    fit(HTMLReport(path), halve, epochs=2)
    assert curves(page_of(path), "learning_rate")["training"][1] == [0.005, 0.0025]
    fit(HTMLReport(path), epochs=2)
    assert page_of(path).all("svg", data_name="learning_rate") == []


def test_new_keys_strings_arrays_and_nan_are_harmless(path):
    class Brings(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs.update({0: {"note": "hi"}, 1: {"f1": np.array([0.0, 1.0])}}.get(epoch, {}))
            logs["bad"] = [1.0, np.nan, np.inf][epoch]

    fit(HTMLReport(path), Brings())
    page = page_of(path)
    assert curves(page, "bad")["training"] == ([1, 2, 3], [1.0, None, None])
    assert page.all("svg", data_name="note") == []


def test_the_model_that_is_deep_and_nested(path):
    inner = Sequential([layers.Dense(4) for _ in range(3)], name="inner block")
    model = Sequential([layers.Dense(4), inner, *(layers.Dense(4) for _ in range(20))])
    model.add(layers.Dense(1))
    model.compile("sgd", "mse")
    fit(HTMLReport(path), model=model, epochs=1)
    page = page_of(path)
    assert len(page.all("svg", class_="diagram")) == 3
    assert "inner block" in page.text


def test_each_optimizer_has_its_learning_rate(path):
    inner = OptimizerMap(SGD(0.5, name="kernels"), {".*bias": Adam(0.25, name="biases")})
    model = Sequential([layers.Dense(1, input_shape=(2,))])
    fit(HTMLReport(path), model=model.compile(MultiOptimizer(inner), "mse"), epochs=1)
    text = page_of(path).text
    assert "Learning rate kernels 0.5" in text
    assert "Learning rate biases 0.25" in text


def test_what_cannot_be_shown_costs_the_page_and_not_the_training(path, monkeypatch):
    monkeypatch.setattr(module, "report_of", lambda moment, parts: 1 / 0)
    with pytest.warns(UserWarning, match="no more pages are written. ZeroDivisionError"):
        history = fit(HTMLReport(path))
    assert len(history.epoch) == 3


# Classifiers


def test_the_matrix_counts_the_validation(digits):
    truths, guesses = digits.held_out[1], digits.model.predict(digits.held_out[0], verbose=0)
    expected = np.zeros((10, 10), int)
    np.add.at(expected, (truths, guesses.argmax(axis=1)), 1)
    cells = digits.page.all("td")
    shown = [int(re.search(r": ([\d,]+) \(", c["title"])[1]) for c in cells if "title" in c]
    np.testing.assert_array_equal(np.reshape(shown, (10, 10)), expected)
    right = int(np.trace(expected))
    assert f"{right} of 200 right, {right / 2:.1f} %" in digits.page.text
    assert "Validation after epoch 4" in digits.page.text
    assert digits.model.program.observers == []


def test_the_worst_mistakes_are_those_of_the_greatest_loss(digits):
    x, y = digits.held_out
    outputs = digits.model.predict(x, verbose=0)
    given = np.where(outputs.argmax(axis=1) != y, outputs[np.arange(200), y], np.inf)
    order = np.argsort(given)[: min(12, int(np.isfinite(given).sum()))]
    images = digits.page.all("img")
    assert len(images) == len(order)
    from PIL import Image

    for place, image in zip(order, images, strict=True):
        data = base64.b64decode(image["src"].partition(",")[2])
        pixels = np.asarray(Image.open(io.BytesIO(data)))
        np.testing.assert_allclose(pixels / 255, x[place], atol=0.003)
        assert image["alt"] == f"class {y[place]}, taken for class {outputs[place].argmax()}"


def test_batches_that_come_one_by_one_tell_the_same():
    rng = np.random.default_rng(0)
    x, y = rng.random((60, 8, 8, 3)), rng.integers(0, 3, 60)
    outputs = rng.random((60, 3))
    outputs /= outputs.sum(axis=1, keepdims=True)
    whole, parts = Verdicts(3, False, True), Verdicts(3, False, True)
    whole.see(x, y, outputs)
    for start in range(0, 60, 7):
        part = slice(start, start + 7)
        parts.see(x[part], np.eye(3)[y[part]], outputs[part])
        parts._look()
    one, other = whole.finish(), parts.finish()
    np.testing.assert_array_equal(one["matrix"], other["matrix"])
    assert one["mistakes"] == other["mistakes"]
    assert len(one["mistakes"]) == 12


@pytest.mark.parametrize("logits", [False, True])
def test_one_unit_tells_two_classes_apart(logits):
    chances = np.array([[0.9], [0.2], [0.6], [0.1]])
    outputs = np.log(chances / (1 - chances)) if logits else chances
    verdicts = Verdicts(2, logits, False)
    verdicts.see(None, np.array([1.0, 0.0, 0.0, 1.0]), outputs)
    assert verdicts.finish()["matrix"].tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("units", "activation", "loss", "expected"),
    [
        (3, "softmax", "sparse_categorical_crossentropy", 3),
        (1, "sigmoid", "binary_crossentropy", 2),
        (3, "sigmoid", "binary_crossentropy", None),  # several labels at once
        (3, "linear", "mse", None),
        (300, "softmax", "sparse_categorical_crossentropy", None),
    ],
)
def test_which_models_are_classifiers(units, activation, loss, expected):
    model = Sequential([layers.Dense(units, activation=activation, input_shape=(4,))])
    assert class_count(model.compile("sgd", loss)) == expected


@pytest.mark.parametrize(
    ("first", "shape", "expected"),
    [
        (layers.Conv2D(2, 3), (8, 8, 3), True),
        (layers.Flatten(), (8, 8), True),
        (layers.LSTM(2), (8, 8), False),
        (layers.Flatten(), (8, 8, 7), False),
        (layers.Dense(2), (64,), False),
    ],
)
def test_which_inputs_are_images(first, shape, expected):
    model = Sequential([layers.Input(shape), first])
    assert takes_images(model) is expected


def test_names_may_be_those_of_the_models_metadata(path):
    model = Sequential([layers.Dense(2, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.metadata["class_names"] = ["cat", "dog"]
    y = np.arange(8) % 2
    model.fit(X, y, validation_data=(X, y), verbose=0, callbacks=[HTMLReport(path)])
    assert "cat" in page_of(path).text
    assert page_of(path).all("img") == []


def test_many_classes_are_an_image(path):
    model = Sequential([layers.Dense(30, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    y = np.arange(8)
    model.fit(X, y, validation_data=(X, y), verbose=0, callbacks=[HTMLReport(path)])
    (image,) = page_of(path).all("img")
    assert "30 classes" in image["alt"]


# When it is written


def drive(report, now, epochs, batches, seconds_a_batch, cost=0.0, look=None):
    """The calls of a fit whose clock the test moves."""
    model = line()
    callbacks = CallbackList([report], model=model, verbose=0, epochs=epochs, steps=batches)
    callbacks.on_train_begin()
    for epoch in range(epochs):
        callbacks.on_epoch_begin(epoch)
        for batch in range(batches):
            now.seconds += seconds_a_batch
            callbacks.on_train_batch_end(batch, {"loss": 1.0 / (epoch * batches + batch + 1)})
            if look:
                look(epoch, batch)
        callbacks.on_epoch_end(epoch, {"loss": 1.0 / (epoch + 1)})
    callbacks.end({})


@pytest.fixture
def written(monkeypatch, now):
    """When pages were written, each taking `cost` seconds."""
    times = []
    times_cost = types.SimpleNamespace(times=times, cost=0.01)

    class File:
        def __enter__(self):
            times.append(now.seconds)
            now.seconds += times_cost.cost
            return io.StringIO()

        def __exit__(self, *error):
            return False

    monkeypatch.setattr(module, "atomic_write", lambda path, mode: File())
    return times_cost


def test_it_takes_a_few_percent_of_the_time(path, now, written):
    written.cost = 0.5
    drive(HTMLReport(path), now, epochs=100, batches=1, seconds_a_batch=2.0)
    assert 10 <= len(written.times) <= 14  # 3 % of 200 s are twelve pages
    assert written.times[-1] > 200


def test_quick_epochs_do_not_write_each(path, now, written):
    drive(HTMLReport(path), now, epochs=1000, batches=1, seconds_a_batch=0.01)
    assert len(written.times) <= 11


def test_a_short_training_writes_once_at_its_end(path, now, written):
    drive(HTMLReport(path), now, epochs=3, batches=2, seconds_a_batch=0.05)
    assert len(written.times) == 1


def test_a_long_epoch_writes_within_itself(path, now):
    seen = []

    def look(epoch, batch):
        if path.exists():
            seen.append((epoch, batch, page_of(path)))

    drive(HTMLReport(path), now, epochs=2, batches=8, seconds_a_batch=10.0, look=look)
    epoch, batch, page = seen[0]
    assert (epoch, batch) == (0, 0)
    assert "Epoch 1 of 2, batch 1 of 8" in page.text
    assert "Time left about 02:30" in page.text
    assert page.all("main", data_state="running")
    places = curves(seen[-1][2], "loss")["training"][0]
    assert places[:3] == [1, 1.125, 1.25]


def test_the_last_state_is_always_written(path, now):
    drive(HTMLReport(path), now, epochs=2, batches=1, seconds_a_batch=0.001)
    page = page_of(path)
    assert page.all("main", data_state="done")
    assert page.all("meta", http_equiv="refresh") == []
    assert curves(page, "loss")["training"][0] == [1, 2]


def test_a_running_page_refreshes_without_scripts_too(path, now):
    pages = []
    report = HTMLReport(path)
    drive(report, now, 1, 2, 10.0, look=lambda *place: pages.append(path.read_text("utf-8")))
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in pages[0]


def test_logs_are_not_computed_for_batches_that_write_nothing(path):
    report = HTMLReport(path)
    fit(report, epochs=1)
    report.on_epoch_begin(0)
    report.on_train_batch_end(0, lambda: pytest.fail("computed"))


# How it ends


def test_early_stopping_is_told(path):
    class Stops(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    fit(HTMLReport(path), Stops())
    page = page_of(path)
    assert "stopped by Stops" in page.text
    assert page.all("main", data_state="done")


@pytest.mark.parametrize(("epochs", "reason"), [(1, "done"), (2, "data ended")])
def test_data_that_end_are_told(path, epochs, reason, recwarn):
    line().fit(iter([(X, Y)]), epochs=epochs, verbose=0, callbacks=[HTMLReport(path)])
    assert f"line: {reason}" in page_of(path).text


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (KeyboardInterrupt, "interrupted", "The training was interrupted in epoch 2 (Ctrl-C)."),
        (RuntimeError("no <b>oil</b>"), "error", "RuntimeError: no <b>oil</b>"),
    ],
)
def test_errors_and_interrupts_are_told(path, error, state, words):
    def fail(epoch, logs):
        if epoch == 1:
            raise error

    with pytest.raises(BaseException):  # noqa: B017 (both kinds)
        fit(HTMLReport(path), LambdaCallback(on_epoch_begin=fail))
    page = page_of(path)
    assert page.all("main", data_state=state)
    assert words in page.text
    assert curves(page, "loss")["training"][0] == [1]


def test_numbers_that_are_not_finite_are_told(path):
    with pytest.warns(UserWarning, match="is not finite"):
        fit(HTMLReport(path), sample_weight=np.full(8, np.inf), validation_data=None)
    page = page_of(path)
    assert page.all("main", data_state="not-finite")
    assert "The loss or a gradient was not finite" in page.text


def test_a_full_disk_costs_the_page_and_not_the_training(path, monkeypatch):
    def fail(path, mode):
        raise OSError(28, "No space left")

    monkeypatch.setattr(module, "atomic_write", fail)
    monkeypatch.setattr(module, "BETWEEN", -1.0)
    monkeypatch.setattr(module, "SHARE", 1e9)
    with pytest.warns(UserWarning, match="HTMLReport: no more pages are written. .*No space left"):
        history = fit(HTMLReport(path), epochs=3)
    assert len(history.epoch) == 3


# Going on


def test_curves_go_on_after_a_kill(path, tmp_path):
    class Killed(BaseException):
        pass

    def kill(epoch, logs):
        if epoch == 2:
            raise Killed

    def run(*others):
        safe = BackupAndRestore(tmp_path / "backup")
        return fit(HTMLReport(path), safe, *others, epochs=4)

    with pytest.raises(Killed):
        run(LambdaCallback(on_epoch_begin=kill))
    history = run()
    found = curves(page_of(path), "loss")["training"]
    assert found[0] == [1, 2, 3, 4]
    np.testing.assert_allclose(found[1], history.history["loss"], rtol=1e-5)


def test_its_state_is_plain(digits):
    state = digits.report.get_state()
    again = HTMLReport(digits.report.path)
    again.set_state(state)
    assert again.get_state()["epochs"] == [0, 1, 2, 3]
    plain = {**state, "judged": {**state["judged"], "matrix": None}}
    assert json.loads(json.dumps(plain)) == plain
    copy = pickle.loads(pickle.dumps(digits.report))
    assert copy.get_config() == digits.report.get_config()


def test_epochs_done_before_count(path):
    fit(HTMLReport(path), epochs=2, initial_epoch=2)
    assert "Epochs done 2 of 2" in page_of(path).text
    assert "There is nothing to draw yet" in page_of(path).text


def test_a_script_may_change_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    move = LambdaCallback(on_epoch_end=lambda epoch, logs: monkeypatch.chdir("elsewhere"))
    fit(HTMLReport("report.html"), move, epochs=1)
    assert (tmp_path / "report.html").exists()


def test_a_second_fit_begins_anew(path):
    report = HTMLReport(path)
    fit(report, epochs=3)
    fit(report, epochs=1)
    assert curves(page_of(path), "loss")["training"][0] == [1]


# Bad input


def test_paths_are_checked_before_training(tmp_path):
    begun = []
    watch = LambdaCallback(on_train_batch_begin=lambda batch, logs: begun.append(batch))
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(OSError, match=r"HTMLReport cannot write '.*r.html': "):
        fit(HTMLReport(tmp_path / "file" / "r.html"), watch)
    with pytest.raises(IsADirectoryError, match=r"HTMLReport cannot write .*: it is a folder"):
        fit(HTMLReport(tmp_path / "folder.html"), watch)
    assert begun == []
    fit(HTMLReport(tmp_path / "new" / "deep" / "r.html"), epochs=1)
    assert (tmp_path / "new" / "deep" / "r.html").exists()


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("report", ValueError, r"its path must end in .html but is 'report'. Pass 'report.html'"),
        ("curves.png", ValueError, r"its path must end in .html but is 'curves.png'"),
        (3, TypeError, r"HTMLReport: the path must be a string or a path but got 3"),
    ],
)
def test_bad_arguments(path, error, message):
    with pytest.raises(error, match=message):
        HTMLReport(path)


def test_names_that_do_not_fit_are_told_before_training(path):
    model = Sequential([layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="`class_names` has 1 names, but the model tells 2 cla"):
        model.fit(X, np.arange(8) % 2, callbacks=[HTMLReport(path, class_names=["a"])], verbose=0)
    with pytest.raises(ValueError, match="there are `class_names`, but the model does not"):
        fit(HTMLReport(path, class_names=["a", "b"]))


def test_early_stopping_with_no_validation(path):
    stop = EarlyStopping("loss", patience=1)
    fit(HTMLReport(path), stop, validation_data=None, epochs=2)
    assert curves(page_of(path), "loss").keys() == {"training"}
