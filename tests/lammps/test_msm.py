# SPDX-License-Identifier: MIT
"""kspace_style msm through split mode: its kernel is a polynomial, so nothing of the Gaussian algebra applies."""

from __future__ import annotations

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from isolated_reference import expected
from systems import System, random_fluid

CLUSTER = random_fluid({"Na": 14, "Cl": 12}, np.diag([11.0, 10.0, 12.0]), seed=9)
WIDE = System(CLUSTER.symbols, CLUSTER.positions, 26.0 * np.eye(3), origin=np.array([-7.0, -8.0, -7.0]))
FLUID = random_fluid({"Na": 34, "Cl": 30}, np.diag([12.0, 13.0, 14.0]), seed=2)


def pair(cutoff: float) -> list[str]:
    return [f"pair_style les coul {cutoff}", "pair_coeff * * model.pt Cl Na"]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("options", [{}, {"self_interaction": True}, {"neutralize": True}], ids=str)
def test_cluster_against_the_direct_sum(tmp_path, model, options, ranks):
    path = model(**options)
    found = harness.evaluate(
        tmp_path, WIDE, path, kspace="msm 1e-6", pair=pair(10.0), before_box=["boundary f f f"], ranks=ranks
    )
    reference = expected(path, WIDE)
    assert found.energy == pytest.approx(reference.energy, abs=len(WIDE) * tolerances.MSM.energy)
    np.testing.assert_allclose(found.forces, reference.forces, atol=tolerances.MSM.force)


@pytest.mark.parametrize("ranks", [1, 2])
def test_periodic_against_the_direct_sum(tmp_path, model, ranks):
    path = model(neutralize=True)
    found = harness.evaluate(
        tmp_path, FLUID, path, kspace="msm 1e-6", pair=pair(10.0), ranks=ranks, timeout=120
    )
    assert_equal(found, oracle.evaluate(path, FLUID), tolerances.MSM)


@pytest.mark.parametrize(
    ("words", "options", "boundary", "message"),
    [
        ("les", {}, "f f f", "kspace_style msm has no Gaussian to match; type 'pair_style les coul 10.0'"),
        ("les coul 5.0", {}, "f f f", "must be at least 5.5 sigma = 5.5"),
        ("les coul 9.0", {}, "p p p", "needs charges that add up to zero"),
    ],
)
def test_refused(tmp_path, model, words, options, boundary, message):
    script = harness.setup(
        tmp_path, WIDE, model(**options), kspace="msm 1e-4", before_box=[f"boundary {boundary}"],
        pair=[f"pair_style {words}", "pair_coeff * * model.pt Cl Na"],
    )  # fmt: skip
    run = harness.run_lammps(script + "run 0\n", tmp_path, expect_error=True)
    assert len(run.error_lines) == 1 and message in run.error_lines[0]
