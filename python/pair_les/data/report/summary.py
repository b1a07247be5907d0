# SPDX-License-Identifier: MIT
"""Numbers about a data set: frames, elements, cells, labels, and the extremes of each with the frame that has it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.formula import Formula
from numpy.typing import NDArray

from ...errors import DataError
from ..files.sources import Source
from ..frames import DataSet, Frame, LabelKeys, count_labels, read_data
from ..graphs import Graph, find_elements
from .problems import Problems, find_problems

LARGEST = 5
"""Frames that are listed with the largest force."""


@dataclass(frozen=True)
class DataReport:
    """A data set as `pair-les data` describes it.

    Parameters
    ----------
    numbers
        Plain values for JSON: eV, angstrom, and indices of frames in their files, counted from 0.
    problems
        What training would refuse, and warnings.
    frames
        Frames that can be used.
    distances
        Distances of neighbors, angstrom, of each pair of elements.
    """

    numbers: dict[str, Any]
    problems: Problems
    frames: list[Frame]
    distances: dict[str, NDArray[np.float64]]


def describe_data(
    sources: Sequence[str | os.PathLike[str] | Source],
    keys: LabelKeys | None = None,
    allow_missing: bool = False,
) -> DataReport:
    """Read everything that can be read, and describe it; errors of frames are problems of the report."""
    errors: list[DataError] = []
    keys = keys or LabelKeys()
    data = read_data(sources, keys, allow_missing=allow_missing, refuse=errors.append)
    problems, graphs = find_problems(data, errors, keys)
    closest, distances = _distances(data.frames, graphs)
    numbers = {
        "files": data.files,
        **_content(data),
        "energy": _energies(data.frames),
        "forces": _forces(data.frames),
        "largest_forces": _largest_forces(data.frames),
        "shortest_distances": closest,
        "refused": problems.refused,
        "warnings": problems.warnings,
    }
    return DataReport(numbers, problems, data.frames, distances)


def _content(data: DataSet) -> dict[str, Any]:
    frames = data.frames
    sizes = [len(frame) for frame in frames]
    volumes = [abs(float(np.linalg.det(f.cell))) / len(f) for f in frames if f.periodic and not f.slab]
    formulas = Counter(str(Formula.from_list(list(f.symbols)).reduce()[0].format("hill")) for f in frames)
    symbols = Counter(symbol for frame in frames for symbol in frame.symbols)
    fractions = {s: [frame.symbols.count(s) / len(frame) for frame in frames] for s in find_elements(frames)}
    return {
        "counts": count_labels(frames),
        "atoms_per_frame": _range(sizes),
        "elements": {s: symbols[s] for s in fractions},
        "fractions": {s: _range(values) for s, values in fractions.items()},
        "compositions": dict(formulas.most_common()),
        "volume_per_atom": _range(volumes),
        "config_types": dict(Counter(frame.config_type for frame in frames if frame.config_type)),
        "isolated_atoms": {atom.symbol: atom.energy for atom in data.isolated_atoms},
    }


def _range(values: Sequence[float]) -> list[float] | None:
    return [float(min(values)), float(max(values))] if len(values) else None


def _place(frame: Frame) -> dict[str, Any]:
    return {"file": frame.file, "frame": frame.index}


def _energies(frames: Sequence[Frame]) -> dict[str, Any] | None:
    """Energies per atom, eV: range, median, and the frames at both ends."""
    labeled = [frame for frame in frames if frame.has_energy]
    if not labeled:
        return None
    ordered = sorted(labeled, key=lambda frame: frame.energy / len(frame))
    values = [frame.energy / len(frame) for frame in ordered]
    return {
        "range": [values[0], values[-1]],
        "median": float(np.median(values)),
        "lowest": _place(ordered[0]),
        "highest": _place(ordered[-1]),
    }


def force_sizes(frames: Sequence[Frame]) -> Mapping[str, NDArray[np.float64]]:
    """Sizes of the forces on the atoms of each element, eV/angstrom."""
    found: dict[str, list[NDArray[np.float64]]] = {symbol: [] for symbol in find_elements(frames)}
    for frame in frames:
        if frame.has_forces:
            symbols, sizes = np.array(frame.symbols), np.linalg.norm(frame.forces, axis=1)
            for symbol in set(frame.symbols):
                found[symbol].append(sizes[symbols == symbol])
    return {symbol: np.concatenate(sizes) for symbol, sizes in found.items() if sizes}


def _forces(frames: Sequence[Frame]) -> dict[str, Any]:
    """Root mean square of components, median and largest size, and a histogram of the sizes, by element; eV/angstrom."""
    found = {}
    for symbol, sizes in force_sizes(frames).items():
        edges = np.linspace(0.0, max(float(sizes.max()), 1e-6), 21)
        found[symbol] = {
            "rms_component": float(np.sqrt(np.mean(sizes**2) / 3.0)),
            "median": float(np.median(sizes)),
            "largest": float(sizes.max()),
            "histogram": {
                "edges": edges.tolist(),
                "counts": np.histogram(sizes, edges)[0].tolist(),
            },
        }
    return found


def _largest_forces(frames: Sequence[Frame]) -> list[dict[str, Any]]:
    labeled = [(np.linalg.norm(frame.forces, axis=1), frame) for frame in frames if frame.has_forces]
    labeled.sort(key=lambda pair: -float(pair[0].max()))
    return [
        {
            **_place(frame),
            "atom": int(sizes.argmax()),
            "element": frame.symbols[int(sizes.argmax())],
            "force": float(sizes.max()),
        }
        for sizes, frame in labeled[:LARGEST]
    ]


def _distances(
    frames: Sequence[Frame], graphs: Mapping[int, Graph]
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """Shortest distance of each pair of elements with its frame, and all distances within `PAIR_CUTOFF`."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    closest: dict[str, Any] = {}
    names = find_elements(frames)
    for place, graph in graphs.items():
        frame = frames[place]
        positions, (first, second) = frame.positions, graph.edge_index.numpy()
        vectors = positions[second] - positions[first] + graph.cell_shifts.numpy() @ frame.cell
        lengths, species = np.linalg.norm(vectors, axis=1), graph.species.numpy()
        lower, upper = (
            np.minimum(species[first], species[second]),
            np.maximum(species[first], species[second]),
        )
        for one, other in set(zip(lower.tolist(), upper.tolist(), strict=True)):
            pair = f"{names[one]}-{names[other]}"
            own = lengths[(lower == one) & (upper == other)]
            found.setdefault(pair, []).append(own)
            if pair not in closest or own.min() < closest[pair]["distance"]:
                closest[pair] = {"distance": float(own.min()), **_place(frame)}
    return closest, {pair: np.concatenate(parts) for pair, parts in found.items()}
