"""Train on an HDF5 file that is larger than the memory this process may use.

    python tests/large_hdf5.py FOLDER [--gigabytes 6]

Makes FOLDER/large.h5 (uint8 images 32x32x3 and labels, random but for a trace of the class), trains
one epoch with ``fit(shuffle=True)`` and prints rows a second, the time a plain reading of the file
takes, and the peak of memory.
"""

import argparse
import pathlib
import resource
import sys
import time

import h5py
import numpy as np

import kerasish as ks

SHAPE, CHUNK = (32, 32, 3), 128
ROW_BYTES = int(np.prod(SHAPE))


def make(path, rows):
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (rows, *SHAPE), "uint8", chunks=(CHUNK, *SHAPE))
        y = file.create_dataset("y", (rows,), "int64")
        block = rng.integers(0, 200, (8192, *SHAPE), "uint8")
        for start in range(0, rows, len(block)):
            count = min(len(block), rows - start)
            labels = np.sort(rng.integers(0, 10, count))  # sorted: order matters
            part = block[:count]
            part[:, 0, 0, 0] = 25 * labels
            x[start : start + count], y[start : start + count] = part, labels


def peak_megabytes():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--gigabytes", type=float, default=6.0)
    arguments = parser.parse_args()
    path = arguments.folder / "large.h5"
    rows = int(arguments.gigabytes * 1e9 / ROW_BYTES)
    make(path, rows)
    made = peak_megabytes()

    x, y = ks.data.from_hdf5(path, "x", "y")
    start = time.perf_counter()
    for at in range(0, rows, 4096):
        x[at : at + 4096]
    reading = time.perf_counter() - start

    ks.set_random_seed(0)
    model = ks.Sequential(
        [ks.layers.Rescaling(1 / 255), ks.layers.Flatten(), ks.layers.Dense(10, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    start = time.perf_counter()
    history = model.fit(x, y, batch_size=256, shuffle=True, verbose=0)
    training = time.perf_counter() - start
    print(f"file: {path.stat().st_size / 1e9:.2f} GB, {rows} rows, made within {made:.0f} MB")
    print(f"reading in order: {reading:.1f} s")
    print(f"fit(shuffle=True): {training:.1f} s, {rows / training:.0f} rows/s")
    print(f"accuracy: {history.history['accuracy'][0]:.3f}")
    print(f"peak memory: {peak_megabytes():.0f} MB")


if __name__ == "__main__":
    main()
