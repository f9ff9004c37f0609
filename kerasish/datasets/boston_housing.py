"""Boston housing: prices of houses in 506 districts, 1978 (Harrison and Rubinfeld)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.datasets import words
from kerasish.datasets.source import Dataset, Form, Remote, load, read_npz

TABLE = Dataset(
    "boston_housing",
    (
        Form(
            (
                Remote(
                    "boston_housing.npz",
                    (f"{words.ADDRESS}boston_housing.npz",),
                    sha256="f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
                ),
            ),
            read_npz,
        ),
    ),
)


def load_data(
    path: Any = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return ``(x_train, y_train), (x_test, y_test)``, downloaded if need be.

    One of the columns, "B", was made from the share of black residents, as if segregation raised
    prices: do not use these data for anything but comparisons with older work. `california_housing`
    is a better choice.

    Parameters
    ----------
    path : path, optional
        The file at hand, or a folder with it. A mere name changes nothing.
    test_split : float
        Share of the districts that is for testing.
    seed : int
        Decides on the order, as in Keras.

    Returns
    -------
    x : ndarray of float64, shape (n, 13)
        Properties of the districts, in units of their own: normalise them.
    y : ndarray of float64, shape (n,)
        Median prices in thousands of dollars.

    Raises
    ------
    OSError, ValueError
        If the file cannot be had, or is not what it should be.
    """
    words.check_share("boston_housing", test_split)
    return words.table_parts(load(TABLE, path), test_split, seed)


def info() -> dict[str, Any]:
    """Return what there is to know about the data.

    >>> info()["input_shape"]
    (13,)
    """
    return {
        "name": "boston_housing",
        "description": "Median prices of houses, in thousands of dollars, and 13 properties",
        "input_shape": (13,),
        "dtype": "float64",
        "train_size": 404,
        "test_size": 102,
        "source": "StatLib, Carnegie Mellon University",
        "authors": "D. Harrison and D. L. Rubinfeld, 1978",
        "url": "http://lib.stat.cmu.edu/datasets/boston",
        "licence": "none is stated",
    }
