# SPDX-License-Identifier: MIT
"""The long-range energy of latent charges: sums, slabs, charge equilibration, and the split between a model and LAMMPS.

The functions of :mod:`pair_les.long_range.split` are plain floats; torch is imported with the first name that needs it.
"""

from .._imports import lazy_names
from .split import (
    background_energy,
    g_ewald_from_sigma,
    potential_correction,
    self_energy,
    self_energy_factor,
    smeared_coulomb,
    split_background_virial,
    split_pair_potential,
)

__all__ = [
    "background_energy",
    "converged_k_cutoff",
    "g_ewald_from_sigma",
    "long_range_energy",
    "potential_correction",
    "self_energy",
    "self_energy_factor",
    "smeared_coulomb",
    "split_background_virial",
    "split_pair_potential",
]

__getattr__, __dir__ = lazy_names(__name__, {"converged_k_cutoff": "energy", "long_range_energy": "energy"})
