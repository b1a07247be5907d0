# SPDX-License-Identifier: MIT
"""Comparison of the written file with the package that the model comes from.

This evaluates a model file with ASE's neighbor list and no compiled code, as any reader would.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray
from torch import Tensor

from ..errors import ConversionError
from ..long_range.energy import converged_k_cutoff, long_range_energy
from ..model_file.archive import is_package, load_model
from ..model_file.metadata import Metadata
from .converted import Converted, Reference

LIMITS = {
    "float64": {"energy": 1e-9, "forces": 1e-8, "stress": 1e-9, "charges": 1e-9, "layers": 1e-8},
    "float32": {"energy": 1e-6, "forces": 1e-4, "stress": 1e-5, "charges": 1e-5, "layers": 1e-4},
}
"""Largest difference in eV/atom, eV/angstrom, eV/angstrom^3, e and eV/angstrom, for values of order 1; larger values have larger limits.
These are the roundings of the lower precision of the two."""

UNITS = {"energy": "eV/atom", "forces": "eV/A", "stress": "eV/A^3", "charges": "e", "layers": "eV/A"}


@dataclass(frozen=True)
class Difference:
    """Largest difference of one quantity over all frames, and what is allowed."""

    quantity: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within its limit; NaN is not."""
        return self.value <= self.limit

    def __str__(self) -> str:
        verdict = "ok" if self.passed else "TOO LARGE"
        return (
            f"{self.quantity:<7} {self.value:.1e} {UNITS[self.quantity]} (limit {self.limit:.0e}) {verdict}"
        )


@dataclass(frozen=True)
class Values:
    """Energy eV without reference energies, forces [N, 3] eV/A, stress [3, 3] eV/A^3 or None, charges [N] e or None, of one frame; float64."""

    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64] | None
    charges: NDArray[np.float64] | None


def differences(
    file: str | os.PathLike[str], converted: Converted, frames: Sequence[Atoms]
) -> list[Difference]:
    """Compare the short-range part and charges of a file with the package's own, and its layers with itself.

    Raises
    ------
    ConversionError
        If the package's own code fails on a frame.
    """
    module = load(file)
    metadata = converted.metadata
    found = _Findings()
    for number, frame in enumerate(frames):
        mine = evaluate(module, metadata, frame, with_long_range=False)
        theirs = _reference(converted, frame, f"frame {number} of {len(frames)}")
        if theirs is not None:
            isolated = sum(
                metadata.reference_energies.get(symbol, 0.0) for symbol in frame.get_chemical_symbols()
            )
            rounded = abs(theirs.energy) if converted.reference_precision == "float32" else 0.0
            found.note_values(mine, replace(theirs, energy=theirs.energy - isolated), len(frame), rounded)
        found.note_layers(module, metadata, frame, mine)
    return found.differences("float32" in (metadata.dtype, converted.reference_precision))


def fused_differences(
    file: str | os.PathLike[str], fused: torch.nn.Module, metadata: Metadata, frames: Sequence[Atoms]
) -> list[Difference]:
    """Compare the fused form of a network with the plain form in a file, and its layers with itself."""
    plain, found = load(file), _Findings()
    for frame in frames:
        mine = evaluate(fused, metadata, frame, with_long_range=False)
        found.note_values(mine, evaluate(plain, metadata, frame, with_long_range=False), len(frame))
        found.note_layers(fused, metadata, frame, mine)
    return found.differences(metadata.dtype == "float32")


class _Findings:
    """Differences of all frames, with the size of the values, by quantity."""

    def __init__(self) -> None:
        self.found: dict[str, list[tuple[float, float]]] = {}

    def note(self, quantity: str, mine: Any, theirs: Any, size: float = 1.0) -> None:
        """Add a largest difference; limits are for values of `size` or smaller."""
        mine, theirs = np.asarray(mine, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
        scale = max(size, float(np.max(np.abs(theirs), initial=0.0)))
        self.found.setdefault(quantity, []).append((float(np.max(np.abs(mine - theirs), initial=0.0)), scale))

    def note_values(self, mine: Values, theirs: Values | Reference, n: int, rounded: float = 0.0) -> None:
        """Add those of a frame of `n` atoms; `rounded` eV is the energy whose digits `theirs` has."""
        self.note("energy", mine.energy / n, theirs.energy / n, max(1.0, rounded / n))
        self.note("forces", mine.forces, theirs.forces)
        if mine.stress is not None and theirs.stress is not None:
            self.note("stress", mine.stress, theirs.stress)
        if mine.charges is not None and theirs.charges is not None:
            self.note("charges", mine.charges, theirs.charges)

    def note_layers(self, module: torch.nn.Module, metadata: Metadata, frame: Atoms, whole: Values) -> None:
        """Add those of a network that is cut from itself as a whole."""
        if metadata.message_features:
            in_layers = evaluate(module, metadata, frame, with_long_range=False, in_layers=True)
            self.note("layers", in_layers.forces, whole.forces)
            self.note("layers", in_layers.energy / len(frame), whole.energy / len(frame))

    def differences(self, single: bool) -> list[Difference]:
        """The largest of each quantity, NaN where one is, with the limits of single or double precision."""
        limits = LIMITS["float32" if single else "float64"]
        return [
            Difference(
                quantity,
                max(value for value, _ in pairs)
                if not any(np.isnan(value) for value, _ in pairs)
                else float("nan"),
                limits[quantity] * max(scale for _, scale in pairs),
            )
            for quantity, pairs in self.found.items()
        ]


def _reference(converted: Converted, frame: Atoms, name: str) -> Reference | None:
    """The package's own values; None where it has no code to run, or does not take an atom without neighbors.

    Raises
    ------
    ConversionError
        If its code fails.
    """
    if converted.reference is None:
        return None
    try:
        return converted.reference(frame)
    except Exception as error:  # whatever the package raises
        if len(frame) == 1:
            return None
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise ConversionError(f"{converted.package} fails on {name} of the comparison: {reason}") from error


@dataclass(frozen=True)
class TruncatedSum:
    """Truncation error of a k sum that ends at `k_cutoff` (1/angstrom) on one frame: forces eV/A (rms), energy eV/atom."""

    k_cutoff: float
    force: float
    energy: float


def truncation(file: str | os.PathLike[str], converted: Converted, frame: Atoms) -> TruncatedSum:
    """The package's own long-range sum, which ends at ``converted.k_cutoff``, against the converged one."""
    module = load(file)
    whole = evaluate(module, converted.metadata, frame)
    part = evaluate(module, converted.metadata, frame, k_cutoff=converted.k_cutoff)
    force = float(np.sqrt(np.mean((whole.forces - part.forces) ** 2)))
    return TruncatedSum(converted.k_cutoff or 0.0, force, abs(whole.energy - part.energy) / len(frame))


def load(file: str | os.PathLike[str]) -> torch.nn.Module:
    """The network of a model file, as any reader gets it; of a TorchScript archive its plain form."""
    if is_package(file):
        return load_model(file)[0]
    module = torch.jit.load(os.fspath(file), map_location="cpu").eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


def evaluate(
    module: torch.nn.Module,
    metadata: Metadata,
    atoms: Atoms,
    *,
    with_long_range: bool = True,
    in_layers: bool = False,
    k_cutoff: float | None = None,
) -> Values:
    """Evaluate a network on one frame.

    Parameters
    ----------
    module, metadata
        The model.
    atoms
        Periodic in all directions, or in none.
    with_long_range
        Whether the long-range energy is part of the result.
    in_layers
        By `send` and `finish`, the atoms in two parts, instead of `forward`.
    k_cutoff
        1/angstrom, where the k sum ends; None: converged.
    """
    index = {symbol: number for number, symbol in enumerate(metadata.species)}
    species = torch.tensor([index[symbol] for symbol in atoms.get_chemical_symbols()])
    centers, neighbors, shifts = neighbor_list("ijS", atoms, metadata.cutoff)
    edge_index = torch.tensor(np.stack([centers, neighbors]), dtype=torch.int64)
    positions = torch.tensor(atoms.positions).requires_grad_()
    cell = torch.tensor(atoms.cell.array)
    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    deformation = torch.eye(3, dtype=torch.float64) + 0.5 * (strain + strain.T)
    moved, box = positions @ deformation, cell @ deformation
    vectors = moved[edge_index[1]] - moved[edge_index[0]] + torch.tensor(shifts, dtype=torch.float64) @ box
    vectors = vectors.to(getattr(torch, metadata.dtype))
    run = _evaluate_by_layers if in_layers else _evaluate_whole
    with torch.jit.optimized_execution(False):  # compiling costs more than a few frames
        output = run(module, metadata, species, edge_index, vectors)
        energy = output["energy"].double().sum()
        charges = output["charge"].double() if metadata.long_range is not None else None
        if charges is not None and with_long_range:
            energy = (
                energy
                + long_range_energy(
                    moved,
                    charges,
                    box[None],
                    torch.tensor([bool(atoms.pbc.all())]),
                    torch.zeros(len(atoms), dtype=torch.int64),
                    metadata.long_range,
                    k_cutoff=converged_k_cutoff(metadata.long_range.sigma) if k_cutoff is None else k_cutoff,
                ).sum()
            )
        by_position, by_strain = torch.autograd.grad(
            energy + 0.0 * (positions.sum() + strain.sum()), [positions, strain]
        )
    return Values(
        float(energy.detach()),
        -by_position.numpy(),
        (by_strain / atoms.get_volume()).numpy() if atoms.pbc.all() else None,
        None if charges is None else charges.detach().numpy(),
    )


def _evaluate_whole(
    module: torch.nn.Module, metadata: Metadata, species: Tensor, edge_index: Tensor, vectors: Tensor
) -> dict[str, Tensor]:
    return module(species, edge_index, vectors, len(species))


def _evaluate_by_layers(
    module: torch.nn.Module, metadata: Metadata, species: Tensor, edge_index: Tensor, vectors: Tensor
) -> dict[str, Tensor]:
    """`send` and `finish` for the first third of the atoms and for the rest, which exchange messages."""
    n_atoms = len(species)
    cut = n_atoms // 3
    parts = [torch.arange(cut), torch.arange(cut, n_atoms)]
    orders = [torch.cat([parts[0], parts[1]]), torch.cat([parts[1], parts[0]])]  # a part, then its ghosts
    graphs = []
    for part, order in zip(parts, orders, strict=True):
        own = (edge_index[0] >= cut) == (part is parts[1])
        place = torch.empty_like(order)
        place[order] = torch.arange(n_atoms)
        graphs.append((species[order], place[edge_index[:, own]], vectors[own], len(part)))
    received = [vectors.new_empty(n_atoms, 0)] * 2
    kept: list[list[Tensor]] = [[], []]
    for layer in range(metadata.message_passing_layers):
        sent = []
        for k, (kinds, edges, r, n) in enumerate(graphs):
            message, kept[k] = module.send(layer, kinds, edges, r, received[k], kept[k], n)
            sent.append(message)
        messages = torch.cat(sent)
        received = [messages[order] for order in orders]
    outputs = [
        module.finish(kinds, edges, r, received[k], kept[k], n)
        for k, (kinds, edges, r, n) in enumerate(graphs)
    ]
    return {name: torch.cat([output[name] for output in outputs]) for name in outputs[0]}
