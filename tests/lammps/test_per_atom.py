# SPDX-License-Identifier: MIT
"""Per-atom energies and stresses add up to the totals, in every mode and with every solver, to rounding."""

from __future__ import annotations

import harness
import numpy as np
import pytest
import tolerances
from ase import Atoms
from pair_les import LESCalculator
from systems import System, random_fluid

TRICLINIC = random_fluid(
    {"Na": 30, "Cl": 26}, [[13.0, 0.0, 0.0], [2.0, 12.5, 0.0], [-1.5, 1.2, 14.0]], seed=11
)
ORTHOGONAL = random_fluid({"Na": 30, "Cl": 26}, np.diag([13.0, 12.5, 14.0]), seed=11)
CLUSTER = System(ORTHOGONAL.symbols, ORTHOGONAL.positions, np.diag([30.0] * 3))
WORDS = "compute {id} all {style} NULL {keywords}\ncompute sum_{id} all reduce sum c_{id}[*]\n"

# name: system, boundary, pair style, kspace style, kspace_modify
CASES = {
    "ewald": (TRICLINIC, "p p p", "les", "ewald 1e-8", ""),
    "pppm": (TRICLINIC, "p p p", "les", "pppm 1e-5", ""),
    "pppm ad": (ORTHOGONAL, "p p p", "les", "pppm 1e-5", ""),
    "pppm split": (TRICLINIC, "p p p", "les coul 7.0", "pppm 1e-5", ""),
    "pppm split, R below the cutoff": (ORTHOGONAL, "p p p", "les coul 4.5", "pppm 1e-3", ""),
    "pppm stagger": (ORTHOGONAL, "p p p", "les", "pppm/stagger 1e-5", "kspace_modify order 7"),
    "slab": (ORTHOGONAL, "p p f", "les coul 8.0", "pppm 1e-5", "kspace_modify slab 3.0"),
    "cluster": (CLUSTER, "f f f", "les", None, ""),
    "cluster by msm": (CLUSTER, "f f f", "les coul 10.0", "msm 1e-4", ""),
}


def close(total: float, summed: float, scale: float) -> bool:
    return abs(total - summed) <= tolerances.PER_ATOM_RELATIVE * abs(scale)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_sums(tmp_path, model, case, ranks):
    """With self-interaction and a foreign Coulomb constant, so that every correction takes part; slabs are neutral."""
    system, boundary, style, kspace, modify = CASES[case]
    path = model(self_interaction=True, coulomb_constant=14.3315, neutralize=boundary == "p p f")
    script = harness.setup(
        tmp_path, system, path, kspace=kspace, after_pair=[modify], before_box=[f"boundary {boundary}"],
        pair=[f"pair_style {style}", "pair_coeff * * model.pt Cl Na"],
    )  # fmt: skip
    script += "compute e all pe/atom\ncompute sum_e all reduce sum c_e\n"
    script += WORDS.format(id="s", style="stress/atom", keywords="virial")
    names = [f"c_sum_s[{component}]" for component in range(1, 7)]
    script += (
        f"thermo_style custom step pe vol {' '.join(harness.VIRIAL_COLUMNS)} c_sum_e {' '.join(names)}\n"
    )
    run = harness.run_lammps(script + "thermo_modify format float %.17g\nrun 0\n", tmp_path, ranks)

    # the terms of the energy cancel: their size is that of the parts
    parts = np.abs(run.column("PotEng")[-1]) + len(system)
    energy, summed = run.column("PotEng")[-1], run.column("c_sum_e")[-1]
    assert close(energy, summed, parts), f"energy {energy}, summed {summed}"
    totals = np.array([run.column(name)[-1] for name in harness.VIRIAL_COLUMNS]) * run.column("Volume")[-1]
    stresses = -np.array([run.column(name)[-1] for name in names])
    scale = np.abs(totals).max()
    for component, (total, summed) in enumerate(zip(totals, stresses, strict=True)):
        assert close(total, summed, scale), f"stress {component}: {total}, summed {summed}"


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("case", ["pppm", "pppm split", "cluster"])
def test_centroid_stress(tmp_path, model, case, ranks):
    """Its symmetric components add up to those of stress/atom; with kspace, which has no centroid form, without it."""
    system, boundary, style, kspace, modify = CASES[case]
    script = harness.setup(
        tmp_path, system, model(), kspace=kspace, after_pair=[modify], before_box=[f"boundary {boundary}"],
        pair=[f"pair_style {style}", "pair_coeff * * model.pt Cl Na"],
    )  # fmt: skip
    for name in ("stress", "centroid/stress"):
        script += WORDS.format(id=name[0], style=f"{name}/atom", keywords="pair fix")
    names = [f"c_sum_s[{component}]" for component in range(1, 7)]
    names += [f"c_sum_c[{component}]" for component in range(1, 10)]
    script += f"thermo_style custom step pe {' '.join(names)}\nthermo_modify format float %.17g\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, ranks)
    found = np.array([run.column(name)[-1] for name in names])
    symmetric, centroid = found[:6], found[6:]
    scale = np.abs(symmetric).max()
    assert scale > 1e3, "bar angstrom^3: nothing is tested"
    np.testing.assert_allclose(centroid[:6], symmetric, rtol=0.0, atol=tolerances.PER_ATOM_RELATIVE * scale)
    # a central sum has no torque: yx zx zy are xy xz yz
    np.testing.assert_allclose(
        centroid[6:], symmetric[3:], rtol=0.0, atol=tolerances.PER_ATOM_RELATIVE * scale
    )


def test_calculator_shares_energies_and_stresses_alike(tmp_path, model):
    """`LESCalculator` in Python, of a charged triclinic cell with every correction."""
    path = model(self_interaction=True, coulomb_constant=14.3315)
    script = harness.setup(tmp_path, TRICLINIC, path, kspace="ewald 1e-8")
    script += "compute e all pe/atom\ncompute s all stress/atom NULL virial\nrun 0\n"
    script += "write_dump all custom dump.txt id c_e c_s[*] modify sort id format float %.17g\n"
    (dump,) = harness.run_lammps(script, tmp_path).dump()
    atoms = Atoms(TRICLINIC.symbols, TRICLINIC.positions, cell=TRICLINIC.cell, pbc=True)
    atoms.calc = LESCalculator(path)
    assert np.abs(dump["c_e"] - atoms.get_potential_energies()).max() < tolerances.EWALD.energy
    of_lammps = np.stack([dump[f"c_s[{column}]"] for column in (1, 2, 3, 6, 5, 4)], axis=1)
    virials = of_lammps / harness.PRESSURE_FACTOR["metal"]
    assert np.abs(virials).max() > 1e3 * tolerances.EWALD.virial, "nothing is tested"
    assert np.abs(virials - atoms.get_stresses() * atoms.get_volume()).max() < tolerances.EWALD.virial


def test_centroid_stress_of_kspace_is_refused_by_lammps(tmp_path, model):
    """As documented: LAMMPS itself says so, rather than leave a part out."""
    script = harness.setup(tmp_path, TRICLINIC, model(), kspace="pppm 1e-4")
    script += "compute c all centroid/stress/atom NULL virial\nthermo_style custom step\n"
    script += "compute sum all reduce sum c_c[1]\nthermo_style custom step c_sum\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, expect_error=True)
    assert len(run.error_lines) == 1 and "centroid/stress" in run.error_lines[0]
