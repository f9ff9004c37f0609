"""California housing: prices of houses in 20,640 block groups, 1990 (Pace and Barry, 1997)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.datasets import words
from kerasish.datasets.source import Dataset, Form, Remote, load, read_npz

TABLE = Dataset(
    "california_housing",
    (
        Form(
            (
                Remote(
                    "california_housing.npz",
                    (f"{words.ADDRESS}california_housing.npz",),
                    sha256="1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
                ),
            ),
            read_npz,
        ),
    ),
)


def load_data(
    version: str = "large",
    path: Any = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return ``(x_train, y_train), (x_test, y_test)``, downloaded if need be.

    Parameters
    ----------
    version : {"large", "small"}
        All 20,640 rows, or 600.
    path : path, optional
        The file at hand, or a folder with it. A mere name changes nothing.
    test_split : float
        Share of the rows that is for testing.
    seed : int
        Decides on the order, as in Keras.

    Returns
    -------
    x : ndarray of float32, shape (n, 8)
        Place, age, rooms, bedrooms, people, households and income, in units of their own.
    y : ndarray of float32, shape (n,)
        Median prices in dollars.

    Raises
    ------
    OSError, ValueError
        If the file cannot be had, or is not what it should be.
    """
    words.check_share("california_housing", test_split)
    if version not in ("small", "large"):
        raise ValueError(
            f"california_housing.load_data: `version` must be one of 'small', 'large' but is "
            f"{version!r}."
        )
    rows = 600 if version == "small" else None
    return words.table_parts(load(TABLE, path), test_split, seed, rows)


def info() -> dict[str, Any]:
    """Return what there is to know about the data.

    >>> info()["input_shape"]
    (8,)
    """
    return {
        "name": "california_housing",
        "description": "Median prices of houses, in dollars, and 8 properties",
        "input_shape": (8,),
        "dtype": "float32",
        "train_size": 16512,
        "test_size": 4128,
        "source": "The 1990 census of the United States",
        "authors": "R. K. Pace and R. Barry, 1997",
        "url": "https://www.dcc.fc.up.pt/~ltorgo/Regression/cal_housing.html",
        "licence": "public domain, as data of the census",
    }
