"""Numeric kernels behind one interface: NumPy's definitions, compiled ones where they are worth it.

`reference` and `images` are the definitions; `compiled` has the kernels and says when they run.
"""

from kerasish.kernels.dense import add_bias, affine, affine_backward, relu_backward
from kerasish.kernels.dropout import dropout, dropout_mask
from kerasish.kernels.normalization import moments, normalise, normalise_backward, normalised_sums
from kerasish.kernels.products import input_gradient, kernel_gradient
from kerasish.kernels.reference import multiply, product, row_sum
from kerasish.kernels.tables import Lookup, Rows, move_rows, scatter

__all__ = [
    "Lookup",
    "Rows",
    "add_bias",
    "affine",
    "affine_backward",
    "dropout",
    "dropout_mask",
    "input_gradient",
    "kernel_gradient",
    "moments",
    "move_rows",
    "multiply",
    "normalise",
    "normalise_backward",
    "normalised_sums",
    "product",
    "relu_backward",
    "row_sum",
    "scatter",
]
