# SPDX-License-Identifier: MIT
"""Which of several elements is chemically the nearest to another."""

from __future__ import annotations

from collections.abc import Sequence

from ase.data import atomic_numbers

_NOBLE_GASES = (0, 2, 10, 18, 36, 54, 86, 118)
"""Atomic numbers at which the periods end."""

_GROUP_WEIGHT = 4
"""Periods that count as one group: elements of one group are alike over four periods."""


def nearest_element(symbol: str, known: Sequence[str]) -> str:
    """The element of `known` with the nearest group, then the nearest period, then the nearest atomic number."""
    group, period = group_and_period(symbol)

    def distance(other: str) -> tuple[int, int]:
        other_group, other_period = group_and_period(other)
        return (
            _GROUP_WEIGHT * abs(group - other_group) + abs(period - other_period),
            abs(atomic_numbers[symbol] - atomic_numbers[other]),
        )

    return min(known, key=distance)


def group_and_period(symbol: str) -> tuple[int, int]:
    """Group, 1 to 18 (3 for lanthanides and actinides), and period, 1 to 7, of a chemical symbol."""
    number = atomic_numbers[symbol]
    period = next(row for row, last in enumerate(_NOBLE_GASES) if number <= last)
    from_start = number - _NOBLE_GASES[period - 1]
    from_end = _NOBLE_GASES[period] - number
    if from_start <= 2 and from_end > 0:
        return from_start, period
    return max(18 - from_end, 3), period
