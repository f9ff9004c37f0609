"""What layers save by themselves: vocabularies, and whatever users' layers do by Keras's hooks."""

import json
import pathlib
import tracemalloc
import zipfile

import numpy as np
import pytest

from kerasish import layers, optimizers, utils
from kerasish.models import Model, Sequential, load_model, model_from_json

TEXTS = pathlib.Path(__file__).parent / "golden" / "saved" / "texts"
CASES = sorted(path.stem for path in TEXTS.glob("*.npz"))
ASSET = "assets/layers/string_lookup/vocabulary.txt"


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, **changes):
    """Replace, or with None leave out, members of an archive; `__` stands for `/`, `_d` for `.`."""
    found = members(path) | {k.replace("__", "/").replace("_d", "."): v for k, v in changes.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in found.items():
            if content is not None:
                archive.writestr(name, content)


# --- vocabularies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_vocabularies_that_keras_keeps_in_files(case, tmp_path):
    assert len(CASES) == 4
    with np.load(TEXTS / f"{case}.npz") as file:
        x, y, predicted, losses = (file[name] for name in ("x", "y", "predicted", "losses"))
    model = load_model(TEXTS / f"{case}.keras")
    np.testing.assert_allclose(model.predict(x, verbose=0), predicted, rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "again.keras")
    theirs, ours = members(TEXTS / f"{case}.keras"), members(tmp_path / "again.keras")
    kept = {name: content for name, content in theirs.items() if name.startswith("assets/")}
    assert kept == {n: content for n, content in ours.items() if n.startswith("assets/")}
    first = json.loads(ours["config.json"])["config"]["layers"][1]["config"]
    assert first == json.loads(theirs["config.json"])["config"]["layers"][1]["config"]
    for ending in (".keras", ".h5"):
        model.save(tmp_path / f"again{ending}")
        twin = load_model(tmp_path / f"again{ending}")
        assert twin.layers[0].get_vocabulary() == model.layers[0].get_vocabulary()
        np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))
    found = model.fit(x, y, epochs=2, batch_size=len(x), verbose=0).history["loss"]
    np.testing.assert_allclose(found, losses, rtol=1e-5)


def lookup_model(vocabulary=("b", "a")):
    first = layers.StringLookup()
    first.adapt(np.array(vocabulary))
    return Sequential([layers.Input((1,), dtype="string"), first, layers.Embedding(9, 2)])


@pytest.mark.parametrize("mode", ["int", "tf_idf"])
def test_what_adapt_has_found_may_be_adapted_again_after_loading(mode, tmp_path):
    first = layers.StringLookup(output_mode=mode)
    first.adapt(np.array([["a"], ["b"], ["a"]]))
    Sequential([layers.Input((1,), dtype="string"), first]).save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras").layers[0]
    assert np.array_equal(again(np.array([["a"], ["c"]])), first(np.array([["a"], ["c"]])))
    again.adapt(np.array([["c"], ["c"], ["d"]]))
    assert again.get_vocabulary() == ["[UNK]", "c", "d"]


@pytest.mark.parametrize("odd", ["two\nlines", "carriage\rreturn", "\u2028", ""])
def test_tokens_that_a_file_of_lines_cannot_hold_stay_in_the_config(odd, tmp_path):
    model = lookup_model(["a", "a", odd])
    model.save(tmp_path / "m.keras")
    assert ASSET not in members(tmp_path / "m.keras")
    assert load_model(tmp_path / "m.keras").layers[0].get_vocabulary() == ["[UNK]", "a", odd]


def test_json_keeps_vocabularies():
    twin = model_from_json(lookup_model().to_json())
    assert twin.layers[0].get_vocabulary() == ["[UNK]", "b", "a"]


def test_a_vocabulary_that_is_not_in_the_file_leaves_the_layer_to_be_adapted(tmp_path):
    path = tmp_path / "m.keras"
    lookup_model().save(path)
    rewrite(path, **{ASSET.replace("/", "__").replace(".", "_d"): None})
    model = load_model(path)
    with pytest.raises(ValueError, match=r"has no vocabulary yet. Call adapt\(data\)"):
        model.predict(np.array([["a"]]), verbose=0)
    model.layers[0].adapt(np.array(["a", "b"]))
    assert model.predict(np.array([["a"]]), verbose=0).shape == (1, 1, 2)


@pytest.mark.parametrize("config_tells", [True, False])
@pytest.mark.parametrize("line", [b"\n", b"a\n"])
def test_millions_of_lines_are_counted_before_they_are_split(line, config_tells, tmp_path):
    path = tmp_path / "m.keras"
    lookup_model().save(path)
    config = members(path)["config.json"]
    if not config_tells:
        config = config.replace(b'"vocabulary_size": 3', b'"vocabulary_size": null')
    rewrite(path, **{ASSET.replace("/", "__").replace(".", "_d"): line * 4_000_000})
    rewrite(path, config_djson=config)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="vocabulary"):
            load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("last", [b"", b"\r\n"])
def test_lines_that_end_as_on_windows(last, tmp_path):
    path = tmp_path / "m.keras"
    model = lookup_model()
    model.save(path)
    content = b"[UNK]\r\nb\r\na" + last
    rewrite(path, **{ASSET.replace("/", "__").replace(".", "_d"): content})
    assert load_model(path).layers[0].get_vocabulary() == ["[UNK]", "b", "a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[UNK]\nb", "vocabulary.txt has 2 tokens, and the config says 3"),
        (b"[UNK]\nb\na\nc\n\n", "vocabulary.txt has 4 tokens, and the config says 3"),
        (b"[UNK]\nb\nb", "has tokens more than once"),
        (b"[UNK]\nb\n\xff", "can't decode.*PYTHONUTF8=1"),
    ],
)
def test_damaged_vocabularies_are_refused(content, message, tmp_path):
    path = tmp_path / "m.keras"
    lookup_model().save(path)
    rewrite(path, **{ASSET.replace("/", "__").replace(".", "_d"): content})
    with pytest.raises(ValueError, match=f"m.keras.*StringLookup.*load_assets.*{message}"):
        load_model(path)


# --- users' layers --------------------------------------------------------------------------------


class Table(layers.Layer):
    """Keeps an array that is no weight, and a file; refuses what is not its own."""

    def build(self, input_shape):
        self.scale = self.add_weight((1,), "ones", name="scale")
        self.table = np.zeros(3)
        self.note = ""

    def call(self, inputs):
        return inputs * self.scale + np.sum(self.table)

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["table"] = self.table

    def load_own_variables(self, store):
        self.scale.assign(store["0"])
        if store["table"].shape != (3,):
            raise ValueError("the table has another size")
        self.table = store["table"]

    def save_assets(self, dir_path):
        inside = pathlib.Path(dir_path, "notes")
        inside.mkdir()
        (inside / "note.txt").write_text(self.note)

    def load_assets(self, dir_path):
        self.note = pathlib.Path(dir_path, "notes", "note.txt").read_text()


def table_model(value=2.0, note="hello"):
    model = Sequential([layers.Input((2,)), Table(name="t"), layers.Dense(1, name="d")])
    model.layers[0].table, model.layers[0].note = np.full(3, value), note
    model.layers[0].scale.assign([value])
    return model.compile("sgd", "mse")


X = np.array([[1.0, 2.0], [3.0, 4.0]])
OWN = {"Table": Table}


def test_layers_that_save_variables_and_files_of_their_own(tmp_path):
    model = table_model()
    model.save(tmp_path / "m.keras")
    assert members(tmp_path / "m.keras")["assets/layers/table/notes/note.txt"] == b"hello"
    twin = load_model(tmp_path / "m.keras", OWN)
    assert twin.layers[0].note == "hello"
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    model.save_weights(tmp_path / "w.weights.h5")
    other = table_model(7.0, "own")
    other.load_weights(tmp_path / "w.weights.h5")
    assert np.array_equal(other.layers[0].table, [2, 2, 2])
    assert other.layers[0].note == "own"  # files belong to whole models
    assert np.array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_layer_that_fails_to_load_leaves_the_model_as_it_was(tmp_path):
    model, other = table_model(), table_model(7.0)
    model.layers[0].table = np.zeros(4)
    model.save_weights(tmp_path / "w.weights.h5")
    before, weights = other.predict(X, verbose=0), other.get_weights()
    message = r"w\.weights\.h5.*Table 't'.*load_own_variables raised ValueError: the table"
    with pytest.raises(ValueError, match=message):
        other.load_weights(tmp_path / "w.weights.h5")
    assert np.array_equal(other.predict(X, verbose=0), before)
    for a, b in zip(other.get_weights(), weights, strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(other.layers[0].table, [7, 7, 7])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("a/b", 1.0, "under 'a/b'. Names must be texts without '/'"),
        (3, 1.0, "under 3. Names must be texts"),
        ("x", "text", "stored 'x', which holds no numbers .* Put texts into get_config"),
    ],
)
def test_variables_that_no_file_can_hold(name, value, message, tmp_path, monkeypatch):
    model = table_model()
    monkeypatch.setattr(
        Table, "save_own_variables", lambda self, store: store.update({name: value})
    )
    with pytest.raises(TypeError, match=f"Table 't'.*{message}"):
        model.save_weights(tmp_path / "w.weights.h5")
    assert not (tmp_path / "w.weights.h5").exists()


@pytest.mark.parametrize("evil", ["../evil", "a\\b", "x/../../evil", "/abs", "c:evil", "a//b", "."])
def test_files_of_layers_stay_in_their_folder(evil, tmp_path):
    path = tmp_path / "m.keras"
    table_model().save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"assets/layers/table/{evil}", b"x")
    with pytest.raises(ValueError, match=r"m\.keras.*a member of the name .* not allowed"):
        load_model(path, OWN)
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


def test_files_of_layers_are_read_only_as_far_as_the_archive_can_hold_them(tmp_path):
    path = tmp_path / "m.keras"
    table_model().save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for i in range(40):
            archive.writestr(f"assets/layers/table/{i}", bytes(10**6))
    with pytest.raises(ValueError, match="too many for a file of"):
        load_model(path, OWN)


def test_what_is_no_file_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Table, "save_assets", lambda self, folder: pathlib.Path(folder, "l").symlink_to("/etc")
    )
    with pytest.raises(TypeError, match="save_assets made 'l', which is no regular file"):
        table_model().save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())


# --- how layers and models are built and compiled -------------------------------------------------


class Sized(layers.Layer):
    """Its weights depend on more than the shape of the input."""

    size = 1

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.size), name="kernel")

    def call(self, inputs):
        return inputs @ self.kernel

    def get_build_config(self):
        return {"input_shape": (None, 2), "size": self.size}

    def build_from_config(self, config):
        self.size = config["size"]
        self.build(config["input_shape"])


def test_layers_that_say_how_they_are_built(tmp_path):
    layer = Sized()
    layer.size = 3
    model = Sequential([layers.Input((2,)), layer, layers.Dense(1)])
    model.save(tmp_path / "m.keras")
    entry = json.loads(members(tmp_path / "m.keras")["config.json"])["config"]["layers"][1]
    assert entry["build_config"] == {"input_shape": [None, 2], "size": 3}
    twin = load_model(tmp_path / "m.keras", {"Sized": Sized})
    assert twin.layers[0].size == 3
    assert twin.layers[0].input_shape == (None, 2)
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))


class Tuned(Model):
    """Is compiled in a way of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.dense = layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)

    def compile(self, tuner, strength=1.0):
        self.strength = strength
        return super().compile(tuner, "mse")

    def get_compile_config(self):
        return {"tuner": self.optimizer, "strength": self.strength}

    def compile_from_config(self, config):
        tuner = utils.deserialize_keras_object(config["tuner"])
        self.compile(tuner, config["strength"])


def test_models_that_say_how_they_are_compiled(tmp_path):
    model = Tuned()
    model.compile(optimizers.Adam(0.25), strength=5.0)
    model.fit(X, X[:, :1], epochs=2, verbose=0)
    model.save(tmp_path / "m.keras")
    twin = load_model(tmp_path / "m.keras", {"Tuned": Tuned})
    assert twin.strength == 5.0
    assert float(twin.optimizer.learning_rate) == 0.25
    for each in (model, twin):
        each.fit(X, X[:, :1], epochs=2, verbose=0)
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    assert not load_model(tmp_path / "m.keras", {"Tuned": Tuned}, compile=False).compiled


def test_a_compile_of_its_own_needs_a_word_on_how_to_call_it(tmp_path, monkeypatch):
    model = Tuned()
    model.compile("sgd")
    model.fit(X, X[:, :1], verbose=0)
    model.save(tmp_path / "m.keras")
    monkeypatch.delattr(Tuned, "compile_from_config")
    with pytest.warns(UserWarning, match="not compiled, since Tuned has a compile") as caught:
        twin = load_model(tmp_path / "m.keras", {"Tuned": Tuned})
    assert caught[0].filename == __file__
    assert not twin.compiled
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))


def test_the_hooks_of_a_plain_model():
    model = Sequential([layers.Dense(1, input_shape=(2,))])
    assert model.get_compile_config() == {}
    assert model.get_build_config() == {"input_shape": (None, 2)}
    model.compile(optimizers.Adam(0.5), "mse", ["mae"])
    twin = Sequential([layers.Dense(1)])
    twin.build_from_config(model.get_build_config())
    twin.compile_from_config(json.loads(json.dumps(model.get_compile_config())))
    assert twin.get_compile_config() == model.get_compile_config()
    store = {}
    model.layers[0].save_own_variables(store)
    twin.layers[0].load_own_variables(store)
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    with pytest.raises(ValueError, match=r"Dense.*expects 2 variables.*but got 1"):
        twin.layers[0].load_own_variables({"0": store["0"]})


class Scaled(layers.Layer):
    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


def test_a_layer_whose_config_lacks_an_argument_is_told_when_it_is_saved(tmp_path):
    model = Sequential([layers.Input((2,)), Scaled(2, name="s"), layers.Dense(1)])
    message = r"Scaled 's'.*get_config\(\) does not return 'factor'.*'factor': self.factor"
    with pytest.warns(UserWarning, match=message) as caught:
        model.save(tmp_path / "m.keras")
    assert caught[0].filename == __file__


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_loss_that_is_called_loss_is_the_users(ending, tmp_path):
    def loss(y_true, y_pred):
        return np.mean((y_true - y_pred) ** 2, -1)

    model = Sequential([layers.Input((2,)), layers.Dense(1)]).compile("sgd", loss)
    path = tmp_path / f"m{ending}"
    model.save(path)
    with pytest.raises(ValueError, match=r"custom_objects=\{'loss': ...\}"):
        load_model(path)
    twin = load_model(path, {"loss": loss})
    for each in (model, twin):
        each.fit(X, X[:, :1], verbose=0)
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))


def test_weights_are_no_whole_model(tmp_path):
    with pytest.raises(ValueError, match=r"'.keras' stands for whole models: write model.save\("):
        table_model().save_weights(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())
