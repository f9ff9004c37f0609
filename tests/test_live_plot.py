"""LivePlot in a notebook, a window, a file and a terminal; what it costs; names and errors."""

import json
import os
import pickle
import sys
import textwrap
import types

import numpy as np
import pytest

from kerasish import Sequential, layers
from kerasish.callbacks import Callback, CallbackList, LambdaCallback, LivePlot, pacing
from kerasish.callbacks import live_plot as live_plot_module
from kerasish.callbacks import live_screens as screens_module

X = np.linspace(-1, 1, 16).reshape(8, 2).astype("float32")
Y = X[:, 0] * 0.5


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch):
    """Whoever runs the tests on a desktop does not want windows."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(screens_module.sys, "platform", "linux")


def model():
    made = Sequential([layers.Dense(1, input_shape=(2,))], name="tiny", seed=0)
    made.compile("sgd", "mse", metrics=["mae"])
    return made


def fit(plot, *others, epochs=3, **options):
    options = {"verbose": 0, "validation_data": (X, Y), **options}
    return model().fit(X, Y, epochs=epochs, callbacks=[plot, *others], **options)


def run(plot, logs, epochs=None, batches=1):
    """The calls of a fit whose logs are given."""
    callbacks = CallbackList([plot], verbose=0, epochs=epochs or len(logs))
    callbacks.on_train_begin()
    for epoch, row in enumerate(logs):
        callbacks.on_epoch_begin(epoch)
        for batch in range(batches):
            callbacks.on_train_batch_end(batch, row)
        callbacks.on_epoch_end(epoch, row)
    callbacks.on_train_end(logs[-1])


class Shown(screens_module.Screen):
    """A screen that only remembers."""

    def __init__(self, draw):
        super().__init__(draw)
        self.runs = []

    def show(self, run):
        self.runs.append(run)


@pytest.fixture
def shown(monkeypatch):
    screen = Shown(None)
    monkeypatch.setattr(live_plot_module, "choose_screens", lambda *args: [screen])
    return screen


@pytest.fixture
def now(monkeypatch):
    clock = types.SimpleNamespace(seconds=0.0)
    for module in (pacing, screens_module):
        monkeypatch.setattr(module, "perf_counter", lambda: clock.seconds)
    return clock


@pytest.fixture
def eager(monkeypatch):
    """The first picture is taken to cost nothing."""
    monkeypatch.setattr(live_plot_module, "FIRST", 0.0)


# Without pictures


def test_a_pipe_gets_one_plot_at_the_end(capsys):
    logs = [{"loss": 4.0, "val_loss": 4.0}, {"loss": 2.0, "val_loss": 1.0}]
    run(LivePlot(), logs)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "loss (* training, o validation, @ both): best val_loss 1, epoch 2"
    assert lines[1].startswith(" 4 |@")
    assert lines[8].startswith(" 1 |")
    assert lines[8].endswith("o")
    assert len(lines) == 11


def test_a_terminal_gets_five_plots_and_not_one_an_epoch(monkeypatch, now):
    import io

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    run(LivePlot(), [{"loss": 1.0 / (i + 1)} for i in range(100)])
    assert screen.getvalue().count("training") == 5


def test_a_constant_has_its_value_beside_it(capsys):
    run(LivePlot(), [{"loss": 0.25}, {"loss": 0.25}])
    (line,) = [row for row in capsys.readouterr().out.splitlines() if row.startswith(" 0.25")]
    assert line.count("*") == 2


def test_text_plots_survive_odd_values(capsys):
    run(LivePlot(), [{"loss": np.nan}, {"loss": np.inf, "new": 2.0}, {"loss": np.nan}])
    out = capsys.readouterr().out
    assert "loss (* training)" in out
    assert "new (* training)" in out


# Files


def test_a_file_is_there_after_every_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr(live_plot_module, "SHARE", 1e9)
    path = tmp_path / "new folder" / "curves.png"
    seen = []
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(path.read_bytes()))
    plot = LivePlot(path=path, figsize=(3, 2))
    fit(plot, look, epochs=2)
    assert all(png.startswith(b"\x89PNG") for png in seen)
    assert seen[0] != seen[1]
    assert os.listdir(path.parent) == ["curves.png"]
    assert plot.figure.get_suptitle() == "tiny: epoch 2 of 2"
    assert [axes.get_title("left") for axes in plot.figure.axes] == ["Loss", "MAE"]


def test_the_ending_says_the_format(tmp_path):
    fit(LivePlot("loss", path=tmp_path / "curves.svg", smooth=0.5, log_scale=True), epochs=1)
    assert "<svg" in (tmp_path / "curves.svg").read_text()


def test_a_full_disk_costs_the_picture_and_not_the_training(tmp_path, monkeypatch):
    def fail(figure, path):
        raise OSError(28, "No space left")

    monkeypatch.setattr(screens_module.viz, "save_figure", fail)
    with pytest.warns(UserWarning, match="No more pictures are drawn: .*No space left") as caught:
        history = fit(LivePlot(path=tmp_path / "x.png"), epochs=3)
    assert len(caught) == 1
    assert len(history.epoch) == 3


# Notebooks


def test_a_notebook_has_one_output_that_is_updated(monkeypatch):
    calls = []

    class Handle:
        def update(self, bundle, raw, metadata):
            assert raw
            assert metadata == {"image/png": {"width": 288, "height": 192}}
            calls.append(("update", bundle["image/png"][:4], bundle["text/plain"]))

    def display(bundle, raw, display_id):
        assert raw
        assert display_id is True
        calls.append(("display", bundle))
        return Handle()

    fake = types.ModuleType("IPython.display")
    fake.display = display
    python = types.SimpleNamespace(get_ipython=lambda: None, display=fake)
    monkeypatch.setitem(sys.modules, "IPython", python)
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    monkeypatch.setattr(screens_module, "kernel", lambda: "notebook")
    monkeypatch.setattr(live_plot_module, "SHARE", 1e9)
    fit(LivePlot("loss", figsize=(3, 2)), epochs=2)
    assert calls[0] == ("display", {"text/plain": ""})  # above the bar, which begins later
    titles = [f"<Figure: tiny: epoch {epoch} of 2>" for epoch in (1, 2)]
    assert calls[1:] == [("update", b"\x89PNG", title) for title in titles]


@pytest.mark.slow
def test_in_a_real_notebook():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    code = """
    import numpy as np
    from kerasish import Sequential, layers
    from kerasish.callbacks import LivePlot, live_plot
    live_plot.SHARE = 1e9
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    _ = model.fit(np.ones((8, 2)), np.ones(8), epochs=3, verbose=0, callbacks=[LivePlot()])
    """
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(textwrap.dedent(code))])
    nbclient.NotebookClient(book, timeout=100).execute()
    (output,) = book.cells[0].outputs
    assert output.output_type == "display_data"
    assert "image/png" in output.data


# Windows


@pytest.fixture
def desktop(monkeypatch):
    """A toolkit of windows that only counts; returns what happened."""
    import matplotlib
    import matplotlib.pyplot as plt
    from matplotlib.backend_bases import FigureManagerBase
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    happened = []

    class Manager(FigureManagerBase):
        def show(self):
            happened.append(("open", matplotlib.rcParams["figure.raise_window"]))

    class Canvas(FigureCanvasAgg):
        manager_class = Manager

        def draw_idle(self, *args, **kwargs):
            if self.manager is not None:
                happened.append("draw")

        def flush_events(self):
            happened.append("events")

    backend = types.ModuleType("counting_windows")
    backend.FigureCanvas = Canvas
    monkeypatch.setitem(sys.modules, "counting_windows", backend)
    monkeypatch.setenv("DISPLAY", ":0")
    before = matplotlib.get_backend()
    plt.switch_backend("module://counting_windows")
    Canvas.required_interactive_framework = "counting"  # only now: pyplot would look for it
    monkeypatch.setattr(plt, "show", lambda *args, **kwargs: pytest.fail("plt.show was called"))
    monkeypatch.setattr(plt, "pause", lambda *args: pytest.fail("plt.pause takes the focus"))
    yield happened
    plt.close("all")
    plt.switch_backend(before)


def test_a_window_opens_once_and_does_not_take_the_focus(desktop, now, eager):
    import matplotlib.pyplot as plt

    plt.ion()
    run(LivePlot(figsize=(3, 2)), [{"loss": 1.0}, {"loss": 0.5}], batches=2)
    assert desktop[0] == ("open", False)
    assert desktop.count(("open", False)) == 1
    assert "draw" in desktop
    assert plt.isinteractive()
    plt.ioff()


def test_a_window_lives_between_the_epochs(desktop, now, eager):
    plot = LivePlot(figsize=(3, 2))
    callbacks = CallbackList([plot], verbose=0, epochs=2)
    callbacks.on_train_begin()
    callbacks.on_epoch_end(0, {"loss": 1.0})
    desktop.clear()
    for batch in range(6):
        now.seconds += 0.0625
        callbacks.on_train_batch_end(batch, {"loss": 1.0})
    assert desktop == ["events"] * 3
    callbacks.on_train_end()


def test_a_window_that_was_closed_stays_closed(desktop, now):
    import matplotlib.pyplot as plt

    close = LambdaCallback(on_epoch_end=lambda epoch, logs: plt.close("all"))
    callbacks = CallbackList([LivePlot(figsize=(3, 2)), close], verbose=0, epochs=3)
    callbacks.on_train_begin()
    for epoch in range(3):
        now.seconds += 1e6
        callbacks.on_epoch_end(epoch, {"loss": 1.0})
    callbacks.on_train_end()
    assert [event for event in desktop if event != "events" and event != "draw"] == [
        ("open", False)
    ]


def test_no_window_without_a_display_or_outside_the_main_thread(desktop, monkeypatch):
    import threading

    found = []
    thread = threading.Thread(target=lambda: found.append(screens_module.open_window(None)))
    thread.start()
    thread.join()
    monkeypatch.delenv("DISPLAY")
    assert [*found, screens_module.open_window(None)] == [None, None]


def test_a_backend_without_windows_gets_text(monkeypatch, capsys):
    import matplotlib.pyplot as plt

    monkeypatch.setenv("DISPLAY", ":0")
    plt.switch_backend("agg")
    run(LivePlot(), [{"loss": 1.0}])
    assert plt.get_fignums() == []
    assert "loss (* training)" in capsys.readouterr().out


# Cost


@pytest.fixture
def slow(monkeypatch, now):
    """A screen on which a picture takes 0.3 seconds of the test's clock."""

    class Slow(Shown):
        def show(self, run):
            super().show(run)
            now.seconds += 0.3

    screen = Slow(None)
    monkeypatch.setattr(live_plot_module, "choose_screens", lambda *args: [screen])
    return screen


def drive(plot, now, epochs, seconds, batches=1, stop=None):
    callbacks = CallbackList([plot], verbose=0, epochs=epochs, steps=batches)
    callbacks.on_train_begin()
    for epoch in range(stop or epochs):
        callbacks.on_epoch_begin(epoch)
        for batch in range(batches):
            now.seconds += seconds / batches
            callbacks.on_train_batch_end(batch, lambda: {"loss": 1.0})
        callbacks.on_epoch_end(epoch, {"loss": 1.0})
    callbacks.end({})


def test_drawing_takes_a_few_percent_of_the_time(now, slow):
    drive(LivePlot(), now, epochs=1000, seconds=0.1)
    drawn = [len(run.epochs) for run in slow.runs]
    assert drawn[0] == 1  # the whole will be long enough
    assert drawn[-1] == 1000
    assert 14 <= len(drawn) <= 19  # 5 % of 100 s are 17 pictures of 0.3 s


def test_a_short_training_is_drawn_at_its_end(now, slow):
    drive(LivePlot(), now, epochs=20, seconds=0.1)
    assert [len(run.epochs) for run in slow.runs] == [20]


def test_a_training_whose_length_is_not_known_waits_for_its_first_picture(now, slow):
    plot = LivePlot()
    plot.on_train_begin()
    for epoch in range(300):
        now.seconds += 0.1
        plot.on_epoch_end(epoch, {"loss": 1.0})
    plot.on_train_end()
    assert len(slow.runs[0].epochs) >= 60
    assert len(slow.runs) <= 7


def test_importing_matplotlib_does_not_keep_the_second_picture_waiting(now, slow):
    shown = slow.show

    def show(run):
        now.seconds += 0 if slow.runs else 5
        shown(run)

    slow.show = show
    drive(LivePlot(), now, epochs=300, seconds=0.1)
    assert len(slow.runs[1].epochs) < 100


def test_long_epochs_are_drawn_while_they_run(now, slow):
    drive(LivePlot(), now, epochs=2, seconds=100.0, batches=20)
    first = slow.runs[0]
    assert list(first.points("loss")[0]) == [0.1]
    third = slow.runs[2]
    np.testing.assert_allclose(third.points("loss")[0], [0.1, 0.2, 0.3])
    assert third.best("loss") is None  # no epoch is over
    assert list(slow.runs[-1].points("loss")[0]) == [1, 2]
    assert 14 <= len(slow.runs) <= 20


def test_a_picture_within_the_first_epoch_can_be_drawn(now, monkeypatch, tmp_path):
    monkeypatch.setattr(live_plot_module, "WITHIN", 1.0)
    path = tmp_path / "curves.png"
    plot = LivePlot(path=path, figsize=(3, 2))
    callbacks = CallbackList([plot], verbose=0, epochs=2, steps=4)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    now.seconds += 100.0
    callbacks.on_train_batch_end(0, {"loss": 1.0})
    assert path.exists()
    assert plot.figure.get_suptitle() == "training: epoch 1 of 2"
    callbacks.end({})


def test_batches_that_draw_nothing_do_not_compute_their_logs(now, slow):
    plot = LivePlot()
    plot.on_train_begin()
    plot.on_train_batch_end(0, lambda: pytest.fail("computed"))


def test_every_few_epochs(now, shown, eager):
    run(LivePlot(every=4), [{"loss": 1.0}] * 10)
    assert [len(r.epochs) for r in shown.runs] == [4, 8, 10]


# Names


def test_unknown_metrics_are_told_before_training():
    begun = []
    watch = LambdaCallback(on_train_batch_begin=lambda batch, logs: begun.append(batch))
    with pytest.raises(ValueError, match=r"no 'mea'. Did you mean 'mae'\? They have: loss, mae"):
        fit(LivePlot(["loss", "mea"]), watch)
    assert begun == []


def test_the_short_name_of_a_metric_is_understood():
    made = model()
    made.compile("sgd", "mse", metrics=["accuracy"])
    with pytest.raises(ValueError, match=r"no 'acc'. Did you mean 'accuracy'\?"):
        made.fit(X, Y, callbacks=[LivePlot("acc")], verbose=0)


def test_names_that_other_callbacks_may_bring_are_waited_for(shown):
    class Brings(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch:
                logs["mine"] = float(epoch)

    plot = LivePlot(["mine", "val_mae"])
    model().fit(X, Y, epochs=3, callbacks=[Brings(), plot], verbose=0, validation_data=(X, Y))
    assert list(shown.runs[-1].points("mine")[0]) == [2, 3]
    assert plot._names(shown.runs[-1]) == ["mine", "mae"]


def test_new_keys_strings_and_arrays_are_harmless(shown, now):
    logs = [{"loss": 1.0}, {"loss": 0.5, "f1": np.array([0.0, 1.0])}, {"note": "hi", "none": None}]
    plot = LivePlot()
    run(plot, logs)
    last = shown.runs[-1]
    assert list(last.points("loss")[0]) == [1, 2]
    assert list(last.points("f1")[1]) == [0.5]
    assert plot._names(last) == ["loss", "f1"]


def test_the_learning_rate_is_drawn_on_request(shown):
    plot = LivePlot(["lr", "loss"])
    fit(plot, epochs=2)
    assert plot._names(shown.runs[-1]) == ["loss", "learning_rate"]
    np.testing.assert_allclose(shown.runs[-1].series["learning_rate"], 0.01)
    silent = LivePlot()
    run(silent, [{"loss": 1.0, "learning_rate": 0.1}])
    assert silent._names(shown.runs[-1]) == ["loss"]


def test_a_name_that_never_came_is_told_at_the_end(shown):
    other = LambdaCallback(on_epoch_end=lambda epoch, logs: None)  # it might have brought it
    with pytest.warns(UserWarning, match=r"never had 'mea'. Did you mean 'mae'\? They had: loss,"):
        fit(LivePlot(["loss", "mea"]), other)


def test_keys_that_later_callbacks_add_are_drawn(shown):
    late = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(late=float(epoch)))
    fit(LivePlot(), late)
    assert list(shown.runs[-1].series["late"]) == [0, 1, 2]


def test_the_best_epoch_is_asked_of_the_metric(shown):
    from kerasish.metrics import Mean

    class Odd(Mean):
        direction = "max"

        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(np.abs(y_true - y_pred))

    made = Sequential([layers.Dense(1, input_shape=(2,))], seed=0)
    made.compile("sgd", "mse", metrics=[Odd(name="odd_loss")])
    history = made.fit(X, Y, epochs=3, verbose=0, callbacks=[LivePlot()])
    best = shown.runs[-1].best("odd_loss")
    assert best[1] == max(history.history["odd_loss"])


# Ends


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_last_epochs_drawn(shown, error, monkeypatch):
    def fail(epoch, logs):
        if epoch == 2:
            raise error

    monkeypatch.setattr(live_plot_module, "SHARE", 0.0)
    plot = LivePlot()
    with pytest.raises(error):
        fit(plot, LambdaCallback(on_epoch_begin=fail), epochs=5)
    assert [len(r.epochs) for r in shown.runs] == [2]
    assert plot._screens == []


def test_nothing_trained_nothing_drawn(shown, capsys):
    fit(LivePlot(), epochs=1, initial_epoch=1)
    assert shown.runs == []


def test_it_goes_on_from_its_state(shown):
    first, second = LivePlot(), LivePlot()
    run(first, [{"loss": 1.0}, {"loss": 0.5}])
    second.on_train_begin()
    second.set_state(json.loads(json.dumps(first.get_state())))
    second.on_epoch_end(2, {"loss": 0.25})
    second.on_train_end()
    assert list(shown.runs[-1].points("loss")[0]) == [1, 2, 3]
    assert pickle.loads(pickle.dumps(second)).get_config() == second.get_config()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"metrics": []}, ValueError, r"`metrics` must be names such as .* but got \[\]"),
        ({"metrics": [3]}, ValueError, r"`metrics` must be names"),
        ({"every": 0}, ValueError, r"`every` must be a whole number of epochs from 1 on but is 0"),
        ({"smooth": 1}, ValueError, r"`smooth` must be from 0 to less than 1 but got 1"),
        ({"path": 3}, TypeError, r"LivePlot: the path must be a string or a path but got 3"),
    ],
)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=message):
        LivePlot(**options)


def test_paths_that_cannot_be_written_are_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"LivePlot cannot write '.*x.png': "):
        fit(LivePlot(path=tmp_path / "file" / "x.png"))
    with pytest.raises(ValueError, match=r"LivePlot: '.*x.doc' ends in .doc, which is no format"):
        fit(LivePlot(path=tmp_path / "x.doc"))
