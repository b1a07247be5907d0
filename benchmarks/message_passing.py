# SPDX-License-Identifier: MIT
"""What one message-passing layer costs in LAMMPS: messages of ghosts communicated, or computed again.

    python benchmarks/message_passing.py [--ranks 1 2] [--rounds 3] [--steps 20] [--record]

Two boxes, float32, NVE: 32 dipeptides far apart (``examples/models/dipeptides.pt``, 1475 atoms of ../shared/data/dipeptides) and 1536
atoms of liquid water (a network of the same size with random weights, cutoff 4.5 angstrom). Microseconds per atom and
step of the whole step, fastest of the rounds, whose runs take turns; ghosts per rank.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import torch
from lammps_run import lammps
from pair_les.export import script_network
from pair_les.model_file import LongRange, Metadata, save_model
from pair_les.net import NetSettings, network_class
from record import Column, add_record_option, report

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "lammps")]
from shared_data import SHARED  # noqa: E402
from systems import System, water_box, write_data  # noqa: E402

SHIPPED = ROOT / "examples" / "models" / "dipeptides.pt"
BOXES = {
    "dipeptides": "32 dipeptides far apart, 1475 atoms",
    "water": "water, 1536 atoms, random weights",
}
MODES = {"communicate": "communicated", "recompute": "computed again"}
SECTIONS = ("Pair", "Modify", "Kspace", "Comm", "Neigh")
COLUMNS = (
    Column("box", "box"),
    Column("messages", "messages of ghosts"),
    Column("ranks", "ranks"),
    Column("ghosts", "ghosts per rank", ".0f"),
    Column("step", "us/atom/step", ".1f"),
    *(Column(section, f"{section}, %", ".0f") for section in SECTIONS),
)


def dipeptides(n: int = 32, spacing: float = 25.0) -> System:
    """`n` different molecules on a grid, out of each other's reach."""
    frames = ase.io.read(SHARED / "data" / "dipeptides" / "valid.extxyz", f":{n}")
    side = int(np.ceil(n ** (1 / 3)))
    symbols, positions = [], []
    for number, atoms in enumerate(frames):
        place = np.array([number % side, number // side % side, number // side**2]) + 0.5
        symbols += atoms.get_chemical_symbols()
        positions.append(atoms.positions - atoms.positions.mean(0) + spacing * place)
    return System(tuple(symbols), np.concatenate(positions), np.diag([side * spacing] * 3))


def write_water_network(path: Path) -> None:
    """Random weights: the cost does not depend on them."""
    torch.manual_seed(1)
    settings = NetSettings(cutoff=4.5, n_radial=8, n_channels=32, message_passing_layers=1)
    net = network_class(settings)(["H", "O"], settings, charge=True)
    with torch.no_grad():  # nearly flat: the atoms stay where they are
        for parameter in (net.readout.last.weight, net.readout.direct):
            parameter.mul_(1e-3)
    plain, fused = script_network(net)
    extra = {"message_features": net.message_features()}
    save_model(path, plain, Metadata(("H", "O"), 4.5, 1, "float32", LongRange(1.0), extra=extra), fused)


def measure(folder: Path, system: System, model: Path, mode: str, ranks: int, steps: int) -> dict[str, Any]:
    """Cost, ghosts and sections of one run."""
    write_data(folder / "system.data", system)
    text = f"""units metal
atom_style charge
read_data system.data
pair_style les {mode}
pair_coeff * * {model} {" ".join(system.types)}
kspace_style pppm 1e-4
neigh_modify every 10 delay 0 check yes
velocity all create 100.0 1
fix nve all nve
timestep 0.00025
run 5
run {steps}
"""
    return costs(lammps(folder, text, ranks), steps, len(system.symbols))


def costs(log: str, steps: int, atoms: int) -> dict[str, Any]:
    """us/atom/step, ghosts per rank and the share of each section, of the second run of a log."""
    seconds = float(re.findall(r"^Loop time of ([\d.]+)", log, re.MULTILINE)[1])
    share = {
        name: float(re.findall(rf"^{name} +\|.*\| *([\d.]+) *$", log, re.MULTILINE)[-1]) for name in SECTIONS
    }
    ghosts = float(re.findall(r"^Nghost: +([\d.]+) ave", log, re.MULTILINE)[-1])
    return {"step": seconds / steps / atoms * 1e6, "ghosts": ghosts, **share}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--boxes", nargs="+", default=list(BOXES), choices=list(BOXES))
    add_record_option(parser, "message_passing")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        water = folder / "water.pt"
        write_water_network(water)
        cases = {}
        for box in options.boxes:
            system = dipeptides() if box == "dipeptides" else water_box(8, seed=1)
            file = options.model.resolve() if box == "dipeptides" else water
            for ranks in options.ranks:
                for mode in MODES:
                    cases[box, ranks, mode] = system, file, f"message_passing {mode}"
        found: dict[tuple, list] = {case: [] for case in cases}
        for _ in range(options.rounds):
            for case, (system, file, mode) in cases.items():
                found[case].append(measure(folder, system, file, mode, case[1], options.steps))
    rows = [
        {"box": BOXES[box], "messages": MODES[mode], "ranks": ranks, **min(runs, key=lambda run: run["step"])}
        for (box, ranks, mode), runs in found.items()
    ]
    report(COLUMNS, rows, options.record)


if __name__ == "__main__":
    main()
