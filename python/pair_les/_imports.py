# SPDX-License-Identifier: MIT
"""Names that a package imports on first use, and modules that can still be imported by the names of the previous release."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

MOVED_MODULES = {
    "accuracy": "evaluation.accuracy",
    "calculator": "api.calculator",
    "charge_state": "model_file.charge_state",
    "check": "lammps.check",
    "contract": "model_file",
    "device": "installation.device",
    "doctor": "lammps.doctor",
    "equilibration": "long_range.equilibration",
    "evaluate": "evaluation.label_errors",
    "evaluation.calculator": "api.calculator",
    "extras": "installation.extras",
    "figures": "evaluation.figures",
    "k_sum": "long_range.k_sum",
    "long_range_split": "long_range.split",
    "metadata": "model_file.metadata",
    "neighbors": "data.neighbors",
    "net.fused": "installation.fused_operators",
    "outputs": "model_file.outputs",
    "potential": "evaluation.prediction",
    "projection": "long_range.projection",
    "reference_energies": "model_file.reference_energies",
    "slab": "long_range.slab",
    "trial_run": "lammps.trial_run",
}
"""Former names of modules and their present names, both below ``pair_les``; the former names go with the next release."""


class MovedModuleFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import a module of a former name as the module of its present name, with a `FutureWarning` that gives the new name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a specification for former names only; every other module is left to the finders of Python."""
        package, _, name = fullname.partition(".")
        if package != "pair_les" or name not in MOVED_MODULES:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        """Put the module of the present name in place of `module`."""
        former = module.__name__
        present = "pair_les." + MOVED_MODULES[former.partition(".")[2]]
        warnings.warn(f"{former} is now {present}: import it by that name", FutureWarning, stacklevel=2)
        sys.modules[former] = import_module(present)


def install_moved_modules() -> None:
    """Make the former names importable; called once, by the package itself."""
    if not any(isinstance(finder, MovedModuleFinder) for finder in sys.meta_path):
        sys.meta_path.append(MovedModuleFinder())


def lazy_names(
    package: str, sources: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package that imports its public names on first use.

    Parameters
    ----------
    package : str
        Name of the package.
    sources : Mapping
        Public name -> module below the package that defines it.
    """

    def load(name: str) -> Any:
        if name not in sources:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{sources[name]}"), name)

    return load, lambda: sorted({*sources, *vars(sys.modules[package])})
