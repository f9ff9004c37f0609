"""Several runs in one figure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kerasish.viz.history import plot_history
from kerasish.viz.run_files import RunRecord, names_of, read_run, run_paths


def compare_runs(
    runs: Any,
    metrics: str | Sequence[str] | None = None,
    *,
    labels: Sequence[str] | None = None,
    **options: Any,
) -> Any:
    """Draw the learning curves of several trainings, one colour each.

    Parameters
    ----------
    runs : path, or list of paths and histories
        Files that `callbacks.RunLog` wrote, folders of them, and whatever `plot_history` takes. A
        dict names them: ``{"small": "runs/a.jsonl", "large": history}``.
    metrics : str or list of str, optional
        Which to draw, without ``val_``; all by default.
    labels : list of str, optional
        Names of the runs; by default those of the files.
    **options
        As for `plot_history`: ``title``, ``smooth``, ``log_scale``, ``figsize``, ``figure``, ...

    Returns
    -------
    matplotlib.figure.Figure
        Not shown and not known to pyplot; save it with ``savefig``.

    Raises
    ------
    ValueError
        If there is no run, a file is no run log, or a metric is in none of them.
    OSError
        If a file cannot be read.

    Examples
    --------
    >>> figure = compare_runs([{"loss": [0.9, 0.4]}, {"loss": [0.8, 0.5]}], labels=["a", "b"])
    >>> [text.get_text() for text in figure.legends[0].get_texts()][:2]
    ['a', 'b']
    """
    if isinstance(runs, dict) and any(isinstance(run, str | os.PathLike) for run in runs.values()):
        labels, runs = labels or [str(key) for key in runs], list(runs.values())
    if isinstance(runs, dict):
        return plot_history(runs, metrics, labels=labels, **options)
    found: list[Any] = []
    for run in runs if isinstance(runs, list | tuple) else [runs]:
        if isinstance(run, str | os.PathLike):
            paths = run_paths([run])
            if not paths:
                raise ValueError(f"compare_runs: there is no run log (*.jsonl) in '{run}'.")
            found += [read_run(path) for path in paths]
        else:
            found.append(run)
    if not found:
        raise ValueError("compare_runs: there are no runs to compare.")
    records = [one for one in found if isinstance(one, RunRecord)]
    curves = {
        id(record): replace(record.run(), label=name)
        for record, name in zip(records, names_of(records), strict=True)
    }
    return plot_history(
        [curves.get(id(one), one) for one in found], metrics, labels=labels, **options
    )
