# SPDX-License-Identifier: MIT
"""``compute les/born/atom`` and ``compute les/polarization`` against the Python observables, on 1, 2 and 4 ranks."""

from __future__ import annotations

import harness
import numpy as np
import pytest
import tolerances
import torch
from ase import Atoms
from pair_les.model_file import LongRange, Metadata, save_model
from pair_les.net import NetSettings, network_class
from pair_les.observables import observe
from systems import System, random_fluid

BORN = [f"c_born[{column}]" for column in range(1, 10)]
TRICLINIC = [[11.0, 0.0, 0.0], [1.5, 12.0, 0.0], [-2.0, 1.0, 13.0]]


def fluid(counts: dict[str, int] | None = None) -> System:
    system = random_fluid(counts or {"Na": 14, "Cl": 10}, TRICLINIC, seed=5)
    return system.shifted_box([-3.0, 5.0, 40.0])


def atoms_of(system: System, pbc: object = True) -> Atoms:
    return Atoms(system.symbols, system.positions, cell=system.cell, pbc=pbc)


def commands(options: str = "") -> str:
    text = f"compute born all les/born/atom {options}\ncompute p all les/polarization {options}\n"
    columns = " ".join(f"c_p[{component}]" for component in range(1, 13))
    return text + f"thermo_style custom step {columns}\nthermo_modify format float %.17g line one\n"


def born_of(run: harness.Run, name: str = "born.txt", frame: int = -1) -> np.ndarray:
    """[n, 3, 3], indices [atom, polarization, displacement]."""
    atoms = run.dump(name)[frame]
    return np.stack([atoms[column] for column in BORN], axis=-1).reshape(-1, 3, 3)


def vector_of(run: harness.Run, step: int = -1) -> np.ndarray:
    return np.array([run.column(f"c_p[{component}]")[step] for component in range(1, 13)])


DUMP = f"write_dump all custom born.txt id {' '.join(BORN)} modify sort id format float %.17g\n"


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("neutralize", [False, True])
def test_born_charges_and_polarization(tmp_path, model, ranks, neutralize):
    path, system = model(neutralize=neutralize), fluid()
    script = harness.setup(tmp_path, system, path, kspace="ewald 1e-6")
    script += commands("eps 1.78") + "velocity all create 500 4711\nrun 0\n" + DUMP
    script += "write_dump all custom v.txt id vx vy vz modify sort id format float %.17g\n"
    run = harness.run_lammps(script, tmp_path, ranks=ranks)
    expected = observe(path, atoms_of(system), eps=1.78)
    assert np.abs(born_of(run) - expected.born).max() < tolerances.BORN_LAMMPS

    found = vector_of(run)
    velocities = np.stack([run.dump("v.txt")[-1][name] for name in ("vx", "vy", "vz")], axis=-1)
    current = np.einsum("iab,ib->a", expected.born, velocities)
    assert np.abs(found[:3] - expected.dipole).max() < tolerances.BORN_LAMMPS
    assert np.abs(found[3:6] - current).max() < tolerances.BORN_LAMMPS
    phase = np.concatenate([expected.polarization.real, expected.polarization.imag])
    assert np.abs(found[6:] - phase).max() < tolerances.BORN_LAMMPS


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("boundary", ["p p p", "p p f", "f f f"])
def test_charges_that_depend_on_messages(tmp_path, ranks, boundary):
    """A network with a message-passing layer: an edge belongs to the charges of many atoms."""
    torch.manual_seed(5)
    settings = NetSettings(cutoff=3.5, n_radial=4, l_max=2, n_channels=4, message_passing_layers=1)
    net = network_class(settings)(
        ["Na", "Cl"], settings, charge=True, reference_energies={"Na": 0.0, "Cl": 0.0}
    ).double()
    with torch.no_grad():  # a new network starts flat
        net.readout.last.weight.normal_(0.0, 3.0)
    long_range = LongRange(1.0, neutralize=boundary != "p p p")
    metadata = Metadata(("Na", "Cl"), 3.5, message_passing_layers=1, dtype="float64", long_range=long_range)
    save_model(tmp_path / "network.pt", torch.jit.script(net), metadata)

    system = random_fluid({"Na": 10, "Cl": 8}, np.diag([8.0, 9.0, 10.0]), seed=8)
    periodic = [flag == "p" for flag in boundary.split()]
    tall = System(system.symbols, system.positions + [0.0, 0.0, 3.0], np.diag([8.0, 9.0, 16.0]))
    script = harness.setup(
        tmp_path,
        tall,
        tmp_path / "network.pt",
        kspace="ewald 1e-6" if any(periodic) else None,
        before_box=[f"boundary {boundary}"],
        after_pair=["kspace_modify slab 3.0"] if boundary == "p p f" else [],
    )
    run = harness.run_lammps(script + commands() + "run 0\n" + DUMP, tmp_path, ranks=ranks)
    expected = observe(tmp_path / "network.pt", atoms_of(tall, pbc=periodic))
    change = expected.born - expected.charges[:, None, None] * np.eye(3)
    assert np.abs(change).max() > 0.01, "charges hardly depend on the positions"
    assert np.abs(born_of(run) - expected.born).max() < tolerances.BORN_LAMMPS


@pytest.mark.parametrize("ranks", [1, 2])
def test_slab(tmp_path, model, ranks):
    """Periodic in the plane, isolated along the normal."""
    path = model(neutralize=True)
    system = random_fluid({"Na": 10, "Cl": 8}, np.diag([10.0, 11.0, 9.0]), seed=8)
    tall = System(system.symbols, system.positions + [0.0, 0.0, 3.0], np.diag([10.0, 11.0, 16.0]))
    script = harness.setup(
        tmp_path,
        tall,
        path,
        kspace="ewald 1e-6",
        before_box=["boundary p p f"],
        after_pair=["kspace_modify slab 3.0"],
    )
    run = harness.run_lammps(script + commands() + "run 0\n" + DUMP, tmp_path, ranks=ranks)
    expected = observe(path, atoms_of(tall, pbc=(True, True, False)))
    assert np.abs(born_of(run) - expected.born).max() < tolerances.BORN_LAMMPS
    assert np.abs(vector_of(run)[:3] - expected.dipole).max() < tolerances.BORN_LAMMPS


@pytest.mark.parametrize("neutralize", [False, True])
def test_cluster_in_units_real(tmp_path, model, neutralize):
    """Isolated, on two ranks of which one may have few atoms; charges are e in either unit style."""
    path = model(neutralize=neutralize)
    system = random_fluid({"Na": 8, "Cl": 6}, np.diag([9.0, 9.0, 9.0]), seed=3)
    box = ["boundary f f f"]
    script = harness.setup(tmp_path, system, path, kspace=None, units="real", before_box=box)
    run = harness.run_lammps(script + commands() + "run 0\n" + DUMP, tmp_path, ranks=2)
    expected = observe(path, atoms_of(system, pbc=False))
    assert np.abs(born_of(run) - expected.born).max() < tolerances.BORN_LAMMPS
    assert np.abs(vector_of(run)[:3] - expected.dipole).max() < tolerances.BORN_LAMMPS


def test_current_is_the_rate_of_the_dipole(tmp_path, model):
    """Of a cluster, where the dipole is a function of the positions: sum Z v against its slope along a run."""
    path = model(neutralize=True)
    system = random_fluid({"Na": 8, "Cl": 8}, np.diag([9.0, 9.0, 9.0]), seed=3, min_distance=2.3)
    script = harness.setup(tmp_path, system, path, kspace=None, before_box=["boundary m m m"])
    script += commands() + "timestep 2.0e-5\nvelocity all create 300 99\nfix nve all nve\nthermo 1\nrun 20\n"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    dipole = np.stack([run.column(f"c_p[{component}]") for component in (1, 2, 3)], axis=-1)
    current = np.stack([run.column(f"c_p[{component}]") for component in (4, 5, 6)], axis=-1)
    slope = (dipole[2:] - dipole[:-2]) / 4.0e-5
    assert np.abs(current).max() > 1.0, "nothing moves"
    assert np.abs(slope - current[1:-1]).max() < tolerances.CURRENT


def test_they_do_not_disturb_the_run(tmp_path, model):
    """The same trajectory with and without them, while atoms change ranks; a group counts its own atoms."""
    path, system, energies = model(), fluid(), []
    for extra in ("", commands() + "group half id 1:12\ncompute q half les/born/atom\n"):
        script = harness.setup(tmp_path, system, path, kspace="pppm 1e-4")
        script += extra + "velocity all create 900 7\nfix nve all nve\n"
        if extra:
            script += "dump d all custom 2 d.txt id c_q[1]\ndump_modify d sort id\n"
        else:
            script += "thermo_style custom step etotal\nthermo_modify format float %.17g\n"
        script += (
            "thermo 2\nrun 20\nthermo_style custom step etotal\nthermo_modify format float %.17g\nrun 0\n"
        )
        run = harness.run_lammps(script, tmp_path, ranks=2)
        energies.append(run.column("TotEng")[-1])
    assert energies[0] == pytest.approx(energies[1], abs=tolerances.SAME_TRAJECTORY)
    found = run.dump("d.txt")[-1]["c_q[1]"]
    assert np.all(found[:12] != 0.0) and not found[12:].any()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("compute b all les/born/atom epsilon 2", "Unknown keyword 'epsilon' of compute les/born/atom; type"),
        ("compute b all les/polarization eps 0.5", "compute les/polarization eps is 0.5 but must be >= 1"),
    ],
)
def test_errors(tmp_path, model, command, message):
    script = harness.setup(tmp_path, fluid(), model()) + command + "\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, ranks=2, expect_error=True)
    assert len(run.error_lines) == 1
    assert message in run.error_lines[0]


def test_model_without_charges(tmp_path, model):
    script = harness.setup(tmp_path, fluid(), model(sigma=None), kspace=None)
    run = harness.run_lammps(script + commands() + "run 0\n", tmp_path, expect_error=True)
    assert "needs pair_style les and a model with charges" in run.error_lines[0]
