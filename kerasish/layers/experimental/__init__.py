"""Where tf.keras before version 2.6 had its preprocessing layers."""

from kerasish.layers.experimental import preprocessing

__all__ = ["preprocessing"]
