# SPDX-License-Identifier: MIT
"""Weak scaling on paper: mesh points and bytes sent per rank and step, 1 to 4096 ranks, by counting.

Counts what LAMMPS's pppm does (docs.lammps.org, "kspace_style pppm"; Plimpton, Pollock, Stevens 1997): bricks of the mesh with ghost
cells as wide as the stencil, sent to the six neighbours; transposes between bricks and pencils, in which every rank sends
what it does not keep; ghost atoms within the cutoff. And, beside it, a mesh that every rank holds and sums up with an all-reduce,
2 (P - 1) / P times its size, as in packages whose long-range sum is not distributed.

    python benchmarks/weak_scaling.py

Mesh points and g_ewald are those that benchmarks/long_range.py finds at 1 meV/A in water.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

DENSITY = 0.1  # atoms per angstrom^3, water
SKIN = 1.0
ORDER = 7
DOUBLE = 8
RANKS = (1, 2, 4, 16, 64, 256, 1024, 4096)


@dataclass(frozen=True)
class Mode:
    """A way to split the sum: `points` of the mesh per atom, real-space cutoff R (angstrom)."""

    name: str
    points: float
    cutoff: float


# at 1 meV/A, order 7, ad, sigma = 1 A; the network's cutoff is 5.5 A
MODES = (Mode("matched", 24.9, 5.5), Mode("split, R = 8", 2.27, 8.0))


def grid(ranks: int) -> tuple[int, int, int]:
    """The most cubic factorisation, as `processors * * *` finds it for a cubic box."""
    best = min(
        (a * b + b * c + a * c, a, b, c)
        for a in range(1, ranks + 1)
        if ranks % a == 0
        for b in range(1, ranks // a + 1)
        if (ranks // a) % b == 0
        for c in [ranks // a // b]
    )
    return best[1], best[2], best[3]


def shell(edges: list[float], width: float) -> float:
    """Volume within `width` outside a brick."""
    return math.prod(edge + 2.0 * width for edge in edges) - math.prod(edges)


def counts(mode: Mode, atoms_per_rank: int, ranks: int) -> dict[str, float]:
    """Per rank and step: mesh points, bytes sent for the mesh, for its transposes, for ghost atoms; the replicated mesh's."""
    atoms = atoms_per_rank * ranks
    edge = (atoms / DENSITY) ** (1.0 / 3.0)
    brick = [edge / n for n in grid(ranks)]
    points = mode.points * atoms
    spacing = edge / points ** (1.0 / 3.0)
    cells = [length / spacing for length in brick]
    # charge to the neighbours and potential back: per-atom energies need the potential, which ad has anyway
    halo = 0.0 if ranks == 1 else 2.0 * shell(cells, ORDER / 2.0 + 0.5 * SKIN / spacing) * DOUBLE
    # brick to pencil and back (real), and per FFT two transposes of complex numbers; one FFT forwards, one back
    kept = 1.0 / ranks if ranks < 4 else 1.0 / math.sqrt(ranks)
    moved = points / ranks * (1.0 - kept)
    transposes = (2 * DOUBLE + 2 * 2 * 2 * DOUBLE) * moved if ranks > 1 else 0.0
    # positions, forces, and in split mode one charge per ghost
    per_ghost = (6 + (mode.name != "matched")) * DOUBLE
    ghosts = DENSITY * shell(brick, mode.cutoff + SKIN) if ranks > 1 else 0.0
    replicated = 2.0 * (ranks - 1) / ranks * points * DOUBLE
    return {
        "points": points / ranks,
        "halo": halo,
        "transposes": transposes,
        "ghosts": ghosts * per_ghost,
        "replicated points": points,
        "replicated": replicated,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--atoms", type=int, default=20000, help="per rank")
    arguments = parser.parse_args()
    head = [
        "mode",
        "ranks",
        "mesh points/rank",
        "mesh halo",
        "FFT transposes",
        "ghost atoms",
        "all-reduced mesh: points/rank",
        "sent",
    ]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for mode in MODES:
        for ranks in RANKS:
            found = counts(mode, arguments.atoms, ranks)
            cells = [mode.name, str(ranks), f"{found['points']:,.0f}"]
            cells += [f"{found[name] / 1e6:.2f} MB" for name in ("halo", "transposes", "ghosts")]
            cells += [f"{found['replicated points']:,.0f}", f"{found['replicated'] / 1e6:,.1f} MB"]
            print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
