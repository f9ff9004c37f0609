"""Tell whether a sentence on a film likes it: words, their vectors, and their mean.

    python examples/sentiment.py [--data PATH]

Learns from 66 of the 88 sentences that stand below and are written for it, and is tested on the
others; or, with `--data`, from the 25,000 reviews of an imdb.npz at hand. Says which, and
prints the test accuracy, which must be at least 0.80 (the script exits with 1 below it).
"""

import argparse
import sys

import numpy as np

import kerasish as ks

GOAL = 0.80
LIKED = """
A wonderful film with a great cast.
I loved every minute of it.
The music is beautiful and the story is moving.
Funny, clever and full of heart.
What a great story!
One of the best films of the year.
The actors are superb and the ending is perfect.
I laughed a lot and left the cinema happy.
Brilliant acting and a clever plot.
A beautiful, moving picture.
We enjoyed it very much.
Excellent from start to finish.
My children loved it, and so did I.
A charming comedy with superb jokes.
The best thing I have seen in months.
Great fun for the whole family.
Simply perfect: go and see it.
A gripping story, told with skill.
The director has made an excellent film.
It made me laugh and it made me happy.
I enjoyed the clever dialogue.
A superb performance by the young lead.
The pictures are beautiful, the music is wonderful.
A moving film that I will remember.
Highly recommended, a brilliant piece of work.
The cast is charming and the jokes are funny.
Gripping and exciting to the last scene.
I was moved, and I loved the ending.
An exciting adventure with great effects.
Wonderful actors in a wonderful story.
Fresh, funny and charming.
I recommend this excellent drama.
The plot is gripping and the acting is brilliant.
A perfect evening, we loved this comedy.
Enjoyed it from the first scene to the last.
The best performance of her life.
A clever thriller, exciting and fresh.
Beautiful to look at and a great story too.
A funny film, recommended to all.
Superb! I will see it again.
The ending is brilliant and moving.
Happy, charming, and the best of its kind.
An excellent cast makes this great fun.
I loved the wonderful music.
""".strip().splitlines()
DISLIKED = """
A terrible film with a weak cast.
I hated every minute of it.
The music is awful and the story is dull.
Boring, stupid and far too long.
What a waste of time!
One of the worst films of the year.
The actors are wooden and the ending is silly.
I fell asleep and left the cinema angry.
Terrible acting and a stupid plot.
A dull, lifeless picture.
We were bored very soon.
Awful from start to finish.
My children hated it, and so did I.
A tedious comedy with weak jokes.
The worst thing I have seen in months.
No fun for anyone, a mess.
Simply bad: stay at home.
A silly story, told without skill.
The director has made an awful mess.
It made me yawn and it made me angry.
I hated the stupid dialogue.
A wooden performance by the young lead.
The pictures are ugly, the music is terrible.
A lifeless film that I want to forget.
Avoid it, a poor piece of work.
The cast is weak and the jokes are bad.
Tedious and boring to the last scene.
I was bored, and I hated the ending.
A dull adventure with poor effects.
Terrible actors in a terrible story.
Slow, silly and tedious.
Avoid this awful drama.
The plot is a mess and the acting is poor.
A wasted evening, we hated this comedy.
Bored from the first scene to the last.
The worst performance of her life.
A stupid thriller, slow and dull.
Ugly to look at and a bad story too.
A boring film, a waste of money.
Awful! I want my money back.
The ending is silly and the worst part.
Slow, lifeless, and the worst of its kind.
A poor cast makes this a waste of time.
I hated the ugly, terrible music.
""".strip().splitlines()


def sentences():
    """The sentences above as texts and labels, for training and for the test."""
    texts = np.array([text for pair in zip(LIKED, DISLIKED, strict=True) for text in pair])
    labels = np.tile([1, 0], len(LIKED))
    held = np.arange(len(texts)) // 2 % 4 == 3
    vectorize = ks.layers.TextVectorization(output_sequence_length=12)
    vectorize.adapt(texts[~held])  # the test's words must not be learnt from
    x = vectorize(texts)
    print(f"{np.sum(~held)} sentences to learn from, {vectorize.vocabulary_size()} words")
    return (x[~held], labels[~held]), (x[held], labels[held]), vectorize


def reviews(path):
    """The reviews of IMDB, the 10,000 most frequent words and the last 200 of each."""
    (x_train, y_train), (x_test, y_test) = ks.datasets.imdb.load_data(path, num_words=10_000)
    print(f"{len(x_train)} reviews of IMDB to learn from")
    pad = ks.utils.pad_sequences
    return (pad(x_train, maxlen=200), y_train), (pad(x_test, maxlen=200), y_test), None


parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--data", metavar="PATH", help="imdb.npz, or the folder that holds it")
arguments = parser.parse_args()
(x_train, y_train), (x_test, y_test), vectorize = (
    reviews(arguments.data) if arguments.data else sentences()
)

ks.set_random_seed(0)
model = ks.Sequential(
    [
        ks.layers.Embedding(
            vectorize.vocabulary_size() if vectorize else 10_000, 16, mask_zero=True
        ),
        ks.layers.GlobalAveragePooling1D(),
        ks.layers.Dropout(0.3),
        ks.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(ks.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
epochs, batch_size = (40, 8) if vectorize else (3, 64)
model.fit(x_train, y_train, epochs=epochs, batch_size=batch_size, verbose=2)
model.summary()

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy: {accuracy:.4f} on {len(x_test)} samples (goal: {GOAL})")

if vectorize:
    mine = ["A great story and superb acting", "Dull, boring and much too long"]
    for text, liked in zip(mine, model.predict(vectorize(mine), verbose=0)[:, 0], strict=True):
        print(f"{liked:.2f}  {text}")

sys.exit(0 if accuracy >= GOAL else 1)
