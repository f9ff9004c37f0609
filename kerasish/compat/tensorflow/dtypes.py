"""``tf.dtypes``."""

from kerasish.ops.core import cast as cast

float32, float64, int32, int64, uint8, bool = (
    "float32", "float64", "int32", "int64", "uint8", "bool"
)  # fmt: skip


def as_dtype(type_value: object) -> str:
    """Name of a type."""
    return str(type_value)
