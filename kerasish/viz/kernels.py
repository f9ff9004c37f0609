"""Filters: what the kernels of a layer look like."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.viz import canvas
from kerasish.viz.chain import chosen_layer


def filters(
    source: Any,
    layer: str | int | None = None,
    *,
    image_shape: tuple[int, ...] | None = None,
    max_filters: int = 64,
    columns: int | None = None,
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    figure: Any = None,
) -> Any:
    """Draw the kernels of a layer as small images, those of the first layer by default.

    Kernels over three channels are drawn in colour, each stretched around grey; all others on one
    scale on which blue is negative, white zero and red positive. Of kernels over other numbers of
    channels the mean over the channels is drawn. The weights of a Dense layer that follows
    Flatten show as images, too.

    Parameters
    ----------
    source : model, layer or array
        A model, one of its layers, or kernels of shape (H, W, channels, filters).
    layer : str or int, optional
        Name or number of the layer of a model; by default the first with kernels.
    image_shape : tuple, optional
        (H, W) or (H, W, channels): what the inputs of a Dense layer are when seen as an image.
    max_filters : int
        Only so many, the first ones, are drawn.
    columns : int, optional
        Kernels in a row.
    title : str, optional
        Title; by default the layer and the numbers.
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
        If there is no such layer, it has no kernels yet, or they are no images.

    Examples
    --------
    >>> from kerasish import Sequential, layers
    >>> model = Sequential([layers.Conv2D(8, 3, input_shape=(28, 28, 1), name="conv")])
    >>> figure = filters(model)
    >>> figure.get_suptitle()
    'conv: 8 kernels of 3 x 3'
    """
    kernels, name = _kernels(source, layer, image_shape)
    high, wide, channels, count = kernels.shape
    shown = kernels[..., : max(1, max_filters)]
    if channels == 3:
        largest = np.abs(shown).max(axis=(0, 1, 2), keepdims=True)
        pictures = 0.5 + shown / (2 * np.where(largest > 0, largest, 1))
    else:
        pictures = shown.mean(axis=2)
    number = pictures.shape[-1]
    columns = max(1, min(columns or math.ceil(math.sqrt(1.6 * number)), number))
    rows = math.ceil(number / columns)
    part = f"{number} of {count}" if number < count else f"{count}"
    heading = f"{name}{part} kernel{'s' * (count != 1)} of {high} x {wide}"
    if channels not in (1, 3):
        heading += f", mean of {channels} channels"
    side = 0.62 if max(high, wide) <= 12 else 0.9
    if figure is None:
        across = max(columns * side + 1.1, 0.095 * len(title or heading))
        figure = canvas.new_figure(figsize or (across, rows * side * high / wide + 0.6))
    with canvas.style():
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        limit = max(float(np.abs(pictures).max()), 1e-12)
        scale = {} if channels == 3 else {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
        for index, axes in enumerate(panels):
            if index < number:
                picture = axes.imshow(pictures[..., index], interpolation="nearest", **scale)
                canvas.bare(axes)
            else:
                axes.remove()
        if scale:
            bar = figure.colorbar(picture, ax=list(panels[:number]), shrink=0.9, aspect=30)
            bar.set_label("weight")
            bar.outline.set_visible(False)
        figure.suptitle(title or heading, fontsize=11, parse_math=False)
    return figure


def _kernels(source: Any, layer: Any, image_shape: Any) -> tuple[np.ndarray, str]:
    """Kernels as (H, W, channels, filters), and ``"name: "``."""
    if not hasattr(source, "weights"):
        kernels, name, shape = np.asarray(source, float), "", image_shape
    else:
        owner, before = _owner(source, layer)
        kernel = _kernel_of(owner)
        if kernel is None:
            state = "is not built yet: fit or build the model first" if not owner.built else ""
            raise ValueError(
                f"filters: the layer '{owner.name}' {state or 'has no kernel'}. "
                f"Pass layer= one that has."
            )
        kernels, name = np.asarray(kernel.numpy(), float), f"{owner.name}: "
        shape = image_shape or before
    if kernels.ndim == 2:
        if shape is None or len(shape) not in (2, 3) or math.prod(shape) != len(kernels):
            raise ValueError(
                f"filters: kernels of shape {kernels.shape} are images only if the "
                f"{len(kernels)} inputs are. Pass image_shape=(height, width) or "
                f"(height, width, channels)."
            )
        kernels = kernels.reshape(*shape, *(() if len(shape) == 3 else (1,)), -1)
    elif kernels.ndim == 3:  # of a 1D convolution: (T, channels, filters)
        kernels = kernels[None]
    if kernels.ndim != 4 or kernels.size == 0:
        raise ValueError(
            f"filters expects kernels of shape (height, width, channels, filters) but got "
            f"{kernels.shape}."
        )
    return kernels, name


def _owner(source: Any, layer: Any) -> tuple[Any, tuple[int, ...] | None]:
    """The layer meant, and the shape of an image that is flattened before it."""
    if not hasattr(source, "flat_layers"):
        return source, None
    chain = list(source.flat_layers())
    chosen = chosen_layer("filters", chain, layer) if layer is not None else None
    if chosen is None:
        chosen = next((one for one in chain if _kernel_of(one) is not None), None)
    if chosen is None:
        state = "has no layer with kernels" if source.built else "is not built yet"
        raise ValueError(f"filters: the model '{source.name}' {state}.")
    place = chain.index(chosen)
    shape: Any = None
    if place and type(chain[place - 1]).__name__ == "Flatten":
        shape = tuple(chain[place - 1].input_shape[1:])
    return chosen, shape if shape and None not in shape and len(shape) in (2, 3) else None


def _kernel_of(layer: Any) -> Any:
    for name in ("kernel", "depthwise_kernel"):
        weight = getattr(layer, name, None) if layer.built else None
        if weight is not None and weight.numpy().ndim >= 2:
            return weight
    return None
