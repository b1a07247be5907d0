# SPDX-License-Identifier: MIT
"""``compute heat/flux`` of isolated clusters against the rate of change of sum_i r_i e_i, by finite differences.

A cluster, because the barycenter of the energy is defined there. The heat current of an energy sum e_i + sum q_i phi_i / 2 is
that of LAMMPS's per-atom energies and centroid stresses, exactly, where charges do not change. Charges that do move energy
between distant atoms without any force between them::

    J_q = 1/2 sum_ij q_i (dq_j/dt) J(r_ij) (r_i - r_j),   J(r) = k_e erf(r / (sqrt2 sigma)) / r

which no per-atom stress contains (docs/reference/pair_les.rst says so); the second test adds it and finds the whole current.
"""

from __future__ import annotations

import math
from pathlib import Path

import harness
import numpy as np
import pytest
import tolerances
from analytic_models import KE
from systems import System, random_fluid

FLUID = random_fluid({"Na": 14, "Cl": 12}, np.diag([10.0, 9.0, 11.0]), seed=5, min_distance=2.2)
CLUSTER = System(FLUID.symbols, FLUID.positions, np.diag([40.0] * 3), origin=np.array([-15.0] * 3))
STEP = 2e-5  # ps
STATE = "dump state all custom 1 state.txt id type x y z vx vy vz q c_ke c_pe\n"


def trajectory(folder: Path, path: Path, ranks: int) -> tuple[list[dict[str, np.ndarray]], np.ndarray]:
    """Three consecutive states of a cluster in free flight, and LAMMPS's heat current at the middle one (eV A/ps)."""
    script = harness.setup(folder, CLUSTER, path, kspace=None, before_box=["boundary f f f"])
    script += "compute ke all ke/atom\ncompute pe all pe/atom\n"
    script += "compute s all centroid/stress/atom NULL virial\ncompute j all heat/flux ke pe s\n"
    script += STATE + "dump_modify state sort id format float %.17g\n"
    script += f"velocity all create 900 12 mom yes\nfix nve all nve\ntimestep {STEP}\nthermo 1\n"
    script += "thermo_style custom step pe c_j[1] c_j[2] c_j[3]\nthermo_modify format float %.17g\nrun 2\n"
    run = harness.run_lammps(script, folder, ranks)
    current = np.array([run.column(f"c_j[{component}]")[1] for component in (1, 2, 3)])
    return run.dump("state.txt"), current


def differenced(frames: list[dict[str, np.ndarray]]) -> np.ndarray:
    """d/dt sum_i r_i e_i at the middle frame."""
    moments = [
        sum((frame["c_ke"] + frame["c_pe"])[:, None] * np.stack([frame[axis] for axis in "xyz"], axis=-1))
        for frame in (frames[0], frames[2])
    ]
    return (moments[1] - moments[0]) / (2.0 * STEP)


def current_of_changing_charges(frames: list[dict[str, np.ndarray]]) -> np.ndarray:
    """J_q of this module's docstring."""
    x = np.stack([frames[1][axis] for axis in "xyz"], axis=-1)
    charges = frames[1]["q"]
    rates = (frames[2]["q"] - frames[0]["q"]) / (2.0 * STEP)
    vectors = x[:, None] - x[None]
    distances = np.linalg.norm(vectors, axis=-1) + np.eye(len(x))
    kernel = KE * np.vectorize(math.erf)(distances / math.sqrt(2.0)) / distances * (1.0 - np.eye(len(x)))
    return 0.5 * np.einsum("i,j,ij,ijk->k", charges, rates, kernel, vectors)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("options", [{"alpha": 0.0}, {"sigma": None}], ids=["fixed charges", "no charges"])
def test_heat_current(tmp_path, model, options, ranks):
    frames, current = trajectory(tmp_path, model(**options), ranks)
    expected = differenced(frames)
    assert np.abs(expected).max() > 1.0
    np.testing.assert_allclose(current, expected, rtol=0.0, atol=tolerances.HEAT_CURRENT)


def test_heat_current_of_charges_that_change(tmp_path, model):
    frames, current = trajectory(tmp_path, model(), 1)
    expected, transfer = differenced(frames), current_of_changing_charges(frames)
    assert np.abs(transfer).max() > 100.0 * tolerances.HEAT_CURRENT, "the term is too small to be seen"
    np.testing.assert_allclose(current + transfer, expected, rtol=0.0, atol=tolerances.HEAT_CURRENT)
