# SPDX-License-Identifier: MIT
"""Networks, each as a TorchScript file and as an AOTInductor package, for the tests of packages.

A package takes half a minute to compile, so that each of the four has several things that can go wrong. Three networks have random
weights; the committee is trained and written by the command line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch
from analytic_models import analytic_network
from filelock import FileLock
from pair_les.export import export
from pair_les.model_file import LongRange, Metadata, load_model, save_model, save_package
from pair_les.net import NetSettings, network_class
from tiny_frames import tiny_config, write_tiny

SPECIES = ["Na", "Cl"]
CUTOFF = 4.5
MEMBERS = 2


@dataclass(frozen=True)
class Packaged:
    """One network three times."""

    network: torch.nn.Module
    metadata: Metadata
    script: Path
    package: Path


def random_network(seed: int, layers: int = 0, lowest_hardness: float | None = None, zbl: bool = False):
    """A small network whose outputs depend on the positions."""
    torch.manual_seed(seed)
    settings = NetSettings(
        cutoff=CUTOFF,
        n_radial=4,
        l_max=2,
        body_order=4 if layers == 0 else 5,
        n_channels=4,
        hidden=[8],
        message_passing_layers=layers,
        zbl=zbl,
    )
    references = {"Na": -1.0, "Cl": -3.0}
    net = network_class(settings)(
        SPECIES, settings, charge=True, lowest_hardness=lowest_hardness, reference_energies=references
    )
    with torch.no_grad():  # a new network starts flat
        net.readout.last.weight.normal_(0.0, 0.3)
    return net


def build(kind: str) -> tuple[torch.nn.Module, Metadata, str | None]:
    """A network, its contract, and the instruction set that it is compiled for."""
    if kind == "local":  # charges, a repulsion of nuclei (which picks its edges), the best instruction set
        return (
            random_network(1, zbl=True).double(),
            Metadata(SPECIES, CUTOFF, long_range=LongRange(1.0)),
            None,
        )
    # cut at its layers, charge equilibration; code without vectors takes less time to write
    if kind == "layers":
        net = random_network(2, layers=1, lowest_hardness=0.0).double()
        metadata = Metadata(
            SPECIES,
            CUTOFF,
            message_passing_layers=1,
            long_range=LongRange(1.0, self_interaction=True, neutralize=True, charge_model="equilibration"),
            message_features=net.message_features(),
        )
        return net, metadata, "baseline"
    assert kind == "foreign"  # without charges, plain torch of somebody else
    return analytic_network("pair", sigma=None, cutoff=CUTOFF), Metadata(SPECIES, CUTOFF), None


def write(kind: str, folder: Path) -> Packaged:
    """Both files of a network; the first of several processes makes them, the others find them."""
    script, package = folder / f"{kind}.pt", folder / f"{kind}.pt2"
    with FileLock(folder / f"{kind}.lock"):
        if kind == "committee":
            if not package.exists():
                write_committee(script, package)
            return Packaged(*load_model(script), script, package)
        network, metadata, instruction_set = build(kind)
        network.eval()
        if not package.exists():
            save_model(script, torch.jit.script(network), metadata)
            save_package(package, network, metadata, instruction_set, say=lambda line: None)
    return Packaged(network, metadata, script, package)


def write_committee(script: Path, package: Path) -> None:
    """Train networks of float32 on tiny frames, and export them for fewer instructions than this processor may have.

    What the command says is kept beside the package, as ``committee.log``.
    """
    from pair_les.training.config_file import parse_config
    from pair_les.training.run import train

    write_tiny(package.parent / "train.xyz", 48)
    runs = []
    for seed in range(MEMBERS):
        values = tiny_config(package.parent, seed=seed)
        values["output"] = str(package.parent / f"run{seed}")
        runs.append(train(parse_config(values, "tiny")))
    export(runs, script, say=lambda line: None)
    command = ["export", *map(str, runs), "--format", "pt2", "--isa", "baseline", "-o", str(package)]
    run = subprocess.run([sys.executable, "-m", "pair_les.cli.app", *command], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    package.with_suffix(".log").write_text(run.stdout)


def edited(package: Path, copy: Path, **compiled: object) -> Path:
    """A copy of a package with other values of the metadata key ``compiled``; None takes one away."""
    with zipfile.ZipFile(package) as source, zipfile.ZipFile(copy, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith("/metadata.json"):
                metadata = json.loads(content)
                metadata["compiled"].update(compiled)
                content = json.dumps(metadata).encode()
            target.writestr(entry.filename, content)
    return copy
