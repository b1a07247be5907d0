# SPDX-License-Identifier: MIT
"""Batches of graphs, and a loader whose place within an epoch can be stored and found again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import torch
from torch import Tensor

from .charge_labels import ChargeLabels, join_charge_labels
from .graphs import Graph

BATCH_ATOMS = 2000
"""Atoms evaluated together: enough to be efficient, little enough memory."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Batch:
    """B frames with N atoms and E edges in all; units and dtypes as in `Graph`.

    ``species`` [N]; ``positions``, ``forces`` [N, 3]; ``cell``, ``stress`` [B, 3, 3]; ``periodic`` bool [B];
    ``frame`` int64 [N], the frame of each atom; ``n_atoms`` int64 [B]; ``edge_index`` int64 [2, E];
    ``shifts`` [E, 3], so that ``r_ij = x_j - x_i + shift``; ``energy``, ``reference`` [B];
    ``charge_labels``, None unless every frame has them; ``slab`` bool [B], None where no frame is a slab;
    ``counted`` bool [B], False for frames that errors leave out, None: all count; ``weight`` [B, 3] of energy, forces and stress
    in the loss, None: 1.
    """

    species: Tensor
    positions: Tensor
    cell: Tensor
    periodic: Tensor
    frame: Tensor
    n_atoms: Tensor
    edge_index: Tensor
    shifts: Tensor
    energy: Tensor
    reference: Tensor
    forces: Tensor
    stress: Tensor
    charge_labels: ChargeLabels | None = None
    slab: Tensor | None = None
    counted: Tensor | None = None
    weight: Tensor | None = None

    def known_charge_labels(self) -> ChargeLabels:
        """The charge labels, where every frame of the batch has been given them (`with_charge_labels`)."""
        assert self.charge_labels is not None
        return self.charge_labels

    def to(self, device: torch.device, non_blocking: bool = False) -> Batch:
        """The batch on another device (Lightning calls this)."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        moved = {
            name: value.to(device, non_blocking=non_blocking)
            for name, value in values.items()
            if value is not None
        }
        return Batch(**moved)

    @property
    def has_energy(self) -> Tensor:
        """Frames that carry an energy label, bool [B]."""
        return self.energy.isfinite()

    @property
    def has_forces(self) -> Tensor:
        """Atoms that carry a label of their force, bool [N]; all of a frame or none."""
        return self.forces[:, 0].isfinite()

    @property
    def has_stress(self) -> Tensor:
        """Frames that carry a stress label, bool [B]."""
        return self.stress[:, 0, 0].isfinite()

    @property
    def counting(self) -> Tensor:
        """Frames that errors are made of, bool [B]."""
        return torch.ones_like(self.periodic) if self.counted is None else self.counted


def collate(graphs: Sequence[Graph]) -> Batch:
    """Concatenate graphs; the atoms of frame b follow those of frame b - 1, and so do its edges."""
    n_atoms = torch.tensor([graph.n_atoms for graph in graphs])
    starts = (n_atoms.cumsum(0) - n_atoms).tolist()
    return Batch(
        species=torch.cat([graph.species for graph in graphs]),
        positions=torch.cat([graph.positions for graph in graphs]),
        cell=torch.stack([graph.cell for graph in graphs]),
        periodic=torch.tensor([graph.periodic for graph in graphs]),
        frame=torch.repeat_interleave(torch.arange(len(graphs)), n_atoms),
        n_atoms=n_atoms,
        edge_index=torch.cat(
            [graph.edge_index.long() + start for graph, start in zip(graphs, starts, strict=True)], dim=1
        ),
        shifts=torch.cat([graph.cell_shifts.to(graph.cell) @ graph.cell for graph in graphs]),
        energy=torch.stack([graph.energy for graph in graphs]),
        reference=torch.stack([graph.reference for graph in graphs]),
        forces=torch.cat([graph.forces for graph in graphs]),
        stress=torch.stack([graph.stress for graph in graphs]),
        charge_labels=join_charge_labels([graph.charge_labels for graph in graphs]),
        slab=torch.tensor([graph.slab for graph in graphs]) if any(graph.slab for graph in graphs) else None,
        weight=_join_weights(graphs),
    )


def join_batches(batches: Sequence[Batch]) -> Batch:
    """One batch of all frames of several batches that have neither charge labels nor weights."""
    starts = [0]
    for batch in batches:
        starts.append(starts[-1] + len(batch.species))

    def joined(name: str) -> Tensor:
        return torch.cat([getattr(batch, name) for batch in batches])

    n_atoms = joined("n_atoms")
    slabs = [torch.zeros_like(batch.periodic) if batch.slab is None else batch.slab for batch in batches]
    return Batch(
        species=joined("species"),
        positions=joined("positions"),
        cell=joined("cell"),
        periodic=joined("periodic"),
        frame=torch.repeat_interleave(torch.arange(len(n_atoms), device=n_atoms.device), n_atoms),
        n_atoms=n_atoms,
        edge_index=torch.cat(
            [batch.edge_index + start for batch, start in zip(batches, starts[:-1], strict=True)], dim=1
        ),
        shifts=joined("shifts"),
        energy=joined("energy"),
        reference=joined("reference"),
        forces=joined("forces"),
        stress=joined("stress"),
        slab=torch.cat(slabs) if any(batch.slab is not None for batch in batches) else None,
    )


def _join_weights(graphs: Sequence[Graph]) -> Tensor | None:
    weights = [graph.weight for graph in graphs if graph.weight is not None]
    return torch.stack(weights) if len(weights) == len(graphs) and weights else None


def chunks(items: Sequence[Item], sizes: Sequence[int]) -> Iterator[list[Item]]:
    """Consecutive frames with about `BATCH_ATOMS` atoms; `sizes` are their numbers of atoms."""
    chunk: list[Item] = []
    n_atoms = 0
    for item, size in zip(items, sizes, strict=True):
        if chunk and n_atoms + size > BATCH_ATOMS:
            yield chunk
            chunk, n_atoms = [], 0
        chunk.append(item)
        n_atoms += size
    if chunk:
        yield chunk


def batches_of(graphs: Sequence[Graph]) -> Iterator[Batch]:
    """Batches of consecutive frames with about `BATCH_ATOMS` atoms."""
    return (collate(chunk) for chunk in chunks(graphs, [graph.n_atoms for graph in graphs]))


class EpochOrder:
    """The order of the frames in each epoch: a function of seed and epoch alone."""

    def __init__(self, n_frames: int, seed: int, shuffle: bool) -> None:
        self.n_frames = n_frames
        self.seed = seed
        self.shuffle = shuffle
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, counted from 0."""
        self.epoch = epoch

    def __call__(self) -> list[int]:
        if not self.shuffle:
            return list(range(self.n_frames))
        generator = torch.Generator().manual_seed((self.seed << 32) + self.epoch)
        return torch.randperm(self.n_frames, generator=generator).tolist()


class BatchLoader:
    """Batches of one process; iterating again continues where a restored state says, then starts new epochs.

    Parameters
    ----------
    graphs
        Every frame; all processes hold all of them.
    batch_size
        Frames per optimizer step, over all processes together; a multiple of `processes`.
    shuffle, seed
        Whether and how the order changes from epoch to epoch.
    rank, processes
        This process takes every `processes`-th frame. When shuffled (training), an epoch that does not divide
        evenly is filled up with its first frames, which do not count (`Batch.counted`), so that all processes take the same
        number of steps; otherwise (validation) every frame comes exactly once.
    """

    def __init__(
        self,
        graphs: Sequence[Graph],
        batch_size: int,
        *,
        shuffle: bool,
        seed: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.graphs = graphs
        self.share = batch_size // processes
        self.rank = rank
        self.processes = processes
        self.sampler = EpochOrder(len(graphs), seed, shuffle)  # Lightning calls its set_epoch ...
        self.batch_sampler = None  # ... and expects this beside it
        self._next = 0

    def __len__(self) -> int:
        return -(-len(self._order()) // self.share)

    def __iter__(self) -> Iterator[Batch]:
        order = self._order()
        start = self._next if self._next < len(self) else 0
        for number in range(start, len(self)):
            self._next = number + 1
            places = range(number * self.share, min((number + 1) * self.share, len(order)))
            batch = collate([self.graphs[order[place]] for place in places])
            counted = torch.tensor(
                [self.rank + self.processes * place < len(self.graphs) for place in places]
            )
            yield batch if bool(counted.all()) else replace(batch, counted=counted)

    def state_dict(self) -> dict[str, int]:
        """Return the number of batches of the current epoch that have been handed out."""
        return {"next_batch": self._next}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue with the next batch of a restored state at the next iteration."""
        self._next = state["next_batch"]

    def _order(self) -> list[int]:
        order = self.sampler()
        if self.sampler.shuffle:
            order += order[: -len(order) % self.processes]
        return order[self.rank :: self.processes]
