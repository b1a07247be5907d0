# SPDX-License-Identifier: MIT
"""Write interface.data: molten NaCl between two frozen walls with surface charges of +6 e and -6 e.

The walls are the outer 4 A of the melt. Six Cl are taken out of the left one and six Na out of the right one: the whole stays neutral.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.io import read, write

BOX = 13.30  # A, the state at 1800 K
WALL = 4.0  # A, in.interface
SURFACE_CHARGE = 6  # e


def vacancies(melt: Atoms, chosen: np.ndarray, symbol: str, rng: np.random.Generator) -> np.ndarray:
    """Indices of `SURFACE_CHARGE` ions of one element among the chosen."""
    ions = np.nonzero(chosen & (np.array(melt.get_chemical_symbols()) == symbol))[0]
    return rng.choice(ions, SURFACE_CHARGE, replace=False)


def main() -> None:
    frame = next(frame for frame in read("data/test.xyz", index=":") if abs(frame.cell[0, 0] - BOX) < 1e-6)
    frame.wrap()
    melt = frame.repeat((2, 2, 3))
    rng = np.random.default_rng(1)
    z, height = melt.positions[:, 2], melt.cell[2, 2]
    left, right = vacancies(melt, z < WALL, "Cl", rng), vacancies(melt, z > height - WALL, "Na", rng)
    del melt[np.concatenate([left, right]).tolist()]
    # 1 A of room outside the walls: ions on the faces would be lost
    melt.positions[:, 2] += 1.0
    melt.cell[2, 2] += 2.0
    write(
        "interface.data", melt, format="lammps-data", specorder=["Na", "Cl"], atom_style="charge", masses=True
    )
    print(f"interface.data: {len(melt)} ions, {height:.1f} A between the outer faces")


if __name__ == "__main__":
    main()
