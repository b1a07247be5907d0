# SPDX-License-Identifier: MIT
"""Part: kernels, fences, copies and times of one step, by Kokkos tools and, on an NVIDIA GPU, by CUPTI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inputs import water
from session import RunFailed, Session

FEW, MANY = 10, 30
"""Steps of two runs: what the second has more, divided by the steps that it has more, is one step."""

TOOL_FENCE = "invoke_kokkosp_callback"
"""In the names of fences that Kokkos makes for the tool."""


def counted(session: Session, copies: int, steps: int) -> tuple[Counter[str], Counter[tuple[str, int]]]:
    """Kernels and fences by name, and copies by name and bytes, of a whole run."""
    tool, log = session.kit / "event_log.so", session.work / f"events{steps}.txt"
    environment = {"KOKKOS_TOOLS_LIBS": str(tool), "KOKKOS_EVENT_LOG": str(log)}
    session.run(water(copies, steps), environment=environment)
    begun: Counter[str] = Counter()
    copied: Counter[tuple[str, int]] = Counter()
    for line in log.read_text().splitlines():
        if line.startswith(("kernel ", "fence ")) and TOOL_FENCE not in line:
            begun[line] += 1
        elif line.startswith("copy "):
            _, size, names = line.split(" ", 2)
            copied[names, int(size)] += 1
    return begun, copied


def per_step(few: Counter, many: Counter) -> dict[Any, float]:
    """How often each happens in one step, the most frequent first."""
    steps = MANY - FEW
    more = {key: (count - few[key]) / steps for key, count in many.items() if count > few[key]}
    return dict(sorted(more.items(), key=lambda item: -item[1]))


def shortened(name: str) -> str:
    """A kernel's name without the arguments of its templates."""
    return name if len(name) <= 100 else f"{name[:60]} ... {name[-35:]}"


def events(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield kernels and fences of a step, and the copies of per-atom data."""
    first, second = counted(session, 1, FEW), counted(session, 1, MANY)
    begun, copied = per_step(first[0], second[0]), per_step(first[1], second[1])
    kernels = {name[7:]: n for name, n in begun.items() if name.startswith("kernel ")}
    fences = {name[6:]: n for name, n in begun.items() if name.startswith("fence ")}
    yield (
        "kernels of a step",
        {
            "all": sum(kernels.values()),
            "of pair_les": sum(n for name, n in kernels.items() if name.startswith(("les:", "pair_les::"))),
            "by name": {shortened(name): n for name, n in kernels.items()},
        },
    )
    yield "fences of a step", {"all": sum(fences.values()), "by name": fences}
    atoms = int((session.kit / "water.data").read_text().split("atoms")[0].split()[-1])
    large = {f"{names}, {size} bytes": n for (names, size), n in copied.items() if size >= 4 * atoms}
    yield "copies of per-atom data in a step", {"number": sum(large.values()), "by name": large}


def times(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield milliseconds per step of each kernel of Kokkos and each phase of torch, the longest first."""
    copies, steps = (1, 5) if session.rehearsal else (4, 30)
    tool, log = session.kit / "kernel_times.so", session.work / "kernel_times.txt"
    environment = {"KOKKOS_TOOLS_LIBS": str(tool), "KOKKOS_KERNEL_TIMES": str(log)}
    session.run(water(copies, steps, warm=0), environment=environment)
    yield "by Kokkos", table(log, steps + 1)
    if not (session.kit / "gpu_activity.so").exists() or session.rehearsal:
        return
    log = session.work / "gpu_activity.txt"
    environment = {"CUDA_INJECTION64_PATH": str(session.kit / "gpu_activity.so"), "GPU_ACTIVITY": str(log)}
    try:
        session.run(water(copies, steps, warm=0), environment=environment)
        yield "by the driver", table(log, steps + 1)
    except (RunFailed, FileNotFoundError) as error:
        yield "by the driver", {"error": str(error)}


def table(log: Path, steps: int) -> dict[str, Any]:
    """Milliseconds and number per step of each line of a tool's file, the longest first."""
    rows = {}
    for line in log.read_text().splitlines():
        kind, seconds, count, name = line.split(" ", 3)
        if TOOL_FENCE in name:
            continue
        rows[f"{kind} {shortened(name)}"] = {
            "milliseconds": 1e3 * float(seconds) / steps,
            "number": int(count) / steps,
        }
    longest = sorted(rows.items(), key=lambda item: -item[1]["milliseconds"])
    return dict(longest[:60])
