# SPDX-License-Identifier: MIT
"""Accuracy of the long-range sum: what was asked for, what the log says and what is found, for charges of all arrangements.

The reference of each arrangement is the same network in LAMMPS with ``kspace_style ewald`` in matched mode, whose number of
reciprocal vectors is set by hand so that the sum is converged (tests hold it to an independent direct sum). All forces are
compared, with the response of the charges; an rms is over atoms, of the length of the deviation.

    python benchmarks/mesh_accuracy.py --record
    python benchmarks/mesh_accuracy.py --cases dimer-20 water-648 --accuracies 1e-4 --styles "les" "les coul 9.0"

prints the table of docs/benchmarks/mesh_accuracy.md; ``--cases water-1536 --steps 20`` measures the time of a step as well.
"""

from __future__ import annotations

import argparse
import math
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "lammps"), str(ROOT / "tests")]

import systems  # noqa: E402
from analytic_models import write_model  # noqa: E402
from lammps_run import lammps  # noqa: E402
from record import Column, add_record_option, finite, report  # noqa: E402
from systems import System  # noqa: E402

WATER_MODEL = ROOT / "examples" / "lammps" / "water" / "model.pt"
TWO_CHARGE_FORCE = 14.399645  # eV/angstrom
STYLES = ("les", "les coul 9.0", "les coul auto", "les mesh stock")
TRUNCATION = 1e-12  # exp(-sigma^2 k^2 / 2) of the first vector that the reference leaves out
SIGMA = 1.0


@dataclass(frozen=True)
class Case:
    """A system with its name in the table, its model ("water" or "ions"), and the factor of ``kspace_modify slab`` (0: periodic)."""

    label: str
    make: Callable[[], System]
    model: str = "water"
    slab: float = 0.0


COLUMNS = (
    Column("charges", "charges"),
    Column("style", "pair_style"),
    Column("kspace", "kspace_style"),
    Column("asked", "force error asked for, meV/A", ".3g"),
    Column("logged", "in the log", ".3g"),
    Column("found", "found", ".3g"),
    Column("energy_logged", "energy error in the log, meV/atom", ".2g"),
    Column("energy", "found", ".2g"),
    Column("points", "mesh points"),
    Column("warning", "warning in the log"),
)


def water_slab(n: int, vacuum: float, extend: float) -> System:
    """Liquid water of `n`^3 molecules below a vacuum of `vacuum` times its thickness; `extend` angstrom of it in the box."""
    box = systems.water_box(n, seed=3)
    edge = box.cell[0, 0]
    height = edge * (1.0 + vacuum) if vacuum else edge + extend
    return System(
        box.symbols, box.positions + [0.0, 0.0, 0.5 * (height - edge)], np.diag([edge, edge, height])
    )


def ions(n: int, edge: float, min_distance: float) -> System:
    return systems.random_fluid(
        {"Na": n // 2, "Cl": n // 2}, np.eye(3) * edge, seed=3, min_distance=min_distance
    )


CASES = {
    "dimer-20": Case("water dimer in 20 A", lambda: systems.water_dimer(20.0)),
    "dimer-40": Case("water dimer in 40 A", lambda: systems.water_dimer(40.0)),
    "dimer-100": Case("water dimer in 100 A", lambda: systems.water_dimer(100.0)),
    "ions-64-in-80": Case("64 ions in 80 A", lambda: ions(64, 80.0, 2.0), "ions"),
    "cluster-64-in-80": Case(
        "cluster of 64 ions in 80 A", lambda: System(*_centered(ions(64, 13.0, 2.0), 80.0)), "ions"
    ),
    "droplet-500-in-60": Case("droplet of 500 molecules in 60 A", lambda: systems.droplet(500, 60.0)),
    "slab-vacuum-3": Case("water slab, threefold vacuum", lambda: water_slab(5, 3.0, 0.0)),
    "slab-modify-3": Case("water slab, `kspace_modify slab 3`", lambda: water_slab(5, 0.0, 6.0), slab=3.0),
    "crystal-512": Case("rock salt, 512 ions", lambda: systems.rock_salt((8, 8, 8), 2.82, seed=1), "ions"),
    "one-atom": Case(
        "one ion in 15 A", lambda: System(("Na",), np.array([[3.1, 4.3, 6.7]]), np.eye(3) * 15.0), "ions"
    ),
    "water-648": Case("liquid water, 648 atoms", lambda: systems.water_box(6, seed=1)),
    "water-1536": Case("liquid water, 1536 atoms", lambda: systems.water_box(8, seed=1)),
}
ACCURACY_CASES = [name for name in CASES if name != "water-1536"]  # which is there for the time of a step


def _centered(system: System, edge: float) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    shift = 0.5 * (edge - system.cell[0, 0])
    return system.symbols, system.positions + shift, np.eye(3) * edge


def script(case: Case, system: System, style: str, kspace: str, modify: str, run: str) -> str:
    boundary = "p p f" if case.slab else "p p p"
    slab = f"kspace_modify slab {case.slab}" if case.slab else ""
    return f"""
units metal
atom_style charge
boundary {boundary}
read_data system.data
pair_style {style}
pair_coeff * * model.pt {" ".join(system.types)}
kspace_style {kspace}
{modify}
{slab}
neighbor 1.0 bin
timestep 1e-9
thermo_style custom step pe
thermo_modify format float %.15g
fix 1 all nve
run 0
write_dump all custom f.txt fx fy fz modify sort id format float %.17g
{run}
"""


def evaluate(folder: Path, text: str, ranks: int = 1) -> tuple[np.ndarray, float, str]:
    """Forces [n, 3] eV/angstrom, energy eV, log."""
    log = lammps(folder, text, ranks)
    energy = float(re.findall(r"Step +PotEng *\n *0 +(\S+)", log)[0])
    return np.loadtxt(folder / "f.txt", skiprows=9, ndmin=2), energy, log


def reference(folder: Path, case: Case, system: System) -> tuple[np.ndarray, float]:
    """Forces and energy by a converged sum over reciprocal vectors."""
    lengths = np.diag(system.cell) * [1.0, 1.0, case.slab or 1.0]
    k_max = math.sqrt(-2.0 * math.log(TRUNCATION)) / SIGMA
    numbers = " ".join(str(math.ceil(k_max * length / (2.0 * math.pi))) for length in lengths)
    text = script(case, system, "les", "ewald 1e-10", f"kspace_modify kmax/ewald {numbers}", "")
    forces, energy, _ = evaluate(folder, text)
    return forces, energy


def measure(
    folder: Path, name: str, style: str, kspace: str, exact: tuple, steps: int, ranks: int
) -> dict[str, Any]:
    """A row of the table: errors in meV/angstrom and meV per atom, time in s per step."""
    case = CASES[name]
    system = case.make()
    text = script(case, system, style, kspace, "", f"run {steps}" if steps else "")
    forces, energy, log = evaluate(folder, text, ranks)
    loops = re.findall(r"Loop time of ([\d.e+-]+)", log)
    row = compare(log[: log.index("Loop time of")], forces - exact[0], energy - exact[1])
    seconds = float(loops[-1]) / steps if steps else None
    return {"charges": case.label, "style": style, "kspace": kspace, **row, "seconds": seconds}


def compare(log: str, force_errors: np.ndarray, energy_error: float) -> dict[str, Any]:
    """What the log of the first run says and what was found.

    Parameters
    ----------
    force_errors
        [n, 3], eV/angstrom.
    energy_error
        Of the whole system, eV.
    """
    accuracy = float(re.findall(r"^kspace_style \S+ (\S+)", log, re.MULTILINE)[-1])
    logged = [float(value) for value in re.findall(r"rms force error ([\d.e+-]+)", log)]
    energies = [float(value) for value in re.findall(r"energy error ([\d.e+-]+)", log)]
    grid = re.findall(r"grid = (\d+) (\d+) (\d+)", log)
    return {
        "asked": 1e3 * accuracy * TWO_CHARGE_FORCE,
        "logged": 1e3 * logged[-1] if logged else None,
        "found": 1e3 * float(np.sqrt((force_errors**2).sum(1).mean())),
        "energy_logged": finite(1e3 * energies[-1]) if energies else None,
        "energy": 1e3 * energy_error / len(force_errors),
        "points": math.prod(map(int, grid[-1])) if grid else None,
        "warning": "not reached" if "does not reach" in log else "",
    }


def bounds(rows: list[dict[str, Any]]) -> str:
    """Sentence on the largest errors of the meshes that `pair_style les` chooses, in units of what was asked for."""
    own = [row for row in rows if "mesh stock" not in row["style"]]
    if not own:
        return ""
    force = max(row["found"] / row["asked"] for row in own)
    energy = max(abs(row["energy"]) / row["asked"] for row in own)  # as many meV/atom as meV/angstrom
    logged = [row["logged"] / row["found"] for row in own if row["logged"] is not None]
    text = f"With the meshes that les chooses, forces have at most {force:.2f} times the error asked for and energies "
    text += f"{energy:.2f} times"
    return text + (
        f"; the log says {min(logged):.2f} to {max(logged):.2f} times what is found." if logged else "."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", default=ACCURACY_CASES, choices=list(CASES))
    parser.add_argument("--styles", nargs="+", default=list(STYLES))
    parser.add_argument("--solver", default="pppm", help="a kspace style")
    parser.add_argument("--accuracies", nargs="+", default=["1e-4", "1e-5", "1e-6"])
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--steps", type=int, default=0, help="of a timed run, 0 for none")
    parser.add_argument("--references", type=Path, help="folder that keeps the references between runs")
    add_record_option(parser, "mesh_accuracy")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.cases:
        case = CASES[name]
        system = case.make()
        with tempfile.TemporaryDirectory() as folder_name:
            folder = Path(folder_name)
            systems.write_data(folder / "system.data", system)
            if case.model == "water":
                shutil.copy(WATER_MODEL, folder / "model.pt")
            else:
                write_model(folder / "model.pt")
            kept = arguments.references / f"{name}.npz" if arguments.references else None
            if kept and kept.exists():
                exact = (np.load(kept)["forces"], float(np.load(kept)["energy"]))
            else:
                exact = reference(folder, case, system)
                if kept:
                    np.savez(kept, forces=exact[0], energy=exact[1])
            for style in arguments.styles:
                for accuracy in arguments.accuracies:
                    try:
                        row = measure(
                            folder, name, style, f"{arguments.solver} {accuracy}", exact,
                            arguments.steps, arguments.ranks,
                        )  # fmt: skip
                    except RuntimeError as error:
                        print(name, style, accuracy, str(error)[-300:], flush=True)
                        continue
                    rows.append(row)
                    print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    report(COLUMNS, rows, arguments.record, note=bounds(rows))


if __name__ == "__main__":
    main()
