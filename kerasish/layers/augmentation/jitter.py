"""Random brightness, contrast, saturation and hue in one layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kerasish.layers.arguments import Shape
from kerasish.layers.augmentation.base import ImageLayer, in_turn
from kerasish.layers.augmentation.colors import RandomHue, RandomSaturation
from kerasish.layers.augmentation.light import Colors, RandomBrightness, RandomContrast
from kerasish.registry import register


@register()
@dataclass(eq=False, repr=False)
class RandomColorJitter(Colors):
    """Change brightness, contrast, saturation and hue of each image, in training.

    Parameters
    ----------
    value_range : (float, float)
        Least and largest value of a pixel.
    brightness_factor, contrast_factor, saturation_factor, hue_factor : float or pair, optional
        As the `factor` of `RandomBrightness`, `RandomContrast`, `RandomSaturation` and
        `RandomHue`; what is left out does not change.
    seed : int, optional
        Gives the layer random numbers of its own.
    data_format : {"channels_last", "channels_first"}, optional
        Which axis holds the channels.

    Examples
    --------
    >>> jitter = RandomColorJitter(brightness_factor=(0.2, 0.2), saturation_factor=(0, 0))
    >>> jitter(np.uint8([0, 100, 50]).reshape(1, 1, 1, 3)).numpy().ravel()
    array([151., 151., 151.], dtype=float32)
    """

    written_first: ClassVar[tuple[str, ...]] = (
        *("value_range", "brightness_factor", "contrast_factor", "saturation_factor"),
        *("hue_factor", "seed"),
    )

    _operations: ClassVar[list[ImageLayer]]

    value_range: Any = (0, 255)
    brightness_factor: Any = None
    contrast_factor: Any = None
    saturation_factor: Any = None
    hue_factor: Any = None
    seed: int | None = None
    data_format: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds: dict[str, Any] = {
            "brightness": RandomBrightness,
            "contrast": RandomContrast,
            "saturation": RandomSaturation,
            "hue": RandomHue,
        }
        factors = {kind: getattr(self, f"{kind}_factor") for kind in kinds}
        self.__dict__["_operations"] = [  # nothing that the model needs to know of
            kinds[kind](factor, value_range=self.value_range, name=f"{self.name}_{kind}")
            for kind, factor in factors.items()
            if factor is not None
        ]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        shape = self.last_shape(input_shape)
        for operation in self._operations:
            operation.compute_output_shape(shape)
        return tuple(input_shape)

    def draw(self, shape: tuple[int, ...], rng: Any) -> Any:
        """What each of the layers draws."""
        return [operation.draw(shape, rng) for operation in self._operations]

    def transform(self, x: np.ndarray, drawn: Any, interpolation: str = "") -> Any:
        """Apply them in turn."""
        return in_turn(x, zip(self._operations, drawn, strict=True))
