"""What an initializer is: a function from a shape to the first values of a weight."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from kerasish import config as settings
from kerasish.registry import Configurable, register
from kerasish.store import Array

Rng = np.random.Generator | None


@register()
class Initializer(Configurable):
    """Base of all initializers: subclass it and define ``__call__(shape, dtype=None)``.

    Examples
    --------
    >>> class Countdown(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.arange(np.prod(shape), 0, -1, dtype=dtype).reshape(shape)
    >>> Countdown()((2, 2), "float32")
    array([[4., 3.],
           [2., 1.]], dtype=float32)
    """

    registry_kind: ClassVar[str] = "initializer"

    def __call__(self, shape: Any, dtype: Any = None, rng: Rng = None) -> np.ndarray:
        """Return an array of `shape` and `dtype` (float32 by default).

        Parameters
        ----------
        shape : int or tuple of int
            Shape of the weight.
        dtype : str, optional
            Element type.
        rng : numpy.random.Generator, optional
            Source of randomness; a model passes its own. An initializer with a `seed` of its
            own does not use it and gives the same values at each call.
        """
        raise TypeError(f"{type(self).__name__} must define __call__(shape, dtype=None).")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Build an initializer from what `get_config` returned."""
        return cls(**{k: v for k, v in config.items() if k != "dtype"})  # TensorFlow 1 wrote it

    def clone(self) -> Any:
        """A new initializer with the same arguments."""
        return type(self).from_config(self.get_config())


def as_shape(shape: Any) -> tuple[int, ...]:
    """Check a shape and return it as a tuple of int; a number is a vector's length."""
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    if not all(isinstance(n, int | np.integer) and n >= 0 for n in shape):
        raise ValueError(f"An initializer expects a shape of whole numbers but got {shape}.")
    return tuple(int(n) for n in shape)


def as_initial(values: Any, dtype: Any) -> np.ndarray:
    """Return a fresh array of `dtype`, by default the process's float type."""
    return np.array(values, dtype or settings.floatx(), order="C").view(Array)
