# SPDX-License-Identifier: MIT
"""Bytes and floating-point operations of one step of ``pair_style les/kk`` per atom, counted from the sizes of a model.

    python benchmarks/gpu/roofline.py examples/lammps/water/model.pt

Bytes are those that pass through the memory of the device, each array once per kernel that reads or writes it; what a kernel reads
again from a cache is not counted, and neither are weights. Operations are multiplications and additions. A device that moves B
bytes per second makes at most B / bytes atom-steps per second; no device reaches that, and half of it is good.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

DEVICES = {"H100, 3.3 TB/s": (3.3e12, 67e12), "H200, 4.3 TB/s": (4.3e12, 67e12)}
"""Bytes per second and float32 operations per second, without tensor cores."""

INDEX, INT, DOUBLE = 8, 4, 8
FFTS = 5
"""Transforms of the mesh in a step: charges, three components of the field, the potential."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of a strictly local model and of a system, per atom where that makes sense."""

    n_species: int
    n_radial: int
    l_max: int
    body_order: int
    n_channels: int
    hidden: tuple[int, ...]
    n_points: int
    real: int = 4
    edges: float = 73.0
    listed: float = 120.0
    mesh_points: float = 25.0
    order: int = 7

    @property
    def n_lm(self) -> int:
        return (self.l_max + 1) ** 2

    @property
    def n_density(self) -> int:
        return self.n_species * self.n_radial

    @property
    def n_features(self) -> int:
        return (1 + self.l_max + self.body_order - 3) * self.n_channels


@dataclass(frozen=True)
class Stage:
    """A group of kernels: bytes and operations per atom and step."""

    name: str
    bytes: float
    operations: float


def stages(s: Sizes) -> list[Stage]:
    """The stages of a step, forward and backward together."""
    density = s.n_lm * s.n_density
    mixed = s.n_lm * s.n_channels
    basis = 100.0 + 6.0 * s.n_radial + 2.0 * s.n_lm
    linear = 0.0
    widths = [s.n_features, *s.hidden, 2]
    for first, second in zip(widths[:-1], widths[1:], strict=True):
        linear += 2.0 * first * second
    hidden = float(sum(s.hidden))
    points = 2.0 * s.n_points * s.n_lm + 10.0 * s.n_points
    stencil = float(s.order**3)
    return [
        Stage(
            "graph: count, scan and fill",
            2 * INT * s.listed + s.edges * (2 * INDEX + 3 * s.real),
            2 * 10.0 * s.listed,
        ),
        Stage(
            "species of neighbors, first edge of each center",
            s.edges * (INDEX + INDEX + INDEX),
            0.0,
        ),
        Stage(
            "density",
            s.edges * (3 * s.real + INDEX) + density * s.real,
            s.edges * (basis + 2.0 * s.n_radial * s.n_lm) + 2.0 * s.n_lm * density,
        ),
        Stage(
            "density, backward",
            s.edges * (2 * 3 * s.real + INDEX) + density * s.real,
            s.edges * (2.0 * basis + 4.0 * s.n_radial * s.n_lm) + 2.0 * s.n_lm * density,
        ),
        Stage(
            "mixing and its adjoint, with rows by species",
            4 * 2 * density * s.real + 2 * mixed * s.real,
            4.0 * density * s.n_channels,
        ),
        Stage("products", (mixed + s.n_features) * s.real, points * s.n_channels),
        Stage("products, backward", (2 * mixed + s.n_features) * s.real, 3.0 * points * s.n_channels),
        Stage(
            "readout, forward and backward",
            (8 * s.n_features + 10 * hidden) * s.real,
            2.0 * linear + 30.0 * s.n_features,
        ),
        Stage(
            "forces of edges (atomic additions)",
            s.edges * (3 * s.real + INDEX + 3 * DOUBLE),
            s.edges * 25.0,
        ),
        Stage(
            "mesh: spread, 5 transforms, interpolation",
            s.mesh_points * (FFTS * 6 * 2 * DOUBLE + 12 * 2 * DOUBLE) + 3 * s.order * DOUBLE * 4,
            s.mesh_points * FFTS * 5.0 * 24.0 + 2.0 * stencil * (1 + 3 + 1),
        ),
        Stage("integration, neighbor list in ten steps", 20 * DOUBLE + 2 * INT * s.listed / 10, 100.0),
    ]


def memory(s: Sizes) -> dict[str, float]:
    """Bytes per atom that are in use at once, in the backward pass."""
    return {
        "neighbor list": 1.2 * INT * s.listed,
        "edges": 1.1 * s.edges * (2 * INDEX + 3 * s.real),
        "species of neighbors and gradient of edges": s.edges * (INDEX + 3 * s.real),
        "network: tape and adjoints": s.real
        * (2 * s.n_lm * s.n_channels + 2 * s.n_lm * s.n_density + 4 * s.n_features + 4 * sum(s.hidden)),
        "mesh": s.mesh_points * (13 * DOUBLE + 6 * DOUBLE),
        "LAMMPS": 60.0 * DOUBLE,
    }


def sizes_of(file: str, real: int) -> Sizes:
    """Sizes of a strictly local model file of this package."""
    from pair_les.model_file import load_model

    module, metadata = load_model(file)
    weights = module.state_dict()
    hidden = [
        value.size(-1)
        for name, value in weights.items()
        if name.startswith("readout.layers.") and name.endswith(".weight")
    ]
    return Sizes(
        n_species=len(metadata.species),
        n_radial=module.n_radial,
        l_max=module.l_max,
        body_order=module.body_order,
        n_channels=weights["mixing"].size(-1),
        hidden=tuple(hidden),
        n_points=weights["quadrature_weights"].size(-1),
        real=real,
    )


def table(s: Sizes) -> str:
    """The count as a table, with what devices can do at most."""
    lines = ["| stage | bytes | operations |", "|---|---|---|"]
    found = stages(s)
    lines += [f"| {stage.name} | {stage.bytes:.0f} | {stage.operations:.0f} |" for stage in found]
    n_bytes, operations = sum(stage.bytes for stage in found), sum(stage.operations for stage in found)
    lines += [f"| **all** | **{n_bytes:.0f}** | **{operations:.0f}** |", ""]
    lines += ["| device | by bytes, atom-steps/s | by operations |", "|---|---|---|"]
    for name, (bandwidth, rate) in DEVICES.items():
        lines.append(f"| {name} | {bandwidth / n_bytes:.1e} | {rate / operations:.1e} |")
    used = memory(s)
    lines += ["", "| in use at once | bytes per atom |", "|---|---|"]
    lines += [f"| {name} | {value:.0f} |" for name, value in used.items()]
    return "\n".join([*lines, f"| **all** | **{sum(used.values()):.0f}** |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", help="a strictly local model file")
    parser.add_argument("--float64", action="store_true", help="as if the model was of float64")
    options = parser.parse_args()
    print(table(sizes_of(options.model, 8 if options.float64 else 4)))


if __name__ == "__main__":
    main()
