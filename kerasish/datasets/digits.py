"""Real handwritten digits, 1,797 images of 8x8 pixels, bundled with the package (CC BY 4.0).

The test part of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, UCI
Machine Learning Repository, 1998, doi 10.24432/C50P49): 32x32 scans of digits written by 13
people, each pixel here being the number (0 to 16) of dark pixels in a block of 4x4.
"""

from __future__ import annotations

import operator
from importlib import resources
from typing import Any

import numpy as np

from kerasish.data.partition import draw

SIZE = 1797
CLASSES = 10
Arrays = tuple[np.ndarray, np.ndarray]


def load_data(test_size: int | float = 360, seed: int = 0) -> tuple[Arrays, Arrays]:
    """Return ``(x_train, y_train), (x_test, y_test)`` as new uint8 arrays.

    The split is drawn by `seed` alone and is stratified: each digit has the same share of the
    test part, to within one image. Both parts are shuffled, so that any head or tail of them
    (``validation_split`` takes the tail) holds all digits.

    Parameters
    ----------
    test_size : int or float
        Number of test images, or their fraction of the whole. The rest is for training.
    seed : int
        Seed of the split. The same seed gives the same images on every machine.

    Returns
    -------
    x : ndarray of uint8, shape (n, 8, 8)
        Grey values, 0 (paper) to 16 (ink): divide by 16 before training.
    y : ndarray of uint8, shape (n,)
        The digits, 0 to 9.

    Raises
    ------
    ValueError
        If a part would be empty.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape, x_train.dtype.name, int(x_train.max())
    ((1437, 8, 8), (360, 8, 8), 'uint8', 16)
    >>> [int(n) for n in np.bincount(y_test)]
    [36, 37, 35, 37, 36, 36, 36, 36, 35, 36]
    """
    if isinstance(test_size, float):
        count = round(test_size * SIZE)
    else:
        count = operator.index(test_size)
    if not 0 < count < SIZE:
        raise ValueError(
            f"digits.load_data: `test_size` must leave images on both sides: 1 to {SIZE - 1}, or a "
            f"fraction between 0 and 1, but got {test_size!r}. The usual split is 360."
        )
    source = resources.files("kerasish.datasets").joinpath("digits.npz")
    with source.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        x, y = archive["images"], archive["labels"]
    test, order = draw(SIZE, count, seed, y)
    train_rows, test_rows = order[~test[order]], order[test[order]]
    return (x[train_rows], y[train_rows]), (x[test_rows], y[test_rows])


def info() -> dict[str, Any]:
    """Return what there is to know about the data: classes, shapes, source and licence.

    >>> info()["class_names"][:3], info()["input_shape"], info()["licence"]
    (['0', '1', '2'], (8, 8), 'CC BY 4.0')
    """
    return {
        "name": "digits",
        "description": "Handwritten digits of 13 people, 8x8 grey values from 0 to 16",
        "class_names": [str(digit) for digit in range(CLASSES)],
        "input_shape": (8, 8),
        "dtype": "uint8",
        "value_range": (0, 16),
        "train_size": SIZE - 360,
        "test_size": 360,
        "source": "UCI Machine Learning Repository, Optical Recognition of Handwritten Digits "
        "(the test part)",
        "authors": "E. Alpaydin and C. Kaynak, 1998",
        "url": "https://doi.org/10.24432/C50P49",
        "licence": "CC BY 4.0",
    }
