"""Make the files that this version of kerasish adds to saved/; those of older ones stay.

Run once before a release: PYTHONPATH=. python tests/golden/make_own_saved.py
"""

from pathlib import Path

import numpy as np

import kerasish as ks
from kerasish import layers

FOLDER = Path(__file__).with_name("saved")
NAME = f"kerasish-{ks.__version__}"
rng = np.random.default_rng(0)
x = rng.standard_normal((12, 6, 6, 1)).astype("float32")
y = rng.integers(0, 3, 12)

model = ks.Sequential(
    [
        layers.Input((6, 6, 1)),
        layers.Conv2D(2, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.Dropout(0.0),  # random streams may change between versions
        ks.Sequential([layers.Flatten(), layers.Dense(4, "tanh")], name="head"),
        layers.Dense(3, "softmax"),
    ],
    name="own",
    seed=1,
)
model.metadata["class_names"] = ["a", "b", "c"]
model.compile(
    ks.optimizers.Adam(0.01),
    "sparse_categorical_crossentropy",
    ["accuracy", ks.metrics.Precision(average="macro")],
)
ks.config.set_num_threads(1)
for _ in range(3):
    model.train_on_batch(x, y)
for ending in (".keras", ".h5", ".weights.h5"):
    path = FOLDER / f"{NAME}{ending}"
    (model.save_weights if ending == ".weights.h5" else model.save)(path)
found = {"x": x, "y": y, "predictions": model.predict(x, verbose=0)}
found |= {f"optimizer{i}": v.numpy() for i, v in enumerate(model.optimizer.variables)}
found |= {f"before{i}": w for i, w in enumerate(model.get_weights())}
logs = [model.train_on_batch(x, y, return_dict=True) for _ in range(3)]
for key in logs[0]:
    found[f"log {key}"] = np.array([step[key] for step in logs])
found |= {f"after{i}": w for i, w in enumerate(model.get_weights())}
np.savez_compressed(FOLDER / f"{NAME}.npz", **found)
