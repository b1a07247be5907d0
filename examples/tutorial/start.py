# SPDX-License-Identifier: MIT
"""Write nacl.data: 64 ions of the melt at 1800 K, from the frames of `../lammps/nacl/in.generate`."""

from ase.io import read, write

BOX = 13.30  # A, the state at 1800 K

frame = next(frame for frame in read("data/test.xyz", index=":") if abs(frame.cell[0, 0] - BOX) < 1e-6)
write("nacl.data", frame, format="lammps-data", specorder=["Na", "Cl"], atom_style="charge", masses=True)
print(f"nacl.data: {len(frame)} ions")
