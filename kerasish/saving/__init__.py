"""Files: models and weights in Keras's formats, read without running code, written atomically."""

from kerasish.atomic import atomic_write

__all__ = ["atomic_write"]
