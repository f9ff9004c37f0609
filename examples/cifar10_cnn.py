"""Train a convolutional network on CIFAR-10 for 10 epochs.

    python examples/cifar10_cnn.py [--data PATH | --subset FILE]

CIFAR-10 (170 MB) is downloaded at first use; `--data` reads an archive or folder of it instead.
`--subset` trains on the images of an .npz file with x_train, y_train, x_test and y_test.
Prints the test accuracy and exits with 1 if it is too low: at least 0.60 on a subset of 20,000
images, at least 0.70 on the full set (which nobody has measured yet). Writes cifar10_cnn.png: the
learning curves and what the network makes of images that it has not seen.
"""

import argparse
import sys

import kerasish as ks

GOAL, GOAL_OF_SUBSET = 0.70, 0.60

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
source = parser.add_mutually_exclusive_group()
source.add_argument("--data", metavar="PATH", help="archive of CIFAR-10, or a folder with it")
source.add_argument("--subset", metavar="FILE", help=".npz file with a part of the images")
arguments = parser.parse_args()

if arguments.subset:
    arrays = ks.data.from_npz(arguments.subset)
    x_train, y_train, x_test, y_test = (
        arrays[k] for k in ("x_train", "y_train", "x_test", "y_test")
    )
else:
    (x_train, y_train), (x_test, y_test) = ks.datasets.cifar10.load_data(path=arguments.data)
goal = GOAL_OF_SUBSET if arguments.subset else GOAL
x_train, x_test = x_train.astype("float32") / 255, x_test.astype("float32") / 255
y_train, y_test = y_train.ravel(), y_test.ravel()


def block(filters):
    """Halve the image, with more channels."""
    return [
        ks.layers.Conv2D(filters, 3, padding="same", use_bias=False),
        ks.layers.BatchNormalization(),
        ks.layers.ReLU(),
        ks.layers.MaxPooling2D(),
    ]


ks.set_random_seed(0)
model = ks.Sequential(
    [
        *block(32),
        *block(64),
        *block(128),
        ks.layers.Flatten(),
        ks.layers.Dropout(0.5),
        ks.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=64, epochs=10, validation_split=0.1)
model.summary()

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy: {accuracy:.4f} (goal: {goal})")

figure = ks.viz.new_figure((9, 7.5))
curves, images = figure.subfigures(2, 1, height_ratios=[1, 1.1])
ks.viz.plot_history(history, figure=curves)
ks.viz.image_grid(
    x_test[:24],
    y_test[:24],
    model.predict(x_test[:24], verbose=0),
    class_names=ks.datasets.cifar10.info()["class_names"],
    columns=8,
    title="Test images",
    figure=images,
)
figure.savefig("cifar10_cnn.png")
print("wrote cifar10_cnn.png")

sys.exit(0 if accuracy >= goal else 1)
