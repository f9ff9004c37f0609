"""``keras.ops`` on NumPy: for custom layers, losses and metrics, and on plain arrays.

The functions take ndarrays, weights and, inside of custom code that is being differentiated, what
the package `autograd` follows. Results are float32 unless an argument was float64.
"""

from kerasish.ops import core, math, nn, numpy
from kerasish.ops.core import *
from kerasish.ops.math import *
from kerasish.ops.nn import *
from kerasish.ops.numpy import *

linalg = math

__all__ = [
    *("core", "linalg", "math", "nn", "numpy"),
    *core.__all__,
    *math.__all__,
    *nn.__all__,
    *numpy.__all__,
]
