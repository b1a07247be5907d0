# SPDX-License-Identifier: MIT
"""The mesh that is chosen where nobody has chosen one, and the error that the log promises of it."""

from __future__ import annotations

import re

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from systems import random_fluid

FLUID = random_fluid({"Na": 32, "Cl": 32}, np.diag([12.0, 11.0, 13.0]), seed=3, min_distance=2.0)
TRICLINIC = random_fluid(
    {"Na": 24, "Cl": 24}, [[11.0, 0.0, 0.0], [2.0, 10.0, 0.0], [-1.5, 1.2, 12.0]], seed=8, min_distance=1.9
)
LINE = re.compile(
    r"pair_style les: mesh (\d+) (\d+) (\d+) \(([\d.e+-]+) points per atom\), order (\d) diff (ad|ik)(.*), g_ewald "
    r"([\d.]+): estimated rms force error ([\d.e+-]+) (\S+) \(([\d.e+-]+) relative\)"
)


def reported(run: harness.Run) -> re.Match[str]:
    """The last line about the mesh."""
    return list(LINE.finditer(run.log))[-1]


def run(folder, model, modify=(), style="les", system=FLUID, kspace="pppm 1e-4", ranks=1, after="run 0\n"):
    pair = [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]
    script = harness.setup(folder, system, model, kspace=kspace, pair=pair, after_pair=modify)
    return harness.run_lammps(script + after, folder, ranks)


@pytest.mark.parametrize(
    ("modify", "style", "order", "diff", "chosen"),
    [
        ([], "les", "4567", "ad", True),
        ([], "les coul 8.0", "4567", "ad", True),
        ([], "les mesh auto", "4567", "ad", True),
        ([], "les mesh stock", "5", "ik", False),
        (["kspace_modify order 6"], "les", "6", "ik", False),
        (["kspace_modify diff ad"], "les", "5", "ad", False),
        (["kspace_modify order 7 diff ik"], "les", "7", "ik", False),
        (["kspace_modify mesh 24 24 25"], "les", "5", "ik", False),
    ],
)
def test_what_the_user_has_set_stays(tmp_path, model, modify, style, order, diff, chosen):
    line = reported(run(tmp_path, model(), modify, style))
    assert line[5] in order and line[6] == diff
    assert ("chosen by pair_style les" in line[7]) == chosen


@pytest.mark.parametrize("style", ["les", "les coul 8.0"])
def test_mesh_chosen_has_the_accuracy_asked_for(tmp_path, model, style):
    """And is not much finer than it has to be, at any accuracy; the finer the accuracy, the higher the order.

    Charges that alternate have errors of 0.2 to 0.7 of those of charges at random, for which the mesh is planned.
    """
    orders = []
    for accuracy in (1e-3, 1e-4, 1e-5, 1e-6):
        line = reported(run(tmp_path, model(), style=style, kspace=f"pppm {accuracy}"))
        # in split mode that of mesh and cutoff together
        assert 0.15 * accuracy < float(line[11]) < 1.05 * accuracy
        orders.append(line[5])
    assert orders == sorted(orders) and orders[0] < orders[-1]


def test_triclinic_box_keeps_ik(tmp_path, model):
    line = reported(run(tmp_path, model(), system=TRICLINIC))
    assert (line[5], line[6]) == ("7", "ik")


def test_choice_ends_with_the_style(tmp_path, model):
    """`mesh stock` later in the same input, and settings of the user between two runs."""
    again = "run 0\npair_style les {}\npair_coeff * * model.pt Cl Na\nrun 0\n"
    found = run(tmp_path, model(), after=again.format("mesh stock") + "kspace_modify order 4\nrun 0\n")
    lines = [(line[5], line[6]) for line in LINE.finditer(found.log)]
    assert lines == [("7", "ad"), ("5", "ik"), ("4", "ik")]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("modify", ["", "kspace_modify order 5 diff ad", "kspace_modify order 7 diff ik"])
@pytest.mark.parametrize("style", ["les", "les coul 7.0"])
def test_error_in_the_log_is_that_of_the_forces(tmp_path, model, modify, style, ranks):
    """Against the direct sum, with charges that respond. A few places in a mesh cell are averaged, but the log never has less than
    at the place where the atoms are."""
    path = model()
    found = run(tmp_path, path, [modify], style, ranks=ranks, after="run 0\n" + harness.DUMP)
    estimate = float(reported(found)[9])
    errors = harness.evaluation(found).forces - oracle.evaluate(path, FLUID).forces
    rms = float(np.sqrt((errors**2).sum(1).mean()))
    assert 0.98 * rms < estimate < 1.25 * rms, f"estimated {estimate}, found {rms}"
    assert float(reported(found)[11]) == pytest.approx(estimate / 14.399645, rel=0.05)


def test_units_real(tmp_path, model):
    pair = ["pair_style les", "pair_coeff * * model.pt Cl Na"]
    estimates = []
    for units in ("metal", "real"):
        folder = tmp_path / units
        folder.mkdir()
        script = harness.setup(folder, FLUID, model(), kspace="pppm 1e-4", pair=pair, units=units) + "run 0\n"
        estimates.append(reported(harness.run_lammps(script, folder)))
    assert [line[10] for line in estimates] == ["eV/A", "kcal/mol/A"]
    ratio = float(estimates[1][9]) / float(estimates[0][9])
    assert ratio == pytest.approx(harness.ENERGY_PER_EV["real"], rel=0.02)


def test_chosen_mesh_against_the_direct_sum(tmp_path, model):
    found = harness.evaluate(tmp_path, FLUID, model(), kspace="pppm 1e-7", ranks=2)
    assert_equal(found, oracle.evaluate(model(), FLUID), tolerances.PPPM)


def test_net_force_of_the_chosen_mesh_is_below_its_error(tmp_path, model):
    """`ad` conserves momentum to the mesh error only; `ik` to rounding."""
    found = {}
    for modify in ("", "kspace_modify order 7 diff ik"):
        folder = tmp_path / (modify.split()[-1] if modify else "chosen")
        folder.mkdir()
        end = run(folder, model(), [modify], kspace="pppm 1e-5", after="run 0\n" + harness.DUMP)
        found[folder.name] = np.abs(harness.evaluation(end).forces.sum(0)).max()
    assert found["ik"] < tolerances.NET_FORCE
    assert found["chosen"] < np.sqrt(len(FLUID)) * 1e-5 * 14.4


@pytest.mark.parametrize("words", ["mesh", "mesh fine"])
def test_errors(tmp_path, model, words):
    script = harness.setup(tmp_path, FLUID, model(), pair=[f"pair_style les {words}"])
    run = harness.run_lammps(script, tmp_path, expect_error=True)
    assert len(run.error_lines) == 1 and "must be auto or stock" in run.error_lines[0]


def test_kspace_style_given_again(tmp_path, model):
    """A second ``kspace_style`` command makes a new solver, for which order, diff and mesh are chosen once more."""
    again = "run 0\nkspace_style pppm 1e-4\nrun 0\nrun 0\n"
    for style in ("les", "les coul 8.0"):
        lines = [
            line.group(0) for line in LINE.finditer(run(tmp_path, model(), style=style, after=again).log)
        ]
        assert len(lines) == 3 and len(set(lines)) == 1, lines
