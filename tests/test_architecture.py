"""The house rules: ranks, sizes, lazy imports, and a tree that is the same on every machine."""

import ast
import configparser
import importlib.util
import pathlib
import pkgutil
import re
import subprocess
import sys

import pytest

import kerasish

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = pathlib.Path(kerasish.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
# Modules that extend another package, and are loaded only where it is in use.
PLUGINS = {
    "kerasish.compat.figures": "matplotlib",  # a backend
    "kerasish.wrappers.estimators": "sklearn",  # subclasses of its base classes
}
HEAVY = {
    "IPython",
    "PIL",
    "autograd",
    "h5py",
    "matplotlib",
    "mpi4py",
    "numba",
    "pandas",
    "pooch",
    "requests",
    "scipy",
    "tensorboard",
    "tqdm",
}

# A module imports lower ranks, its own package and, of its own rank, what stands before it here:
# one order of the whole tree, so that it has no cycles.
RANKS = {
    0: ["spellings", "errors", "signatures", "registry", "atomic"],
    1: [
        "store",
        "config",
        "step",
        "kernels",
        "autodiff",
        "activations",
        "initializers",
        "regularizers",
        "constraints",
        "display",
        "distributed",
        "fetching",
    ],
    2: ["losses", "metrics", "layers", "optimizers", "data"],
    3: ["datasets", "viz", "utils", "preprocessing", "ops"],
    4: ["saving", "export", "callbacks", "training"],
    5: ["models", "testing", "wrappers", "backend", "compat"],
    6: ["", "cli", "__main__"],
}
RANK = {unit: (rank, place) for rank, row in RANKS.items() for place, unit in enumerate(row)}
MOST_LINES = 400


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit_of(module):
    """The part of the package that has a rank: ``layers`` of ``kerasish.layers.core``."""
    return (module.split(".") + [""])[1]


def is_typing_only(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(tree, package, inside_functions=True):
    """Yield the full names that a module imports, those for type checkers apart."""
    todo = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        if is_typing_only(node):
            todo += node.orelse
        elif inside_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            todo += ast.iter_child_nodes(node)


def parsed(path):
    name = name_of(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return ast.parse(path.read_text("utf-8")), package


def ids(path):
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_modules_import_only_what_stands_below_them(path):
    unit = unit_of(name_of(path))
    assert unit in RANK, f"{name_of(path)} has no rank: add '{unit}' to RANKS and ARCHITECTURE.md"
    for imported in imports(*parsed(path)):
        if imported.partition(".")[0] != "kerasish":
            continue
        other = unit_of(imported)
        if other not in RANK:  # `from kerasish import Sequential`
            other = ""
        assert other == unit or RANK[other] < RANK[unit], (
            f"{name_of(path)} (rank {RANK[unit][0]}) imports {imported} (rank {RANK[other][0]})"
        )


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_heavy_packages_are_imported_where_they_are_used(path):
    found = {name.partition(".")[0] for name in imports(*parsed(path), inside_functions=False)}
    allowed = {PLUGINS.get(name_of(path))}
    assert not found & (HEAVY - allowed)


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_modules_are_short(path):
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= MOST_LINES, f"{lines} lines: split it by meaning"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    from kerasish.models import Sequential", {"kerasish.models.Sequential"}),
        ("from . import base", {"kerasish.layers.base"}),
        ("from ..data import x", {"kerasish.data.x"}),
        ("try:\n    import h5py.h5\nexcept ImportError:\n    pass", {"h5py.h5"}),
        ("if TYPE_CHECKING:\n    import numba\nelse:\n    import os", {"os"}),
        ("import typing\nif typing.TYPE_CHECKING:\n    import numba", {"typing"}),
    ],
)
def test_the_reader_of_imports_reads_them_all(source, expected):
    assert set(imports(ast.parse(source), "kerasish.layers")) == expected


def test_the_reader_of_imports_leaves_out_functions_when_asked():
    source = "import os\nclass A:\n    import re\n    def f(self):\n        import numba"
    assert set(imports(ast.parse(source), "kerasish", inside_functions=False)) == {"os", "re"}


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_kerasish_imports_nothing_heavy():
    modules = run("import sys, kerasish; print(*(m.partition('.')[0] for m in sys.modules))")
    assert not set(modules.split()) & HEAVY


def test_importing_all_of_kerasish_imports_nothing_heavy():
    names = [m.name for m in pkgutil.walk_packages(kerasish.__path__, "kerasish.")]
    names = [name for name in names if not name.endswith("__main__") and name not in PLUGINS]
    code = f"import sys, importlib\nfor name in {names}: importlib.import_module(name)\n"
    modules = run(code + "print(*(m.partition('.')[0] for m in sys.modules))")
    assert not set(modules.split()) & HEAVY


def test_importing_kerasish_adds_little_to_numpy():
    code = (
        "import time, numpy; start = time.perf_counter(); import kerasish; "
        "print(time.perf_counter() - start)"
    )
    # The least of several runs: a busy machine makes runs slower, never faster.
    assert min(float(run(code)) for _ in range(3)) < 0.060


LEGACY = {
    # seeds it for the user's own code, as Keras does, and keeps it for a resume
    "kerasish.config": {"seed", "get_state", "set_state"},
    # a generator of its own that draws the orders of Keras's data sets
    "kerasish.datasets.words": {"RandomState"},
}


def test_no_module_draws_from_numpys_global_random_state():
    for path in SOURCES:
        nodes = [n for n in ast.walk(parsed(path)[0]) if isinstance(n, ast.Attribute)]
        used = {n.attr for n in nodes if ast.unparse(n.value) in ("np.random", "numpy.random")}
        # Classes of generators are fine, and so is what makes one.
        drawn = {n for n in used - {"default_rng"} if n.islower() or n == "RandomState"}
        assert drawn <= LEGACY.get(name_of(path), set()), path


def tree():
    """Every text file of the project, whether or not git is there."""
    folders = ["kerasish", "tests", "examples", ".ci"]
    paths = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file()]
    paths += [p for p in ROOT.iterdir() if p.is_file() and p.name not in (".git", ".coverage")]
    for path in paths:
        if "__pycache__" not in path.parts and path.suffix not in {".npz", ".h5", ".png", ".keras"}:
            yield path, path.read_text("utf-8")


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        # Put together from pieces, so that this file does not hold what it forbids.
        (r"(?<![\w.~])/(?:" + "work|root|home|tmp" + r")/\w", "a path of one machine"),
        (r"(?:--|extra-)" + r"index-" + r"url|PIP_" + r"INDEX|trusted-" + r"host", "an index host"),
        (r"https?://(?:10|192\.168|172\.\d+)\.\d", "an address of a private network"),
    ],
)
def test_the_tree_is_the_same_on_every_machine(pattern, what):
    found = [p.relative_to(ROOT) for p, text in tree() if re.search(pattern, text)]
    assert not found, f"{what} in {', '.join(map(str, found))}"


@pytest.fixture(scope="module")
def version():
    if not (ROOT / "setup.cfg").is_file():
        pytest.skip("not a source tree")
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config["metadata"]["version"]


def test_the_changelog_and_the_package_have_the_current_version(version):
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## \[{re.escape(version)}\]", changelog, re.MULTILINE)
    assert kerasish.__version__ == version


def test_the_ranks_in_the_documentation_are_these():
    text = (PACKAGE / "ARCHITECTURE.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (\d) \| (.*) \|$", text, re.MULTILINE))
    for unit, (rank, _) in RANK.items():
        if importlib.util.find_spec(f"kerasish.{unit}") if unit else False:
            assert re.search(rf"`{unit}(\.py|/)", rows[str(rank)]), f"{unit} in row {rank}"
