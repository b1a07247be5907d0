# SPDX-License-Identifier: MIT
"""Labels of the wrong unit or sign, and single wrong ones: what is found, the likely cause, and the cure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .file_consistency import file_findings
from .findings import Finding
from .frames import Frame
from .label_units import Mismatch, explain_force_factor, explain_pair_slope, explain_stress_factor
from .open_cells import open_cell_findings
from .outliers import LARGE_STRESS, LARGEST_STRESS, Outlier, energy_outliers, force_outliers, stress_outliers
from .pair_consistency import fit_pair_slope
from .work_consistency import WorkFactors, fit_work_factors

_LISTED = 5
"""Frames that a message lists."""


def check_labels(frames: Sequence[Frame]) -> list[Finding]:
    """Findings about the labels of all frames of a run, errors first.

    Forces and stresses are compared with energy differences between close frames (`fit_work_factors`), forces with those of all
    frames where none are close (`fit_pair_slope`), then each kind of
    label with its usual size (`outliers`). A mismatch by the factor of a known unit or sign is an error, one by another
    factor is not. An outlier is an error where no other atom is close enough to explain it.
    """
    if not frames:
        return []
    findings = []
    factors = fit_work_factors(frames)
    units = [] if factors is None else _unit_findings(frames, factors)
    if factors is None or factors.forces is None or not factors.forces.certain:
        units += _slope_findings(frames)
    findings += [finding for _, finding in units]
    if "stress" not in {kind for kind, _ in units}:
        findings += _stress_findings(frames)
    findings += _outlier_findings(force_outliers(frames))
    of_files = file_findings(frames, units_differ=not units)
    findings += of_files or _outlier_findings(energy_outliers(frames))
    findings += open_cell_findings(frames)
    return sorted(findings, key=lambda finding: not finding.refused)


def _unit_findings(frames: Sequence[Frame], factors: WorkFactors) -> list[tuple[str, Finding]]:
    """Kind of label and finding for forces and stress that are not the derivatives of the energies."""
    n_atoms = float(np.mean([len(frame) for frame in frames]))
    volumes = [abs(float(np.linalg.det(frame.cell))) for frame in frames if frame.periodic]
    explained: dict[str, tuple[float, Mismatch | None]] = {}
    if factors.forces is not None and factors.forces.certain:
        explained["forces"] = (factors.forces.value, explain_force_factor(factors.forces.value, n_atoms))
    if factors.stress is not None and factors.stress.certain:
        volume = float(np.mean(volumes))
        explained["stress"] = (
            factors.stress.value,
            explain_stress_factor(factors.stress.value, volume, n_atoms),
        )
    file = frames[0].file
    found = []
    for kind, (factor, mismatch) in explained.items():
        if mismatch is None:
            continue
        found.append(
            (
                kind,
                Finding(
                    f"{file}: energy differences of {factors.n_pairs} pairs of close frames are {factor:.4g} times the work "
                    f"of the {kind} labels: {mismatch.text}",
                    mismatch.known,
                ),
            )
        )
    return found


def _slope_findings(frames: Sequence[Frame]) -> list[tuple[str, Finding]]:
    """Finding for forces of another unit than the energies, where no frames are close."""
    slope = fit_pair_slope(frames)
    mismatch = None if slope is None else explain_pair_slope(slope.value)
    if slope is None or mismatch is None:
        return []
    text = (
        f"{frames[0].file}: energies of {slope.n_frames} frames differ by {slope.value:.2g} times what pair potentials that fit the "
        f"forces give, which should be 0.3 to 3: {mismatch.text}"
    )
    return [("forces", Finding(text, mismatch.known))]


def _stress_findings(frames: Sequence[Frame]) -> list[Finding]:
    outliers = stress_outliers(frames)
    if not outliers:
        return []
    n_labels = sum(frame.stress is not None for frame in frames)
    refused = outliers[0].size > LARGEST_STRESS
    return [
        Finding(
            f"{outliers[0].frame.where}: {outliers[0].text}, above {LARGE_STRESS:g} eV/atom in {len(outliers)} of {n_labels} "
            "frames: stress is in eV/A^3, positive under tension; divide kbar with the sign of VASP by -1602.1766, GPa by "
            "160.21766",
            refused,
        )
    ]


def _outlier_findings(outliers: list[Outlier]) -> list[Finding]:
    """Return one finding for outliers without an explanation, and one for the others."""
    findings = []
    for explained in (False, True):
        kind = [outlier for outlier in outliers if outlier.explained == explained]
        if kind:
            others = ", ".join(str(outlier.frame.index) for outlier in kind[1:_LISTED])
            more = (
                f" (and {len(kind) - 1} more frames: {others}{', ...' if len(kind) > _LISTED else ''})"
                if others
                else ""
            )
            reason = (
                ": check the frame"
                if explained
                else ", and no atoms are close enough for that: remove or recompute the frame"
            )
            findings.append(
                Finding(
                    f"{kind[0].frame.where}: {kind[0].text}{reason}{more}",
                    not explained,
                )
            )
    return findings
