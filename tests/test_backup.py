"""BackupAndRestore and its files: damage, changed scripts, wrong arguments, bad folders."""

import contextlib
import errno
import os
import stat
import tempfile
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import kerasish as ks
from kerasish import callbacks, layers, optimizers
from kerasish.callbacks import BackupAndRestore, EarlyStopping
from kerasish.saving.state_file import DamagedFileError, read_state, write_state

X = np.random.default_rng(0).standard_normal((24, 4)).astype("float32")
Y = X[:, :1] * 2


def made(units=3, optimizer="adam", rate=0.2, **options):
    stack = [layers.Dense(units, "tanh"), layers.Dropout(rate), layers.Dense(1)]
    return ks.Sequential(stack, seed=1, **options).compile(optimizer, "mse")


def fit(model, safe, *others, x=X, y=Y, **options):
    options = {"epochs": 4, "batch_size": 8, "verbose": 0, **options}
    return model.fit(x, y, callbacks=[safe, *others], **options)


def stop_after(count):
    """A callback that breaks the training off after a number of batches."""
    left = iter(range(count))

    def step(batch, logs=None):
        if next(left, None) is None:
            raise KeyboardInterrupt

    return callbacks.LambdaCallback(on_train_batch_begin=step)


def broken_off(folder, batches=7, freq="epoch", **options):
    with pytest.raises(KeyboardInterrupt):
        fit(made(**options), BackupAndRestore(folder, freq), stop_after(batches))
    return sorted(folder.glob("backup-*"))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "backup"


@pytest.fixture(scope="module")
def whole():
    model = made()
    return model.fit(X, Y, epochs=4, batch_size=8, verbose=0).history, model.get_weights()


def agrees(model, history, whole):
    return history.history == whole[0] and same(model.get_weights(), whole[1])


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# --- the file -------------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**130), 2**130)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.just("$"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=PLAIN)
@settings(max_examples=30, deadline=None)
def test_nested_values_come_back_as_they_were(value, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "state.npz"
    write_state(path, value)
    back = read_state(path)
    assert back == value
    assert type(back) is type(value)


@given(
    array=hnp.arrays(
        st.sampled_from(["f4", "f8", ">f4", "i8", "u4", "?", "U3", "c8"]),
        hnp.array_shapes(min_dims=0, min_side=0, max_dims=3),
    )
)
@settings(max_examples=30, deadline=None)
def test_arrays_come_back_as_they_were(array, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "array.npz"
    write_state(path, {"plain": array, "turned": array.T, "one": np.float32(0.1)})
    back = read_state(path)
    for value, expected in ((back["plain"], array), (back["turned"], array.T)):
        assert value.dtype == expected.dtype
        assert value.shape == expected.shape
        assert value.tobytes() == expected.tobytes()
    assert type(back["one"]) is np.float32
    assert back["plain"].flags.writeable


def test_the_file_is_an_npz_that_numpy_reads(tmp_path):
    write_state(tmp_path / "a.npz", {"w": np.arange(3)})
    with np.load(tmp_path / "a.npz") as file:
        assert file["0"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"best": {1, 2}}, r"\['best'\] is \{1, 2\}, of type set"),
        ({"a": [1, object()]}, r"\['a'\]\[1\] is <object object .*> of type object|of type object"),
        ({"a": np.array([None])}, "array of Python objects"),
    ],
)
def test_what_cannot_be_stored_is_named(value, message, tmp_path):
    with pytest.raises(TypeError, match=message):
        write_state(tmp_path / "a.npz", value)
    assert not list(tmp_path.iterdir())


def test_every_flipped_bit_and_every_cut_is_noticed_or_harmless(tmp_path):
    path, rng = tmp_path / "a.npz", np.random.default_rng(0)
    state = {"epoch": 3, "w": rng.standard_normal((5, 4)), "names": ["a", ("b", 1.5)]}
    write_state(path, state)
    good = path.read_bytes()
    noticed = 0
    for _ in range(400):
        bad = bytearray(good)
        if rng.random() < 0.8:
            bad[rng.integers(len(bad))] ^= 1 << rng.integers(8)
        else:
            del bad[rng.integers(len(bad)) :]
        path.write_bytes(bad)
        try:
            back = read_state(path)
        except DamagedFileError as error:
            assert str(path) in str(error)  # noqa: PT017
            noticed += 1
        else:
            assert np.array_equal(back.pop("w"), state["w"])
            assert back == {k: v for k, v in state.items() if k != "w"}
    assert noticed > 300


def test_a_file_that_claims_to_be_large_is_not_believed(tmp_path):
    path = tmp_path / "a.npz"
    text = '{"format": 1, "state": {"$": "array", "n": 0}}'
    entry = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    header = b"\x93NUMPY\x01\x00v\x00" + entry.ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.json", text)
        archive.writestr("0.npy", header)
    with pytest.raises(DamagedFileError, match="damaged or no file of"):
        read_state(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("state.json", " " * 10**6 + text)
    with pytest.raises(DamagedFileError, match="compressed or larger"):
        read_state(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.json", '{"format": 99}')
    with pytest.raises(DamagedFileError, match="another format"):
        read_state(path)


# --- damage ---------------------------------------------------------------------------------------


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, flip, empty])
def test_a_damaged_backup_falls_back_to_the_one_before(damage, folder, whole):
    backups = broken_off(folder, batches=10)
    assert [p.name for p in backups] == ["backup-000003.npz", "backup-000004.npz"]
    damage(backups[-1])
    model = made()
    with pytest.warns(UserWarning, match=r"backup-000004.npz' is damaged .* 'backup-000003.npz'"):
        history = fit(model, BackupAndRestore(folder))
    assert agrees(model, history, whole)


def test_two_damaged_backups_are_an_error_and_stay(folder):
    backups = broken_off(folder)
    for path in backups:
        flip(path)
    with pytest.raises(ValueError, match=r"no backup in .* can be read: .* Delete the folder to"):
        fit(made(), BackupAndRestore(folder))
    assert sorted(folder.iterdir()) == backups


def test_leftovers_of_a_killed_write_are_removed(folder, whole):
    backups = broken_off(folder)
    leftover = folder / ".backup-000009.npz.0123456789abcdef.tmp"
    leftover.write_bytes(b"half")
    model = made()
    assert agrees(model, fit(model, BackupAndRestore(folder, delete_checkpoint=False)), whole)
    assert not leftover.exists()
    assert len(list(folder.iterdir())) == len(backups) == 2


def test_a_full_disk_is_a_clear_error_and_keeps_what_is_there(folder, whole, monkeypatch):
    real, calls = os.fsync, iter(range(100))

    def fsync(descriptor):
        if next(calls) >= 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match=r"Cannot write '.*backup-00000.*no space left.*is unchanged"):
        fit(made(), BackupAndRestore(folder))
    monkeypatch.undo()
    assert all(p.name.endswith(".npz") for p in folder.iterdir())
    model = made()
    assert agrees(model, fit(model, BackupAndRestore(folder)), whole)


def test_a_disk_that_is_full_at_the_resume_keeps_what_is_there(folder, whole, monkeypatch):
    before = {path.name: path.read_bytes() for path in broken_off(folder)}

    def fsync(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match=r"Cannot write '.*backup-00000.*no space left.*is unchanged"):
        fit(made(), BackupAndRestore(folder))
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    model = made()
    assert agrees(model, fit(model, BackupAndRestore(folder)), whole)


def test_a_folder_that_has_become_write_protected_is_an_error_before_the_resume(
    folder, whole, monkeypatch
):
    backups = broken_off(folder)

    def refuse(**options):
        raise PermissionError(errno.EACCES, "Permission denied", options["dir"])

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    model = made()
    with pytest.raises(PermissionError, match=r"cannot use the folder.*Permission denied.*Give"):
        fit(model, BackupAndRestore(folder))
    monkeypatch.undo()
    assert int(model.optimizer.iterations) == 0
    assert sorted(folder.glob("backup-*")) == backups
    model = made()
    assert agrees(model, fit(model, BackupAndRestore(folder)), whole)


# --- what becomes of the folder -------------------------------------------------------------------


def test_the_folder_is_deleted_at_the_end_but_for_the_files_of_others(folder, tmp_path):
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    fit(made(), BackupAndRestore(folder))
    assert [p.name for p in folder.iterdir()] == ["notes.txt"]
    fit(made(), BackupAndRestore(os.fspath(tmp_path / "a" / "b")))
    assert not (tmp_path / "a" / "b").exists()


def test_errors_and_ctrl_c_keep_the_backup(folder, whole):
    def fail(epoch, logs):
        if epoch == 2:
            raise RuntimeError("disk")

    with pytest.raises(RuntimeError):
        fit(made(), BackupAndRestore(folder), callbacks.LambdaCallback(on_epoch_end=fail))
    broken_off(folder, batches=1)

    def fail_late(logs):
        raise RuntimeError("late")

    with pytest.raises(RuntimeError):
        fit(made(), BackupAndRestore(folder), callbacks.LambdaCallback(on_train_end=fail_late))
    model = made()
    assert agrees(model, fit(model, BackupAndRestore(folder)), whole)


def test_kept_backups_make_more_epochs_possible(folder):
    fit(made(), BackupAndRestore(folder, delete_checkpoint=False), epochs=3)
    model, other = made(), made()
    one = fit(model, BackupAndRestore(folder), epochs=6)
    two = fit(other, callbacks.LambdaCallback(), epochs=6)
    assert one.epoch == [0, 1, 2, 3, 4, 5]
    assert one.history == two.history


def test_the_same_process_goes_on_after_ctrl_c(folder, whole):
    model, safe = made(), BackupAndRestore(folder, 2)
    with pytest.raises(KeyboardInterrupt):
        fit(model, safe, stop_after(8))
    assert agrees(model, fit(model, safe), whole)


def test_a_training_that_was_stopped_is_not_taken_up_again(folder):
    def stop(epoch, logs):
        stopper.model.stop_training = epoch == 1

    stopper = callbacks.LambdaCallback(on_epoch_end=stop)
    before = made()
    fit(before, BackupAndRestore(folder, delete_checkpoint=False), stopper)
    model = made()
    assert fit(model, BackupAndRestore(folder)).epoch == [0, 1]
    assert same(model.get_weights(), before.get_weights())


def test_a_training_that_ended_at_nan_keeps_no_backup(folder):
    x = X.copy()
    x[20] = np.nan
    with pytest.warns(UserWarning, match="not finite|NaN"):
        fit(made(), BackupAndRestore(folder, 1), x=x)
    assert not folder.exists()


def test_validation_by_parts_and_a_later_start(folder):
    options = {"initial_epoch": 1, "validation_data": (X, Y), "validation_freq": 2}
    with pytest.raises(KeyboardInterrupt):
        fit(made(), BackupAndRestore(folder), stop_after(5), **options)
    history = fit(made(), BackupAndRestore(folder), **options)
    assert history.epoch == [1, 2, 3]
    assert len(history.history["val_loss"]) == 2


def test_it_says_where_it_goes_on(folder, capsys):
    broken_off(folder, 5, freq=2)
    fit(made(), BackupAndRestore(folder), verbose=2)
    assert "Resuming from epoch 2, batch 1 (backup-000003.npz).\n" in capsys.readouterr().out
    broken_off(folder)
    fit(made(), BackupAndRestore(folder), verbose=0)
    assert capsys.readouterr().out == ""


# --- changed scripts ------------------------------------------------------------------------------


def test_another_model_is_an_error_and_changes_nothing(folder):
    backups = broken_off(folder)
    model = made(units=5)
    with pytest.raises(ValueError, match=r"another model: weight 0 was 'kernel' of shape \(4, 3\)"):
        fit(model, BackupAndRestore(folder))
    assert int(model.optimizer.iterations) == 0
    assert sorted(folder.iterdir()) == backups
    one_more = ks.Sequential([made(), layers.Dense(1)]).compile("adam", "mse")
    with pytest.raises(ValueError, match=r"had 4 weights and this one has 6\. Go on with"):
        fit(one_more, BackupAndRestore(folder))


def test_a_later_fit_of_the_same_script_is_not_taken_for_an_earlier_one(folder):
    model = made()
    fit(model, callbacks.LambdaCallback())
    model.compile("adam", "mse")
    with pytest.raises(KeyboardInterrupt):
        fit(model, BackupAndRestore(folder), stop_after(7))
    again = made()
    with pytest.raises(ValueError, match=r"began when .* for 12 steps, but now it has been for 0"):
        fit(again, BackupAndRestore(folder))
    fit(again, callbacks.LambdaCallback())
    again.compile("adam", "mse")
    assert fit(again, BackupAndRestore(folder)).epoch == [0, 1, 2, 3]


def test_another_optimizer_is_an_error(folder):
    broken_off(folder)
    with pytest.raises(ValueError, match=r"optimizer .* class was 'Adam' and is 'SGD'"):
        fit(made(optimizer="sgd"), BackupAndRestore(folder))
    with pytest.raises(ValueError, match=r"remembers other .* use_ema was False and is True"):
        fit(made(optimizer=optimizers.Adam(use_ema=True)), BackupAndRestore(folder))
    frozen = made()
    frozen.layers[0].trainable = False
    frozen.compile("adam", "mse")
    with pytest.raises(ValueError, match="the layers that learn"):
        fit(frozen, BackupAndRestore(folder))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 0.5}, r"layers\[2\]\.rate was 0.2 and is 0.5"),
        ({"optimizer": optimizers.Adam(0.5)}, r"learning_rate was 0.001.* and is 0.5"),
    ],
)
def test_changed_options_are_warned_of(options, message, folder):
    broken_off(folder)
    model = made(**options)
    with pytest.warns(UserWarning, match=f"made otherwise: {message}"):
        fit(model, BackupAndRestore(folder))


def test_other_data_are_an_error_within_an_epoch_else_a_warning(folder):
    broken_off(folder, 5, freq=2)
    with pytest.raises(ValueError, match=r"within an epoch, .* rows was 24 and is 20"):
        fit(made(), BackupAndRestore(folder), x=X[:20], y=Y[:20])
    with pytest.raises(ValueError, match="batch size was 8 and is 4"):
        fit(made(), BackupAndRestore(folder), batch_size=4)
    for path in folder.iterdir():
        path.unlink()
    broken_off(folder)
    with pytest.warns(UserWarning, match="rows was 24 and is 16"):
        fit(made(), BackupAndRestore(folder), x=X[:16], y=Y[:16])


def test_a_generator_that_ends_too_early_is_an_error(folder):
    def batches(count):
        for i in range(count):
            yield X[:8] + i, Y[:8]

    options = {"batch_size": None, "y": None, "steps_per_epoch": 3}
    with pytest.raises(KeyboardInterrupt):
        fit(made(), BackupAndRestore(folder, 1), stop_after(5), x=batches(20), **options)
    with pytest.raises(ValueError, match=r"ended after 1 batches, .* had had 2 of this epoch"):
        fit(made(), BackupAndRestore(folder), x=batches(4), **options)


def test_another_number_of_threads_is_warned_of(folder):
    broken_off(folder)
    before = ks.config.num_threads()
    ks.config.set_num_threads(before + 1)
    try:
        with pytest.warns(UserWarning, match=f"threads was {before} and is {before + 1}. Results"):
            fit(made(), BackupAndRestore(folder))
    finally:
        ks.config.set_num_threads(before)


# --- other callbacks ------------------------------------------------------------------------------


class Counter(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.limit, self.batches, self.seen = 3, 0, []

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        self.seen.append(batch)


class Remembering(Counter):
    def get_state(self):
        return {"batches": self.batches, "seen": tuple(self.seen)}

    def set_state(self, state):
        self.batches, self.seen = state["batches"], list(state["seen"])


class Still(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.get_weights()


def test_a_callback_that_cannot_be_resumed_is_named_once(folder):
    with pytest.warns(UserWarning, match=r"Counter changes self.batches, self.seen dur") as caught:
        fit(made(), BackupAndRestore(folder, 1), Counter(), Still())
    assert len(caught) == 1


def test_a_callback_with_a_state_goes_on(folder):
    with pytest.raises(KeyboardInterrupt):
        fit(made(), BackupAndRestore(folder), Remembering(), stop_after(8))
    again = Remembering()
    fit(made(), BackupAndRestore(folder), again)
    assert again.batches == len(again.seen) == 12


def test_a_state_that_cannot_be_stored_names_the_way_out(folder):
    class Wrong(Remembering):
        def get_state(self):
            return {"seen": set(self.seen)}

    with pytest.raises(TypeError, match=r"of type set\. .*Mend the get_state\(\) that returns it"):
        fit(made(), BackupAndRestore(folder), Wrong())


def test_a_callback_that_the_backup_does_not_know_is_warned_of(folder):
    broken_off(folder)
    with pytest.warns(UserWarning, match="made without the callback EarlyStopping, which begins"):
        fit(made(), BackupAndRestore(folder), EarlyStopping("loss", patience=9))


def test_hooks_come_after_those_of_all_others(folder):
    calls = []

    class Late(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            calls.append(len(list(folder.iterdir())))

    fit(made(), BackupAndRestore(folder), Late(), epochs=1)
    assert calls == [1]


# --- arguments and folders ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backup_dir": ""}, "`backup_dir` must be the path of a folder but is ''"),
        ({"backup_dir": None}, "`backup_dir` must be the path of a folder but is None"),
        ({"backup_dir": "b", "save_freq": 0}, "`save_freq` must be 'epoch' or .* but is 0"),
        ({"backup_dir": "b", "save_freq": False}, "`save_freq` must be .* but is False"),
        ({"backup_dir": "b", "save_freq": "batch"}, "`save_freq` must be .* but is 'batch'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        BackupAndRestore(**arguments)


def test_a_file_in_the_place_of_the_folder_is_an_error_before_the_first_batch(tmp_path):
    (tmp_path / "file").write_text("")
    for path in ("file", "file/inner"):
        model = made()
        with pytest.raises(OSError, match=r"BackupAndRestore cannot use the folder '.*file"):
            fit(model, BackupAndRestore(tmp_path / path))
        assert int(model.optimizer.iterations) == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_write_protected_folder_is_an_error_before_the_first_batch(folder):
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with contextlib.ExitStack() as stack:
        stack.callback(folder.chmod, 0o700)
        with pytest.raises(OSError, match="BackupAndRestore cannot use the folder"):
            fit(made(), BackupAndRestore(folder))


def test_it_works_in_fit_only():
    alone = callbacks.CallbackList([BackupAndRestore("unused")])
    with pytest.raises(RuntimeError, match="BackupAndRestore works within fit"):
        alone.on_train_begin()
