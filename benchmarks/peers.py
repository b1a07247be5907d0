# SPDX-License-Identifier: MIT
"""Time of a step of other people's networks beside ours, on the same boxes of water, in turn, in one run.

Every peer lives in an environment of its own, made by one line, and is left out where it is not named:

    python -m venv mace && mace/bin/pip install torch==2.13.0 && mace/bin/pip install mace-torch
    python -m venv nep && nep/bin/pip install calorine
    python -m venv deepmd && deepmd/bin/pip install "deepmd-kit[cpu]" ase
    python -m venv dplr && dplr/bin/pip install "deepmd-kit[cpu,lmp]" ase
    python benchmarks/peers.py --mace mace/bin/python --nep nep/bin/python --deepmd deepmd/bin/python --dplr dplr/bin/python --record

MACE (two layers, 4.5 A, 64 scalar and 64 vector channels, float32), NEP (NEP4, 6 and 4 A, 30 neurons) and DeePMD
(se_e2_a, 6 A, float32, compressed) are untrained: what they cost does not depend on what they learned. They are called
through ASE with positions that move a little at every step, so that neighbor lists are theirs; none of the three has a
long-range sum. A peer that has used up 40 s times three steps and no more. DPLR (networks and Gaussians of its own
example of water, 6 A, float32) is the whole step with its PPPM in the LAMMPS of its wheel; --deepmd may name the same
environment. Ours is the whole step in LAMMPS, charges and PPPM included. One core, one thread. Prints the table of
docs/benchmarks/performance.md.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ase.io import read, write
from lammps_run import lammps
from peer_process import time_of_peer
from record import Column, add_record_option, report
from step import RELAX, SOLVER, STEPS, WATER, les, timings

PEERS = ("mace", "nep", "deepmd", "dplr")


def make_box(folder: Path, molecules: int) -> int:
    """Relaxed water as ``relaxed.data`` and ``water.xyz``; returns the number of atoms."""
    folder.mkdir()
    subprocess.run([sys.executable, str(WATER / "make_water.py"), str(molecules)], cwd=folder, check=True)
    (folder / "model.pt").write_bytes((WATER / "model.pt").read_bytes())
    lammps(folder, RELAX)
    atoms = read(folder / "relaxed.data", format="lammps-data", atom_style="charge", units="metal")
    atoms.symbols = ["O" if mass > 10.0 else "H" for mass in atoms.get_masses()]
    write(folder / "water.xyz", atoms, columns=["symbols", "positions"])
    return len(atoms)


def ours(folder: Path, steps: int) -> float:
    text = STEPS.format(
        data="relaxed.data", replicate="", style=les("model.pt"), solver=SOLVER, warm=10, steps=steps
    )
    return timings(lammps(folder, text))["step"]


def peer(name: str, python: str, folder: Path, steps: int) -> float:
    """us/atom/step of a peer in its own environment."""
    return time_of_peer(f"peer_{name}.py", ["water.xyz", str(steps)], python, folder)


def columns(sizes: list[int]) -> list[Column]:
    """Two for each number of atoms."""
    made = [Column("code", "code")]
    for n in sizes:
        made += [Column(f"time {n}", f"{n} atoms, us/atom/step", ".4g")]
        made += [Column(f"ratio {n}", "against pair_les", ".3g")]
    return made


def rows_of(found: dict[str, dict[int, list[float]]]) -> list[dict[str, Any]]:
    """Medians of the times of each code and number of atoms, us/atom/step."""
    rows = []
    for code, times in found.items():
        row: dict[str, Any] = {"code": code}
        for n in times:
            row[f"time {n}"] = statistics.median(times[n])
            row[f"ratio {n}"] = row[f"time {n}"] / statistics.median(found["pair_les"][n])
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mace", metavar="PYTHON", help="interpreter of an environment with mace-torch")
    parser.add_argument("--nep", metavar="PYTHON", help="interpreter of an environment with calorine")
    parser.add_argument(
        "--deepmd", metavar="PYTHON", help="interpreter of an environment with deepmd-kit[cpu]"
    )
    parser.add_argument(
        "--dplr", metavar="PYTHON", help="interpreter of an environment with deepmd-kit[cpu,lmp]"
    )
    parser.add_argument("--molecules", type=int, nargs="+", default=[4, 8], help="along each edge of the box")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    add_record_option(parser, "peers")
    arguments = parser.parse_args()
    peers = {name: getattr(arguments, name) for name in PEERS if getattr(arguments, name) is not None}
    for name in PEERS:
        if name not in peers:
            print(f"{name}: left out, no --{name} was given")
    found: dict[str, dict[int, list[float]]] = {name: {} for name in ("pair_les", *peers)}
    with tempfile.TemporaryDirectory() as name:
        for molecules in arguments.molecules:
            folder = Path(name) / str(molecules)
            n = make_box(folder, molecules)
            for _ in range(arguments.rounds):
                found["pair_les"].setdefault(n, []).append(ours(folder, 4 * arguments.steps))
                for peer_name, python in peers.items():
                    found[peer_name].setdefault(n, []).append(
                        peer(peer_name, python, folder, arguments.steps)
                    )
    report(columns(list(found["pair_les"])), rows_of(found), arguments.record)


if __name__ == "__main__":
    main()
