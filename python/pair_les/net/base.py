# SPDX-License-Identifier: MIT
"""Common base of the networks: the signature of the contract, reference energies, initial charges."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from pair_les.installation import fused_operators as fused
from pair_les.net.readout import Readout, SharedReadout, fold_charge_state
from pair_les.net.repulsion import repulsion_energy, repulsion_tables
from pair_les.net.settings import NetSettings

CHARGE_SCALE = 0.05
"""Charge, e, of a network output of 1: keeps the long-range part of the first steps small against the short range."""


ELECTRONEGATIVITY_SCALE = 0.5
"""eV/e of a network output of 1: initial charges of charge equilibration are a few hundredths of e, too."""

HARDNESS_SCALE = 5.0
"""eV/e^2; a network output x gives this times softplus(x), so that 0 is near the hardness of an atom."""

LEAST_HARDNESS = 1.0
"""eV/e^2 above what keeps the energy positive definite: iterations grow with the inverse root of the least hardness."""


class ContractNet(nn.Module):
    """A network with the signature of the contract; a subclass adds `interaction` and a `readout`.

    Parameters and errors are those of :class:`pair_les.net.LESNet`.
    """

    # Decided when the module is scripted: a script made where `fused` is False refers to no operator of this package.
    __constants__ = ("fused", "zbl")

    if TYPE_CHECKING:  # buffers, and what a subclass adds
        energy_scale: Tensor
        reference_energies: Tensor
        state_unit: Tensor
        zbl_inverse_length: Tensor
        zbl_radius: Tensor
        zbl_strength: Tensor
        readout: Readout | SharedReadout

        def interaction(
            self,
            species: Tensor,
            edge_index: Tensor,
            edge_vectors: Tensor,
            n_local: int,
            charge_per_atom: Tensor | None = None,
        ) -> tuple[Tensor, Tensor]: ...

        def fit_statistics(
            self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
        ) -> None: ...

    def __init__(
        self,
        species: list[str],
        settings: NetSettings,
        charge: bool,
        lowest_hardness: float | None,
        reference_energies: dict[str, float] | None,
        energy_scale: float,
        tables: dict[str, np.ndarray],
    ) -> None:
        super().__init__()
        if not species or len(set(species)) != len(species):
            raise ValueError(
                f"species = {species!r}: must be different chemical symbols; use for example ['O', 'H']"
            )
        references = _reference_list(species, reference_energies)
        self.fused = fused.load()
        self.fused_activations = True  # where `fused` is
        self.species = list(species)
        self.settings = settings
        self.cutoff = settings.cutoff
        self.n_species = len(species)
        self.message_passing_layers = settings.message_passing_layers
        self.has_charge = charge
        self.equilibrates = charge and lowest_hardness is not None
        self.hardness_floor = LEAST_HARDNESS + (lowest_hardness or 0.0)
        self.electronegativity_scale = ELECTRONEGATIVITY_SCALE
        self.hardness_scale = HARDNESS_SCALE
        self.n_outputs = 1 + int(charge) + int(self.equilibrates)
        self.charge_scale = CHARGE_SCALE
        # Numbers that follow from the settings: not part of the state dict, which holds what was fitted or learned.
        self.zbl = settings.zbl
        if settings.zbl:
            tables = {**tables, **repulsion_tables(species)}
        self.tables = tables
        for name, table in tables.items():
            self.register_buffer(name, torch.tensor(table, dtype=torch.get_default_dtype()), persistent=False)
        self.register_buffer("reference_energies", torch.tensor(references, dtype=torch.float64))
        self.register_buffer("energy_scale", torch.tensor(float(energy_scale)))
        # e per atom that the network sees as 1
        self.register_buffer("state_unit", torch.tensor(1.0), persistent=settings.charge_state)

    def prepare_for_compilation(self) -> None:
        """Leave the activations to the compiler of a package, which fuses them with the operations around them."""
        self.fused_activations = False

    @torch.no_grad()
    def _spread_charges(self) -> None:
        """Initial charges that differ between the elements.

        E_lr is quadratic in the charges: at zero charge its gradient vanishes, and training would not leave it. The sign
        of latent charges is arbitrary; this fixes it for the order of the species. Atoms of one element have charges about 0.
        """
        spread = torch.linspace(-0.1, 0.1, self.n_species) if self.n_species > 1 else torch.zeros(1)
        if self.equilibrates:  # charges are about minus electronegativities over hardnesses
            self.readout.last.bias[:, 1] = -HARDNESS_SCALE * spread / ELECTRONEGATIVITY_SCALE
        else:
            self.readout.last.bias[:, 1] = spread / CHARGE_SCALE

    def energy_from_output(
        self, output: Tensor, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> Tensor:
        """Return the energies in ``output [n_local, n_outputs]``, eV, and with `zbl` the repulsion of nuclei."""
        energy = output[:, 0] * self.energy_scale
        if self.zbl:
            energy = energy + repulsion_energy(
                species,
                edge_index,
                edge_vectors,
                n_local,
                self.zbl_strength,
                self.zbl_inverse_length,
                self.zbl_radius,
            )
        return energy

    def charge_from_output(self, output: Tensor) -> Tensor:
        """Return the charges in ``output [n, n_outputs]``: themselves ``[n]``, e; electronegativities and hardnesses ``[n, 2]``,
        eV/e and eV/e^2; or nothing ``[0]``."""
        if self.equilibrates:
            hardness = self.hardness_floor + self.hardness_scale * torch.nn.functional.softplus(output[:, 2])
            return torch.stack([self.electronegativity_scale * output[:, 1], hardness], 1)
        if self.has_charge:
            return output[:, 1] * self.charge_scale
        return output[:0, 0]

    def _apply(self, function, recurse: bool = True) -> ContractNet:
        """Convert as any module, but fill the tables anew: a table rounded to float32 stays wrong in float64."""
        super()._apply(function, recurse)
        for name, table in self.tables.items():
            buffer = self.get_buffer(name)
            buffer.copy_(torch.tensor(table, dtype=torch.float64))
        return self

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        """The signature of the deployed model (contract version 1).

        The reference energies enter here, last, in the dtype of the edge vectors. In float32 that rounds each atomic
        energy to 6e-8 of its size (3e-5 eV at -468 eV), without any effect on forces. Training uses :meth:`interaction`
        and ``pair-les export`` moves the reference energies to the metadata, so that both add them in float64.

        Parameters
        ----------
        species : Tensor
            int64 ``[n_atoms]``, local atoms first.
        edge_index : Tensor
            int64 ``[2, n_edges]``, sorted by center (row 0).
        edge_vectors : Tensor
            ``[n_edges, 3]``, angstrom, ``x_j - x_i``.
        n_local : int
            Number of local atoms.

        Returns
        -------
        dict
            ``energy`` ``[n_local]``, eV, and with charges ``charge`` ``[n_local]``, e, or for charge equilibration
            ``electronegativity`` and ``hardness`` ``[n_local]``, eV/e and eV/e^2.
        """
        energy, charge = self.interaction(species, edge_index, edge_vectors, n_local)
        return self.contract_outputs(energy, charge, species, edge_vectors.dtype, n_local)

    def contract_outputs(
        self, energy: Tensor, charge: Tensor, species: Tensor, dtype: torch.dtype, n_local: int
    ) -> dict[str, Tensor]:
        """The dictionary that :meth:`forward` returns, with reference energies, from what :meth:`interaction` returns."""
        shift = torch.index_select(self.reference_energies, 0, species[:n_local])
        # cast before the sum: TorchScript differentiates a sum of two dtypes into a gradient of the wrong one
        result = {"energy": (energy.to(shift.dtype) + shift).to(dtype)}
        if self.equilibrates:
            result["electronegativity"] = charge[:, 0]
            result["hardness"] = charge[:, 1]
        elif self.has_charge:
            result["charge"] = charge
        return result

    def message_features(self) -> list[int]:
        """Numbers that an atom sends to its neighbors, one entry per message-passing layer: a key of the metadata."""
        return []

    def readout_state(self, charge_per_atom: Tensor | None) -> Tensor | None:
        """Return the charge per atom in the unit of the readout: about 1 for the largest of the training frames."""
        return None if charge_per_atom is None else charge_per_atom / self.state_unit

    def at_charge_state(self, charge_per_atom: float) -> ContractNet:
        """Return a copy of this network at one charge per atom, e, that takes no charge as input: its biases contain the state."""
        network = deepcopy(self)
        fold_charge_state(network.readout, charge_per_atom / float(self.state_unit))
        network.settings = replace(self.settings, charge_state=False)
        return network

    @torch.no_grad()
    def start_from_charges(
        self, charges: dict[str, float], potentials: dict[str, float] | None = None
    ) -> None:
        """Give every atom of an element the same initial charge, e (an element that is not named: 0).

        With charge equilibration: with the electronegativity that leads to this charge where the other atoms' charges make the
        potential of the element in `potentials`, V, with one hardness for all, and with an energy that is the less by what
        they add: reference energies and energy scale are those of frames without it.
        """
        bias = self.readout.last.bias
        for weight in self._output_weights():
            weight[..., 1:] = 0.0
        if self.equilibrates:
            bias[:, 2] = 0.0
        hardness = self.hardness_floor + math.log(2.0) * self.hardness_scale  # softplus(0) = log 2
        for s, name in enumerate(self.species):
            charge = charges.get(name, 0.0)
            if self.equilibrates:
                field = (potentials or {}).get(name, 0.0)
                electronegativity = -(hardness * charge + field)
                bias[s, 1] = electronegativity / self.electronegativity_scale
                bias[s, 0] -= (electronegativity + 0.5 * hardness * charge) * charge / self.energy_scale
            else:
                bias[s, 1] = charge / self.charge_scale

    def initial_charges(self) -> list[float]:
        """Charge, e, or electronegativity, eV/e, of each species where the last layer has no weights."""
        scale = self.electronegativity_scale if self.equilibrates else self.charge_scale
        return (self.readout.last.bias[:, 1] * scale).tolist()

    @torch.no_grad()
    def charge_output(self) -> list[Tensor]:
        """Copies of the weights of the outputs that make charges, then of their biases ``[n_species, 1 or 2]``."""
        return [parameter[..., 1:].clone() for parameter in (*self._output_weights(), self.readout.last.bias)]

    @torch.no_grad()
    def restore_charge_output(self, copies: list[Tensor]) -> None:
        """Restore the weights and biases that `charge_output` returned."""
        for parameter, copy in zip((*self._output_weights(), self.readout.last.bias), copies, strict=True):
            parameter[..., 1:] = copy

    def _output_weights(self) -> list[Tensor]:
        """Weights that lead to the outputs; the last axis is (energy, charge) or (energy, electronegativity, hardness)."""
        state = self.readout.state
        return [self.readout.last.weight, *([] if state is None else [state.output])]


def _reference_list(species: list[str], reference_energies: dict[str, float] | None) -> list[float]:
    """Reference energies in the order of ``species``; ``ValueError`` where they do not match the species."""
    if reference_energies is None:
        return [0.0] * len(species)
    for name, value in reference_energies.items():
        if name not in species:
            raise ValueError(
                f"reference_energies: {name} is not a species of this model; use only {' '.join(species)}"
            )
        if not math.isfinite(value):
            raise ValueError(f"reference_energies: {name} = {value}: must be a finite number of eV")
    for name in species:
        if name not in reference_energies:
            raise ValueError(f"reference_energies: no value for {name}; add '{name}: <eV per atom>'")
    return [float(reference_energies[name]) for name in species]
