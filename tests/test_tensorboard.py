"""TensorBoard: what its own reader finds in the files, and what is refused."""

import importlib.util
import io
import json

import numpy as np
import pytest

from kerasish import Sequential, layers, optimizers
from kerasish.callbacks import Callback, LambdaCallback, TensorBoard
from kerasish.callbacks.event_files import as_images

X = np.linspace(-1, 1, 32).reshape(16, 2).astype("float32")
Y = X[:, 0] * 0.5

reading = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="needs tensorboard"
)


def model(optimizer="sgd"):
    made = Sequential([layers.Dense(3, input_shape=(2,), name="a"), layers.Dense(1, name="b")],
                      name="tiny", seed=0)  # fmt: skip
    made.compile(optimizer, "mse", metrics=["mae"])
    return made


def fit(board, *others, made=None, epochs=3, **options):
    options = {"verbose": 0, "batch_size": 4, "validation_data": (X[:4], Y[:4]), **options}
    made = made or model()
    return made.fit(X, Y, epochs=epochs, callbacks=[board, *others], **options)


def read(folder):
    """What TensorBoard's reader finds."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    found.Reload()
    return found


def values(found, tag):
    from tensorboard.util.tensor_util import make_ndarray

    return [(e.step, make_ndarray(e.tensor_proto)) for e in found.Tensors(tag)]


def tags(found):
    return set(found.Tags()["tensors"])


@reading
def test_scalars_have_the_tags_and_folders_of_keras(tmp_path):
    history = fit(TensorBoard(tmp_path)).history
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    assert tags(train) == {"keras", "epoch_loss", "epoch_mae", "epoch_learning_rate"}
    assert tags(validation) == {
        "epoch_loss",
        "epoch_mae",
        "evaluation_loss_vs_iterations",
        "evaluation_mae_vs_iterations",
    }
    for found, tag, key in (
        (train, "epoch_loss", "loss"),
        (validation, "epoch_mae", "val_mae"),
    ):
        assert [step for step, _ in values(found, tag)] == [0, 1, 2]
        np.testing.assert_allclose([v for _, v in values(found, tag)], history[key], rtol=1e-6)
    judged = values(validation, "evaluation_loss_vs_iterations")
    assert [step for step, _ in judged] == [4, 8, 12]
    np.testing.assert_allclose([v for _, v in judged], history["val_loss"], rtol=1e-6)
    assert train.SummaryMetadata("epoch_loss").plugin_data.plugin_name == "scalars"


@reading
@pytest.mark.parametrize(("freq", "steps"), [("batch", range(1, 9)), (3, [3, 6])])
def test_batches(tmp_path, freq, steps):
    running = []
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: running.append(logs["loss"]))
    board = TensorBoard(tmp_path, update_freq=freq, write_steps_per_second=True)
    fit(board, look, epochs=2)
    train = read(tmp_path / "train")
    got = values(train, "batch_loss")
    assert [step for step, _ in got] == list(steps)
    np.testing.assert_allclose([v for _, v in got], [running[s - 1] for s in steps], rtol=1e-6)
    assert all(v > 0 for tag in ("batch_steps_per_second", "epoch_steps_per_second")
               for _, v in values(train, tag))  # fmt: skip


@reading
def test_histograms_and_images_of_weights(tmp_path):
    from PIL import Image

    made = model()
    fit(TensorBoard(tmp_path, histogram_freq=2, write_images=True), made=made, epochs=3)
    train = read(tmp_path / "train")
    ((first, _), (last, buckets)) = values(train, "tiny/a/kernel/histogram")
    assert (first, last) == (0, 2)
    kernel = made.layers[0].kernel.numpy()
    assert buckets.shape == (30, 3)
    assert buckets[:, 2].sum() == kernel.size
    np.testing.assert_allclose([buckets[0, 0], buckets[-1, 1]], [kernel.min(), kernel.max()])
    assert train.SummaryMetadata("tiny/a/kernel/histogram").plugin_data.plugin_name == "histograms"
    wide, high, png = values(train, "tiny/a/kernel/image")[-1][1].tolist()
    assert (wide, high) == (b"3", b"2")
    picture = np.asarray(Image.open(io.BytesIO(png)))
    assert picture.shape == (2, 3)
    assert picture.ravel()[kernel.argmax()] == 255
    assert picture.ravel()[kernel.argmin()] == 0


@pytest.mark.parametrize(
    ("shape", "images"),
    [
        ((5,), (1, 5, 1, 1)),
        ((4, 2), (1, 2, 4, 1)),
        ((2, 4), (1, 2, 4, 1)),
        ((3, 3, 1, 8), (3, 3, 3, 1)),
        ((3, 3, 2), (2, 3, 3, 1)),
        ((9, 5, 5, 3), (3, 5, 5, 3)),
        ((3, 3, 4, 8), None),
        ((), None),
    ],
)
def test_which_weights_are_images(shape, images):
    found = as_images(np.arange(np.prod(shape)).reshape(shape))
    assert (None if found is None else found.shape) == images


@reading
def test_the_graph_is_one_that_tensorboard_draws(tmp_path):
    from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

    fit(TensorBoard(tmp_path), epochs=1)
    train = read(tmp_path / "train")
    assert train.SummaryMetadata("keras").plugin_data.plugin_name == "graph_keras_model"
    ((step, config),) = values(train, "keras")
    graph = keras_model_to_graph_def(json.loads(config.item()))
    assert step == 0
    assert [node.name for node in graph.node][-2:] == ["tiny/a", "tiny/b"]
    assert graph.node[-1].input[0] == "tiny/a"
    fit(TensorBoard(tmp_path / "plain", write_graph=False), epochs=1)
    assert "keras" not in tags(read(tmp_path / "plain" / "train"))


@reading
def test_every_epoch_is_in_the_file_at_once(tmp_path):
    seen = []

    def look(epoch, logs):
        seen.append(len(values(read(tmp_path / "train"), "epoch_loss")))

    fit(TensorBoard(tmp_path), LambdaCallback(on_epoch_end=look))
    assert seen == [1, 2, 3]


@reading
def test_several_optimizers_and_odd_logs(tmp_path):
    chosen = optimizers.OptimizerMap(
        optimizers.SGD(0.1, name="one"), {".*bias": optimizers.SGD(0.2, name="two")}
    )

    class Adds(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs.update(note="text", f1=np.array([0.5, 0.6]), nan=float("nan"))

    board = TensorBoard(tmp_path)
    made = model(optimizers.MultiOptimizer(chosen))
    made.fit(X, Y, verbose=0, callbacks=[Adds(), board])
    found = tags(read(tmp_path / "train"))
    assert {"epoch_learning_rate_one", "epoch_learning_rate_two", "epoch_nan"} <= found
    assert not {"epoch_note", "epoch_f1"} & found
    assert not (tmp_path / "validation").exists()


@reading
def test_evaluate_alone(tmp_path):
    board, made = TensorBoard(tmp_path), model()
    result = made.evaluate(X, Y, verbose=0, callbacks=[board])
    ((step, value),) = values(read(tmp_path / "validation"), "evaluation_loss_vs_iterations")
    assert step == 0
    assert value == pytest.approx(result[0], rel=1e-6)
    assert not (tmp_path / "train").exists()
    assert board._files == {}


@reading
def test_an_error_closes_the_files(tmp_path):
    def fail(epoch, logs):
        if epoch:
            raise KeyboardInterrupt

    board = TensorBoard(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(board, LambdaCallback(on_epoch_begin=fail))
    assert board._files == {}
    assert len(values(read(tmp_path / "train"), "epoch_loss")) == 1


@reading
def test_it_is_not_in_the_way_when_not_asked_for_batches(tmp_path):
    from kerasish.callbacks import CallbackList

    assert not CallbackList([TensorBoard(tmp_path)]).wants("on_train_batch_end")


@reading
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"profile_batch": 2}, ValueError, r"`profile_batch` is not supported.*callbacks.Profiler"),
        ({"embeddings_freq": 1}, ValueError, r"`embeddings_freq` and `embeddings_metadata` are no"),
        ({"embeddings_metadata": "a"}, ValueError, r"`embeddings_metadata` are not supported"),
        ({"update_freq": "epochs"}, ValueError, r"`update_freq` must be 'epoch', 'batch' or a w"),
        ({"histogram_freq": -1}, ValueError, r"`histogram_freq` must be a whole number from 0 on"),
        ({"log_dir": 3}, TypeError, r"TensorBoard: the path must be a string or a path but got 3"),
    ],
)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=message):
        TensorBoard(**options)


@reading
def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    made = model()
    with pytest.raises(OSError, match=r"TensorBoard cannot write '.*file"):
        fit(TensorBoard(tmp_path / "file"), made=made)
    assert made.optimizer.iterations == 0


def test_a_missing_package_is_told_with_its_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'Run: pip install "kerasish\[tensorboard\]"'):
        TensorBoard()
