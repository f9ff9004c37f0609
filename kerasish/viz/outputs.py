"""Activations: what the layers of a model put out for one input."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.viz import canvas
from kerasish.viz.chain import chosen_layer
from kerasish.viz.classes import name_of

WHO = "activations"
PASSING = ("Dropout", "Flatten", "Identity", "InputLayer", "Reshape", "Rescaling")


def activations(
    model: Any,
    image: Any,
    layers: Any = None,
    *,
    max_channels: int = 8,
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    figure: Any = None,
) -> Any:
    """Draw what the layers of a model put out for one input: a row of images for each layer.

    Layers whose output is an image show the channels of greatest spread, each on a scale of its
    own. Vectors show as bars, or as a strip of colours if they have more than 64 units, and
    sequences of vectors as a map with a column for each step.

    Parameters
    ----------
    model : Sequential
        The model, built.
    image : array
        One sample, with or without the batch axis.
    layers : list of str or int, optional
        Names or numbers of the layers; by default all but those that only pass values on.
    max_channels : int
        Channels in a row.
    title : str, optional
        Title of the whole figure.
    figsize : tuple of two floats, optional
        Width and height in inches.
    figure : Figure or SubFigure, optional
        Draw into this one.

    Returns
    -------
    matplotlib.figure.Figure
        Not shown and not known to pyplot; save it with ``savefig``.

    Raises
    ------
    ValueError
        If there is no such layer, or more than one sample was passed.

    Examples
    --------
    >>> import numpy as np
    >>> from kerasish import Sequential, layers
    >>> model = Sequential([layers.Conv2D(4, 3, input_shape=(8, 8, 1)), layers.Flatten()])
    >>> figure = activations(model, np.ones((8, 8, 1)))
    """
    sample = _sample(model, image)
    found = _outputs(model, sample, layers)
    rows = [("input", sample[0]), *((name_of(WHO, name, None), y) for name, y in found)]
    columns = max(1, max_channels)
    if figure is None:
        across = max(0.95 * columns, 2.5) + 0.08 * max(len(name) for name, _ in rows) + 0.7
        figure = canvas.new_figure(figsize or (across, 1.02 * len(rows) + 0.5))
    with canvas.style():
        grid = figure.add_gridspec(len(rows), columns)
        for index, (name, values) in enumerate(rows):
            if values.ndim == 3:
                _draw_maps(figure, grid, index, name, values, columns)
            else:
                _draw_bars(figure.add_subplot(grid[index, :]), name, values)
        figure.suptitle(
            title or f"{model.name}: activations for one sample", fontsize=11, parse_math=False
        )
    return figure


def _draw_maps(figure: Any, grid: Any, row: int, name: str, values: Any, columns: int) -> None:
    coloured = name == "input" and values.shape[-1] == 3
    order = np.argsort(-values.std(axis=(0, 1)), kind="stable")[:columns]
    count = 1 if coloured else len(order)
    for place in range(count):
        axes = figure.add_subplot(grid[row, place])
        if coloured:
            low, high = float(values.min()), float(values.max())
            axes.imshow((values - low) / ((high - low) or 1), interpolation="nearest")
        else:
            cmap = "gray_r" if name == "input" else "viridis"
            axes.imshow(values[..., order[place]], cmap=cmap, interpolation="nearest")
            if name != "input":
                axes.set_title(f"channel {order[place]}", fontsize=6.5, pad=2, color=canvas.GREY)
        canvas.bare(axes)
        if place == 0:
            shape = " x ".join(map(str, values.shape))
            axes.set_ylabel(
                f"{name}\n{shape}", rotation=0, ha="right", va="center", fontsize=8, labelpad=6
            )


def _draw_bars(axes: Any, name: str, values: np.ndarray) -> None:
    from matplotlib.ticker import MaxNLocator

    flat = values.ravel()
    if values.ndim == 2:  # a vector for each step of time
        axes.imshow(values.T, aspect="auto", cmap="viridis", interpolation="nearest")
        axes.tick_params(axis="y", labelsize=7)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    elif len(flat) > 64:  # too many to tell apart: as a strip of colours
        axes.imshow(flat[None], aspect="auto", cmap="viridis", interpolation="nearest")
        axes.set_yticks([])
    else:
        axes.bar(np.arange(len(flat)), flat, color=canvas.COLOURS[0], width=0.8)
        axes.margins(x=0.01)
        axes.tick_params(axis="y", labelsize=7)
    axes.tick_params(axis="x", labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.set_xlabel("step" if values.ndim == 2 else "unit", fontsize=7, labelpad=1)
    shape = " x ".join(map(str, values.shape))
    label = f"{name}\n{shape}"
    axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8, labelpad=14)


def _sample(model: Any, image: Any) -> np.ndarray:
    if not hasattr(model, "flat_layers") or not model.built:
        raise ValueError("activations expects a model that is built: fit or build it first.")
    sample = np.asarray(image)
    if sample.ndim == len(model.input_shape) - 1:
        sample = sample[None]
    if sample.ndim != len(model.input_shape) or len(sample) != 1:
        raise ValueError(
            f"activations expects one sample of shape {tuple(model.input_shape[1:])} but got an "
            f"array of shape {np.shape(image)}. Pass x[0], say."
        )
    return sample


def _outputs(model: Any, sample: np.ndarray, wanted: Any) -> list[tuple[str, np.ndarray]]:
    chain = model.flat_layers()
    if wanted is not None:
        listed = wanted if isinstance(wanted, list | tuple) else [wanted]
        keep = [chosen_layer(WHO, chain, one) for one in listed]
    else:
        keep = [one for one in chain if type(one).__name__ not in PASSING] or chain
    found = []
    x: Any = sample
    for layer in chain:
        x = layer(x)
        if any(layer is one for one in keep):
            found.append((layer.name, np.asarray(x)[0]))
    return found
