"""ModelCheckpoint: when it saves, under which names, and what it refuses before training."""

import os
import stat

import numpy as np
import pytest

import kerasish as ks
from kerasish import callbacks, layers
from kerasish.callbacks import ModelCheckpoint

X = np.random.default_rng(0).standard_normal((24, 4)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 24)


class Scripted(callbacks.Callback):
    """Puts given values into the logs of the epochs."""

    def __init__(self, **values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs.update({k: v[epoch] for k, v in self.values.items() if v[epoch] is not None})


@pytest.fixture
def model():
    stack = [layers.Dense(3, "softmax", input_shape=(4,))]
    made = ks.Sequential(stack, seed=0)
    return made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])


def fit(model, *listed, **options):
    options = {"epochs": 3, "batch_size": 8, "verbose": 0, **options}
    return model.fit(X, Y, callbacks=list(listed), **options)


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


# --- names ----------------------------------------------------------------------------------------


def test_a_name_of_an_old_script(model, tmp_path):
    path = f"{tmp_path}/weights.{{epoch:02d}}-{{val_loss:.2f}}.hdf5"
    keep = ModelCheckpoint(path, "val_loss", 0, True, True, "min")
    history = fit(model, keep, validation_data=(X, Y))
    losses = history.history["val_loss"]
    assert losses == sorted(losses, reverse=True)
    assert names(tmp_path) == [f"weights.{i + 1:02d}-{v:.2f}.hdf5" for i, v in enumerate(losses)]
    other = ks.models.clone_model(model)
    other.load_weights(tmp_path / names(tmp_path)[-1])
    assert all(map(np.array_equal, other.get_weights(), model.get_weights()))


@pytest.mark.parametrize("ending", [".weights.h5", ".h5", ".hdf5"])
def test_weights_in_every_layout(ending, model, tmp_path):
    fit(model, ModelCheckpoint(tmp_path / f"a{ending}", save_weights_only=True))
    other = ks.models.clone_model(model)
    other.load_weights(tmp_path / f"a{ending}")
    assert all(map(np.array_equal, other.get_weights(), model.get_weights()))


@pytest.mark.parametrize("ending", [".keras", ".h5", ".hdf5"])
def test_whole_models_in_every_format(ending, model, tmp_path):
    fit(model, ModelCheckpoint(f"{tmp_path}/{{epoch}}{ending}"))
    assert len(names(tmp_path)) == 3
    other = ks.models.load_model(tmp_path / f"3{ending}")
    assert all(map(np.array_equal, other.get_weights(), model.get_weights()))
    assert int(other.optimizer.iterations) == 9


def test_endings_of_other_formats_are_refused_at_once():
    with pytest.raises(ValueError, match=r"whole models the filepath must end in one of .keras"):
        ModelCheckpoint("best.pkl")
    with pytest.raises(ValueError, match=r"`save_weights_only=True` the filepath must end in"):
        ModelCheckpoint("best.pth", save_weights_only=True)


def test_batches_are_counted_through_the_epochs(model, tmp_path):
    path = tmp_path / "{epoch}-{batch}-{accuracy:.1f}.weights.h5"
    fit(model, ModelCheckpoint(path, save_freq=2, save_weights_only=True))
    assert [name.rpartition("-")[0] for name in names(tmp_path)] == ["1-2", "2-1", "2-3", "3-2"]


def test_folders_may_be_made_of_the_logs_too(model, tmp_path):
    fit(
        model,
        Scripted(mine=[1.0, 2.0, 3.0]),
        ModelCheckpoint(tmp_path / "{epoch}" / "{mine}.weights.h5", save_weights_only=True),
    )
    assert names(tmp_path) == ["1/1.0.weights.h5", "2/2.0.weights.h5", "3/3.0.weights.h5"]


def test_braces_written_twice_are_part_of_the_name(model, tmp_path):
    fit(model, ModelCheckpoint(tmp_path / "{{a}}.h5", save_weights_only=True), epochs=1)
    assert names(tmp_path) == ["{a}.h5"]


# --- when -----------------------------------------------------------------------------------------


def saved_after(model, tmp_path, values, **options):
    path = tmp_path / "{epoch}.weights.h5"
    keep = ModelCheckpoint(path, monitor="x", save_weights_only=True, **options)
    fit(model, Scripted(x=values), keep, epochs=len(values))
    return [int(name.partition(".")[0]) for name in names(tmp_path)], keep.best


@pytest.mark.parametrize(
    ("mode", "values", "options", "expected"),
    [
        ("min", [3.0, 4.0, 2.0, 2.0], {}, [1, 3]),
        ("max", [3.0, 4.0, 2.0, 5.0], {}, [1, 2, 4]),
        ("min", [3.0, 2.0, 1.0], {"initial_value_threshold": 2.5}, [2, 3]),
        ("min", [float("nan"), 2.0, float("nan")], {}, [1]),
        ("min", [3.0, 2.0, 1.0, 0.5], {"period": 2}, [2, 4]),
    ],
)
@pytest.mark.filterwarnings("ignore:ModelCheckpoint. `period`:DeprecationWarning")
def test_only_the_best_is_saved(mode, values, options, expected, model, tmp_path):
    assert (
        saved_after(model, tmp_path, values, mode=mode, save_best_only=True, **options)[0]
        == expected
    )


def test_auto_mode_asks_the_metric(model, tmp_path):
    keep = ModelCheckpoint(tmp_path / "a.h5", "accuracy", 0, True, True)
    fit(model, keep)
    assert keep.monitor_op(2, 1)
    with pytest.raises(ValueError, match=r"received monitor='val_acc', .*val_accur"):
        fit(model, ModelCheckpoint(tmp_path / "a.h5", "val_acc", 0, True, True))


def test_the_best_goes_on_from_fit_to_fit(model, tmp_path):
    keep = ModelCheckpoint(tmp_path / "{epoch}.h5", "x", 0, True, True, mode="min")
    fit(model, Scripted(x=[1.0, 2.0, 3.0]), keep)
    fit(model, Scripted(x=[1.5, 0.5, 3.0]), keep)
    assert names(tmp_path) == ["1.h5", "2.h5"]
    assert keep.best == 0.5


def test_epochs_without_validation_are_passed_over(model, tmp_path):
    keep = ModelCheckpoint(tmp_path / "{epoch}.h5", "val_loss", 0, True, True)
    fit(model, keep, epochs=4, validation_data=(X, Y), validation_freq=2)
    assert names(tmp_path) == ["2.h5", "4.h5"]


def test_without_a_value_every_epoch_is_saved_with_a_warning(model, tmp_path):
    keep = ModelCheckpoint(tmp_path / "{epoch}.h5", "val_loss", 0, True, True)
    with pytest.warns(UserWarning, match=r"`val_loss` is not available.*Pass validation_data"):
        fit(model, keep)
    assert names(tmp_path) == ["1.h5", "2.h5", "3.h5"]


def test_an_array_is_no_best(model, tmp_path):
    recall = ks.metrics.F1Score(name="f")
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[recall])
    keep = ModelCheckpoint(tmp_path / "{epoch}.h5", "f", 0, True, True)
    with pytest.warns(UserWarning, match=r"`monitor` is a scalar value, but 'f' is an array of s"):
        fit(model, keep)
    assert len(names(tmp_path)) == 3


def test_period_is_keras_2s(model, tmp_path):
    with pytest.warns(DeprecationWarning, match="`period` is Keras 2's. Use `save_freq`"):
        keep = ModelCheckpoint(tmp_path / "{epoch}.h5", save_weights_only=True, period=2)
    fit(model, keep, epochs=5)
    assert names(tmp_path) == ["2.h5", "4.h5"]


def test_it_says_what_it_does(model, tmp_path, capsys):
    keep = ModelCheckpoint(tmp_path / "a.h5", "x", 1, True, True, mode="min")
    fit(model, Scripted(x=[1.0, 2.0, 0.5]), keep)
    path = tmp_path / "a.h5"
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 1: x improved from None to 1.00000, saving model to {path}",
        "Epoch 2: x did not improve from 1.00000",
        f"Epoch 3: x improved from 1.00000 to 0.50000, saving model to {path}",
    ]


def test_after_a_resume_it_remembers_the_best(tmp_path):
    def run(values, epochs):
        stack = [layers.Dense(3, "softmax", input_shape=(4,))]
        model = ks.Sequential(stack, seed=0).compile("sgd", "sparse_categorical_crossentropy")
        keep = ModelCheckpoint(tmp_path / "{epoch}.h5", "x", 0, True, True, mode="min")
        safe = callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
        fit(model, safe, Scripted(x=values), keep, epochs=epochs)

    run([1.0, 0.7], 2)
    run([1.0, 0.7, 0.8, 0.6], 4)
    assert names(tmp_path)[:3] == ["1.h5", "2.h5", "4.h5"]


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"filepath": "a.keras", "save_weights_only": True},
            r"end in one of \.weights\.h5, \.h5",
        ),
        ({"filepath": "a.ckpt"}, r"whole models .* one of \.keras, \.h5.* filepath=a\.ckpt"),
        ({"filepath": "a.h5", "save_freq": 0}, "`save_freq` must be 'epoch' or .* is 0"),
        ({"filepath": "a.h5", "save_freq": "batch"}, "`save_freq` must be .* is 'batch'"),
        ({"filepath": "a.h5", "period": 1.5}, r"period is 1\.5"),
        ({"filepath": "a{}.h5"}, "has braces without a name"),
        ({"filepath": "a{epoch.h5"}, "is no format of a path: .* Write braces"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(**arguments)


def test_a_path_that_is_none():
    with pytest.raises(TypeError, match="ModelCheckpoint: the path must be a string"):
        ModelCheckpoint(None)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("{epoch}-{val_acc:.2f}.h5", {}, "no 'val_acc' .* Did you mean 'val_accuracy'. There are:"),
        ("{epoch}-{batch}.h5", {}, "there is no 'batch' to fill in"),
        ("{val_loss}.h5", {"save_freq": 2}, "no 'val_loss' to fill in. .*There are: .*batch"),
    ],
)
def test_names_that_will_not_come_are_told_before_training(name, options, message, model, tmp_path):
    keep = ModelCheckpoint(tmp_path / name, save_weights_only=True, **options)
    with pytest.raises(KeyError, match=message):
        fit(model, keep, validation_data=(X, Y))
    assert int(model.optimizer.iterations) == 0


def test_a_name_that_did_not_come_is_told_when_it_is_needed(model, tmp_path):
    keep = ModelCheckpoint(tmp_path / "{mine}.h5", save_weights_only=True)
    with pytest.raises(KeyError, match="no 'mine' to fill in"):
        fit(model, Scripted(other=[1.0]), keep)


def test_a_folder_that_cannot_be_is_an_error_before_training(model, tmp_path):
    (tmp_path / "file").write_text("")
    for path in ("file/a.h5", "file/{epoch}.h5", "file/{epoch}/a.h5"):
        keep = ModelCheckpoint(tmp_path / path, save_weights_only=True)
        with pytest.raises(OSError, match=rf"ModelCheckpoint cannot write '.*{path[-4:]}'"):
            fit(model, keep)
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        fit(model, ModelCheckpoint(tmp_path, save_weights_only=True))
    assert int(model.optimizer.iterations) == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_write_protected_folder_is_an_error_before_training(model, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(PermissionError, match=r"ModelCheckpoint cannot write .* no permission"):
        fit(model, ModelCheckpoint(tmp_path / "a.h5", save_weights_only=True))
    assert int(model.optimizer.iterations) == 0
