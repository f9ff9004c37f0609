"""Calls of functions of `keras.ops`, whose results are compared with real Keras."""

import numpy as np

RNG = np.random.default_rng(0)
A = RNG.standard_normal((3, 4)).astype("float32")
B = RNG.standard_normal((3, 4)).astype("float32")
P = RNG.uniform(0.1, 0.9, (3, 4)).astype("float32")
S = (A[:, :3] @ A[:, :3].T + 3 * np.eye(3)).astype("float32")
I3 = np.array([2, 0, 1])
T = RNG.standard_normal((2, 3, 4)).astype("float32")
X = RNG.standard_normal((2, 6, 5, 3)).astype("float32")
K = RNG.standard_normal((3, 2, 3, 4)).astype("float32")
ONE = "abs ceil cos cosh exp exp2 expm1 floor isfinite negative reciprocal sign sin sinh square tan"
ONE += " tanh trunc relu relu6 elu selu gelu silu softplus softsign sigmoid hard_sigmoid softmax"
ONE += " log_softmax log_sigmoid leaky_relu celu hard_tanh soft_shrink squareplus erf logsumexp"
ONE += " mean sum max min std var prod argmax argmin cumsum sort argsort flip ravel transpose"
ONE += " arctan arcsinh deg2rad isnan tril triu any all count_nonzero median ptp normalize rsqrt_"
TWO = "add subtract multiply divide maximum minimum equal greater less arctan2 logaddexp mod fmod"
TWO += " outer not_equal less_equal greater_equal true_divide floor_divide hypot vdot_"
CASES = [(name, (A,), {}) for name in ONE.split() if not name.endswith("_")]
CASES += [(name, (A, B), {}) for name in TWO.split() if not name.endswith("_")]
CASES += [(name, (P,), {}) for name in ("log", "sqrt", "log1p", "arcsin", "arccos", "rsqrt")]
CASES += [
    ("mean", (T,), {"axis": (0, 2), "keepdims": True}),
    ("sum", (T,), {"axis": -1}),
    ("matmul", (A, B.T), {}),
    ("dot", (A, B.T), {}),
    ("einsum", ("ij,kj->ik", A, B), {}),
    ("tensordot", (A, B), {"axes": [[1], [1]]}),
    ("concatenate", ([A, B],), {"axis": 1}),
    ("stack", ([A, B],), {"axis": -1}),
    ("split", (A, 2), {"axis": 1}),
    ("expand_dims", (A, 1), {}),
    ("squeeze", (A[:, None],), {"axis": 1}),
    ("reshape", (A, (2, -1)), {}),
    ("clip", (A, -0.5, 0.5), {}),
    ("where", (A > 0, A, B), {}),
    ("take", (A, I3), {"axis": 0}),
    ("take_along_axis", (A, np.array([[0], [1], [3]])), {"axis": 1}),
    ("one_hot", (I3, 4), {}),
    ("multi_hot", (np.array([[0, 2], [1, 1]]), 4), {}),
    ("pad", (A, [[1, 0], [0, 2]]), {}),
    ("repeat", (A, 2), {"axis": 0}),
    ("tile", (A, (2, 1)), {}),
    ("roll", (A, 1), {"axis": 1}),
    ("arange", (1, 7, 2), {}),
    ("linspace", (0.0, 1.0, 5), {}),
    ("eye", (3,), {}),
    ("zeros", ((2, 3),), {}),
    ("full", ((2, 2), 3.0), {}),
    ("cast", (A, "int32"), {}),
    ("top_k", (A, 2), {}),
    ("in_top_k", (I3, A, 2), {}),
    ("segment_sum", (A, np.array([0, 1, 1])), {"num_segments": 2}),
    ("segment_max", (A, np.array([0, 0, 1])), {"num_segments": 2}),
    ("moments", (A,), {"axes": [0]}),
    ("batch_normalization", (A, A.mean(0), A.var(0)), {"axis": -1}),
    ("layer_normalization", (A,), {}),
    ("rms_normalization", (A,), {}),
    ("binary_crossentropy", ((A > 0).astype("float32"), P), {}),
    ("binary_crossentropy", ((A > 0).astype("float32"), B), {"from_logits": True}),
    ("categorical_crossentropy", (np.eye(4, dtype="float32")[I3], P), {}),
    ("categorical_crossentropy", (np.eye(4, dtype="float32")[I3], A), {"from_logits": True}),
    ("sparse_categorical_crossentropy", (I3, P), {}),
    ("conv", (X, K), {"strides": 2, "padding": "same"}),
    ("conv", (X, K), {"dilation_rate": 2}),
    ("depthwise_conv", (X, K), {}),
    ("max_pool", (X, 2), {"padding": "same"}),
    ("average_pool", (X, 2), {"strides": 1}),
    ("norm", (A,), {"axis": 1}),
    ("norm", (A,), {}),
    ("inv", (S,), {}),
    ("det", (S,), {}),
    ("cholesky", (S,), {}),
    ("solve", (S, A), {}),
    ("slogdet", (S,), {}),
    ("cdist", (A, B), {}),
    ("divide_no_nan", (A, np.where(B > 0, B, 0)), {}),
    ("slice", (A, (1, 0), (2, 3)), {}),
    ("slice_update", (A, (1, 1), B[:2, :2]), {}),
    ("scatter", (np.array([[0], [2], [0]]), A, (4, 4)), {}),
    ("scatter_update", (A, np.array([[0, 1], [2, 3]]), np.array([5.0, 6.0], "float32")), {}),
    ("erfinv", (P,), {}),
    ("psnr", (A, B, 1.0), {}),
    ("dot_product_attention", (T[:, :, None], T[:, :, None], T[:, :, None]), {}),
    ("diff", (A,), {"axis": 1}),
    ("quantile", (A, 0.3), {"axis": 0}),
    ("bincount", (np.array([0, 2, 2]),), {}),
    ("digitize", (A, np.array([-1.0, 0.0, 1.0], "float32")), {}),
    ("rfft", (A,), {}),
    ("extract_sequences", (A, 3, 1), {}),
    ("select", ([A > 1, A > 0], [A, B], 0.5), {}),
    ("cross", (A[0, :3], B[0, :3]), {}),
    ("meshgrid", (I3, I3), {}),
    ("logical_and", (A > 0, B > 0), {}),
    ("searchsorted", (np.array([0.0, 1.0, 2.0]), np.array([0.5, 1.5])), {}),
]
