"""Callbacks: what `fit`, `evaluate` and `predict` call along the way."""

from typing import Any

from kerasish import errors
from kerasish.callbacks.averaging import SwapEMAWeights
from kerasish.callbacks.backup import BackupAndRestore
from kerasish.callbacks.base import Callback, History, LambdaCallback
from kerasish.callbacks.callback_list import CallbackList
from kerasish.callbacks.checkpoint import ModelCheckpoint
from kerasish.callbacks.csv_logger import CSVLogger
from kerasish.callbacks.html_report import HTMLReport
from kerasish.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from kerasish.callbacks.live_plot import LivePlot
from kerasish.callbacks.lr_finder import LRFinder
from kerasish.callbacks.profiler import Profiler
from kerasish.callbacks.progress import ProgbarLogger, ProgressBar
from kerasish.callbacks.reports import ClassReport, ConfusionMatrix
from kerasish.callbacks.run_log import RunLog
from kerasish.callbacks.stopping import EarlyStopping, TerminateOnNaN
from kerasish.callbacks.tensorboard import TensorBoard
from kerasish.callbacks.timer import Timer

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "ClassReport",
    "ConfusionMatrix",
    "EarlyStopping",
    "HTMLReport",
    "History",
    "LRFinder",
    "LambdaCallback",
    "LearningRateScheduler",
    "LivePlot",
    "ModelCheckpoint",
    "Profiler",
    "ProgbarLogger",
    "ProgressBar",
    "ReduceLROnPlateau",
    "RunLog",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "Timer",
]

REFUSED = {
    "OrbaxCheckpoint": "Orbax is a format of JAX; use ModelCheckpoint or BackupAndRestore",
    "RemoteMonitor": "it posts to a server that few have; post in a LambdaCallback("
    "on_epoch_end=lambda epoch, logs: ...), or watch with HTMLReport, RunLog or TensorBoard",
}


def __getattr__(name: str) -> Any:
    if name in REFUSED:
        raise AttributeError(f"kerasish.callbacks has no {name}: {REFUSED[name]}.")
    hint = "" if name.startswith("_") else errors.did_you_mean(name, __all__)
    raise AttributeError(f"module 'kerasish.callbacks' has no attribute '{name}'.{hint}")
