# SPDX-License-Identifier: MIT
"""Parts that measure speed and memory: throughput, forms of a model, largest box, two ranks, torch's device without KOKKOS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inputs import water
from lammps_output import thermo, timing
from session import OutOfMemory, RunFailed, Session

SECONDS_PER_SIZE = 4.0
"""What the steps of one size should take once their speed is known."""


def measure(session: Session, copies: int, steps: int, **options: Any) -> dict[str, Any]:
    """Speed and memory of water in a box; `options` go to `inputs.water` and `Session.run`."""
    of_run = {name: options.pop(name) for name in ("host", "ranks", "environment") if name in options}
    finished = session.run(water(copies, steps, **options), **of_run)
    return {**timing(finished.log), "mebibytes": finished.mebibytes, "wall_seconds": finished.seconds}


def attempt(session: Session, *arguments: Any, **options: Any) -> dict[str, Any]:
    """`measure`, or the line with which it failed."""
    try:
        return measure(session, *arguments, **options)
    except RunFailed as error:
        return {"error": str(error)}


def throughput(session: Session, model: str, sizes: list[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the speed of growing boxes; steps are chosen from the speed of the one before."""
    steps, rates = (5 if session.rehearsal else 200), {}
    for copies in sizes:
        try:
            found = measure(session, copies, steps, model=model)
        except OutOfMemory as error:
            yield f"{copies} copies", {"error": str(error), "out_of_memory": True}
            return
        yield f"{copies} copies", found
        rates[found["atoms"]] = found["atom_steps_per_second"]
        if not session.rehearsal:
            larger = found["atoms"] * ((copies + 1) / copies) ** 3
            steps = int(min(200, max(10, SECONDS_PER_SIZE * found["atom_steps_per_second"] / larger)))
    if rates:
        fastest = max(rates.values())
        knee = min(atoms for atoms, rate in rates.items() if rate >= 0.9 * fastest)
        yield "knee", {"atoms_at_90_percent_of_the_fastest": knee, "atom_steps_per_second": fastest}


def throughput_float32(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the speed of the float32 model, the shipped one."""
    yield from throughput(session, "water.pt", [1] if session.rehearsal else [1, 2, 3, 4, 5, 6, 8])


def throughput_float64(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the speed of the float64 model."""
    yield from throughput(session, "water64.pt", [1] if session.rehearsal else [1, 3, 5])


def forms(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the speed of the fused kernels, plain torch, and a package, one beside the other."""
    copies, steps = (1, 3) if session.rehearsal else (4, 30)
    yield "fused kernels", attempt(session, copies, steps)
    yield (
        "fused kernels of Kokkos",
        attempt(session, copies, steps, environment={"PAIR_LES_KERNELS": "kokkos"}),
    )
    yield "plain torch", attempt(session, copies, steps, environment={"PAIR_LES_FUSED": "0"})
    if (session.kit / "water.pt2").exists():
        yield "package", attempt(session, copies, steps, model="water.pt2")
    else:
        yield "package", {"error": "no water.pt2 in the kit: prepare it with --package"}


def largest_box(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield memory of growing boxes until one does not fit, and what an atom needs."""
    seen = []
    for copies in [1, 2] if session.rehearsal else [8, 12, 16, 19, 22]:
        try:
            found = measure(session, copies, 2, warm=1)
        except OutOfMemory as error:
            yield f"{copies} copies", {"error": str(error), "out_of_memory": True}
            break
        seen.append(found)
        yield f"{copies} copies", found
    if len(seen) > 1:
        first, last = seen[0], seen[-1]
        bytes_per_atom = 2**20 * (last["mebibytes"] - first["mebibytes"]) / (last["atoms"] - first["atoms"])
        yield "memory", {"bytes_per_atom": bytes_per_atom, "largest_box": last["atoms"]}


def two_ranks(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the speed of one and two processes on one device."""
    for copies in [1] if session.rehearsal else [3, 5]:
        steps = 3 if session.rehearsal else 50
        for ranks in (1, 2):
            yield f"{copies} copies, {ranks} ranks", attempt(session, copies, steps, ranks=ranks)


def device_of_torch(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield speed and energy of ``pair_style les device cuda`` in LAMMPS without KOKKOS, beside the CPU."""
    sizes = [1] if session.rehearsal else [1, 4]
    for copies in sizes:
        steps = 3 if session.rehearsal else 20
        yield (
            f"{copies} copies",
            attempt(session, copies, steps, host=True, keywords=f"device {session.device}"),
        )
    energies = {}
    for device in ("cpu", session.device):
        text = water(1, 0, model="water64.pt", keywords=f"device {device}", thermo=1)
        energies[device] = float(thermo(session.run(text, host=True).log)["PotEng"][-1])
    difference = abs(energies["cpu"] - energies[session.device])
    yield "energy against the CPU, eV", {"difference": difference, "passed": difference < 1e-5}
