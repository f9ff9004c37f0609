"""Train a small convolutional network on MNIST for 3 epochs.

    python examples/mnist_cnn.py [--data PATH]

MNIST (11 MB) is downloaded at first use; `--data` reads a folder with its four files instead.
Prints the test accuracy, which must be at least 0.988 (the script exits with 1 below it), and
writes mnist_cnn.png: which digits it takes for which, and the test images that it gets wrong.
"""

import argparse
import sys

import numpy as np

import kerasish as ks

GOAL = 0.988
EPOCHS, BATCH_SIZE = 3, 64

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--data", metavar="PATH", help="folder with the files of MNIST, or mnist.npz")
arguments = parser.parse_args()

(x_train, y_train), (x_test, y_test) = ks.datasets.mnist.load_data(path=arguments.data)
# (N, 28, 28) to (N, 28, 28, 1): a convolution wants channels
x_train = x_train[..., np.newaxis].astype("float32") / 255
x_test = x_test[..., np.newaxis].astype("float32") / 255

ks.set_random_seed(0)
model = ks.Sequential(
    [
        ks.layers.Conv2D(32, 3, activation="relu"),
        ks.layers.MaxPooling2D(),
        ks.layers.Conv2D(64, 3, activation="relu"),
        ks.layers.MaxPooling2D(),
        ks.layers.Flatten(),
        ks.layers.Dense(128, activation="relu"),
        ks.layers.Dropout(0.5),
        ks.layers.Dense(10, activation="softmax"),
    ]
)
steps = EPOCHS * round(0.9 * len(x_train) / BATCH_SIZE)
rate = ks.optimizers.schedules.CosineDecay(2e-3, decay_steps=steps)
model.compile(ks.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=BATCH_SIZE, epochs=EPOCHS, validation_split=0.1)
model.summary()

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy: {accuracy:.4f} (goal: {GOAL})")

probabilities = model.predict(x_test, verbose=0)
wrong = np.flatnonzero(probabilities.argmax(axis=1) != y_test)[:20]
figure = ks.viz.new_figure((7.5, 9.5))
matrix, mistakes = figure.subfigures(2, 1, height_ratios=[2.6, 1])
ks.viz.confusion_matrix(y_test, probabilities, figure=matrix)
ks.viz.image_grid(
    x_test[wrong],
    y_test[wrong],
    probabilities[wrong],
    columns=10,
    title="Test digits that it gets wrong",
    figure=mistakes,
)
figure.savefig("mnist_cnn.png")
print("wrote mnist_cnn.png")

sys.exit(0 if accuracy >= GOAL else 1)
