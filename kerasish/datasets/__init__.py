"""Data sets: each is a module with ``load_data()``, which gives arrays, and ``info()``.

>>> from kerasish.datasets import digits
>>> (x_train, y_train), (x_test, y_test) = digits.load_data()
>>> x_train.shape, y_test.shape
((1437, 8, 8), (360,))
"""

from kerasish.datasets import digits

__all__ = ["digits"]
