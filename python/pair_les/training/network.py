# SPDX-License-Identifier: MIT
"""Construction of the network of a configuration, and the fit of its normalization to the training frames."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from ..backbones.backbone import Backbone
from ..backbones.registry import load_backbone
from ..data.batches import collate
from ..data.graphs import Graph
from ..errors import ConfigError
from ..installation.process_state import default_dtype
from ..long_range.equilibration import lowest_hardness
from ..net import ContractNet, network_class
from ..net.backbone_net import BackboneNet, CutBackboneNet
from ..net.edge_vectors import edge_vectors
from .config import ModelSection

STATISTICS_ATOMS = 4000
"""Atoms for means and variances of densities and features: enough for 2 % of a standard deviation."""

SPECIES_ATOMS = 200
"""The same for each species: 5 % of a standard deviation."""

SMALLEST_SCALE = 1e-3
"""eV; labels that are all equal teach a flat energy."""

VANISHING_FORCES = 0.1
"""1/angstrom; forces below this times the spread of the energies per atom do not tell how strong the interactions are."""

STRAINED = 30.0
"""Strength of the interactions relative to the spread of energies: strains of some percent cost some percent of a bond."""

CORRECTION = 0.05
"""Energy of an output of 1 of the readout on a trained backbone, relative to the energy scale: it adds what the backbone misses, and
the first steps must not undo what it knows."""

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def new_network(
    model: ModelSection,
    species: Sequence[str],
    precision: str,
    reference_energies: dict[str, float],
    energy_scale: float = 1.0,
    average_neighbors: float = 30.0,
    backbone: Backbone | None = None,
) -> ContractNet:
    """An untrained network; its initial weights depend on torch's random state.

    Parameters
    ----------
    model
        Cutoff, sizes, and whether there are charges.
    species
        Elements; the position is the species index.
    precision
        ``float32`` or ``float64``.
    reference_energies
        eV per element.
    energy_scale, average_neighbors
        See `data_scales`.
    backbone
        Already made; None: made as `model` says, where it names one.
    """
    settings = model.net_settings()
    if model.backbone is not None:
        if backbone is None:
            backbone = backbone_of(model, species, precision, average_neighbors)
        return _backbone_network(model, backbone, species, precision, reference_energies, energy_scale)
    with default_dtype(DTYPES[precision]):  # networks make parameters and tables in the default dtype
        return network_class(settings)(
            list(species),
            settings,
            charge=model.long_range is not None,
            lowest_hardness=_lowest_hardness(model),
            reference_energies=reference_energies,
            energy_scale=energy_scale,
            average_neighbors=average_neighbors,
        )


def backbone_of(
    model: ModelSection, species: Sequence[str], precision: str, average_neighbors: float = 30.0
) -> Backbone:
    """Make or load the backbone that a configuration names; arguments as `new_network`.

    Raises
    ------
    ConfigError
        If the section `model` is about another network than that of the checkpoint.
    """
    assert model.backbone is not None
    backbone = load_backbone(
        model.backbone,
        species,
        model.cutoff,
        model.options,
        model.checkpoint,
        precision,
        average_neighbors,
    )
    if abs(backbone.cutoff - model.cutoff) > 1e-9:
        raise ConfigError(
            f"model.cutoff = {model.cutoff:g}: the cutoff of {model.checkpoint} is {backbone.cutoff:g} A: leave the key out"
        )
    if backbone.long_range is not None:
        wanted = None if model.long_range is None else model.long_range.settings()
        if wanted != backbone.long_range:
            raise ConfigError(
                f"model.long_range: {model.checkpoint} has charges of its own, for sigma {backbone.long_range.sigma:g}, coulomb_constant "
                f"{backbone.long_range.coulomb_constant:g}, self_interaction {str(backbone.long_range.self_interaction).lower()}: "
                "leave the key out"
            )
    return backbone


def _backbone_network(
    model: ModelSection,
    backbone: Backbone,
    species: Sequence[str],
    precision: str,
    reference_energies: dict[str, float],
    energy_scale: float,
) -> BackboneNet:
    kind = CutBackboneNet if backbone.is_cut else BackboneNet
    with default_dtype(DTYPES[precision]):
        network = kind(
            backbone.module.to(DTYPES[precision]),
            list(species),
            [backbone.species.index(symbol) for symbol in species],
            model.net_settings(),
            charge=model.long_range is not None,
            lowest_hardness=_lowest_hardness(model),
            reference_energies=reference_energies,
            energy_scale=energy_scale * (CORRECTION if backbone.trained else 1.0),
            backbone_scale=1.0 if backbone.trained else energy_scale,
            backbone_charged=backbone.long_range is not None,
            message_passing_layers=backbone.message_passing_layers,
        )
    return network


def _lowest_hardness(model: ModelSection) -> float | None:
    if model.long_range is None or model.long_range.charge_model == "latent":
        return None
    return lowest_hardness(model.long_range.settings())


def data_scales(graphs: Sequence[Graph]) -> tuple[float, float]:
    """Energy scale, eV, and mean number of neighbors of the training frames.

    The energy scale is the root mean square of the force components times 1 angstrom: unlike the spread of
    the energies it is not inflated by compositions or by the density of the frames. Where symmetry makes the forces vanish,
    in strained perfect crystals, it follows from the spread of the energies per atom: 1 eV, less where they hardly differ.
    """
    with_forces = [graph for graph in graphs if bool(graph.forces.isfinite().all())]
    squares = sum(float(graph.forces.square().sum()) for graph in with_forces)
    components = 3 * sum(graph.n_atoms for graph in with_forces)
    edges = sum(graph.edge_index.shape[1] for graph in graphs)
    energies = torch.stack([graph.energy / graph.n_atoms for graph in graphs])
    energies = energies[energies.isfinite()]
    spread = float(energies.std(correction=0)) if len(energies) else 0.0
    forces = math.sqrt(squares / components) if components else 0.0
    if forces <= VANISHING_FORCES * spread:
        forces = min(1.0, STRAINED * spread)
    return max(forces, SMALLEST_SCALE), 3.0 * edges / (3 * sum(graph.n_atoms for graph in graphs))


def fit_statistics(network: ContractNet, graphs: Sequence[Graph], seed: int, precision: str) -> None:
    """Normalize the network on a seeded choice of frames (`choose_frames`)."""
    batch = collate(choose_frames(graphs, network.n_species, seed))
    network.fit_statistics(
        batch.species,
        batch.edge_index,
        edge_vectors(batch.positions, batch.edge_index, batch.shifts, DTYPES[precision]),
        batch.species.shape[0],
    )


def choose_frames(graphs: Sequence[Graph], n_species: int, seed: int) -> list[Graph]:
    """Frames with `STATISTICS_ATOMS` atoms, and with `SPECIES_ATOMS` of each species or all that there are."""
    order = torch.randperm(len(graphs), generator=torch.Generator().manual_seed(seed)).tolist()
    chosen: list[Graph] = []
    counts = torch.zeros(n_species, dtype=torch.int64)
    for graph in (graphs[index] for index in order):
        here = torch.bincount(graph.species, minlength=n_species)
        if int(counts.sum()) < STATISTICS_ATOMS or bool(((counts < SPECIES_ATOMS) & (here > 0)).any()):
            chosen.append(graph)
            counts += here
    return chosen
