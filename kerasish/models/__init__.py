"""Models."""

from kerasish.models.cloning import clone_model, model_from_json
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "model_from_json"]
