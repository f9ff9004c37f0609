"""RunLog: a file that tells of a training what one wants to know of it a month later."""

from __future__ import annotations

import math
import os
import platform
import shlex
import sys
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from json import dumps
from time import perf_counter
from typing import Any

import numpy as np

from kerasish import config, registry
from kerasish.callbacks.base import Callback
from kerasish.callbacks.files import LogFile, path_of, prepared
from kerasish.callbacks.learning_rate import current_rates
from kerasish.callbacks.pacing import EpochClock
from kerasish.registry import register
from kerasish.viz.run_files import ENDING, parsed
from kerasish.viz.runs import declared_directions


@register
@dataclass(eq=False, repr=False)
class RunLog(Callback):
    """Writes a training to a file of JSON Lines: how it was set up, every epoch, how it ended.

    The first line has the event ``"start"``: model, optimizer, loss, metrics, data, seed,
    threads, versions and command. Each epoch adds one with ``"epoch"`` (counted from 1),
    ``metrics``, ``learning_rate``, ``seconds`` and ``samples_per_second`` (of training, without
    validation). The last has the event ``"end"`` and a ``reason``: ``"done"``, ``"stopped by
    EarlyStopping"``, ``"interrupted"``, ``"not finite"``, ``"data ended"`` or ``"error"``.
    Values that are not finite are null. The file is flushed after each line.

    Read it with `viz.read_run`, draw several with `viz.compare_runs`, list a folder of them with
    ``python -m kerasish runs FOLDER``.

    Parameters
    ----------
    path : str or PathLike
        A file, which begins anew with each fit; or a folder (one that exists, or a path that ends
        with a slash), in which each fit has a file of its own, named by the model and the time. A
        fit that is resumed, or has an `initial_epoch`, goes on in a file that is there.

    Attributes
    ----------
    filename : str or None
        The file written last.

    Raises
    ------
    OSError
        When training begins, if the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from kerasish import Sequential, layers, viz
    >>> path = pathlib.Path(tempfile.mkdtemp(), "first.jsonl")
    >>> model = Sequential([layers.Dense(1)])
    >>> _ = model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones(8)
    >>> _ = model.fit(x, y, epochs=3, callbacks=[RunLog(path)], verbose=0)
    >>> record = viz.read_run(path)
    >>> len(record.epochs), record.end["reason"], record.header["data"]["rows"]
    (3, 'done', 8)
    """

    path: Any
    first_rank_only = True

    def __post_init__(self) -> None:
        super().__init__()
        self._folder = path_of(self.path, "RunLog").endswith(("/", os.sep))
        self.path = path_of(self.path, "RunLog")
        self.filename: str | None = None
        self._log: LogFile | None = None
        self._start = 0.0
        self._clock = EpochClock()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_log": None}

    # What happens when

    def on_train_begin(self, logs: Any = None) -> None:
        """Open the file."""
        self._close()
        if self._folder or os.path.isdir(self.path):
            name = f"{getattr(self.model, 'name', None) or 'run'}-{datetime.now():%Y%m%d-%H%M%S}"
            self.filename = _free(os.path.join(self.path, name))
        else:
            self.filename = prepared(self.path, "RunLog")
        self._log = LogFile(self.filename, self, append=False, epoch_of=_epoch_of)
        self._start = perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Write the header, once, and look at the clock."""
        state = getattr(self._company, "fit_state", None)
        if not getattr(state, "batch", 0):  # else `set_state` is still to come
            self._begin(epoch)
        self._clock.begin()

    def on_test_begin(self, logs: Any = None) -> None:
        """Look at the clock: the training of the epoch is over."""
        self._clock.validate()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the epoch's line."""
        self._begin(epoch)
        seconds, busy = self._clock.seconds, self._clock.training
        rows = getattr(getattr(self.model.program, "scores", None), "rows", 0)
        rates = current_rates(self.model.optimizer)
        metrics = {k: v for k, v in (logs or {}).items() if k not in rates}
        self._write(
            {
                "event": "epoch",
                "epoch": epoch + 1,
                "metrics": metrics,
                **rates,
                "seconds": round(seconds, 4),
                "samples_per_second": round(rows / busy, 1) if rows and busy > 0 else None,
                "time": _now(),
            }
        )

    def on_train_end(self, logs: Any = None) -> None:
        """Write how it ended."""
        if self._log is not None and self._log.begun:
            seconds = round(perf_counter() - self._start, 3)
            how = ending(self.model, self._company)
            self._write({"event": "end", **how, "seconds": seconds, "time": _now()})
        self._close()

    def get_state(self) -> dict[str, Any]:
        """The file, and the seconds so far."""
        return {"filename": self.filename, "seconds": perf_counter() - self._start}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on in the file of the earlier training."""
        self._start = perf_counter() - state["seconds"]
        if self._log is None:
            return
        if state["filename"] != self.filename and (self._folder or os.path.isdir(self.path)):
            fresh, self.filename = self.filename, state["filename"]
            self._log.close()
            if fresh is not None and os.path.getsize(fresh) == 0:
                os.remove(fresh)
            self._log = LogFile(self.filename, self, append=False, epoch_of=_epoch_of)
        self._log.resume()

    # What is written

    def _begin(self, epoch: int) -> None:
        if self._log is None or self._log.begun:
            return
        if epoch > 0:
            self._log.resume()
        self._log.begin(epoch)
        event = "start" if self._log.is_empty else "resume"
        self._write({"event": event, **describe(self.model, self._company, epoch)})

    def _write(self, entry: dict[str, Any]) -> None:
        if self._log is not None:
            self._log.file.write(dumps(jsonable(entry), allow_nan=False) + "\n")
            self._log.file.flush()

    def _close(self) -> None:
        if self._log is not None:
            self._log.close()
        self._log = None


def describe(model: Any, company: Any, initial_epoch: int = 0) -> dict[str, Any]:
    """How a training is set up: what `RunLog` writes first."""
    state = getattr(company, "fit_state", None)
    batches, validation = getattr(state, "batches", None), getattr(state, "validation", None)
    params = getattr(company, "params", None) or {}
    return {
        "time": _now(),
        "name": getattr(model, "name", None),
        "parameters": model.count_params(),
        "optimizer": _config(model.optimizer),
        "loss": getattr(getattr(model, "program", None), "loss", None) and model.program.loss.name,
        "metrics": list(model.metrics_names[1:]),
        "directions": declared_directions(model),
        "epochs": params.get("epochs"),
        "initial_epoch": initial_epoch,
        "data": _data(batches),
        "validation_data": _data(validation),
        "seed": model.seed,
        "threads": config.num_threads(),
        "versions": {
            "kerasish": _version("kerasish"),
            "numpy": np.__version__,
            "numba": _version("numba"),
            "python": platform.python_version(),
        },
        "machine": {"host": platform.node(), "system": platform.platform(), "cpus": os.cpu_count()},
        "command": shlex.join([os.path.basename(sys.executable), *sys.argv]),
        "model": _config(model),
    }


def ending(model: Any, company: Any) -> dict[str, Any]:
    """How a training has ended: ``reason`` and, after an error, ``error``."""
    error = getattr(company, "error", None)
    state = getattr(company, "fit_state", None)
    if isinstance(error, KeyboardInterrupt):
        return {"reason": "interrupted"}
    if error is not None:
        return {"reason": "error", "error": f"{type(error).__name__}: {error}"}
    if getattr(state, "finite", True) is False:
        return {"reason": "not finite"}
    if getattr(model, "stop_training", False):
        by = getattr(company, "stopped_by", None)
        return {"reason": f"stopped by {by}" if by else "stopped"}
    done = getattr(getattr(company, "history", None), "epoch", None) or [-1]
    planned = (getattr(company, "params", None) or {}).get("epochs") or 0
    if getattr(getattr(state, "batches", None), "exhausted", False) and done[-1] + 1 < planned:
        return {"reason": "data ended"}
    return {"reason": "done"}


def _config(obj: Any) -> Any:
    try:
        return None if obj is None else registry.serialize(obj)
    except (TypeError, ValueError, AttributeError):  # a user's object without a config
        return {"class_name": type(obj).__name__}


def _data(batches: Any) -> dict[str, Any] | None:
    if batches is None:
        return None
    first = batches.peek()
    shapes = {
        name: {"shape": list(np.shape(array)[1:]), "dtype": str(getattr(array, "dtype", ""))}
        for name, array in zip(("x", "y"), first, strict=False)
        if array is not None
    }
    return {
        "kind": batches.kind,
        "rows": batches.rows,
        "batch_size": batches.batch_size,
        "steps": batches.steps,
        **shapes,
    }


def _version(package: str) -> str | None:
    module = sys.modules.get(package)
    if module is not None and hasattr(module, "__version__"):
        return str(module.__version__)
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _epoch_of(line: str) -> int | None:
    entry = parsed(line)
    if entry.get("event") == "epoch":
        return int(entry["epoch"]) - 1
    return None if entry.get("event") in ("start", "resume") else sys.maxsize


def _free(stem: str) -> str:
    """The first path of this stem that is not taken: two fits may begin in one second."""
    path, number = prepared(f"{stem}{ENDING}", "RunLog"), 1
    while os.path.exists(path):
        number += 1
        path = f"{stem}-{number}{ENDING}"
    return path


def jsonable(value: Any) -> Any:
    """Turn logs and configs into what strict JSON can hold; NaN and infinity become None.

    >>> jsonable({"loss": float("nan"), "f1": np.array([0.5, 1.0]), 3: (np.int64(1), {2})})
    {'loss': None, 'f1': [0.5, 1.0], '3': [1, '{2}']}
    """
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return jsonable(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return str(value)
