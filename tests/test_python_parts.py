# SPDX-License-Identifier: MIT
"""Directions of dependency between the folders of the Python package, checked by reading its import statements."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "python" / "pair_les"

# folder -> folders that it may import from; every folder may use the modules of the package itself
ALLOWED = {
    "installation": "",
    "model_file": "installation",
    "long_range": "model_file",
    "convert": "installation model_file long_range",
    "net": "installation",
    "backbones": "installation model_file convert",
    "data": "long_range net",
    "evaluation": "installation model_file long_range net data",
    "observables": "model_file long_range data evaluation",
    "training": "installation model_file long_range net backbones data evaluation observables",
    "export": "installation model_file net data evaluation training",
    "api": "long_range model_file data evaluation observables training export",
    "lammps": "long_range model_file data evaluation",
    "analysis": "",
    "cli": "installation model_file long_range data evaluation observables training export api lammps analysis convert",
}

# Modules of the package itself. Only __init__ names modules of folders: the public names that it imports on first use.
LOOSE = ["__init__", "_imports", "constants", "errors", "output_files", "plotting", "plugin", "version"]


def modules() -> dict[str, Path]:
    """Dotted name of each module below ``pair_les``, and its file; packages by the name of their folder."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(["pair_les", *parts]).removesuffix(".__init__")] = path
    return found


def imported(name: str, path: Path, known: set[str]) -> Iterator[str]:
    """Modules of the package that a module imports anywhere, also within functions."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        if isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                if full in known or base in known:
                    yield full if full in known else base


def import_graph() -> dict[str, set[str]]:
    """Each module of the package with the modules that it imports, without the public names of ``pair_les`` itself."""
    found = modules()
    graph = {name: set(imported(name, path, set(found))) - {name} for name, path in found.items()}
    return graph | {"pair_les": {"pair_les._imports", "pair_les.version"}}


def test_folders_import_in_one_direction():
    order = list(ALLOWED)
    for folder, allowed in ALLOWED.items():
        assert all(order.index(other) < order.index(folder) for other in allowed.split()), folder
    wrong = []
    for name, targets in import_graph().items():
        folder = name.split(".")[1] if name.count(".") > 0 else ""
        for target in targets:
            other = target.split(".")[1] if target.count(".") > 0 else ""
            permitted = {"", folder, *ALLOWED.get(folder, "").split()}
            if other in ALLOWED and other not in permitted:
                wrong.append(f"{name} imports {target}")
    assert wrong == []


def test_modules_import_without_circles():
    graph, finished = import_graph(), set()

    def visit(name: str, path: list[str]) -> None:
        assert name not in path, f"circle of imports: {' -> '.join([*path, name])}"
        if name not in finished:
            for target in sorted(graph[name]):
                visit(target, [*path, name])
            finished.add(name)

    for name in sorted(graph):
        visit(name, [])


def test_every_module_is_in_a_folder():
    loose = sorted(path.stem for path in PACKAGE.glob("*.py"))
    assert loose == LOOSE, "put a new module into one of the folders"
    folders = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
    assert folders == sorted(ALLOWED), "say here what a new folder may import"


def test_one_module_names_what_torch_does_not_document():
    private = re.compile(
        r"(from|import) torch(\.\w+)*(\._\w|\.experimental)|\btorch(\.\w+)*\._(?!check\b|_version__)\w"
    )
    found = {path for path in PACKAGE.rglob("*.py") if private.search(path.read_text())}
    # names of functions that a pickle of torch refers to, which are read and not called
    assert found == {PACKAGE / "model_file/aot/torch_internals.py", PACKAGE / "convert/pickles.py"}


def test_helpers_of_tests_are_modules_of_their_own():
    tests = Path(__file__).parent
    imports = re.compile(r"^\s*(from|import) test_", re.MULTILINE)
    assert [path.name for path in tests.rglob("*.py") if imports.search(path.read_text())] == []
