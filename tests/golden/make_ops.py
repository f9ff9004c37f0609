"""Make ops.npz: what the functions of real Keras's `ops` give, and which names there are.

Run with Keras 3.15 and torch 2.13 installed:
KERAS_BACKEND=torch python tests/golden/make_ops.py
"""

import importlib.util
import json
from pathlib import Path

import keras
import numpy as np
from keras.src.legacy import backend as legacy

here = Path(__file__).parent
spec = importlib.util.spec_from_file_location("ops_cases", here / "ops_cases.py")
cases = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cases)


def leaves(value):
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [np.asarray(keras.ops.convert_to_numpy(value))]


arrays = {}
for i, (name, args, kwargs) in enumerate(cases.CASES):
    for k, leaf in enumerate(leaves(getattr(keras.ops, name)(*args, **kwargs))):
        arrays[f"{i} {name} {k}"] = leaf
names = {
    "ops": [n for n in dir(keras.ops) if not n.startswith("_")],
    "backend": sorted(
        {n for m in (keras.backend, legacy) for n in dir(m) if not n.startswith("_")}
    ),
    "random": [n for n in dir(keras.random) if not n.startswith("_")],
}
arrays["names"] = np.array(json.dumps(names))
np.savez_compressed(here / "ops.npz", **arrays)
print(f"{len(arrays)} arrays")
