"""Keras's plot_model."""

from __future__ import annotations

from typing import Any

from kerasish import errors, viz


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """Draw a diagram of a model into a file; nothing but matplotlib is needed.

    `kerasish.viz.plot_model` draws the same and shows more by default.

    Parameters
    ----------
    model : Sequential
        The model.
    to_file : str or PathLike, optional
        Where to write it; the ending says the format. None writes nothing.
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable : bool
        What the boxes say of a layer. With the shapes come the numbers of parameters.
    rankdir : {"TB", "LR", "BT", "RL"}
        From top to bottom, left to right, or the other way round.
    expand_nested : bool
        Whether to draw the layers of models within.
    dpi : int
        Dots per inch of the file.
    splines : str
        Accepted for Keras's sake: arrows are always straight.

    Returns
    -------
    matplotlib.figure.Figure
        It shows itself in a notebook.

    Examples
    --------
    >>> from kerasish import Sequential, layers
    >>> model = Sequential([layers.Dense(4, input_shape=(3,))])
    >>> figure = plot_model(model, to_file=None, show_shapes=True)
    """
    if kwargs:
        raise errors.unknown_arguments("plot_model", plot_model, kwargs)
    figure = viz.plot_model(
        model,
        show_shapes=show_shapes,
        show_params=show_shapes,
        show_layer_names=show_layer_names,
        show_layer_activations=show_layer_activations,
        show_dtype=show_dtype,
        show_trainable=show_trainable,
        expand_nested=expand_nested,
        rankdir=rankdir,
    )
    if to_file is not None:
        viz.save_figure(figure, to_file, dpi=dpi)
    return figure
