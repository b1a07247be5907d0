# SPDX-License-Identifier: MIT
"""Electrodes: atoms whose charges minimize the energy at a given potential or a given charge, by a dense solve.

The charges q_e of the electrodes are Gaussians of the width of the learned charges q_l. They minimize::

    Omega(q_e) = E_lr(q_l, q_e) + sum_e (s + H_e / 2) q_e^2 - sum_g V_g Q_g,   Q_g = sum_{e in g} q_e

where ``s q^2`` is the energy of a Gaussian with itself, which electrodes keep whatever the model says, H the hardness, and V_g
the potential of electrode g (Siepmann and Sprik, J. Chem. Phys. 102, 511, 1995). Sums of charges that are fixed have one
Lagrange multiplier each. Omega is stationary in q_e, so that its derivatives are those at fixed q_e.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..errors import ElectrodeError


@dataclass(frozen=True)
class Electrode:
    """Atoms of one conductor, at a given potential or with a given total charge.

    Parameters
    ----------
    atoms
        Indices of its atoms, counted from 0.
    potential
        V. Either this or `charge` is given.
    charge
        e, the sum of the charges of its atoms, whose potential is then the result.
    hardness
        H, eV/e^2 >= 0: each atom adds ``H q^2 / 2`` to the energy. 0: an ideal metal of Gaussian charges.

    Raises
    ------
    ElectrodeError
        If neither or both of potential and charge are given, or a value is out of range.
    """

    atoms: Sequence[int] = field(repr=False)
    potential: float | None = None
    charge: float | None = None
    hardness: float = 0.0

    def __post_init__(self) -> None:
        if (self.potential is None) == (self.charge is None):
            raise ElectrodeError(
                f"electrode with potential {self.potential} and charge {self.charge}: give one of them, as in "
                "Electrode(atoms, potential=1.0)"
            )
        value = self.potential if self.charge is None else self.charge
        if not math.isfinite(float(value or 0.0)):
            raise ElectrodeError(f"electrode with potential or charge {value}: must be a finite number")
        if not (math.isfinite(self.hardness) and self.hardness >= 0.0):
            raise ElectrodeError(f"electrode hardness is {self.hardness} eV/e^2 but must be >= 0")


@dataclass(frozen=True)
class ElectrodeAtoms:
    """The electrodes of one configuration, atom by atom.

    Parameters
    ----------
    index
        [M], int64, the electrode atoms, in the order of the electrodes.
    electrode
        [M], int64, the number of the electrode of each.
    potential
        [M], V, the given potential; 0 where the charge is given.
    hardness
        [M], eV/e^2.
    """

    index: Tensor
    electrode: Tensor
    potential: Tensor
    hardness: Tensor


def electrode_atoms(electrodes: Mapping[str, Electrode], n_atoms: int) -> ElectrodeAtoms:
    """Return the electrodes atom by atom.

    Raises
    ------
    ElectrodeError
        If an electrode has no atoms or an atom that does not exist, or an atom belongs to two electrodes.
    """
    owner: dict[int, str] = {}
    index, number, potential, hardness = [], [], [], []
    for position, (name, electrode) in enumerate(electrodes.items()):
        atoms = [int(atom) for atom in electrode.atoms]
        if not atoms:
            raise ElectrodeError(f"electrode '{name}' has no atoms: give the indices of at least one")
        for atom in atoms:
            if not 0 <= atom < n_atoms:
                raise ElectrodeError(
                    f"electrode '{name}' has atom {atom}, but atoms are counted from 0 to {n_atoms - 1}"
                )
            if atom in owner:
                raise ElectrodeError(
                    f"atom {atom} belongs to electrodes '{owner[atom]}' and '{name}': an atom has one charge, "
                    "name it once"
                )
            owner[atom] = name
        index += atoms
        number += [position] * len(atoms)
        potential += [float(electrode.potential or 0.0)] * len(atoms)
        hardness += [float(electrode.hardness)] * len(atoms)
    return ElectrodeAtoms(
        torch.tensor(index, dtype=torch.int64),
        torch.tensor(number, dtype=torch.int64),
        torch.tensor(potential, dtype=torch.float64),
        torch.tensor(hardness, dtype=torch.float64),
    )


def fixed_sums(
    electrodes: Mapping[str, Electrode], atoms: ElectrodeAtoms, neutral: bool, learned_charge: float
) -> tuple[Tensor, Tensor]:
    """Return the sums of charges that are fixed: members [K, M], 1 or 0, and their values [K], e.

    The first ones are those of the electrodes with a given charge, in their order. The last one, with `neutral` and an
    electrode at a given potential, is the sum of all electrodes at a given potential, which makes the cell neutral.

    Parameters
    ----------
    neutral
        Whether all charges of the cell add up to zero.
    learned_charge
        e, the sum of all charges that belong to no electrode.

    Raises
    ------
    ElectrodeError
        If a neutral cell has given charges only, whose sum is not that.
    """
    members, values = [], []
    for position, electrode in enumerate(electrodes.values()):
        if electrode.charge is not None:
            members.append((atoms.electrode == position).double())
            values.append(float(electrode.charge))
    rest = -learned_charge - sum(values)
    free = [position for position, given in enumerate(electrodes.values()) if given.charge is None]
    if neutral and free:
        members.append(torch.isin(atoms.electrode, torch.tensor(free)).double())
        values.append(rest)
    elif neutral and abs(rest) > 1e-6:
        raise ElectrodeError(
            f"the given charges of the electrodes add up to {sum(values):.6g} e and all others to {learned_charge:.6g} e, which "
            "is no neutral cell: change a charge, give one electrode a potential, or type neutral=False"
        )
    if not members:
        return torch.zeros(0, len(atoms.index), dtype=torch.float64), torch.zeros(0, dtype=torch.float64)
    return torch.stack(members), torch.tensor(values, dtype=torch.float64)


def electrode_charges(
    matrix: Tensor, potential: Tensor, members: Tensor, values: Tensor
) -> tuple[Tensor, Tensor]:
    """Charges of least ``q A q / 2 - q . potential`` under fixed sums ``members @ q = values``.

    Parameters
    ----------
    matrix
        A, [M, M], eV/e^2, hardness and self-energy included.
    potential
        [M], V, the given potential less that of all other charges.
    members, values
        From `fixed_sums`.

    Returns
    -------
    Charges [M], e, and multipliers [K], V: ``A q + multipliers @ members = potential``.
    """
    n_sums = len(values)
    bordered = torch.cat(
        [
            torch.cat([matrix, members.T], dim=1),
            torch.cat([members, matrix.new_zeros(n_sums, n_sums)], dim=1),
        ]
    )
    solution = torch.linalg.solve(bordered, torch.cat([potential, values]))
    return solution[: len(matrix)], solution[len(matrix) :]
