"""Curves as text, for terminals that show no pictures."""

from __future__ import annotations

import numpy as np

from kerasish.viz.runs import Run


def text_plot(run: Run, name: str, width: int = 60, height: int = 8) -> str:
    """Return a plot of one metric in plain ASCII.

    Training is ``*``, validation ``o``, and ``@`` where both are.

    Parameters
    ----------
    run : Run
        The curves.
    name : str
        The metric, without ``val_``.
    width, height : int
        Columns and rows of the plot itself.

    Examples
    --------
    >>> from kerasish.viz.runs import read_runs
    >>> (run,) = read_runs({"loss": [4.0, 2.0, 1.0], "val_loss": [4.0, 3.0, 2.0]})
    >>> print(text_plot(run, "loss", width=9, height=3))
    loss (* training, o validation, @ both): best val_loss 2, epoch 3
     4 |@
       |    @   o
     1 |        *
       +---------
        1       3
    """
    curves = [(key, mark) for key, mark in ((name, "*"), (f"val_{name}", "o")) if key in run.series]
    points = [(run.points(key), mark) for key, mark in curves]
    values = np.concatenate([y for (_, y), _ in points])
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    first, last = int(run.epochs[0]), int(run.epochs[-1])
    grid = [[" "] * width for _ in range(height)]
    for (epochs, numbers), mark in points:
        for epoch, value in zip(epochs, numbers, strict=True):
            if np.isfinite(value):
                column = round((epoch - first) / max(last - first, 1) * (width - 1))
                share = (value - low) / (high - low) if high > low else 0.5
                row = grid[height - 1 - round(share * (height - 1))]
                row[column] = mark if row[column] in (" ", mark) else "@"
    edge = max(len(f"{low:.4g}"), len(f"{high:.4g}")) + 1
    rows = [" " * edge + " |" + "".join(row).rstrip() for row in grid]
    middle = height - 1 - round(0.5 * (height - 1))
    at = {0: float(high), height - 1: float(low)} if high > low else {middle: float(low)}
    for place, number in at.items():
        rows[place] = f"{number:.4g}".rjust(edge) + rows[place][edge:]
    axis = f"{first}" + (f"{last}".rjust(width - len(f"{first}")) if last > first else "")
    legend = ", ".join(
        f"{mark} {'validation' if key.startswith('val_') else 'training'}" for key, mark in curves
    )
    legend += ", @ both" if any("@" in row for row in grid) else ""
    best = run.best(name)
    note = f": best {curves[-1][0]} {best[1]:.4g}, epoch {best[0]}" if best else ""
    head, line, left = f"{name} ({legend}){note}", " " * edge + " +" + "-" * width, " " * (edge + 2)
    return "\n".join([head, *rows, line, left + axis])
