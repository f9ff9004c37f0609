"""The layers, arguments and inputs of image_layers.npz; used by its maker and by the tests.

One row: class, arguments, shape of the input. Padding of average pooling that is not the same on
both sides is left out: the torch backend of Keras counts it, its other backends do not.
"""

CASES = [
    ("Conv1D", {"filters": 3, "kernel_size": 3}, (2, 7, 2)),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "strides": 2, "padding": "same"}, (2, 7, 2)),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "padding": "causal"}, (2, 6, 2)),
    (
        "Conv1D",
        {"filters": 2, "kernel_size": 3, "padding": "causal", "dilation_rate": 2},
        (2, 8, 2),
    ),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "padding": "causal", "strides": 2}, (2, 7, 2)),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 2, "activation": "elu"}, (2, 7, 6)),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, (2, 6, 5, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same"}, (2, 6, 5, 2)),
    (
        "Conv2D",
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
        (2, 6, 5, 2),
    ),
    ("Conv2D", {"filters": 3, "kernel_size": (2, 4), "padding": "same"}, (2, 5, 6, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": (3, 2), "strides": (1, 3)}, (2, 6, 8, 2)),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "strides": 3}, (2, 7, 8, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "dilation_rate": 2}, (2, 7, 6, 2)),
    (
        "Conv2D",
        {"filters": 2, "kernel_size": 3, "dilation_rate": (2, 1), "padding": "same"},
        (2, 6, 5, 2),
    ),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 3}, (2, 5, 5, 6)),
    ("Conv2D", {"filters": 4, "kernel_size": 1, "use_bias": False}, (2, 3, 4, 3)),
    (
        "Conv2D",
        {"filters": 3, "kernel_size": 3, "activation": "softmax", "padding": "same"},
        (2, 4, 5, 2),
    ),
    (
        "Conv2D",
        {"filters": 3, "kernel_size": 3, "data_format": "channels_first", "activation": "tanh"},
        (2, 2, 6, 5),
    ),
    ("Conv3D", {"filters": 3, "kernel_size": 2}, (2, 4, 3, 5, 2)),
    (
        "Conv3D",
        {"filters": 2, "kernel_size": (3, 2, 1), "strides": (2, 1, 2), "padding": "same"},
        (2, 4, 3, 5, 2),
    ),
    ("MaxPooling1D", {}, (2, 7, 3)),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, (2, 7, 3)),
    ("MaxPooling2D", {}, (2, 7, 6, 3)),
    ("MaxPooling2D", {"pool_size": (3, 2), "strides": 1}, (2, 5, 6, 2)),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, (2, 6, 5, 2)),
    ("MaxPooling2D", {"pool_size": 2, "strides": 3}, (2, 8, 8, 2)),
    ("MaxPooling2D", {"data_format": "channels_first"}, (2, 3, 6, 4)),
    ("MaxPooling3D", {}, (2, 4, 5, 4, 2)),
    ("AveragePooling1D", {"pool_size": 2}, (2, 7, 3)),
    ("AveragePooling2D", {"pool_size": 2}, (2, 7, 6, 3)),
    ("AveragePooling2D", {"pool_size": (3, 2), "strides": 1}, (2, 5, 6, 2)),
    ("AveragePooling2D", {"pool_size": 3, "strides": 1, "padding": "same"}, (2, 5, 6, 2)),
    ("AveragePooling3D", {"pool_size": (1, 2, 2)}, (2, 4, 5, 4, 2)),
    ("GlobalAveragePooling1D", {}, (2, 5, 3)),
    ("GlobalAveragePooling2D", {"keepdims": True}, (2, 4, 5, 3)),
    ("GlobalAveragePooling2D", {"data_format": "channels_first"}, (2, 3, 4, 5)),
    ("GlobalAveragePooling3D", {}, (2, 3, 4, 5, 2)),
    ("GlobalMaxPooling1D", {"keepdims": True}, (2, 5, 3)),
    ("GlobalMaxPooling2D", {}, (2, 4, 5, 3)),
    ("GlobalMaxPooling2D", {"data_format": "channels_first", "keepdims": True}, (2, 3, 4, 5)),
    ("GlobalMaxPooling3D", {}, (2, 3, 4, 5, 2)),
]
