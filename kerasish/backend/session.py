"""The process around a model: settings, variables, and what TensorFlow's sessions once were."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish import config, models, registry
from kerasish.ops.calls import operand
from kerasish.store import Weight, as_array
from kerasish.utils.numerical import standardize_dtype

clear_session, unique_name = registry.clear_names, registry.unique_name
floatx, set_floatx = config.floatx, config.set_floatx
epsilon, image_data_format = config.epsilon, config.image_data_format
set_image_data_format = config.set_image_data_format


def backend() -> str:
    """Name of what computes."""
    return "numpy"


def set_epsilon(value: float) -> None:
    """Refused, since it would change all losses and optimizers, unless it is what holds."""
    if float(value) != config.epsilon():
        raise ValueError(
            f"set_epsilon: the small number is {config.epsilon()} in all of kerasish. Pass "
            f"epsilon={value!r} to the layer or optimizer that wants it."
        )


def image_dim_ordering() -> str:
    """Keras 1's names of the channels' place: ``"tf"``, last, and ``"th"``, first."""
    return "tf" if image_data_format() == "channels_last" else "th"


set_image_dim_ordering = set_image_data_format


def get_uid(prefix: str = "") -> int:
    """A number that has not been given for this prefix."""
    name = unique_name(f"{prefix}_uid")
    return int(name.rpartition("_")[2]) + 1 if name != f"{prefix}_uid" else 1


def learning_phase() -> int:
    """0: whether a model trains is known to each call, and layers get `training`."""
    return 0


def set_learning_phase(value: Any) -> None:
    """Nothing: whether a model trains is known to each call."""


@contextlib.contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Nothing: there is no graph whose parts would need names."""
    yield name


class Session:
    """Does nothing; scripts make one to tell TensorFlow about graphics cards."""

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *args: Any) -> None: ...

    def run(self, fetches: Any, feed_dict: Any = None) -> Any:
        """The arrays themselves: everything is computed at once."""
        if isinstance(fetches, list | tuple):
            return [self.run(one) for one in fetches]
        return None if fetches is None else np.asarray(operand(fetches))

    def close(self) -> None:
        """Nothing is open."""


def get_session(*args: Any) -> Session:
    """A `Session`, which does nothing."""
    return Session()


def set_session(session: Any) -> None:
    """Nothing."""


def variable(
    value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None
) -> Weight:
    """A weight of its own; inside a layer `add_weight` makes one that learns."""
    array = np.array(operand(value), dtype=dtype or config.floatx())
    return Weight(array, name or "variable", constraint=constraint)


def get_value(x: Any) -> Any:
    """The numbers, as a NumPy array."""
    array = np.array(operand(x))
    return array[()] if array.ndim == 0 else array


def set_value(x: Any, value: Any) -> None:
    """Overwrite a weight, or a variable such as ``optimizer.learning_rate``."""
    if not hasattr(x, "assign"):
        raise TypeError(
            f"set_value expects a weight or variable but got {x!r}. Assign to the attribute."
        )
    x.assign(np.asarray(operand(value)))


def batch_get_value(tensors: Any) -> list[Any]:
    """`get_value` of each."""
    return [get_value(x) for x in tensors]


def batch_set_value(tuples: Any) -> None:
    """`set_value` of each pair."""
    for x, value in tuples:
        set_value(x, value)


eval = get_value


def update(x: Any, new_x: Any) -> Any:
    """Overwrite a weight and return it."""
    set_value(x, new_x)
    return x


def update_add(x: Any, increment: Any) -> Any:
    """Add to a weight."""
    return update(x, operand(x) + operand(increment))


def update_sub(x: Any, decrement: Any) -> Any:
    """Subtract from a weight."""
    return update(x, operand(x) - operand(decrement))


def moving_average_update(x: Any, value: Any, momentum: float) -> Any:
    """``x = momentum * x + (1 - momentum) * value``."""
    return update(x, momentum * operand(x) + (1 - momentum) * operand(value))


def count_params(x: Any) -> int:
    """Number of elements."""
    return int(np.size(operand(x)))


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is symbolic: an Input, or what a layer called on one gave."""
    from kerasish.layers.symbol import is_symbolic

    return is_symbolic(x)


def is_float_dtype(dtype: Any) -> bool:
    """Whether it is a type of floats."""
    return np.dtype(standardize_dtype(dtype)).kind == "f"


def is_int_dtype(dtype: Any) -> bool:
    """Whether it is a type of integers."""
    return np.dtype(standardize_dtype(dtype)).kind in "iu"


def result_type(*dtypes: Any) -> str:
    """The type of a sum of arrays of these types; no float64 comes out of others."""
    names = [standardize_dtype(d) for d in dtypes]
    found = np.result_type(*names) if names else np.dtype("float32")
    return "float32" if found == np.float64 and "float64" not in names else str(found)


class function:
    """``K.function(inputs, outputs)``: runs a part of a model on arrays.

    >>> from kerasish import Sequential, layers
    >>> m = Sequential([layers.Dense(2, input_dim=3), layers.Dense(1)])
    >>> function([m.layers[0].input], [m.layers[0].output])([np.ones((4, 3))])[0].shape
    (4, 2)
    """

    def __init__(self, inputs: Any, outputs: Any, updates: Any = None, **kwargs: Any) -> None:
        first = inputs[0] if isinstance(inputs, list | tuple) else inputs
        self._listed = isinstance(outputs, list | tuple)
        ends = outputs if isinstance(outputs, list | tuple) else [outputs]
        make: Any = models.Model
        self._parts = [make(first, end) for end in ends]

    def __call__(self, inputs: Any) -> Any:
        """The outputs, as a list where a list was asked for."""
        training = False
        if isinstance(inputs, list | tuple):
            training = len(inputs) > 1 and bool(inputs[1])
            inputs = inputs[0]
        found = [np.asarray(part(inputs, training=training)) for part in self._parts]
        return found if self._listed else found[0]


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """An array, filled with `value` where a shape is given."""
    array = np.asarray(operand(value), dtype or config.floatx())
    return as_array(array if shape is None else np.broadcast_to(array, shape))


__all__ = [
    *("Session", "backend", "batch_get_value", "batch_set_value", "clear_session", "constant"),
    *("count_params", "epsilon", "eval", "floatx", "function", "get_session", "get_uid"),
    *("get_value", "image_data_format", "image_dim_ordering", "is_float_dtype", "is_int_dtype"),
    *("is_keras_tensor", "learning_phase", "moving_average_update", "name_scope", "result_type"),
    *("set_epsilon", "set_floatx", "set_image_data_format", "set_image_dim_ordering"),
    *("set_learning_phase", "set_session", "set_value", "standardize_dtype", "update"),
    *("update_add", "update_sub", "variable"),
]
