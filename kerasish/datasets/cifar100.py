"""CIFAR-100: 60,000 colour photographs of 100 kinds of things, 32x32 (Krizhevsky, 2009)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.datasets import cifar
from kerasish.datasets.source import Dataset, Remote, load
from kerasish.errors import did_you_mean

_COARSE = """aquatic_mammals fish flowers food_containers fruit_and_vegetables
    household_electrical_devices household_furniture insects large_carnivores
    large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
    medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1
    vehicles_2"""
_FINE = """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch
    crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo
    keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse
    mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy
    porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper
    snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television
    tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"""
_BINARY = Remote(
    "cifar-100-binary.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
    168513733,
    sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    members={
        "train.bin": "sha256:f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
        "test.bin": "sha256:d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
    },
)
_PYTHON = Remote(
    "cifar-100-python.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",),
    169001437,
    sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    members={
        "train": "md5:16019d7e3df5f24257cddd939b257f8d",
        "test": "md5:f0ef6b0ae62326f3e7ffdfab6717acfc",
    },
    elsewhere=("cifar-100-python-target_archive",),
)
_LABELS = ("coarse", "fine")
TABLE = Dataset(
    "cifar100",
    (
        *cifar.forms(_BINARY, cifar.read_binary, _LABELS, 1, ("cifar-100-binary",)),
        *cifar.forms(
            _PYTHON,
            cifar.read_python,
            _LABELS,
            1,
            ("cifar-100-python", "cifar-100-python-target/cifar-100-python"),
        ),
    ),
    {
        "x_train": (50000, 32, 32, 3),
        "fine_train": (50000, 1),
        "coarse_train": (50000, 1),
        "x_test": (10000, 32, 32, 3),
        "fine_test": (10000, 1),
        "coarse_test": (10000, 1),
    },
)


def load_data(
    label_mode: str = "fine", path: Any = None
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return ``(x_train, y_train), (x_test, y_test)``, downloaded (170 MB) if need be.

    Where the files are looked for, and what can go wrong, is as for `cifar10.load_data`.

    Parameters
    ----------
    label_mode : {"fine", "coarse"}
        100 classes, or the 20 groups that they form.
    path : path, optional
        A folder with an archive or its extracted files, or the archive, to be read instead.

    Returns
    -------
    x : ndarray of uint8, shape (n, 32, 32, 3)
        50,000 and 10,000 images, 0 to 255: divide by 255 before training.
    y : ndarray of uint8, shape (n, 1)
        The classes, named in ``info()["class_names"]`` or ``info()["coarse_class_names"]``.

    Raises
    ------
    ValueError
        If `label_mode` is another word, or a file at `path` is not the one it should be.
    OSError
        If no address gave an archive (the message says where to put one by hand).

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = load_data("coarse")  # doctest: +SKIP
    >>> x_train.shape, y_test.shape  # doctest: +SKIP
    ((50000, 32, 32, 3), (10000, 1))
    """
    if label_mode not in _LABELS:
        hint = did_you_mean(label_mode, _LABELS)
        raise ValueError(
            f"cifar100.load_data: `label_mode` must be 'fine' (100 classes) or 'coarse' (20) but "
            f"got {label_mode!r}.{hint}"
        )
    arrays = load(TABLE, path)
    train, test = ((arrays[f"x_{p}"], arrays[f"{label_mode}_{p}"]) for p in ("train", "test"))
    return train, test


def info() -> dict[str, Any]:
    """Return what there is to know about the data: classes, shapes, source and licence.

    >>> info()["class_names"][:2], info()["coarse_class_names"][0], len(info()["class_names"])
    (['apple', 'aquarium_fish'], 'aquatic_mammals', 100)
    """
    return {
        "name": "cifar100",
        "description": "Colour photographs, 32x32 pixels from 0 to 255",
        "class_names": _FINE.split(),
        "coarse_class_names": _COARSE.split(),
        "input_shape": (32, 32, 3),
        "dtype": "uint8",
        "value_range": (0, 255),
        "train_size": 50000,
        "test_size": 10000,
        "source": "CIFAR-100, a labelled part of the 80 million tiny images",
        "authors": "A. Krizhevsky, V. Nair and G. Hinton, 2009",
        "url": "https://www.cs.toronto.edu/~kriz/cifar.html",
        "licence": "none stated; the authors ask to cite Krizhevsky, 2009",
    }
