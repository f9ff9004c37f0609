"""Resizing, cropping and random changes of images: Keras's numbers, chance, formats, errors."""

import importlib.util
import pathlib

import numpy as np
import pytest

from kerasish import Sequential, layers
from kerasish.kernels import sampling
from kerasish.layers import spatial
from kerasish.layers.augmentation.base import ImageLayer
from kerasish.step import Step

GOLDEN = pathlib.Path(__file__).parent / "golden"
RNG = np.random.default_rng(5)
IMAGES = RNG.uniform(0, 255, (64, 6, 5, 3)).astype("float32")

RANDOM = {
    "RandomFlip": {},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.3},
    "RandomRotation": {"factor": 0.2},
    "RandomZoom": {"height_factor": 0.4},
    "RandomShear": {"x_factor": 0.5},
    "RandomBrightness": {"factor": 0.3},
    "RandomContrast": {"factor": 0.5},
    "RandomCrop": {"height": 4, "width": 4},
    "RandomHue": {"factor": 0.5},
    "RandomSaturation": {"factor": (0.2, 0.9)},
    "RandomGrayscale": {},
    "RandomColorDegeneration": {"factor": 0.5},
    "RandomColorJitter": {"brightness_factor": 0.2, "hue_factor": 0.3, "contrast_factor": 0.4},
    "RandomInvert": {},
    "RandomPosterization": {"factor": 5},
    "Solarization": {"addition_factor": 0.4, "threshold_factor": 0.6},
    "RandomSharpness": {"factor": 1.0},
    "RandomGaussianBlur": {},
    "RandomPerspective": {},
    "RandomElasticTransform": {},
    "RandomErasing": {},
    "RandAugment": {},
    "AugMix": {},
    "MixUp": {},
    "CutMix": {},
}
FIXED = {"CenterCrop", "Resizing", "AutoContrast", "Equalization"}
FIXED |= {"ContrastLimitedAdaptiveHistogramEqualization"}


@pytest.fixture(autouse=True)
def already_warned(monkeypatch):
    """The word on the cost of channels first has a test of its own."""
    monkeypatch.setattr(spatial, "_warned", {"channels_first"})


def make(name, **more):
    return getattr(layers, name)(**RANDOM[name], **more)


def test_every_random_layer_is_in_the_list():
    classes = [getattr(layers, name) for name in layers.__all__]
    images = {c.__name__ for c in classes if isinstance(c, type) and issubclass(c, ImageLayer)}
    assert images - set(RANDOM) == FIXED


# --- numbers of real Keras ----------------------------------------------------------------------


def _load_cases():
    spec = importlib.util.spec_from_file_location("cases", GOLDEN / "augmentation_cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


CASES = _load_cases()


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "augmentation.npz") as file:
        return dict(file)


@pytest.mark.parametrize("pixels", [sampling.PIXELS, 1], ids=["whole", "cut"])
@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_agrees_with_keras(number, pixels, golden, monkeypatch):
    monkeypatch.setattr(sampling, "PIXELS", pixels)
    name, arguments, _, *drawn = CASES[number]
    x, expected = golden[f"{number}/x"], golden[f"{number}/y"]
    layer = getattr(layers, name)(**arguments)
    found = layer.transform(x, drawn[1])[0] if drawn else layer(x, training=True).numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * max(1, np.abs(expected).max())
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *expected.shape[1:])


# --- when, and how much --------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANDOM)
def test_inference_changes_nothing(name):
    y = make(name)(IMAGES, training=False)
    if name == "RandomCrop":
        assert np.array_equal(y, layers.CenterCrop(4, 4)(IMAGES))
    else:
        assert np.array_equal(y, IMAGES)


@pytest.mark.parametrize("name", RANDOM)
def test_training_changes_images_each_in_its_own_way(name):
    x = IMAGES[:16] if name in ("MixUp", "CutMix") else np.repeat(IMAGES[:1], 16, axis=0)
    y = make(name)(x).numpy()  # outside of models the default is training
    assert len({image.tobytes() for image in y}) > 1
    assert y.shape != x.shape or not np.array_equal(x, y)
    assert np.isfinite(y).all()


@pytest.mark.parametrize("name", RANDOM)
def test_whole_numbers_keep_their_meaning(name):
    x = IMAGES.astype("uint8")
    step = {"training": True, "seed": 3, "batch_size": 64}
    layer = make(name)
    whole = layer.forward(layer.prepare_input(x), Step(**step))[0]
    floats = layer.forward(x.astype("float32"), Step(**step))[0]
    assert whole.dtype == np.float32
    assert np.array_equal(whole, floats)
    assert layer(x).dtype == np.float32


@pytest.mark.parametrize("name", RANDOM)
def test_what_is_drawn_depends_on_seed_counter_and_shard(name):
    layer = make(name)

    def run(**key):
        return layer.forward(IMAGES, Step(training=True, batch_size=64, **key))[0]

    base = run(seed=1, counter=2, shard=0)
    assert np.array_equal(base, run(seed=1, counter=2, shard=0))
    for other in ({"seed": 2}, {"counter": 3}, {"shard": 1}):
        assert not np.array_equal(base, run(**{"seed": 1, "counter": 2, "shard": 0, **other}))
    seeded = make(name, seed=7)
    first, second = (
        seeded.forward(IMAGES, Step(training=True, batch_size=64, seed=s, counter=2))[0]
        for s in (1, 2)
    )
    assert np.array_equal(first, second)


def test_half_of_the_images_are_flipped():
    x = np.arange(6.0).reshape(1, 2, 3, 1).repeat(400, axis=0)
    for mode, turned in (
        ("horizontal", x[:, :, ::-1]),
        ("vertical", x[:, ::-1]),
        ("horizontal_and_vertical", x[:, ::-1, ::-1]),
    ):
        y = layers.RandomFlip(mode, seed=1)(x).numpy()
        flipped = (y == turned).all(axis=(1, 2, 3))
        assert 140 < flipped.sum() < 260
        assert np.array_equal(y[~flipped], x[~flipped])


def test_shifts_are_within_their_bounds():
    ramp = np.broadcast_to(np.arange(10.0)[:, None, None], (500, 10, 10, 1))
    y = layers.RandomTranslation((-0.3, 0.1), 0, fill_mode="nearest")(ramp).numpy()
    shift = 5 - y[:, 5, 0, 0]
    assert -3 <= shift.min() < -2.8
    assert 0.8 < shift.max() <= 1
    assert abs(shift.mean() + 1) < 0.2


def test_brightness_and_contrast_are_within_their_bounds():
    x = np.full((500, 2, 2, 1), 100.0)
    added = layers.RandomBrightness(0.2)(x).numpy()[:, 0, 0, 0] - 100
    assert -51 <= added.min() < -45
    assert 45 < added.max() <= 51
    x[:, 0] = 90
    for factor, low, high in ((0.3, 1, 1.3), ((0.2, 0.5), 0.8, 1.5)):
        y = layers.RandomContrast(factor)(x).numpy()
        spread = (y[:, 1, 0, 0] - y[:, 0, 0, 0]) / 10
        assert low - 1e-5 <= spread.min() < low + 0.02
        assert high - 0.02 < spread.max() <= high + 1e-5
        assert np.allclose(y.mean(axis=(1, 2, 3)), 95, atol=1e-4)


def test_crops_are_parts_of_their_images():
    x = np.arange(30.0).reshape(1, 6, 5, 1).repeat(300, axis=0)
    y = layers.RandomCrop(4, 3)(x).numpy()
    corner = y[:, 0, 0, 0]
    assert set(corner) == {5.0 * i + j for i in range(3) for j in range(3)}
    assert np.array_equal(y - corner[:, None, None, None], np.broadcast_to(x[:1, :4, :3], y.shape))
    assert np.array_equal(layers.RandomCrop(6, 5)(x), x)


def test_a_model_draws_anew_and_again_the_same():
    def train(threads_do_not_matter_for_one_shard=None):
        model = Sequential(
            [
                layers.RandomTranslation(0.2, 0.2),
                layers.RandomBrightness(0.2, value_range=(0, 1)),
                layers.Flatten(),
                layers.Dense(1),
            ],
            seed=4,
        )
        model.compile("sgd", "mse")
        history = model.fit(IMAGES / 255, np.ones(64), epochs=2, batch_size=16, verbose=0)
        return model, history.history["loss"]

    (model, losses), (_, again) = train(), train()
    assert losses == again
    assert np.array_equal(model.predict(IMAGES / 255, verbose=0), model(IMAGES / 255))


# --- formats ------------------------------------------------------------------------------------


def test_resizing_keeps_whole_numbers():
    x = IMAGES.astype("uint8")
    y = layers.Resizing(9, 8, interpolation="bicubic")(x)
    assert y.dtype == np.uint8
    floats = layers.Resizing(9, 8, interpolation="bicubic")(x.astype("float32"))
    assert floats.max() > 255
    assert np.array_equal(y, np.clip(np.round(floats), 0, 255))
    model = Sequential([layers.Resizing(9, 8), layers.Flatten()])
    assert model(x).dtype == np.float32


@pytest.mark.parametrize("name", [*RANDOM, "CenterCrop", "Resizing"])
def test_a_single_image(name):
    size = {"height": 3, "width": 3}
    layer = make(name) if name in RANDOM else getattr(layers, name)(**size)
    y = layer(IMAGES[0])
    assert y.shape == layer(IMAGES[:1]).shape[1:]
    assert layer(IMAGES[0].tolist()).shape == y.shape


@pytest.mark.parametrize("name", RANDOM)
def test_channels_first(name):
    first, last = make(name, data_format="channels_first"), make(name)
    step = {"training": True, "seed": 3, "batch_size": 64}
    expected = last.forward(IMAGES, Step(**step))[0]
    found = first.forward(np.moveaxis(IMAGES, -1, 1), Step(**step))[0]
    assert np.allclose(np.moveaxis(found, 1, -1), expected, atol=1e-4)


MOVING = ["RandomFlip", "RandomRotation", "RandomPerspective", "RandomCrop", "CutMix", "Resizing"]


@pytest.mark.parametrize("name", MOVING)
def test_masks_go_where_the_pixels_go(name):
    layer = make(name) if name in RANDOM else layers.Resizing(4, 7, interpolation="nearest")
    if hasattr(layer, "interpolation"):
        layer.interpolation = "nearest"
    masks = RNG.integers(0, 5, (64, 6, 5, 1))
    data = {"images": masks.astype("float32"), "segmentation_masks": masks}
    if name != "CutMix":
        data["labels"] = np.arange(64)
    found = layer(data)
    assert found["segmentation_masks"].dtype == masks.dtype
    assert np.array_equal(found["images"], found["segmentation_masks"])
    assert np.array_equal(found.get("labels", np.arange(64)), np.arange(64))
    assert data["images"].shape == (64, 6, 5, 1)
    single = layer({key: value[0] for key, value in data.items()})
    assert single["images"].shape == found["images"].shape[1:]


def test_labels_are_mixed_as_the_images():
    x = np.repeat(np.arange(64.0)[:, None, None, None], 12, axis=1).repeat(12, axis=2)
    data = {"images": x, "labels": np.eye(64)}
    for layer in (layers.MixUp(2.0), layers.CutMix((1, 1))):
        found = layer(data)
        assert np.allclose(found["labels"].sum(axis=1), 1, atol=1e-5)
        assert not np.array_equal(found["labels"], np.eye(64))
        mean = found["images"].mean(axis=(1, 2, 3))
        # A rectangle covers whole pixels, its share of the label is that of its area.
        tolerance = 1e-3 if type(layer) is layers.MixUp else 64 * 0.2
        assert np.allclose(mean, found["labels"] @ np.arange(64.0), atol=tolerance)
    same = layers.CutMix()({key: value[0] for key, value in data.items()})
    assert np.array_equal(same["images"], x[0])


def test_policies_choose_for_each_image():
    x = np.repeat(IMAGES[:1], 300, axis=0)
    y = layers.RandAugment(num_ops=1, factor=(0.9, 0.9), seed=0)(x).numpy()
    auto, equal = (layer(x[:1])[0] for layer in (layers.AutoContrast(), layers.Equalization()))
    for expected in (auto, equal):
        share = np.isclose(y, expected, atol=1e-3).all(axis=(1, 2, 3)).mean()
        assert abs(share - 1 / 11) < 0.06
    weak = layers.AugMix(factor=(0, 0), alpha=1.0)(x).numpy()
    assert weak.min() >= 0
    assert weak.max() <= 255
    gray = layers.RandAugment()(IMAGES[..., :1])
    assert gray.shape == (64, 6, 5, 1)


def test_nothing_happens_with_a_factor_of_nothing():
    for layer in (
        layers.RandomElasticTransform(scale=0),
        layers.RandomPerspective(scale=0),
        layers.RandomErasing(factor=0),
        layers.RandomGaussianBlur(factor=0),
        layers.RandomColorJitter(),
        layers.RandomHue(0),
        layers.RandomSaturation((0.5, 0.5)),
        layers.RandomSharpness((0.5, 0.5)),
        layers.RandomPosterization((8, 8)),
        layers.Pipeline([]),
    ):
        x = np.round(IMAGES)
        assert np.allclose(layer(x), x, atol=2e-3), type(layer)


def test_a_shear_given_by_a_number_can_be_read_by_keras():
    layer = layers.RandomShear(0.2)
    assert (
        layer.get_config()["x_factor"] == 0.2
    )  # of (-0.2, 0.2) Keras says that it is not in [0, 1]
    slant = layer.draw((500, 4, 4, 1), np.random.default_rng(0))[:, 1]
    assert -0.2 <= slant.min() < -0.18
    assert 0.18 < slant.max() <= 0.2
    pair = layers.RandomShear((-0.2, 0.2))  # as Keras's files have it
    assert layers.RandomShear.from_config(pair.get_config()).x_factor == [-0.2, 0.2]


def test_an_elastic_field_is_smooth_and_of_the_right_size():
    layer = layers.RandomElasticTransform((1, 1), scale=(0.8, 0.8))
    apply, moves = layer.draw((20, 48, 64, 1), np.random.default_rng(0))
    assert apply.all()
    sigma = 0.05 * 0.8 * 48
    noise = sigma / (2 * np.sqrt(np.pi) * sigma)  # of white noise after the blur
    assert moves.std() == pytest.approx(0.1 * 0.8 * 64 * noise, rel=0.1)
    assert np.abs(np.diff(moves, axis=3)).std() < 0.4 * moves.std()


def test_erased_rectangles():
    y = layers.RandomErasing((1, 1), scale=(0.25, 0.25), fill_value=(1, 2, 3))(IMAGES).numpy()
    erased = (y == [1, 2, 3]).all(axis=-1)
    assert np.array_equal(y[~erased], IMAGES[~erased])
    assert set(erased.sum(axis=(1, 2))) <= {4, 6, 9, 12}  # 3 x 2.5 pixels
    noise = layers.RandomErasing((1, 1), value_range=(0, 1))(IMAGES / 255).numpy()
    assert noise.min() >= 0
    assert noise.max() <= 1


def test_a_pipeline():
    pipeline = layers.Pipeline([layers.RandomFlip(), layers.Rescaling(1 / 255)])
    assert pipeline(IMAGES.astype("uint8")).max() <= 1
    assert np.array_equal(pipeline(IMAGES, training=False), layers.Rescaling(1 / 255)(IMAGES))
    assert pipeline(IMAGES[0]).shape == IMAGES[0].shape
    found = layers.Pipeline([layers.RandomRotation(0.1), layers.RandomFlip()])(
        {"images": IMAGES, "labels": np.arange(64)}
    )
    assert np.array_equal(found["labels"], np.arange(64))
    model = Sequential([pipeline, layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(IMAGES, np.ones(64), epochs=1, verbose=0)
    assert model.predict(IMAGES, verbose=0).shape == (64, 1)


def test_mixing_in_a_model_warns_of_the_labels():
    model = Sequential([layers.MixUp(name="m"), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match=r"MixUp 'm' \(layer 0\) mixes the images in a model, but"):
        model.train_on_batch(IMAGES, np.ones(64))
    model.predict(IMAGES, verbose=0)


def test_colours_leave_masks_alone():
    masks = RNG.integers(0, 5, (64, 6, 5, 1))
    found = layers.RandomBrightness(0.5)({"images": IMAGES, "segmentation_masks": masks})
    assert np.array_equal(found["segmentation_masks"], masks)
    assert not np.array_equal(found["images"], IMAGES)
    found = layers.RandomBrightness(0.5)({"images": IMAGES}, training=False)
    assert np.array_equal(found["images"], IMAGES)


def test_resizing_to_the_same_size_is_nothing():
    assert np.array_equal(layers.Resizing(6, 5)(IMAGES), IMAGES)


def test_rows_of_resizing_sum_to_one():
    for kind in sampling.INTERPOLATIONS:
        for antialias in (False, True):
            matrix = sampling.resize_matrix(7, 4, kind, antialias, "float64")
            assert np.allclose(matrix.sum(axis=1), 1)


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RandomFlip("diagonal"), "`mode` must be 'horizontal', 'vertical' or 'hor"),
        (
            lambda: layers.RandomRotation(1.5, name="r"),
            "'r': `factor` must be a number from -1 to 1, or a pair of them, but is 1.5",
        ),
        (lambda: layers.RandomRotation(45), r"but is 45\. For 45 degrees write 0\.125"),
        (lambda: layers.RandomBrightness(20), r"but is 20\. For 20 % write 0\.2"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), "`factor` must be a number from -1 to 1"),
        (lambda: layers.RandomRotation((0.1,)), "`factor` must be a number from -1 to 1"),
        (lambda: layers.RandomRotation("0.1"), "`factor` must be a number from -1 to 1"),
        (lambda: layers.RandomRotation(True), "`factor` must be a number from -1 to 1"),
        (lambda: layers.RandomTranslation(0.1, None), "`width_factor` must be a number from -1"),
        (lambda: layers.RandomTranslation(2, 0.1), "`height_factor` must be a number from -1 to"),
        (lambda: layers.RandomZoom(-1), "`height_factor` must be above -1"),
        (lambda: layers.RandomZoom(0.1, (-1, 0)), "`width_factor` must be above -1"),
        (lambda: layers.RandomShear(1.1), "`x_factor` must be a number from -1 to 1"),
        (lambda: layers.RandomContrast(-0.1), "`factor` must be a number from 0 to 1"),
        (lambda: layers.RandomBrightness(1.2), "`factor` must be a number from -1 to 1"),
        (
            lambda: layers.RandomBrightness(0.2, value_range=(1, 1)),
            r"`value_range` must be the least and the largest value of a pixel, .* but is \(1, 1\)",
        ),
        (lambda: layers.RandomContrast(0.2, value_range=255), "`value_range` must be the least"),
        (
            lambda: layers.RandomZoom(0.1, fill_mode="mirror"),
            "`fill_mode` must be 'reflect', 'wrap', 'constant' or 'nearest' but is 'mirror'",
        ),
        (
            lambda: layers.RandomRotation(0.1, interpolation="bicubic"),
            "`interpolation` must be 'nearest' or 'bilinear' but is 'bicubic'",
        ),
        (lambda: layers.Resizing(0, 3), "`height` must be a positive whole number"),
        (lambda: layers.CenterCrop(3, 2.5), "`width` must be a positive whole number"),
        (
            lambda: layers.Resizing(3, 3, interpolation="area"),
            "`interpolation` must be 'bilinear', 'nearest', 'bicubic', 'lanczos3' or 'lanczos5'",
        ),
        (lambda: layers.Resizing(3, 3, fill_mode="reflect"), "`fill_mode` must be 'constant'"),
        (
            lambda: layers.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
            "only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio`",
        ),
        (lambda: layers.RandomHue(-0.1), "`factor` must be a number from 0 to 1"),
        (lambda: layers.RandomGrayscale(1.5), "`factor` must be a number from 0 to 1 but is 1.5"),
        (lambda: layers.RandomPosterization(9), "`factor` must be a number from 1 to 8"),
        (lambda: layers.RandomPosterization(2.5), "`factor` must be whole numbers but is 2.5"),
        (lambda: layers.Solarization(2), "`addition_factor` must be a number from 0 to 1"),
        (lambda: layers.Equalization(bins=0), "`bins` must be a positive whole number"),
        (lambda: layers.RandomGaussianBlur(kernel_size=4), "`kernel_size` must be odd"),
        (lambda: layers.RandomGaussianBlur(sigma=2), "`sigma` must be a number from 0 to 1"),
        (lambda: layers.RandomPerspective(scale=2), "`scale` must be a number from 0 to 1"),
        (lambda: layers.RandomElasticTransform(fill_mode="x"), "`fill_mode` must be 'reflect', "),
        (lambda: layers.RandomErasing(scale=(0.1, 3)), "`scale` must be a number from 0 to 1"),
        (lambda: layers.RandomErasing(fill_value=(1, 2)), "`fill_value` must be a number, three n"),
        (lambda: layers.MixUp(alpha=0), "`alpha` must be a number above 0 but is 0"),
        (lambda: layers.CutMix(factor=2), "`factor` must be a number from 0 to 1"),
        (lambda: layers.RandAugment(num_ops=0), "`num_ops` must be a positive whole number"),
        (lambda: layers.RandAugment(factor=-1), "`factor` must be a number from 0 to 1"),
        (lambda: layers.AugMix(alpha="1"), "`alpha` must be a number above 0 but is '1'"),
        (lambda: layers.AugMix(chain_depth=0), "`chain_depth` must be a positive whole number"),
        (lambda: layers.Pipeline(3), "Pipeline takes a list of layers but got 3"),
        (lambda: layers.Pipeline([3]), "Pipeline takes a list of layers but 3 is none"),
        (
            lambda: layers.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=-1),
            "`clip_limit` must be a number from 0 up",
        ),
        (
            lambda: layers.RandomFlip(bounding_box_format="xyxy"),
            "does not take `bounding_box_format`: bounding boxes are not supported",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_images_that_are_not_in_colour():
    for layer in (layers.RandomHue(0.1, name="h"), layers.RandomColorJitter(hue_factor=0.1)):
        with pytest.raises(ValueError, match=r"\(N, height, width, 3\) .* channels red, green"):
            layer(IMAGES[..., :1])
    assert layers.RandomGrayscale()(IMAGES[..., :1]).shape == (64, 6, 5, 1)
    with pytest.raises(ValueError, match="`fill_value` has three numbers, one for each channel"):
        layers.RandomErasing(fill_value=(1, 2, 3))(IMAGES[..., :2])


def test_labels_and_masks_that_cannot_be_mixed():
    data = {"images": IMAGES, "labels": np.arange(64)}
    with pytest.raises(ValueError, match=r"MixUp 'm' mixes labels that are vectors, .* \(64,\)"):
        layers.MixUp(name="m")(data)
    masks = {"images": IMAGES, "segmentation_masks": np.ones((64, 6, 5, 1), int)}
    with pytest.raises(ValueError, match=r"blends masks that hold shares .* got int64"):
        layers.MixUp()(masks)
    with pytest.raises(ValueError, match="moved in different ways: masks cannot follow"):
        layers.AugMix()(masks)


def test_bad_images():
    with pytest.raises(TypeError, match=r"got a tuple\. Pass {'images': x, 'labels': y} for both"):
        layers.MixUp()((IMAGES, np.eye(64)))
    with pytest.raises(ValueError, match=r"RandomFlip 'f' expects .*channels\) but got \(N, 28\)"):
        layers.RandomFlip(name="f")(np.zeros((4, 28)))
    with pytest.raises(ValueError, match=r"\(layer 0\) expects inputs of shape \(N, height, width"):
        Sequential([layers.RandomFlip(), layers.Flatten()]).build((None, 28, 28))
    with pytest.raises(ValueError, match="takes a dict with 'images' and, if you like, 'labels'"):
        layers.RandomFlip()({"images": IMAGES, "bounding_boxes": []})
    with pytest.raises(ValueError, match="takes a dict with 'images'"):
        layers.RandomFlip()({"labels": IMAGES})
