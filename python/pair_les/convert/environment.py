# SPDX-License-Identifier: MIT
"""Packages that models come from: imported when they are needed, named when they are missing."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import sys
import warnings

from ..errors import ConversionError


def import_package(module: str, distribution: str) -> str:
    """Import a module of another package and return the version of its distribution.

    Raises
    ------
    ConversionError
        If it is not installed, or cannot be imported; one line that says what to type.
    """
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError as error:
        raise ConversionError(
            f"{distribution} is not installed in this environment ({sys.prefix}), which the file needs: "
            f"pip install {distribution}, best in an environment of its own, and run 'python -m pair_les.convert' there"
        ) from error
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except Exception as error:  # whatever its import raises
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConversionError(
            f"{distribution} {version} cannot be imported ({reason}): install it again: pip install {distribution}"
        ) from error
    return version
