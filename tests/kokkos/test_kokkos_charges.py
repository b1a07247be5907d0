# SPDX-License-Identifier: MIT
"""les/kk against les in the same LAMMPS where charges or messages are found by way of the host.

Charge equilibration, electrodes, messages between processes, committees, and commands that call kspace themselves.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import harness
import numpy as np
import pytest
import tolerances
import torch
from capacitors import ions_between, plate
from compare import assert_equal
from message_models import write_layers
from pair_les.model_file import LongRange, Metadata, save_model
from pair_les.net import LESNet, NetSettings
from pair_les.net.committee import Committee
from systems import System, random_fluid

ARGUMENTS = {"kk": harness.KOKKOS_ARGUMENTS, "host": ()}
CELL = np.array([[11.0, 0.0, 0.0], [2.0, 10.0, 0.0], [-1.5, 1.2, 12.0]])
MESH = {"kspace": "pppm 1e-5", "after_pair": ["kspace_modify order 7 diff ik"]}
CLUSTER = {"kspace": None, "before_box": ["boundary f f f"]}


@cache
def fluid(cell: str = "triclinic") -> System:
    return random_fluid({"Na": 24, "Cl": 20}, CELL if cell == "triclinic" else np.diag([11.0, 10.0, 12.0]), 5)


def pair(keywords: str, elements: str = "Cl Na") -> list[str]:
    return [f"pair_style les {keywords}", f"pair_coeff * * model.pt {elements}"]


def run(
    folder: Path, name: str, system: System, model: Path, commands: str, ranks: int, **options
) -> harness.Run:
    (folder / name).mkdir()
    script = harness.setup(folder / name, system, model, **options) + commands
    return harness.run_lammps(script, folder / name, ranks, lammps=harness.kokkos_lammps(ARGUMENTS[name]))


def assert_same(folder: Path, system: System, model: Path, ranks: int = 1, **options) -> None:
    """Charges, energy, forces and virial of ``run 0``."""
    kk, host = (
        harness.evaluation(run(folder, name, system, model, f"run 0\n{harness.DUMP}", ranks, **options))
        for name in ARGUMENTS
    )
    assert np.abs(host.forces).max() > 0.1, "nothing is tested: there are no forces"
    assert_equal(kk, host, tolerances.SAME)


def assert_same_tables(runs: dict[str, harness.Run], name: str) -> None:
    kk, host = (runs[style].dump(name)[-1] for style in ("kk", "host"))
    for column, expected in host.items():
        atol = max(1.0, np.abs(expected).max()) * tolerances.PER_ATOM_RELATIVE
        np.testing.assert_allclose(kk[column], expected, rtol=0.0, atol=atol, err_msg=column)


# ------------------------------------------------------------------------------------------------ equilibration


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("style", ["", "coul 5.5 charge 2"], ids=["matched", "split"])
@pytest.mark.parametrize("solver", ["pppm", "ewald"])
def test_equilibration(tmp_path, model, solver, style, ranks):
    options = MESH if solver == "pppm" else {"kspace": "ewald 1e-8"}
    lines = pair(f"qtol 1e-12 {style}")
    assert_same(tmp_path, fluid(), model("equilibration"), ranks, pair=lines, **options)


def test_equilibration_of_a_cluster(tmp_path, model):
    lines = pair("qtol 1e-12")
    assert_same(tmp_path, fluid("orthogonal"), model("equilibration"), 2, pair=lines, **CLUSTER)


def test_equilibration_in_dynamics(tmp_path, model):
    """Charges of former steps go with their atoms, and the box and the number of atoms change."""
    commands = """velocity all create 600 4711
fix nve all nve
thermo 1
neigh_modify every 2 delay 0 check no
run 12
change_box all x scale 1.02 y scale 1.02 z scale 1.02 remap
group gone id 1 2
delete_atoms group gone
reset_timestep 12
run 4
"""
    options = {"pair": pair("qtol 1e-12 coul 5.5"), **MESH}
    kk, host = (
        run(tmp_path, name, fluid("orthogonal"), model("equilibration"), commands, 2, **options)
        for name in ARGUMENTS
    )
    for number in range(2):
        np.testing.assert_allclose(
            kk.column("TotEng", number), host.column("TotEng", number), rtol=0, atol=tolerances.CUT_TRAJECTORY
        )


# ------------------------------------------------------------------------------------------------ electrodes

EDGE = 7.5
WALLS = np.vstack([plate(3, 2.5, 2.0), plate(3, 2.5, 14.0)])
CAPACITOR = System(
    ("C",) * 18 + ("Na", "Cl") * 3,
    np.vstack([WALLS, ions_between(6, EDGE, 4.5, 11.5, seed=2)]),
    np.diag([EDGE, EDGE, 20.0]),
)
ELECTRODES = {
    "given potentials": "electrode left 1.0 hardness 2.0 electrode right 0.0",
    "given charge": "electrode left charge 0.7 electrode right 0.2 hardness 1.0",
    "split": "electrode left 1.0 electrode right 0.0 coul 5.5",
}


@pytest.mark.parametrize("name", ELECTRODES)
@pytest.mark.parametrize("boundary", ["p p f", "f f f"])
def test_electrodes(tmp_path, model, boundary, name):
    """Atoms that the network does not see have charges: with iterations, then by their matrix."""
    slab = {"kspace": "pppm 1e-5", "after_pair": ["kspace_modify order 7 diff ik slab 5.0"]}
    options = slab if boundary == "p p f" else {"kspace": None}
    if boundary == "f f f" and "split" in name:
        pytest.skip("a cluster has no split mode")
    keywords = f"qtol 1e-12 qiter 200 {ELECTRODES[name]}" + (" neutral no" if "f f f" in boundary else "")
    if boundary == "f f f" and "charge" in name:
        keywords = keywords.removesuffix(" neutral no")
    lines = ["group left id 1:9", "group right id 10:18", *pair(keywords, "NULL Cl Na")]
    commands = f"run 15\n{harness.DUMP}"
    options = {"before_box": [f"boundary {boundary}"], "pair": lines, **options}
    kk, host = (
        harness.evaluation(run(tmp_path, style, CAPACITOR, model(), commands, 2, **options))
        for style in ARGUMENTS
    )
    assert_equal(kk, host, tolerances.SAME)


# ------------------------------------------------------------------------------------------------ messages


@pytest.mark.parametrize("mode", ["communicate", "recompute"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_messages(tmp_path, mode, ranks):
    """Two layers."""
    write_layers(tmp_path / "layers.pt", 2)
    lines = pair(f"message_passing {mode} coul 6.0")
    assert_same(tmp_path, fluid(), tmp_path / "layers.pt", ranks, pair=lines, **MESH)


def test_stress_of_atoms_with_messages(tmp_path):
    """Virials of edges, on ghosts as well."""
    write_layers(tmp_path / "layers.pt", 2)
    commands = """compute s all stress/atom NULL
compute e all pe/atom
compute born all les/born/atom
run 0
write_dump all custom s.txt id c_s[*] c_e c_born[*] modify sort id format float %.17g
"""
    runs = {
        name: run(
            tmp_path,
            name,
            fluid(),
            tmp_path / "layers.pt",
            commands,
            2,
            pair=pair("message_passing communicate"),
            **MESH,
        )
        for name in ARGUMENTS
    }
    assert_same_tables(runs, "s.txt")


# ------------------------------------------------------------------------------------------------ computes, commands


@pytest.mark.parametrize("charge", [True, False], ids=["charges", "no charges"])
def test_committee(tmp_path, charge):
    torch.manual_seed(3)
    nets = []
    for _ in range(3):
        net = LESNet(["Na", "Cl"], NetSettings(cutoff=4.5, n_channels=4), charge=charge).double()
        with torch.no_grad():  # a new network starts flat, so that nothing depends on the positions
            net.readout.last.weight.normal_(0.0, 0.3)
        nets.append(net)
    metadata = Metadata(("Na", "Cl"), 4.5, long_range=LongRange(1.0) if charge else None, committee=3)
    save_model(tmp_path / "committee.pt", torch.jit.script(Committee(nets)), metadata)
    commands = """compute c all les/committee/atom
run 0
write_dump all custom c.txt id c_c[*] modify sort id format float %.17g
"""
    options = MESH if charge else {"kspace": None}
    runs = {
        name: run(tmp_path, name, fluid(), tmp_path / "committee.pt", commands, 2, **options)
        for name in ARGUMENTS
    }
    assert runs["host"].dump("c.txt")[-1]["c_c[1]"].max() > 0.01, "nothing is tested: the networks agree"
    assert_same_tables(runs, "c.txt")


DYNAMICAL_MATRIX = "group moved id 1 2\nrun 0\ndynamical_matrix moved eskm 1.0e-4 file matrix.txt\n"


@pytest.mark.parametrize("kind", ["pair", "equilibration"])
def test_dynamical_matrix(tmp_path, model, kind):
    """The command calls pair, kspace and the second phase itself, and asks for no energies of atoms."""
    keywords = "qtol 1e-12" if kind == "equilibration" else "coul 5.5"
    options = {"pair": pair(keywords), "before_box": ["atom_modify map yes"], **MESH}
    kk, host = (
        np.loadtxt(
            run(tmp_path, name, fluid("orthogonal"), model(kind), DYNAMICAL_MATRIX, 2, **options).folder
            / "matrix.txt"
        )
        for name in ARGUMENTS
    )
    np.testing.assert_allclose(kk, host, rtol=0.0, atol=np.abs(host).max() * 1e-6)
