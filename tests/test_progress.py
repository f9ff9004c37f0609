"""What people see: exact output on terminals, pipes, odd encodings, in threads and notebooks."""

import io
import os
import pickle
import re
import subprocess
import sys
import threading
import types

import numpy as np
import pytest
import tqdm as tqdm_package

from kerasish import Sequential, layers
from kerasish.callbacks import CallbackList, LambdaCallback, ProgbarLogger, ProgressBar
from kerasish.callbacks import progress as progress_module
from kerasish.display import Bar, activity, announce, bars, say
from kerasish.display import bar as bar_module
from kerasish.display import screens as display_module
from kerasish.kernels import compiled


class Screen(io.StringIO):
    """A terminal that remembers what it shows; too long lines wrap."""

    def __init__(self, columns=100, encoding="utf-8"):
        super().__init__()
        self.columns, self._encoding = columns, encoding
        self.rows, self.y, self.x = [""], 0, 0
        self.raw = ""

    encoding = property(lambda self: self._encoding)

    def isatty(self):
        return True

    def write(self, text):
        text.encode(self._encoding)  # as a real stream would
        self.raw += text
        for piece in re.findall(r"\x1b\[A|.|\n", text, re.S):
            if piece == "\r":
                self.x = 0
            elif piece == "\n":
                self.y, self.x = self.y + 1, 0
            elif piece == "\x1b[A":
                assert self.y > 0, "moved above the screen"
                self.y -= 1
            else:
                assert piece.isprintable(), f"control character {piece!r}"
                if self.x == self.columns:
                    self.y, self.x = self.y + 1, 0
                self._grow()
                row = self.rows[self.y].ljust(self.x)
                self.rows[self.y] = row[: self.x] + piece + row[self.x + 1 :]
                self.x += 1
        self._grow()
        return len(text)

    def _grow(self):
        self.rows += [""] * (self.y + 1 - len(self.rows))

    def shown(self):
        return [row.rstrip() for row in self.rows if row.strip()]


@pytest.fixture
def now(monkeypatch):
    """A clock that only the test moves; read it with now.seconds."""
    clock = types.SimpleNamespace(seconds=1000.0)
    for module in (progress_module, bar_module):
        monkeypatch.setattr(module, "perf_counter", lambda: clock.seconds)
    monkeypatch.setattr(display_module, "width", lambda file: getattr(file, "columns", 80))
    monkeypatch.delenv("TERM", raising=False)
    return clock


def fit(callbacks, now, epochs=2, steps=4, seconds=0.25, val_steps=0, params=None, initial=0):
    """The calls that a trainer makes."""
    callbacks.on_train_begin()
    for epoch in range(initial, epochs):
        callbacks.on_epoch_begin(epoch)
        for batch in range(steps):
            callbacks.on_train_batch_begin(batch)
            now.seconds += seconds
            callbacks.on_train_batch_end(batch, {"loss": 1 / (batch + 1), "accuracy": 0.25})
        logs = {"loss": 0.25 / (epoch + 1), "accuracy": 0.5}
        if val_steps:
            callbacks.on_test_begin()
            for batch in range(val_steps):
                now.seconds += seconds
                callbacks.on_test_batch_end(batch, {"loss": 0.3})
            callbacks.on_test_end({"loss": 0.3})
            logs["val_loss"] = 0.3
        callbacks.on_epoch_end(epoch, logs)
    callbacks.on_train_end(logs)


def listed(bar, verbose="auto", epochs=2, steps=4, others=()):
    return CallbackList([*others, bar], verbose=verbose, epochs=epochs, steps=steps)


PLAIN = (
    "Epoch 1/2 - 4 steps - 1.0s - 128 samples/s - accuracy: 0.5000 - loss: 0.2500\n"
    "Epoch 2/2 - 4 steps - 1.0s - 128 samples/s - accuracy: 0.5000 - loss: 0.1250\n"
)


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_no_terminal_gets_one_plain_line_an_epoch(now, capsys, verbose):
    fit(listed(ProgressBar(batch_size=32), verbose), now)
    assert capsys.readouterr() == (PLAIN, "")


def test_dumb_terminal_gets_plain_lines(now, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    screen = Screen()
    fit(listed(ProgressBar(batch_size=32, file=screen)), now)
    assert screen.raw == PLAIN


def test_tqdm_disable_gets_plain_lines(now, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    screen = Screen()
    fit(listed(ProgressBar(batch_size=32, file=screen)), now)
    assert screen.raw == PLAIN


def test_verbose_2_on_a_terminal_gets_plain_lines(now):
    screen = Screen()
    fit(listed(ProgressBar(batch_size=32, file=screen), verbose=2), now)
    assert screen.raw == PLAIN


def test_verbose_0_shows_nothing(now, capsys):
    fit(listed(ProgressBar(), verbose=0), now)
    assert capsys.readouterr() == ("", "")


def test_own_verbose_wins_over_the_one_of_fit(now, capsys):
    fit(listed(ProgressBar(verbose=1, batch_size=32), verbose=0), now)
    assert capsys.readouterr().out == PLAIN


def test_terminal_draws_exactly_this(now):
    screen = Screen(columns=120)
    callbacks = listed(ProgressBar(batch_size=32, file=screen), epochs=1)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    first = "Epoch 1/1:   0%|                    | 0/4 [00:00<?, ? samples/s]"
    assert screen.raw == "\r" + first
    now.seconds += 2
    callbacks.on_train_batch_end(0, {"loss": 1, "accuracy": 0.25})
    second = (
        "Epoch 1/1:  25%|█████               | 1/4 "
        "[00:02<00:06, 16 samples/s, accuracy=0.2500, loss=1.000]"
    )
    assert screen.raw == f"\r{first}\r{second}"
    now.seconds += 0.05  # too soon to draw again
    callbacks.on_train_batch_end(1, {"loss": 0.5, "accuracy": 0.25})
    assert screen.raw == f"\r{first}\r{second}"
    now.seconds += 1.95
    callbacks.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.25, "val_loss": 0.125})
    callbacks.on_train_end()
    last = (
        "Epoch 1/1:  50%|██████████          | 2/4 "
        "[00:04<00:04, 16 samples/s, accuracy=0.2500, loss=0.5000, val_loss=0.1250]"
    )
    cleared = " " * len(second)
    assert re.sub("\r+", "\r", screen.raw) == f"\r{first}\r{second}\r{cleared}\r{last}\n"


def test_terminal_keeps_one_line_an_epoch(now):
    screen = Screen(columns=140)
    fit(listed(ProgressBar(batch_size=32, file=screen)), now, val_steps=2)
    assert screen.shown() == [
        f"Epoch {i}/2: 100%|{'█' * 20}| 4/4 [00:01<00:00, 128 samples/s, accuracy=0.5000, "
        f"loss={loss}, val_loss=0.3000]"
        for i, loss in [(1, "0.2500"), (2, "0.1250")]
    ]
    assert (screen.y, screen.x) == (2, 0)


def test_validation_is_announced_in_the_epochs_line(now):
    screen = Screen(columns=140)
    callbacks = listed(ProgressBar(batch_size=32, validation_steps=5, file=screen))
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    for batch in range(4):
        now.seconds += 0.25
        callbacks.on_train_batch_end(batch, {"loss": 0.5})
    callbacks.on_test_begin()
    now.seconds += 9
    callbacks.on_test_batch_end(2, {"loss": 0.7})
    full = (
        "Epoch 1/2: 100%|" + "█" * 20 + "| 4/4 [00:10, 128 samples/s, validating 3/5, loss=0.5000]"
    )
    assert screen.shown() == [full]
    callbacks.end(error=KeyboardInterrupt())


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
def test_encoding_without_blocks_gets_ascii(now, encoding):
    screen = Screen(columns=120, encoding=encoding)
    fit(listed(ProgressBar(batch_size=32, file=screen)), now, epochs=1)
    assert screen.raw.isascii()
    assert screen.shown() == [
        f"Epoch 1/2: 100%|{'#' * 20}| 4/4 "
        "[00:01<00:00, 128 samples/s, accuracy=0.5000, loss=0.2500]"
    ]


def test_pipe_in_cp1252_replaces_what_it_cannot_write(now):
    class Pipe(io.StringIO):
        encoding = "cp1252"

        def write(self, text):
            text.encode("cp1252")
            return super().write(text)

    pipe = Pipe()
    callbacks = listed(ProgressBar(file=pipe), epochs=1)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_end(0, {"损失": 0.5})
    callbacks.on_epoch_end(0, {"损失": 0.5, "précision": 0.5, "a\r\x1bb": 1.0})
    callbacks.on_train_end()
    line = (
        "Epoch 1/1 - 1/4 steps - 0.0s - ? steps/s - a??b: 1.000 - précision: 0.5000 - ??: 0.5000\n"
    )
    assert pipe.getvalue() == line


def test_braces_and_wide_characters_in_names(now):
    screen = Screen(columns=120)
    callbacks = listed(ProgressBar(file=screen), epochs=1, steps=None)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    now.seconds += 1
    callbacks.on_train_batch_end(0, {"f1{x}": 0.5, "损失": 0.5})
    assert screen.shown() == ["Epoch 1/1: 1 [00:01, 1 steps/s, f1{x}=0.5000, 损失=0.5000]"]
    callbacks.end(error=ValueError())


def test_narrow_terminal_drops_the_bar_and_never_wraps_while_running(now):
    screen = Screen(columns=40)
    callbacks = listed(ProgressBar(batch_size=32, file=screen), epochs=1)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    for batch in range(4):
        now.seconds += 0.25
        callbacks.on_train_batch_end(batch, {"loss": 0.5, "accuracy": 0.5})
        assert len(screen.shown()) == 1
    callbacks.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.25})
    full = "Epoch 1/1: 4/4 [00:01<00:00, 128 samples/s, accuracy=0.2500, loss=0.5000]"
    assert "".join(row.ljust(40) for row in screen.shown()).rstrip() == full


def test_redrawn_at_most_ten_times_a_second(now):
    screen = Screen()
    callbacks = listed(ProgressBar(file=screen), epochs=1, steps=1000)
    fit(callbacks, now, epochs=1, steps=1000, seconds=0.002)
    draws = screen.raw.count("Epoch 1/1")
    assert 15 <= draws <= 22


def test_short_epochs_only_leave_their_lines(now):
    screen = Screen()
    fit(listed(ProgressBar(file=screen), epochs=50), now, epochs=50, seconds=0.0001)
    assert screen.raw.count("Epoch") <= 52
    assert len(screen.shown()) == 50


def test_logs_are_made_only_when_they_are_drawn(now):
    made = []
    callbacks = listed(ProgressBar(file=Screen()), epochs=1, steps=100)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    for batch in range(100):
        now.seconds += 0.01
        callbacks.on_train_batch_end(batch, lambda: made.append(1) or {"loss": np.float32(0.5)})
    callbacks.on_epoch_end(0, {"loss": 0.5})
    assert len(made) <= 10


def test_unknown_steps_are_known_after_the_first_epoch(now):
    screen = Screen(columns=140)
    callbacks = listed(ProgressBar(file=screen), steps=None)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    now.seconds += 1
    callbacks.on_train_batch_end(0, {"loss": 0.5})
    assert screen.shown() == ["Epoch 1/2: 1 [00:01, 1 steps/s, loss=0.5000]"]
    now.seconds += 1
    callbacks.on_train_batch_end(1, {"loss": 0.5})
    callbacks.on_epoch_end(0, {"loss": 0.5})
    done = f"Epoch 1/2: 100%|{'█' * 20}| 2/2 [00:02<00:00, 1 steps/s, loss=0.5000]"
    assert screen.shown() == [done]
    callbacks.on_epoch_begin(1)
    now.seconds += 1
    callbacks.on_train_batch_end(0, {"loss": 0.5})
    half = f"Epoch 2/2:  50%|{'█' * 10}{' ' * 10}| 1/2 [00:01<00:01, 1 steps/s, loss=0.5000]"
    assert screen.shown() == [done, half]
    callbacks.end(error=ValueError())


def test_last_batch_may_be_smaller(now, capsys):
    bar = ProgressBar(batch_size=32, samples=100)
    fit(listed(bar), now, epochs=1)
    assert " - 100 samples/s - " in capsys.readouterr().out


def test_initial_epoch_is_counted(now, capsys):
    fit(listed(ProgressBar(), epochs=6), now, epochs=6, initial=5)
    assert capsys.readouterr().out.startswith("Epoch 6/6 - ")


def test_array_metrics_show_their_mean_and_others_four_digits(now, capsys):
    callbacks = listed(ProgressBar(), epochs=1, steps=1)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    now.seconds += 1
    callbacks.on_train_batch_end(0, {})
    logs = {"f1": np.array([0.5, 1.0]), "lr": 0.00001, "mse": 123456.0, "n": np.nan, "z": 0}
    callbacks.on_epoch_end(0, logs)
    assert capsys.readouterr().out == (
        "Epoch 1/1 - 1 step - 1.0s - 1 steps/s - f1: 0.7500 - lr: 1.000e-05 - "
        "mse: 1.235e+05 - n: nan - z: 0.000\n"
    )


def run(callbacks, now, kind, steps):
    getattr(callbacks, f"on_{kind}_begin")()
    for batch in range(steps):
        now.seconds += 0.5
        logs = {"loss": 0.5} if kind == "test" else {"outputs": np.zeros((2, 3))}
        getattr(callbacks, f"on_{kind}_batch_end")(batch, logs)
    callbacks.end({"loss": 0.25} if kind == "test" else None, kind=kind)


def test_evaluate_and_predict_have_bars_of_their_own(now):
    screen = Screen()
    callbacks = listed(ProgressBar(batch_size=10, file=screen), steps=2)
    run(callbacks, now, "test", 2)
    run(callbacks, now, "predict", 2)
    full = f" 100%|{'█' * 20}| 2/2 [00:01<00:00, 20 samples/s"
    assert screen.shown() == [f"Evaluate:{full}, loss=0.2500]", f"Predict:{full}]"]


@pytest.mark.parametrize(
    ("verbose", "steps", "expected"),
    [
        ("auto", 1, ""),
        ("auto", 2, "Predict - 2 steps - 1.0s - 2 steps/s\n"),
        (1, 1, "Predict - 1 step - 0.5s - 2 steps/s\n"),
        (0, 2, ""),
    ],
)
def test_auto_is_silent_for_predict_of_one_batch(now, capsys, verbose, steps, expected):
    run(listed(ProgressBar(), verbose, steps=None), now, "predict", steps)
    assert capsys.readouterr() == (expected, "")


def test_auto_draws_nothing_for_predict_of_one_batch_on_a_terminal(now):
    screen = Screen()
    run(listed(ProgressBar(file=screen), steps=1), now, "predict", 1)
    assert screen.raw == ""


def test_error_leaves_the_line_of_the_broken_epoch(now):
    screen = Screen(columns=120)
    callbacks = listed(ProgressBar(batch_size=32, file=screen))
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    now.seconds += 0.5
    callbacks.on_train_batch_end(0, {"loss": 0.5})
    callbacks.end(error=KeyboardInterrupt())
    cells = "█" * 5 + " " * 15
    line = f"Epoch 1/2:  25%|{cells}| 1/4 [00:00<00:01, 64 samples/s, loss=0.5000]"
    assert screen.shown() == [line]
    assert (screen.y, screen.x) == (1, 0)


def test_error_in_the_first_batch_leaves_a_clean_screen(now):
    screen = Screen()
    callbacks = listed(ProgressBar(file=screen))
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    assert screen.shown()
    callbacks.end(error=ValueError())
    assert screen.shown() == []
    assert (screen.y, screen.x) == (0, 0)


def test_evaluation_that_fails_at_once_leaves_a_clean_screen(now):
    screen = Screen()
    callbacks = listed(ProgressBar(file=screen))
    callbacks.on_test_begin()
    callbacks.end(error=ValueError(), kind="test")
    assert screen.shown() == []


def test_prints_of_other_callbacks_get_lines_of_their_own(now):
    screen = Screen(columns=120)
    talk = LambdaCallback(on_epoch_end=lambda epoch, logs: screen.write(f"hello {epoch}\n"))
    fit(listed(ProgressBar(batch_size=32, file=screen), others=[talk]), now)
    shown = [row[:9] for row in screen.shown()]
    assert shown == ["hello 0", "Epoch 1/2", "hello 1", "Epoch 2/2"]


def test_inside_an_outer_bar_no_line_breaks(now, monkeypatch):
    screen = Screen(columns=120)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    seen = []
    watch = LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(screen.shown()))
    for trial in tqdm_package.tqdm(range(2), desc="trial", ncols=60, mininterval=0, leave=True):
        assert screen.shown()[-1].startswith(f"trial:  {50 * trial:2d}%")
        callbacks = listed(ProgressBar(batch_size=32))
        callbacks.append(watch)
        fit(callbacks, now)
        assert [row[:6] for row in seen[-2][-2:]] == ["trial:", "Epoch "]
        assert screen.shown()[-1].startswith("trial:")
    epochs = [row[:20] for row in screen.shown()]
    line = "Epoch {}/2: 100%|████"
    assert epochs == [line.format(1), line.format(2)] * 2 + ["trial: 100%|████████"]


def test_in_a_thread(now, capsys):
    thread = threading.Thread(target=fit, args=(listed(ProgressBar(batch_size=32)), now))
    thread.start()
    thread.join()
    assert capsys.readouterr().out == PLAIN


def test_two_threads_share_a_terminal(now):
    screen = Screen(columns=140)
    bars = [listed(ProgressBar(file=screen), epochs=1) for _ in range(2)]
    for callbacks in bars:
        callbacks.on_train_begin()
        callbacks.on_epoch_begin(0)
    for batch in range(4):
        now.seconds += 1
        for callbacks in bars:
            thread = threading.Thread(
                target=callbacks.on_train_batch_end, args=(batch, {"loss": 0.5})
            )
            thread.start()
            thread.join()
    assert [row[:16] for row in screen.shown()] == ["Epoch 1/1: 100%|"] * 2
    for callbacks in bars:
        callbacks.on_epoch_end(0, {"loss": 0.5})
        callbacks.on_train_end()
    assert [row[:16] for row in screen.shown()] == ["Epoch 1/1: 100%|"] * 2


def test_starts_no_thread(now):
    before = set(threading.enumerate())
    fit(listed(ProgressBar(file=Screen())), now)
    assert set(threading.enumerate()) <= before


def test_a_download_looks_like_a_fit(now, capsys):
    screen = Screen(columns=120)
    bar = Bar("Download images", unit="B", file=screen)
    assert screen.shown() == ["Download images: 0 B [00:00, ? B/s]"]
    bar.total = 11_600_000
    now.seconds += 2
    bar.update(2_900_000)
    assert screen.shown() == [
        "Download images:  25%|█████               | 2.9 MB/11.6 MB [00:02<00:06, 1.4 MB/s]"
    ]
    now.seconds += 6
    bar.reset()
    bar.update(11_600_000)
    bar.close()
    bar.close()
    assert screen.shown() == [
        f"Download images: 100%|{'█' * 20}| 11.6 MB/11.6 MB [00:08<00:00, 1.4 MB/s]"
    ]
    with pytest.raises(OSError), Bar("Download labels", 5000, "B") as bar:  # noqa: PT012
        now.seconds += 1
        bar.update(1500)
        raise OSError
    assert capsys.readouterr().out == "Download labels - 1.5 kB/5.0 kB - 1.0s - 1.5 kB/s\n"
    with Bar("Nothing yet", file=screen):
        assert screen.shown()[-1].startswith("Nothing yet: 0 ")
    assert not any("Nothing" in row for row in screen.shown())
    with Bar("Search", 5, verbose=False) as bar:
        bar.update(5, loss=0.5)
    assert capsys.readouterr().out == ""
    assert bars == []


def test_what_keeps_a_bar_waiting_is_said_on_the_newest(now):
    screen = Screen(columns=120)
    with activity("nobody sees this"):
        pass
    callbacks = listed(ProgressBar(batch_size=32, file=screen))
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    with activity("compiling kernels"):
        assert screen.shown()[0].endswith("| 0/4 [00:00, ? samples/s, compiling kernels]")
    assert screen.shown()[0].endswith("| 0/4 [00:00<?, ? samples/s]")
    with pytest.raises(ValueError, match="no"), activity("compiling"):
        raise ValueError("no")
    assert screen.shown()[0].endswith("| 0/4 [00:00<?, ? samples/s]")
    announce("compiling kernels, once")
    assert screen.shown()[0].endswith(", compiling kernels, once]")
    now.seconds += 1
    callbacks.on_train_batch_end(0, {"loss": 0.5})
    assert screen.shown()[0].endswith("| 1/4 [00:01<00:03, 32 samples/s, loss=0.5000]")
    callbacks.end(error=ValueError())
    announce("nobody sees this")
    assert bars == []


def test_compiling_is_said_on_the_bar_of_a_fit(monkeypatch):
    screen = Screen(columns=140)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(display_module, "width", lambda file: getattr(file, "columns", 80))
    monkeypatch.delenv("TERM", raising=False)
    model = Sequential([layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    seen = []

    def compile_something(batch, logs):
        compiled.announce()  # as numba's first compilation of a kernel does
        seen.append(screen.shown()[-1])

    watch = LambdaCallback(on_train_batch_begin=compile_something)
    model.fit(np.ones((8, 2)), np.ones(8), callbacks=[watch])
    assert seen[0].endswith("0/1 [00:00, ? samples/s, compiling kernels, once]")
    assert "compiling" not in screen.shown()[-1]


class Cell:
    """A notebook's cell: outputs that can be replaced, and text that gathers between them."""

    encoding = "UTF-8"

    def __init__(self):
        self.outputs, self.history = [], []

    def display(self, bundle, raw, display_id):
        assert raw
        assert display_id is True
        self.outputs.append(["display", bundle["text/plain"]])
        self.history.append(bundle["text/plain"])
        return Handle(self, len(self.outputs) - 1)

    def write(self, text):
        assert "\r" not in text
        if self.outputs and self.outputs[-1][0] == "stdout":
            self.outputs[-1][1] += text
        else:
            self.outputs.append(["stdout", text])

    def flush(self):
        pass


class Handle:
    def __init__(self, cell, number):
        self.cell, self.number = cell, number

    def update(self, bundle, raw):
        assert raw
        self.cell.outputs[self.number][1] = bundle["text/plain"]
        self.cell.history.append(bundle["text/plain"])


@pytest.fixture
def notebook(monkeypatch):
    """Make the process look like a notebook's kernel; call it in the test for the cell."""
    shell = type("ZMQInteractiveShell", (), {})
    cell = Cell()
    shown = types.ModuleType("IPython.display")
    shown.display = cell.display
    python = types.SimpleNamespace(get_ipython=shell, display=shown)
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", types.ModuleType("zmqshell"))
    monkeypatch.setitem(sys.modules, "IPython", python)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)

    def begin():  # pytest puts its own stdout there when the test begins
        monkeypatch.setattr(sys, "stdout", cell)
        return cell

    return begin


FULL = "4/4 [00:01<00:00, 128 samples/s, accuracy=0.5000, loss={}]\n"


def test_notebook_has_one_bar_that_moves_and_a_line_an_epoch(now, notebook):
    cell = notebook()
    fit(listed(ProgressBar(batch_size=32)), now)
    epochs = "Epoch 1/2: " + FULL.format("0.2500") + "Epoch 2/2: " + FULL.format("0.1250")
    assert cell.outputs == [["display", ""], ["stdout", epochs]]
    tail = "samples/s, accuracy=0.2500, loss="
    assert cell.history[:3] == [
        "Epoch 1/2:   0%|          | 0/4 [00:00<?, ? samples/s]",
        f"Epoch 1/2:  25%|██▌       | 1/4 [00:00<00:00, 128 {tail}1.000]",
        f"Epoch 1/2:  50%|█████     | 2/4 [00:00<00:00, 128 {tail}0.5000]",
    ]


def test_notebook_keeps_the_order_of_bars_and_prints(now, notebook):
    cell = notebook()
    talk = LambdaCallback(on_epoch_end=lambda epoch, logs: say(f"hello {epoch}"))
    fit(listed(ProgressBar(batch_size=32), others=[talk]), now)
    evaluation = listed(ProgressBar(batch_size=32), steps=2)
    evaluation.on_test_begin()
    evaluation.on_test_batch_end(0, {"loss": 0.5})
    evaluation.on_test_end({"loss": 0.5})
    kinds = [kind for kind, _ in cell.outputs]
    assert kinds == ["display", "stdout", "display", "stdout"]
    words = [line[:9] for line in cell.outputs[1][1].splitlines()]
    assert words == ["hello 0", "Epoch 1/2", "hello 1", "Epoch 2/2"]
    assert [text for kind, text in cell.outputs if kind == "display"] == ["", ""]


def test_notebook_with_unknown_steps_ends_full(now, notebook):
    cell = notebook()
    fit(listed(ProgressBar(batch_size=32), steps=None), now, epochs=1)
    assert cell.outputs[1][1].startswith("Epoch 1/2: 4/4 [00:01<00:00, ")


def test_notebook_after_an_error_has_no_bar_left(now, notebook):
    cell = notebook()
    callbacks = listed(ProgressBar(batch_size=32))
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.end(error=ValueError())
    assert cell.outputs == [["display", ""]]


def test_notebook_inside_an_outer_bar_leaves_it_alone(now, notebook, monkeypatch):
    notebook()
    screen = Screen(columns=120)
    monkeypatch.setattr(sys, "stderr", screen)
    outer = tqdm_package.tqdm(total=2, desc="trial", ncols=60, mininterval=0)
    before = screen.raw
    fit(listed(ProgressBar(batch_size=32)), now)
    say("hello")
    assert screen.raw == before
    outer.close()


def test_notebook_shows_downloads_in_the_same_way(now, notebook):
    cell = notebook()
    with Bar("Download images", total=2_000_000, unit="B") as bar:
        now.seconds += 1
        bar.update(2_000_000)
    line = "Download images: {}2.0 MB/2.0 MB [00:01<00:00, 2.0 MB/s]"
    assert cell.outputs == [["display", ""], ["stdout", line.format("") + "\n"]]
    assert cell.history[0] == "Download images:   0%|          | 0 B/2.0 MB [00:00<?, ? B/s]"
    assert cell.history[-2:] == [line.format("100%|██████████| "), ""]


def test_missing_console(now, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    fit(listed(ProgressBar()), now)


@pytest.mark.parametrize("verbose", ["loud", -1, None, 1.5])
def test_bad_verbose(verbose):
    with pytest.raises(ValueError, match=r"`verbose` must be 'auto', 0 \(nothing\), 1"):
        ProgressBar(verbose=verbose)


def test_pickles_in_the_middle(now):
    callbacks = listed(ProgressBar(file=Screen()))
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    assert pickle.loads(pickle.dumps(callbacks.progress)).verbose == "auto"
    callbacks.end(error=ValueError())
    assert ProgbarLogger is ProgressBar


SCRIPT = """
import sys
from kerasish.callbacks import CallbackList, ProgressBar
assert "tqdm" not in sys.modules
callbacks = CallbackList([ProgressBar(batch_size=8)], verbose="auto", epochs=2, steps=3)
callbacks.on_train_begin()
for epoch in range(2):
    callbacks.on_epoch_begin(epoch)
    for batch in range(3):
        callbacks.on_train_batch_end(batch, {"loss": 0.5})
    callbacks.on_epoch_end(epoch, {"loss": 0.5, "val_loss": 0.25})
callbacks.on_train_end()
"""
LINE = r"Epoch {}/2 - 3 steps - 0\.\ds - \d\S* samples/s - loss: 0\.5000 - val_loss: 0\.2500\n"


def test_real_pipe():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stderr == ""
    assert re.fullmatch(LINE.format(1) + LINE.format(2), done.stdout)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_real_terminal():
    leader, follower = os.openpty()
    env = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", "COLUMNS": "120"}
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=follower, stderr=follower, env=env
    )
    os.close(follower)
    raw = b""
    while True:
        try:
            piece = os.read(leader, 4096)
        except OSError:  # Linux: the other side is closed
            break
        if not piece:
            break
        raw += piece
    os.close(leader)
    assert child.wait() == 0
    screen = Screen(columns=120)
    screen.write(raw.decode())
    tail = (
        rf": 100%\|{'█' * 20}\| 3/3 \[00:00<00:00, \d\S* samples/s, loss=0.5000, val_loss=0.2500\]"
    )
    for number, row in enumerate(screen.shown(), 1):
        assert re.fullmatch(f"Epoch {number}/2{tail}", row)
    assert len(screen.shown()) == 2
