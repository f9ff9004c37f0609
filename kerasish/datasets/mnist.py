"""MNIST: 70,000 handwritten digits, 28x28 grey values (LeCun, Cortes and Burges, 1998)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.datasets import idx
from kerasish.datasets.source import Dataset, Form, Remote, load, read_npz

_FILES = {  # size, SHA-256, and SHA-256 of the content
    "x_train": (
        9912422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "y_train": (
        28881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "x_test": (
        1648877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "y_test": (
        4542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
TABLE = Dataset(
    "mnist",
    (
        idx.form(
            (
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
            ),
            _FILES,
            folders=("MNIST/raw", "mnist"),
        ),
        Form(
            (
                Remote(
                    "mnist.npz",
                    ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",),
                    11490434,
                    sha256="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
                ),
            ),
            read_npz,
        ),
    ),
    idx.SHAPES,
)


def load_data(path: Any = None) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return ``(x_train, y_train), (x_test, y_test)``, downloaded if need be.

    The files are looked for in the cache (``KERASISH_HOME``, by default ``~/.kerasish``), in
    Keras's (``~/.keras/datasets``) and in a torchvision folder ``MNIST/raw`` here or in ``data``,
    then downloaded from several mirrors. Sizes and hashes are checked before a file is read.

    Parameters
    ----------
    path : path, optional
        A folder with the four IDX files (compressed or not), or a ``mnist.npz``, to be read
        instead. A mere name that is no file, as in Keras's scripts, changes nothing.

    Returns
    -------
    x : ndarray of uint8, shape (n, 28, 28)
        60,000 and 10,000 images, 0 (paper) to 255 (ink): divide by 255 before training.
    y : ndarray of uint8, shape (n,)
        The digits, 0 to 9.

    Raises
    ------
    OSError
        If no address gave the files (the message says where to put them by hand), or `path` does
        not hold them.
    ValueError
        If a file at `path` is not the one it should be.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train.shape, y_test.shape  # doctest: +SKIP
    ((60000, 28, 28), (10000,))
    """
    arrays = load(TABLE, path)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def info() -> dict[str, Any]:
    """Return what there is to know about the data: classes, shapes, source and licence.

    >>> info()["class_names"][:3], info()["input_shape"], info()["train_size"]
    (['0', '1', '2'], (28, 28), 60000)
    """
    return {
        "name": "mnist",
        "description": "Handwritten digits, 28x28 grey values from 0 to 255",
        "class_names": [str(digit) for digit in range(10)],
        "input_shape": (28, 28),
        "dtype": "uint8",
        "value_range": (0, 255),
        "train_size": 60000,
        "test_size": 10000,
        "source": "The MNIST database of handwritten digits",
        "authors": "Y. LeCun, C. Cortes and C. J. C. Burges, 1998",
        "url": "http://yann.lecun.com/exdb/mnist/",
        "licence": "CC BY-SA 3.0, as Keras states it",
    }
