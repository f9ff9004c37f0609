"""`ImageDataGenerator`: what it draws, and its batches from arrays, folders and data frames."""

import itertools
import warnings

import numpy as np
import pytest

import kerasish as ks
from kerasish.preprocessing import image
from kerasish.preprocessing.image import ImageDataGenerator
from kerasish.utils import save_img

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (10, 6, 6, 3), "uint8")
Y = np.arange(10) % 2
BUSY = {
    "rotation_range": 30,
    "width_shift_range": 0.2,
    "height_shift_range": 0.2,
    "shear_range": 10,
    "zoom_range": 0.2,
    "channel_shift_range": 20,
    "brightness_range": (0.5, 1.5),
    "horizontal_flip": True,
    "vertical_flip": True,
    "rescale": 1 / 255,
}


# --- what is drawn ------------------------------------------------------------------------------


def drawn(count=300, shape=(40, 60, 3), **options):
    generator = ImageDataGenerator(**options)
    found = [generator.get_random_transform(shape, seed) for seed in range(count)]
    return {key: np.array([f[key] for f in found]) for key in found[0]}


@pytest.mark.parametrize(
    ("options", "key", "low", "high"),
    [
        ({"rotation_range": 30}, "theta", -30, 30),
        ({"shear_range": 8.0}, "shear", -8, 8),
        ({"width_shift_range": 0.1}, "tx", -6, 6),
        ({"height_shift_range": 0.1}, "ty", -4, 4),
        ({"width_shift_range": 5.0}, "tx", -5, 5),
        ({"zoom_range": 0.3}, "zx", 0.7, 1.3),
        ({"zoom_range": (0.5, 0.9)}, "zy", 0.5, 0.9),
        ({"channel_shift_range": 12}, "channel_shift_intensity", -12, 12),
        ({"brightness_range": [0.2, 0.4]}, "brightness", 0.2, 0.4),
    ],
)
def test_draws_lie_within_their_range_and_fill_it(options, key, low, high):
    values = drawn(**options)[key]
    assert low <= values.min() < low + 0.1 * (high - low)
    assert high >= values.max() > high - 0.1 * (high - low)


@pytest.mark.parametrize("span", [3, [-2, 1], (0.25, 0.5)])
def test_shifts_by_whole_pixels_or_out_of_a_list(span):
    values = set(drawn(width_shift_range=span)["tx"])
    expected = {3: {-2, -1, 0, 1, 2}, 2: {-2, -1, 1, 2}}
    if isinstance(span, tuple):
        assert values == {-30, -15, 15, 30}
    else:
        assert values == expected[span if isinstance(span, int) else 2]


def test_nothing_is_drawn_without_ranges_and_flips_are_fair():
    plain = drawn(20)
    assert {k for k, v in plain.items() if v.any()} == {"zx", "zy"}
    flips = drawn(horizontal_flip=True)
    assert 100 < flips["flip_horizontal"].sum() < 200
    assert not flips["flip_vertical"].any()


def test_shifts_of_the_width_move_columns():
    moved = ImageDataGenerator(width_shift_range=[2], fill_mode="constant").random_transform(
        X[0], 0
    )
    assert not moved[:, :2].any() or not moved[:, -2:].any()
    assert moved.any(axis=(1, 2)).all()


def test_a_turn_of_a_wide_image_is_about_its_centre():
    x = np.zeros((5, 9, 1), "float32")
    x[2, 4] = 1
    found = ImageDataGenerator().apply_transform(x, {"theta": 90})
    assert found[2, 4] == pytest.approx(1)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_one_image_is_changed_as_in_a_batch(data_format):
    generator = ImageDataGenerator(data_format=data_format, **BUSY)
    x = X if data_format == "channels_last" else X.transpose(0, 3, 1, 2)
    seeds = [generator.get_random_transform(x.shape[1:], i) for i in range(10)]
    together = generator.apply_transforms(x, seeds)
    for i in range(10):
        np.testing.assert_allclose(
            generator.apply_transform(x[i], seeds[i]), together[i], atol=1e-3
        )
    if data_format == "channels_first":
        last = ImageDataGenerator(**BUSY).apply_transforms(X, seeds)
        np.testing.assert_allclose(together.transpose(0, 2, 3, 1), last, atol=1e-3)


def test_inputs_are_never_changed():
    before = X.copy()
    x = X.astype("float32")
    generator = ImageDataGenerator(samplewise_center=True, **BUSY)
    generator.random_transform(x[0])
    generator.standardize(x)
    generator.fit(x)
    next(generator.flow(x, Y))
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("make", ["rotation", "shift", "shear", "zoom"])
def test_the_functions_change_one_image_at_random(make):
    amount = {"rotation": (20,), "shift": (0.2, 0.3), "shear": (20,), "zoom": ((0.5, 0.8),)}[make]
    function = getattr(image, f"random_{make}")
    axes = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
    first, again, other = (function(X[0], *amount, **axes, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first.shape, first.dtype) == (X[0].shape, X.dtype)
    first_axis = function(X[0].transpose(2, 0, 1), *amount, seed=1)
    np.testing.assert_array_equal(first_axis.transpose(1, 2, 0), first)


def test_brightness_and_channels_at_random():
    bright = image.random_brightness(X[0], (2.0, 3.0), scale=False, seed=0)
    assert bright.mean() > X[0].mean()
    shifted = image.random_channel_shift(X[0].astype("float32"), 50, 2, seed=0)
    assert X[0].min() <= shifted.min() < shifted.max() <= X[0].max()


# --- flow ---------------------------------------------------------------------------------------


def test_batches_are_scaled_floats_with_their_targets():
    flow = ImageDataGenerator(rescale=1 / 255).flow(X, Y, batch_size=4, shuffle=False)
    assert (len(flow), flow.n, flow.batch_size) == (3, 10, 4)
    x, y = flow[1]
    np.testing.assert_allclose(x, X[4:8] / np.float32(255), rtol=1e-6)
    np.testing.assert_array_equal(y, Y[4:8])
    assert x.dtype == np.float32
    assert [len(x) for x, _ in itertools.islice(flow, 4)] == [4, 4, 2, 4]
    assert isinstance(ImageDataGenerator().flow(X)[0], np.ndarray)
    weighted = ImageDataGenerator().flow(X, Y, sample_weight=np.arange(10), shuffle=False)
    assert weighted[0][2].tolist() == list(range(10))
    with pytest.raises(IndexError, match="there is no batch 3, but 3 of them"):
        flow[3]


def test_epochs_differ_and_repeat_with_their_seed():
    flows = [ImageDataGenerator(**BUSY).flow(X, Y, batch_size=4, seed=3) for _ in range(2)]
    first = [[b for b, _ in itertools.islice(flow, 6)] for flow in flows]
    for a, b in zip(*first, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0][0], first[0][3])
    by_number = ImageDataGenerator(**BUSY).flow(X, Y, batch_size=4, seed=3)
    np.testing.assert_array_equal(by_number[2][0], first[0][2])
    by_number.on_epoch_end()
    np.testing.assert_array_equal(by_number[0][0], first[0][3])
    ks.set_random_seed(1)
    drawn = ImageDataGenerator(**BUSY).flow(X)[0]
    ks.set_random_seed(1)
    np.testing.assert_array_equal(ImageDataGenerator(**BUSY).flow(X)[0], drawn)


def test_a_flow_trains_validates_and_can_be_resumed():
    model = ks.Sequential([ks.layers.Flatten(), ks.layers.Dense(1, "sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy", ["accuracy"])
    generator = ImageDataGenerator(validation_split=0.4, **BUSY)
    train = generator.flow(X, Y, batch_size=2, subset="training")
    valid = generator.flow(X, Y, batch_size=2, subset="validation")
    assert (train.n, valid.n) == (6, 4)
    np.testing.assert_array_equal(valid.y, Y[:4])
    history = model.fit(train, epochs=2, validation_data=valid, verbose=0, steps_per_epoch=3)
    assert len(history.history["val_loss"]) == 2
    assert model.predict(generator.flow(X, shuffle=False), verbose=0).shape == (10, 1)


def test_a_subclass_may_change_images_in_its_own_way():
    class Black(ImageDataGenerator):
        def apply_transform(self, x, transform_parameters):
            return np.zeros_like(x)

    assert not Black().flow(X)[0].any()


def test_preprocessing_gets_each_image_after_the_changes():
    shapes = []

    def function(x):
        shapes.append(x.shape)
        return x - x.mean()

    batch = ImageDataGenerator(preprocessing_function=function).flow(X, batch_size=4)[0]
    assert shapes == [(6, 6, 3)] * 4
    np.testing.assert_allclose(batch.mean(axis=(1, 2, 3)), 0, atol=1e-3)


def test_changed_images_can_be_saved_to_be_looked_at(tmp_path):
    flow = ImageDataGenerator().flow(X, batch_size=4, save_to_dir=tmp_path, save_prefix="a")
    next(flow)
    assert len(list(tmp_path.glob("a_*.png"))) == 4


def test_statistics_that_were_not_fitted_are_told_once():
    with pytest.warns(UserWarning, match="overrides setting of `featurewise_center`"):
        generator = ImageDataGenerator(featurewise_std_normalization=True)
    with pytest.warns(UserWarning, match="hasn't been fit on any training data") as caught:
        generator.flow(X)[0]
    assert len(caught) == 2  # the mean and the deviation
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generator.flow(X)[0]
    generator.fit(X, augment=True, rounds=2, seed=0)
    assert generator.mean.shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill_mode": "mirror"}, r"`fill_mode` must be one of .* got 'mirror'"),
        ({"interpolation_order": 3}, r"must be 0 \(nearest pixel\) or 1 \(linear\) but got 3"),
        ({"data_format": "NHWC"}, r"`data_format` must be"),
        ({"validation_split": 1.5}, r"`validation_split` must be strictly between 0 and 1"),
        ({"zoom_range": "big"}, r"`zoom_range` should be a float or a tuple"),
        ({"brightness_range": 0.5}, r"`brightness_range` should be a tuple or list of two"),
    ],
)
def test_generators_say_what_is_wrong(options, message):
    with pytest.raises(ValueError, match=message):
        ImageDataGenerator(**options)


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (X[..., 0], Y, {}, r"rank 4.* shape \(10, 6, 6\). Add an axis for channels"),
        (X, Y[:5], {}, r"Data cardinality is ambiguous.*'x' sizes: 10, 'y' sizes: 5"),
        (X, Y, {"subset": "train"}, r"Invalid subset name: 'train'"),
        (X, Y, {"subset": "training"}, r"needs ImageDataGenerator\(validation_split=...\)"),
        ((X, X), Y, {}, r"`x` is a tuple of 2, but a Sequential model has one input"),
        (X, Y, {"batch_size": 0}, r"`batch_size` must be at least 1"),
    ],
)
def test_flow_says_what_is_wrong(x, y, options, message):
    with pytest.raises(ValueError, match=message):
        ImageDataGenerator().flow(x, y, **options)


def test_sorted_classes_are_not_split_and_odd_channels_are_told():
    generator = ImageDataGenerator(validation_split=0.2)
    with pytest.raises(ValueError, match=r"different classes after the split.*shuffled first"):
        generator.flow(X, np.arange(10) // 5, subset="training")
    assert generator.flow(X, np.arange(10) // 5, subset="training", ignore_class_split=True).n == 8
    with pytest.warns(UserWarning, match=r"expected 1, 3 or 4 channels on axis 3"):
        ImageDataGenerator().flow(X[..., :2])
    with pytest.warns(UserWarning, match=r"1, 3 or 4 channels on axis 3"):
        ImageDataGenerator().fit(X[..., :2])
    with pytest.raises(ValueError, match=r"should have rank 4"):
        ImageDataGenerator().fit(X[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": X[0], "fill_mode": "edge"}, r"`fill_mode` must be one of"),
        ({"x": X}, r"three axes.* got shape \(10, 6, 6, 3\)"),
        ({"x": X[0], "row_axis": 0}, r"axes 0, 2, 0. For \(H, W, C\) pass"),
    ],
)
def test_apply_affine_transform_says_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        image.apply_affine_transform(**arguments)
    with pytest.raises(ValueError, match="two floats"):
        image.random_zoom(X[0], 0.5)


# --- flow_from_directory ------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for number, (name, count) in enumerate({"cat": 4, "dog": 6}.items()):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(count):
            picture = np.full((6, 8, 3), 100 * number + i)
            save_img(tmp_path / "pets" / name / f"{i}.png", picture, scale=False)
    return tmp_path / "pets"


@pytest.mark.parametrize(
    ("mode", "shape"),
    [
        ("categorical", (10, 2)),
        ("binary", (10,)),
        ("sparse", (10,)),
        ("input", (10, 4, 5, 3)),
        (None, None),
    ],
)
def test_folders_give_targets_of_every_kind(folder, capsys, mode, shape):
    flow = ImageDataGenerator().flow_from_directory(folder, (4, 5), class_mode=mode, shuffle=False)
    assert capsys.readouterr().out == "Found 10 images belonging to 2 classes.\n"
    assert (flow.samples, flow.num_classes, flow.class_indices) == (10, 2, {"cat": 0, "dog": 1})
    assert flow.classes.tolist() == flow.labels.tolist() == [0] * 4 + [1] * 6
    assert flow.filenames[4].replace("\\", "/") == "dog/0.png"
    assert flow.image_shape == (4, 5, 3)
    batch = flow[0]
    if mode is None:
        assert batch.shape == (10, 4, 5, 3)
        return
    x, y = batch
    assert x[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 100, 101, 102, 103, 104, 105]
    assert (y.shape, y.dtype) == (shape, np.float32)


def test_each_class_is_divided_and_grey_images_come_channels_first(folder):
    generator = ImageDataGenerator(validation_split=0.5, data_format="channels_first")
    options = {"target_size": (4, 4), "color_mode": "grayscale", "class_mode": "sparse"}
    train, valid = (
        generator.flow_from_directory(folder, subset=s, **options)
        for s in ("training", "validation")
    )
    assert (train.classes.tolist(), valid.classes.tolist()) == ([0, 0, 1, 1, 1],) * 2
    assert not set(train.filenames) & set(valid.filenames)
    assert valid.filenames[0].endswith("0.png")  # the first ones validate, as in Keras
    assert train[0][0].shape == (5, 1, 4, 4)


def test_a_directory_trains(folder):
    model = ks.Sequential([ks.layers.Flatten(), ks.layers.Dense(2, "softmax")], seed=0)
    model.compile("sgd", "categorical_crossentropy", ["accuracy"])
    flow = ImageDataGenerator(**BUSY).flow_from_directory(folder, (4, 4), batch_size=4, seed=0)
    history = model.fit(flow, epochs=2, verbose=0)
    assert len(history.history["accuracy"]) == 2


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (
            lambda f: None,
            {"class_mode": "category"},
            r"Invalid class_mode: 'category'.*mean 'categorical'",
        ),
        (lambda f: None, {"classes": ["cat", "dgo"]}, r"no folder 'dgo'.* Did you mean 'dog'"),
        (lambda f: (f / "eel").mkdir(), {}, r"the folder .*eel is empty"),
        (
            lambda f: ((f / "eel").mkdir(), save_img(f / "eel" / "1.png", X[0])),
            {"class_mode": "binary"},
            r"needs 2 classes, but .* has 3: cat, dog, eel",
        ),
        (lambda f: None, {"target_size": 4.5}, r"`target_size` must be \(height, width\)"),
        (lambda f: None, {"subset": "training"}, r"needs ImageDataGenerator\(validation_split"),
        (lambda f: None, {"color_mode": "gray"}, r"color_mode must be .* got 'gray'"),
    ],
)
def test_flow_from_directory_says_what_is_wrong(folder, spoil, options, message):
    spoil(folder)
    with pytest.raises(ValueError, match=message):
        ImageDataGenerator().flow_from_directory(folder, **options)


def test_a_part_without_images_is_told(folder):
    generator = ImageDataGenerator(validation_split=0.1)
    with pytest.raises(ValueError, match=r"subset='validation' of 10 images is empty"):
        generator.flow_from_directory(folder, subset="validation")


# --- flow_from_dataframe ------------------------------------------------------------------------


@pytest.fixture
def frame(folder):
    pd = pytest.importorskip("pandas")
    names = [f"cat/{i}.png" for i in range(4)] + [f"dog/{i}.png" for i in range(6)]
    return pd.DataFrame(
        {
            "filename": names,
            "class": ["cat"] * 4 + ["dog"] * 6,
            "age": np.arange(10.0),
            "weight": np.arange(10),
            "tags": [["a"], ["a", "b"]] * 5,
        }
    )


@pytest.mark.parametrize(
    ("mode", "column", "expected"),
    [
        ("binary", "class", [0] * 4 + [1] * 6),
        ("sparse", "class", [0] * 4 + [1] * 6),
        ("categorical", "class", [[1, 0]] * 4 + [[0, 1]] * 6),
        ("categorical", "tags", [[1, 0], [1, 1]] * 5),
        ("raw", "age", list(range(10))),
        ("raw", ["age", "weight"], [[i, i] for i in range(10)]),
    ],
)
def test_data_frames_give_targets_of_every_kind(folder, frame, mode, column, expected):
    flow = ImageDataGenerator().flow_from_dataframe(
        frame, folder, y_col=column, class_mode=mode, target_size=(2, 2), shuffle=False
    )
    x, y = flow[0]
    assert (x.shape, y.tolist()) == ((10, 2, 2, 3), expected)


def test_data_frames_with_weights_parts_and_several_outputs(folder, frame, capsys):
    generator = ImageDataGenerator(validation_split=0.2)
    options = {"directory": folder, "target_size": (2, 2), "shuffle": False}
    flow = generator.flow_from_dataframe(frame, weight_col="weight", subset="training", **options)
    assert flow[0][2].tolist() == list(range(2, 10))
    assert "Found 8 validated image filenames belonging to 2 classes." in capsys.readouterr().out
    flow = generator.flow_from_dataframe(
        frame, y_col=["age", "weight"], class_mode="multi_output", **options
    )
    assert [y.shape for y in flow[0][1]] == [(10,), (10,)]
    for mode in ("input", None):
        flow = generator.flow_from_dataframe(frame, class_mode=mode, **options)
        assert np.shape(flow[0][1] if mode else flow[0]) == (10, 2, 2, 3)
    flow = generator.flow_from_dataframe(frame, classes=["dog"], **options)
    assert flow.n == 6
    frame.loc[0, "filename"] = "cat/missing.png"
    with pytest.warns(UserWarning, match=r"Found 1 invalid image filename.*'cat/missing.png'"):
        flow = generator.flow_from_dataframe(frame, **options)
    assert flow.n == 9


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"x_col": "file"}, ValueError, r"no column 'file'.* It has: filename, class"),
        ({"y_col": "klass"}, ValueError, r"no column 'klass'. Did you mean 'class'"),
        ({"class_mode": "sparse", "y_col": "age"}, TypeError, r"must be strings but one is 0.0"),
        (
            {"class_mode": "binary", "classes": ["cat"]},
            ValueError,
            r"must be 2 classes. Found 1: cat",
        ),
        ({"class_mode": "multi_output"}, TypeError, r"y_col must be a list. Received str"),
        ({"weight_col": "class"}, TypeError, r"Column weight_col=class must be numeric"),
        ({"x_col": "age"}, TypeError, r"All values in column x_col=age must be strings"),
        ({"class_mode": "many"}, ValueError, r"Invalid class_mode: 'many'"),
        ({"classes": ["eel"]}, ValueError, r"no image is left of the 10 rows"),
        ({"sizes": 1}, TypeError, r"got unexpected arguments: \['sizes'\]"),
    ],
)
def test_flow_from_dataframe_says_what_is_wrong(folder, frame, options, error, message):
    with pytest.raises(error, match=message):
        ImageDataGenerator().flow_from_dataframe(frame, folder, **options)
