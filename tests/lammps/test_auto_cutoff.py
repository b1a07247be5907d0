# SPDX-License-Identifier: MIT
"""``pair_style les coul auto``: a cutoff that costs least, the same one on every rank and in every run."""

from __future__ import annotations

import re

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from systems import random_fluid, rock_salt

FLUID = random_fluid({"Na": 34, "Cl": 26}, np.diag([13.0, 12.5, 14.0]), seed=11)
CRYSTAL = rock_salt((16, 16, 16), 2.9, seed=1)
CHOSE = re.compile(
    r"coul auto chose (matched mode|R = [\d.]+ A) \(g_ewald ([\d.]+), ([\d.e+-]+) mesh points per atom\)"
)


def pair(style: str) -> list[str]:
    return [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_against_the_direct_sum(tmp_path, model, ranks):
    found = harness.evaluate(
        tmp_path, FLUID, model(), kspace="pppm 1e-7", pair=pair("les coul auto"), ranks=ranks
    )
    assert_equal(found, oracle.evaluate(model(), FLUID), tolerances.PPPM)


def test_choice_is_made_by_every_run_alike(tmp_path, model):
    """No timing takes part; before there are charges a guess of them does, afterwards they do."""
    chosen = []
    for name in ("first", "again"):
        folder = tmp_path / name
        folder.mkdir()
        script = harness.setup(folder, CRYSTAL, model(), kspace="pppm 1e-4", pair=pair("les coul auto"))
        run = harness.run_lammps(script + "run 0\nrun 0\nrun 0\n", folder)
        chosen.append(CHOSE.findall(run.log))
        assert "coul auto" in run.log and len(chosen[-1]) == 3
        assert chosen[-1][1] == chosen[-1][2]
    assert chosen[0] == chosen[1]


def test_a_coarser_mesh_than_the_matched_one(tmp_path, model):
    points = {}
    for style in ("les", "les coul auto"):
        folder = tmp_path / style.replace(" ", "-")
        folder.mkdir()
        script = harness.setup(folder, CRYSTAL, model(), kspace="pppm 1e-4", pair=pair(style))
        run = harness.run_lammps(script + "run 0\n", folder)
        points[style] = np.prod([int(n) for n in re.findall(r"grid = (\d+) (\d+) (\d+)", run.log)[-1]])
    assert points["les coul auto"] < 0.5 * points["les"]


def test_wide_gaussians_need_no_pair_sum(tmp_path, model):
    """With sigma = 4 A the matched mesh is coarser than any that a cutoff would allow."""
    script = harness.setup(
        tmp_path, CRYSTAL, model(sigma=4.0), kspace="pppm 1e-4", pair=pair("les coul auto")
    )
    run = harness.run_lammps(script + "run 0\n", tmp_path)
    assert CHOSE.findall(run.log)[0][0] == "matched mode"
    assert re.findall(r"G vector \(1/distance\) = ([\d.]+)", run.log)[-1] == "0.1767767"


@pytest.mark.parametrize(
    ("kspace", "modify", "message"),
    [
        ("ewald 1e-5", "", "knows the cost of pppm only, not of ewald; type a cutoff"),
        ("msm 1e-4", "", "knows the cost of pppm only, not of msm"),
        (
            "pppm 1e-5",
            "kspace_modify gewald 0.4",
            "kspace_modify gewald 0.4 leaves pair_style les coul auto no choice",
        ),
    ],
)
def test_refused(tmp_path, model, kspace, modify, message):
    script = harness.setup(
        tmp_path, FLUID, model(), kspace=kspace, pair=pair("les coul auto"), after_pair=[modify]
    )
    run = harness.run_lammps(script + "run 0\n", tmp_path, 2, expect_error=True)
    assert len(run.error_lines) == 1 and message in run.error_lines[0], run.error_lines
