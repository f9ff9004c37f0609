"""Learn a passage character by character with a GRU, and write on in its manner.

    python examples/char_rnn.py

The passage is the beginning of "Alice's Adventures in Wonderland" (Lewis Carroll, 1865, public
domain). The mean loss must fall to 0.5 nats a character, where chance is 3.3 (the script exits with
1 above it): the network then knows the passage nearly by heart, and what it writes shows it.
"""

import sys

import numpy as np

import kerasish as ks

GOAL, LENGTH = 0.5, 60

PASSAGE = """\
Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing \
to do: once or twice she had peeped into the book her sister was reading, but it had no pictures \
or conversations in it, "and what is the use of a book," thought Alice, "without pictures or \
conversations?"

So she was considering in her own mind (as well as she could, for the hot day made her feel very \
sleepy and stupid), whether the pleasure of making a daisy-chain would be worth the trouble of \
getting up and picking the daisies, when suddenly a White Rabbit with pink eyes ran close by her.

There was nothing so very remarkable in that; nor did Alice think it so very much out of the way \
to hear the Rabbit say to itself, "Oh dear! Oh dear! I shall be late!"
"""

letters = sorted(set(PASSAGE))
numbers = np.array([letters.index(letter) for letter in PASSAGE])
windows = np.lib.stride_tricks.sliding_window_view(numbers, LENGTH + 1)
x, y = windows[:, :-1], windows[:, 1:]  # y: the letter after each letter of x

ks.set_random_seed(0)
model = ks.Sequential(
    [
        ks.layers.Input((None,), dtype="int32"),
        ks.layers.Embedding(len(letters), 24),
        ks.layers.GRU(96, return_sequences=True),
        ks.layers.Dense(len(letters), activation="softmax"),
    ]
)
model.compile(ks.optimizers.Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
model.fit(x, y, batch_size=64, epochs=12, verbose=2)

rng = np.random.default_rng(1)
text = "The White Rabbit "
for _ in range(240):
    given = np.array([[letters.index(letter) for letter in text[-LENGTH:]]])
    sharp = model.predict_on_batch(given)[0, -1].astype("float64") ** 1.5  # rather the likely ones
    text += letters[rng.choice(len(letters), p=sharp / sharp.sum())]
print(f"\n{text}\n")

loss, accuracy = model.evaluate(x, y, verbose=0)
print(f"loss: {loss:.3f} nats a character (goal: {GOAL}); accuracy {accuracy:.3f}")
sys.exit(0 if loss <= GOAL else 1)
