# SPDX-License-Identifier: MIT
"""Optional groups of dependencies (extras): which one brings a package that is missing."""

from __future__ import annotations

# import name -> extra of pyproject.toml; a package of two extras is listed under the one whose command needs it most
EXTRA_OF_PACKAGE = {
    "lightning": "train",
    "pydantic": "train",
    "pytorch_optimizer": "train",
    "yaml": "train",
    "tqdm": "train",
    "MDAnalysis": "analyze",
    "jinja2": "analyze",
    "ase_db_backends": "databases",
}


def missing_extra_message(error: ModuleNotFoundError) -> str | None:
    """Return one line that names the missing package and the extra that brings it.

    Parameters
    ----------
    error : ModuleNotFoundError
        As raised by an import statement.

    Returns
    -------
    str or None
        None for a module that belongs to no extra: that is an error of the program, not of the installation.
    """
    package = (error.name or "").partition(".")[0]
    extra = EXTRA_OF_PACKAGE.get(package)
    if extra is None:
        return None
    return (
        f"the package '{package}' is not installed: type \"pip install 'pair_les[{extra}]'\", "
        f"or \"pip install '.[{extra}]'\" in the source folder of pair_les"
    )
