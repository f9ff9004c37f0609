"""Files: models and weights in Keras's formats, read without running code, written atomically."""

from kerasish.atomic import atomic_write
from kerasish.saving.weights import load_weights, save_weights

__all__ = ["atomic_write", "load_weights", "save_weights"]
