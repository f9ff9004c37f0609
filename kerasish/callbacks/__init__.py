"""Callbacks: what `fit`, `evaluate` and `predict` call along the way."""

from kerasish.callbacks.base import Callback, History, LambdaCallback
from kerasish.callbacks.callback_list import CallbackList
from kerasish.callbacks.progress import ProgbarLogger, ProgressBar
from kerasish.callbacks.stopping import EarlyStopping, TerminateOnNaN

__all__ = [
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "ProgbarLogger",
    "ProgressBar",
    "TerminateOnNaN",
]
