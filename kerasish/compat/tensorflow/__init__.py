"""``import tensorflow as tf`` for scripts that train Keras models with it.

What these scripts compute with tensors is computed with arrays; what they say about devices,
sessions and graphs has no effect.
"""

import contextlib
import importlib
import logging as _logging
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish import ops as all_ops
from kerasish.backend.session import Session as Session
from kerasish.compat.tensorflow import math as math
from kerasish.compat.tensorflow.math import *
from kerasish.config import set_random_seed as set_random_seed
from kerasish.store import Array as Tensor
from kerasish.store import Weight

__version__ = "2.20.0"
_ops: Any = all_ops

float16 = half = "float16"
float32, float64, double = "float32", "float64", "float64"
int8, int16, int32, int64 = "int8", "int16", "int32", "int64"
uint8, uint16, uint32, uint64 = "uint8", "uint16", "uint32", "uint64"
bool = "bool"
string = "str"
newaxis = None
AUTO_REUSE = None
EagerTensor = Tensor


def __getattr__(name: str) -> Any:
    if name == "keras":
        return importlib.import_module("tensorflow.keras")
    if name in ("nn", "random", "config", "test", "image", "io", "compat", "distribute", "logging",
                "errors", "dtypes", "linalg", "train", "initializers"):  # fmt: skip
        return importlib.import_module(f"kerasish.compat.tensorflow.{name}")
    raise AttributeError(name)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """An array, which has ``.numpy()``."""
    x = _ops.convert_to_tensor(value, dtype)
    return x if shape is None else _ops.broadcast_to(x, shape)


def convert_to_tensor(value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    """An array, which has ``.numpy()``."""
    return _ops.convert_to_tensor(value, dtype)


def Variable(
    initial_value: Any, trainable: Any = True, name: str | None = None, dtype: Any = None, **_: Any
) -> Weight:
    """A weight; inside a layer `add_weight` makes one that belongs to it."""
    array = np.array(_ops.convert_to_numpy(_ops.convert_to_tensor(initial_value, dtype)))
    return Weight(array, name or "Variable", trainable=trainable is not False)


def is_tensor(x: Any) -> Any:
    """Whether it is an array."""
    return _ops.is_tensor(x)


def identity(input: Any, name: str | None = None) -> Any:
    """The array itself."""
    return _ops.convert_to_tensor(input)


stop_gradient = _ops.stop_gradient


def function(func: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Decorator that changes nothing: there are no graphs to be made."""
    return func if callable(func) else lambda inner: inner


@contextlib.contextmanager
def device(name: Any) -> Iterator[None]:
    """Nothing: everything runs on the processors at hand."""
    yield


name_scope = device
py_function = numpy_function = function


def executing_eagerly() -> Any:
    """True."""
    return True


def get_logger() -> _logging.Logger:
    """The logger of this name."""
    return _logging.getLogger("tensorflow")


def ConfigProto(*args: Any, **kwargs: Any) -> Any:
    """A place for settings of sessions, which have no effect."""
    return _Settings()


GPUOptions = ConfigProto


class _Settings:
    """Takes any attribute, at any depth."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.__dict__[name] = _Settings()
        return self.__dict__[name]

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""


class TensorShape(tuple):
    """A shape."""

    def __new__(cls, dims: Any = ()) -> Any:
        """Make a tuple of the sizes."""
        return super().__new__(cls, tuple(dims))

    def as_list(self) -> list[Any]:
        """The sizes as a list."""
        return list(self)


def global_variables_initializer() -> None:
    """Nothing: weights have their numbers from the start."""


def disable_eager_execution() -> None:
    """Nothing."""


enable_eager_execution = disable_v2_behavior = enable_v2_behavior = disable_eager_execution
enable_resource_variables = reset_default_graph = disable_eager_execution


def get_default_graph() -> Any:
    """A place for settings, which have no effect."""
    return _Settings()
