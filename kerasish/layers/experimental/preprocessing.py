"""Old names of layers: ``from kerasish.layers.experimental.preprocessing import Rescaling``."""

from kerasish.layers.preprocessing import Normalization, Rescaling

__all__ = ["Normalization", "Rescaling"]
