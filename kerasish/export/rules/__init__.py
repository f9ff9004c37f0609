"""Which functions of `kerasish.export.functions` each layer becomes."""

from kerasish.export.rules import basics, images, normalization, recurrent, texts

__all__ = ["basics", "images", "normalization", "recurrent", "texts"]
