# SPDX-License-Identifier: MIT
"""Messages of ghosts come from their own ranks: the numbers of the doubled halo, with fewer ghosts and edges."""

from __future__ import annotations

import re
from pathlib import Path

import harness
import numpy as np
import oracle
import pytest
import tolerances
import torch
from compare import assert_equal
from error_lines import assert_one_error_line
from message_models import write_layers
from pair_les.model_file import LongRange, Metadata, save_model
from pair_les.net import NetSettings, network_class
from pair_les.net.committee import committee_of
from systems import System, random_fluid

TRICLINIC = random_fluid(
    {"Na": 30, "Cl": 26}, [[11.0, 0.0, 0.0], [2.0, 12.0, 0.0], [-2.0, 1.5, 13.0]], seed=6, min_distance=1.9
)
SMALL = random_fluid({"Na": 3, "Cl": 3}, np.diag([4.0, 4.4, 5.0]), seed=2, min_distance=1.6)
SETTINGS = NetSettings(cutoff=3.5, n_radial=4, l_max=2, n_channels=4, hidden=(8,), message_passing_layers=1)
MODES = ("communicate", "recompute")
TWO_RANKS = ["processors 2 1 1"]


def write_network(
    path: Path, dtype: str = "float64", members: int = 1, charge: bool = True, cut: bool = True
) -> Path:
    """A network of this package with random weights, which are the same for every `dtype`."""
    torch.manual_seed(4)
    nets = []
    for _ in range(members):
        net = network_class(SETTINGS)(["Na", "Cl"], SETTINGS, charge=charge)
        with torch.no_grad():  # a new network starts flat
            net.readout.last.weight.normal_(0.0, 0.3)
        nets.append(net.to(getattr(torch, dtype)))
    whole = nets[0] if members == 1 else committee_of(nets)
    long_range = LongRange(1.0) if charge else None
    features = whole.message_features() if cut else []
    metadata = Metadata(("Na", "Cl"), 3.5, 1, dtype, long_range, committee=members, message_features=features)
    save_model(path, torch.jit.script(whole), metadata)
    return path


def pair(mode: str, keywords: str = "", elements: str = "Cl Na") -> list[str]:
    return [f"pair_style les message_passing {mode} {keywords}", f"pair_coeff * * model.pt {elements}"]


def in_both_modes(
    tmp_path: Path,
    system: System,
    model: Path,
    ranks: int = 1,
    tolerance: tolerances.Tolerance = tolerances.SAME_MESSAGES,
    keywords: str = "",
    **options: object,
) -> dict[str, harness.Evaluation]:
    found = {}
    for mode in MODES:
        (tmp_path / mode).mkdir()
        found[mode] = harness.evaluate(
            tmp_path / mode, system, model, ranks=ranks, pair=pair(mode, keywords), **options
        )
        log = (tmp_path / mode / "log.lammps").read_text()
        assert {"communicate": "communicated", "recompute": "computed again"}[mode] in log
    assert_equal(found["communicate"], found["recompute"], tolerance)
    return found


MODELS = {
    "our network": write_network,
    "two layers": lambda path: write_layers(path, 2),
}


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("writer", MODELS.values(), ids=MODELS)
def test_same_as_the_doubled_halo(tmp_path, writer, ranks):
    writer(tmp_path / "file.pt")
    found = in_both_modes(tmp_path, TRICLINIC, tmp_path / "file.pt", ranks)
    expected = oracle.evaluate(tmp_path / "file.pt", TRICLINIC)
    assert_equal(found["communicate"], expected, tolerances.EWALD)


@pytest.mark.parametrize("writer", MODELS.values(), ids=MODELS)
def test_nothing_is_kept_between_the_passes(tmp_path, writer):
    """``memory 0``: each layer is evaluated once more before it is differentiated."""
    writer(tmp_path / "file.pt")
    options = {"pair": pair("communicate", "memory 0"), "ranks": 2}
    found = harness.evaluate(tmp_path, TRICLINIC, tmp_path / "file.pt", **options)
    assert_equal(found, oracle.evaluate(tmp_path / "file.pt", TRICLINIC), tolerances.EWALD)


def test_four_ranks_and_communication_by_cuts(tmp_path):
    write_layers(tmp_path / "file.pt", 2)
    options = {"before_box": ["comm_style tiled"], "after_pair": ["balance 1.0 rcb"]}
    found = harness.evaluate(tmp_path, TRICLINIC, tmp_path / "file.pt", ranks=4, **options)
    assert_equal(found, oracle.evaluate(tmp_path / "file.pt", TRICLINIC), tolerances.EWALD)


@pytest.mark.parametrize("ranks", [1, 2])
def test_atoms_that_hear_themselves(tmp_path, ranks):
    """A box hardly longer than the cutoff: most messages come from images, some of the atom itself."""
    write_layers(tmp_path / "file.pt", 2)
    found = harness.evaluate(tmp_path, SMALL, tmp_path / "file.pt", ranks=ranks)
    assert_equal(found, oracle.evaluate(tmp_path / "file.pt", SMALL), tolerances.EWALD)


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_without_atoms(tmp_path, ranks):
    positions = np.array([[2.0, 2.0, 1.0], [4.3, 2.0, 1.0], [5.0, 4.5, 1.5], [7.0, 8.0, 18.0]])
    system = System(("Na", "Cl", "Na", "Cl"), positions, np.diag([12.0, 12.0, 40.0]))
    write_layers(tmp_path / "file.pt", 1)
    found = harness.evaluate(
        tmp_path, system, tmp_path / "file.pt", ranks=ranks, before_box=["processors 1 1 *"]
    )
    assert_equal(found, oracle.evaluate(tmp_path / "file.pt", system), tolerances.EWALD)


def test_split_mode_and_several_cutoffs_of_ghosts(tmp_path):
    """Charges and messages of ghosts by turns; a communication cutoff for each type is no obstacle here."""
    write_network(tmp_path / "file.pt")
    found = harness.evaluate(
        tmp_path,
        TRICLINIC,
        tmp_path / "file.pt",
        ranks=2,
        kspace="ewald 1e-10",
        before_box=["neighbor 2.0 multi", "comm_modify mode multi"],
        pair=pair("communicate", "coul 7.0"),
    )
    assert_equal(found, oracle.evaluate(tmp_path / "file.pt", TRICLINIC), tolerances.EWALD)


def test_charge_equilibration(tmp_path):
    write_layers(tmp_path / "file.pt", 1, equilibration=True)
    found = in_both_modes(
        tmp_path,
        TRICLINIC,
        tmp_path / "file.pt",
        2,
        tolerance=tolerances.EWALD,  # of iterations that end at 1e-10
        keywords="qtol 1e-10",
        kspace="ewald 1e-10",
    )
    assert np.ptp(found["communicate"].charges) > 0.1


def test_single_precision(tmp_path):
    """Messages travel as they are: two to a word of LAMMPS's buffers, and 45 is odd."""
    write_network(tmp_path / "file.pt", "float32")
    in_both_modes(tmp_path, TRICLINIC, tmp_path / "file.pt", 2, tolerances.FLOAT32)


def test_types_that_take_no_part(tmp_path):
    """Nodes of the graph are not atoms here, and hybrid learns late how much its style communicates."""
    write_layers(tmp_path / "file.pt", 1, charged=False)
    mixed = random_fluid({"Na": 16, "Cl": 12, "Ar": 14}, np.diag([11.0, 10.0, 12.0]), seed=3)
    results = []
    for mode in MODES:
        (tmp_path / mode).mkdir()
        commands = [
            f"pair_style hybrid/overlay les message_passing {mode} lj/cut 4.0",
            "pair_coeff * * les model.pt NULL Cl Na",
            "pair_coeff * * lj/cut 0.01 2.0",
        ]
        results.append(
            harness.evaluate(
                tmp_path / mode, mixed, tmp_path / "file.pt", ranks=2, kspace=None, pair=commands
            )
        )
    assert_equal(*results, tolerances.SAME_MESSAGES)
    ions = [symbol != "Ar" for symbol in mixed.symbols]
    alone = System(tuple(np.array(mixed.symbols)[ions]), mixed.positions[ions], mixed.cell)
    (tmp_path / "lj").mkdir()
    lj = ["pair_style lj/cut 4.0", "pair_coeff * * 0.01 2.0"]
    other = harness.evaluate(tmp_path / "lj", mixed, tmp_path / "file.pt", kspace=None, pair=lj)
    total = results[0].energy - other.energy
    assert abs(total - oracle.evaluate(tmp_path / "file.pt", alone).energy) < 1e-9


def test_forces_by_differences(tmp_path):
    """The energy that LAMMPS prints is what the forces derive from, on two ranks."""
    write_layers(tmp_path / "file.pt", 2)
    script = harness.setup(tmp_path, TRICLINIC, tmp_path / "file.pt", kspace="ewald 1e-11")
    step = 1e-4
    script += "run 0\n" + harness.DUMP
    atoms = {3: (1.0, 0.0, 0.0), 20: (0.0, 1.0, 0.0), 41: (0.0, 0.0, 1.0)}
    for tag, axis in atoms.items():
        script += f"group moved id {tag}\n"
        for sign in (1.0, -2.0):
            script += f"displace_atoms moved move {' '.join(str(sign * step * a) for a in axis)}\nrun 0\n"
        script += f"displace_atoms moved move {' '.join(str(step * a) for a in axis)}\ngroup moved delete\n"
    run = harness.run_lammps(script, tmp_path, 2)
    forces = harness.evaluation(run, index=0).forces
    energies = [thermo["PotEng"][-1] for thermo in run.thermo]
    for number, (tag, axis) in enumerate(atoms.items()):
        difference = -(energies[2 * number + 1] - energies[2 * number + 2]) / (2 * step)
        assert abs(forces[tag - 1] @ axis - difference) < tolerances.DIFFERENCED_FORCE


PER_ATOM = """compute e all pe/atom
compute s all stress/atom NULL virial
compute c all centroid/stress/atom NULL virial
compute born all les/born/atom
compute spread all les/committee/atom
"""
WRITE_PER_ATOM = (
    "write_dump all custom atoms.txt id c_e c_s[*] c_born[*] c_spread[*] modify sort id format float %.17g\n"
)


def test_what_belongs_to_atoms(tmp_path):
    """Energies, virials, Born charges and the spread of a committee: all of them backward passes of their own."""
    write_network(tmp_path / "file.pt", members=2)
    tables = []
    for mode in MODES:
        (tmp_path / mode).mkdir()
        script = harness.setup(
            tmp_path / mode, TRICLINIC, tmp_path / "file.pt", kspace="ewald 1e-8", pair=pair(mode)
        )
        script += PER_ATOM.replace("compute c all centroid/stress/atom NULL virial\n", "")
        run = harness.run_lammps(script + "run 0\n" + WRITE_PER_ATOM, tmp_path / mode, 2)
        tables.append(run.dump("atoms.txt")[0])
    for name, values in tables[0].items():
        scale = np.abs(values).max()
        np.testing.assert_allclose(values, tables[1][name], atol=1e-10 * scale, err_msg=name)
        assert scale > 0.0, name


START = "velocity all create 900.0 7 loop geom\nfix nve all nve\nneigh_modify every 1 delay 0 check yes\nthermo 5\n"


def test_dynamics(tmp_path):
    """Lists that are rebuilt, atoms that change rank, a second run, another mode in between, and a minimization."""
    write_network(tmp_path / "file.pt")
    script = harness.setup(
        tmp_path, TRICLINIC, tmp_path / "file.pt", kspace="ewald 1e-8", before_box=["neighbor 0.05 bin"]
    )
    again = "\n".join(pair("recompute")) + "\n"
    back = "\n".join(pair("communicate")) + "\n"
    script += START + "run 20\nrun 20\n" + again + "run 0\n" + back + "run 0\n" + harness.DUMP
    script += "unfix nve\nminimize 0.0 1e-3 20 40\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, 2)
    assert int(re.findall(r"^Neighbor list builds = (\d+)", run.log, re.MULTILINE)[1]) > 1
    total = np.concatenate([run.column("TotEng", index) for index in (0, 1)])
    assert np.ptp(total) < 1e-4 * len(TRICLINIC)
    energies = [run.column("PotEng", index)[-1] for index in range(4)]
    assert np.ptp(energies[1:]) < 1e-9, "the mode makes no difference"
    assert run.column("PotEng", 4)[-1] < energies[3] - 0.1
    assert run.column("PotEng", 5)[-1] == pytest.approx(run.column("PotEng", 4)[-1], abs=1e-9)
    # printed where the neighbor lists change
    assert re.findall(r"ghost atom cutoff = ([\d.]+)", run.log) == ["3.55", "7.05", "3.55"]


def test_fewer_ghosts_and_edges(tmp_path):
    """What the doubled halo costs: ghosts, and neighbors of ghosts."""
    write_layers(tmp_path / "file.pt", 1)
    counts = {}
    for mode in MODES:
        (tmp_path / mode).mkdir()
        script = harness.setup(
            tmp_path / mode,
            TRICLINIC,
            tmp_path / "file.pt",
            pair=pair(mode),
            before_box=[*TWO_RANKS, "neighbor 0.5 bin"],
        )
        log = harness.run_lammps(script + "run 0\n", tmp_path / mode, 2).log
        ghosts = float(re.search(r"^Nghost: +([\d.]+) ave", log, re.MULTILINE)[1])
        neighbors = float(re.search(r"^FullNghs: +([\d.]+) ave", log, re.MULTILINE)[1])
        counts[mode] = ghosts, neighbors
    (few_ghosts, of_local), (ghosts, of_all) = (counts[mode] for mode in MODES)
    assert few_ghosts < 0.5 * ghosts
    assert of_local <= of_all


def test_edges_of_local_atoms_only(tmp_path):
    """The network of one rank sees each edge of the system once, and not those of ghosts beside them."""
    n_edges = len(oracle.neighbor_images(TRICLINIC, 3.5)[0])
    write_layers(tmp_path / "model.pt", 1, most_edges=n_edges)
    script = harness.setup(tmp_path, TRICLINIC, "model.pt", pair=pair("communicate"))
    harness.run_lammps(script + "run 0\n", tmp_path)
    script = harness.setup(tmp_path, TRICLINIC, "model.pt", pair=pair("recompute"))
    run = harness.run_lammps(script + "run 0\n", tmp_path, expect_error=True)
    assert_one_error_line(run, ("model.pt", "more edges than most_edges"))


@pytest.mark.parametrize("failing", ["send", "finish"])
def test_failure_of_one_rank(tmp_path, failing):
    """A rank without atoms asks the network nothing: it must not wait for messages of one that has failed."""
    positions = np.array([[2.0, 2.0, 1.0], [4.3, 2.0, 1.0]])
    system = System(("Na", "Cl"), positions, np.diag([12.0, 12.0, 40.0]))
    write_layers(tmp_path / "model.pt", 2, failing=failing)
    script = harness.setup(tmp_path, system, "model.pt", before_box=["processors 1 1 2"]) + "run 0\n"
    run = harness.run_lammps(script, tmp_path, 2, timeout=60, expect_error=True)
    assert_one_error_line(run, ("model.pt", f"this layer cannot {failing}"))


def write_local(path: Path) -> None:
    write_layers(path, 0, cut=False)


ERRORS = {
    "no choice": ("message_passing", write_layers, ("message_passing", "communicate or recompute")),
    "unknown": ("message_passing twice", write_layers, ("'twice'", "communicate or recompute")),
    "strictly local": (
        "message_passing recompute",
        write_local,
        ("model.pt", "none", "remove it"),
    ),
    "not cut": (
        "message_passing communicate",
        lambda path: write_layers(path, cut=False),
        ("model.pt", "message_features", "message_passing recompute"),
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_keyword_errors(tmp_path, case):
    keywords, writer, pattern = ERRORS[case]
    writer(tmp_path / "model.pt")
    commands = [f"pair_style les {keywords}", "pair_coeff * * model.pt Cl Na"]
    script = harness.setup(tmp_path, TRICLINIC, "model.pt", pair=commands) + "run 0\n"
    run = harness.run_lammps(script, tmp_path, timeout=60, expect_error=True)
    assert_one_error_line(run, pattern)
