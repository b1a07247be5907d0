# SPDX-License-Identifier: MIT
"""Time of a step of a converted model in LAMMPS beside the ASE calculator of its package, on the same atoms, in turn, in one run.

    python benchmarks/converted.py MODEL.pt --frame water.xyz --source mace H20.model .venv-mace/bin/python --record

Times are of the processor, of one thread, so that other jobs on the machine matter less. Steps of LAMMPS are without neighbor
lists; ASE's build theirs. ``--source`` may be given several times: the first is what ratios are to; ``symmetrix`` with a JSON file
of symmetrix-xl is known, too. The model has no charges: the package `les` is not needed.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from ase.io import read, write
from lammps_run import lammps
from pair_les.constants import FUSED_FILE
from pair_les.model_file import read_metadata
from peer_process import time_of_peer
from record import Column, add_record_option, report

COLUMNS = (
    Column("atoms", "atoms"),
    Column("case", "case"),
    Column("time", "us/atom/step", ".0f"),
    Column("ratio", "against the first", ".3f"),
)
STEPS = """
units metal
atom_style charge
read_data atoms.data
pair_style les
pair_coeff * * model.pt {elements}
neighbor 1.0 bin
neigh_modify every 10 delay 0 check no
timestep 1e-6
fix 1 all nve
thermo 1000
run 2
run {steps}
"""


def processor_time(log: str) -> float:
    """us/atom/step of the last run."""
    loop, steps, atoms = re.findall(r"Loop time of (\S+) on 1 procs for (\d+) steps with (\d+) atoms", log)[
        -1
    ]
    use = float(re.findall(r"(\S+)% CPU use", log)[-1]) / 100.0
    return 1e6 * float(loop) * use / (int(steps) * int(atoms))


def ours(folder: Path, elements: list[str], steps: int, fused: bool) -> float:
    text = STEPS.format(elements=" ".join(elements), steps=steps)
    return processor_time(lammps(folder, text, environment={"PAIR_LES_FUSED": str(int(fused))}))


def source(folder: Path, package: str, model: str, python: str, steps: int) -> float:
    """us/atom/step of the ASE calculator of a package."""
    return time_of_peer("peer_converted.py", ["frame.xyz", str(steps), package, model], python, folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="converted model file, without charges")
    parser.add_argument("--frame", required=True, help="atoms, read by ASE")
    parser.add_argument("--repeat", type=int, nargs="+", default=[1, 2], help="copies of it along each edge")
    parser.add_argument(
        "--source", nargs=3, action="append", required=True, metavar=("PACKAGE", "MODEL", "PYTHON"),
        help="mace, sevenn or symmetrix, its model, and an interpreter that has the package",
    )  # fmt: skip
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    add_record_option(parser, "converted_speed")
    arguments = parser.parse_args()
    metadata = read_metadata(arguments.model)
    with zipfile.ZipFile(arguments.model) as archive:
        fused = any(entry.endswith(f"/{FUSED_FILE}") for entry in archive.namelist())
    rows: list[dict[str, Any]] = []
    for copies in arguments.repeat:
        found: dict[str, list[float]] = {}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            atoms = read(arguments.frame).repeat(copies)
            atoms.calc = None
            write(folder / "frame.xyz", atoms, columns=["symbols", "positions"])
            write(
                folder / "atoms.data", atoms, format="lammps-data", atom_style="charge", masses=True,
                specorder=list(metadata.species),
            )  # fmt: skip
            (folder / "model.pt").write_bytes(arguments.model.read_bytes())
            for _ in range(arguments.rounds):
                for package, model, python in arguments.source:
                    found.setdefault(f"ASE calculator of {package}", []).append(
                        source(folder, package, str(Path(model).resolve()) if Path(model).exists() else model, python, arguments.steps)
                    )  # fmt: skip
                if fused:
                    found.setdefault("LAMMPS, fused operators", []).append(
                        ours(folder, metadata.species, 4 * arguments.steps, True)
                    )
                found.setdefault("LAMMPS, layers of the package", []).append(
                    ours(folder, metadata.species, arguments.steps, False)
                )
        first = statistics.median(next(iter(found.values())))
        for case, times in found.items():
            time = statistics.median(times)
            rows.append({"atoms": len(atoms), "case": case, "time": time, "ratio": time / first})
    report(COLUMNS, rows, arguments.record)


if __name__ == "__main__":
    main()
