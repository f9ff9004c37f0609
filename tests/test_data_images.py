"""Image files and folders: reading, resizing, datasets, and what is said of bad ones."""

import io
import pathlib

import numpy as np
import pytest

import kerasish as ks
from kerasish.data import DataLoader, from_image_folder, train_test_split
from kerasish.data.images import ImageFiles
from kerasish.preprocessing import image
from kerasish.utils import (
    array_to_img,
    image_dataset_from_directory,
    img_to_array,
    load_img,
    save_img,
    split_dataset,
)
from tests.golden import image_cases

GOLDEN = np.load(pathlib.Path(__file__).with_name("golden") / "images.npz")
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        save_img("picture.png", image_cases.IMAGE.repeat(2, axis=1), scale=False)
        return image_cases.compute(image, ks.utils)


@pytest.mark.parametrize("name", GOLDEN.files)
def test_preprocessing_gives_keras_numbers(ours, name):
    expected, found = GOLDEN[name].astype(float), ours[name].astype(float)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * max(1, np.abs(expected).max())


@pytest.fixture
def folder(tmp_path):
    """3 cats, 5 dogs, 4 eels of 6x8 pixels; the first pixel tells which."""
    root = tmp_path / "pets"
    for number, (name, count) in enumerate({"cat": 3, "dog": 5, "eel": 4}.items()):
        (root / name).mkdir(parents=True)
        for i in range(count):
            picture = np.full((6, 8, 3), 10 * number + i)
            save_img(root / name / f"{i}.png", picture, scale=False)
    (root / ".hidden").mkdir()
    (root / "cat" / "Thumbs.db").write_bytes(b"1")
    return root


# --- single images ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm", "gif", "webp", "jpg"])
def test_images_are_written_and_read_back(tmp_path, suffix):
    x = RNG.integers(0, 256, (8, 8, 3), "uint8")
    exact = {"lossless": True} if suffix == "webp" else {}
    save_img(tmp_path / f"a.{suffix}", x, scale=False, **exact)
    found = img_to_array(load_img(tmp_path / f"a.{suffix}"), dtype="uint8")
    assert found.shape == x.shape
    if suffix not in ("gif", "jpg"):
        np.testing.assert_array_equal(found, x)


def test_images_go_through_memory_and_have_channels_first_when_asked(tmp_path):
    x = RNG.random((3, 4, 5))
    buffer = io.BytesIO()
    save_img(buffer, x, data_format="channels_first", file_format="png")
    found = img_to_array(load_img(io.BytesIO(buffer.getvalue())), data_format="channels_first")
    assert (found.shape, found.dtype) == ((3, 4, 5), np.float32)
    grey = img_to_array(array_to_img(np.full((2, 2, 1), 300.0), scale=False))
    assert grey.max() == 300  # 32 bits
    assert array_to_img(np.zeros((2, 2, 4))).mode == "RGBA"
    with pytest.warns(UserWarning, match="JPEG format does not support RGBA"):
        save_img(tmp_path / "a.jpg", np.zeros((2, 2, 4)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: load_img(p / "no.png"), FileNotFoundError, r"no file .*no.png"),
        (lambda p: load_img(p / "text.png"), ValueError, r"text.png cannot be read as an image"),
        (lambda p: load_img(p / "empty.png"), ValueError, r"empty.png is empty. Delete it"),
        (lambda p: load_img(p / "cut.png"), ValueError, r"cut.png cannot be read as an image \(.*"),
        (lambda p: load_img(p / "a.png", "gray"), ValueError, r"must be 'rgb', .* got 'gray'"),
        (
            lambda p: load_img(p / "a.png", target_size=(2, 2), interpolation="cubic"),
            ValueError,
            r"method 'cubic'.* Did you mean 'bicubic'",
        ),
        (lambda p: load_img(3), TypeError, r"expects a path or io.BytesIO but got 3"),
        (lambda p: array_to_img(np.zeros((2, 2))), ValueError, r"rank 3 .* shape: \(2, 2\).*None"),
        (lambda p: array_to_img(np.zeros((2, 2, 2))), ValueError, r"Unsupported channel number: 2"),
        (lambda p: img_to_array(np.zeros((2, 2, 2, 2))), ValueError, r"Unsupported image shape"),
        (
            lambda p: img_to_array(np.zeros((2, 2)), "NHWC"),
            ValueError,
            r"`data_format` must be .*'NHWC'",
        ),
        (
            lambda p: save_img(p / "a.xyz", np.zeros((2, 2, 1))),
            ValueError,
            r"a.xyz cannot be written as 'xyz'",
        ),
        (
            lambda p: image.smart_resize(np.zeros((4, 4)), (2, 2)),
            ValueError,
            r"shape \(4, 4\). Add an axis",
        ),
        (
            lambda p: image.smart_resize(np.zeros((4, 4, 1)), (2, 2), "cubic"),
            ValueError,
            r"Did you mean 'bicubic'",
        ),
        (
            lambda p: image.smart_resize(np.zeros((4, 4, 1)), (2,)),
            ValueError,
            r"`size` must be \(height",
        ),
        (
            lambda p: image.smart_resize(np.zeros((4, 4, 1)), (2, 2), sizes=1),
            TypeError,
            r"unexpected keyword",
        ),
    ],
)
def test_bad_images_and_arguments_are_named(tmp_path, call, error, message):
    save_img(tmp_path / "a.png", RNG.random((30, 30, 3)))
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:300])
    (tmp_path / "text.png").write_bytes(b"text")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(error, match=message):
        call(tmp_path)


def test_smart_resize_takes_batches_and_channels_first():
    x = RNG.random((2, 3, 8, 6)).astype("float32")
    found = image.smart_resize(x, (4, 4), data_format="channels_first")
    assert found.shape == (2, 3, 4, 4)
    last = image.smart_resize(x.transpose(0, 2, 3, 1), (4, 4))
    np.testing.assert_allclose(found, last.transpose(0, 3, 1, 2))
    assert image.smart_resize(np.zeros((8, 6, 1), "uint8"), (2, 2)).dtype == np.float32


# --- from_image_folder --------------------------------------------------------------------------


def test_a_folder_becomes_rows_that_are_decoded_when_read(folder):
    x, y, names, paths = from_image_folder(folder)
    assert (x.shape, x.dtype, len(x)) == ((12, 6, 8, 3), np.uint8, 12)
    assert (y.tolist(), names) == ([0] * 3 + [1] * 5 + [2] * 4, ["cat", "dog", "eel"])
    assert [pathlib.Path(p).parent.name for p in paths] == [names[i] for i in y]
    assert x[2:5][:, 0, 0, 0].tolist() == [2, 10, 11]
    assert x[-1].shape == (6, 8, 3)
    np.testing.assert_array_equal(x.take(np.array([5, 0]))[:, 0, 0, 0], [12, 0])


def test_folders_can_be_chosen_resized_and_made_grey(folder):
    found = from_image_folder(folder, (3, 4), "grayscale", class_names=["eel", "cat"])
    assert (found.x.shape, found.y.tolist()) == ((7, 3, 4, 1), [0] * 4 + [1] * 3)
    assert found.x[:1].ravel().tolist() == [20] * 12
    assert from_image_folder(folder, 5, keep_aspect_ratio=True).x[:].shape == (12, 5, 5, 3)


def test_images_train_validate_and_are_divided_without_being_read_whole(folder, monkeypatch):
    x, y, *_ = from_image_folder(folder)
    most = []
    take = ImageFiles.take
    monkeypatch.setattr(ImageFiles, "take", lambda s, rows: most.append(len(rows)) or take(s, rows))
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=4, seed=0, stratify=y)
    assert not most
    for part, labels in ((x_train, y_train), (x_test, y_test)):
        np.testing.assert_array_equal(part[:][:, 0, 0, 0] // 10, labels)
    loader = DataLoader(x_train, y_train, batch_size=4, shuffle=True, seed=0)
    seen = [(x[:, 0, 0, 0] // 10, y) for x, y in loader]
    for pixels, labels in seen:
        np.testing.assert_array_equal(pixels, labels)
    assert sorted(np.concatenate([y for _, y in seen]).tolist()) == sorted(y_train.tolist())
    model = ks.Sequential(
        [ks.layers.Rescaling(1 / 255), ks.layers.Flatten(), ks.layers.Dense(3, "softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=4, validation_split=0.25, epochs=2, verbose=0)
    assert model.predict(x_test, batch_size=2, verbose=0).shape == (4, 3)
    assert max(most) <= 9  # the parts that this test reads whole


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (lambda f: None, {"class_names": ["cat", "dgo"]}, r"no folder 'dgo'.* Did you mean 'dog'"),
        (lambda f: (f / "frog").mkdir(), {}, r"the folder .*frog is empty. Put images"),
        (
            lambda f: ((f / "frog").mkdir(), (f / "frog" / "a.heic").write_bytes(b"1")),
            {},
            r"frog has no image, only other files \(1 .heic\). Known are .bmp",
        ),
        (
            lambda f: (f / "dog" / "0.png").write_bytes(b"junk"),
            {"image_size": 4},
            r"dog.0.png cannot be read as an image. Delete it",
        ),
        (lambda f: (f / "dog" / "0.png").write_bytes(b""), {}, r"dog.0.png is empty. Delete it"),
        (
            lambda f: save_img(f / "eel" / "0.png", np.ones((5, 5, 3))),
            {},
            r"images differ in size: .*cat.0.png is 6x8 .*eel.0.png is 5x5. Pass image_size",
        ),
        (
            lambda f: None,
            {"image_size": (4, 0)},
            r"`image_size` must be \(height, width\).* got \(4, 0\)",
        ),
        (lambda f: None, {"color_mode": "RGB"}, r"color_mode must be 'rgb'.* Did you mean 'rgb'"),
    ],
)
def test_folders_that_are_wrong_are_named(folder, spoil, options, message):
    spoil(folder)
    with pytest.raises(ValueError, match=message):
        from_image_folder(folder, **options)


def test_a_corrupt_image_is_named_when_it_is_read(folder):
    path = folder / "dog" / "2.png"
    data = bytearray(path.read_bytes())
    data[60:] = bytes(len(data) - 60)
    path.write_bytes(data)
    x = from_image_folder(folder, 4).x  # its head is fine
    with pytest.raises(ValueError, match=r"dog.2.png cannot be read as an image"):
        x[:]


def test_a_folder_that_is_none_is_named(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*petz. Did you mean 'pets'"):
        from_image_folder(tmp_path / "petz")
    with pytest.raises(NotADirectoryError, match=r"is a file. Pass the folder"):
        from_image_folder(folder / "cat" / "0.png")
    with pytest.raises(ValueError, match=r"cat has no folders.* It has 3 images in itself"):
        from_image_folder(folder / "cat")


# --- image_dataset_from_directory ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "dtype", "shape"),
    [("int", "int32", (12,)), ("categorical", "float32", (12, 3)), (None, None, None)],
)
def test_a_dataset_has_keras_batches(folder, capsys, mode, dtype, shape):
    dataset = image_dataset_from_directory(
        folder, label_mode=mode, image_size=(4, 4), shuffle=False
    )
    (batch,) = dataset
    assert (batch[0].shape, batch[0].dtype) == ((12, 4, 4, 3), np.float32)
    if mode is None:
        assert len(batch) == 1
        assert dataset.class_names is None
        return
    assert (batch[1].dtype, batch[1].shape) == (dtype, shape)
    assert dataset.class_names == ["cat", "dog", "eel"]
    assert [pathlib.Path(p).name for p in dataset.file_paths[:3]] == ["0.png", "1.png", "2.png"]
    assert capsys.readouterr().out == "Found 12 files belonging to 3 classes.\n"


def test_both_parts_together_have_every_file_once(folder, capsys):
    options = {"validation_split": 0.25, "seed": 3, "image_size": (2, 2)}
    both = image_dataset_from_directory(folder, subset="both", **options)
    names = [sorted(part.file_paths) for part in both]
    assert [len(n) for n in names] == [9, 3]
    assert len({*names[0], *names[1]}) == 12
    for subset, part in zip(("training", "validation"), names, strict=True):
        one = image_dataset_from_directory(folder, subset=subset, **options)
        assert sorted(one.file_paths) == part
    out = capsys.readouterr().out
    assert "Using 9 files for training." in out
    assert "Using 3 files for validation." in out
    first, second = ([b[1].tolist() for b in both[0]] for _ in range(2))
    assert sorted(first[0]) == sorted(second[0])


def test_binary_labels_given_labels_and_single_images(folder):
    options = {"image_size": (2, 2), "verbose": False, "shuffle": False}
    two = image_dataset_from_directory(
        folder, class_names=["dog", "cat"], label_mode="binary", **options
    )
    assert next(iter(two))[1].tolist() == [[0]] * 5 + [[1]] * 3
    given = image_dataset_from_directory(folder, labels=list(range(12)), **options)
    assert next(iter(given))[1].tolist() == list(range(12))
    single = image_dataset_from_directory(folder, batch_size=None, **options)
    x, y = next(iter(single))
    assert (x.shape, y.shape) == ((2, 2, 3), ())
    none = image_dataset_from_directory(
        folder / "cat", labels=None, data_format="channels_first", **options
    )
    assert next(iter(none))[0].shape == (3, 3, 2, 2)


@pytest.mark.parametrize(
    ("option", "expected"), [("crop_to_aspect_ratio", 255), ("pad_to_aspect_ratio", 0)]
)
def test_proportions_are_kept_by_cutting_or_by_borders(tmp_path, option, expected):
    (tmp_path / "a").mkdir()
    picture = np.zeros((8, 16, 1))
    picture[:, 4:12] = 255
    save_img(tmp_path / "a" / "1.png", picture, scale=False)
    dataset = image_dataset_from_directory(
        tmp_path, image_size=(8, 8), color_mode="grayscale", verbose=False, **{option: True}
    )
    x = next(iter(dataset))[0]
    assert x.shape == (1, 8, 8, 1)
    assert x[0, 0, 4, 0] == expected
    assert x[0, 4, 4, 0] == 255


def test_a_dataset_trains_and_can_be_mapped_and_looked_at(folder):
    dataset = image_dataset_from_directory(folder, image_size=(4, 4), batch_size=5, verbose=False)
    assert [x.shape for x, _ in dataset.take(2)] == [(5, 4, 4, 3)] * 2
    scaled = dataset.map(lambda x, y: (x / 255, y))
    assert scaled.class_names == dataset.class_names
    model = ks.Sequential([ks.layers.Flatten(), ks.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(scaled, validation_data=scaled, epochs=2, verbose=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"validation_split": 1.5, "subset": "both", "seed": 0},
            r"`validation_split` must be between",
        ),
        ({"validation_split": 0.2}, r"If `subset` is set, `validation_split` must be set"),
        ({"subset": "training"}, r"If `subset` is set, `validation_split` must be set"),
        ({"subset": "train"}, r"`subset` must be .* received: 'train'. Did you mean 'training'"),
        ({"validation_split": 0.2, "subset": "both"}, r"you must provide a `seed`"),
        (
            {"validation_split": 0.01, "subset": "both", "seed": 1},
            r"of 12 files leaves 0 for valid",
        ),
        ({"label_mode": "integer"}, r"`label_mode` argument must be one of .*'integer'"),
        ({"label_mode": "binary"}, r"exactly 2 classes, but there are 3"),
        ({"labels": [1, 2]}, r"one label for each of the 12 files .* but got 2 labels"),
        ({"labels": "infer"}, r"`labels` must be 'inferred', None or .* but got 'infer'"),
        ({"labels": None, "class_names": ["a"]}, r"only pass `class_names` if labels='inferred'"),
        ({"interpolation": "area"}, r"Argument `interpolation` should be one of"),
        ({"image_size": "big"}, r"`image_size` must be \(height, width\)"),
        ({"color_mode": "hsv"}, r"color_mode must be"),
        ({"format": "torch"}, r"`format` must be 'tf' or 'grain'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, r"Only one of"),
    ],
)
def test_datasets_say_what_is_wrong(folder, options, message):
    with pytest.raises(ValueError, match=message):
        image_dataset_from_directory(folder, **options)


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"No images found in directory"):
        image_dataset_from_directory(tmp_path, labels=None)


# --- split_dataset ------------------------------------------------------------------------------


def test_split_dataset_keeps_the_kind_of_what_it_divides():
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    left, right = split_dataset((x, y), left_size=0.8)
    assert (type(left), right[1].tolist()) == (tuple, [8, 9])
    left, right = split_dataset(x, right_size=3)
    assert (left.shape, right.shape) == ((7, 2), (3, 2))
    left, right = split_dataset(list(range(10)), 0.55, 0.25)
    assert (list(left), list(right)) == (list(range(6)), [6, 7])
    left, right = split_dataset(((i, i * i) for i in range(4)), left_size=1)
    assert (left, right) == ([(0, 0)], [(1, 1), (2, 4), (3, 9)])
    left, right = split_dataset([x, y], left_size=4, shuffle=True, seed=0)
    np.testing.assert_array_equal(left[0], x[left[1]])
    assert sorted(np.r_[left[1], right[1]]) == list(range(10))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, r"at least one of `left_size` and `right_size`"),
        ({"left_size": 1.2}, r"`left_size` must be a fraction between 0 and 1"),
        ({"left_size": 10}, r"10 rows cannot give 10 .* and 0"),
        ({"left_size": 0.7, "right_size": 0.7}, r"10 rows cannot give 7 .* and 7"),
        ({"left_size": "a"}, r"`left_size` must be a fraction or a whole number"),
    ],
)
def test_split_dataset_says_what_is_wrong(sizes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        split_dataset(np.arange(10), **sizes)
