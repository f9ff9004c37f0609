"""save and load_model: layouts, what comes back, custom objects, and what is refused."""

import json
import os
import zipfile

import h5py
import numpy as np
import pytest

import kerasish as ks
from kerasish import layers, losses, metrics, optimizers
from kerasish.models import load_model, model_from_json

ENDINGS = (".keras", ".h5", ".hdf5")
X = np.random.default_rng(0).standard_normal((24, 5)).astype("float32")
Y = np.arange(24) % 3


def make(seed=None, **compiled):
    model = ks.Sequential(
        [
            layers.Dense(4, "tanh", kernel_regularizer="l2", input_shape=(5,)),
            layers.BatchNormalization(),
            ks.Sequential([layers.Dense(4, name="inner", trainable=False), layers.ReLU()]),
            layers.Dropout(0.3),
            layers.Dense(3, "softmax"),
        ],
        name="made",
        seed=seed,
    )
    compiled = {
        "optimizer": "adam",
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        **compiled,
    }
    return model.compile(**compiled)


def same_weights(a, b):
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_model_comes_back_and_training_goes_on_to_the_same_bits(tmp_path, ending):
    model = make()
    model.metadata["class_names"] = ["a", "b", "c"]
    model.fit(X, Y, verbose=0, batch_size=8)
    path = tmp_path / f"model{ending}"
    model.save(path)
    assert os.listdir(tmp_path) == [path.name]
    twin = load_model(path)
    same_weights(model, twin)
    assert twin.name == "made"
    assert twin.metadata == {"class_names": ["a", "b", "c"]}
    assert twin.saved_with["version"] == ks.__version__
    assert twin.saved_with["numpy"] == np.__version__
    assert twin.metrics_names == ["loss", "accuracy"]
    assert (twin.seed, twin.counter) == (model.seed, model.counter)
    assert twin.optimizer.iterations == 3
    assert [layer.trainable for layer in twin.layers[2].layers] == [False, True]
    for each in (model, twin):  # dropout and shuffling go on too
        each.fit(X, Y, verbose=0, batch_size=8)
    same_weights(model, twin)
    assert model.evaluate(X, Y, verbose=0) == twin.evaluate(X, Y, verbose=0)


@pytest.mark.parametrize("ending", ENDINGS)
def test_saving_changes_nothing_and_repeats(tmp_path, ending):
    model, other = make(seed=1), make(seed=1)
    for epoch in range(2):
        model.save(tmp_path / f"m{ending}")
        model.fit(X, Y, verbose=0)
        other.fit(X, Y, verbose=0)
        assert epoch == 0 or model.optimizer.iterations == 2
    same_weights(model, other)


@pytest.mark.parametrize("ending", ENDINGS)
def test_compile_false_never_looks_at_the_training_part(tmp_path, ending):
    path = tmp_path / f"m{ending}"
    model = make()
    model.save(path)
    if ending == ".keras":
        rewrite(path, "config.json", lambda c: {**c, "compile_config": {"optimizer": 3}})
    else:
        with h5py.File(path, "r+") as file:
            file.attrs["training_config"] = "no JSON at all"
            del file["optimizer_weights"]
            file["optimizer_weights"] = h5py.SoftLink("/nowhere")
    twin = load_model(path, compile=False)
    assert not twin.compiled
    same_weights(model, twin)


def rewrite(path, member, change):
    """Change one JSON member of a .keras file."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content[member] = json.dumps(change(json.loads(content[member]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def test_the_layout_of_a_keras_file(tmp_path):
    path = tmp_path / "m.keras"
    model = make()
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_STORED}
        metadata = json.loads(archive.read("metadata.json"))
        config = json.loads(archive.read("config.json"))
    assert metadata["keras_version"] == "3.15.1"
    assert list(metadata) == ["keras_version", "date_saved", "kerasish"]
    assert [config[k] for k in ("module", "class_name", "registered_name")] == [
        "keras",
        "Sequential",
        None,
    ]
    assert config["build_config"] == {"input_shape": [None, 5]}
    optimizer = config["compile_config"].pop("optimizer")
    assert (optimizer["module"], optimizer["registered_name"]) == ("keras.optimizers", None)
    assert config["compile_config"] == {
        "loss": "sparse_categorical_crossentropy",
        "loss_weights": None,
        "metrics": ["accuracy"],
        "weighted_metrics": None,
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": False,
    }
    first, dense = config["config"]["layers"][:2]
    assert first["class_name"] == "InputLayer"
    assert "build_config" not in first
    assert dense["build_config"] == {"input_shape": [None, 5]}
    assert list(dense["config"])[:4] == ["name", "trainable", "dtype", "units"]


def test_the_layout_of_an_hdf5_model(tmp_path):
    path = tmp_path / "m.h5"
    make(loss="mse", optimizer=optimizers.SGD(0.1, momentum=0.9), metrics=["mae"]).save(path)
    with h5py.File(path) as file:
        assert set(file.attrs) == {
            "keras_version",
            "backend",
            "model_config",
            "training_config",
            "kerasish",
        }
        config = json.loads(file.attrs["model_config"])
        training = json.loads(file.attrs["training_config"])
        assert set(file) == {"model_weights", "optimizer_weights"}
        names = list(file["optimizer_weights"].attrs["weight_names"])
        for kind, cset in ("model_config", "ascii"), ("backend", "utf-8"):
            assert h5py.check_string_dtype(file.attrs.get_id(kind).dtype).encoding == cset
    assert set(config) == {"class_name", "config"}
    nested = config["config"]["layers"][3]
    for entry in (*config["config"]["layers"], *nested["config"]["layers"]):
        assert set(entry) == {"class_name", "config"}
    assert config["config"]["build_input_shape"] == [None, 5]
    assert training["loss"] == "mean_squared_error"
    assert training["metrics"] == ["mae"]
    assert training["loss_weights"] is None
    assert training["optimizer_config"]["class_name"] == "SGD"
    assert training["optimizer_config"]["config"]["momentum"] == 0.9
    owner = names[0].partition("/")[0]
    assert names[:3] == [
        f"{owner}/{n}" for n in ("iteration", "learning_rate", "made_dense_kernel_momentum")
    ] or names[2].endswith("_kernel_momentum")


@pytest.mark.parametrize("ending", ENDINGS)
def test_without_optimizer(tmp_path, ending):
    model = make()
    path = tmp_path / f"m{ending}"
    model.save(path, include_optimizer=False)
    assert not load_model(path).compiled
    model.compile(None, "mse").save(path)
    twin = load_model(path)
    assert (twin.compiled, twin.optimizer) == (ending == ".keras", None)


COMPILED = {
    "objects": {
        "optimizer": optimizers.RMSprop(0.01, centered=True, momentum=0.5),
        "loss": losses.SparseCategoricalCrossentropy(ignore_class=7),
        "metrics": [metrics.SparseTopKCategoricalAccuracy(2, name="top"), "accuracy"],
        "weighted_metrics": ["acc"],
        "loss_weights": 0.5,
    },
    "a schedule": {"optimizer": optimizers.Adam(optimizers.schedules.CosineDecay(0.1, 20))},
    "accumulation and averages": {
        "optimizer": optimizers.AdamW(gradient_accumulation_steps=2, use_ema=True, clipnorm=1.0)
    },
    "functions": {
        "loss": losses.sparse_categorical_crossentropy,
        "metrics": [metrics.sparse_categorical_accuracy],
    },
    "by shape": {"loss": "crossentropy", "metrics": ["ce"]},
    "auto": {"metrics": "auto"},
    "ours": {"metrics": [metrics.ConfusionMatrix(3), metrics.Precision(average="macro")]},
}


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("case", COMPILED)
def test_what_was_compiled_comes_back(tmp_path, case, ending):
    model = make(**COMPILED[case])
    model.fit(X, Y, verbose=0, batch_size=8)
    path = tmp_path / f"m{ending}"
    model.save(path)
    twin = load_model(path)
    assert twin.optimizer.get_config() == {
        **model.optimizer.get_config(),
        "name": twin.optimizer.name,
    }
    for each in (model, twin):
        each.fit(X, Y, verbose=0, batch_size=8)
    same_weights(model, twin)
    ours, theirs = (m.evaluate(X, Y, verbose=0, return_dict=True) for m in (model, twin))
    assert list(ours) == list(theirs)
    for key in ours:
        np.testing.assert_array_equal(ours[key], theirs[key])


def test_what_keras_does_not_know_is_kept_apart(tmp_path):
    path = tmp_path / "m.keras"
    make(**COMPILED["ours"]).save(path)
    with zipfile.ZipFile(path) as archive:
        listed = json.loads(archive.read("config.json"))["compile_config"]["metrics"]
        own = json.loads(archive.read("metadata.json"))["kerasish"]["compile_config"]["metrics"]
    assert [m["class_name"] for m in listed] == ["Precision"]
    assert "average" not in listed[0]["config"]
    assert [m["class_name"] for m in own] == ["ConfusionMatrix", "Precision"]


# --- objects of one's own -------------------------------------------------------------------------


class Halve(layers.Layer):
    def __init__(self, by=2, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def forward(self, x, step):
        scale = self.scale.value

        def backward(dy):
            step.add_grad(self.scale, np.asarray((dy * x).sum() / self.by))
            return dy * scale / self.by

        return x * scale / self.by, backward

    def get_config(self):
        return {**super().get_config(), "by": self.by}


def weird_loss(y_true, y_pred):
    return np.mean((y_true - y_pred) ** 4, axis=-1)


def bias_of(y_true, y_pred):
    return np.mean(y_pred - y_true, axis=-1)


def custom_model(activation):
    model = ks.Sequential(
        [layers.Input((5,)), layers.Dense(2, activation), Halve(by=4), layers.Dense(1)]
    )
    return model.compile("sgd", weird_loss, [bias_of])


def twice(x):
    return 2 * x


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_custom_objects(tmp_path, ending):
    pytest.importorskip("autograd")
    path = tmp_path / f"m{ending}"
    y = X[:, :1]
    model = custom_model(twice)
    model.fit(X, y, verbose=0)
    model.save(path)
    for missing in ("Halve", "twice", "weird_loss", "bias_of"):
        known = {"Halve": Halve, "twice": twice, "weird_loss": weird_loss, "bias_of": bias_of}
        del known[missing]
        with pytest.raises(ValueError, match=rf"'{missing}'.*pass custom_objects=") as caught:
            load_model(path, known)
        assert f"Cannot load '{path}'" in str(caught.value)
    known[missing] = bias_of
    twin = load_model(path, custom_objects=known)
    assert twin.layers[1].by == 4
    for each in (model, twin):
        each.fit(X, y, verbose=0)
    same_weights(model, twin)
    assert model.evaluate(X, y, verbose=0) == twin.evaluate(X, y, verbose=0)
    with ks.utils.custom_object_scope(known):
        load_model(path)


def falling_rate():
    return 0.03


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_learning_rate_that_is_a_function_is_kept_by_name(tmp_path, ending):
    path = tmp_path / f"m{ending}"
    make(optimizer=optimizers.SGD(falling_rate)).save(path)
    with pytest.raises(ValueError, match=r"'falling_rate'.*pass custom_objects="):
        load_model(path)
    twin = load_model(path, {"falling_rate": falling_rate})
    assert float(twin.optimizer.learning_rate) == np.float32(0.03)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_several_optimizers(tmp_path, ending):
    path = tmp_path / f"m{ending}"
    chosen = optimizers.OptimizerMap(
        optimizers.SGD(0.1, momentum=0.9), {".*bias": optimizers.Adam(0.01)}
    )
    model = make(optimizer=optimizers.MultiOptimizer(chosen))
    model.fit(X, Y, verbose=0)
    model.save(path)
    twin = load_model(path)
    for each in (model, twin):
        each.fit(X, Y, verbose=0)
    same_weights(model, twin)


def test_registered_classes_need_no_custom_objects(tmp_path):
    @ks.register(package="mine", name="Third")
    class Shorter(Halve):
        pass

    model = ks.Sequential([layers.Input((5,)), Shorter(by=3)])
    for ending in (".keras", ".h5"):
        path = tmp_path / f"m{ending}"
        model.save(path)
        assert isinstance(load_model(path).layers[0], Shorter)
    with h5py.File(path) as file:
        entry = json.loads(file.attrs["model_config"])["config"]["layers"][1]
    assert entry["class_name"] == "mine>Third"
    entry = json.loads(model.to_json())["config"]["layers"][1]
    assert entry["registered_name"] == "mine>Third"


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_lambda_is_kept_by_name_and_code_never_comes_from_a_file(tmp_path, ending):
    pytest.importorskip("autograd")
    path = tmp_path / f"m{ending}"
    ks.Sequential([layers.Input((5,)), layers.Lambda(twice, name="l")]).save(path)
    with pytest.raises(ValueError, match=r"Lambda 'l' needs its function 'twice'"):
        load_model(path)
    twin = load_model(path, {"twice": twice})
    np.testing.assert_array_equal(twin.predict(X, verbose=0), 2 * X)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_layer_used_twice_is_one_layer(tmp_path, ending):
    shared = layers.Dense(5, name="shared")
    inner = ks.Sequential([shared, layers.ReLU()], name="inner")
    model = ks.Sequential([layers.Input((5,)), shared, inner, shared])
    path = tmp_path / f"m{ending}"
    model.save(path)
    twin = load_model(path)
    assert twin.layers[0] is twin.layers[2]
    assert twin.layers[0] is twin.layers[1].layers[0]
    assert len(twin.weights) == 2
    np.testing.assert_array_equal(model.predict(X, verbose=0), twin.predict(X, verbose=0))


class Tower(ks.Model):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first = layers.Dense(units, "relu")
        self.rest = [layers.Dense(units), layers.Dense(1)]

    def call(self, inputs):
        x = self.first(inputs)
        return self.rest[1](self.rest[0](x) + x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_model_with_its_own_call(tmp_path, ending):
    pytest.importorskip("autograd")
    path = tmp_path / f"m{ending}"
    model = Tower(3)
    model.compile("adam", "mse")
    model.fit(X, X[:, :1], verbose=0)
    model.save(path)
    with pytest.raises(ValueError, match=r"'Tower'.*pass custom_objects="):
        load_model(path)
    twin = load_model(path, {"Tower": Tower})
    for each in (model, twin):
        each.fit(X, X[:, :1], verbose=0)
    same_weights(model, twin)


def test_json_in_keras_form_comes_back():
    model = make()
    text = model.to_json(indent=1)
    assert json.loads(text)["config"]["layers"][1]["module"] == "keras.layers"
    twin = model_from_json(text)
    assert twin.to_json(indent=1) == text
    with pytest.raises(RuntimeError, match="YAML can run code"):
        model.to_yaml()


def test_float64_models(tmp_path):
    model = ks.Sequential([layers.Dense(2, dtype="float64", input_shape=(3,))], dtype="float64")
    model.save(tmp_path / "m.keras")
    twin = load_model(tmp_path / "m.keras")
    assert twin.weights[0].dtype == "float64"
    same_weights(model, twin)


def test_seeds_of_other_models_are_not_used_up_by_loading(tmp_path):
    make().save(tmp_path / "m.keras")
    drawn = []
    for load in (True, False):
        ks.set_random_seed(3)
        if load:
            load_model(tmp_path / "m.keras")
        drawn.append(ks.Sequential([layers.Dense(1, input_shape=(2,))]).get_weights()[0])
    np.testing.assert_array_equal(*drawn)


# --- bad input ------------------------------------------------------------------------------------


def test_an_unbuilt_model(tmp_path):
    with pytest.raises(ValueError, match="a model that has not yet been built"):
        ks.Sequential([layers.Dense(2)]).save(tmp_path / "m.keras")
    assert not os.listdir(tmp_path)


def test_a_folder_and_foreign_endings(tmp_path):
    model = make()
    with pytest.raises(IsADirectoryError, match="it is a folder"), pytest.warns(match="none of"):
        model.save(tmp_path)
    with pytest.raises(ValueError, match=r"'\.pkl' stands for pickles, which can run code"):
        model.save(tmp_path / "m.pkl")
    with pytest.raises(ValueError, match="one file, not a folder"):
        model.save(tmp_path / "m.keras", zipped=False)
    with pytest.raises(TypeError, match="Unrecognized keyword arguments passed to save_model"):
        model.save(tmp_path / "m.keras", include_optimiser=False)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(IsADirectoryError, match="TensorFlow SavedModel folder, which holds code"):
        load_model(tmp_path / "saved")


def test_weights_files_are_not_models(tmp_path):
    model = make()
    for ending in (".h5", ".weights.h5"):
        model.save_weights(tmp_path / f"w{ending}")
        with pytest.raises(ValueError, match="without 'model_config' and holds only weights"):
            load_model(tmp_path / f"w{ending}")


def test_zip_archives_that_are_no_models(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "x")
    with pytest.raises(ValueError, match=r"a zip archive in which 'config\.json' is not there"):
        load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", "x")
    with pytest.raises(ValueError, match="PyTorch file, which holds pickles"):
        load_model(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="damaged or cut off zip archive"):
        load_model(path)


def test_an_unknown_class_is_guessed(tmp_path):
    path = tmp_path / "m.keras"
    make().save(path)

    def misspelt(config):
        config["config"]["layers"][1]["class_name"] = "Dens"
        return config

    rewrite(path, "config.json", misspelt)
    with pytest.raises(ValueError, match=r"'Dens'\. Did you mean 'Dense'\? If it is a class"):
        load_model(path)


def test_custom_objects_of_the_wrong_kind(tmp_path):
    with pytest.raises(TypeError, match="expects custom_objects to be a dict"):
        load_model(tmp_path / "m.keras", [Halve])
