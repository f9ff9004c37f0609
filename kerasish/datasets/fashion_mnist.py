"""Fashion-MNIST: 70,000 articles of clothing, 28x28 grey values (Xiao, Rasul, Vollgraf, 2017)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.datasets import idx
from kerasish.datasets.source import Dataset, load

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
# The publisher gives MD5 only. Public copies of its table agree on the SHA-256.
_FILES = {  # size, SHA-256, and MD5 of the content
    "x_train": (
        26421880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "md5:f4a8712d7a061bf5bd6d2ca38dc4d50a",
    ),
    "y_train": (
        29515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "md5:9018921c3c673c538a1fc5bad174d6f9",
    ),
    "x_test": (
        4422102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "md5:8181f5470baa50b63fa0f6fddb340f0a",
    ),
    "y_test": (
        5148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        "md5:15d484375f8d13e6eb1aabb0c3f46965",
    ),
}
TABLE = Dataset(
    "fashion_mnist",
    (
        idx.form(
            (
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            ),
            _FILES,
            folders=("FashionMNIST/raw", "fashion-mnist", "fashion_mnist"),
        ),
    ),
    idx.SHAPES,
)


def load_data(path: Any = None) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return ``(x_train, y_train), (x_test, y_test)``, downloaded if need be.

    Where the files are looked for, and what can go wrong, is as for `mnist.load_data`.

    Parameters
    ----------
    path : path, optional
        A folder with the four IDX files, compressed or not, to be read instead.

    Returns
    -------
    x : ndarray of uint8, shape (n, 28, 28)
        60,000 and 10,000 images, 0 (background) to 255.
    y : ndarray of uint8, shape (n,)
        The classes, 0 to 9, named in ``info()["class_names"]``.

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

    >>> info()["class_names"][7], info()["licence"]
    ('Sneaker', 'MIT')
    """
    return {
        "name": "fashion_mnist",
        "description": "Articles of clothing, 28x28 grey values from 0 to 255",
        "class_names": list(CLASSES),
        "input_shape": (28, 28),
        "dtype": "uint8",
        "value_range": (0, 255),
        "train_size": 60000,
        "test_size": 10000,
        "source": "Fashion-MNIST, Zalando Research",
        "authors": "H. Xiao, K. Rasul and R. Vollgraf, 2017",
        "url": "https://github.com/zalandoresearch/fashion-mnist",
        "licence": "MIT",
    }
