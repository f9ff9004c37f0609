"""Make layer_configs.json: what real Keras's `get_config` gives for each row of the layers' table.

Run with Keras 3.15 and torch 2.13 installed:
KERAS_BACKEND=torch python -m tests.golden.make_layer_configs
"""

import copy
import json
from pathlib import Path

import keras

from tests.test_layers import ON_TENSORFLOW, TABLE, row_id


def read(config):
    return keras.saving.deserialize_keras_object(copy.deepcopy(config))


configs = {}
for row in TABLE:
    name, arguments, _, _ = row
    if name == "Lambda":  # its function is code, which no config of ours holds
        continue
    if name in ON_TENSORFLOW:  # see make_text_layers.py
        continue
    inner = {k: read(v) for k, v in arguments.items() if isinstance(v, dict) and "class_name" in v}
    if name == "Pipeline":
        inner = {"layers": [read(layer) for layer in arguments["layers"]]}
    layer = getattr(keras.layers, name)(**{**arguments, **inner}, name="layer")
    configs[row_id(row)] = keras.saving.serialize_keras_object(layer)["config"]
text = "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in configs.items()) + "\n}"
Path(__file__).with_name("layer_configs.json").write_text(text + "\n")
print(f"{len(configs)} configs")
