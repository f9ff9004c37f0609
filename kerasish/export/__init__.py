"""Serving without kerasish: models as a Python file that needs NumPy only."""

from kerasish.export.script import CannotExportError, Script, rule
from kerasish.export.writing import export_model

__all__ = ["CannotExportError", "Script", "export_model", "rule"]
