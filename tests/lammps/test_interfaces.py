# SPDX-License-Identifier: MIT
"""Slabs of thousands of atoms: TiO2 in salt water (../shared/data/interfaces) and water, on 1, 2 and 4 ranks."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import harness
import numpy as np
import pytest
import tolerances
from compare import assert_equal
from shared_data import SHARED
from systems import System, water_box

INTERFACE = SHARED / "data" / "interfaces" / "tio2_nacl_aq_equil_8784.xyz"
GAP = 1.0  # angstrom between the outermost atoms and the ends of the box
# by element: formal charges, so that layers and surfaces carry fields; their sum is taken out by `neutralize`
CHARGES = {"O": -0.8, "H": 0.4, "Ti": 1.6, "Na": 1.0, "Cl": -1.0}
MODEL = {
    "species": list(CHARGES),
    "q0": list(CHARGES.values()),
    "neutralize": True,
    "alpha": 0.02,
    "amplitude": 0.0,
    "embedding": 0.001,
    "cutoff": 4.0,
}


def between_ends(system: System) -> System:
    """The same atoms in a box that ends above and below them."""
    low, high = system.positions[:, 2].min() - GAP, system.positions[:, 2].max() + GAP
    cell = system.cell.copy()
    cell[2, 2] = high - low
    return replace(system, cell=cell, origin=np.array([0.0, 0.0, low]))


def titania() -> System:
    lines = INTERFACE.read_text().splitlines()
    lattice = re.search('Lattice="(.*?)"', lines[1])[1]
    table = [line.split()[:4] for line in lines[2:]]
    positions = np.array([row[1:] for row in table], dtype=float)
    return between_ends(
        System(
            tuple(row[0] for row in table), positions, np.array(lattice.split(), dtype=float).reshape(3, 3)
        )
    )


def water() -> System:
    return between_ends(water_box(8, seed=2))


@dataclass(frozen=True)
class Slab:
    system: System
    model: Path

    def evaluate(
        self, folder: Path, ranks: int = 1, factor: float = 3.0, style: str = "les"
    ) -> harness.Evaluation:
        folder.mkdir()
        types = self.system.types
        return harness.evaluate(
            folder,
            self.system,
            self.model,
            ranks=ranks,
            kspace="pppm 3e-7",  # layers of charge make the mesh error several times that of random charges
            timeout=400,
            before_box=["boundary p p f"],
            pair=[f"pair_style {style}", f"pair_coeff * * model.pt {' '.join(types)}"],
            after_pair=[f"kspace_modify slab {factor}"],
        )


@pytest.fixture(scope="module", params=["water", "TiO2/NaCl(aq)"])
def slab(request, model) -> Slab:
    if request.param == "water":
        return Slab(water(), model(**MODEL))
    if not INTERFACE.is_file():
        pytest.skip("no interface: ../shared/data/interfaces or PAIR_LES_SHARED")
    return Slab(titania(), model(**MODEL))


@pytest.fixture(scope="module")
def single(slab, tmp_path_factory) -> harness.Evaluation:
    return slab.evaluate(tmp_path_factory.mktemp("slab") / "single", style="les coul 8.0")


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_agree(slab, single, tmp_path, ranks):
    found = slab.evaluate(tmp_path / str(ranks), ranks, style="les coul 8.0")
    assert_equal(found, single, tolerances.SAME)


def test_split_agrees_with_matched(slab, single, tmp_path):
    found = slab.evaluate(tmp_path / "matched")
    errors = found.forces - single.forces
    print(f"{len(slab.system)} atoms, rms {np.sqrt((errors**2).mean()):.1e} eV/A")
    assert np.sqrt((errors**2).mean()) < tolerances.FORCE_PPPM_1E5
    assert abs(found.energy - single.energy) / len(slab.system) < tolerances.DYNAMICS_PPPM.energy


def test_three_times_the_vacuum_changes_nothing(slab, single, tmp_path):
    """`slab 3` leaves a vacuum of twice the box, `slab 7` one of six times."""
    found = slab.evaluate(tmp_path / "wide", factor=7.0, style="les coul 8.0")
    errors = found.forces - single.forces
    print(
        f"{len(slab.system)} atoms, rms {np.sqrt((errors**2).mean()):.1e} eV/A, "
        f"energy {(found.energy - single.energy) / len(slab.system):.1e} eV/atom"
    )
    assert np.sqrt((errors**2).mean()) < tolerances.FORCE_PPPM_1E5
    assert abs(found.energy - single.energy) / len(slab.system) < tolerances.DYNAMICS_PPPM.energy
