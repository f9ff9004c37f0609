"""Numeric kernels behind one interface: NumPy now, compiled ones where they are worth it."""

from kerasish.ops.reference import affine, dropout_mask, moments, multiply, product

__all__ = ["affine", "dropout_mask", "moments", "multiply", "product"]
