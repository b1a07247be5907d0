# SPDX-License-Identifier: MIT
"""The common charges of a committee, the mean over its networks: alignment of signs, and the error of the mean.

The long-range energy is quadratic in the charges, so that the energy of mean charges is not the mean of the energies. It is near it
where the networks agree about charges; energies and forces alone determine these only as far as they act beyond the cutoff,
and their common sign not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.batches import Batch, collate
from ..data.graphs import build_graphs
from ..evaluation.prediction import Network, predict
from ..training.trained import TrainedModel


@dataclass(frozen=True)
class CommitteeSpread:
    """Root mean squares over the components of the forces of sample frames, eV/angstrom.

    Parameters
    ----------
    of_mean
        Forces of the mean network minus the mean of the networks' forces.
    spread
        Forces of each network minus that mean.
    """

    of_mean: float
    spread: float

    @property
    def charges_agree(self) -> bool:
        """Whether taking the mean of the charges changes less than the choice of a network."""
        return self.of_mean <= self.spread

    def __str__(self) -> str:
        text = (
            f"committee: forces of the mean network differ by {1e3 * self.of_mean:.2g} meV/A rms from the mean of the networks' "
            f"forces, whose spread is {1e3 * self.spread:.2g}"
        )
        if self.charges_agree:
            return text
        return (
            f"{text}: WARNING: the networks' charges differ too much to be one set: train them with the same "
            "training.initial_charges"
        )


def align_signs(models: Sequence[TrainedModel]) -> None:
    """Reverse the charges of networks whose sign is opposite to that of the first one; their energies do not change.

    Networks that are conditioned on the charge state know the sign already.
    """
    first = models[0]
    if len(models) == 1 or first.long_range is None or first.config.model.charge_state:
        return
    batches = _samples(first)
    charges = [_charges(model, batches) for model in models]
    for model, charge in zip(models[1:], charges[1:], strict=True):
        if float(charge @ charges[0]) < 0.0:
            model.network.restore_charge_output([-weights for weights in model.network.charge_output()])


def measure_spread(networks: Sequence[Network], mean: Network, model: TrainedModel) -> CommitteeSpread:
    """Compare the `mean` network of a committee with the mean of its `networks`, on the sample frames of `model`."""

    def forces_of(network: Network, batch: Batch) -> Tensor:
        return predict(network, model.long_range, batch, model.dtype).forces

    difference: list[Tensor] = []
    spread: list[Tensor] = []
    for batch in _samples(model):
        alone = [forces_of(network, batch) for network in networks]
        middle = torch.stack(alone).mean(0)
        difference.append((forces_of(mean, batch) - middle).flatten())
        spread.extend((forces - middle).flatten() for forces in alone)
    return CommitteeSpread(_rms(difference), _rms(spread))


def _samples(model: TrainedModel) -> list[Batch]:
    graphs = build_graphs(model.samples, model.species, model.config.model.cutoff)
    return [collate([graph]) for graph in graphs]


def _charges(model: TrainedModel, batches: Sequence[Batch]) -> Tensor:
    """Return the charges of all atoms of the batches, e, float64."""
    found = [predict(model.network.interaction, model.long_range, batch, model.dtype) for batch in batches]
    return torch.cat([prediction.charge.double() for prediction in found if prediction.charge is not None])


def _rms(parts: list[Tensor]) -> float:
    return float(torch.cat(parts).square().mean().sqrt())
