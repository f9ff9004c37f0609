"""Data sets: each is a module with ``load_data()``, which gives arrays, and ``info()``.

>>> from kerasish.datasets import digits
>>> (x_train, y_train), (x_test, y_test) = digits.load_data()
>>> x_train.shape, y_test.shape
((1437, 8, 8), (360,))

`digits` comes with the package. The others are downloaded at first use, checked, and kept under
``KERASISH_HOME`` (by default ``~/.kerasish``); `source` is what they share.
"""

from kerasish.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]
