# SPDX-License-Identifier: MIT
"""The network that a run begins with: new and normalized to the training frames, or that of a start model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..backbones.backbone import Backbone
from ..data.graphs import Graph
from ..errors import ConfigError
from ..evaluation.accuracy import compare
from ..long_range.equilibration import with_fixed_sum
from ..net import ContractNet
from ..net.species_transfer import transfer_weights
from .charge_states import states_of
from .config import Config
from .energy_residuals import mean_residuals, shift_references
from .initial_charges import NEGLIGIBLE_CHARGE, fit_initial_charges, largest_imbalance, mean_potentials
from .initial_energies import start_from_mean_energies
from .network import DTYPES, backbone_of, data_scales, fit_statistics, new_network
from .start_model import StartModel

LARGE_OFFSET = 0.02
"""eV/atom; mean energies that the start model misses by more are those of labels of another kind."""

SMALL_CHARGE = 0.1
"""e; largest initial charge in a network whose energies are trained already: theirs at short distances is in these energies, too."""


@dataclass(frozen=True)
class InitialNetwork:
    """A network before its first step.

    Parameters
    ----------
    network
        Initialized and normalized.
    reference_energies
        eV per element; others than those of the frames where they have been refitted.
    charges_fitted
        Whether it starts with charges that are worth holding (`training.charge_hold`).
    notes
        Lines for the user.
    origin
        Plain values that say where its weights come from; empty for a network that starts at random.
    backbone
        Of the network; None for the networks of pair_les.
    """

    network: ContractNet
    reference_energies: dict[str, float]
    charges_fitted: bool
    notes: list[str] = field(default_factory=list)
    origin: dict[str, Any] = field(default_factory=dict)
    backbone: Backbone | None = None


def initial_network(
    config: Config,
    train: list[Graph],
    valid: list[Graph],
    species: list[str],
    reference_energies: dict[str, float],
    backbone: Backbone | None = None,
) -> InitialNetwork:
    """Return the initial network of a run without start model, the same in every process, normalized to the training frames.

    A trained backbone keeps its energies.
    """
    training = config.training
    torch.manual_seed(training.seed)
    energy_scale, average_neighbors = data_scales(train)
    if config.model.backbone is not None and backbone is None:
        backbone = backbone_of(config.model, species, training.precision, average_neighbors)
    network = new_network(
        config.model,
        species,
        training.precision,
        reference_energies,
        energy_scale,
        average_neighbors,
        backbone,
    )
    fit_statistics(network, train, training.seed, training.precision)
    trained = backbone is not None and backbone.trained
    if not trained:
        start_from_mean_energies(network, train)
    if config.model.charge_state:
        network.state_unit.fill_(max(abs(charge) / n_atoms for charge, n_atoms in states_of(train)))
    fitted, notes = False, []
    if backbone is None or backbone.long_range is None:
        fitted = _set_initial_charges(config, network, train, trained)
        notes = _charge_notes(config, network, train, fitted)
    if backbone is None or not trained:
        return InitialNetwork(network, reference_energies, fitted, notes, backbone=backbone)
    kept = f"reference energies of {' '.join(species)}"
    notes = [
        f"backbone {backbone.name} of {config.model.checkpoint} ({backbone.versions['source']}), {kept}",
        *notes,
    ]
    origin = {
        "backbone": backbone.name,
        "checkpoint": str(config.model.checkpoint),
        "options": dict(config.model.options),
        **backbone.versions,
        "frozen": [config.model.freeze] if config.model.freeze != "none" else [],
    }
    gets_charges = network.has_charge and backbone.long_range is None
    return _with_known_energies(
        config,
        InitialNetwork(network, reference_energies, fitted, notes, origin, backbone),
        train,
        valid,
        [False] * len(species),
        gets_charges,
    )


def network_from_start(
    config: Config,
    start: StartModel,
    origins: Mapping[str, str],
    train: list[Graph],
    valid: list[Graph],
    reference_energies: dict[str, float],
) -> InitialNetwork:
    """Return the network of a start model for the species of a new run.

    The biases of new species are fitted to what their energies miss on average; a model without charges may get some.

    Parameters
    ----------
    config
        Of the new run.
    start
        The model to start from.
    origins
        For each species of the run, the species of `start` that it starts from.
    train, valid
        Frames, energies without `reference_energies`.
    reference_energies
        eV of each species of the run.
    """
    training, species = config.training, list(origins)
    torch.manual_seed(training.seed)
    network = new_network(
        config.model, species, training.precision, reference_energies, backbone=start.backbone
    )
    transfer_weights(start.network, network, origins)
    with torch.no_grad():
        references = [reference_energies[symbol] for symbol in species]
        network.reference_energies.copy_(torch.tensor(references, dtype=torch.float64))
    if training.start.statistics == "fit":
        fit_statistics(network, train, training.seed, training.precision)
    gets_charges = config.model.long_range is not None and start.long_range is None
    fitted, notes = False, [f"starting from {start.file}: {', '.join(_described(start))}"]
    if gets_charges:
        fitted = _set_initial_charges(config, network, train, True)
        notes += _charge_notes(config, network, train, fitted)
    is_new = [symbol not in start.species for symbol in species]
    origin = {**start.origin, "species": dict(origins), "frozen": list(training.freeze)}
    initial = InitialNetwork(network, reference_energies, fitted, notes, origin, start.backbone)
    return _with_known_energies(config, initial, train, valid, is_new, gets_charges)


def _with_known_energies(
    config: Config,
    initial: InitialNetwork,
    train: list[Graph],
    valid: list[Graph],
    is_new: list[bool],
    gets_charges: bool,
) -> InitialNetwork:
    """Fit energies of new species, or with ``refit`` all reference energies, to what a trained network misses of the labels.

    Where it `gets_charges`, their mean energy is taken off first: the energies that it was trained on contain it.
    """
    network, references, notes = initial.network, initial.reference_energies, list(initial.notes)
    settings = None if config.model.long_range is None else config.model.long_range.settings()
    dtype, conditioned = DTYPES[config.training.precision], config.model.charge_state
    refit = config.data.reference_energies == "refit"
    if gets_charges:
        (_, charged), (_, silent) = (
            mean_residuals(network, sum_of, train, dtype, conditioned, None) for sum_of in (settings, None)
        )
        _shift_biases(network, [one - other for one, other in zip(charged, silent, strict=True)])
    mean, shifts = mean_residuals(network, settings, train, dtype, conditioned, None if refit else is_new)
    with torch.no_grad():
        if refit:
            references = {s: references[s] + shift for s, shift in zip(network.species, shifts, strict=True)}
            network.reference_energies.copy_(torch.tensor(list(references.values()), dtype=torch.float64))
            valid = shift_references(valid, shifts)
            moved = [f"{symbol} {shift:+.6f}" for symbol, shift in zip(network.species, shifts, strict=True)]
            notes.append(f"reference energies shifted to the labels (eV): {', '.join(moved)}")
        else:
            _shift_biases(network, shifts)
    if not refit and abs(mean) > LARGE_OFFSET:
        notes.append(
            f"warning: energies of the training frames are {mean:+.3f} eV/atom off those of the start model on average: "
            "where they are of another method, set data.reference_energies: refit"
        )
    errors = compare(network.interaction, settings, valid, dtype, condition_on_charge=conditioned).errors()
    notes.append(
        f"start model on the validation frames: E {errors['energy_rmse']:.2f} meV/atom  F {errors['forces_rmse']:.1f} meV/A"
    )
    origin = {**initial.origin, "validation_at_start": errors}
    return replace(initial, reference_energies=references, notes=notes, origin=origin)


@torch.no_grad()
def _shift_biases(network: ContractNet, shifts: list[float]) -> None:
    """Add to the energy of each species, eV."""
    bias = network.readout.last.bias
    bias[:, 0] += (torch.tensor(shifts, dtype=torch.float64) / network.energy_scale.double()).to(bias)


def _described(start: StartModel) -> list[str]:
    """What is taken over, in words."""
    number = sum(parameter.numel() for parameter in start.network.parameters())
    return [f"{number} parameters", "normalization", "reference energies of " + " ".join(start.species)]


def _set_initial_charges(config: Config, network: ContractNet, train: list[Graph], trained: bool) -> bool:
    """Give the network fitted or given charges; False where it keeps those of its random weights.

    Fitted charges of a network whose energies are `trained` are made small: only what is beyond its cutoff is missing in them.
    """
    model, given, species = config.model, config.training.initial_charges, network.species
    if model.long_range is None or given is None:
        return False
    settings = model.long_range.settings()
    if given == "fit":
        charges = fit_initial_charges(train, species, model.cutoff, settings, config.training.seed)
        if charges is None:
            return False
        largest = max(abs(charge) for charge in charges.values())
        if trained and largest > SMALL_CHARGE:
            charges = {symbol: charge * SMALL_CHARGE / largest for symbol, charge in charges.items()}
    elif set(given) != set(species):
        raise ConfigError(
            f"training.initial_charges names {' '.join(given) or 'nothing'}, the training frames have "
            f"{' '.join(species)}: give one charge for each of these, or use 'fit'"
        )
    else:
        charges = given
    potentials = None
    if settings.equilibrates:  # what electronegativities must balance, so that they lead to these charges
        potentials = mean_potentials(train, species, charges, with_fixed_sum(settings), config.training.seed)
    network.start_from_charges(charges, potentials)
    return True


def _charge_notes(config: Config, network: ContractNet, train: list[Graph], fitted: bool) -> list[str]:
    """Return the lines about initial charges for the user."""
    if not network.has_charge:
        return []
    if not fitted:
        if config.training.initial_charges is None or network.n_species == 1:
            return []
        return [
            "initial charges: none that add up to the total charge of each frame explain the forces, weights are random: "
            "a metal needs none (model.long_range: null), ions are given with training.initial_charges"
        ]
    name = "electronegativities (eV/e)" if network.equilibrates else "charges (e)"
    values = zip(network.species, network.initial_charges(), strict=True)
    lines = [f"initial {name}: " + ", ".join(f"{symbol} {value:+.4f}" for symbol, value in values)]
    long_range = config.model.long_range
    if not network.equilibrates and long_range is not None and not long_range.neutralize:
        charges = dict(zip(network.species, network.initial_charges(), strict=True))
        total, label, n_atoms = largest_imbalance(train, network.species, charges)
        if abs(total - label) > NEGLIGIBLE_CHARGE * n_atoms:
            lines.append(
                f"warning: initial charges add up to {total:+.2f} e in a frame of {n_atoms} atoms whose total charge is {label:g} e: "
                "give training.initial_charges that add up, or model.long_range.neutralize: true"
            )
    return lines
