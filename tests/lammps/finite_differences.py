# SPDX-License-Identifier: MIT
"""Forces and virial of LAMMPS against differences of the energies that it prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import harness
import numpy as np
import tolerances
from systems import System, random_fluid

STEP = 1e-4  # angstrom
STRAIN = 1e-5
ORTHOGONAL = random_fluid({"Na": 14, "Cl": 10}, np.diag([8.0, 8.5, 9.0]), seed=3, min_distance=2.1)
TRICLINIC = random_fluid(
    {"Na": 14, "Cl": 10}, [[8.0, 0.0, 0.0], [1.5, 8.5, 0.0], [-1.2, 0.9, 9.0]], seed=4, min_distance=2.1
)
FIXED_MESH = "kspace_modify mesh 24 24 27 order 7"  # the mesh must not change while the box is strained


@dataclass(frozen=True)
class Solver:
    """A kspace style with the deviation that its own error causes in eV/angstrom and, for the virial, in eV."""

    name: str
    kspace: str | None
    modify: str
    force: float
    virial: float


EWALD = Solver("ewald", "ewald 1e-11", "", tolerances.DIFFERENCED_FORCE, tolerances.DIFFERENCED_VIRIAL)
PPPM = Solver(
    "pppm ik",
    "pppm 1e-7",
    f"{FIXED_MESH} diff ik",
    tolerances.DIFFERENCED_FORCE_PPPM,
    tolerances.DIFFERENCED_VIRIAL,
)
PPPM_AD = Solver(
    "pppm ad",
    "pppm 1e-7",
    f"{FIXED_MESH} diff ad",
    tolerances.DIFFERENCED_FORCE_PPPM,
    tolerances.DIFFERENCED_VIRIAL,
)
NO_KSPACE = Solver("none", None, "", tolerances.DIFFERENCED_FORCE, tolerances.DIFFERENCED_VIRIAL)


def check_forces(
    folder: Path, system: System, model: Path, solver: Solver, atoms: list[int], ranks: int = 2, **options
) -> None:
    """Central differences of all three components of some atoms (indices from 0)."""
    script = harness.setup(folder, system, model, kspace=solver.kspace, after_pair=[solver.modify], **options)
    script += "run 0\n" + harness.DUMP
    for index in atoms:
        script += f"group one id {index + 1}\n"
        for axis in range(3):
            for move in (STEP, -2.0 * STEP):
                script += displace("one", axis, move) + "run 0\n"
            script += displace("one", axis, STEP)
        script += "group one delete\n"
    run = harness.run_lammps(script, folder, ranks)
    energies = np.array([thermo["PotEng"][-1] for thermo in run.thermo[1:]]).reshape(len(atoms), 3, 2)
    differenced = -(energies[..., 0] - energies[..., 1]) / (2.0 * STEP)
    forces = harness.evaluation(run).forces[atoms]
    assert np.abs(forces).max() > 1e-2, "nothing is tested: the forces are all zero"
    np.testing.assert_allclose(forces, differenced, rtol=0.0, atol=solver.force)


def displace(group: str, axis: int, move: float) -> str:
    """``displace_atoms`` along one axis (angstrom)."""
    vector = ["0.0", "0.0", "0.0"]
    vector[axis] = f"{move:.17g}"
    return f"displace_atoms {group} move {' '.join(vector)} units box\n"


def strain_commands(system: System, component: int, strain: float) -> str:
    """``change_box`` for the affine map ``1 + strain e_a e_b`` of box and atoms (component: xx yy zz xy xz yz).

    Tilt factors follow by hand: LAMMPS scales an edge without its tilt, and tilts one edge at a time.
    """
    (lx, _, _), (xy, ly, _), (xz, yz, lz) = system.cell
    change = {"x": 0.0, "y": 0.0, "z": 0.0, "xy": 0.0, "xz": 0.0, "yz": 0.0}
    if component == 0:
        change.update(x=lx, xy=xy, xz=xz)
    elif component == 1:
        change.update(y=ly, yz=yz)
    elif component == 2:
        change.update(z=lz)
    elif component == 3:
        change.update(xy=ly, xz=yz)
    elif component == 4:
        change.update(xz=lz)
    else:
        change.update(yz=lz)
    words = []
    for name, length in change.items():
        if length == 0.0:
            continue
        amount = f"{strain * length:.17g}"
        words.append(f"{name} delta 0.0 {amount}" if len(name) == 1 else f"{name} delta {amount}")
    return f"change_box all {' '.join(words)} remap units box\n"


def check_virial(
    folder: Path,
    system: System,
    model: Path,
    solver: Solver,
    shear: bool = True,
    ranks: int = 2,
    normal: bool = True,
    **options,
) -> None:
    """Central differences of the energy in the strain components; a sheared box must be triclinic, `normal` has zz."""
    components = range(6 if shear else 3 if normal else 2)
    script = harness.setup(folder, system, model, kspace=solver.kspace, after_pair=[solver.modify], **options)
    if shear:
        script = script.replace("read_data system.data", "read_data system.data\nchange_box all triclinic")
    script += "run 0\n"
    for component in components:
        for strain in (STRAIN, -STRAIN):
            script += strain_commands(system, component, strain) + "run 0\n"
            # back to the exact start: rounding must not add up over twelve changes
            script += f"change_box all {box_words(system, shear)} remap units box\n"
    run = harness.run_lammps(script, folder, ranks)
    energies = np.array([thermo["PotEng"][-1] for thermo in run.thermo[1:]]).reshape(-1, 2)
    differenced = -(energies[:, 0] - energies[:, 1]) / (2.0 * STRAIN)
    virial = harness.virial(run, index=0)[-1][: len(components)]
    assert np.abs(virial).min() > 1e-3, "a component is zero and tests nothing"
    np.testing.assert_allclose(virial, differenced, rtol=0.0, atol=solver.virial * len(system))


def box_words(system: System, triclinic: bool) -> str:
    """The whole box as ``final`` words of ``change_box``."""
    low, high = system.origin, system.origin + np.diag(system.cell)
    words = [f"{name} final {low[axis]:.17g} {high[axis]:.17g}" for axis, name in enumerate("xyz")]
    if triclinic:
        tilts = {"xy": system.cell[1, 0], "xz": system.cell[2, 0], "yz": system.cell[2, 1]}
        words += [f"{name} final {value:.17g}" for name, value in tilts.items()]
    return " ".join(words)
