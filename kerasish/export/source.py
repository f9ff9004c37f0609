"""Source text of functions and of all that they use, as it goes into an exported file."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import sys
import textwrap
import types
from collections.abc import Iterator
from typing import Any

OWN = "kerasish."
# What every exported file calls something of its own.
TAKEN = {"Any", "Array", "DIGEST", "DTYPE", "Path", "SHAPE", "WEIGHTS", "ahead", "behind", "check"}
TAKEN |= {"forward", "main", "mask", "np", "predict", "rows", "steps", "w", "weights", "x"}


class NotAlone(ValueError):
    """A function that cannot stand by itself in a file."""


class Sources:
    """Functions, and the functions, constants and modules that they use.

    Attributes
    ----------
    definitions, constants : dict
        Source text by name.
    imports : set of str
        Statements.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, str] = {}
        self.constants: dict[str, str] = {}
        self.imports: set[str] = set()
        self._known: dict[str, Any] = {}

    def add(self, function: Any) -> str:
        """Add a function and what it uses; returns its name.

        Raises
        ------
        NotAlone
            If it cannot stand by itself, or something else has its name.
        """
        plain = inspect.unwrap(function)
        name, ours = plain.__name__, plain.__module__.startswith(OWN)
        if self._is_known(name, plain):
            return name
        if name == "<lambda>" or plain.__closure__:
            raise NotAlone(
                "its function is a lambda, or uses variables of a function around it. Define it "
                "with def at the top of a module"
            )
        if plain is not function and not ours:
            raise NotAlone(f"a decorator has changed {name}. Take it away")
        try:
            text = textwrap.dedent(inspect.getsource(plain)).rstrip()
        except OSError:
            raise NotAlone(f"the source text of {name} is not known") from None
        definition: Any = ast.parse(text).body[0]
        if not ours:  # such as @register, which is not there
            text = "\n".join(text.splitlines()[definition.lineno - 1 :])
        elif definition.decorator_list:
            self.imports.add("import functools")
        self.definitions[name] = text
        defaults = [d for d in [*definition.args.defaults, *definition.args.kw_defaults] if d]
        inner = [node for default in defaults for node in ast.walk(default)]
        used = [node.id for node in inner if isinstance(node, ast.Name)]
        for each in dict.fromkeys([*used, *_globals(plain.__code__)]):
            if each in plain.__globals__:
                self._use(each, plain.__globals__[each], plain)
            elif not hasattr(builtins, each):
                raise NotAlone(f"{name} uses {each}, which is nowhere defined")
        return name

    def _use(self, name: str, value: Any, user: Any) -> None:
        """Add what a function calls `name`."""
        plain = inspect.unwrap(value) if callable(value) else value
        if isinstance(plain, types.FunctionType) and plain.__name__ == name:
            trusted = OWN if user.__module__.startswith(OWN) else "kerasish.export.functions."
            if plain.__module__ == user.__module__ or plain.__module__.startswith(trusted):
                self.add(value)
                return
        if isinstance(value, types.ModuleType):
            root = value.__name__.partition(".")[0]
            if root in sys.stdlib_module_names or root == "numpy":
                alias = "" if name == value.__name__ else f" as {name}"
                self.imports.add(f"import {value.__name__}{alias}")
                return
        elif isinstance(value, int | float | str | tuple | None):
            if not self._is_known(name, value):
                self.constants[name] = f"{name} = {value!r}"
            return
        elif getattr(value, "__module__", None) == "pathlib":
            return  # which every exported file has
        raise NotAlone(
            f"{user.__name__} uses {name}, which is not a module of NumPy or Python, nor a "
            f"constant, nor a function beside it. An exported file needs NumPy only"
        )

    def _is_known(self, name: str, value: Any) -> bool:
        """Whether this has been added; something else of its name is refused."""
        known = name in self._known
        if name in TAKEN or (known and self._known[name] != value):
            raise NotAlone(
                f"there is something else in the file that is called {name}. Give it another name"
            )
        self._known[name] = value
        return known


def _globals(code: types.CodeType) -> Iterator[str]:
    """Names that code looks up outside of itself."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _globals(constant)
