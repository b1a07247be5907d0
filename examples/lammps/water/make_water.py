# SPDX-License-Identifier: MIT
"""Write water.data: molecules of random orientation on a cubic grid, at the density of water.

Usage: python make_water.py [MOLECULES_PER_EDGE]      (default 6: 216 molecules, 648 atoms)
"""

from __future__ import annotations

import sys

import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.io import write

SPACING = 3.1044  # angstrom per molecule: 0.997 g/cm^3


def main(n: int) -> None:
    rng = np.random.default_rng(1)
    water = molecule("H2O")
    water.translate(-water.get_center_of_mass())
    box = Atoms(cell=3 * [n * SPACING], pbc=True)
    for site in np.ndindex(n, n, n):
        copy = water.copy()
        copy.euler_rotate(*rng.uniform(0.0, 360.0, 3))
        copy.translate((np.array(site) + 0.5) * SPACING)
        box += copy
    box.wrap()
    write("water.data", box, format="lammps-data", specorder=["O", "H"], atom_style="charge", masses=True)
    print(f"water.data: {len(box)} atoms in a cube of {n * SPACING:.3f} A")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
