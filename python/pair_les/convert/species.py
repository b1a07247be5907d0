# SPDX-License-Identifier: MIT
"""Choice of the elements of a model that a file is written for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ase.data import atomic_numbers

from ..errors import ConversionError


def choose_species(elements: Sequence[str] | None, known: Sequence[str], path: Path | str) -> list[str]:
    """Chemical symbols in the order asked for; all that the model knows where nothing is asked for.

    Raises
    ------
    ConversionError
        If one is no element, is not known to the model, or comes twice.
    """
    if elements is None or len(elements) == 0:
        return list(known)
    for symbol in elements:
        if symbol not in atomic_numbers or symbol == "X":
            raise ConversionError(f"--elements {symbol}: not a chemical symbol: give symbols such as H O")
        if symbol not in known:
            raise ConversionError(
                f"--elements {symbol}: {path} does not know this element; it knows {' '.join(known)}"
            )
        if list(elements).count(symbol) > 1:
            raise ConversionError(f"--elements {symbol}: given twice: name each element once")
    return list(elements)
