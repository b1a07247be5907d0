# SPDX-License-Identifier: MIT
"""The species of a model that an unknown symbol probably means, for error messages."""

from __future__ import annotations

from collections.abc import Sequence


def nearest_species(symbol: str, species: Sequence[str]) -> str:
    """The known symbol that an unknown one probably means, for error messages; empty where none is near.

    It is equal but for case (``o``), the longest beginning of a label (``OW``), or one letter off (``Ck``). Twin of
    ``Metadata::nearest_species`` in C++.
    """
    wanted = symbol.lower()
    for known in species:
        if known.lower() == wanted:
            return known
    prefixes = [known for known in species if symbol.startswith(known) and not symbol[len(known)].islower()]
    if prefixes:
        return max(prefixes, key=len)
    for known in species:
        if len(known) > 1 and _is_one_letter_off(known.lower(), wanted):
            return known
    return ""


def _is_one_letter_off(one: str, other: str) -> bool:
    """Whether one letter replaced, inserted or removed makes different words equal."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    same = next((i for i in range(len(short)) if short[i] != long[i]), len(short))
    return short[same + (len(short) == len(long)) :] == long[same + 1 :]
