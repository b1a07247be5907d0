# SPDX-License-Identifier: MIT
"""ASE calculator over an exported model file: the reference that LAMMPS must equal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from .contract import load_model
from .evaluation import evaluate, species_indices


class LESCalculator(Calculator):
    """Energy, forces, stress, charges and latent potential of a model file of contract version 1.

    ``results`` holds `energy` and `free_energy` (eV; there is no electronic temperature, they are equal),
    `forces` (eV/angstrom), `stress` (eV/angstrom^3, ASE's Voigt order and sign, periodic cells only) and, for
    a model with charges, `charges` (e, after the shift to a total charge where there is one: those that interact),
    `latent_potential` (``dE_lr/dq``, eV/e) and `long_range_energy` (eV).
    The long-range part is converged and in float64 whatever the precision of the network.

    Parameters
    ----------
    model_path
        A file written by ``pair-les export`` or by anybody, contract version 1.
    device
        Where the network runs.
    total_charge
        e; all charges are shifted alike so that they add up to it, as by ``pair_style les charge Q``. None: as the
        model says.

    Raises
    ------
    ContractError
        If the file is not what the contract says, or atoms contain an element the model does not know.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress", "charges"]

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        device: str = "cpu",
        total_charge: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model_path = os.fspath(model_path)
        self.device = device
        self.total_charge = total_charge
        self.module, self.metadata = load_model(model_path, device)
        if self.metadata.long_range is None:
            self.implemented_properties = ["energy", "free_energy", "forces", "stress"]

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Fill ``results`` (everything at once: one backward pass serves all of it).

        Raises
        ------
        PropertyNotImplementedError
            If the stress of a cell that is not periodic in three directions is asked for.
        ContractError, GeometryError
            See `evaluate`.
        """
        super().calculate(atoms, properties, system_changes)
        atoms = self.atoms
        if "stress" in properties and not atoms.pbc.all():
            raise PropertyNotImplementedError(
                f"stress needs a cell that is periodic in all three directions, pbc is {atoms.pbc.tolist()}"
            )
        found = evaluate(
            self.module,
            self.metadata,
            species_indices(atoms.get_chemical_symbols(), self.metadata, self.model_path),
            atoms.positions,
            atoms.cell.array,
            atoms.pbc,
            file=self.model_path,
            device=self.device,
            total_charge=self.total_charge,
        )
        self.results = {"energy": found.energy, "free_energy": found.energy, "forces": found.forces}
        if found.strain_derivative is not None:
            self.results["stress"] = full_3x3_to_voigt_6_stress(found.strain_derivative / atoms.get_volume())
        if found.charges is not None:
            self.results["charges"] = found.charges
            self.results["latent_potential"] = found.latent_potential
            self.results["long_range_energy"] = found.long_range_energy
