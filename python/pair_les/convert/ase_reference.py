# SPDX-License-Identifier: MIT
"""Reference values from the ASE calculator of another package."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator

from ..installation.process_state import silenced
from .converted import Reference


def evaluate_frame(calculator: BaseCalculator, atoms: Atoms) -> Reference:
    """Energy, forces and, where the frame is periodic, stress of a copy of `atoms`; what the calculator prints is dropped."""
    frame = atoms.copy()
    frame.calc = calculator
    with silenced():
        energy, forces = frame.get_potential_energy(), frame.get_forces()
        stress = frame.get_stress(voigt=False) if frame.pbc.all() else None
    return Reference(float(energy), np.array(forces, dtype=np.float64), stress)
