# SPDX-License-Identifier: MIT
"""Weak scaling on paper: mesh points and bytes sent per rank and step, 1 to 4096 ranks, by counting.

Counts what LAMMPS's pppm does (docs.lammps.org, "kspace_style pppm"; Plimpton, Pollock, Stevens 1997): bricks of the mesh with ghost
cells as wide as the stencil, sent to the six neighbors; transposes between bricks and pencils, in which every rank sends
what it does not keep; ghost atoms within the cutoff. And, beside it, a mesh that every rank holds and sums up with an all-reduce,
2 (P - 1) / P times its size, as in packages whose long-range sum is not distributed.

    python benchmarks/weak_scaling.py --record
    python benchmarks/weak_scaling.py --measure 1 2 4

Mesh points and orders are those that benchmarks/long_range.py finds at 1 meV/A in water. The second command runs LAMMPS, one
box of water per rank, with a library between it and MPI that counts what every rank sends, and prints it beside the counts.
"""

from __future__ import annotations

import argparse
import math
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lammps_run import BIN, lammps
from long_range import write_inputs
from record import RESULTS, Column, add_record_option, report

DENSITY = 0.1  # atoms per angstrom^3, water
SKIN = 1.0
DOUBLE = 8
RANKS = (1, 16, 256, 4096)
MEGABYTE = 1e6
COLUMNS = (
    Column("mode", "mode"),
    Column("ranks", "ranks"),
    Column("points", "mesh points/rank", ",.0f"),
    Column("halo", "mesh halo, MB", ".2f"),
    Column("transposes", "FFT transposes, MB", ".2f"),
    Column("ghosts", "ghost atoms, MB", ".2f"),
    Column("replicated points", "all-reduced mesh: points/rank", ",.0f"),
    Column("replicated", "sent, MB", ",.1f"),
)
MEASURED_COLUMNS = (
    Column("mode", "mode"),
    Column("ranks", "ranks"),
    Column("points", "mesh points/rank, counted", ",.0f"),
    Column("points in LAMMPS", "in LAMMPS", ",.0f"),
    Column("sent", "sent per rank and step, counted, MB", ".2f"),
    Column("sent in LAMMPS", "in LAMMPS, MB", ".2f"),
)


@dataclass(frozen=True)
class Mode:
    """A way to split the sum: `points` of the mesh per atom, real-space cutoff R (angstrom)."""

    name: str
    points: float
    cutoff: float
    order: int
    style: str
    accuracy: float


# at 1 meV/A, diff ad, sigma = 1 A; the network's cutoff is 5.5 A
MODES = (
    Mode("matched", 24.9, 5.5, 7, "les", 7.8e-5),
    Mode("split, R = 8 A", 3.1, 8.0, 5, "les coul 8.0", 9.9e-5),
)


def grid(ranks: int) -> tuple[int, int, int]:
    """The most cubic factorization, as `processors * * *` finds it for a cubic box."""
    best = min(
        (a * b + b * c + a * c, a, b, c)
        for a in range(1, ranks + 1)
        if ranks % a == 0
        for b in range(1, ranks // a + 1)
        if (ranks // a) % b == 0
        for c in [ranks // a // b]
    )
    return best[1], best[2], best[3]


def halo_of(brick: list[float], processes: tuple[int, int, int], width: float) -> float:
    """Volume within `width` outside a brick that comes from other ranks: axis by axis, as it is sent."""
    sent, wide = 0.0, list(brick)
    for axis, n in enumerate(processes):
        layer = 2.0 * width * math.prod(wide[:axis] + wide[axis + 1 :])
        if n > 1:
            sent += layer
        wide[axis] += 2.0 * width
    return sent


def counts(mode: Mode, edges: list[float], processes: tuple[int, int, int]) -> dict[str, float]:
    """Per rank and step: mesh points, bytes sent for the mesh, for its transposes, for ghost atoms; the replicated mesh's."""
    ranks = math.prod(processes)
    atoms = DENSITY * math.prod(edges)
    brick = [edge / n for edge, n in zip(edges, processes, strict=True)]
    points = mode.points * atoms
    spacing = (math.prod(edges) / points) ** (1.0 / 3.0)
    cells = [length / spacing for length in brick]
    # charge to the neighbors and potential back: per-atom energies need the potential, which ad has anyway
    halo = 2.0 * halo_of(cells, processes, mode.order / 2.0 + 0.5 * SKIN / spacing) * DOUBLE
    # brick to pencil and back (real), and per FFT two transposes of complex numbers; one FFT forwards, one back
    kept = 1.0 / ranks if ranks < 4 else 1.0 / math.sqrt(ranks)
    moved = points / ranks * (1.0 - kept)
    transposes = (2 * DOUBLE + 2 * 2 * 2 * DOUBLE) * moved if ranks > 1 else 0.0
    # positions, forces, and in split mode one charge per ghost
    per_ghost = (6 + (mode.name != "matched")) * DOUBLE
    ghosts = DENSITY * halo_of(brick, processes, mode.cutoff + SKIN)
    replicated = 2.0 * (ranks - 1) / ranks * points * DOUBLE
    return {
        "points": points / ranks,
        "halo": halo,
        "transposes": transposes,
        "ghosts": ghosts * per_ghost,
        "replicated points": points,
        "replicated": replicated,
    }


def measure(mode: Mode, ranks: int, folder: Path) -> tuple[list[float], tuple[int, int, int], float, float]:
    """Edges of the box, processes along them, and per rank and step: mesh points and bytes sent, in LAMMPS."""
    library = folder / "mpi_bytes.so"
    source = Path(__file__).with_name("mpi_bytes.c")
    subprocess.run([str(BIN / "mpicc"), "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
    write_inputs(folder, 19, 5.5)
    along = {1: "1 1 1", 2: "2 1 1", 4: "2 2 1"}[ranks]
    sent = []
    for steps in (1, 11):
        text = f"""units metal
atom_style charge
processors {along}
read_data water.data
replicate {along}
pair_style {mode.style}
pair_coeff * * model.pt O H
kspace_style pppm {mode.accuracy}
neighbor {SKIN} bin
neigh_modify every 1000 delay 0 check no
timestep 1e-6
thermo 1000
fix 1 all nve
run {steps}
"""
        environment = {"LD_PRELOAD": str(library), "MPI_BYTES": str(folder / "bytes")}
        log = lammps(folder, text, ranks, environment)
        found = [float((folder / f"bytes.{rank}").read_text().split()[0]) for rank in range(ranks)]
        sent.append(sum(found) / ranks)
    mesh = math.prod(int(n) for n in re.findall(r"grid = (\d+) (\d+) (\d+)", log)[-1])
    box = re.findall(r"orthogonal box = \(0 0 0\) to \(([\d.]+) ([\d.]+) ([\d.]+)\)", log)[-1]
    processes = tuple(int(n) for n in along.split())
    return [float(edge) for edge in box], processes, mesh / ranks, (sent[1] - sent[0]) / 10.0


def measured_rows(ranks_list: list[int]) -> list[dict[str, Any]]:
    """Counts beside what LAMMPS sends."""
    rows = []
    for mode in MODES:
        for ranks in ranks_list:
            with tempfile.TemporaryDirectory() as name:
                edges, processes, points, sent = measure(mode, ranks, Path(name))
            found = counts(mode, edges, processes)
            counted = sum(found[name] for name in ("halo", "transposes", "ghosts"))
            rows.append(
                {
                    "mode": mode.name,
                    "ranks": ranks,
                    "points": found["points"],
                    "points in LAMMPS": points,
                    "sent": counted / MEGABYTE,
                    "sent in LAMMPS": sent / MEGABYTE,
                }
            )
    return rows


def counted_rows(atoms: int) -> list[dict[str, Any]]:
    """Counts for `atoms` per rank."""
    rows = []
    for mode in MODES:
        for ranks in RANKS:
            edge = (atoms * ranks / DENSITY) ** (1.0 / 3.0)
            found = counts(mode, [edge] * 3, grid(ranks))
            sent = {name: found[name] / MEGABYTE for name in ("halo", "transposes", "ghosts", "replicated")}
            rows.append({"mode": mode.name, "ranks": ranks, **found, **sent})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--atoms", type=int, default=20000, help="per rank")
    parser.add_argument(
        "--measure", type=int, nargs="+", choices=(1, 2, 4), metavar="RANKS", help="1, 2 or 4"
    )
    add_record_option(parser, "weak_scaling")
    arguments = parser.parse_args()
    if arguments.measure:
        file = arguments.record
        if file == RESULTS / "weak_scaling.json":
            file = RESULTS / "weak_scaling_measured.json"
        report(MEASURED_COLUMNS, measured_rows(arguments.measure), file)
    else:
        report(COLUMNS, counted_rows(arguments.atoms), arguments.record)


if __name__ == "__main__":
    main()
