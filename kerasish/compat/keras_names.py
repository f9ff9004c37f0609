"""What stands in ``keras`` itself and not in ``kerasish``."""

from kerasish.models import Model as Model

__version__ = "3.15.1"
Functional = Model

__all__ = ["Functional", "Model", "__version__"]


def version() -> str:
    """The version of Keras whose names these are."""
    return __version__
