"""Callbacks: what `fit`, `evaluate` and `predict` call along the way."""

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
