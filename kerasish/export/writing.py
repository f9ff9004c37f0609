"""The file around the body: documentation, loading of the arrays, checks, command line."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import textwrap
from typing import Any

import numpy as np

from kerasish import layers
from kerasish.atomic import atomic_write
from kerasish.errors import brief
from kerasish.export import rules  # noqa: F401 (registers the rules)
from kerasish.export.functions import arrays
from kerasish.export.script import Script

FOREIGN = {
    "tf_saved_model": "a SavedModel, of TensorFlow",
    "tf": "a SavedModel, of TensorFlow",
    "onnx": "ONNX",
    "openvino": "OpenVINO",
    "litert": "LiteRT, once TensorFlow Lite",
    "torch": "PyTorch",
}


def export_model(model: Any, filepath: Any, format: Any = "numpy", verbose: Any = None) -> None:
    """Write a Python file and an .npz beside it that predict with NumPy alone.

    Parameters
    ----------
    model : Sequential
        A built model, all of whose layers can be exported.
    filepath : str or PathLike
        The Python file, such as ``"predictor.py"``; the arrays go to ``"predictor.npz"``.
    format : "numpy"
        Keras's other formats are those of other frameworks, and refused.
    verbose : bool, optional
        Whether to say what was written.

    Raises
    ------
    ValueError
        If the model is not built, a layer cannot be exported, or another format is asked for.
    OSError
        If the files cannot be written.
    """
    path = _checked_path(filepath, format)
    if not model.built:
        raise ValueError(
            f"export: {model.label} is not built, so that there are no weights to write. Call "
            f"build(...), or train it, first."
        )
    script = Script(model.dtype)
    script.apply(model)
    arrays = _npz(script.arrays)
    beside = os.path.splitext(path)[0] + ".npz"
    text = _text(model, script, os.path.basename(path), hashlib.sha256(arrays).hexdigest()[:16])
    with atomic_write(beside) as file:
        file.write(arrays)
    with atomic_write(path, "w") as file:
        file.write(text)
    if verbose:
        print(f"Saved the model as '{path}' and '{beside}'.")


def _checked_path(filepath: Any, format: Any) -> str:
    if format not in ("numpy", None):
        what = f", {FOREIGN[format]}," if format in FOREIGN else ""
        raise ValueError(
            f"export: the format {brief(format)}{what} is not written by kerasish. Leave `format` "
            f"out for a Python file that needs NumPy only; to go on in Keras, save the model as "
            f".keras."
        )
    try:
        path = os.fsdecode(os.fspath(filepath))
    except TypeError:
        raise TypeError(f"export expects the path of a file but got {brief(filepath)}.") from None
    stem, ending = os.path.splitext(os.path.basename(path))
    if ending != ".py":
        raise ValueError(
            f"export writes a Python file, and '{path}' does not end in .py. Write "
            f"model.export('predictor.py')."
        )
    if not stem.isidentifier():
        raise ValueError(
            f"export: '{stem}.py' could not be imported: a module's name consists of letters, "
            f"digits and underscores. Call it 'predictor.py', say."
        )
    return path


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _text(model: Any, script: Script, name: str, digest: str) -> str:
    """The whole file."""
    given, sources = Given(model, script), script.sources
    shape, outputs = model.input_shape[1:], model.output_shape[1:]
    floats, stem = script.dtype.name, os.path.splitext(name)[0]
    used = set(re.findall(r"\w+", "\n".join(sources.definitions.values())))
    imports = sorted(sources.imports.union(STANDARD) - {"import numpy as np"})
    imports += [line for word, line in PROTOCOLS.items() if word in used]
    aliases = [line for word, line in ALIASES.items() if word in used]
    parts = [
        HEADER.format(
            label=model.name,
            inputs=_shape(shape),
            input_type=given.kind,
            outputs=_shape(outputs),
            output_type=floats if script.contents == "floats" else script.contents,
            stem=stem,
            usage=given.usage.format(stem=stem).strip("\n"),
        ),
        "\n".join([*imports, IMPORTS.strip()]),
        "\n".join(["Array = np.ndarray", *aliases, "", *SETTINGS.strip().splitlines()]).format(
            shape=tuple(shape), dtype=floats, digest=digest, stem=stem
        ),
        "\n".join(sources.constants.values()),
        *sources.definitions.values(),
        FORWARD.format(body=textwrap.indent("\n".join(script.lines), "    ") or "    pass"),
        FRAME.format(cast=given.cast, read=given.read, help=given.help),
    ]
    head, *rest = [part.strip("\n") for part in parts if part]
    head = "\n\n".join([head, rest.pop(0), rest.pop(0)])
    return "\n\n\n".join([head, *rest]) + "\n"


class Given:
    """What the file says and does about its inputs."""

    def __init__(self, model: Any, script: Script) -> None:
        first = model.flat_layers()[0]
        self.usage, self.help = ARRAY_USAGE, "inputs, a file that numpy.save has written"
        self.read = "read_array(options.x)"
        if not first.takes_text or getattr(first, "invert", False):
            script.sources.add(arrays.read_array)
            self.kind = script.dtype.name if first.casts_input else "whole numbers"
            if isinstance(first, layers.Discretization):
                self.kind = "numbers"
            self.cast = "np.asarray(x, DTYPE)" if first.casts_input else "np.asarray(x)"
            return
        both = isinstance(first, layers.Hashing)
        self.kind = "texts or whole numbers" if both else "texts"
        convert = script.sources.add(arrays.texts_or_numbers if both else arrays.texts)
        self.cast = f"{convert}(x, {json.dumps(first.encoding)})"
        columns = model.input_shape[1:] or (1,)
        if len(columns) == 1:
            self.usage = TEXT_USAGE
            self.help = "a text file of one sample a line, - for stdin, or a .npy file"
            self.read = f"{script.sources.add(arrays.read_texts)}(options.x, {columns[0]})"


def _shape(shape: Any) -> str:
    return f"({', '.join(['N', *('any' if n is None else str(n) for n in shape)])})"


HEADER = '''
"""Predicts with the model '{label}', made by kerasish. Needs Python 3.10 or later, and NumPy.

Input:  x of shape {inputs}, {input_type}
Output: an array of shape {outputs}, {output_type}

In Python:

    from {stem} import predict
    y = predict(x)

{usage}

The weights are in {stem}.npz, which has to lie beside this file.
"""

from __future__ import annotations
'''
ARRAY_USAGE = """
On the command line (x.npy is an array that numpy.save has written):

    python {stem}.py x.npy --out y.npy
"""
TEXT_USAGE = """
On the command line (x.txt has a sample in each line, with tabs between its texts if it has several;
in place of it - reads stdin, and x.npy is an array that numpy.save has written):

    python {stem}.py x.txt --out y.npy
"""
STANDARD = ["import argparse", "import hashlib", "import sys"]
PROTOCOLS = {
    "Function": "from collections.abc import Callable",
    "Iterable": "from collections.abc import Iterable",
}
ALIASES = {
    "Sizes": "Sizes = tuple[int, ...]",
    "Function": "Function = Callable[[Array], Array]",
}
IMPORTS = """
from pathlib import Path
from typing import Any

import numpy as np
"""
SETTINGS = """
SHAPE: tuple[int | None, ...] = {shape}  # of one sample; None stands for any size
DTYPE = np.{dtype}
WEIGHTS = Path(__file__).with_name("{stem}.npz")
DIGEST = "{digest}"  # of the file of the weights
"""
FORWARD = '''
def forward(x: Array, w: dict[str, Array]) -> Array:
    """The layers of the model, one after another."""
{body}
    return x
'''
FRAME = '''
_loaded: dict[str, Array] = {{}}


def weights() -> dict[str, Array]:
    """The arrays of the .npz file, read when they are first needed."""
    if not _loaded:
        if not WEIGHTS.is_file():
            raise FileNotFoundError(f"The weights are missing: there is no file {{WEIGHTS}}.")
        if hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[: len(DIGEST)] != DIGEST:
            raise ValueError(f"{{WEIGHTS}} is damaged, or belongs to another predictor.")
        with np.load(WEIGHTS, allow_pickle=False) as file:
            _loaded.update({{name: file[name] for name in file.files}})
    return _loaded


def check(x: Any) -> Array:
    """Return x as an array, if its shape fits the model."""
    x = {cast}
    if x.ndim == len(SHAPE) and SHAPE[-1:] == (1,):
        x = x[..., None]
    elif x.ndim == len(SHAPE) + 2 and x.shape[-1] == 1:
        x = x[..., 0]
    fits = x.ndim == len(SHAPE) + 1 and all(
        a in (None, b) for a, b in zip(SHAPE, x.shape[1:], strict=True)
    )
    if not fits:
        expected = ", ".join(["N", *("any" if n is None else str(n) for n in SHAPE)])
        hint = " Pass one sample as x[None]." if x.ndim == len(SHAPE) else ""
        raise ValueError(f"x must have the shape ({{expected}}) but has {{x.shape}}.{{hint}}")
    return x


def predict(x: Any, batch_size: int = 32) -> Array:
    """Return the model's outputs for all samples of x, computed so many at a time."""
    x, w = check(x), weights()
    if batch_size < 1:
        raise ValueError(f"The batch size must be at least 1 but is {{batch_size}}.")
    starts = range(0, max(len(x), 1), batch_size)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.concatenate([forward(x[at : at + batch_size], w) for at in starts])


def main(arguments: list[str] | None = None) -> None:
    """Predict for an array in a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("x", help="{help}")
    parser.add_argument("--out", help="where to write the outputs; without it they are printed")
    parser.add_argument("--batch-size", type=int, default=32, help="samples at a time")
    options = parser.parse_args(arguments)
    try:
        y = predict({read}, options.batch_size)
    except (OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    if options.out:
        np.save(options.out, y)
    else:
        fmt = "%.7g" if y.dtype.kind == "f" else "%s"
        between = "\\t" if y.dtype.kind == "U" else " "
        np.savetxt(sys.stdout, y.reshape(len(y), -1), fmt, between)


if __name__ == "__main__":
    main()
'''
