# SPDX-License-Identifier: MIT
"""Masses that contradict the elements of ``pair_coeff``: refused before the run, of types and of atoms; or meant."""

from __future__ import annotations

import harness
import numpy as np
import pytest
from analytic_models import write_model
from error_lines import assert_one_error_line
from systems import random_fluid

WATER = random_fluid({"O": 6, "H": 12}, np.diag([9.0, 9.0, 9.0]), seed=4)
"""Types in alphabetical order: 1 is H, 2 is O."""


@pytest.fixture
def prepare(tmp_path):
    """``prepare(elements, *after_pair, style)``: commands up to ``run``, with other elements and commands after them."""

    def commands(elements: str, *after_pair: str, style: str = "les") -> str:
        write_model(tmp_path / "model.pt", species=["H", "O"])
        pair = [f"pair_style {style}", f"pair_coeff * * model.pt {elements}"]
        options = {"kspace": "ewald 1e-4", "pair": pair, "after_pair": after_pair}
        return harness.setup(tmp_path, WATER, "model.pt", **options) + "run 0\n"

    return commands


@pytest.mark.parametrize("ranks", [1, 2])
def test_order_that_fits(tmp_path, prepare, ranks):
    run = harness.run_lammps(prepare("O H"), tmp_path, ranks, expect_error=True)
    assert_one_error_line(
        run, ("type 1 is O", "mass 1.008, that of H", r"type 'pair_coeff \* \* model.pt H O'", "masses any")
    )


@pytest.mark.parametrize("ranks", [1, 2])
def test_masses_of_atoms_go_before_those_of_types(tmp_path, prepare, ranks):
    masses = ["fix rmass all property/atom rmass", "set type 1 mass 1.008", "set type 2 mass 15.999"]
    run = harness.run_lammps(prepare("O H", *masses), tmp_path, ranks, expect_error=True)
    assert_one_error_line(run, ("type 1 is O", "mass 1.008, that of H", "model.pt H O'"))
    wrong = [*masses, "set atom 3 mass 12.011"]
    run = harness.run_lammps(prepare("H O", *wrong), tmp_path, ranks, expect_error=True)
    assert_one_error_line(run, ("mass 12.011, that of C", "the model knows H O"))
    harness.run_lammps(prepare("H O", *masses, "mass 1 15.999", "mass 2 1.008"), tmp_path, ranks)


@pytest.mark.parametrize(
    ("elements", "style", "masses"),
    [
        ("O H", "les masses any", []),
        ("O H", "les", ["mass * 1.0"]),
        ("H O", "les masses check", ["mass 1 3.024", "mass 2 11.967"]),
    ],
    ids=["meant", "placeholders", "hydrogen mass repartitioning"],
)
def test_masses_that_run(tmp_path, prepare, elements, style, masses):
    harness.run_lammps(prepare(elements, *masses, style=style), tmp_path)
