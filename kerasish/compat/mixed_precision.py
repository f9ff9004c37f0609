"""``keras.mixed_precision``: everything is computed in float32."""

from typing import Any

from kerasish.errors import warn


class Policy:
    """The name of a type."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.compute_dtype = self.variable_dtype = "float32"


DTypePolicy = Policy


def set_global_policy(policy: Any) -> None:
    """Nothing but a warning where less than float32 was asked for."""
    name = getattr(policy, "name", policy)
    if name not in ("float32", "float64"):
        warn(
            f"mixed precision {name!r}: kerasish computes in float32, which is as fast on a "
            f"processor."
        )


set_policy = set_dtype_policy = set_global_policy


def global_policy() -> Policy:
    """float32."""
    return Policy("float32")


dtype_policy = global_policy
