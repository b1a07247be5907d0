# SPDX-License-Identifier: MIT
"""Usability of a trained model: its errors beside the size of the labels, its forces on displaced atoms, its sums of charges.

A model that knows the composition only has energies of least squares and no forces; its errors are the spread of the labels. A
trained model whose errors are larger is worse than none. Errors on frames that are all alike say nothing about frames that differ
by a little: forces on displaced atoms are looked at, too.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..data.batches import collate
from ..data.frames import Frame
from ..data.graphs import Graph, build_graphs
from ..errors import RunError
from ..evaluation.prediction import predict
from .config_loss import LossSection
from .run_folder import RunFolder
from .trained import TrainedModel

ENERGY_NOISE = 10.0
"""meV/atom, and"""

FORCES_NOISE = 20.0
"""meV/angstrom: labels that differ by less than the accuracy of common electronic-structure settings are equal."""

FAR_BEYOND = 10.0
"""Times the limit, from which an error of energies alone makes a model useless."""

RATTLE = 0.05
"""angstrom, standard deviation of each component of the displacements of the test of forces."""

STIFFEST = 100.0
"""eV/angstrom^2: no bond of any molecule is stiffer (C#O 120, C#C 100, H-H 36, O-H 48, metals 2 to 10)."""

RATTLED_ATOMS = 16
"""Periodic frames are repeated to have so many: an atom of a primitive cell moves together with its images."""

CHARGE_IMBALANCE = 0.5
"""Of the sum of the absolute charges of a frame; and"""

SMALL_CHARGE = 0.02
"""e, mean absolute charge below which their sum is of no account."""


@dataclass(frozen=True)
class Limits:
    """Largest RMSE of a model that is better than none: ``energy`` meV/atom, ``forces`` meV/angstrom."""

    energy: float
    forces: float


def label_limits(train: Sequence[Graph], valid: Sequence[Graph], n_species: int) -> Limits:
    """Root mean square of the labels of training or validation frames, whichever is larger; the noise of labels at least.

    Energies are per atom, without what the composition explains: least squares on the training frames.
    """
    energies = [0.0]
    forces = [0.0]
    solution = None
    for graphs in (train, valid):
        with_energy = [graph for graph in graphs if bool(graph.energy.isfinite())]
        if with_energy:
            composition = np.array([np.bincount(graph.species, minlength=n_species) for graph in with_energy])
            composition = composition / composition.sum(1, keepdims=True)
            per_atom = np.array([float(graph.energy) / graph.n_atoms for graph in with_energy])
            if solution is None:
                solution = np.linalg.lstsq(composition, per_atom, rcond=1e-6)[0]
            energies.append(1000.0 * float(np.sqrt(np.mean((per_atom - composition @ solution) ** 2))))
        with_forces = [graph for graph in graphs if bool(graph.forces.isfinite().all())]
        if with_forces:
            squares = sum(float(graph.forces.square().sum()) for graph in with_forces)
            forces.append(1000.0 * math.sqrt(squares / (3 * sum(graph.n_atoms for graph in with_forces))))
    return Limits(max(ENERGY_NOISE, *energies), max(FORCES_NOISE, *forces))


def find_useless_predictions(
    errors: dict[str, Any], limits: Limits, weights: LossSection
) -> tuple[list[str], list[str]]:
    """Sentences about validation errors (as `Comparison.errors` has them) beyond `limits`, of what the loss has a weight for.

    Returns
    -------
    Reasons why a model is not usable, and warnings. Forces decide. Energies do where forces say nothing, and where their error is
    `FAR_BEYOND` the limit: those of a short training are off by a common constant, which moves no atom.
    """
    problems: list[str] = []
    warnings: list[str] = []
    for name, unit, key in (("energies", "meV/atom", "energy"), ("forces", "meV/A", "forces")):
        if f"{key}_rmse" not in errors:
            continue  # no frame has such a label
        error, limit = errors[f"{key}_rmse"], getattr(limits, key)
        if getattr(weights, key) == 0.0 or error <= limit:
            continue  # NaN goes on
        text = (
            f"validation {name} have an error of {error:.4g} {unit}, more than the {limit:.4g} {unit} of a model that "
            "knows nothing but compositions"
        )
        decides = key == "forces" or limits.forces <= FORCES_NOISE or not error <= FAR_BEYOND * limit
        (problems if decides else warnings).append(text)
    return problems, warnings


@dataclass(frozen=True)
class Rattled:
    """Of the sample frames with displaced atoms: ``forces`` meV/angstrom, the largest root mean square of a frame; ``imbalance``,
    a sentence about charges that do not add up, or None."""

    forces: float
    imbalance: str | None


def rattle(model: TrainedModel) -> Rattled:
    """Evaluate a model on its sample frames, atoms displaced by `RATTLE` (the same displacements in every call)."""
    random = np.random.default_rng(0)
    network, largest, imbalance = model.network, 0.0, None
    if model.charge_states:
        charge, n_atoms = model.charge_states[0]
        network = network.at_charge_state(charge / n_atoms)
    for sample in model.samples:
        frame = _repeat_frame(sample)
        moved = replace(frame, positions=frame.positions + random.normal(0.0, RATTLE, frame.positions.shape))
        batch = collate(build_graphs([moved], model.species, model.config.model.cutoff))
        prediction = predict(network.interaction, model.long_range, batch, model.dtype)
        size = 1000.0 * float(prediction.forces.square().mean().sqrt())
        largest = largest if size <= largest else size  # NaN is the largest
        if model.long_range is not None and not model.long_range.neutralize and imbalance is None:
            assert prediction.charge is not None  # of a model with long range
            imbalance = _describe_imbalance(prediction.charge.double())
    return Rattled(largest, imbalance)


def _describe_imbalance(charges: Tensor) -> str | None:
    """A sentence, where charges of one sign make up most of a frame."""
    total, n_atoms = float(charges.sum()), len(charges)
    absolute = float(charges.abs().sum())
    if abs(total) <= CHARGE_IMBALANCE * absolute or absolute <= SMALL_CHARGE * n_atoms:
        return None
    return (
        f"charges of {n_atoms} atoms add up to {total:+.2f} e: for neutral frames set model.long_range.neutralize: true or "
        "training.charge_loss.neutrality: 1.0, or model.long_range: null for metals, which screen charges"
    )


def unbounded_forces(rattled: Rattled, limits: Limits) -> list[str]:
    """A sentence, where forces on displaced atoms are far more than any bond gives."""
    limit = 10.0 * limits.forces + 1000.0 * STIFFEST * RATTLE
    if rattled.forces <= limit:
        return []
    return [
        f"atoms of training frames displaced by {RATTLE:g} A have forces of {rattled.forces:.4g} meV/A, more than {limit:.4g} meV/A"
    ]


def _repeat_frame(frame: Frame) -> Frame:
    """A supercell of at least `RATTLED_ATOMS` atoms; isolated frames as they are. Labels are those of the frame."""
    if not frame.periodic or len(frame) >= RATTLED_ATOMS:
        return frame
    directions = 2 if frame.slab else 3
    n = math.ceil((RATTLED_ATOMS / len(frame)) ** (1 / directions))
    repeats = np.array([n] * directions + [1] * (3 - directions))
    shifts = np.indices(tuple(repeats)).reshape(3, -1).T @ frame.cell
    positions = (shifts[:, None] + frame.positions).reshape(-1, 3)
    return replace(
        frame,
        symbols=frame.symbols * len(shifts),
        positions=positions,
        cell=repeats[:, None] * frame.cell,
        forces=np.zeros_like(positions),
    )


def require_usable(checkpoint: str | os.PathLike[str]) -> None:
    """Raise `RunError` where the summary of the run says that its model is not usable.

    Parameters
    ----------
    checkpoint
        Run folder, or a checkpoint in it. Without a summary (an unfinished run, a copied checkpoint) nothing is known, and
        nothing is said.
    """
    path = Path(checkpoint)
    problems = RunFolder(path if path.is_dir() else path.parent.parent).problems()
    if problems:
        raise RunError(
            f"{path}: not usable: {'; '.join(problems)}: look for wrong labels and for frames that are all alike, or train longer "
            "(docs/guide/train.md); --force (force=True in Python) writes the file all the same"
        )
