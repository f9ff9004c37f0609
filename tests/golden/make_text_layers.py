"""Make text_layers.json: what real Keras's layers for texts and categories give and write.

Run with Keras 3.15 and TensorFlow installed:
KERAS_BACKEND=tensorflow python tests/golden/make_text_layers.py
"""

import copy
import json
from pathlib import Path

import keras
import numpy as np

WORDS = [["a", "c", "d", "d"], ["d", "z", "b", "z"]]
NUMBERS = [[12, 1138, 42, 42], [42, 7, 36, 7]]
ABCD, WHOLE = ["a", "b", "c", "d"], [12, 36, 1138, 42]
VALUES = [[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]]
TEXTS = ["The cat sat. The dog, too!", "a dog\tand a  cat", "École\u00a0de Paris: don't", ""]
LONG = [["A"], ["B"], ["word"], ["nine char"], ["x" * 20], ["yz" * 20], ["Straße" * 25]]
UNIFORM = [round(float(v), 4) for v in np.random.default_rng(0).normal(size=350)]
MODES = ("int", "one_hot", "multi_hot", "count")

# Layer, arguments, what it adapts to (or None), input.
CASES = [
    *(
        ("CategoryEncoding", {"num_tokens": 4, "output_mode": m}, None, [[3, 1], [0, 0]])
        for m in MODES[1:]
    ),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, None, [3, 2, 0, 1]),
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, None, [[3], [1]]),
    *(
        ("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0], "output_mode": m}, None, VALUES)
        for m in MODES
    ),
    ("Discretization", {"num_bins": 4}, VALUES, VALUES),
    ("Discretization", {"num_bins": 7, "epsilon": 0.05}, [UNIFORM], [UNIFORM[:20]]),
    ("Hashing", {"num_bins": 1000}, None, LONG),
    ("Hashing", {"num_bins": 1000, "salt": [133, 137]}, None, LONG),
    ("Hashing", {"num_bins": 3, "mask_value": ""}, None, [["A"], ["B"], [""], ["C"]]),
    ("Hashing", {"num_bins": 5, "salt": 133}, None, [[1, -2], [30000, 7]]),
    ("Hashing", {"num_bins": 5, "output_mode": "count"}, None, [[1, 2], [3, 3]]),
    *(("StringLookup", {"vocabulary": ABCD, "output_mode": m}, None, WORDS) for m in MODES),
    ("StringLookup", {}, WORDS, WORDS),
    ("StringLookup", {"max_tokens": 4, "mask_token": "d"}, WORDS, WORDS),
    ("StringLookup", {"mask_token": "d", "output_mode": "count"}, WORDS, WORDS),
    ("StringLookup", {"vocabulary": ABCD, "num_oov_indices": 3}, None, [["m", "z", "hello"]]),
    ("StringLookup", {"vocabulary": ABCD, "num_oov_indices": 3, "salt": 5}, None, [["m", "zz"]]),
    ("StringLookup", {"output_mode": "tf_idf"}, WORDS, WORDS),
    (
        "StringLookup",
        {"output_mode": "tf_idf", "vocabulary": ABCD, "idf_weights": [0.25, 0.75, 0.6, 0.4]},
        None,
        WORDS,
    ),
    (
        "StringLookup",
        {"output_mode": "count", "max_tokens": 9, "pad_to_max_tokens": True},
        WORDS,
        WORDS,
    ),
    *(("IntegerLookup", {"vocabulary": WHOLE, "output_mode": m}, None, NUMBERS) for m in MODES),
    ("IntegerLookup", {}, NUMBERS, NUMBERS),
    ("IntegerLookup", {"vocabulary": WHOLE, "num_oov_indices": 3}, None, [[-7, 5, 100, 36]]),
    (
        "IntegerLookup",
        {"vocabulary": WHOLE, "num_oov_indices": 4, "oov_method": "farmhash"},
        None,
        [[100, 300, 700, 1100, 1700, 2000]],
    ),
    ("IntegerLookup", {"vocabulary": WHOLE, "invert": True, "mask_token": 0}, None, [[0, 1, 2, 9]]),
    ("IntegerLookup", {"output_mode": "tf_idf", "mask_token": 42}, NUMBERS, NUMBERS),
    ("TextVectorization", {}, TEXTS, TEXTS),
    ("TextVectorization", {"output_sequence_length": 3, "max_tokens": 6}, TEXTS, TEXTS),
    ("TextVectorization", {"output_sequence_length": 9}, TEXTS, [[t] for t in TEXTS]),
    ("TextVectorization", {"standardize": "lower"}, TEXTS, TEXTS),
    ("TextVectorization", {"standardize": "strip_punctuation", "split": "character"}, TEXTS, TEXTS),
    ("TextVectorization", {"standardize": None}, TEXTS, TEXTS),
    ("TextVectorization", {"ngrams": 2}, TEXTS, TEXTS),
    ("TextVectorization", {"ngrams": [1, 3], "output_mode": "count"}, TEXTS, TEXTS),
    *(
        ("TextVectorization", {"output_mode": m}, TEXTS, TEXTS[:3])
        for m in ("multi_hot", "count", "tf_idf")
    ),
    (
        "TextVectorization",
        {"output_mode": "tf_idf", "max_tokens": 30, "pad_to_max_tokens": True},
        TEXTS,
        TEXTS,
    ),
    ("TextVectorization", {"split": None, "standardize": "lower"}, WORDS, WORDS),
    ("TextVectorization", {"vocabulary": ["cat", "dog"]}, None, ["cat dog bird"]),
]


def run(name, arguments, data, inputs):
    given = {
        k: tuple(v) if k == "ngrams" and isinstance(v, list) else v
        for k, v in copy.deepcopy(arguments).items()
    }
    layer = getattr(keras.layers, name)(**given, name="layer")
    if data is not None:
        layer.adapt(np.array(data) if name == "Discretization" else data)
    numeric = not isinstance(np.ravel(np.array(inputs))[0], str)
    y = np.asarray(layer(np.array(inputs) if numeric else inputs))
    case = {"layer": name, "arguments": arguments, "adapt": data, "input": inputs}
    if hasattr(layer, "get_vocabulary"):
        case["vocabulary"] = [t if isinstance(t, str) else int(t) for t in layer.get_vocabulary()]
    config = keras.saving.serialize_keras_object(layer)["config"]
    return {**case, "output": y.tolist(), "config": config}


lines = [json.dumps(run(*case)) for case in CASES]
Path(__file__).with_name("text_layers.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
print(f"{len(lines)} cases")
