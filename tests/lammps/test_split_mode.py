# SPDX-License-Identifier: MIT
"""``pair_style les coul R``: the splitting parameter is the solver's, the physics is that of the matched mode."""

from __future__ import annotations

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from systems import System, random_fluid

ORTHOGONAL = np.diag([13.0, 12.5, 14.0])
TRICLINIC = np.array([[13.0, 0.0, 0.0], [2.0, 12.5, 0.0], [-1.5, 1.2, 14.0]])
PPPM = ("pppm 1e-7", "kspace_modify order 7")


def fluid(shape: str, charge: str) -> System:
    counts = {"neutral": {"Na": 30, "Cl": 30}, "charged": {"Na": 34, "Cl": 26}}[charge]
    return random_fluid(counts, {"orthogonal": ORTHOGONAL, "triclinic": TRICLINIC}[shape], seed=11)


def evaluate(folder, system, path, cutoff, kspace="ewald 1e-11", modify="", ranks=1, **options):
    pair = [f"pair_style les coul {cutoff}", f"pair_coeff * * model.pt {' '.join(system.types)}"]
    return harness.evaluate(
        folder, system, path, kspace=kspace, pair=pair, after_pair=[modify], ranks=ranks, **options
    )


@pytest.mark.parametrize("cutoff", [4.0, 6.0, 9.0, 12.0])
@pytest.mark.parametrize("charge", ["neutral", "charged"])
@pytest.mark.parametrize("shape", ["orthogonal", "triclinic"])
def test_ewald_against_the_direct_sum(tmp_path, model, shape, charge, cutoff):
    """At this accuracy only the cutoffs from 9 A leave a pair sum; the others check the fallback."""
    path, system = model(), fluid(shape, charge)
    assert_equal(
        evaluate(tmp_path, system, path, cutoff, ranks=2), oracle.evaluate(path, system), tolerances.EWALD
    )


def test_short_cutoff_falls_back_to_the_matched_mode(tmp_path, model):
    """A splitting parameter above the matched one would leave a pair sum cut off where it is not yet small."""
    evaluate(tmp_path, fluid("orthogonal", "neutral"), model(), 4.0)
    log = (tmp_path / "log.lammps").read_text()
    assert "cutoff 4 A and the accuracy asked for would need g_ewald 1.2" in log
    assert log.count("G vector (1/distance) = 0.70710678") >= 1


@pytest.mark.parametrize("name", ["baseline", "avx2", "avx512"])
def test_every_instruction_set(tmp_path, model, monkeypatch, name):
    """The pair sum takes four or eight pairs at a time."""
    monkeypatch.setenv("PAIR_LES_INSTRUCTION_SET", name)
    path, system = model(), fluid("triclinic", "charged")
    try:
        found = evaluate(tmp_path, system, path, 9.0)
    except AssertionError as error:
        if "this processor does not have it" not in str(error):
            raise
        pytest.skip(f"this processor has no {name}")
    assert_equal(found, oracle.evaluate(path, system), tolerances.EWALD)


def test_unknown_instruction_set(tmp_path, model, monkeypatch):
    monkeypatch.setenv("PAIR_LES_INSTRUCTION_SET", "sse9")
    with pytest.raises(AssertionError, match="must be baseline, avx2 or avx512"):
        evaluate(tmp_path, fluid("triclinic", "charged"), model(), 9.0)


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("charge", ["neutral", "charged"])
@pytest.mark.parametrize("cutoff", [6.0, 9.0, 12.0])
def test_pppm_against_the_direct_sum(tmp_path, model, charge, cutoff, ranks):
    path, system = model(), fluid("triclinic", charge)
    found = evaluate(tmp_path, system, path, cutoff, *PPPM, ranks=ranks)
    assert_equal(found, oracle.evaluate(path, system), tolerances.PPPM)


@pytest.mark.parametrize(
    "option",
    [
        {"self_interaction": True},
        {"neutralize": True},
        {"coulomb_constant": 14.3315, "self_interaction": True},
        {"sigma": 1.5},
        {"sigma": 0.7},
    ],
    ids=lambda option: ",".join(f"{key}={value}" for key, value in option.items()),
)
def test_options_of_long_range(tmp_path, model, option):
    path, system = model(**option), fluid("triclinic", "charged")
    assert_equal(
        evaluate(tmp_path, system, path, 8.0, ranks=2), oracle.evaluate(path, system), tolerances.EWALD
    )


def test_units_real(tmp_path, model):
    path, system = model(coulomb_constant=14.3315), fluid("triclinic", "charged")
    found = evaluate(tmp_path, system, path, 8.0, ranks=2, units="real")
    assert_equal(found, oracle.evaluate(path, system), tolerances.EWALD)


def test_gewald_of_the_user_is_used(tmp_path, model):
    path, system = model(), fluid("orthogonal", "charged")
    found = evaluate(tmp_path, system, path, 12.0, "ewald 1e-9", "kspace_modify gewald 0.45")
    assert_equal(found, oracle.evaluate(path, system), tolerances.EWALD)
    assert "G vector (1/distance) = 0.45" in (tmp_path / "log.lammps").read_text()


def test_gewald_above_the_matched_one_is_refused(tmp_path, model):
    system = fluid("orthogonal", "neutral")
    pair = ["pair_style les coul 9.0", "pair_coeff * * model.pt Cl Na"]
    script = (
        harness.setup(tmp_path, system, model(), pair=pair, after_pair=["kspace_modify gewald 0.9"])
        + "run 0\n"
    )
    run = harness.run_lammps(script, tmp_path, expect_error=True)
    assert (
        len(run.error_lines) == 1
        and "kspace_modify gewald 0.9 is more than the 0.70710678" in run.error_lines[0]
    )


def test_solver_chooses_gewald_although_it_starts_without_charges(tmp_path, model):
    """The first run must have the mesh of the second: charges are unknown when kspace is first initialized."""
    system = fluid("orthogonal", "neutral")
    script = harness.setup(
        tmp_path,
        system,
        model(),
        kspace="pppm 1e-5",
        pair=["pair_style les coul 9.0", "pair_coeff * * model.pt Cl Na"],
    )
    run = harness.run_lammps(script + "run 0\nrun 0\n", tmp_path)
    chosen = [line for line in run.log.splitlines() if "G vector" in line]
    assert len(chosen) == 3 and chosen[1] == chosen[2] != chosen[0]
    assert run.column("PotEng", 0)[-1] == pytest.approx(run.column("PotEng", 1)[-1], abs=1e-9)


def test_per_atom_energy_and_stress_sum_up(tmp_path, model):
    path, system = model(self_interaction=True), fluid("triclinic", "charged")
    script = harness.setup(
        tmp_path,
        system,
        path,
        kspace="pppm 1e-6",
        pair=["pair_style les coul 9.0", "pair_coeff * * model.pt Cl Na"],
    )
    script += "compute e all pe/atom\ncompute s all stress/atom NULL virial\n"
    script += "compute sum all reduce sum c_e c_s[*]\n"
    names = [f"c_sum[{component}]" for component in range(1, 8)]
    script += f"thermo_style custom step pe vol {' '.join(harness.VIRIAL_COLUMNS)} {' '.join(names)}\n"
    run = harness.run_lammps(script + "thermo_modify format float %.16g\nrun 0\n", tmp_path, ranks=2)
    energy = run.column("c_sum[1]")[-1]
    assert energy == pytest.approx(run.column("PotEng")[-1], rel=1e-9)
    for component, name in enumerate(harness.VIRIAL_COLUMNS):
        total = -run.column(f"c_sum[{component + 2}]")[-1] / run.column("Volume")[-1]
        assert total == pytest.approx(
            run.column(name)[-1], abs=1e-6 * abs(run.column(harness.VIRIAL_COLUMNS[0])[-1])
        )


def test_energy_is_conserved(tmp_path, model):
    """Tabulated pair sum, mesh and chain term together; the drift is that of the integrator."""
    system = fluid("orthogonal", "neutral")
    script = harness.setup(
        tmp_path,
        system,
        model(),
        kspace="pppm 1e-5",
        pair=["pair_style les coul 8.0", "pair_coeff * * model.pt Cl Na"],
    )
    script += "minimize 0 1e-2 200 1000\nvelocity all create 600 4\nfix 1 all nve\nthermo 50\nrun 500\n"
    total = harness.run_lammps(script, tmp_path, ranks=2).column("TotEng")
    assert np.ptp(total) / len(system) < 2e-4


def test_switching_modes_in_one_input(tmp_path, model):
    """Matched, split, matched: no mode leaves its splitting parameter behind."""
    system = fluid("orthogonal", "neutral")
    script = harness.setup(tmp_path, system, model(), kspace="ewald 1e-10")
    script += "run 0\npair_style les coul 9.0\npair_coeff * * model.pt Cl Na\nrun 0\n"
    script += "pair_style les\npair_coeff * * model.pt Cl Na\nrun 0\n"
    run = harness.run_lammps(script, tmp_path)
    energies = [run.column("PotEng", index)[-1] for index in range(3)]
    assert energies[1] == pytest.approx(energies[0], abs=1e-6)
    assert energies[2] == pytest.approx(energies[0], abs=1e-9)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("coul", "pair_style les keyword coul needs a cutoff; type 'pair_style les coul 9.0'"),
        ("coul -1", "pair_style les coul cutoff is -1 but must be > 0"),
        ("cool 9.0", "Unknown pair_style les keyword 'cool'"),
    ],
)
def test_errors(tmp_path, model, words, message, ranks):
    system = fluid("orthogonal", "neutral")
    script = harness.setup(tmp_path, system, model(), pair=[f"pair_style les {words}"])
    run = harness.run_lammps(script, tmp_path, ranks, expect_error=True)
    assert run.returncode != 0 and len(run.error_lines) == 1 and message in run.error_lines[0]
