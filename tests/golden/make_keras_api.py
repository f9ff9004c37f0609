"""Write keras_api.json: every public symbol of the Keras modules that kerasish mirrors.

Run with real Keras 3.15 (``KERAS_BACKEND=torch python tests/golden/make_keras_api.py``). For each
symbol the file holds its kind and its parameters as ``[name, kind, default]``; a default that
JSON cannot hold is written as ``{"repr": ...}`` and a required parameter has no default.
"""

import importlib
import inspect
import json
import pathlib

MODULES = [
    "activations",
    "callbacks",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "optimizers.schedules",
    "regularizers",
    "saving",
    "utils",
]
KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "any",
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_KEYWORD: "**",
}


def plain(value):
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return {"repr": getattr(value, "__name__", None) or type(value).__name__}


def parameters(function):
    rows = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name != "self":
            row = [parameter.name, KINDS[parameter.kind]]
            if parameter.default is not parameter.empty:
                row.append(plain(parameter.default))
            rows.append(row)
    return rows


def describe(symbol):
    if inspect.isclass(symbol):
        return {"kind": "class", "parameters": parameters(symbol.__init__)}
    if inspect.ismodule(symbol):
        return {"kind": "module"}
    return {"kind": "function", "parameters": parameters(symbol)}


def main():
    import keras

    table = {}
    for name in MODULES:
        module = importlib.import_module(f"keras.{name}")
        public = [n for n in sorted(vars(module)) if not n.startswith("_")]
        table[name] = {n: describe(getattr(module, n)) for n in public}
    lines = []
    for name, symbols in table.items():
        rows = ",\n".join(f"  {json.dumps(n)}: {json.dumps(s)}" for n, s in symbols.items())
        lines.append(f" {json.dumps(name)}: {{\n{rows}\n }}")
    text = f'{{\n "keras_version": {json.dumps(keras.__version__)},\n' + ",\n".join(lines) + "\n}\n"
    json.loads(text)
    pathlib.Path(__file__).with_name("keras_api.json").write_text(text)


if __name__ == "__main__":
    main()
