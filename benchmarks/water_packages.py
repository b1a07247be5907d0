# SPDX-License-Identifier: MIT
"""The shipped water model as TorchScript files and as AOTInductor packages of this code: its network is made again from its weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from pair_les.export import script_network
from pair_les.model_file import Metadata, load_model, save_model, save_package
from pair_les.net import LESNet, NetSettings

PACKAGES = {
    "model.pt2": ("float32", True),
    "model64.pt2": ("float64", True),
    "plain.pt2": ("float32", False),  # of the pure-torch twins
}


def network_of(file: Path) -> tuple[LESNet, Metadata]:
    """The network of a strictly local model file of this package, in float32, and its metadata."""
    script, metadata = load_model(file)
    weights = script.state_dict()
    hidden = [
        weight.size(-1)
        for name, weight in weights.items()
        if name.startswith("readout.layers.") and name.endswith(".weight")
    ]
    settings = NetSettings(
        metadata.cutoff,
        n_radial=script.n_radial,
        l_max=script.l_max,
        body_order=script.body_order,
        n_channels=weights["mixing"].size(-1),
        hidden=hidden,
    )
    network = LESNet(list(metadata.species), settings, charge=metadata.long_range is not None)
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    return network, metadata


def in_precision(file: Path, precision: str) -> tuple[LESNet, Metadata]:
    """The network in float32 or float64, with reference energies that have never been rounded, and its metadata."""
    network, metadata = network_of(file)
    references = network.reference_energies
    network = network.to(getattr(torch, precision))
    network.reference_energies = references
    return network, replace(metadata, dtype=precision)


def write_scripts(model: Path, folder: Path) -> None:
    """``model.pt`` and ``model64.pt`` as `pair-les export` would write them today."""
    for name, precision in (("model.pt", "float32"), ("model64.pt", "float64")):
        network, metadata = in_precision(model, precision)
        plain, operators = script_network(network)
        save_model(folder / name, plain, metadata, operators)


def write_packages(model: Path, folder: Path) -> None:
    """Compile all of `PACKAGES`, for this processor."""
    for name, (precision, fused) in PACKAGES.items():
        network, metadata = in_precision(model, precision)
        network.fused = network.fused and fused
        print(name, flush=True)
        save_package(folder / name, network, metadata)
