# SPDX-License-Identifier: MIT
"""Tiny labeled frames of a known model: a smooth pair repulsion plus fixed charges with the LES energy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from pair_les.data.neighbors import neighbor_list
from pair_les.long_range import long_range_energy
from pair_les.model_file.metadata import LongRange

CUTOFF = 4.0
CHARGE = {"Na": 0.6, "Cl": -0.6}
REFERENCE = {"Na": -2.0, "Cl": -5.0}
LONG_RANGE = LongRange(sigma=1.0)


def labels(atoms: Atoms) -> tuple[float, np.ndarray, np.ndarray | None]:
    """Energy (eV), forces (eV/A), and stress [3, 3] (eV/A^3) of a periodic frame, by autograd."""
    symbols = atoms.get_chemical_symbols()
    periodic = bool(atoms.pbc.all())
    positions = torch.tensor(atoms.positions, requires_grad=True)
    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    deformation = torch.eye(3, dtype=torch.float64) + 0.5 * (strain + strain.T)
    cell = torch.tensor(atoms.cell.array) @ deformation
    x = positions @ deformation
    index, shifts = neighbor_list(atoms.positions, atoms.cell.array, periodic, CUTOFF)
    r = (x[index[1]] - x[index[0]] + torch.tensor(shifts, dtype=torch.float64) @ cell).norm(dim=1)
    pair = 0.5 * (600.0 * torch.exp(-2.0 * r) * (1.0 - (r / CUTOFF) ** 2) ** 3).sum()
    energy = pair + sum(REFERENCE[symbol] for symbol in symbols)
    charges = torch.tensor([CHARGE[symbol] for symbol in symbols], dtype=torch.float64)
    one_frame = torch.zeros(len(atoms), dtype=torch.int64)
    energy = (
        energy + long_range_energy(x, charges, cell[None], torch.tensor([periodic]), one_frame, LONG_RANGE)[0]
    )
    gradient, by_strain = torch.autograd.grad(energy, [positions, strain])
    stress = (by_strain / atoms.get_volume()).numpy() if periodic else None
    return float(energy.detach()), -gradient.numpy(), stress


def tiny_frames(n_frames: int, seed: int = 0, labeled: bool = True) -> list[Atoms]:
    """Every third frame an isolated cluster of 5 atoms, the others 8 ions in a triclinic cell of 6 A."""
    random = np.random.default_rng(seed)
    frames = []
    for number in range(n_frames):
        if number % 3 == 2:
            grid = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], dtype=float)
            atoms = Atoms("NaClClClNa", positions=2.8 * grid)
        else:
            grid = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)], dtype=float)
            cell = 6.0 * np.eye(3) + random.uniform(-0.3, 0.3, (3, 3))
            atoms = Atoms("NaClClNaClNaNaCl", scaled_positions=0.5 * grid, cell=cell, pbc=True)
        atoms.positions += random.normal(0.0, 0.25, atoms.positions.shape)
        if labeled:
            energy, forces, stress = labels(atoms)
            found = {"energy": energy, "forces": forces}
            if stress is not None:
                found["stress"] = stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
            atoms.calc = SinglePointCalculator(atoms, **found)
        frames.append(atoms)
    return frames


def write_tiny(file: Path, n_frames: int, seed: int = 0) -> Path:
    """Write such frames as extxyz."""
    ase.io.write(file, tiny_frames(n_frames, seed), format="extxyz")
    return file


def tiny_config(folder: Path, **training: Any) -> dict[str, Any]:
    """Plain values of a configuration that trains in seconds on the frames of `folder`."""
    settings = {"epochs": 3, "batch_size": 4, "seed": 1, "learning_rate": 0.01, "threads": 1, "device": "cpu"}
    return {
        "data": {"train": [str(folder / "train.xyz")], "valid": 0.25},
        "model": {"cutoff": 4.0, "n_radial": 6, "l_max": 1, "n_channels": 6, "body_order": 3, "hidden": [8]},
        "training": {**settings, **training},
        "output": str(folder / "run"),
    }
