"""Make text.json: what real Keras's text and sequence utilities give.

Run with Keras 3.15 and torch 2.13 installed:
KERAS_BACKEND=torch python tests/golden/make_text.py
"""

import json
from pathlib import Path

import numpy as np
from keras.src.legacy.preprocessing import sequence, text
from keras.utils import pad_sequences

TEXTS = ["The cat sat on the mat.", "The dog, the Cat; the bird!", "", "a bird\tsat"]
SEQUENCES = [[1, 2, 3], [4], [], [5, 6, 7, 8, 9]]
TOKENIZERS = [
    {},
    {"num_words": 4},
    {"num_words": 4, "oov_token": "<oov>"},
    {"char_level": True, "lower": False},
    {"filters": "t", "split": "a"},
]
found = {"tokenizers": [], "pad": [], "words": [text.text_to_word_sequence(t) for t in TEXTS]}
for arguments in TOKENIZERS:
    one = text.Tokenizer(**arguments)
    one.fit_on_texts(TEXTS)
    sequences = one.texts_to_sequences([*TEXTS, "cat zebra"])
    matrices = {m: one.texts_to_matrix(TEXTS[:2], m).tolist() for m in ("count", "tfidf", "freq")}
    config = one.get_config()
    case = {"arguments": arguments, "sequences": sequences, "matrices": matrices, "config": config}
    found["tokenizers"].append({**case, "texts": one.sequences_to_texts(sequences)})
for arguments in [
    {},
    {"maxlen": 3},
    {"maxlen": 3, "padding": "post", "truncating": "post", "value": -1},
    {"maxlen": 2, "truncating": "post", "dtype": "float32", "value": 0.5},
]:
    padded = pad_sequences(SEQUENCES, **arguments)
    found["pad"].append({"arguments": arguments, "result": padded.tolist()})
series = np.arange(20)
found["windows"] = []
for arguments in [
    {"length": 4, "batch_size": 3},
    {"length": 6, "sampling_rate": 2, "stride": 3, "batch_size": 2, "reverse": True},
    {"length": 3, "start_index": 5, "end_index": 12},
]:
    batches = sequence.TimeseriesGenerator(series, series * 10, **arguments)
    listed = [[x.tolist(), y.tolist()] for x, y in (batches[i] for i in range(len(batches)))]
    found["windows"].append({"arguments": arguments, "batches": listed})
found["table"] = sequence.make_sampling_table(6).tolist()
Path(__file__).with_name("text.json").write_text(json.dumps(found) + "\n")
