# SPDX-License-Identifier: MIT
"""Iterations of charge equilibration per step, against the number of ions.

A molten salt (2400 K, 1 fs) of a toy model whose electronegativities depend on the surroundings, so that iterations are those of the
method and time is that of the kspace style. `iterations` counts products, each one call of kspace; `first` is the first step, which starts
from nothing and is solved again whenever the mesh is sized anew; a step has two more calls, for the first residual and for the forces.

    python benchmarks/equilibration.py --edges 6 10 16 24 32 --ranks 2 --record

prints the table of docs/benchmarks/performance.md.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lammps_run import lammps
from pair_les.model_file import LongRange, Metadata, save_model
from record import Column, add_record_option, report

SPACING = 2.9  # angstrom between neighboring ions
SETTLED = 10  # step from which the iterations no longer depend on the start
COLUMNS = (
    Column("ions", "ions"),
    Column("first", "first step"),
    Column("mean", f"steps {SETTLED} to the end, mean", ".1f"),
    Column("largest", "at most"),
    Column("kspace", "Kspace, % of the time", ".0f"),
)

INPUT = """
units metal
atom_style charge
read_data salt.data
pair_style les {keywords}
pair_coeff * * salt.pt Na Cl
kspace_style pppm {accuracy}
compute qeq all pair les
thermo_style custom step temp pe c_qeq[1] c_qeq[2]
thermo 1
timestep 0.001
velocity all create 2400 4711 mom yes
fix 1 all nve
run {steps}
"""


class Salt(torch.nn.Module):
    """A Born repulsion; electronegativities of +-4 eV/e that shift, and hardnesses that grow, with the neighbors."""

    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        center, neighbor = edge_index[0], edge_index[1]
        sign = 1.0 - 2.0 * species.to(edge_vectors.dtype)
        r = edge_vectors.square().sum(1).sqrt()
        smooth = (1.0 - (r / 5.0) ** 2) ** 3
        none = torch.zeros(species.size(0), dtype=edge_vectors.dtype)
        energy = none.index_add(0, center, 500.0 * torch.exp(-r / 0.317) * smooth)
        electronegativity = -4.0 * sign + none.index_add(0, center, 0.5 * smooth * sign[neighbor])
        hardness = 16.0 - 2.0 * sign + none.index_add(0, center, 0.2 * smooth)
        return {
            "energy": energy[:n_local],
            "electronegativity": electronegativity[:n_local],
            "hardness": hardness[:n_local],
        }


def write_model(path: Path) -> None:
    """The toy model as a file of contract version 2."""
    settings = LongRange(1.0, neutralize=True, charge_model="equilibration")
    save_model(path, torch.jit.script(Salt()), Metadata(("Na", "Cl"), 5.0, long_range=settings))


def write_salt(path: Path, edge: int) -> None:
    """Ions in rock-salt order, displaced at random by 0.1 angstrom, without charges."""
    sites = np.array(np.meshgrid(*3 * [np.arange(edge)], indexing="ij")).reshape(3, -1).T
    positions = (sites + 0.5) * SPACING + 0.1 * np.random.default_rng(1).standard_normal(sites.shape)
    lines = ["salt", "", f"{len(sites)} atoms", "2 atom types"]
    lines += [f"0 {edge * SPACING} {axis}lo {axis}hi" for axis in "xyz"]
    lines += ["", "Masses", "", "1 22.99", "2 35.45", "", "Atoms # charge", ""]
    for tag, (site, (x, y, z)) in enumerate(zip(sites, positions, strict=True), start=1):
        lines.append(f"{tag} {1 + site.sum() % 2} 0.0 {x:.10f} {y:.10f} {z:.10f}")
    path.write_text("\n".join(lines) + "\n")


def row_of(log: str, ions: int) -> dict[str, Any]:
    """Iterations of the first and of later steps, and the share of the kspace style, of a run."""
    found = re.findall(r"^ *(\d+) +\S+ +\S+ +(\d+) +\S+ *$", log, re.MULTILINE)
    counts = [int(count) for _, count in found]
    later = counts[SETTLED:]
    share = re.search(r"^Kspace .*\| +(\S+) *$", log, re.MULTILINE)
    return {
        "ions": ions,
        "first": counts[0],
        "mean": sum(later) / len(later),
        "largest": max(later),
        "kspace": float(share[1]) if share else None,
    }


def main() -> None:
    """Run every size and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--edges", type=int, nargs="+", default=[6, 10, 16], help="ions along each edge, even"
    )
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--keywords", default="coul 8.0", help="of pair_style les")
    parser.add_argument("--accuracy", default="1e-4", help="of pppm")
    add_record_option(parser, "equilibration")
    chosen = parser.parse_args()
    rows = []
    for edge in chosen.edges:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_model(folder / "salt.pt")
            write_salt(folder / "salt.data", edge)
            text = INPUT.format(keywords=chosen.keywords, accuracy=chosen.accuracy, steps=chosen.steps)
            rows.append(row_of(lammps(folder, text, chosen.ranks), edge**3))
        print(rows[-1], flush=True)
    report(COLUMNS, rows, chosen.record)


if __name__ == "__main__":
    main()
