# SPDX-License-Identifier: MIT
"""Time and memory of a whole step of the shipped water model, in the forms it can run in, against LAMMPS's own water.

Its files are written anew from its weights, so that they are what this code writes.

All cases run in turn, several rounds, on one relaxed box; medians are compared. The floor is `lj/cut/coul/long` with the
charges of SPC/E on the same atoms, without bonds: what a step costs in LAMMPS before any network.

    python benchmarks/step.py --record [--packages] [--memory] [--train ../shared/data/water/frames.extxyz] [--plot step.png]

prints the table of docs/benchmarks/performance.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from lammps_run import BIN, lammps
from record import Column, add_record_option, report
from training_step import training_times
from water_packages import write_packages, write_scripts

WATER = Path(__file__).resolve().parents[1] / "examples" / "lammps" / "water"
SECTIONS = ("Pair", "Kspace", "Modify", "Neigh", "Comm")
COLUMNS = (
    Column("case", "case"),
    Column("Pair", "Pair", ".1f"),
    Column("Kspace", "Kspace", ".1f"),
    Column("Modify", "Modify", ".1f"),
    Column("step", "whole step", ".1f"),
    Column("ratio", "against the first", ".2f"),
    Column("fastest", "fastest round", ".1f"),
)
SOLVER = "pppm 1.0e-4"
FLOOR_SOLVER = "pppm 1.0e-4\nkspace_modify order 7 diff ad"  # LAMMPS chooses nothing itself
KIB = 1024.0

RELAX = f"""
units metal
atom_style charge
read_data water.data
pair_style les
pair_coeff * * model.pt O H
kspace_style {SOLVER}
minimize 0.0 0.05 200 1000
write_data relaxed.data
"""

STEPS = """
units metal
atom_style charge
read_data {data}
{replicate}
{style}
kspace_style {solver}
neighbor 1.0 bin
neigh_modify every 10 delay 0 check no
timestep 1e-6
fix 1 all nve
thermo 1000
run {warm}
run {steps}
"""

FLOOR = """pair_style lj/cut/coul/long 9.0
pair_coeff 1 1 0.00674 3.166
pair_coeff * 2 0.0 1.0
set type 1 charge -0.8476
set type 2 charge 0.4238"""


@dataclasses.dataclass
class Case:
    """One way to run a step."""

    name: str
    style: str
    ranks: int = 1
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    copies: int = 1  # runs at the same time
    times: list[dict[str, float]] = dataclasses.field(default_factory=list)  # us/atom/step

    def median(self, section: str) -> float:
        return statistics.median(round_[section] for round_ in self.times)


def les(model: str, keywords: str = "") -> str:
    return f"pair_style les {keywords}\npair_coeff * * {model} O H"


TWO_RANKS = "fused, float32, 2 ranks"
TWO_RUNS = "two runs of the first at once"

CASES = [
    ("fused, float32", les("model.pt"), 1, {}),
    ("fused, float32, split", les("model.pt", "coul auto"), 1, {}),
    (TWO_RANKS, les("model.pt"), 2, {}),
    (TWO_RUNS, les("model.pt"), 1, {}, 2),
    ("fused, float64", les("model64.pt"), 1, {}),
    ("plain TorchScript, float32", les("model.pt"), 1, {"PAIR_LES_FUSED": "0"}),
    ("fused, AVX2", les("model.pt"), 1, {"PAIR_LES_INSTRUCTION_SET": "avx2"}),
    ("fused, baseline", les("model.pt"), 1, {"PAIR_LES_INSTRUCTION_SET": "baseline"}),
    ("LAMMPS lj/cut/coul/long", FLOOR, 1, {}),
]

PACKAGE_CASES = [
    ("package, float32", les("model.pt2"), 1, {}),
    ("package, float32, split", les("model.pt2", "coul auto"), 1, {}),
    ("package, float32, 2 ranks", les("model.pt2"), 2, {}),
    ("package, float64", les("model64.pt2"), 1, {}),
    ("package of plain torch, float32", les("plain.pt2"), 1, {}),
]


def timings(log: str) -> dict[str, float]:
    """us/atom/step of the last run in a log, whole and by section."""
    loop = re.findall(r"^Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms", log, re.MULTILINE)
    seconds, steps, atoms = (float(value) for value in loop[-1])
    found = {"step": 1e6 * seconds / steps / atoms}
    for section in SECTIONS:
        average = re.findall(rf"^{section} +\| *\S+ +\| *(\S+)", log, re.MULTILINE)[-1]
        found[section] = 1e6 * float(average) / steps / atoms
    return found


def run(case: Case, folder: Path, text: str) -> dict[str, float]:
    """us/atom/step by section; the mean of the copies, each in a folder of its own."""
    if case.copies == 1:
        return timings(lammps(folder, text, case.ranks, case.environment))
    folders = [folder / f"copy{number}" for number in range(case.copies)]
    for copy in folders:
        copy.mkdir(exist_ok=True)
        for file in (*folder.glob("*.pt"), *folder.glob("*.data")):
            if not (copy / file.name).exists():
                (copy / file.name).symlink_to(file)
    with ThreadPoolExecutor(case.copies) as pool:
        found = list(
            pool.map(lambda copy: timings(lammps(copy, text, case.ranks, case.environment)), folders)
        )
    return {section: statistics.mean(times[section] for times in found) for section in found[0]}


def scaling(cases: list[Case]) -> str:
    """Two ranks against one, beside what the machine allows: two processors may be two threads of one core, at times."""
    steps = {case.name: [times["step"] for times in case.times] for case in cases}
    one, two, apart = steps[cases[0].name], steps[TWO_RANKS], steps[TWO_RUNS]

    def median(numerator: list[float], denominator: list[float], factor: float = 1.0) -> str:
        ratios = [factor * a / b for a, b in zip(numerator, denominator, strict=True)]
        return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"

    return (
        f"Two ranks do {median(one, two)} times as much as one, two runs at once {median(one, apart, 2.0)} times: "
        f"two ranks reach {median(apart, two, 0.5)} of the throughput of two single runs."
    )


def measure(folder: Path, rounds: int, steps: int, packages: bool) -> list[Case]:
    cases = [Case(*case) for case in (*CASES, *(PACKAGE_CASES if packages else []))]
    for round_ in range(rounds):
        for case in cases:
            text = STEPS.format(
                data="relaxed.data",
                replicate="",
                style=case.style,
                solver=FLOOR_SOLVER if case.style == FLOOR else SOLVER,
                warm=10,
                steps=steps,
            )
            case.times.append(run(case, folder, text))
            print(f"round {round_ + 1}: {case.name}: {case.times[-1]['step']:.1f} us/atom/step", flush=True)
    return cases


def peak_memory(folder: Path, style: str) -> tuple[float, int]:
    """KiB at its largest, and atoms, of one process with 64 copies of the box."""
    text = STEPS.format(
        data="relaxed.data",
        replicate="replicate 4 4 4",
        style=style,
        solver=FLOOR_SOLVER if style == FLOOR else SOLVER,
        warm=1,
        steps=2,
    )
    (folder / "in.lmp").write_text(text)
    program = (
        "import resource, subprocess, sys;"
        "code = subprocess.run(sys.argv[1:]).returncode;"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    )
    command = [sys.executable, "-c", program, str(BIN / "lmp"), "-in", "in.lmp", "-screen", "none"]
    run = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    atoms = int(re.findall(r"^  (\d+) atoms$", (folder / "log.lammps").read_text(), re.MULTILINE)[-1])
    return float(run.stdout.split()[-1]), atoms


def rows_of(cases: list[Case]) -> list[dict[str, Any]]:
    """Rows of the table, us/atom/step."""
    first = cases[0].median("step")
    return [
        {
            "case": case.name,
            **{name: case.median(name) for name in ("Pair", "Kspace", "Modify", "step")},
            "ratio": case.median("step") / first,
            "fastest": min(times["step"] for times in case.times),
        }
        for case in cases
    ]


def figure(cases: list[Case], file: Path) -> None:
    """Stacked bars of the sections of a step."""
    fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    names = [case.name for case in cases]
    left = [0.0] * len(cases)
    for section in SECTIONS:
        values = [case.median(section) for case in cases]
        ax.barh(names, values, left=left, label=section)
        left = [a + b for a, b in zip(left, values, strict=True)]
    ax.invert_yaxis()
    ax.set(xlabel="us / atom / step")
    ax.legend()
    fig.savefig(file, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--molecules", type=int, default=8, help="molecules per edge (8: 1536 atoms)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument(
        "--packages", action="store_true", help="also AOTInductor packages, compiled first (minutes)"
    )
    parser.add_argument(
        "--memory", action="store_true", help="also the peak memory of a box 64 times as large"
    )
    parser.add_argument(
        "--train", metavar="DATA", help="also the time of a training step on two frames of DATA"
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw the sections of a step")
    add_record_option(parser, "step")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            [sys.executable, str(WATER / "make_water.py"), str(arguments.molecules)], cwd=folder, check=True
        )
        write_scripts(WATER / "model.pt", folder)
        lammps(folder, RELAX)
        if arguments.packages:
            write_packages(WATER / "model.pt", folder)
        cases = measure(folder, arguments.rounds, arguments.steps, arguments.packages)
        notes = [scaling(cases)]
        if arguments.memory:
            mine, atoms = peak_memory(folder, les("model.pt"))
            floor, _ = peak_memory(folder, FLOOR)
            notes.append(
                f"A box of {atoms} atoms on one rank takes {mine / atoms:.1f} KiB/atom at most, "
                f"{(mine - floor) / atoms:.1f} more than LAMMPS's own water."
            )
    if arguments.train:
        training = training_times(arguments.train, arguments.rounds)
        notes.append(
            f"A step of force training on two frames takes {training['fused']:.0f} us/atom with the fused operators "
            f"and {training['twin']:.0f} in plain torch."
        )
    report(COLUMNS, rows_of(cases), arguments.record, note=" ".join(notes))
    print("\n" + "\n".join(notes))
    if arguments.plot:
        figure(cases, arguments.plot)


if __name__ == "__main__":
    main()
