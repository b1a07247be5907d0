# SPDX-License-Identifier: MIT
"""Labels of several files beside each other: another unit, method or zero of the energy in one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from .findings import Finding
from .frames import Frame
from .label_units import HARTREE, KCAL_PER_MOL, KJ_PER_MOL, RYDBERG, explain_force_factor
from .work_consistency import fit_work_factors

REMARKABLE_OFFSET, IMPOSSIBLE_OFFSET = 0.5, 10.0
"""eV/atom between the median energies of two files for the same composition: more than heat or pressure make in a liquid or solid,
and more than atomization makes."""

_SPREADS = 5.0
"""An offset is one where it is so many times the spread of the energies of one composition in a file."""

_UNIT_RATIOS = {
    HARTREE: "hartree",
    RYDBERG: "rydberg",
    1.0 / HARTREE: "hartree",
    1.0 / RYDBERG: "rydberg",
    KCAL_PER_MOL: "kcal/mol",
    KJ_PER_MOL: "kJ/mol",
    1.0 / KCAL_PER_MOL: "kcal/mol",
    1.0 / KJ_PER_MOL: "kJ/mol",
}


def file_findings(frames: Sequence[Frame], units_differ: bool = True) -> list[Finding]:
    """Lines about files whose units, or whose energies of equal compositions, differ from those of the first file that has them.

    Parameters
    ----------
    frames
        Of all files.
    units_differ
        Whether each file is tested for its units: not where those of all files together are wrong.
    """
    files: dict[str, list[Frame]] = {}
    for frame in frames:
        files.setdefault(frame.file, []).append(frame)
    if len(files) < 2:
        return []
    findings = []
    for file, own in files.items():
        findings += _unit_findings(file, own) if units_differ else []
    return findings + ([] if findings else _offset_findings(files))


def _unit_findings(file: str, frames: list[Frame]) -> list[Finding]:
    factors = fit_work_factors(frames)
    if factors is None or factors.forces is None or not factors.forces.certain:
        return []
    n_atoms = float(np.mean([len(frame) for frame in frames]))
    mismatch = explain_force_factor(factors.forces.value, n_atoms)
    if mismatch is None or not mismatch.known:
        return []
    return [
        Finding(
            f"{file}: energy differences of {factors.n_pairs} pairs of close frames of this file are {factors.forces.value:.4g} "
            f"times the work of its forces labels: {mismatch.text}",
            True,
        )
    ]


def _offset_findings(files: dict[str, list[Frame]]) -> list[Finding]:
    first: dict[tuple, tuple[str, np.ndarray]] = {}
    findings = []
    for file, frames in files.items():
        worst: tuple[float, str, float, float] | None = None
        for composition, energies in _energies_by_composition(frames).items():
            if composition not in first:
                first[composition] = (file, energies)
                continue
            other_file, others = first[composition]
            here, there = float(np.median(energies)), float(np.median(others))
            spread = max(_spread(energies), _spread(others))
            if abs(here - there) > max(REMARKABLE_OFFSET, _SPREADS * spread) and (
                worst is None or abs(here - there) > worst[0]
            ):
                worst = (abs(here - there), other_file, here, there)
        if worst is not None:
            findings.append(_offset_finding(file, *worst))
    return findings


def _offset_finding(file: str, offset: float, other_file: str, here: float, there: float) -> Finding:
    ratio = here / there if there else 0.0
    unit = next((name for value, name in _UNIT_RATIOS.items() if abs(ratio / value - 1.0) < 0.05), None)
    cause = (
        f"energies of one file in {unit}? convert them to eV"
        if unit is not None
        else "another method, other pseudopotentials, or energies of atomization beside total energies? relabel one of the files, or "
        "subtract the energies of the atoms of each method"
    )
    return Finding(
        f"{file}: energies are {here:.6g} eV/atom, those of {other_file} {there:.6g} eV/atom for the same composition: {cause}",
        unit is not None or offset > IMPOSSIBLE_OFFSET,
    )


def _energies_by_composition(frames: list[Frame]) -> dict[tuple, np.ndarray]:
    """Energies per atom (eV) of the frames of each composition, by reduced formula."""
    found: dict[tuple, list[float]] = {}
    for frame in frames:
        if frame.has_energy:
            counts = Counter(frame.symbols)
            divisor = int(np.gcd.reduce(list(counts.values())))
            key = tuple(sorted((symbol, count // divisor) for symbol, count in counts.items()))
            found.setdefault(key, []).append(frame.energy / len(frame))
    return {key: np.array(values) for key, values in found.items()}


def _spread(energies: np.ndarray) -> float:
    return float(1.4826 * np.median(np.abs(energies - np.median(energies))))
