"""Run logs: what is written, how it ends, resuming; reading, comparing, and the command line."""

import contextlib
import itertools
import json
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

import kerasish
from kerasish import Sequential, layers, viz
from kerasish.callbacks import BackupAndRestore, Callback, EarlyStopping, LambdaCallback, RunLog
from kerasish.cli import main
from kerasish.cli import runs as runs_command

X = np.linspace(-1, 1, 32).reshape(16, 2).astype("float32")
Y = X[:, 0] * 0.5


def model(rate=0.01, name="tiny"):
    made = Sequential([layers.Dense(1, input_shape=(2,))], name=name, seed=3)
    made.compile(kerasish.optimizers.SGD(rate, name="sgd"), "mse", metrics=["mae"])
    return made


def fit(log, *others, made=None, epochs=3, **options):
    options = {"verbose": 0, "batch_size": 4, "validation_data": (X[:4], Y[:4]), **options}
    made = made or model()
    return made.fit(X, Y, epochs=epochs, callbacks=[log, *others], **options)


def lines(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]


def test_a_log_tells_how_it_was_and_how_it_went(tmp_path):
    path = tmp_path / "folder" / "first.jsonl"
    history = fit(RunLog(path))
    header, *epochs, end = lines(path)
    assert [line["event"] for line in [header, *epochs, end]] == ["start", *["epoch"] * 3, "end"]
    assert header["name"] == "tiny"
    assert header["parameters"] == 3
    assert header["optimizer"]["class_name"] == "SGD"
    assert header["loss"] == "mse"
    assert header["metrics"] == ["mae"]
    assert (header["seed"], header["epochs"]) == (3, 3)
    assert header["threads"] == kerasish.config.num_threads()
    assert header["versions"]["kerasish"] == kerasish.__version__
    assert header["data"] == {
        "kind": "array",
        "rows": 16,
        "batch_size": 4,
        "steps": 4,
        "x": {"shape": [2], "dtype": "float32"},
        "y": {"shape": [], "dtype": "float32"},
    }
    assert header["validation_data"]["rows"] == 4
    assert header["command"].endswith(shlex.join(sys.argv))
    assert Sequential.from_config(header["model"]["config"]).count_params() == 3
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    for i, line in enumerate(epochs):
        assert line["metrics"] == {key: values[i] for key, values in history.history.items()}
        assert line["learning_rate"] == pytest.approx(0.01)
        assert line["seconds"] > 0
        assert line["samples_per_second"] > 0
    assert end["reason"] == "done"


def test_every_line_is_in_the_file_at_once(tmp_path):
    path, seen = tmp_path / "log.jsonl", []
    look = LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(len(lines(path))),
    )
    fit(RunLog(path), look, epochs=2, batch_size=16)
    assert seen == [1, 2]


class Fails(Callback):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise self.error


class Stops(Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = True


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (EarlyStopping("loss", min_delta=10), "stopped by EarlyStopping"),
        (Stops(), "stopped by Stops"),
        (Fails(KeyboardInterrupt()), "interrupted"),
        (Fails(ValueError("no")), "error"),
    ],
    ids=["early", "stops", "Ctrl-C", "error"],
)
def test_how_it_ended(tmp_path, other, reason):
    path = tmp_path / "log.jsonl"
    with contextlib.suppress(ValueError, KeyboardInterrupt):
        fit(RunLog(path), other)
    end = lines(path)[-1]
    assert end["reason"] == reason
    assert end.get("error") == ("ValueError: no" if reason == "error" else None)


def test_numbers_that_are_not_finite(tmp_path):
    path = tmp_path / "log.jsonl"
    with pytest.warns(UserWarning, match="fit stopped in epoch"):
        fit(RunLog(path), made=model(rate=1e30), validation_data=None)
    *_, epoch, end = lines(path)
    assert epoch["metrics"]["loss"] is None
    assert end["reason"] == "not finite"
    assert np.isnan(viz.read_run(path).metrics[-1]["loss"])


def test_arrays_and_objects_can_be_logged(tmp_path):
    path = tmp_path / "log.jsonl"

    def add(epoch, logs):
        logs.update(f1=np.array([0.5, np.nan]), note="fine")

    log = RunLog(path)
    made = model()
    made.fit(X, Y, callbacks=[LambdaCallback(on_epoch_end=add), log], verbose=0)
    assert lines(path)[1]["metrics"]["f1"] == [0.5, None]
    assert lines(path)[1]["metrics"]["note"] == "fine"


def test_a_folder_has_a_file_for_each_fit(tmp_path):
    log = RunLog(f"{tmp_path}/logs/")
    fit(log)
    fit(log)
    names = sorted(p.name for p in (tmp_path / "logs").iterdir())
    assert len(names) == 2
    assert all(name.startswith("tiny-") and name.endswith(".jsonl") for name in names)
    fit(RunLog(tmp_path / "logs"))
    assert len(list((tmp_path / "logs").iterdir())) == 3


def test_a_file_begins_anew_or_goes_on(tmp_path):
    path = tmp_path / "log.jsonl"
    fit(RunLog(path))
    fit(RunLog(path), epochs=2)
    assert [line["event"] for line in lines(path)] == ["start", "epoch", "epoch", "end"]
    fit(RunLog(path), epochs=4, initial_epoch=1)
    events = [(line["event"], line.get("epoch")) for line in lines(path)]
    assert events[:3] == [("start", None), ("epoch", 1), ("resume", None)]
    assert events[3:] == [("epoch", 2), ("epoch", 3), ("epoch", 4), ("end", None)]
    assert viz.read_run(path).epochs == [0, 1, 2, 3]


@pytest.mark.parametrize("place", ["log.jsonl", "logs/"])
@pytest.mark.parametrize("frequency", ["epoch", 2])
def test_a_training_that_was_killed_goes_on_in_its_file(tmp_path, place, frequency):
    def again(*others):
        log = RunLog(f"{tmp_path}/{place}")
        return fit(log, BackupAndRestore(tmp_path / "backup", frequency), *others, epochs=5)

    def die(batch, logs):
        if next(count) == 12:  # in the third epoch of four batches
            raise SystemExit

    count = itertools.count(1)
    with pytest.raises(SystemExit):
        again(LambdaCallback(on_train_batch_begin=die))
    (path,) = tmp_path.rglob("*.jsonl")
    with path.open("a") as file:
        file.write('{"event": "ep')
    history = again()
    (path,) = tmp_path.rglob("*.jsonl")
    record = viz.read_run(path)
    assert record.epochs == [0, 1, 2, 3, 4]
    assert [logs["loss"] for logs in record.metrics] == history.history["loss"]
    assert record.end["reason"] == "done"
    assert record.header["event"] == "resume"


def test_nothing_is_lost_when_training_does_not_begin(tmp_path):
    path = tmp_path / "log.jsonl"
    fit(RunLog(path))
    before = path.read_text()

    class Refuses(Callback):
        def on_train_begin(self, logs=None):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fit(RunLog(path), Refuses())
    assert path.read_text() == before


def test_bad_paths_are_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"RunLog cannot write '.*log.jsonl'"):
        fit(RunLog(tmp_path / "file" / "log.jsonl"))
    with pytest.raises(TypeError, match=r"RunLog: the path must be a string or a path but got 3"):
        RunLog(3)


# Reading and comparing


def test_runs_are_compared_by_their_files(tmp_path):
    for name, rate in (("slow", 0.01), ("fast", 0.3)):
        fit(RunLog(tmp_path / f"{name}.jsonl"), made=model(rate))
    figure = viz.compare_runs(tmp_path, "loss", title="Rates")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:2] == ["fast", "slow"]
    assert len(figure.axes) == 1
    mixed = viz.compare_runs(
        [tmp_path / "slow.jsonl", {"loss": [1.0, 0.5]}], "loss", labels=["a", "b"]
    )
    assert [text.get_text() for text in mixed.legends[0].get_texts()][:2] == ["a", "b"]
    named = viz.compare_runs({"x": str(tmp_path / "slow.jsonl"), "y": {"loss": [1.0]}}, "loss")
    assert [text.get_text() for text in named.legends[0].get_texts()][:2] == ["x", "y"]
    plain = viz.compare_runs({"x": {"loss": [1.0]}, "y": {"loss": [1.0]}}, "loss")
    assert [text.get_text() for text in plain.legends[0].get_texts()][:2] == ["x", "y"]


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for folder in ("a", "b"):
        fit(RunLog(tmp_path / folder / "log.jsonl"), epochs=1)
    figure = viz.compare_runs([tmp_path / "a", tmp_path / "b"], "loss")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:2] == ["a/log", "b/log"]


def test_many_runs_have_colours_of_their_own():
    figure = viz.compare_runs([{"loss": [1.0, 0.5 / i]} for i in range(1, 13)], mark_best=False)
    assert len({line.get_color() for line in figure.axes[0].lines}) == 12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: viz.compare_runs([]), "there are no runs to compare"),
        (lambda path: viz.compare_runs(path), r"there is no run log \(\*.jsonl\) in"),
        (lambda path: viz.read_run(path / "other"), "'.*other' is no run log: it has no line with"),
    ],
)
def test_what_is_no_run(tmp_path, call, message):
    (tmp_path / "other").write_text('{"event": "start"\n[1]\n{"event": "epoch", "epoch": "x"}')
    with pytest.raises(ValueError, match=message):
        call(tmp_path)


# The command line


@pytest.fixture
def logs(tmp_path):
    for name, rate in (("slow", 0.01), ("fast", 0.3)):
        fit(RunLog(tmp_path / "logs" / f"{name}.jsonl"), made=model(rate))
    return tmp_path / "logs"


def test_runs_are_listed_and_compared(logs, capsys):
    assert main(["runs", str(logs), "--sort", "val_mae"]) == 0
    title, first, second, note = capsys.readouterr().out.splitlines()
    assert title.split()[:9] == [
        "run", "began", "ended", "epochs", "time", "samples/s", "val_loss", "val_mae", "loss",
    ]  # fmt: skip
    assert title.split()[-1] == "lr"  # the only thing that is not the same
    assert first.split()[0] == "fast"
    assert first.endswith("0.3")
    assert second.startswith("slow")
    assert " done " in second
    best = min(logs_["val_mae"] for logs_ in viz.read_run(logs / "fast.jsonl").metrics)
    assert f"{best:#.4g} @3" in first
    assert note == "A metric is given by its best value @ the epoch of that."


def test_metrics_and_a_picture_can_be_asked_for(logs, tmp_path, capsys):
    picture = tmp_path / "all.png"
    assert main(["runs", str(logs), "--metric", "mae", "--plot", str(picture)]) == 0
    assert "val_loss" not in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_unfinished_runs_and_other_files_are_no_trouble(logs, capsys):
    text = (logs / "fast.jsonl").read_text().splitlines(keepends=True)
    (logs / "killed.jsonl").write_text("".join(text[:2]) + '{"event": "epo')
    (logs / "empty.jsonl").write_text('{"event": "start"}\n')
    (logs / "other.jsonl").write_text('{"a": 1}\n')
    assert main(["runs", str(logs)]) == 0
    out, err = capsys.readouterr()
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert "not yet" in rows["killed"]
    assert "1/3" in rows["killed"]
    assert "other.jsonl' is no run log" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}/nowhere.jsonl"], r"cannot read '.*nowhere.jsonl': No such file"),
        (["{}/logs", "--sort", "val_maee"], r"no metric|no run has a metric 'val_maee'. Did you"),
        (["{}/logs", "--plot", "{}/x.doc"], r"x.doc' ends in .doc"),
        (["{}/void"], r"no runs \(\*.jsonl\) in .*callbacks=\[kerasish.callbacks.RunLog"),
        (["{}/junk"], r"junk' is no run log"),
    ],
)
def test_what_cannot_be_done_is_said(logs, tmp_path, capsys, arguments, message):
    (tmp_path / "void").mkdir()
    (tmp_path / "junk").write_text("no")
    assert main(["runs", *(a.format(tmp_path) for a in arguments)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("kerasish runs: ")
    assert re.search(message, err)


def test_the_module_can_be_run():
    wrong = subprocess.run(
        [sys.executable, "-m", "kerasish", "rums"], capture_output=True, text=True
    )
    assert wrong.returncode == 2
    assert "invalid choice: 'rums'" in wrong.stderr


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"kerasish {kerasish.__version__}\n"


def test_help_tells_of_every_command(capsys):
    assert main([]) == 2
    assert "list and compare training runs" in capsys.readouterr().out
    with pytest.raises(SystemExit) as done:
        main(["runs", "--help"])
    assert done.value.code == 0
    assert "examples:" in capsys.readouterr().out


def test_schedules_have_their_names_in_the_table():
    header = {"optimizer": {"class_name": "SGD", "config": {"learning_rate": {"class_name": "X"}}}}
    record = viz.RunRecord("a", header=header)
    assert runs_command.facts(record) == {"optimizer": "SGD", "lr": "X"}
