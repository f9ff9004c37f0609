"""What is compared between kerasish's and Keras's image preprocessing; used by both sides."""

import numpy as np

IMAGE = np.random.default_rng(7).integers(0, 256, (9, 9, 3)).astype("float32")
IMAGES = np.random.default_rng(8).integers(0, 256, (6, 5, 5, 3)).astype("float32")
AXES = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}

AFFINE = {
    f"{mode} {order} {name}": {"fill_mode": mode, "order": order, "cval": 9.0, **what}
    for mode in ("nearest", "constant", "reflect", "wrap")
    for order in (0, 1)
    for name, what in {
        "turn": {"theta": 33.0},
        "move": {"tx": 1.25, "ty": -2.5},
        "shear": {"shear": 21.0},
        "shrink": {"zx": 1.6, "zy": 1.3},
        "grow": {"zx": 0.7, "zy": 0.45},
        "all": {"theta": -71.0, "tx": 1.3, "ty": 0.6, "shear": -12.0, "zx": 1.2, "zy": 0.8},
    }.items()
}
PARAMETERS = {
    "flips": {"flip_horizontal": True, "flip_vertical": True},
    "channel": {"channel_shift_intensity": 31.5},
    "brightness": {"brightness": 0.6},
    "order": {"theta": 90, "flip_horizontal": True, "channel_shift_intensity": -20.0},
}
SCALING = {
    "rescale": {"rescale": 1 / 255},
    "samplewise": {"samplewise_center": True, "samplewise_std_normalization": True},
    "featurewise": {"featurewise_center": True, "featurewise_std_normalization": True},
    "featurewise rescaled": {"featurewise_center": True, "rescale": 0.5},
    "whitening": {"zca_whitening": True, "featurewise_center": True, "zca_epsilon": 0.1},
    "function": {"preprocessing_function": lambda x: x[..., ::-1] - 3, "rescale": 2.0},
}
RESIZED = [
    {"target_size": (4, 6), "interpolation": how, "keep_aspect_ratio": keep}
    for how in ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
    for keep in (False, True)
]
SMART = [((4, 6), "bilinear"), ((6, 3), "bilinear"), ((7, 7), "nearest"), ((12, 5), "bilinear")]


def compute(image, tools):
    """All results, by name; `image` is a module like keras.preprocessing.image."""
    found = {}
    for name, options in AFFINE.items():
        found[f"affine {name}"] = image.apply_affine_transform(IMAGE, **options, **AXES)
    found["brightness"] = image.apply_brightness_shift(IMAGE, 1.7, True)
    found["brightness of fractions"] = image.apply_brightness_shift(IMAGE / 255 - 0.5, 0.5, False)
    found["channel shift"] = image.apply_channel_shift(IMAGE, 40.0, 2)
    generator = image.ImageDataGenerator()
    for name, options in PARAMETERS.items():
        found[f"transform {name}"] = generator.apply_transform(IMAGE.copy(), options)
    for name, options in SCALING.items():
        generator = image.ImageDataGenerator(**options)
        generator.fit(IMAGES)
        found[f"scaling {name}"] = generator.standardize(IMAGES[1].copy())
    for i, options in enumerate(RESIZED):
        picture = tools.load_img("picture.png", **options)
        found[f"load {i}"] = tools.img_to_array(picture)
    for mode in ("grayscale", "rgba"):
        found[f"load {mode}"] = tools.img_to_array(tools.load_img("picture.png", color_mode=mode))
    found["to image"] = np.asarray(tools.array_to_img(IMAGE / 7 - 3))
    found["to image unscaled"] = np.asarray(tools.array_to_img(IMAGE[..., :1], scale=False))
    for size, how in SMART:
        found[f"smart {size} {how}"] = np.asarray(image.smart_resize(IMAGE, size, how))
    return found
