# SPDX-License-Identifier: MIT
"""Energy is conserved by the exact forces, and is not by forces at fixed charge.

The second run shows what the first one proves: the same ions with a model file whose charges carry no gradient, which
takes exactly the term ``-sum_j phi_j dq_j/dr`` out of the forces and leaves energy, charges and everything else.
"""

from __future__ import annotations

import harness
import numpy as np
import tolerances
from systems import rock_salt

IONS = rock_salt((8, 8, 4), 2.9, seed=1)
TIMESTEP = 0.001  # ps
EVERY = 10


def drift(folder, model, steps: int) -> float:
    """Slope of the total energy in meV per atom and ps, after the first tenth of a run of `steps`."""
    folder.mkdir()
    script = harness.setup(folder, IONS, model, kspace="pppm 1e-5")
    script += f"velocity all create 1200 4711 mom yes\ntimestep {TIMESTEP}\nfix nve all nve\nthermo {EVERY}\nrun {steps}\n"
    run = harness.run_lammps(script, folder, timeout=240)
    assert run.column("Temp").min() > 300.0, "too cold to test anything"
    skip = steps // EVERY // 10
    energies = 1e3 * run.column("TotEng")[skip:] / len(IONS)
    return float(np.polyfit(TIMESTEP * run.column("Step")[skip:], energies, 1)[0])


def test_energy_is_conserved_only_with_the_chain_term(tmp_path, model):
    assert len(IONS) == 256
    with_chain = drift(tmp_path / "exact", model(sigma=1.5), 2000)
    without = drift(tmp_path / "fixed", model(sigma=1.5, detached=True), 200)
    print(f"drift, meV/atom/ps: {with_chain:.4f} with the chain term, {without:.4f} without")
    assert abs(with_chain) < tolerances.DRIFT
    assert abs(without) > 100.0 * tolerances.DRIFT, "the comparison no longer shows what the term is for"
