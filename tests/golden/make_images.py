"""Write images.npz: image preprocessing by real Keras.

Run with real Keras 3.15 and SciPy: ``KERAS_BACKEND=torch python tests/golden/make_images.py``.
"""

import os
import pathlib
import tempfile
import types

import numpy as np
from image_cases import IMAGE, compute


def main():
    import keras
    import keras._tf_keras.keras.preprocessing.image as image
    from PIL import Image

    target = pathlib.Path(__file__).with_name("images.npz").resolve()
    picture = IMAGE.astype("uint8").repeat(2, axis=1)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Image.fromarray(picture).save("picture.png")
        with keras.device("cpu"):
            found = compute(image, types.SimpleNamespace(**vars(keras.utils)))
        os.chdir("/")
    np.savez_compressed(target, **{name: np.asarray(a) for name, a in found.items()})


if __name__ == "__main__":
    main()
