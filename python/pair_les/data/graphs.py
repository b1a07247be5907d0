# SPDX-License-Identifier: MIT
"""Frames with their neighbor lists, computed once and kept in memory as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from ase.data import atomic_numbers
from torch import Tensor

from ..errors import DataError
from ..net.edge_vectors import edge_vectors
from .charge_labels import ChargeLabels
from .frames import Frame
from .neighbors import neighbor_list
from .reference_energies import total_reference_energy
from .weights import relative_weights

SMALLEST_DISTANCE = 0.1
"""angstrom; two atoms closer than this are one atom written twice."""


@dataclass(frozen=True)
class Graph:
    """One frame ready for batching (angstrom, eV; float64 unless said otherwise).

    ``species`` int64 [n]; ``positions`` [n, 3]; ``cell`` [3, 3]; ``edge_index`` int32 [2, E] sorted by
    center; ``cell_shifts`` int16 [E, 3], whole lattice vectors S so that ``r_ij = x_j - x_i + S @ cell``;
    ``energy`` [] without `reference` [], the sum of the reference energies; ``forces`` [n, 3]; ``stress``
    [3, 3]; all three labels NaN where there is none; ``charge_labels``, None unless they were asked for; ``slab``, see `Frame`;
    ``weight`` [3] of energy, forces and stress (`relative_weights`), None: 1. Edges are most of the memory, 14 bytes each, hence
    their small types.
    """

    species: Tensor
    positions: Tensor
    cell: Tensor
    periodic: bool
    edge_index: Tensor
    cell_shifts: Tensor
    energy: Tensor
    reference: Tensor
    forces: Tensor
    stress: Tensor
    charge_labels: ChargeLabels | None = None
    slab: bool = False
    weight: Tensor | None = None

    def known_charge_labels(self) -> ChargeLabels:
        """The charge labels, where the caller has asked for them (`with_charge_labels`)."""
        assert self.charge_labels is not None
        return self.charge_labels

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return self.species.shape[0]


def find_elements(frames: Sequence[Frame]) -> list[str]:
    """Chemical symbols that occur, by atomic number."""
    return sorted({symbol for frame in frames for symbol in frame.symbols}, key=atomic_numbers.__getitem__)


def build_graphs(
    frames: Sequence[Frame],
    species: Sequence[str],
    cutoff: float,
    reference_energies: dict[str, float] | None = None,
) -> list[Graph]:
    """Neighbor lists and tensors of every frame.

    Parameters
    ----------
    frames
        Checked frames.
    species
        Elements of the model; the position is the species index.
    cutoff
        Angstrom.
    reference_energies
        eV, taken off the energy labels; None: 0.

    Raises
    ------
    DataError
        With file and frame number: an element the model does not know, or coinciding atoms.
    """
    index_of = {symbol: index for index, symbol in enumerate(species)}
    reference = reference_energies or dict.fromkeys(species, 0.0)
    graphs = [_graph(frame, index_of, cutoff, reference) for frame in frames]
    weights = relative_weights(frames)
    if weights is None:
        return graphs
    return [
        replace(graph, weight=weight) for graph, weight in zip(graphs, torch.from_numpy(weights), strict=True)
    ]


def _graph(
    frame: Frame, index_of: dict[str, int], cutoff: float, reference_energies: dict[str, float]
) -> Graph:
    for atom, symbol in enumerate(frame.symbols):
        if symbol not in index_of:
            raise DataError(
                f"{frame.where}: atom {atom} is {symbol}, which the model does not know "
                f"(it knows {' '.join(index_of)}): leave the frame out, or train with frames that contain it"
            )
    edge_index, cell_shifts = neighbor_list(frame.positions, frame.cell, frame.periodic, cutoff)
    if cell_shifts.size and np.abs(cell_shifts).max() > np.iinfo(np.int16).max:
        raise DataError(f"{frame.where}: atoms are more than 32767 cells apart: wrap them into the cell")
    _require_distinct(frame, edge_index, cell_shifts @ frame.cell)
    reference = total_reference_energy(frame, reference_energies)
    return Graph(
        species=torch.tensor([index_of[symbol] for symbol in frame.symbols]),
        positions=torch.from_numpy(frame.positions),
        cell=torch.from_numpy(frame.cell),
        periodic=frame.periodic,
        edge_index=torch.from_numpy(edge_index.astype(np.int32)),
        cell_shifts=torch.from_numpy(cell_shifts.astype(np.int16)),
        energy=torch.tensor(frame.energy - reference, dtype=torch.float64),
        reference=torch.tensor(reference, dtype=torch.float64),
        forces=torch.from_numpy(frame.forces),
        stress=torch.from_numpy(np.full((3, 3), np.nan) if frame.stress is None else frame.stress),
        slab=frame.slab,
    )


def _require_distinct(frame: Frame, edge_index: np.ndarray, shifts: np.ndarray) -> None:
    if edge_index.shape[1] == 0:
        return
    positions, edges = torch.from_numpy(frame.positions), torch.from_numpy(edge_index)
    distances = edge_vectors(positions, edges, torch.from_numpy(shifts), torch.float64).norm(dim=1)
    edge = int(distances.argmin())
    if distances[edge] < SMALLEST_DISTANCE:
        first, second = (int(atom) for atom in edge_index[:, edge])
        raise DataError(
            f"{frame.where}: atoms {first} and {second} coincide: {distances[edge]:.3g} A apart, "
            f"must be at least {SMALLEST_DISTANCE:g} A: remove one of them, or the frame"
        )
