# SPDX-License-Identifier: MIT
"""Boxes that repeat in x and y only: ``boundary p p f`` with ``kspace_modify slab``."""

from __future__ import annotations

from dataclasses import replace

import ase.io
import harness
import numpy as np
import oracle
import pytest
import tolerances
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from compare import assert_equal
from pair_les.evaluation.label_errors import evaluate as compare_with_labels
from systems import System, random_fluid

SLAB = random_fluid({"Na": 16, "Cl": 14}, np.diag([10.0, 11.0, 9.0]), seed=5)
SLAB = replace(SLAB, cell=np.diag([10.0, 11.0, 16.0]))  # the fluid fills 9 of 16 A: no atom leaves through z
FIELD_OFF = {"before_box": ["boundary p p f"]}


def evaluate(folder, path, factor, kspace="ewald 1e-11", modify="", style="les", ranks=1):
    pair = [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]
    after = [f"kspace_modify slab {factor} {modify}".rstrip()]
    return harness.evaluate(
        folder, SLAB, path, kspace=kspace, pair=pair, after_pair=after, ranks=ranks, **FIELD_OFF
    )


def expected(path, factor):
    """The oracle in a cell whose z edge is longer by `factor`; the virial per original volume needs none."""
    lengths = np.diag(SLAB.cell) * [1.0, 1.0, factor]
    return oracle.evaluate(path, System(SLAB.symbols, SLAB.positions, np.diag(lengths)), slab=True)


@pytest.mark.parametrize("style", ["les", "les coul 8.0"])
@pytest.mark.parametrize(
    ("kspace", "modify", "tolerance"),
    [("ewald 1e-11", "", tolerances.EWALD), ("pppm 1e-7", "order 7", tolerances.PPPM)],
    ids=["ewald", "pppm"],
)
@pytest.mark.parametrize("ranks", [1, 2])
def test_against_the_direct_sum(tmp_path, model, style, kspace, modify, tolerance, ranks):
    path = model(neutralize=True)
    found = evaluate(tmp_path, path, 3.0, kspace, modify, style, ranks)
    reference = expected(path, 3.0)
    # along z the virial has no meaning
    in_plane = np.isin(np.arange(6), [0, 1, 3])
    virial = np.where(in_plane, found.virial, reference.virial)
    assert_equal(replace(found, virial=virial), reference, tolerance)


def test_frames_of_training_have_the_energy_of_lammps(tmp_path, model):
    """A frame with pbc="T T F" is what `boundary p p f` and `slab 3.0` compute."""
    path = model(neutralize=True)
    found = evaluate(tmp_path, path, 3.0)
    atoms = Atoms(SLAB.symbols, SLAB.positions, cell=SLAB.cell, pbc=(True, True, False))
    atoms.calc = SinglePointCalculator(atoms, energy=found.energy, forces=found.forces)
    ase.io.write(tmp_path / "slab.traj", atoms)
    errors = compare_with_labels(path, [tmp_path / "slab.traj"]).errors()
    assert errors["energy_rmse"] < 1e3 * tolerances.SLAB_VACUUM.energy
    assert errors["forces_rmse"] < 1e3 * tolerances.SLAB_VACUUM.force


def test_analytic_differentiation_is_refused(tmp_path, model):
    """LAMMPS divides by the length of the box, not by that of the extended one: forces along z are wrong by the factor."""
    after = ["kspace_modify slab 3.0 diff ad"]
    pair = ["pair_style les", "pair_coeff * * model.pt Cl Na"]
    script = harness.setup(
        tmp_path, SLAB, model(), kspace="pppm 1e-5", pair=pair, after_pair=after, **FIELD_OFF
    )
    run = harness.run_lammps(script + "run 0\n", tmp_path, expect_error=True)
    assert "type 'kspace_modify diff ik slab 3.0'" in run.error_lines[0]


def test_vacuum_does_not_matter(tmp_path, model):
    """The slab against one with a vacuum three times as large."""
    results = []
    for factor in (3.0, 7.0):
        folder = tmp_path / str(factor)
        folder.mkdir()
        results.append(evaluate(folder, model(neutralize=True), factor))
    assert results[0].energy == pytest.approx(results[1].energy, abs=len(SLAB) * 2e-6)
    np.testing.assert_allclose(results[0].forces, results[1].forces, atol=2e-4)


def test_four_ranks_of_which_some_are_empty(tmp_path, model):
    single = evaluate(tmp_path, model(neutralize=True), 3.0)
    split = harness.evaluate(
        tmp_path, SLAB, model(neutralize=True), kspace="ewald 1e-11", ranks=4,
        before_box=["boundary p p f", "processors 1 1 4"], after_pair=["kspace_modify slab 3.0"],
    )  # fmt: skip
    assert_equal(split, single, tolerances.SAME)


@pytest.mark.parametrize(
    ("boundary", "modify", "message"),
    [
        ("p p f", [], "needs a fully periodic box"),
        ("f f f", [], "boundary p p p"),
        ("p p f", ["kspace_modify slab nozforce"], "does not support kspace_modify wire or slab nozforce"),
    ],
)
def test_refused(tmp_path, model, boundary, modify, message):
    script = harness.setup(tmp_path, SLAB, model(), before_box=[f"boundary {boundary}"], after_pair=modify)
    run = harness.run_lammps(script + "run 0\n", tmp_path, expect_error=True)
    assert run.returncode != 0 and len(run.error_lines) == 1
    assert message in run.error_lines[0] or "non-periodic" in run.error_lines[0], run.error_lines


@pytest.mark.parametrize("style", ["les", "les coul 6.0", "les coul auto"])
def test_accuracy_asked_for(tmp_path, model, style):
    """LAMMPS's own mesh is too coarse along z where there is much empty space: seven times the error asked for."""
    path, accuracy = model(), 1e-4
    vacuum = replace(SLAB, cell=np.diag([10.0, 11.0, 32.0]))

    def forces(style, kspace):
        pair = [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]
        options = {"kspace": kspace, "pair": pair, "after_pair": ["kspace_modify slab 3.0"], **FIELD_OFF}
        return harness.evaluate(tmp_path, vacuum, path, **options).forces

    deviation = forces(style, f"pppm {accuracy}") - forces("les", "ewald 1e-11")
    rms = float(np.sqrt(np.mean(np.sum(deviation**2, axis=1))))
    print(f"{style}: rms force error {rms:.2e} eV/A, asked for {accuracy * 14.399645:.2e}")
    assert 0.02 * accuracy * 14.399645 < rms < accuracy * 14.399645
