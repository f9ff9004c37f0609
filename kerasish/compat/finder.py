"""The import hook: names of Keras's and TensorFlow's modules become views of kerasish."""

from __future__ import annotations

import contextlib
import dis
import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from types import FrameType, ModuleType
from typing import Any

from kerasish.compat import names
from kerasish.errors import did_you_mean, warn

IMPORT_FROM = dis.opmap["IMPORT_FROM"]


class Facade(ModuleType):
    """A module under one of Keras's or TensorFlow's names; what it gives is kerasish's own."""

    __path__: list[str]

    def __init__(self, fullname: str) -> None:
        super().__init__(fullname, f"{fullname}, as kerasish provides it.")
        self.__path__ = []
        self.__dict__["_place"] = names.place(fullname)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__version__", "__all__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if name == "__all__":
            return [key for key in self.__dir__() if not key.startswith("_")]
        try:
            value = names.find(self.__dict__["_place"], name)
        except names.Missing as missing:
            submodule = f"{self.__name__}.{name}"
            if not missing.reason and names.is_module(submodule):
                return importlib.import_module(submodule)
            hint = missing.reason or f"kerasish has no {name!r}.{did_you_mean(name, dir(self))}"
            raise _error(self.__name__, name, hint, sys._getframe(1)) from None
        if isinstance(value, ModuleType) and names.is_module(f"{self.__name__}.{name}"):
            value = importlib.import_module(f"{self.__name__}.{name}")
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*names.listed(self.__dict__["_place"]), *self.__dict__})


def _error(module: str, name: str, hint: str, caller: FrameType) -> Exception:
    """ImportError for ``from module import name``, AttributeError for ``module.name``.

    Python replaces an AttributeError of the former by a message without the reason.
    """
    where = f"line {caller.f_lineno} of {caller.f_code.co_filename}"
    text = f"{module}.{name} is not available under kerasish ({where}): {hint}"
    code = caller.f_code.co_code
    if 0 <= caller.f_lasti < len(code) and code[caller.f_lasti] == IMPORT_FROM:
        return ImportError(text, name=module)
    return AttributeError(text)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of `names.ROOTS`, before any that are installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Claim what kerasish has a view for; say of the rest of these packages why not."""
        if fullname.partition(".")[0] not in names.ROOTS:
            return None
        if not names.is_module(fullname):
            reason = names.refusal(fullname)
            raise ModuleNotFoundError(
                f"No module named {fullname!r} under kerasish. {reason}", name=fullname
            )
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Make the view."""
        return Facade(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run: attributes are found when they are asked for."""


_finder = Finder()
_shadowed: dict[str, ModuleType] = {}


def is_installed() -> bool:
    """Whether ``import keras`` finds kerasish at present."""
    return _finder in sys.meta_path


def install() -> None:
    """Let ``import keras`` and ``import tensorflow`` find kerasish, in this process.

    Modules of these names that are loaded already are set aside until `uninstall`.

    Examples
    --------
    >>> install()
    >>> from keras.layers import Dense
    >>> Dense.__module__
    'kerasish.layers.core'
    >>> uninstall()
    """
    if is_installed():
        return
    loaded = [name for name in sys.modules if name.partition(".")[0] in names.ROOTS]
    if loaded:
        warn(
            f"kerasish.compat.install: {loaded[0].partition('.')[0]} is loaded already; what has "
            f"been imported from it stays what it is."
        )
    for name in loaded:
        _shadowed[name] = sys.modules.pop(name)
    sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Undo `install`: the names mean again what they meant before."""
    if not is_installed():
        return
    sys.meta_path.remove(_finder)
    for name in [n for n in sys.modules if n.partition(".")[0] in names.ROOTS]:
        del sys.modules[name]
    sys.modules.update(_shadowed)
    _shadowed.clear()


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """The hook is in place inside a ``with`` block."""
    before = is_installed()
    install()
    try:
        yield
    finally:
        if not before:
            uninstall()
