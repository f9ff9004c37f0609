"""``tf.initializers``."""

from kerasish.initializers import *
