# SPDX-License-Identifier: MIT
"""What a run says at its start: ranges of the labels, size of the network and of its neighborhoods, and the time that it will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from ..data.frames import Frame
from ..data.graphs import Graph, find_elements


def describe_labels(frames: Sequence[Frame]) -> str:
    """One line about the elements and the ranges of the labels of the training frames."""
    atoms = Counter(symbol for frame in frames for symbol in frame.symbols)
    parts = ["elements " + " ".join(f"{symbol} ({atoms[symbol]})" for symbol in find_elements(frames))]
    energies = [frame.energy / len(frame) for frame in frames if frame.has_energy]
    if energies:
        parts.append(f"energy {min(energies):.6g} to {max(energies):.6g} eV/atom")
    forces = [frame.forces for frame in frames if frame.has_forces]
    if forces:
        sizes = np.linalg.norm(np.concatenate(forces), axis=1)
        rms = float(np.sqrt(np.mean(sizes**2) / 3.0))
        parts.append(f"force components rms {rms:.3g} eV/A, largest force {sizes.max():.3g} eV/A")
    stresses = [frame.stress for frame in frames if frame.stress is not None]
    if stresses:
        parts.append(f"largest stress component {np.abs(stresses).max():.3g} eV/A^3")
    return "labels: " + ", ".join(parts)


def describe_model(network: torch.nn.Module, graphs: Sequence[Graph], cutoff: float) -> str:
    """One line about parameters and neighbors."""
    parameters = list(network.parameters())
    n_all = sum(parameter.numel() for parameter in parameters)
    n_trained = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
    trained = f" ({n_trained} trained)" if n_trained != n_all else ""
    n_atoms = sum(graph.n_atoms for graph in graphs)
    mean = sum(graph.edge_index.shape[1] for graph in graphs) / n_atoms
    most = max(
        int(graph.edge_index[0].bincount().max()) if graph.edge_index.shape[1] else 0 for graph in graphs
    )
    return (
        f"model: {n_all} parameters{trained}, {mean:.1f} neighbors per atom within {cutoff:g} A on average, "
        f"{most} at most"
    )


def duration(seconds: float) -> str:
    """A time in words of two digits: ``45 s``, ``12 min``, ``3.4 h``, ``2.1 days``."""
    if seconds < 90.0:
        return f"{seconds:.2g} s" if seconds < 10.0 else f"{seconds:.0f} s"
    for unit, size, limit in (("min", 60.0, 90.0), ("h", 3600.0, 48.0)):
        if seconds / size < limit:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds / 86400.0:.2g} days"
