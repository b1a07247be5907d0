# SPDX-License-Identifier: MIT
"""Forces and virial are the derivatives of the energy that LAMMPS itself prints.

This needs no oracle: atoms are moved by ``displace_atoms``, the box is strained by ``change_box``, and the energies of
``run 0`` are differenced. A missing chain term, a projection applied to the charges but not to the potential, a wrong
sign or order of virial components: each shows here.
"""

from __future__ import annotations

import harness
import numpy as np
import pytest
from analytic_models import zero_charge_configuration
from finite_differences import (
    EWALD,
    NO_KSPACE,
    ORTHOGONAL,
    PPPM,
    PPPM_AD,
    TRICLINIC,
    check_forces,
    check_virial,
)
from systems import System


@pytest.mark.parametrize("solver", [EWALD, PPPM, PPPM_AD], ids=lambda solver: solver.name)
def test_forces(tmp_path, model, solver):
    check_forces(tmp_path, ORTHOGONAL, model(), solver, [0, 7, 20])


@pytest.mark.parametrize("option", ["neutralize", "self_interaction"])
def test_forces_with_options(tmp_path, model, option):
    check_forces(tmp_path, ORTHOGONAL, model(**{option: True}), EWALD, [0, 7])


@pytest.mark.parametrize("solver", [EWALD, PPPM], ids=lambda solver: solver.name)
def test_forces_triclinic(tmp_path, model, solver):
    check_forces(tmp_path, TRICLINIC, model(neutralize=True), solver, [0, 7, 20])


@pytest.mark.parametrize("solver", [EWALD, PPPM], ids=lambda solver: solver.name)
@pytest.mark.parametrize("system", [ORTHOGONAL, TRICLINIC], ids=["orthogonal", "triclinic"])
def test_virial(tmp_path, model, system, solver):
    check_virial(tmp_path, system, model(), solver)


@pytest.mark.parametrize("option", ["neutralize", "self_interaction"])
def test_virial_with_options(tmp_path, model, option):
    check_virial(tmp_path, TRICLINIC, model(**{option: True}), EWALD)


@pytest.mark.parametrize("check", [check_forces, check_virial])
def test_differences_see_a_missing_chain_term(tmp_path, model, check):
    """These tests can fail: the same charges without gradient are the classic error."""
    extra = ([0, 7],) if check is check_forces else ()
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check(tmp_path, TRICLINIC, model(detached=True), EWALD, *extra)


def test_virial_ad(tmp_path, model):
    check_virial(tmp_path, ORTHOGONAL, model(), PPPM_AD, shear=False)


def test_short_range_model(tmp_path, model):
    check_forces(tmp_path, TRICLINIC, model(sigma=None), NO_KSPACE, [0, 7, 20])
    check_virial(tmp_path, TRICLINIC, model(sigma=None), NO_KSPACE)


@pytest.mark.parametrize("solver", [EWALD, PPPM, PPPM_AD], ids=lambda solver: solver.name)
def test_atom_of_exactly_zero_charge(tmp_path, model, solver):
    """2 e_i / q_i has no value there, but the potential does, and the gradient of the charge does not vanish."""
    symbols, positions, edge = zero_charge_configuration()
    system = System(tuple(symbols), np.array(positions), np.diag([edge] * 3))
    path = model("zero_charge_atom", alpha=0.5)
    found = harness.evaluate(tmp_path, system, path, kspace=solver.kspace, after_pair=[solver.modify])
    assert abs(found.charges[0]) < 1e-50, "the configuration no longer gives an exact zero"
    check_forces(tmp_path, system, path, solver, [0, 1, 2])


OVERLAYS = {
    "zero": ("zero 8.0", "pair_coeff * * zero"),
    "zbl": ("zbl 2.0 3.5", "pair_coeff * * zbl 11 17"),
}


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("first", [True, False], ids=["les-first", "les-last"])
def test_hybrid_overlay(tmp_path, model, overlay, first):
    style, coefficients = OVERLAYS[overlay]
    if overlay == "zbl":
        coefficients = "pair_coeff 1 1 zbl 17 17\npair_coeff 1 2 zbl 17 11\npair_coeff 2 2 zbl 11 11"
    styles = f"les {style}" if first else f"{style} les"
    pair = [f"pair_style hybrid/overlay {styles}", "pair_coeff * * les model.pt Cl Na", coefficients]
    check_forces(tmp_path, ORTHOGONAL, model(), EWALD, [0, 7], pair=pair)
    check_virial(tmp_path, ORTHOGONAL, model(), EWALD, pair=pair)
