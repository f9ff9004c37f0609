"""Keras's public names: each is supported, with Keras's arguments, or listed here with a reason.

`golden/keras_api.json` has the names and signatures of Keras 3.15. What the tables below do not
name must exist under the same name, with the same arguments in the same order and with the same
defaults. kerasish may take further arguments after them.
"""

import importlib
import inspect
import json
import pathlib

import pytest

KERAS = json.loads(
    pathlib.Path(__file__).with_name("golden").joinpath("keras_api.json").read_text()
)
KERAS.pop("keras_version")

FOREIGN = "wraps a layer of another framework, of which kerasish runs without"
GRAPH = "joins several inputs, and kerasish has Sequential models only"
DATA = "readers of folders and files: not in this release"

LATER_OR_REFUSED: dict[str, dict[str, str]] = {
    "layers": {
        GRAPH: """Add Average Concatenate Dot Maximum Minimum Multiply Subtract add average
            concatenate dot maximum minimum multiply subtract Attention AdditiveAttention
            GroupQueryAttention MultiHeadAttention""",
        FOREIGN: "FlaxLayer JaxLayer TFSMLayer TorchModuleWrapper",
        "bounding boxes of objects are not supported": "MaxNumBoundingBoxes",
        "ties the output of a language model to its input: use Embedding and Dense": (
            "ReversibleEmbedding"
        ),
        "several inputs, or sound: not planned": "HashedCrossing MelSpectrogram STFTSpectrogram",
        "use Dense, Permute and Reshape": "EinsumDense",
        "custom layers check what they are given in `build`": "InputSpec",
    },
    "callbacks": {
        "Orbax is a format of JAX": "OrbaxCheckpoint",
        "posts to a server: write a LambdaCallback": "RemoteMonitor",
    },
    "optimizers": {
        "keeps float16 gradients from underflowing: kerasish computes in float32": (
            "LossScaleOptimizer"
        ),
        "empty in Keras 3 too": "legacy",
    },
    "saving": {"edits weights files by hand: open them with h5py": "KerasFileEditor"},
    "utils": {
        DATA: "audio_dataset_from_directory text_dataset_from_directory",
        "the bar is tqdm's": """Progbar disable_interactive_logging enable_interactive_logging
            is_interactive_logging_enabled""",
        GRAPH: "get_source_inputs is_keras_tensor",
        "makes an object of pydot; plot_model draws with matplotlib alone": "model_to_dot",
        "belongs to parts of Keras that kerasish has not": """Config FeatureSpace bounding_boxes
            legacy""",
    },
}
# What differs on purpose, as (module, symbol, argument) -> why.
DIFFERENT_ARGUMENTS: dict[tuple[str, str, str], str] = {
    ("layers", "Dense", "lora_rank"): "low-rank fine-tuning: not planned",
    ("layers", "Dense", "lora_alpha"): "low-rank fine-tuning: not planned",
    ("layers", "Embedding", "lora_rank"): "low-rank fine-tuning: not planned",
    ("layers", "Embedding", "lora_alpha"): "low-rank fine-tuning: not planned",
    ("layers", "Layer", "activity_regularizer"): "taken by name; see below",
    ("layers", "Layer", "autocast"): "taken by name; see below",
    ("models", "clone_model", "call_function"): "belongs to graphs of layers",
    ("models", "clone_model", "recursive"): "belongs to graphs of layers: nested models are cloned",
    ("saving", "save_weights", "max_shard_size"): "weights are one file",
}


def without(module):
    return {
        name: reason
        for reason, names in LATER_OR_REFUSED.get(module, {}).items()
        for name in names.split()
    }


SUPPORTED = [
    (module, name)
    for module, table in KERAS.items()
    for name in table
    if name not in without(module)
]


def ours(module, name):
    return getattr(importlib.import_module(f"kerasish.{module}"), name, None)


def arguments(symbol):
    function = symbol.__init__ if inspect.isclass(symbol) else symbol
    found = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    return {p.name: p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}, found


def plain(value):
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def same(default, expected):
    if isinstance(expected, dict):  # a default that JSON cannot hold, by its name
        return getattr(default, "__name__", type(default).__name__) == expected["repr"]
    return plain(default) == expected and isinstance(default, bool) == isinstance(expected, bool)


@pytest.mark.parametrize(("module", "name"), SUPPORTED, ids=[".".join(s) for s in SUPPORTED])
def test_public_symbols_have_keras_arguments(module, name):
    symbol, entry = ours(module, name), KERAS[module][name]
    assert symbol is not None, f"kerasish.{module}.{name} is missing"
    if entry["kind"] == "module":
        return
    assert callable(symbol)
    known, everything = arguments(symbol)
    order = [p.name for p in everything if p.kind is p.POSITIONAL_OR_KEYWORD]
    place = 0
    problems = []
    for argument, kind, *default in entry["parameters"]:
        if kind in ("*", "**") or (module, name, argument) in DIFFERENT_ARGUMENTS:
            place += kind in ("any", "positional") and argument in known
            continue
        if argument not in known:
            problems.append(f"no argument `{argument}`")
            continue
        if kind in ("any", "positional"):
            if order[place : place + 1] != [argument]:
                at = order.index(argument) + 1 if argument in order else "nowhere"
                problems.append(f"`{argument}` must be argument {place + 1}, but is {at}")
            place += 1
        given = known[argument].default
        if not default and given is not inspect.Parameter.empty:
            continue  # Keras requires it and kerasish knows a good value
        if default and not same(given, default[0]):
            problems.append(f"`{argument}` must default to {default[0]!r}, but does to {given!r}")
    assert not problems, f"kerasish.{module}.{name}: " + "; ".join(problems)


@pytest.mark.parametrize("module", sorted(LATER_OR_REFUSED))
def test_the_exceptions_are_names_of_keras_which_kerasish_has_not(module):
    names = [n for names in LATER_OR_REFUSED[module].values() for n in names.split()]
    assert len(names) == len(set(names)), "a name is listed twice"
    assert not set(names) - set(KERAS[module]), "not in Keras"
    present = [name for name in names if ours(module, name) is not None]
    assert not present, f"now supported, so take them from the table: {present}"


def test_different_arguments_are_arguments_of_keras():
    for module, name, argument in DIFFERENT_ARGUMENTS:
        assert argument in [row[0] for row in KERAS[module][name]["parameters"]]


def test_layers_take_keras_arguments_that_their_signature_does_not_list():
    layer = ours("layers", "Layer")(activity_regularizer="l2", autocast=False)
    assert type(layer.activity_regularizer).__name__ == "L2"
