# SPDX-License-Identifier: MIT
"""Variants of the kspace styles: OpenMP, staggered meshes, thread counts."""

from __future__ import annotations

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from systems import random_fluid

FLUID = random_fluid({"Na": 34, "Cl": 28}, np.diag([12.0, 13.0, 14.0]), seed=21)


@pytest.mark.parametrize("style", ["les", "les coul 8.0"])
@pytest.mark.parametrize(
    ("kspace", "modify", "tolerance"),
    [
        ("ewald/omp 1e-11", "", tolerances.EWALD),
        ("pppm/omp 1e-7", "kspace_modify order 7 diff ik", tolerances.PPPM),
        ("pppm/omp 1e-7", "kspace_modify order 7 diff ad", tolerances.PPPM),
        ("pppm/stagger 1e-7", "kspace_modify order 7", tolerances.PPPM),
    ],
    ids=["ewald/omp", "pppm/omp ik", "pppm/omp ad", "pppm/stagger"],
)
def test_variant(tmp_path, model, style, kspace, modify, tolerance):
    pair = [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]
    omp = ["package omp 1"] if "omp" in kspace else []
    found = harness.evaluate(
        tmp_path, FLUID, model(), kspace=kspace, pair=pair, before_box=omp, after_pair=[modify], ranks=2
    )
    assert_equal(found, oracle.evaluate(model(), FLUID), tolerance)


def test_threads_of_the_package_command(tmp_path, model):
    """``package omp 2`` sets the threads of the solver and of torch; results stay the same."""
    options = {"kspace": "pppm/omp 1e-7", "after_pair": ["kspace_modify order 7"]}
    found = harness.evaluate(tmp_path, FLUID, model(), before_box=["package omp 2"], **options)
    assert_equal(found, oracle.evaluate(model(), FLUID), tolerances.PPPM)


@pytest.mark.parametrize("kspace", ["pppm/disp 1e-4", "ewald/disp 1e-4", "pppm/tip4p 1e-4", "pppm/cg 1e-4"])
def test_refused(tmp_path, model, kspace):
    script = harness.setup(tmp_path, FLUID, model(), kspace=kspace) + "run 0\n"
    run = harness.run_lammps(script, tmp_path, ranks=2, expect_error=True)
    assert run.returncode != 0 and len(run.error_lines) == 1, run.output[-2000:]
