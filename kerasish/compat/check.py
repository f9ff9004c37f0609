"""``run --check``: what of a script kerasish lacks, found by parsing alone."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from kerasish.compat import finder, names
from kerasish.compat.runner import cells_of


class Finding(NamedTuple):
    """One thing that is not supported: where, and what to do."""

    where: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.message}"


def check(path: str) -> list[Finding]:
    """What of a script or notebook is not supported, in the order of its lines.

    Only names that can be followed from an import are looked at: ``tf.data.Dataset`` and
    ``from keras.layers import Concatenate``, but not methods of objects.

    Raises
    ------
    SyntaxError
        If the script cannot be parsed.
    """
    if path.endswith(".ipynb"):
        sources = [(f"{path}[{number}]", source) for number, source in cells_of(path)]
    else:
        sources = [(path, Path(path).read_bytes())]  # type: ignore[list-item]
    visitor = _Visitor()
    with finder.installed():
        for where, source in sources:
            visitor.where = where
            visitor.visit(ast.parse(source, where))
    return visitor.findings


class _Visitor(ast.NodeVisitor):
    def __init__(self) -> None:
        self.where = ""
        self.findings: list[Finding] = []
        self.known: dict[str, Any] = {}  # what names of the script stand for

    def report(self, node: ast.AST, message: str) -> None:
        finding = Finding(self.where, getattr(node, "lineno", 0), message)
        if finding not in self.findings:
            self.findings.append(finding)

    def visit_Import(self, node: ast.Import) -> None:
        """``import a.b as c``."""
        for alias in node.names:
            root = alias.name.partition(".")[0]
            module = self._module(node, alias.name) if root in names.ROOTS else None
            if module is not None:
                self.known[alias.asname or root] = (
                    module if alias.asname else self._module(node, root)
                )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """``from a.b import c as d``."""
        if node.level or (node.module or "").partition(".")[0] not in names.ROOTS:
            return
        module = self._module(node, node.module or "")
        if module is None:
            return
        for alias in node.names:
            if alias.name == "*":
                self.known.update((name, getattr(module, name)) for name in module.__all__)
                continue
            value = self._attribute(node, module, alias.name)
            if value is not None:
                self.known[alias.asname or alias.name] = value

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """``a.b.c`` where `a` came from an import."""
        self._follow(node)

    def _follow(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Name):
            return self.known.get(node.id)
        if not isinstance(node, ast.Attribute):
            self.visit(node)
            return None
        holder = self._follow(node.value)
        return self._attribute(node, holder, node.attr) if isinstance(holder, ModuleType) else None

    def _module(self, node: ast.AST, name: str) -> Any:
        if names.is_module(name):
            return importlib.import_module(name)
        self.report(node, f"module {name}: {names.refusal(name)}")
        return None

    def _attribute(self, node: ast.AST, module: Any, name: str) -> Any:
        try:
            return getattr(module, name)
        except AttributeError as error:
            text = str(error)
            _, _, reason = text.partition("): ")
            self.report(node, f"{module.__name__}.{name}: {reason or text}")
            return None
