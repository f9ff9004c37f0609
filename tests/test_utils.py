import numpy as np
import pytest

from kerasish import registry, utils
from kerasish.store import as_array


@pytest.mark.parametrize(
    ("x", "classes", "shape"),
    [
        ([0, 2, 1], None, (3, 3)),
        ([[0], [2]], 4, (2, 4)),
        ([[0, 1], [2, 3]], None, (2, 2, 4)),
        (np.array([0.0, 1.0]), 2, (2, 2)),
        (np.array([True, False]), None, (2, 2)),
        (2, 3, (3,)),
        ([], 3, (0, 3)),
        (as_array([1, 0]), None, (2, 2)),
    ],
)
def test_to_categorical(x, classes, shape):
    hot = utils.to_categorical(x, classes)
    assert hot.shape == shape
    assert hot.dtype == "float64"  # as Keras
    assert type(hot) is np.ndarray
    labels = np.asarray(x, int)
    np.testing.assert_array_equal(hot.argmax(-1).ravel() if hot.size else [], labels.ravel())
    np.testing.assert_array_equal(hot.sum(-1), np.ones(shape[:-1]))


@pytest.mark.parametrize(
    ("x", "classes", "message"),
    [
        ([0, -1], None, "between 0 and 0 but x has values from -1 to 0"),
        ([0, 3], 3, "between 0 and 2"),
        ([0.5], None, "whole class numbers but has values such as 0.5"),
        (["cat"], None, "np.unique"),
        ([], None, "Pass num_classes"),
    ],
)
def test_bad_classes(x, classes, message):
    with pytest.raises(ValueError, match=message):
        utils.to_categorical(x, classes)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("order", [1, 2, np.inf])
def test_normalize(axis, order):
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    result = utils.normalize(x, axis, order)
    norm = np.linalg.norm(result, order, axis)
    np.testing.assert_allclose(norm, np.ones_like(norm), rtol=1e-6)
    assert result.dtype == "float32"


def test_normalize_leaves_zeros_and_its_argument_alone():
    x = np.zeros((2, 2))
    np.testing.assert_array_equal(utils.normalize(x), x)
    np.testing.assert_allclose(utils.normalize([3, 4]), [0.6, 0.8])


def test_a_dataset_works_without_super_init():
    class Two(utils.Sequence):
        def __init__(self):
            pass

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return index, index

    two = Two()
    assert list(two) == [(0, 0), (1, 1)]
    assert (two.num_batches, two.workers, two.max_queue_size) == (2, 1, 10)
    assert utils.PyDataset is utils.Sequence
    assert utils.PyDataset(4, True, 5).workers == 4


def test_a_dataset_says_what_is_missing():
    with pytest.raises(TypeError, match="must define __getitem__"):
        utils.PyDataset()[0]
    with pytest.raises(TypeError, match="must define __len__"):
        utils.PyDataset().num_batches  # noqa: B018

    class Endless(utils.PyDataset):
        num_batches = None

        def __getitem__(self, index):
            return index

    assert [i for i, _ in zip(Endless(), "abc", strict=False)] == [0, 1, 2]


def test_packing():
    assert utils.pack_x_y_sample_weight(1) == 1
    assert utils.pack_x_y_sample_weight([1]) == ([1],)
    assert utils.pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)
    assert utils.unpack_x_y_sample_weight([1]) == (1, None, None)
    assert utils.unpack_x_y_sample_weight((1, 2, 3)) == (1, 2, 3)
    assert utils.unpack_x_y_sample_weight(7) == (7, None, None)
    with pytest.raises(ValueError, match=r"Data is expected.*tuple of 4"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


@pytest.fixture
def clean():
    yield
    utils.get_custom_objects().clear()


def double(x):
    return 2 * x


class Thing:
    def __init__(self, size=1):
        self.size = size

    def get_config(self):
        return {"size": self.size}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def test_custom_object_scope_nests_and_ends():
    with utils.custom_object_scope({"f": 1}):
        with utils.CustomObjectScope({"f": 2}) as scope:
            assert scope.custom_objects == {"f": 2}
            assert utils.get_registered_object("f") == 2
        assert registry.lookup("loss", "f") == 1
    assert utils.get_registered_object("f") is None
    with utils.custom_object_scope(None):
        pass


def test_get_custom_objects_is_live(clean):
    utils.get_custom_objects()["my_loss"] = double
    assert registry.lookup("loss", "my_loss") is double
    with utils.custom_object_scope({"my_loss": 3}):
        assert registry.lookup("loss", "my_loss") == 3
    utils.get_custom_objects().clear()
    with pytest.raises(ValueError, match="my_loss"):
        registry.lookup("loss", "my_loss")


def test_register_keras_serializable(clean):
    assert utils.register_keras_serializable("pack")(double) is double
    assert utils.get_registered_name(double) == "pack>double"
    assert utils.get_registered_object("pack>double") is double
    assert registry.lookup("activation", "double") is double
    config = utils.serialize_keras_object(double)
    assert config["registered_name"] == "pack>double"
    assert utils.deserialize_keras_object(config) is double
    with pytest.raises(ValueError, match=r"does not have a `get_config\(\)`"):
        utils.register_keras_serializable()(type("Bare", (), {}))
    with pytest.raises(TypeError, match="expects a class or function"):
        utils.register_keras_serializable()(3)
    assert utils.get_registered_name(len) == "len"


def test_registered_classes_of_a_family_go_to_the_registry(monkeypatch):
    for table in (registry._entries, registry._folded):
        monkeypatch.setitem(table, "regularizer", dict(table["regularizer"]))

    @utils.register_keras_serializable("pack", name="Mine")
    class Penalty(registry.Configurable):
        registry_kind = "regularizer"

    assert registry.lookup("regularizer", "pack>Mine") is Penalty
    assert utils.get_registered_object("pack>Mine") is Penalty
    config = utils.serialize_keras_object(Penalty())
    assert config["registered_name"] == "pack>Mine"
    assert type(utils.deserialize_keras_object(config)) is Penalty


def test_objects_of_any_class_go_to_configs_and_back(clean):
    config = utils.serialize_keras_object([Thing(4), (1, "a"), {"k": np.float32(0.5)}, None])
    assert config[0]["config"] == {"size": 4}
    with pytest.raises(ValueError, match="Could not interpret object identifier: 'Thing'"):
        utils.deserialize_keras_object(config)
    back = utils.deserialize_keras_object(config, custom_objects={"Thing": Thing})
    assert (back[0].size, back[1:]) == (4, [(1, "a"), {"k": 0.5}, None])
    utils.register_keras_serializable("pack")(Thing)
    config = utils.serialize_keras_object(Thing(5))
    assert config["registered_name"] == "pack>Thing"
    assert utils.deserialize_keras_object(config).size == 5


def test_arrays_and_what_cannot_be_written():
    array = np.arange(6, dtype="int32").reshape(2, 3)
    back = utils.deserialize_keras_object(utils.serialize_keras_object(array))
    np.testing.assert_array_equal(back, array)
    assert back.dtype == "int32"
    for value in (lambda x: x, object()):
        with pytest.raises(TypeError, match="cannot be written as a config"):
            utils.serialize_keras_object(value)


def test_names_stay_names():
    assert utils.deserialize_keras_object("double", module_objects={"double": double}) is double
    with pytest.raises(TypeError, match="passed to deserialize_keras_object"):
        utils.deserialize_keras_object("double", objects={})
    assert utils.deserialize_keras_object("relu") == "relu"
    assert utils.deserialize_keras_object({"a": [1, "b"]}) == {"a": [1, "b"]}
