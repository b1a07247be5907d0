# SPDX-License-Identifier: MIT
"""``pair-les check`` on dumps of LAMMPS: it agrees with a good run and notices a wrong one."""

from __future__ import annotations

import harness
import numpy as np
import pytest
from pair_les.check import check
from pair_les.errors import DataError
from systems import random_fluid

FLUID = random_fluid(
    {"Na": 20, "Cl": 16}, np.array([[11.0, 0, 0], [2.0, 10.0, 0], [-1.5, 1.2, 12.0]]), seed=8
)
DUMP = "dump 1 all custom 5 traj.dump id type x y z q fx fy fz\ndump_modify 1 format float %.15g\n"


def run(folder, path, units="metal", columns=DUMP, edit=""):
    script = harness.setup(folder, FLUID, path, kspace="ewald 1e-10", units=units)
    harness.run_lammps(script + edit + columns + "fix 1 all nve\ntimestep 1e-4\nrun 10\n", folder, ranks=2)
    return folder / "model.pt", folder / "traj.dump"


@pytest.mark.parametrize("units", ["metal", "real"])
def test_good_run(tmp_path, model, units):
    results = list(check(*run(tmp_path, model(neutralize=True), units), elements=["Cl", "Na"], units=units))
    assert [result.frame for result in results] == [0, 1, 2]
    for result in results:
        assert result.n_atoms == len(FLUID)
        assert result.charge < 1e-9 and result.force_max < 1e-5


def test_wrong_model_is_noticed(tmp_path, model):
    _, dump = run(tmp_path, model())
    (result,) = check(model(alpha=0.2), dump, elements=["Cl", "Na"], frames=1)
    assert result.charge > 1e-2 and result.force_max > 1e-2


def test_swapped_elements_are_noticed(tmp_path, model):
    result = next(check(*run(tmp_path, model()), elements=["Na", "Cl"]))
    assert result.charge > 1.0


def test_errors(tmp_path, model):
    path, dump = run(tmp_path, model(), columns="dump 1 all custom 5 traj.dump id type x y z\n")
    with pytest.raises(DataError, match="neither charges nor forces to compare; type 'dump 1 all custom"):
        next(check(path, dump, elements=["Cl", "Na"]))
    with pytest.raises(DataError, match="units 'lj': must be one of metal, real"):
        next(check(path, dump, units="lj"))
    with pytest.raises(DataError, match="nothing.dump: cannot be read as a LAMMPS text dump"):
        next(check(path, tmp_path / "nothing.dump"))
