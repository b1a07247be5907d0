# SPDX-License-Identifier: MIT
"""Molecules and clusters: ``boundary f f f`` without a kspace style, summed directly over all pairs."""

from __future__ import annotations

import json

import harness
import numpy as np
import pytest
import tolerances
from analytic_models import write_model
from isolated_reference import expected
from shared_data import SHARED
from systems import System, random_fluid

CLUSTER = random_fluid({"Na": 14, "Cl": 12}, np.diag([11.0, 10.0, 12.0]), seed=9)
ONE_ELEMENT_EACH = ("H", "He", "Li", "Be", "B", "C")


def run(folder, system, path, ranks=1, boundary="f f f", **options):
    return harness.evaluate(
        folder, system, path, kspace=None, before_box=[f"boundary {boundary}"], ranks=ranks, **options
    )


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize(
    "options",
    [{}, {"self_interaction": True}, {"neutralize": True}, {"sigma": 1.7, "coulomb_constant": 14.3315}],
    ids=["plain", "self", "neutralize", "sigma"],
)
def test_against_the_python_reference(tmp_path, model, options, ranks):
    path = model(**options)
    found, reference = run(tmp_path, CLUSTER, path, ranks), expected(path, CLUSTER)
    np.testing.assert_allclose(found.charges, reference.charges, atol=1e-12)
    assert found.energy == pytest.approx(reference.energy, abs=tolerances.EWALD.energy * len(CLUSTER))
    np.testing.assert_allclose(found.forces, reference.forces, atol=tolerances.CONVERGED_SUM * 10)


def test_virial_by_strain(tmp_path, model):
    """E of the strained cluster, differenced; the box is not periodic, the virial is sum r F all the same."""
    path, step, gradient = model(), 1e-5, []
    for i, j in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]:
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += 0.5 * sign * step
            strain[j, i] += 0.5 * sign * step
            energies.append(
                expected(path, System(CLUSTER.symbols, CLUSTER.positions @ strain, CLUSTER.cell)).energy
            )
        gradient.append(-(energies[0] - energies[1]) / (2 * step))
    np.testing.assert_allclose(run(tmp_path, CLUSTER, path, 2).virial, gradient, atol=1e-5)


def test_per_atom_energy_and_units_real(tmp_path, model):
    path = model(self_interaction=True)
    script = harness.setup(tmp_path, CLUSTER, path, kspace=None, before_box=["boundary f f f"], units="real")
    script += "compute e all pe/atom\ncompute sum all reduce sum c_e\nthermo_style custom step pe c_sum vol\n"
    found = harness.run_lammps(script + "thermo_modify format float %.16g\nrun 0\n", tmp_path, 2)
    assert found.column("PotEng")[-1] / 23.060549 == pytest.approx(expected(path, CLUSTER).energy, abs=1e-8)
    assert found.column("c_sum")[-1] == pytest.approx(found.column("PotEng")[-1], rel=1e-12)


def test_energy_is_conserved(tmp_path, model):
    script = harness.setup(tmp_path, CLUSTER, model(), kspace=None, before_box=["boundary s s s"])
    script += "minimize 0 1e-2 200 1000\nvelocity all create 300 4\nfix 1 all nve\nthermo 50\nrun 500\n"
    total = harness.run_lammps(script, tmp_path, 2).column("TotEng")
    assert np.ptp(total) / len(CLUSTER) < 2e-4


def isolated_vectors():
    path = SHARED / "vectors" / "les_vectors.json"
    cases = json.loads(path.read_text())["cases"] if path.exists() else []
    return [
        case for case in cases if case["cell"] is None and len(case["positions"]) == len(ONE_ELEMENT_EACH)
    ]


@pytest.mark.skipif(
    not isolated_vectors(), reason="no reference vectors: ../shared/vectors or PAIR_LES_SHARED"
)
@pytest.mark.parametrize(
    "case",
    isolated_vectors(),
    ids=lambda case: "{name}-{sigma}-{norm_factor}-{remove_self_interaction}".format(**case),
)
def test_reference_vectors(tmp_path, case):
    charges = case.get("q0", case["charges"])
    write_model(
        tmp_path / "vector.pt",
        species=list(ONE_ELEMENT_EACH),
        q0=charges,
        e0=[0.0] * len(charges),
        alpha=0.1 if "q0" in case else 0.0,
        amplitude=0.0,
        embedding=0.0,
        sigma=case["sigma"],
        coulomb_constant=case["norm_factor"] / (2.0 * np.pi),
        self_interaction=not case["remove_self_interaction"],
    )
    positions = np.array(case["positions"])
    low = positions.min(axis=0) - 1.0
    system = System(ONE_ELEMENT_EACH, positions, np.diag(np.ptp(positions, axis=0) + 2.0), origin=low)
    found = run(tmp_path, system, tmp_path / "vector.pt", ranks=2, types=ONE_ELEMENT_EACH)
    tolerance = tolerances.VECTORS_LAMMPS
    np.testing.assert_allclose(found.charges, case["charges"], atol=tolerance.charge)
    assert found.energy == pytest.approx(case["energy"], abs=tolerance.energy)
    np.testing.assert_allclose(
        found.forces, case["forces_total" if "q0" in case else "forces_fixed_q"], atol=tolerance.force
    )


def test_partly_periodic_is_refused(tmp_path, model):
    script = harness.setup(tmp_path, CLUSTER, model(), kspace=None, before_box=["boundary p f f"])
    found = harness.run_lammps(script + "run 0\n", tmp_path, 2, expect_error=True)
    assert len(found.error_lines) == 1 and "needs a kspace style" in found.error_lines[0]
