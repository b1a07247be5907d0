# SPDX-License-Identifier: MIT
"""Inputs of LAMMPS for the GPU benchmark: water in growing boxes, and one evaluation of any system."""

from __future__ import annotations

from collections.abc import Iterable

WATER_SOLVER = "pppm 1.0e-4"


def water(
    copies: int,
    steps: int,
    *,
    model: str = "water.pt",
    keywords: str = "",
    solver: str = WATER_SOLVER,
    warm: int = 10,
    timestep: float = 1e-4,
    thermo: int = 1_000_000,
) -> str:
    """Dynamics of the relaxed water of the kit, copied along each direction.

    Parameters
    ----------
    copies
        Along each direction.
    steps, warm
        Steps of the run that counts and of the one before it.
    model, keywords
        Model file of the kit, and keywords of ``pair_style les``.
    solver
        Arguments of ``kspace_style``.
    timestep
        ps.
    thermo
        Steps between lines of output.
    """
    return f"""units metal
atom_style charge
read_data water.data
replicate {copies} {copies} {copies}
pair_style les {keywords}
pair_coeff * * {model} O H
kspace_style {solver}
neighbor 1.0 bin
neigh_modify every 10 delay 0 check no
timestep {timestep}
velocity all create 300.0 4711 mom yes
fix 1 all nve
thermo_style custom step temp pe etotal
thermo_modify format float %.16g
thermo {thermo}
run {warm}
run {steps}
"""


def evaluation(
    data: str, model: str, types: Iterable[str], *, keywords: str, kspace: Iterable[str], stresses: bool
) -> str:
    """One evaluation whose energy is in the log and whose charges and forces are in ``dump.txt``, by atom.

    Parameters
    ----------
    data, model, types
        Files of the kit, and the element of each type.
    keywords
        Of ``pair_style les``.
    kspace
        Commands from ``kspace_style`` on; none for a model without charges.
    stresses
        Whether the dump has stresses of atoms as well, ``c_s[1]`` to ``c_s[6]``, bar angstrom^3.
    """
    lines = [
        "units metal",
        "atom_style charge",
        f"read_data {data}",
        f"pair_style les {keywords}",
        f"pair_coeff * * {model} {' '.join(types)}",
        *kspace,
        *(["compute s all stress/atom NULL virial"] if stresses else []),
        "thermo_style custom step atoms pe vol pxx pyy pzz pxy pxz pyz",
        "thermo_modify format float %.17g",
        "run 0",
        f"write_dump all custom dump.txt id q fx fy fz {'c_s[*] ' if stresses else ''}"
        "modify sort id format float %.17g",
    ]
    return "\n".join(lines) + "\n"
