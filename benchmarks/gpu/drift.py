# SPDX-License-Identifier: MIT
"""Part: drift of the energy in dynamics at constant energy, on the device and on the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from inputs import water
from lammps_output import thermo
from session import RunFailed, Session

BAR = 0.01
"""meV per atom and ps, slope of the total energy; the bar of the project for ``pppm 1e-5`` and 0.5 fs."""

TIMESTEP = 5e-4  # ps


def slope(log: str, atoms: int) -> float:
    """Slope of the total energy, meV per atom and ps, without the first tenth of the run."""
    table = thermo(log)
    skip = len(table["Step"]) // 10
    picoseconds = TIMESTEP * table["Step"][skip:]
    return float(np.polyfit(picoseconds, 1e3 * table["TotEng"][skip:] / atoms, 1)[0])


def drift(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the slope over 1000 steps of water, float64 and float32; the float32 host style beside it."""
    steps = 20 if session.rehearsal else 1000
    atoms = int((session.kit / "water.data").read_text().split("atoms")[0].split()[-1])
    runs = {"float32": ("water.pt", False), "float64": ("water64.pt", False)}
    if not session.rehearsal:
        runs["float32 on the host"] = ("water.pt", True)
    for name, (model, host) in runs.items():
        text = water(
            1,
            steps,
            model=model,
            solver="pppm 1.0e-5",
            warm=0,
            timestep=TIMESTEP,
            thermo=max(1, steps // 100),
        )
        try:
            found = slope(session.run(text, host=host).log, atoms)
            result = {"mev_per_atom_and_ps": found, "steps": steps}
            yield name, result if session.rehearsal else {**result, "passed": abs(found) < BAR}
        except RunFailed as error:
            yield name, {"error": str(error)}
