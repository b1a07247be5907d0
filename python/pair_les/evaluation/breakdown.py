# SPDX-License-Identifier: MIT
"""Errors by element, by ``config_type`` and by frame, and predictions beside the labels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.frames import Frame
from ..data.graphs import find_elements
from .accuracy import Comparison

WORST = 5
"""Frames that are listed with the largest errors."""


def atom_symbols(frames: Sequence[Frame]) -> NDArray[np.str_]:
    """Chemical symbols of all atoms, [N]."""
    return np.concatenate([np.array(frame.symbols) for frame in frames])


def errors_by_element(comparison: Comparison, frames: Sequence[Frame]) -> dict[str, dict[str, float]]:
    """RMSE and MAE of the force components (meV/angstrom) on the atoms of each element, and the number of atoms."""
    symbols, errors = atom_symbols(frames), comparison.forces_errors
    found = {}
    for symbol in find_elements(frames):
        own = errors[(symbols == symbol) & np.isfinite(errors[:, 0])]
        if len(own):
            found[symbol] = {
                "n_atoms": len(own),
                "forces_rmse": _rms(own),
                "forces_mae": float(np.abs(own).mean()),
            }
    return found


def errors_by_config_type(comparison: Comparison, frames: Sequence[Frame]) -> dict[str, dict[str, float]]:
    """RMSE of energies (meV/atom) and forces (meV/angstrom) of the frames of each ``config_type``; empty where no frame has one."""
    kinds = [frame.config_type for frame in frames]
    if not any(kinds):
        return {}
    frame_of_atom = np.repeat(np.arange(len(frames)), comparison.n_atoms)
    found = {}
    for kind in sorted(set(kinds)):
        chosen = np.array([name == kind for name in kinds])
        row: dict[str, float] = {"n_frames": int(chosen.sum())}
        for name, errors in (
            ("energy", comparison.energy_errors[chosen]),
            ("forces", comparison.forces_errors[chosen[frame_of_atom]]),
        ):
            labeled = errors[np.isfinite(errors)]
            if len(labeled):
                row[f"{name}_rmse"] = _rms(labeled)
        found[kind or "none"] = row
    return found


def errors_by_frame(comparison: Comparison, frames: Sequence[Frame]) -> list[dict[str, Any]]:
    """RMSE of the forces (meV/angstrom) and error of the energy (meV/atom) of each frame; NaN without such a label."""
    forces = np.split(comparison.forces_errors, np.cumsum(comparison.n_atoms)[:-1])
    return [
        {
            "file": frame.file,
            "frame": frame.index,
            "config_type": frame.config_type,
            "forces_rmse": _rms(own),
            "energy_error": float(energy),
        }
        for frame, own, energy in zip(frames, forces, comparison.energy_errors, strict=True)
    ]


def worst_frames(comparison: Comparison, frames: Sequence[Frame]) -> list[dict[str, Any]]:
    """The `WORST` rows of `errors_by_frame` with the largest errors of the forces."""
    rows = [row for row in errors_by_frame(comparison, frames) if np.isfinite(row["forces_rmse"])]
    return sorted(rows, key=lambda row: -row["forces_rmse"])[:WORST]


def predictions_text(comparison: Comparison, frames: Sequence[Frame]) -> str:
    """The frames as extxyz, with ``predicted_energy`` (eV), ``predicted_forces`` (eV/angstrom) and ``predicted_stress`` (eV/angstrom^3,
    of frames with a stress label) beside what they had."""
    from ase.io import write

    forces = np.split(comparison.forces, np.cumsum(comparison.n_atoms)[:-1])
    stresses = iter(comparison.stress)
    written = []
    for frame, energy, own in zip(frames, comparison.energy, forces, strict=True):
        assert frame.atoms is not None  # of a frame from a file
        atoms = frame.atoms.copy()
        atoms.calc = frame.atoms.calc
        atoms.info["predicted_energy"] = float(energy)
        atoms.arrays["predicted_forces"] = own
        if frame.stress is not None:
            atoms.info["predicted_stress"] = next(stresses)
        written.append(atoms)
    text = io.StringIO()
    write(text, written, format="extxyz")
    return text.getvalue()


def breakdown(comparison: Comparison, frames: Sequence[Frame]) -> dict[str, Any]:
    """All three tables, as ``pair-les evaluate --json`` and the summary of a run have them."""
    found: dict[str, Any] = {"by_element": errors_by_element(comparison, frames)}
    by_config_type = errors_by_config_type(comparison, frames)
    if by_config_type:
        found["by_config_type"] = by_config_type
    return {**found, "worst_frames": worst_frames(comparison, frames)}


def breakdown_lines(found: dict[str, Any]) -> list[str]:
    """Lines for a terminal."""
    lines = [
        f"forces on {symbol:<10} rmse {row['forces_rmse']:.4g}, mae {row['forces_mae']:.4g} meV/A of {row['n_atoms']} atoms"
        for symbol, row in found["by_element"].items()
    ]
    for kind, row in found.get("by_config_type", {}).items():
        parts = [f"energy {row['energy_rmse']:.4g} meV/atom"] if "energy_rmse" in row else []
        parts += [f"forces {row['forces_rmse']:.4g} meV/A"] if "forces_rmse" in row else []
        lines.append(f"config_type {kind:<8} rmse of {row['n_frames']} frames: {', '.join(parts)}")
    for row in found["worst_frames"]:
        lines.append(
            f"worst frame          forces {row['forces_rmse']:.4g} meV/A, energy {row['energy_error']:+.3g} meV/atom: {row['file']}, "
            f"frame {row['frame']}"
        )
    return lines


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
