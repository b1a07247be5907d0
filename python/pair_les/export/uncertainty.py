# SPDX-License-Identifier: MIT
"""``pair-les export --uncertainty``: covariance of the last layer on training frames, calibrated on others.

The covariance follows :mod:`pair_les.net.uncertainty`, uncertainties of forces :mod:`pair_les.evaluation.uncertainty`. What is fitted
to the calibration frames: the factor alpha, so that errors of total energies divided by their uncertainties have a mean square of 1;
for each species s the inverse length `k_s`, so that errors of forces have, too (both are the maxima of the likelihood of normal
errors); and lambda, of `REGULARIZATIONS`, with the largest likelihood of the force errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..data.batches import Batch, batches_of
from ..data.frames import Frame, read_data
from ..errors import RunError
from ..evaluation.label_errors import model_graphs
from ..evaluation.prediction import Network, predict
from ..evaluation.uncertainty import force_deviations, neighborhood_deviations, total_deviations
from ..model_file.metadata import Metadata
from ..model_file.uncertainty import Uncertainty
from ..net import ContractNet, LESNet, MessagePassingNet
from ..net.edge_vectors import edge_vectors
from ..net.uncertainty import UncertainNet, energy_deviations, uncertain
from ..training.trained import TrainedModel
from ..training.training_data import read_split

OF_RUN = "run"
"""What ``--uncertainty`` and ``--calibration`` are for the training and validation frames of the run."""

REGULARIZATIONS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
"""lambda, relative to the mean over species and features of the diagonal of ``sum_j f_j f_j^T``."""

TRAINING_SHARE = 0.999
"""Of the atoms of the training frames, that are below `Uncertainty.training_force`."""


@dataclass(frozen=True)
class Samples:
    """Calibration frames: their batches, features [N, n] of each, and errors of energies [B] (eV) and forces [N] (their length)."""

    batches: list[Batch]
    features: list[Tensor]
    energy_errors: Tensor
    forces_errors: Tensor

    @property
    def species(self) -> Tensor:
        """Species of all atoms."""
        return torch.cat([batch.species for batch in self.batches])


def require_uncertainty_possible(models: Sequence[TrainedModel], file_format: str) -> None:
    """Raise `RunError` for models and formats that have no uncertainties, before the work."""
    first = models[0]
    if len(models) > 1:
        raise RunError(
            "--uncertainty is of one network, and these are several: leave it out, compute les/committee/atom has their spread"
        )
    if file_format == "pt2":
        raise RunError("--uncertainty: a compiled package has no uncertainties: use --format torchscript")
    if first.backbone is not None or not isinstance(first.network, LESNet | MessagePassingNet):
        raise RunError(
            f"{first.file}: --uncertainty: networks with a backbone have no uncertainties: leave it out, or export a committee"
        )
    if first.config.model.charge_state:
        raise RunError(
            f"{first.file}: --uncertainty: networks that are conditioned on the charge state have none: leave it out"
        )


def read_uncertainty_frames(
    model: TrainedModel, training: Sequence[str], calibration: Sequence[str]
) -> tuple[list[Frame], list[Frame]]:
    """Read training and calibration frames: those of the run where they are `OF_RUN`.

    Raises
    ------
    DataError
        If a file or a frame cannot be used.
    """
    of_run = read_split(model.config) if OF_RUN in (*training, *calibration) else ([], [])
    keys = model.config.data.keys.labels()

    def read(sources: Sequence[str], own: list[Frame]) -> list[Frame]:
        files = [source for source in sources if source != OF_RUN]
        frames = list(own) if OF_RUN in sources else []
        return frames + (read_data(files, keys, allow_missing=True).frames if files else [])

    return read(training, of_run[0]), read(calibration, of_run[1])


def add_uncertainty(
    network: ContractNet,
    metadata: Metadata,
    model: TrainedModel,
    training: Sequence[str],
    calibration: Sequence[str],
    say: Callable[[str], None] = print,
) -> tuple[UncertainNet, Metadata]:
    """Return a network with its uncertainties, and its metadata with their calibration.

    Parameters
    ----------
    network, metadata
        As they are written, without uncertainties.
    model
        The trained model that they are made from.
    training, calibration
        Sources of frames; see `read_uncertainty_frames`.
    say
        Gets a line with the calibration.

    Raises
    ------
    RunError
        If there are too few frames with labels.
    DataError
        If a file or a frame cannot be used.
    """
    assert isinstance(network, LESNet | MessagePassingNet)  # see require_uncertainty_possible
    keys = model.config.data.keys.labels()
    frames, others = read_uncertainty_frames(model, training, calibration)
    n_species = len(metadata.species)
    width = network.readout.last.weight.shape[-2] + 1
    bare = uncertain(network, torch.zeros(n_species, width, width, dtype=torch.float64))
    dtype = getattr(torch, metadata.dtype)

    train = [
        (batch, last_layer(bare, batch, dtype))
        for batch in batches_of(model_graphs(frames, metadata, keys, model.file))
    ]
    if not train:
        raise RunError(
            f"--uncertainty {' '.join(training)}: there are no frames: give those that were trained on"
        )
    moments = second_moments(train, n_species)
    samples = collect_samples(
        bare,
        network.interaction,
        metadata,
        list(batches_of(model_graphs(others, metadata, keys, model.file))),
    )
    _require_labels(samples, calibration)

    factor, lengths, scale = calibrate(moments, samples, metadata)
    found = Uncertainty(
        scale=scale,
        inverse_length=dict(zip(metadata.species, lengths.tolist(), strict=True)),
        training_force=0.0,
        training_frames=len(frames),
        calibration_frames=len(others),
    )
    module = uncertain(network, factor)
    complete = replace(metadata, uncertainty=found)
    forces = [
        force_deviations(module.deviations(features, batch.species), batch, complete)
        for batch, features in train
    ]
    # torch.quantile takes 16 million values at most
    typical = float(np.quantile(torch.cat(forces).numpy(), TRAINING_SHARE))
    say(
        f"uncertainty: {len(frames)} training and {len(others)} calibration frames; 99.9 % of the training atoms are below "
        f"{typical:.3g} eV/A"
    )
    return module, replace(complete, uncertainty=replace(found, training_force=typical))


def last_layer(module: UncertainNet, batch: Batch, dtype: torch.dtype) -> Tensor:
    """Return the features [N, n] of the atoms of a batch, float64."""
    vectors = edge_vectors(batch.positions, batch.edge_index, batch.shifts, dtype)
    with torch.no_grad():
        return module.last_layer(batch.species, batch.edge_index, vectors.detach(), len(batch.species))


def second_moments(train: Sequence[tuple[Batch, Tensor]], n_species: int) -> Tensor:
    """Return ``sum_j f_j f_j^T`` over the atoms of each species, [n_species, n, n]."""
    width = train[0][1].shape[1]
    moments = torch.zeros(n_species, width, width, dtype=torch.float64)
    for batch, features in train:
        for s in range(n_species):
            own = features[batch.species == s]
            moments[s] += own.T @ own
    return moments


def collect_samples(
    module: UncertainNet, network: Network, metadata: Metadata, batches: list[Batch]
) -> Samples:
    """Return features and errors of calibration frames."""
    dtype = getattr(torch, metadata.dtype)
    features, energies, forces = [], [], []
    for batch in batches:
        features.append(last_layer(module, batch, dtype))
        prediction = predict(network, metadata.long_range, batch, dtype, long_range_dtype=torch.float64)
        energies.append(prediction.energy - batch.energy)
        forces.append((prediction.forces - batch.forces).norm(dim=1))
    empty = torch.zeros(0, dtype=torch.float64)
    return Samples(batches, features, torch.cat([empty, *energies]), torch.cat([empty, *forces]))


def _require_labels(samples: Samples, calibration: Sequence[str]) -> None:
    n_energies = int(samples.energy_errors.isfinite().sum())
    n_forces = int(samples.forces_errors.isfinite().sum())
    if n_energies < 2 or n_forces == 0:
        raise RunError(
            f"--calibration {' '.join(calibration)}: {n_energies} frames have energies and {n_forces} atoms have forces, must be "
            "at least 2 frames with both: give labeled frames that were not trained on"
        )


def calibrate(moments: Tensor, samples: Samples, metadata: Metadata) -> tuple[Tensor, Tensor, float]:
    """Return the factor [n_species, n, n], eV, the inverse lengths [n_species], 1/angstrom, and alpha, eV, of the largest likelihood."""
    candidates = [_calibrated(moments, samples, metadata, value) for value in REGULARIZATIONS]
    best = min(candidates, key=lambda candidate: candidate[0])
    return best[1:]


def _calibrated(
    moments: Tensor, samples: Samples, metadata: Metadata, regularization: float
) -> tuple[float, Tensor, Tensor, float]:
    """Return minus the logarithm of the likelihood of the force errors, the factor, the inverse lengths and alpha."""
    diagonal = moments.diagonal(dim1=1, dim2=2)
    strength = regularization * float(diagonal[diagonal.sum(1) > 0].mean())
    identity = torch.eye(moments.shape[1], dtype=torch.float64)
    lower = torch.linalg.cholesky(moments + strength * identity)
    factor = torch.linalg.solve_triangular(lower, identity, upper=False).mT.contiguous()
    totals, around = [], []
    for batch, features in zip(samples.batches, samples.features, strict=True):
        totals.append(total_deviations(features, factor, batch))
        energies = energy_deviations(features, batch.species, factor)
        around.append(neighborhood_deviations(energies, batch, metadata.cutoff))
    alpha = _rms_ratio(samples.energy_errors, torch.cat(totals))
    widths = alpha * torch.cat(around)
    common = _rms_ratio(samples.forces_errors, widths)
    lengths = torch.full((len(moments),), common, dtype=torch.float64)
    for s in torch.unique(samples.species).tolist():
        own = samples.species == s
        if bool(samples.forces_errors[own].isfinite().any()):
            lengths[s] = _rms_ratio(samples.forces_errors[own], widths[own])
    sigma = lengths[samples.species] * widths
    known = samples.forces_errors.isfinite()
    loss = torch.log(sigma[known]).mean()  # of normal errors, whose squares have been fitted
    return float(loss), alpha * factor, lengths, alpha


def _rms_ratio(errors: Tensor, widths: Tensor) -> float:
    """Return ``sqrt(mean (error / width)^2)`` of the labels there are; 0 does not occur, so that logarithms are finite."""
    known = errors.isfinite()
    ratio = (errors[known] / widths[known]).square().mean().sqrt()
    return max(float(ratio), float(np.finfo(np.float32).tiny))
