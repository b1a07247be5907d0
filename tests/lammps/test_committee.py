# SPDX-License-Identifier: MIT
"""Committees: LAMMPS runs on the mean, ``compute les/committee/atom`` gives the spread; both against torch."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import harness
import numpy as np
import oracle
import pytest
import tolerances
import torch
from ase import Atoms
from compare import assert_equal
from pair_les.api.calculator import LESCalculator
from pair_les.data.neighbors import neighbor_list
from pair_les.model_file import LongRange, Metadata, load_model, save_model
from pair_les.net import LESNet, NetSettings
from pair_les.net.committee import Committee
from systems import System, random_fluid

MEMBERS = 3
TRICLINIC = [[11.0, 0.0, 0.0], [1.5, 12.0, 0.0], [-2.0, 1.0, 13.0]]
DUMP = "write_dump all custom spread.txt id c_s[1] c_s[2] modify sort id format float %.17g\n"


def network(seed: int, charge: bool = True) -> LESNet:
    torch.manual_seed(seed)
    net = LESNet(["Na", "Cl"], NetSettings(cutoff=4.5, n_channels=4), charge=charge).double()
    with torch.no_grad():  # a new network starts flat, so that nothing depends on the positions
        net.readout.last.weight.normal_(0.0, 0.3)
    return net


@pytest.fixture(scope="module")
def committee(tmp_path_factory: pytest.TempPathFactory):
    """``committee(sigma)``: model file of three random networks."""
    folder = tmp_path_factory.mktemp("committee")

    def write(sigma: float | None) -> Path:
        path = folder / f"{sigma}.pt"
        if not path.exists():
            nets = Committee([network(seed, sigma is not None) for seed in range(MEMBERS)])
            save_model(
                path,
                torch.jit.script(nets),
                Metadata(
                    ("Na", "Cl"),
                    4.5,
                    long_range=None if sigma is None else LongRange(sigma),
                    committee=MEMBERS,
                ),
            )
        return path

    return write


def fluid() -> System:
    return random_fluid({"Na": 14, "Cl": 10}, TRICLINIC, seed=5)


def expected_spread(path: Path, system: System) -> np.ndarray:
    """[n, 2]: spread of forces, eV/A, in the potential of the mean charges, and of charges, e."""
    module, metadata = load_model(path)
    atoms = Atoms(system.symbols, system.positions, cell=system.cell, pbc=True)
    species = torch.tensor([metadata.species.index(symbol) for symbol in system.symbols])
    edge_index, shifts = neighbor_list(system.positions, system.cell, [True] * 3, metadata.cutoff)
    edge_index = torch.as_tensor(edge_index)
    positions = torch.tensor(system.positions, requires_grad=True)
    offsets = torch.tensor(np.asarray(shifts, dtype=float) @ np.asarray(system.cell))
    vectors = positions[edge_index[1]] - positions[edge_index[0]] + offsets
    output = module(species, edge_index, vectors, len(species))
    forces, charges = [], []
    if metadata.long_range is not None:
        atoms.calc = LESCalculator(path)
        atoms.get_potential_energy()
        potential = torch.tensor(atoms.calc.results["latent_potential"])
    for member in range(MEMBERS):
        total = output["member_energy"][member].sum()
        if metadata.long_range is not None:
            total = total + (potential * output["member_charge"][member]).sum()
            charges.append(output["member_charge"][member].detach().numpy())
        else:
            charges.append(np.zeros(len(species)))
        (gradient,) = torch.autograd.grad(total, positions, retain_graph=True)
        forces.append(-gradient.numpy())
    return np.stack([np.sqrt(np.var(forces, axis=0).sum(-1)), np.std(charges, axis=0)], axis=-1)


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("sigma", [1.0, None], ids=["charges", "no charges"])
def test_spread_against_torch(tmp_path, committee, ranks, sigma):
    path, system = committee(sigma), fluid()
    script = harness.setup(tmp_path, system, path, kspace=None if sigma is None else "ewald 1e-11")
    script += "compute s all les/committee/atom\nrun 0\n" + DUMP
    atoms = harness.run_lammps(script, tmp_path, ranks=ranks).dump("spread.txt")[-1]
    found = np.stack([atoms["c_s[1]"], atoms["c_s[2]"]], axis=-1)
    assert np.abs(found - expected_spread(path, system)).max() < tolerances.COMMITTEE_SPREAD


def test_spread_during_a_run(tmp_path, committee):
    """After atoms have moved and changed ranks; the tape of each step is gone when the spread is asked for."""
    path, system = committee(1.0), fluid()
    script = harness.setup(tmp_path, system, path, kspace="ewald 1e-11")
    script += "compute s all les/committee/atom\nvelocity all create 3000 4711\nfix 1 all nve\n"
    script += "dump d all custom 10 spread.txt id x y z c_s[1] c_s[2]\ndump_modify d sort id format float %.17g\nrun 20\n"
    for atoms in harness.run_lammps(script, tmp_path, ranks=2).dump("spread.txt"):
        positions = np.stack([atoms[axis] for axis in "xyz"], axis=-1)
        expected = expected_spread(path, dataclasses.replace(system, positions=positions))
        found = np.stack([atoms["c_s[1]"], atoms["c_s[2]"]], axis=-1)
        assert np.abs(found - expected).max() < tolerances.COMMITTEE_SPREAD


@pytest.mark.parametrize("order", [("les 1", "les 2"), ("les 2", "les 1")])
def test_spread_beside_another_les(tmp_path, committee, model, order):
    """The compute belongs to the style with several networks, whichever place it has in ``hybrid/overlay``."""
    path, system = committee(1.0), fluid()
    shutil.copy(model(sigma=None), tmp_path / "other.pt")
    pair = [
        "pair_style hybrid/overlay les les",
        f"pair_coeff * * {order[0]} model.pt Cl Na",
        f"pair_coeff * * {order[1]} other.pt Cl Na",
    ]
    script = harness.setup(tmp_path, system, path, kspace="ewald 1e-11", pair=pair)
    script += "compute s all les/committee/atom\nrun 0\n" + DUMP
    atoms = harness.run_lammps(script, tmp_path).dump("spread.txt")[-1]
    found = np.stack([atoms["c_s[1]"], atoms["c_s[2]"]], axis=-1)
    assert np.abs(found - expected_spread(path, system)).max() < tolerances.COMMITTEE_SPREAD


def test_the_run_is_that_of_the_mean(tmp_path, committee):
    path = committee(1.0)
    assert_equal(harness.evaluate(tmp_path, fluid(), path), oracle.evaluate(path, fluid()), tolerances.EWALD)


def test_one_network_has_no_spread(tmp_path, model):
    script = harness.setup(tmp_path, fluid(), model()) + "compute s all les/committee/atom\nrun 0\n" + DUMP
    run = harness.run_lammps(script, tmp_path, expect_error=True)
    assert "needs a model of several networks, but this one has one; type 'pair-les export RUN1" in run.log
