"""Initializers: functions from a shape to the first values of a weight, under Keras's names.

All draw from a generator that the caller passes, or from their own `seed`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import registry
from kerasish.initializers.base import Initializer, Rng, as_initial, as_shape
from kerasish.initializers.deterministic import STFT, Constant, Identity, Ones, Zeros
from kerasish.initializers.random import (
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
)
from kerasish.initializers.scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
    compute_fans,
)

zeros, ones, constant, identity, stft = Zeros, Ones, Constant, Identity, STFT
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, orthogonal = VarianceScaling, Orthogonal
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
he_uniform, he_normal = HeUniform, HeNormal
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT

__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]


def get(identifier: Any) -> Any:
    """Return the initializer that a name, config, class, function or object stands for, or None.

    An array is taken as the values themselves, for a weight of its shape.

    >>> get("he_uniform"), get("normal")
    (HeUniform(), RandomNormal())
    """
    if not isinstance(identifier, np.ndarray | np.generic):
        return registry.resolve("initializer", identifier)
    given = np.asarray(identifier)

    def initialize(shape: Any, dtype: Any = None, rng: Rng = None) -> np.ndarray:
        if as_shape(shape) != given.shape:
            raise ValueError(
                f"The array given as initializer has shape {given.shape}, but the weight has "
                f"shape {as_shape(shape)}."
            )
        return as_initial(given, dtype)

    return initialize


def serialize(initializer: Initializer) -> dict[str, Any]:
    """Return the config dict of an initializer.

    >>> serialize(RandomNormal(stddev=0.1))["config"]
    {'seed': None, 'mean': 0.0, 'stddev': 0.1}
    """
    return registry.serialize(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Build the initializer that a config dict or name describes.

    >>> deserialize({"class_name": "Constant", "config": {"value": 2.0}})
    Constant(value=2.0)
    """
    if isinstance(config, str):
        config = {"class_name": config, "config": {}}
    return registry.deserialize("initializer", config, custom_objects)
