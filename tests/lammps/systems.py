# SPDX-License-Identifier: MIT
"""Systems that the LAMMPS tests run on, and the files that LAMMPS reads them from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

# g/mol; only dynamics sees them, so elements that stand for a charge rule need no mass of their own
MASSES = {"H": 1.008, "O": 15.999, "Na": 22.99, "Cl": 35.45}
DEFAULT_MASS = 20.0


@dataclass(frozen=True)
class System:
    """Atoms in a periodic cell.

    Parameters
    ----------
    symbols
        Chemical symbol of each atom, [n].
    positions
        [n, 3], angstrom, absolute (the cell starts at `origin`).
    cell
        Rows are the lattice vectors, [3, 3], angstrom, lower triangular as LAMMPS wants it.
    origin
        Lower corner of the cell, [3], angstrom.
    bonds
        Pairs of atom indices from 0; they make special neighbors in ``atom_style full``.
    """

    symbols: tuple[str, ...]
    positions: np.ndarray
    cell: np.ndarray
    origin: np.ndarray = field(default_factory=lambda: np.zeros(3))
    bonds: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def types(self) -> tuple[str, ...]:
        """Symbols in the order of the LAMMPS atom types, sorted."""
        return tuple(sorted(set(self.symbols)))

    @property
    def volume(self) -> float:
        """Volume of the cell, angstrom^3."""
        return float(np.linalg.det(self.cell))

    def moved(self, shift: np.ndarray | list[float], wrap: bool = False) -> System:
        """All atoms moved by `shift` (angstrom), the box left where it is; `wrap` puts them back into it."""
        moved = self.positions + np.asarray(shift, dtype=float)
        if wrap:
            fractional = (moved - self.origin) @ np.linalg.inv(self.cell)
            moved = (fractional - np.floor(fractional)) @ self.cell + self.origin
        return replace(self, positions=moved)

    def shifted_box(self, shift: np.ndarray | list[float]) -> System:
        """Box and atoms moved together by `shift` (angstrom)."""
        shift = np.asarray(shift, dtype=float)
        return replace(self, positions=self.positions + shift, origin=self.origin + shift)


def random_fluid(
    counts: dict[str, int],
    cell: np.ndarray | list[list[float]],
    seed: int,
    min_distance: float = 1.7,
) -> System:
    """Random sequential insertion of atoms that keep `min_distance` (angstrom) from each other, images included.

    Raises
    ------
    ValueError
        If the cell is too full for random insertion.
    """
    cell = np.asarray(cell, dtype=float)
    rng = np.random.default_rng(seed)
    symbols = tuple(
        rng.permutation([symbol for symbol, count in counts.items() for _ in range(count)]).tolist()
    )
    shifts = np.array(np.meshgrid(*3 * [[-1, 0, 1]])).reshape(3, -1).T @ cell
    placed = np.empty((0, 3))
    for _ in range(2000 * len(symbols)):
        candidate = rng.random(3) @ cell
        distances = np.linalg.norm(placed[:, None] + shifts - candidate, axis=-1)
        if np.all(distances > min_distance):
            placed = np.vstack([placed, candidate])
        if len(placed) == len(symbols):
            return System(symbols, placed, cell)
    raise ValueError(
        f"only {len(placed)} of {len(symbols)} atoms fit {min_distance} A apart: take a larger cell"
    )


def rock_salt(n: tuple[int, int, int], spacing: float, seed: int, jitter: float = 0.1) -> System:
    """A rock-salt crystal of Na and Cl, `n` sites a side `spacing` angstrom apart, disturbed by `jitter` angstrom."""
    index = np.array(np.meshgrid(*map(np.arange, n), indexing="ij")).reshape(3, -1).T
    symbols = tuple("Na" if site.sum() % 2 == 0 else "Cl" for site in index)
    rng = np.random.default_rng(seed)
    positions = (index + 0.5) * spacing + jitter * rng.standard_normal(index.shape)
    return System(symbols, positions, np.diag(np.array(n) * spacing))


def write_data(
    path: Path, system: System, style: str = "charge", types: tuple[str, ...] | None = None
) -> None:
    """Write a LAMMPS data file for ``atom_style atomic``, ``charge`` or ``full``; all charges in it are 0.

    Atoms outside the box are kept outside in the file; LAMMPS wraps them.
    """
    types = types or system.types
    low = system.origin
    high = low + np.diag(system.cell)
    lines = ["written by the tests of pair_les", "", f"{len(system)} atoms", f"{len(types)} atom types"]
    if style == "full":
        lines += [f"{len(system.bonds)} bonds", f"{1 if system.bonds else 0} bond types"]
    for axis, name in enumerate("xyz"):
        lines.append(f"{low[axis]:.17g} {high[axis]:.17g} {name}lo {name}hi")
    if np.any(np.tril(system.cell, -1)):
        lines.append("{:.17g} {:.17g} {:.17g} xy xz yz".format(*system.cell[[1, 2, 2], [0, 0, 1]]))
    lines += ["", "Masses", ""]
    lines += [f"{i} {MASSES.get(symbol, DEFAULT_MASS)}" for i, symbol in enumerate(types, start=1)]
    lines += ["", f"Atoms # {style}", ""]
    before_type = {"atomic": "", "charge": "", "full": "1 "}[style]
    charge = {"atomic": "", "charge": "0.0 ", "full": "0.0 "}[style]
    for tag, (symbol, position) in enumerate(zip(system.symbols, system.positions, strict=True), start=1):
        xyz = " ".join(f"{value:.17g}" for value in position)
        lines.append(f"{tag} {before_type}{types.index(symbol) + 1} {charge}{xyz}")
    if style == "full" and system.bonds:
        lines += ["", "Bonds", ""]
        lines += [f"{k} 1 {i + 1} {j + 1}" for k, (i, j) in enumerate(system.bonds, start=1)]
    path.write_text("\n".join(lines) + "\n")


def water_box(n: int, seed: int, spacing: float = 3.107) -> System:
    """`n`^3 molecules in a cubic box on a grid, turned at random; `spacing` angstrom is that of liquid water."""
    rng = np.random.default_rng(seed)
    sites = (np.array(np.meshgrid(*3 * [np.arange(n)], indexing="ij")).reshape(3, -1).T + 0.5) * spacing
    half = np.radians(104.5) / 2.0
    molecule = 0.97 * np.array(
        [[0.0, 0.0, 0.0], [np.sin(half), np.cos(half), 0.0], [-np.sin(half), np.cos(half), 0.0]]
    )
    positions = []
    for site in sites:
        rotation, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        positions.append(site + molecule @ rotation)
    return System(("O", "H", "H") * len(sites), np.concatenate(positions), np.eye(3) * n * spacing)


def water_dimer(edge: float) -> System:
    """Two molecules 2.9 angstrom apart, somewhere in a cubic box."""
    molecule = np.array([[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]])
    other = molecule @ np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]]) + [0.4, -2.8, 0.7]
    positions = np.concatenate([molecule, other]) + np.array([0.513, 0.477, 0.452]) * edge
    return System(("O", "H", "H", "O", "H", "H"), positions, np.eye(3) * edge)


def droplet(molecules: int, edge: float) -> System:
    """The molecules of liquid water nearest to the middle of a cubic box."""
    n = int(np.ceil(1.4 * molecules ** (1 / 3)))
    box = water_box(n, seed=2)
    middle = np.full(3, 0.5 * box.cell[0, 0])
    distance = np.linalg.norm(box.positions[::3] - middle, axis=1)
    chosen = np.sort(np.argsort(distance)[:molecules])
    positions = box.positions.reshape(-1, 3, 3)[chosen].reshape(-1, 3) - middle + 0.5 * edge
    return System(("O", "H", "H") * molecules, positions, np.eye(3) * edge)


CRYSTAL = rock_salt((4, 4, 4), 2.9, seed=1, jitter=0.15)
