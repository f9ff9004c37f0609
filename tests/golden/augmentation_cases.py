"""The layers, arguments and inputs of augmentation.npz; used by its maker and by the tests.

One row: class, arguments, shape of the images (values from 0 to 255), and for layers whose factors
alone do not fix what they do: what Keras and what kerasish is to have drawn at random.
"""

import numpy as np

GEOMETRY = (3, 6, 5, 2)
COLORS = (2, 5, 6, 3)
MODES = ("reflect", "wrap", "constant", "nearest")


def affine(b, d):
    """Matrices (N, 6) with these two entries."""
    one = np.ones_like(b)
    return np.stack([one, b, 0 * one, d, one, 0 * one], axis=1)


SHEAR = np.array([[0.2, 0.1], [-0.3, 0.4], [0.0, -0.25]])
CONTRAST = np.array([0.3, 1.6])
HUE = np.array([0.13, -0.41])
SATURATION = np.array([0.3, 0.9])
STRONG = np.array([2.5, -0.5])
SHARP = np.array([0.1, 0.95])
ONE_OF_TWO = np.array([False, True])
BITS = np.array([1, 5])
ADDED, THRESHOLD = np.array([10.0, 60.0]), np.array([120.0, 200.0])
SIGMA = np.array([[0.5, 0.5], [0.9, 0.9]])  # across and down, of each image
ENDS = np.array([[[0, 0], [6, 1], [-1, 5], [5.5, 6]], [[0, 0], [4, 0], [0, 4], [3, 5]]], float)
CORNERS = np.array([[0, 0], [5, 0], [0, 4], [5, 4]], float)
ORDER, SHARE = np.array([1, 0]), np.array([0.3, 0.8])
INSIDE = np.zeros((2, 5, 6), bool)
INSIDE[0, 1:3, 2:5] = INSIDE[1, 2:, :2] = True


def each(values):
    """(N,) as (N, 1, 1, 1)."""
    return np.reshape(values, (-1, 1, 1, 1))


CASES = [
    *[
        (
            "RandomTranslation",
            {"height_factor": (0.3, 0.3), "width_factor": (-0.7, -0.7), "fill_mode": mode},
            GEOMETRY,
        )
        for mode in MODES
    ],
    (
        "RandomTranslation",
        {
            "height_factor": (0.3, 0.3),
            "width_factor": (1, 1),
            "fill_mode": "constant",
            "fill_value": 7,
            "interpolation": "nearest",
        },
        GEOMETRY,
    ),
    *[("RandomRotation", {"factor": (0.08, 0.08), "fill_mode": mode}, GEOMETRY) for mode in MODES],
    (
        "RandomRotation",
        {"factor": (-0.3, -0.3), "fill_mode": "constant", "fill_value": 9},
        GEOMETRY,
    ),
    ("RandomRotation", {"factor": (0.1, 0.1), "interpolation": "nearest"}, GEOMETRY),
    (
        "RandomRotation",
        {"factor": (0.2, 0.2), "data_format": "channels_first"},
        (2, 3, 5, 6),
    ),
    *[
        (
            "RandomZoom",
            {"height_factor": (0.9, 0.9), "width_factor": (-0.4, -0.4), "fill_mode": mode},
            GEOMETRY,
        )
        for mode in MODES
    ],
    ("RandomZoom", {"height_factor": (0.3, 0.3), "interpolation": "nearest"}, GEOMETRY),
    *[
        (
            "RandomShear",
            {"x_factor": 0.4, "y_factor": 0.4, "fill_mode": mode},
            GEOMETRY,
            {"shear_factor": SHEAR},
            affine(SHEAR[:, 0], SHEAR[:, 1]),
        )
        for mode in MODES
    ],
    ("RandomBrightness", {"factor": (0.3, 0.3)}, COLORS),
    ("RandomBrightness", {"factor": (-0.4, -0.4), "value_range": (10, 250)}, COLORS),
    (
        "RandomContrast",
        {"factor": 0.5},
        COLORS,
        {"contrast_factor": CONTRAST.reshape(-1, 1, 1, 1)},
        CONTRAST,
    ),
    ("CenterCrop", {"height": 3, "width": 2}, (2, 6, 5, 3)),
    ("CenterCrop", {"height": 7, "width": 4}, (2, 6, 5, 3)),
    ("CenterCrop", {"height": 4, "width": 9}, (2, 6, 5, 3)),
    ("CenterCrop", {"height": 3, "width": 3, "data_format": "channels_first"}, (2, 3, 6, 5)),
    *[
        ("Resizing", {"height": 4, "width": 9, "interpolation": kind}, (2, 7, 6, 2))
        for kind in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
    ],
    *[
        (
            "Resizing",
            {"height": 3, "width": 5, "interpolation": kind, "antialias": True},
            (2, 11, 8, 2),
        )
        for kind in ("bilinear", "bicubic", "lanczos3")
    ],
    ("Resizing", {"height": 4, "width": 4, "crop_to_aspect_ratio": True}, (2, 5, 8, 2)),
    ("Resizing", {"height": 6, "width": 3, "crop_to_aspect_ratio": True}, (2, 7, 6, 2)),
    (
        "Resizing",
        {"height": 4, "width": 4, "pad_to_aspect_ratio": True, "fill_value": 9},
        (2, 5, 8, 2),
    ),
    ("Resizing", {"height": 6, "width": 3, "pad_to_aspect_ratio": True}, (2, 7, 6, 2)),
    ("Resizing", {"height": 4, "width": 6, "data_format": "channels_first"}, (2, 3, 5, 5)),
    ("RandomHue", {"factor": 0.5}, COLORS, {"factor": HUE}, HUE),
    ("RandomHue", {"factor": 0.5, "value_range": (-20, 300)}, COLORS, {"factor": HUE}, HUE),
    ("RandomSaturation", {"factor": 0.5}, COLORS, {"factor": SATURATION}, SATURATION),
    (
        "RandomSaturation",
        {"factor": 0.5, "value_range": (0, 1)},
        COLORS,
        {"factor": STRONG},
        STRONG,
    ),
    ("RandomGrayscale", {}, COLORS, each(ONE_OF_TWO), ONE_OF_TWO),
    (
        "RandomColorDegeneration",
        {"factor": 0.5},
        COLORS,
        {"factor": each(SHARP - 0.3)},
        SHARP - 0.3,
    ),
    ("RandomColorDegeneration", {"factor": (0.5, 0.5)}, COLORS),
    (
        "RandomColorJitter",
        {"brightness_factor": (0.1, 0.1), "saturation_factor": (0.4, 0.4), "hue_factor": (0, 0)},
        COLORS,
    ),
    (
        "RandomInvert",
        {"value_range": (0, 240)},
        COLORS,
        {"apply_inversion": ONE_OF_TWO},
        ONE_OF_TWO,
    ),
    (
        "RandomPosterization",
        {"factor": 3},
        COLORS,
        {"shift_factor": (8 - BITS).astype("uint8")},
        BITS,
    ),
    ("RandomPosterization", {"factor": (3, 3), "value_range": (0, 510)}, COLORS),
    *[
        (
            "Solarization",
            {"value_range": values},
            COLORS,
            {"additions": each(ADDED), "thresholds": each(THRESHOLD)},
            [ADDED, THRESHOLD],
        )
        for values in ((0, 255), (50, 200))
    ],
    ("AutoContrast", {}, COLORS),
    ("AutoContrast", {"value_range": (100, 600)}, COLORS),
    ("AutoContrast", {}, (2, 1, 1, 3)),
    ("Equalization", {}, (1, 9, 8, 2)),
    ("Equalization", {"bins": 16}, (1, 9, 8, 2)),
    ("Equalization", {"value_range": (0, 300)}, (1, 9, 8, 2)),
    (
        "ContrastLimitedAdaptiveHistogramEqualization",
        {"tile_grid_size": (2, 3)},
        (2, 11, 12, 2),
    ),
    (
        "ContrastLimitedAdaptiveHistogramEqualization",
        {"tile_grid_size": (3, 2), "clip_limit": 40.0, "value_range": (0, 300)},
        (2, 12, 7, 2),
    ),
    (
        "ContrastLimitedAdaptiveHistogramEqualization",
        {"tile_grid_size": (2, 2), "clip_limit": 0},
        (2, 6, 7, 1),
    ),
    ("RandomSharpness", {"factor": 0.5}, COLORS, {"factor": SHARP}, SHARP),
    (
        "RandomGaussianBlur",
        {"kernel_size": (3, 5)},
        COLORS,
        {"should_apply_blur": ONE_OF_TWO, "blur_factor": SIGMA[:, 0]},
        (ONE_OF_TWO, SIGMA),
    ),
    *[
        (
            "RandomPerspective",
            {"fill_value": 30, "interpolation": kind},
            COLORS,
            {
                "apply_perspective": ~ONE_OF_TWO if kind == "nearest" else ONE_OF_TWO,
                "start_points": np.stack([CORNERS, CORNERS]),
                "end_points": ENDS,
            },
            (~ONE_OF_TWO if kind == "nearest" else ONE_OF_TWO, ENDS),
        )
        for kind in ("bilinear", "nearest")
    ],
    (
        "RandomErasing",
        {"fill_value": 9},
        COLORS,
        {
            "batch_masks": np.repeat(INSIDE[..., None], 3, axis=3),
            "apply_erasing": np.array([True, True]),
            "fill_value": np.float32(9),
        },
        (INSIDE, 9),
    ),
    (
        "MixUp",
        {},
        COLORS,
        {"permutation_order": ORDER, "mix_weight": SHARE},
        (ORDER, SHARE),
    ),
    (
        "CutMix",
        {},
        COLORS,
        {
            "permutation_order": ORDER,
            "batch_masks": np.repeat(INSIDE[..., None], 3, axis=3),
            "mix_weight": SHARE,
        },
        (ORDER, INSIDE, SHARE),
    ),
]
