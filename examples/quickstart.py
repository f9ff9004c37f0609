"""Train a small network on real handwritten digits in a few seconds.

    python examples/quickstart.py

Prints the test accuracy, which must be at least 0.95 (the script exits with 1 below it), and
writes digits.png: the learning curves and what the network makes of digits it has not seen.
"""

import sys

import kerasish as ks

GOAL = 0.95

(x_train, y_train), (x_test, y_test) = ks.datasets.digits.load_data()
x_train, x_test = x_train / 16.0, x_test / 16.0  # grey values come as 0 to 16

ks.set_random_seed(0)
model = ks.Sequential(
    [
        ks.layers.Flatten(),
        ks.layers.Dense(128, activation="relu"),
        ks.layers.Dropout(0.2),
        ks.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=25, validation_split=0.1)
model.summary()

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy: {accuracy:.4f} (goal: {GOAL})")

figure = ks.viz.new_figure((9, 7.5))
curves, digits = figure.subfigures(2, 1, height_ratios=[1, 1.1])
ks.viz.plot_history(history, figure=curves)
ks.viz.image_grid(
    x_test,
    y_test,
    model.predict(x_test, verbose=0),
    max_images=30,
    columns=10,
    title="Test digits",
    figure=digits,
)
figure.savefig("digits.png")
print("wrote digits.png")

sys.exit(0 if accuracy >= GOAL else 1)
