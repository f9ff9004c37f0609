"""``tf.errors``: the classes, so that ``except`` can name them."""


class OpError(Exception):
    """Base of the others."""


class InvalidArgumentError(OpError):
    """Never raised here."""


class ResourceExhaustedError(OpError):
    """Never raised here."""


class NotFoundError(OpError):
    """Never raised here."""
