# SPDX-License-Identifier: MIT
"""Predictions of many labeled frames, and their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..data.batches import chunks, collate
from ..data.graphs import Graph
from ..model_file.metadata import LongRange
from .prediction import Network, predict


@dataclass(frozen=True)
class Comparison:
    """Labels and predictions of F frames with N atoms in all, S of the frames with a stress label.

    ``n_atoms`` [F]; ``energy_label``, ``energy`` [F], eV; ``forces_label``, ``forces`` [N, 3], eV/angstrom; both labels NaN
    where a frame has none; ``stress_label``, ``stress`` [S, 3, 3], eV/angstrom^3.
    """

    n_atoms: NDArray[np.int64]
    energy_label: NDArray[np.float64]
    energy: NDArray[np.float64]
    forces_label: NDArray[np.float64]
    forces: NDArray[np.float64]
    stress_label: NDArray[np.float64]
    stress: NDArray[np.float64]

    @property
    def energy_errors(self) -> NDArray[np.float64]:
        """[F], meV/atom."""
        return 1000.0 * (self.energy - self.energy_label) / self.n_atoms

    @property
    def forces_errors(self) -> NDArray[np.float64]:
        """[N, 3], meV/angstrom."""
        return 1000.0 * (self.forces - self.forces_label)

    def errors(self) -> dict[str, Any]:
        """Return the errors that ``pair-les evaluate`` reports, in meV/atom, meV/angstrom and meV/angstrom^3.

        RMSE and MAE of forces and stress are over components. Energies are compared as they are: labels of
        another method, or with other reference energies, differ by an offset that counts as an error.
        """
        found: dict[str, Any] = {"n_frames": len(self.n_atoms)}
        for name, errors in (("energy", self.energy_errors), ("forces", self.forces_errors)):
            labeled = errors[np.isfinite(self.energy_label if name == "energy" else self.forces_label)]
            if len(labeled):
                found[f"{name}_rmse"] = _rms(labeled)
                found[f"{name}_mae"] = float(np.mean(np.abs(labeled)))
        if len(self.stress_label):
            found["stress_rmse"] = _rms(1000.0 * (self.stress - self.stress_label))
        return found


def compare(
    network: Network,
    long_range: LongRange | None,
    graphs: Sequence[Graph],
    dtype: torch.dtype,
    device: str = "cpu",
    condition_on_charge: bool = False,
) -> Comparison:
    """Predict every frame.

    Parameters
    ----------
    network
        Energies without the reference energies of the graphs, and charges.
    long_range
        None: no long-range energy.
    graphs
        With labels; the reference energies are added to both sides again.
    dtype
        Of the network.
    device
        Where the network is.
    condition_on_charge
        As in `predict`.
    """
    parts: dict[str, list[torch.Tensor]] = {name: [] for name in Comparison.__dataclass_fields__}
    for chunk in chunks(graphs, [graph.n_atoms for graph in graphs]):
        batch = collate(chunk).to(torch.device(device))
        labeled = batch.has_stress
        prediction = predict(
            network,
            long_range,
            batch,
            dtype,
            stress=bool(labeled.any()),
            condition_on_charge=condition_on_charge,
        )
        parts["n_atoms"].append(batch.n_atoms)
        parts["energy_label"].append(batch.energy + batch.reference)
        parts["energy"].append(prediction.energy + batch.reference)
        parts["forces_label"].append(batch.forces)
        parts["forces"].append(prediction.forces)
        parts["stress_label"].append(batch.stress[labeled])
        parts["stress"].append(batch.stress[:0] if prediction.stress is None else prediction.stress[labeled])
    return Comparison(**{name: torch.cat(values).cpu().numpy() for name, values in parts.items()})


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
