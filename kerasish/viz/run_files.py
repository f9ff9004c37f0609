"""Files of `callbacks.RunLog`, read back: JSON Lines with a header, the epochs, and the end."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasish.viz.runs import Run, run_of_logs
from kerasish.viz.web.notebook import curves_html

ENDING = ".jsonl"


@dataclass
class RunRecord:
    """What a run log tells.

    Attributes
    ----------
    path : str
        The file.
    header : dict
        Of the newest start or resumption: model, optimizer, data, versions, command.
    epochs : list of int
        Counted from 0.
    records : list of dict
        One an epoch: ``metrics``, ``learning_rate``, ``seconds``, ``samples_per_second``.
    end : dict
        ``reason`` and ``seconds``; empty while the training runs, or if it was killed.
    """

    path: str
    header: dict[str, Any] = field(default_factory=dict)
    epochs: list[int] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the file, without its ending."""
        return os.path.basename(self.path).removesuffix(ENDING)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The metrics of every epoch."""
        return [record.get("metrics", {}) for record in self.records]

    def run(self) -> Run:
        """The curves."""
        return run_of_logs(
            self.epochs, self.metrics, self.name, directions=self.header.get("directions")
        )

    def _repr_html_(self) -> str:
        """The curves, for notebooks."""
        return curves_html(self.run(), str(self.end.get("reason", "no end")))


def read_run(path: Any) -> RunRecord:
    """Read the file of a `RunLog`; a last line that is cut off is left out.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no run log.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "a.jsonl")
    >>> lines = ['{"event": "start"}', '{"event": "epoch", "epoch": 1, "metrics": {"loss": 0.5}}']
    >>> _ = path.write_text("\\n".join(lines))
    >>> read_run(path).metrics
    [{'loss': 0.5}]
    """
    path = os.fspath(path)
    record = RunRecord(path)
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            entry = parsed(line)
            event = entry.get("event")
            if event in ("start", "resume"):
                record.header, record.end = entry, {}
            elif event == "epoch":
                keep = [i for i, epoch in enumerate(record.epochs) if epoch < entry["epoch"] - 1]
                record.epochs = [*(record.epochs[i] for i in keep), entry["epoch"] - 1]
                record.records = [*(record.records[i] for i in keep), _with_nan(entry)]
            elif event == "end":
                record.end = entry
    if not record.header:
        raise ValueError(
            f"'{path}' is no run log: it has no line with the event 'start'. Pass a file that "
            f"kerasish.callbacks.RunLog wrote."
        )
    return record


def parsed(line: str) -> dict[str, Any]:
    """Return the entry of a line, an empty one where that is none."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    if not isinstance(entry, dict):
        return {}
    if entry.get("event") == "epoch" and not isinstance(entry.get("epoch"), int):
        return {}
    return entry


def _with_nan(entry: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN: a value that was not finite is null in the file."""
    metrics = entry.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    return {**entry, "metrics": {k: np.nan if v is None else v for k, v in metrics.items()}}


def run_paths(places: Sequence[Any]) -> list[str]:
    """The files meant by paths: files themselves, and of folders all files ``*.jsonl`` in them."""
    found = []
    for place in places:
        place = os.fspath(place)
        if os.path.isdir(place):
            inside = sorted(
                os.path.join(folder, name)
                for folder, _, names in os.walk(place)
                for name in names
                if name.endswith(ENDING)
            )
            found += inside
        else:
            found.append(place)
    return list(dict.fromkeys(found))


def names_of(records: Sequence[RunRecord]) -> list[str]:
    """Names that tell runs apart: of the files and, where two are the same, of their folders."""
    names = [record.name for record in records]
    if len(set(names)) == len(names):
        return names
    paths = [os.path.abspath(record.path).removesuffix(ENDING) for record in records]
    top = os.path.commonpath([os.path.dirname(path) for path in paths])
    return [os.path.relpath(path, top).replace(os.sep, "/") for path in paths]
