# SPDX-License-Identifier: MIT
"""A model file as a model of torch-sim, which integrates many systems at once."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from ase import Atoms
from torch import Tensor
from torch_sim.models.interface import ModelInterface

from ..evaluation.many_frames import evaluate_many
from ..model_file.archive import load_model


class TorchSimModel(ModelInterface):
    """Energies, forces and stresses of a model file for the systems of a ``torch_sim.SimState``.

    ``model(state)`` returns ``energy`` [n_systems], eV; ``forces`` [n_atoms, 3], eV/angstrom; for periodic systems ``stress``
    [n_systems, 3, 3], eV/angstrom^3, positive under tension; and, of a model with charges, ``charges`` [n_atoms], e. Systems are
    evaluated together, in calls of the network with about 2000 atoms; the long-range part is converged and in float64.

    Parameters
    ----------
    model_path
        A file written by ``pair-les export``, or another one that keeps to the contract of model files.
    device
        Where the network runs.
    dtype
        Of what is returned.
    total_charge
        e, of each system; None: as the model says.

    Raises
    ------
    ContractError
        If the file is not what the contract says, or, when called, if a system contains an element the model does not know.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float64,
        total_charge: float | None = None,
    ) -> None:
        super().__init__()
        self.model_path = model_path
        self.total_charge = total_charge
        self.module, self.metadata = load_model(model_path, str(device))
        self._device = torch.device(device)
        self._dtype = dtype
        self._compute_stress = self._compute_forces = True
        self._memory_scales_with = "n_atoms_x_density"

    def forward(self, state: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Evaluate all systems of a ``SimState``, or of a dictionary with its attributes."""
        values = state if isinstance(state, dict) else vars(state)
        systems = _systems(values)
        found = evaluate_many(
            self.module,
            self.metadata,
            systems,
            file=self.model_path,
            device=self._device,
            total_charge=self.total_charge,
        )
        results = {
            "energy": self._tensor([result.energy for result in found]),
            "forces": self._tensor(np.concatenate([result.forces for result in found])),
        }
        strains = [result.strain_derivative for result in found]
        if all(strain is not None for strain in strains):
            volumes = [system.get_volume() for system in systems]
            results["stress"] = self._tensor(
                [strain / volume for strain, volume in zip(strains, volumes, strict=True)]
            )
        charges = [result.charges for result in found if result.charges is not None]
        if charges:
            results["charges"] = self._tensor(np.concatenate(charges))
        return results

    def _tensor(self, values: Any) -> Tensor:
        return torch.as_tensor(np.asarray(values), dtype=self._dtype, device=self._device)


def _systems(values: dict[str, Any]) -> list[Atoms]:
    """Systems of a state as ASE atoms; torch-sim has lattice vectors as columns."""
    positions, numbers = _array(values["positions"]), _array(values["atomic_numbers"])
    cells = _array(values["cell"]).reshape(-1, 3, 3).transpose(0, 2, 1)
    pbc = np.broadcast_to(_array(values["pbc"]), 3)
    system = _array(values.get("system_idx", np.zeros(len(positions), dtype=int)))
    return [
        Atoms(numbers[system == number], positions[system == number], cell=cell, pbc=pbc)
        for number, cell in enumerate(cells)
    ]


def _array(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
