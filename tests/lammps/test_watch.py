# SPDX-License-Identifier: MIT
"""``compute les/uncertainty/atom`` against the calculator of ASE, and what ``fix les/watch`` does with it."""

from __future__ import annotations

from pathlib import Path

import ase.io
import harness
import numpy as np
import pytest
import tolerances
import torch
from ase import Atoms
from pair_les.api.calculator import LESCalculator
from pair_les.model_file import LongRange, Metadata, load_model, save_model
from pair_les.model_file.uncertainty import Uncertainty
from pair_les.net import LESNet, MessagePassingNet, NetSettings
from pair_les.net.uncertainty import uncertain
from systems import System, random_fluid

TRICLINIC = [[11.0, 0.0, 0.0], [1.5, 12.0, 0.0], [-2.0, 1.0, 13.0]]
COMPUTE = "compute u all les/uncertainty/atom\n"
DUMP = "write_dump all custom u.txt id c_u[1] c_u[2] modify sort id format float %.17g\n"
LENGTHS = {"Na": 1.5, "Cl": 0.7}


@pytest.fixture(scope="module")
def uncertain_model(tmp_path_factory: pytest.TempPathFactory):
    """``uncertain_model(layers)``: a random network of 0 or 1 message-passing layers with random uncertainties."""
    folder = tmp_path_factory.mktemp("uncertain")

    def write(layers: int = 0) -> Path:
        path = folder / f"{layers}.pt"
        if path.exists():
            return path
        torch.manual_seed(7)
        settings = NetSettings(cutoff=4.5, n_channels=4, hidden=(8,), message_passing_layers=layers)
        net = (MessagePassingNet if layers else LESNet)(["Na", "Cl"], settings, charge=True).double()
        module = uncertain(net, 0.1 * torch.randn(2, 9, 9, dtype=torch.float64))
        net.fused = False
        features = net.message_features()
        metadata = Metadata(
            ("Na", "Cl"),
            4.5,
            message_passing_layers=layers,
            long_range=LongRange(1.0),
            message_features=features,
            uncertainty=Uncertainty(0.1, LENGTHS, 0.5, 10, 2),
        )
        save_model(path, torch.jit.script(module), metadata)
        return path

    return write


def fluid() -> System:
    return random_fluid({"Na": 14, "Cl": 10}, TRICLINIC, seed=5)


def expected(path: Path, system: System, positions: np.ndarray | None = None) -> np.ndarray:
    """[n, 2]: uncertainties of energies, eV, and forces, eV/A."""
    places = system.positions if positions is None else positions
    atoms = Atoms(system.symbols, places, cell=system.cell, pbc=True)
    calculator = LESCalculator(path)
    names = ("energies_uncertainty", "forces_uncertainty")
    return np.stack([calculator.get_property(name, atoms) for name in names], axis=-1)


@pytest.mark.parametrize(
    ("layers", "ranks", "units", "keyword"),
    [
        (0, 1, "real", ""),
        (0, 4, "metal", ""),
        (1, 2, "metal", ""),
        (1, 2, "metal", "message_passing recompute"),
    ],
)
def test_against_the_calculator(tmp_path, uncertain_model, layers, ranks, units, keyword):
    path, system = uncertain_model(layers), fluid()
    pair = [f"pair_style les {keyword}".rstrip(), "pair_coeff * * model.pt Cl Na"]
    script = harness.setup(tmp_path, system, path, units=units, pair=pair) + COMPUTE + "run 0\n" + DUMP
    atoms = harness.run_lammps(script, tmp_path, ranks=ranks).dump("u.txt")[-1]
    found = np.stack([atoms["c_u[1]"], atoms["c_u[2]"]], axis=-1) / harness.ENERGY_PER_EV[units]
    assert np.abs(found - expected(path, system)).max() < tolerances.UNCERTAINTY


def test_during_a_run(tmp_path, uncertain_model):
    """After atoms have moved and changed ranks; forces are those of a run without the compute."""
    path, system = uncertain_model(), fluid()
    script = harness.setup(tmp_path, system, path)
    script += COMPUTE + "velocity all create 3000 4711\nfix 1 all nve\n"
    script += "dump d all custom 10 u.txt id x y z fx c_u[1] c_u[2]\ndump_modify d sort id format float %.17g\nrun 20\n"
    frames = harness.run_lammps(script, tmp_path, ranks=2).dump("u.txt")
    for atoms in frames:
        positions = np.stack([atoms[axis] for axis in "xyz"], axis=-1)
        found = np.stack([atoms["c_u[1]"], atoms["c_u[2]"]], axis=-1)
        assert np.abs(found - expected(path, system, positions)).max() < tolerances.UNCERTAINTY
    plain = script.replace(" c_u[1] c_u[2]", "").replace(COMPUTE, "")
    without = harness.run_lammps(plain, tmp_path, ranks=2).dump("u.txt")
    for one, other in zip(frames, without, strict=True):
        assert np.array_equal(one["fx"], other["fx"])


def watched(tmp_path: Path, path: Path, system: System, arguments: str, ranks: int = 2) -> harness.Run:
    script = harness.setup(tmp_path, system, path) + "velocity all create 1000 4711\nfix 1 all nve\n"
    script += f"fix w all les/watch {arguments}\nthermo_style custom step f_w f_w[1] f_w[2] f_w[3] f_w[4]\nthermo 5\n"
    return harness.run_lammps(script + "run 20\nprint 'done $(step)'\n", tmp_path, ranks=ranks)


def test_watch_counts_and_writes_frames(tmp_path, uncertain_model):
    path, system = uncertain_model(), fluid()
    sigma = expected(path, system)[:, 1]
    threshold = float(np.median(sigma))
    run = watched(tmp_path, path, system, f"10 threshold {threshold} dump beyond.xyz")
    assert run.column("f_w")[0] == run.column("f_w[1]")[0] == np.sum(sigma > threshold)
    assert run.column("f_w[2]")[0] == pytest.approx(sigma.max(), rel=1e-6)
    assert run.column("f_w[3]")[-1] == run.column("f_w[4]")[-1] == 3
    assert run.column("Step")[-1] == 20
    line = f"fix les/watch w: step 0: {np.sum(sigma > threshold)} atoms have forces more uncertain than"
    assert line in run.log and f"on atom {np.argmax(sigma) + 1}\n" in run.log

    frames = ase.io.read(tmp_path / "beyond.xyz", ":")
    assert [frame.info["step"] for frame in frames] == [0, 10, 20]
    assert frames[0].get_chemical_symbols() == list(system.symbols)
    assert np.allclose(frames[0].cell.array, system.cell) and frames[0].pbc.all()
    for frame in frames:
        found = np.stack([frame.arrays["energies_uncertainty"], frame.arrays["forces_uncertainty"]], axis=-1)
        assert np.allclose(found, expected(path, system, frame.positions), rtol=1e-6)


def test_watch_halts_with_a_restart_that_continues(tmp_path, uncertain_model):
    """The run ends at the step that fires, the input goes on, and the restart continues as if nothing had happened."""
    path, system = uncertain_model(), fluid()
    script = harness.setup(tmp_path, system, path) + "velocity all create 3000 4711\nfix 1 all nve\n"
    final = "write_dump all custom {} id x y z modify sort id format float %.17g\n"
    whole = harness.run_lammps(
        script + "compute u all les/uncertainty/atom\ncompute m all reduce max c_u[2]\n"
        "thermo_style custom step c_m\nthermo 5\nrun 40\n" + final.format("whole.txt"),
        tmp_path,
    )
    largest = whole.column("c_m")
    fires = int(np.argmax(largest > largest[0] * 1.001))
    assert fires > 0, "the random liquid has its largest uncertainty at the start: choose another seed"
    threshold = float(0.5 * (largest[fires] + largest[:fires].max()))
    run = harness.run_lammps(
        script + f"fix w all les/watch 5 threshold {threshold} halt\nrun 40\nprint 'ended $(step)'\n",
        tmp_path,
    )
    assert run.printed("ended") == [str(5 * fires)]
    restart = f"w.{5 * fires}.restart"
    assert f"type 'read_restart {restart}' to go on" in run.log
    lines = [line for line in script.splitlines() if not line.startswith("velocity")]
    start = next(number for number, line in enumerate(lines) if line.startswith("read_data"))
    lines[start] = f"read_restart {restart}"
    again = "\n".join(line for line in lines if not line.startswith("atom_style")) + "\n"
    harness.run_lammps(again + f"run {40 - 5 * fires}\n" + final.format("again.txt"), tmp_path)
    one, other = (harness.read_dump(tmp_path / name)[-1] for name in ("whole.txt", "again.txt"))
    for axis in "xyz":
        assert np.abs(one[axis] - other[axis]).max() < tolerances.RESTART_POSITIONS


def test_watch_in_a_minimization(tmp_path, uncertain_model):
    path, system = uncertain_model(), fluid()
    script = harness.setup(tmp_path, system, path)
    script += "fix w all les/watch 1 threshold 1e-6\nminimize 0 0 3 30\n"
    run = harness.run_lammps(script, tmp_path)
    assert run.log.count("atoms have forces more uncertain than") >= 3


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "fix w all les/watch",
            "fix les/watch every is '' but must be a number of steps, at least 1; type 'fix w all",
        ),
        ("fix w all les/watch 0 threshold 1", "fix les/watch every is '0' but must be"),
        ("fix w all les/watch 10", "fix les/watch has no threshold: it is the uncertainty of a force"),
        ("fix w all les/watch 10 threshold -1", "fix les/watch threshold is '-1' but must be a number > 0"),
        (
            "fix w all les/watch 10 threshold",
            "fix les/watch threshold has no value; type 'fix w all les/watch 10",
        ),
        (
            "fix w all les/watch 10 threshold 1 stop",
            "Unknown keyword 'stop' of fix les/watch: must be threshold, dump",
        ),
        (
            "compute u all les/uncertainty/atom 3",
            "Unknown keyword '3' of compute les/uncertainty/atom; type 'compute u",
        ),
        ("fix w all les/watch 1 threshold 1e-9 dump no/such.xyz", "cannot write frames to 'no/such.xyz'"),
    ],
)
def test_bad_input(tmp_path, uncertain_model, command, message):
    script = harness.setup(tmp_path, fluid(), uncertain_model()) + command + "\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, expect_error=True)
    assert message in run.log and len(run.error_lines) == 1


@pytest.mark.parametrize("command", [COMPUTE + DUMP, "fix w all les/watch 1 threshold 1\n"])
def test_a_model_without_uncertainties_is_refused(tmp_path, model, command):
    script = (
        harness.setup(tmp_path, fluid(), model())
        + command.replace("write_dump", "run 0\nwrite_dump")
        + "run 0\n"
    )
    run = harness.run_lammps(script, tmp_path, expect_error=True)
    assert (
        "needs a model with uncertainties, and this one has none; type 'pair-les export RUN -o model.pt"
        in run.log
    )


def test_metadata_is_read(uncertain_model):
    assert load_model(uncertain_model())[1].uncertainty == Uncertainty(0.1, LENGTHS, 0.5, 10, 2)
