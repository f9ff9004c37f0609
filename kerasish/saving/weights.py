"""`save_weights` and `load_weights`: which layout a file has, and what is done with it."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Any

from kerasish.atomic import atomic_write
from kerasish.errors import warn
from kerasish.saving import layers_h5, weights_h5
from kerasish.saving.comparing import assign
from kerasish.saving.hdf5 import Tree
from kerasish.saving.limits import FileError
from kerasish.saving.opening import errors_name, kind_of, open_tree

FOREIGN = {  # endings of what is neither read nor written
    ".ckpt": "TensorFlow checkpoints",
    ".json": "JSON: use model.to_json() for the architecture",
    ".npz": "NumPy archives: use model.get_weights()",
    ".onnx": "ONNX",
    ".pb": "TensorFlow graphs",
    ".pickle": "pickles, which can run code",
    ".pkl": "pickles, which can run code",
    ".pt": "PyTorch",
    ".pth": "PyTorch",
    ".tf": "TensorFlow SavedModels",
    ".tflite": "TensorFlow Lite",
    ".yaml": "YAML",
    ".yml": "YAML",
}


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights of a model to a file.

    Parameters
    ----------
    model : Sequential
        A built model; a compiled one's optimizer state is written too, in ``.weights.h5``.
    filepath : str or PathLike
        ``.weights.h5`` is Keras 3's layout, ``.h5`` or ``.hdf5`` that of Keras 2.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    ValueError
        If the model has no weights yet, or for the ending of another format.
    OSError
        If the file cannot be written; what was there before is unchanged.

    Examples
    --------
    >>> import os, tempfile
    >>> from kerasish import Sequential
    >>> from kerasish.layers import Dense
    >>> model = Sequential([Dense(2, input_shape=(3,))])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "a.weights.h5")
    ...     save_weights(model, path)
    ...     load_weights(Sequential([Dense(2, input_shape=(3,))]), path)
    """
    check_built(model, "save_weights")
    path = writable(filepath, overwrite, "save_weights", (".weights.h5", ".h5", ".hdf5"))
    with writing_hdf5(path) as file:
        if path.endswith(".weights.h5"):
            weights_h5.write_weights(file, model)
        else:
            layers_h5.write_layers(file, model)


def load_weights(
    model: Any,
    filepath: Any,
    skip_mismatch: bool = False,
    by_name: bool = False,
    untrusted: bool = False,
) -> None:
    """Read the weights of a model from a file, in whichever of Keras's layouts it is.

    Every name and shape is compared first; nothing is changed unless all of it fits.

    Parameters
    ----------
    model : Sequential
        A built model. If it is compiled, the optimizer's state is read too where a
        ``.weights.h5`` or ``.keras`` file has it.
    filepath : str or PathLike
        A weights file or a whole model.
    skip_mismatch : bool
        Load what fits, with a warning about the rest.
    by_name : bool
        Pair layers by their names instead of their order, and leave the others alone. For
        files in the layout of Keras 2 (``.h5``).
    untrusted : bool
        Read the file in a child process of limited memory and time.

    Raises
    ------
    ValueError
        If the weights do not fit, with everything that is missing, extra or of another shape;
        if the file is damaged or of another kind.
    OSError
        If the file cannot be read.
    """
    check_built(model, "load_weights")
    with errors_name(filepath):
        path = os.fspath(filepath)
        if kind_of(path) == "zip":
            from kerasish.saving.keras_zip import weights_tree

            opening = weights_tree(path, untrusted)
        else:
            opening = open_tree(path, untrusted)
        with opening as tree:
            pairs = _compare(tree, model, skip_mismatch, by_name)
        assign(pairs)


def _compare(tree: Tree, model: Any, skip_mismatch: bool, by_name: bool) -> list[Any]:
    place = layers_h5.layers_place(tree)
    if place is not None:
        comparison = layers_h5.compare_layers(tree, place, model, by_name)
        comparison.check(skip_mismatch)
        return comparison.read()
    if not weights_h5.is_weights_tree(tree):
        raise FileError("it is HDF5, but holds no weights in a layout of Keras")
    if by_name:
        raise FileError(
            "by_name=True needs a file in the layout of Keras 2 (.h5), for files of Keras 3 hold "
            "no names. Leave it out"
        )
    comparison = weights_h5.compare_weights(tree, model)
    comparison.check(skip_mismatch)
    pairs = comparison.read()
    optimizer = weights_h5.compare_optimizer(tree, model)
    return pairs if optimizer is None else pairs + optimizer.read()


def check_built(model: Any, who: str) -> None:
    """Refuse a model that has no weights yet."""
    if not model.built:
        verb = "saving" if who == "save_weights" else "loading weights into"
        raise ValueError(
            f"{who}: You are {verb} a model that has not yet been built: Sequential "
            f"{model.name!r} has no weights. Begin its layers with Input(shape=...), or call "
            f"build(...) or fit(...) first."
        )


def writable(filepath: Any, overwrite: bool, who: str, endings: tuple[str, ...]) -> str:
    """Check a path to be written to, and make its folder."""
    try:
        path = os.fspath(filepath)
    except TypeError:
        raise TypeError(
            f"{who} expects the path of a file but got {filepath!r}. Write {who}('name"
            f"{endings[0]}')."
        ) from None
    path = os.fsdecode(path)
    ending = os.path.splitext(path)[1].lower()
    if ending == ".keras" and ending not in endings:
        raise ValueError(
            f"{who} cannot write '{path}': '.keras' stands for whole models: write "
            f"model.save('{path}'), or use one of {', '.join(endings)}."
        )
    if ending in FOREIGN:
        raise ValueError(
            f"{who} cannot write '{path}': '{ending}' stands for {FOREIGN[ending]}. "
            f"Use one of {', '.join(endings)}."
        )
    if not overwrite and os.path.exists(path):
        raise FileExistsError(
            f"{who}: '{path}' exists and overwrite=False. Pass another path or overwrite=True."
        )
    if not path.endswith(endings):
        warn(
            f"{who}: '{path}' has none of the endings {', '.join(endings)}; it is written as HDF5 "
            f"in the layout of '.h5'."
        )
    folder = os.path.dirname(path)
    if folder:
        with contextlib.suppress(OSError):  # atomic_write says what is wrong
            os.makedirs(folder, exist_ok=True)
    return path


@contextlib.contextmanager
def writing_hdf5(path: str) -> Iterator[Any]:
    """Open a new HDF5 file that takes the place of `path` once it is complete."""
    import h5py

    with atomic_write(path) as file, h5py.File(file, "w") as opened:
        yield opened


def hdf5_bytes(write: Any) -> bytes:
    """An HDF5 file, written by ``write(file)``, as bytes."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as opened:
        write(opened)
    return buffer.getvalue()
