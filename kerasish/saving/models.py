"""`save_model` and `load_model`."""

from __future__ import annotations

import os
from typing import Any

from kerasish import registry
from kerasish.atomic import atomic_write
from kerasish.errors import named_arguments
from kerasish.saving import keras_zip, model_h5
from kerasish.saving.loading import restore
from kerasish.saving.opening import errors_name, kind_of, open_tree
from kerasish.saving.weights import check_built, writable

ENDINGS = (".keras", ".h5", ".hdf5")


@named_arguments
def save_model(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    zipped: bool | None = None,
    include_optimizer: bool = True,
    save_format: Any = None,
    **ignored: Any,
) -> None:
    """Write a model to a file: architecture, weights, and what it was compiled with.

    Parameters
    ----------
    model : Sequential
        A built model.
    filepath : str or PathLike
        The ending chooses the format: ``.keras`` is that of Keras 3; ``.h5`` and ``.hdf5``, and
        with a warning any other, is HDF5, which older versions read too.
    overwrite : bool
        Whether an existing file may be replaced.
    include_optimizer : bool
        Whether optimizer, loss and metrics are written.
    zipped, save_format
        Accepted for Keras's sake; the ending decides.

    Raises
    ------
    ValueError
        If the model has no weights yet, or for the ending of another format.
    OSError
        If the file cannot be written; what was there before is unchanged.

    Notes
    -----
    A file is complete or not there: it is written under another name first. Functions are kept
    by name only; code is never written nor read.

    Examples
    --------
    >>> import os, tempfile
    >>> from kerasish import Sequential
    >>> from kerasish.layers import Dense
    >>> model = Sequential([Dense(2, input_shape=(3,))])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.keras")
    ...     save_model(model, path)
    ...     load_model(path).count_params()
    8
    """
    check_built(model, "save_model")
    if zipped is False:
        raise ValueError(
            "save_model writes one file, not a folder. Leave zipped=False out, and end the path "
            "in '.keras'."
        )
    path = writable(filepath, overwrite, "save_model", ENDINGS)
    with atomic_write(path) as file:
        if path.endswith(".keras"):
            keras_zip.write_model(file, model, include_optimizer)
        else:
            import h5py

            with h5py.File(file, "w") as opened:
                model_h5.write_model(opened, model, include_optimizer)


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    untrusted: bool = False,
) -> Any:
    """Read a model that kerasish, Keras or tf.keras saved as ``.keras`` or ``.h5``.

    Parameters
    ----------
    filepath : str or PathLike
        The file; what kind it is shows in its content.
    custom_objects : dict of str to class or function, optional
        Layers, losses and so on of your own that the file names.
    compile : bool
        Whether to compile the model as it was, with the optimizer's state. Without it, the
        file's part on training is not looked at.
    safe_mode : bool
        Keras's: with False it runs code from files. Here no code in a file is ever run.
    untrusted : bool
        Read HDF5 in a child process of limited memory and time, for files from strangers: a
        damaged one can hang or crash libhdf5.

    Returns
    -------
    Sequential

    Raises
    ------
    ValueError, TypeError
        If the file is damaged, of another kind, holds a graph that is no chain of layers, names
        an unknown class, or holds weights that do not fit. The message names the file.
    OSError
        If it cannot be read.
    """
    if custom_objects is not None and not isinstance(custom_objects, dict):
        raise TypeError(
            f"load_model expects custom_objects to be a dict from names to classes or functions, "
            f"such as {{'MyLayer': MyLayer}}, but got {custom_objects!r}."
        )
    with errors_name(filepath):
        path = os.fsdecode(os.fspath(filepath))
        with registry.custom_object_scope(custom_objects or {}):
            if kind_of(path) == "zip":
                with keras_zip.open_model(path, untrusted) as stored:
                    return restore(stored, custom_objects, compile)
            with open_tree(path, untrusted) as tree:
                return restore(model_h5.read_model(tree), custom_objects, compile)
