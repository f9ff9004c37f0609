"""The layers and inputs of recurrent.npz; used by make_recurrent.py and by the tests.

One row: class, arguments, shape of the input, options. A tuple (class, arguments) among the
arguments stands for a layer. Options: ``mask`` (there is one), ``tokens`` (size of a
vocabulary), ``training``.
"""

FLAGS = {"return_sequences": True}
BACKWARDS = {"return_sequences": True, "go_backwards": True}

CASES = [
    ("Embedding", {"input_dim": 7, "output_dim": 3}, (3, 5), {"tokens": 7}),
    ("Embedding", {"input_dim": 7, "output_dim": 2, "mask_zero": True}, (3, 5), {"tokens": 7}),
    ("Embedding", {"input_dim": 5, "output_dim": 2}, (2, 3, 4), {"tokens": 5}),
]
for name in ("SimpleRNN", "LSTM", "GRU"):
    CASES += [
        (name, {"units": 4}, (3, 5, 2), {}),
        (name, {"units": 3, **FLAGS}, (3, 5, 2), {}),
        (name, {"units": 3, "go_backwards": True}, (3, 5, 2), {}),
        (name, {"units": 3}, (4, 5, 2), {"mask": True}),
        (name, {"units": 3, **FLAGS}, (4, 5, 2), {"mask": True}),
        (name, {"units": 3, **BACKWARDS}, (4, 5, 2), {"mask": True}),
        (name, {"units": 3, **FLAGS, "zero_output_for_mask": True}, (4, 5, 2), {"mask": True}),
        (name, {"units": 3, "zero_output_for_mask": True}, (4, 5, 2), {"mask": True}),
        (name, {"units": 3, "use_bias": False, "activation": "relu"}, (3, 4, 2), {}),
        (name, {"units": 1, "activation": "linear"}, (2, 1, 1), {}),
    ]
CASES += [
    ("LSTM", {"units": 3, "recurrent_activation": "hard_sigmoid", **FLAGS}, (3, 5, 2), {}),
    ("LSTM", {"units": 3, "activation": "softsign", **FLAGS}, (3, 5, 2), {"mask": True}),
    ("LSTM", {"units": 2, "activity_regularizer": "l2", **FLAGS}, (3, 4, 2), {}),
    ("GRU", {"units": 3, "reset_after": False}, (3, 5, 2), {}),
    ("GRU", {"units": 3, "reset_after": False, **BACKWARDS}, (4, 5, 2), {"mask": True}),
    ("GRU", {"units": 3, "reset_after": False, "use_bias": False}, (3, 5, 2), {}),
    ("GRU", {"units": 3, "recurrent_activation": "tanh", "activation": "elu"}, (3, 5, 2), {}),
    ("RNN", {"cell": ("LSTMCell", {"units": 3})}, (3, 5, 2), {}),
    (
        "RNN",
        {
            "cell": [
                ("GRUCell", {"units": 2}),
                ("LSTMCell", {"units": 3}),
                ("SimpleRNNCell", {"units": 2}),
            ],
            **FLAGS,
        },
        (4, 5, 3),
        {"mask": True},
    ),
]
CASES += [
    ("ConvLSTM1D", {"filters": 3, "kernel_size": 3}, (2, 4, 7, 2), {}),
    ("ConvLSTM1D", {"filters": 2, "kernel_size": 2, "dilation_rate": 2, **FLAGS}, (2, 3, 6, 2), {}),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 3, "padding": "same"}, (2, 3, 4, 5, 2), {}),
    (
        "ConvLSTM2D",
        {"filters": 2, "kernel_size": (2, 3), "strides": (2, 1), **BACKWARDS},
        (3, 4, 5, 4, 1),
        {"mask": True},
    ),
    (
        "ConvLSTM2D",
        {"filters": 2, "kernel_size": 2, "data_format": "channels_first", **FLAGS},
        (2, 3, 1, 4, 5),
        {},
    ),
    ("ConvLSTM3D", {"filters": 2, "kernel_size": 2}, (2, 3, 3, 2, 4, 1), {}),
]
BOTH = {"layer": ("LSTM", {"units": 3, "return_sequences": True})}
SIMPLE = ("SimpleRNN", {"units": 2})
BACK = ("GRU", {"units": 2, "go_backwards": True})
CASES += [
    ("Bidirectional", BOTH, (3, 5, 2), {}),
    ("Bidirectional", {**BOTH, "merge_mode": "mul"}, (3, 5, 2), {}),
    ("Bidirectional", {**BOTH, "merge_mode": "ave"}, (4, 5, 2), {"mask": True}),
    ("Bidirectional", {"layer": SIMPLE, "merge_mode": "sum"}, (4, 5, 2), {"mask": True}),
    ("Bidirectional", {"layer": ("LSTM", {"units": 2}), "backward_layer": BACK}, (3, 5, 2), {}),
    ("TimeDistributed", {"layer": ("Dense", {"units": 3})}, (4, 5, 2), {"mask": True}),
    ("TimeDistributed", {"layer": ("Conv1D", {"filters": 3, "kernel_size": 2})}, (2, 3, 5, 2), {}),
    ("TimeDistributed", {"layer": ("GRU", {"units": 3})}, (2, 3, 4, 2), {}),
    ("TimeDistributed", {"layer": ("BatchNormalization", {})}, (4, 3, 2), {"training": True}),
    ("TimeDistributed", {"layer": ("MaxPooling2D", {})}, (2, 3, 4, 4, 2), {}),
]


def make(layers, value):
    """Build what a case stands for, with the classes of `layers`."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        arguments = {key: make(layers, v) for key, v in value[1].items()}
        return getattr(layers, value[0])(**arguments)
    return [make(layers, v) for v in value] if isinstance(value, list) else value


# Whole trainings: layers, batch shape, arguments of fit. "tokens" are whole numbers, padded with 0.
FITS = {
    "masked": (
        [
            ("Embedding", {"input_dim": 30, "output_dim": 6, "mask_zero": True}),
            ("LSTM", {"units": 5, "return_sequences": True}),
            ("GRU", {"units": 4}),
            ("Dense", {"units": 1, "activation": "sigmoid"}),
        ],
        "tokens",
        {"epochs": 3, "batch_size": 8, "validation_split": 0.25},
    ),
    "both_directions": (
        [
            ("Bidirectional", {"layer": ("GRU", {"units": 4, "return_sequences": True})}),
            ("TimeDistributed", {"layer": ("Dense", {"units": 3, "activation": "tanh"})}),
            ("SimpleRNN", {"units": 4}),
            ("Dense", {"units": 1, "activation": "sigmoid"}),
        ],
        "series",
        {"epochs": 3, "batch_size": 8},
    ),
    "stateful": (
        [
            ("LSTM", {"units": 4, "stateful": True, "return_sequences": True}),
            ("GRU", {"units": 3, "stateful": True}),
            ("Dense", {"units": 1, "activation": "sigmoid"}),
        ],
        "series",
        {"epochs": 2, "batch_size": 8},
    ),
}


def fit_data(kind, np):
    """x and y of a training."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, (32, 1)).astype("float32")
    if kind == "series":
        return rng.standard_normal((32, 6, 2)).astype("float32"), y
    x = rng.integers(1, 30, (32, 6))
    for i, length in enumerate(rng.integers(1, 7, 32)):
        x[i, length:] = 0
    return x.astype("int32"), y
