"""``keras.backend``: the functions of Keras 2 that custom losses, metrics and layers call as ``K``.

Everything is computed by NumPy; inside custom code that is being differentiated the functions are
followed by the package `autograd`.
"""

from kerasish.backend import arrays, nn, random, session
from kerasish.backend.arrays import *
from kerasish.backend.nn import *
from kerasish.backend.random import *
from kerasish.backend.session import *

__all__ = [*arrays.__all__, *nn.__all__, *random.__all__, *session.__all__]
