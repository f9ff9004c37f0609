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
]
