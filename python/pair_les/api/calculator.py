# SPDX-License-Identifier: MIT
"""ASE calculator over an exported model file: the reference that LAMMPS must equal."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from ..errors import RunError
from ..evaluation.configuration import Evaluation, batch_of_configuration, evaluate
from ..evaluation.electrode_configuration import (
    ElectrodeEvaluation,
    evaluate_with_electrodes,
    species_beside_electrodes,
)
from ..evaluation.model_network import species_indices
from ..evaluation.per_atom import share_over_atoms
from ..evaluation.uncertainty import deviations_of_batch
from ..long_range.electrodes import Electrode
from ..model_file.archive import load_model
from ..model_file.metadata import Metadata
from ..observables.observe import observe

_ALWAYS = ("energy", "free_energy", "forces", "stress", "energies", "stresses")
"""Properties of every model; the others need charges."""

UNCERTAINTIES = ("energy_uncertainty", "energies_uncertainty", "forces_uncertainty")
"""Results of a model with uncertainties, which are computed when one of them is asked for."""


class LESCalculator(Calculator):
    """Energy, forces, stress, charges and latent potential of a model file.

    ``results`` holds `energy` and `free_energy` (eV; there is no electronic temperature, they are equal),
    `forces` (eV/angstrom), `stress` (eV/angstrom^3, ASE's Voigt order and sign, periodic cells only) and, for
    a model with charges, `charges` (e, after the shift to a total charge where there is one: those that interact),
    `latent_potential` (``dE_lr/dq``, eV/e), `long_range_energy` (eV) and, of an isolated system, `dipole` (e angstrom, of
    these charges about the origin; `observe` has the factor ``sqrt(eps)`` of a medium).
    Three more are computed where they are asked for, by ``get_potential_energies()``, ``get_stresses()`` or
    ``get_property("born_charges")``: `energies` [N], eV, and `stresses` [N, 6], eV/angstrom^3, of the atoms, which add up to
    `energy` and `stress` and are what ``compute pe/atom`` and ``compute stress/atom`` of LAMMPS give (the latter times the
    volume): ``e_i + q_i phi_i / 2``, half the virial of each edge of the network to either of its atoms, and the strain
    derivative of ``q_i phi_i / 2`` at fixed charges; and `born_charges` [N, 3, 3], e, as of `observe`.
    A model with uncertainties (``pair-les export --uncertainty``) has the standard deviations `energy_uncertainty` (eV),
    `energies_uncertainty` ([N], eV, of the energies of atoms) and `forces_uncertainty` ([N], eV/angstrom, of the length of the
    force) as well; ``get_property("forces_uncertainty", atoms)`` computes all three.
    A cell that is periodic in two directions is a slab in vacuum, as with ``boundary p p f`` and ``kspace_modify slab`` in
    LAMMPS; the length of its cell along the third does not matter.
    With `electrodes` the energy is the grand potential, less the energy that the batteries have supplied, and ``results`` has
    also `electrode_charges` (e) and `electrode_potentials` (V) by name, and `battery_energy` (eV); see docs/guide/interfaces.md.
    The long-range part is converged and in float64 whatever the precision of the network.

    Parameters
    ----------
    model_path
        A file written by ``pair-les export``, or another one that keeps to the contract of model files.
    device
        Where the network runs.
    total_charge
        e; all charges are shifted alike so that they add up to it, as by ``pair_style les charge Q``. None: as the
        model says. Charges of electrodes do not count.
    electrodes
        Electrodes by name, as by ``pair_style les electrode``. Their atoms may be of elements that the model does not know,
        and are then nothing but charges.
    neutral
        Whether the electrodes of given potential make the cell neutral, so that only differences of potentials matter.
    loaded
        What `load_model` returned for the file, which is then not read again.

    Raises
    ------
    ContractError
        If the file is not what the contract says, or atoms contain an element the model does not know.
    ElectrodeError
        If the electrodes contradict each other, the atoms, or the model.
    DeviceError
        If torch does not have the device.

    Notes
    -----
    Pickled (``multiprocessing``, dask), it is the path of the file and the settings, and reads the file again: that must still
    be the same. Copies of the same process share the network.
    """

    implemented_properties = [*_ALWAYS, "charges", "dipole", "born_charges"]

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        device: str = "cpu",
        total_charge: float | None = None,
        electrodes: Mapping[str, Electrode] | None = None,
        neutral: bool = True,
        loaded: tuple[torch.nn.Module, Metadata] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model_path = os.fspath(model_path)
        self.device = device
        self.total_charge = total_charge
        self.electrodes = dict(electrodes or {})
        self.neutral = neutral
        self.module, self.metadata = load_model(model_path, device) if loaded is None else loaded
        self._digest = _digest(model_path)
        if self.metadata.long_range is None:
            self.implemented_properties = [*_ALWAYS]
        if self.metadata.uncertainty is not None and not self.electrodes:
            self.implemented_properties = [*self.implemented_properties, *UNCERTAINTIES]

    def __getstate__(self) -> dict[str, Any]:
        """Return all attributes but the network; the path is absolute, because another process may be in another folder."""
        state = {name: value for name, value in self.__dict__.items() if name not in ("module", "metadata")}
        return {**state, "model_path": os.path.abspath(self.model_path)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the model file again.

        Raises
        ------
        RunError
            If it is not there any more, or is another one.
        """
        path = state["model_path"]
        if not os.path.isfile(path):
            raise RunError(
                f"{path}: the model file of a pickled LESCalculator does not exist here: put it there, or make a new "
                "LESCalculator of where it is"
            )
        if _digest(path) != state["_digest"]:
            raise RunError(
                f"{path}: the model file of a pickled LESCalculator is another one by now: make a new LESCalculator of it"
            )
        self.__dict__.update(state)
        self.module, self.metadata = load_model(path, self.device)

    def __copy__(self) -> LESCalculator:
        return self._copied(dict(self.__dict__))

    def __deepcopy__(self, memo: dict[int, Any]) -> LESCalculator:
        shared = ("module", "metadata")
        own = {name: value for name, value in self.__dict__.items() if name not in shared}
        other = self._copied({name: getattr(self, name) for name in shared})
        memo[id(self)] = other  # before its atoms are copied, which point back to it
        other.__dict__.update(copy.deepcopy(own, memo))
        return other

    def _copied(self, attributes: dict[str, Any]) -> LESCalculator:
        """Another one of this class with these attributes; nothing is read."""
        other = type(self).__new__(type(self))
        other.__dict__.update(attributes)
        return other

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Fill ``results``: what one backward pass gives at once, the rest where it is asked for.

        Raises
        ------
        PropertyNotImplementedError
            If stresses of a cell that is not periodic in three directions are asked for, or the dipole of one that is periodic;
            or energies and stresses of atoms, or Born charges, beside electrodes.
        ContractError, GeometryError
            See `evaluate`.
        """
        super().calculate(atoms, properties, system_changes)
        atoms = cast(Atoms, self.atoms)
        wanted = next((name for name in ("stress", "stresses") if name in properties), None)
        if wanted and not atoms.pbc.all():
            raise PropertyNotImplementedError(
                f"{wanted} needs a cell that is periodic in all three directions, pbc is {atoms.pbc.tolist()}"
            )
        if "dipole" in properties and atoms.pbc.any():
            raise PropertyNotImplementedError(
                f"dipole needs an isolated system, pbc is {atoms.pbc.tolist()}: pair_les.observe has the polarization of a cell"
            )
        if system_changes:
            self.results = {}
        if set(properties) & set(UNCERTAINTIES):
            self._add_uncertainties(atoms)
        if {"energies", "stresses"}.intersection(properties):
            self._share_over_atoms(atoms, stresses="stresses" in properties)
        if "born_charges" in properties:
            self._require_no_electrodes("born_charges")
            seen = observe(
                (self.module, self.metadata), atoms, total_charge=self.total_charge, device=self.device
            )
            self.results["born_charges"] = seen.born
        if not self.results.keys() >= set(properties):
            self._fill_results(atoms)

    def _fill_results(self, atoms: Atoms) -> None:
        """Energy, its derivatives and the charges."""
        found = self._evaluate(atoms)
        self.results.update(energy=found.energy, free_energy=found.energy, forces=found.forces)
        if found.strain_derivative is not None:
            self.results["stress"] = full_3x3_to_voigt_6_stress(found.strain_derivative / atoms.get_volume())
        if found.charges is not None:
            self.results["charges"] = found.charges
            self.results["latent_potential"] = found.latent_potential
            self.results["long_range_energy"] = found.long_range_energy
            if not atoms.pbc.any():
                self.results["dipole"] = found.charges @ atoms.positions
        if isinstance(found, ElectrodeEvaluation):
            self.results["electrode_charges"] = found.electrode_charges
            self.results["electrode_potentials"] = found.electrode_potentials
            self.results["battery_energy"] = found.battery_energy

    def _share_over_atoms(self, atoms: Atoms, stresses: bool) -> None:
        """Energies, and where wanted stresses, of the atoms."""
        self._require_no_electrodes("energies and stresses of atoms")
        energies, strain_derivatives = share_over_atoms(
            self.module,
            self.metadata,
            species_indices(atoms.get_chemical_symbols(), self.metadata, self.model_path),
            atoms.positions,
            atoms.cell.array,
            atoms.pbc,
            stresses=stresses,
            file=self.model_path,
            device=self.device,
            total_charge=self.total_charge,
        )
        self.results["energies"] = energies
        if strain_derivatives is not None:
            volume = atoms.get_volume()
            self.results["stresses"] = strain_derivatives[:, [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] / volume

    def _require_no_electrodes(self, what: str) -> None:
        if self.electrodes:
            raise PropertyNotImplementedError(
                f"{what} are not available beside electrodes: use a calculator without"
            )

    def _evaluate(self, atoms: Atoms) -> Evaluation:
        """Evaluate the model file for some atoms, with the electrodes if there are any."""
        symbols = atoms.get_chemical_symbols()
        place = (atoms.positions, atoms.cell.array, atoms.pbc)
        if not self.electrodes:
            species = species_indices(symbols, self.metadata, self.model_path)
            return evaluate(
                self.module,
                self.metadata,
                species,
                *place,
                file=self.model_path,
                device=self.device,
                total_charge=self.total_charge,
            )
        return evaluate_with_electrodes(
            self.module,
            self.metadata,
            species_beside_electrodes(symbols, self.electrodes, self.metadata, self.model_path),
            *place,
            self.electrodes,
            neutral=self.neutral,
            file=self.model_path,
            device=self.device,
            total_charge=self.total_charge,
        )

    def _add_uncertainties(self, atoms: Atoms) -> None:
        """Add `UNCERTAINTIES` to ``results``."""
        batch = batch_of_configuration(
            species_indices(atoms.get_chemical_symbols(), self.metadata, self.model_path),
            atoms.positions,
            atoms.cell.array,
            atoms.pbc,
            self.metadata.cutoff,
            self.device,
        )
        found = deviations_of_batch(self.module, self.metadata, batch, self.model_path)
        self.results.update(
            energy_uncertainty=float(found.total[0]),
            energies_uncertainty=found.atomic,
            forces_uncertainty=found.forces,
        )


def _digest(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of the content of a file."""
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()
