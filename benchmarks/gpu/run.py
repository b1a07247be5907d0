# SPDX-License-Identifier: MIT
"""All measurements of pair_style les/kk on a GPU by one command, in a bounded time.

On the machine with the GPU, with the kit that ``prepare.py`` has written and a LAMMPS that ``kokkos/README.md`` builds::

    python benchmarks/gpu/run.py KIT --lammps $HOME/lammps-les/bin/lmp --out gpu.json

The parts run in the order of `PARTS`, each until its own limit and all within ``--seconds``; a part that fails or runs out of time
does not end the others, and the JSON file is written anew after every result. ``--rehearse`` runs every part on a CPU, with small boxes
and few steps, by ``lmp -k on t 1 -sf kk``: what then fails on the GPU is due to the GPU.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import counting  # noqa: E402
import drift  # noqa: E402
import parity  # noqa: E402
import speed  # noqa: E402
from session import OutOfTime, Session  # noqa: E402

GPU_ARGUMENTS = "-k on g 1 -sf kk -pk kokkos newton on neigh half"
CPU_ARGUMENTS = "-k on t 1 -sf kk"


@dataclass(frozen=True)
class Part:
    """A part of the benchmark: its name, its limit in seconds, and a generator of named results."""

    name: str
    seconds: float
    run: Callable[[Session], Iterator[tuple[str, dict[str, Any]]]]


PARTS = (
    Part("throughput, float32", 110.0, speed.throughput_float32),
    Part("parity", 130.0, parity.parity),
    Part("events of a step", 40.0, counting.events),
    Part("times of a step", 40.0, counting.times),
    Part("drift", 45.0, drift.drift),
    Part("largest box", 100.0, speed.largest_box),
    Part("forms", 40.0, speed.forms),
    Part("two ranks", 35.0, speed.two_ranks),
    Part("device of torch", 40.0, speed.device_of_torch),
    Part("throughput, float64", 60.0, speed.throughput_float64),
)
"""The most important first: what the total time does not reach is left out."""


class Results:
    """The JSON file, complete after every change."""

    def __init__(self, path: Path, machine: dict[str, Any]) -> None:
        self.path = path
        self.content: dict[str, Any] = {"machine": machine, "parts": {}}
        self.write()

    def start(self, part: Part) -> dict[str, Any]:
        """Add a part and return its entry."""
        entry: dict[str, Any] = {"status": "running", "results": {}}
        self.content["parts"][part.name] = entry
        self.write()
        return entry

    def write(self) -> None:
        """Replace the file."""
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.content, indent=1) + "\n")
        new.replace(self.path)


def describe_machine(options: argparse.Namespace) -> dict[str, Any]:
    """What the numbers belong to."""
    card = None
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
        card = subprocess.run(query, capture_output=True, text=True).stdout.strip()
    return {
        "card": card,
        "processor": platform.processor() or platform.machine(),
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "command": shlex.join(sys.argv),
        "rehearsal": options.rehearse,
    }


def run_part(part: Part, session: Session, results: Results, end: float) -> None:
    """Run a part within its limit and before `end`; whatever it raises becomes its status."""
    entry, start = results.start(part), time.monotonic()
    limit = part.seconds if not session.rehearsal else 600.0
    session.deadline = min(end, start + limit)
    try:
        for name, result in part.run(session):
            entry["results"][name] = result
            results.write()
            print(f"  {name}: {brief(result)}", flush=True)
        entry["status"] = "complete"
    except OutOfTime as error:
        entry["status"] = f"out of time: {error}"
    except Exception as error:  # the other parts have to run
        entry["status"] = f"failed: {type(error).__name__}: {error}"
    entry["seconds"] = round(time.monotonic() - start, 1)
    results.write()


def brief(result: dict[str, Any]) -> str:
    """One line of a result."""
    if "atom_steps_per_second" in result and "atoms" in result:
        return (
            f"{result['atoms']} atoms, {result['atom_steps_per_second']:.4g} atom-steps/s, "
            f"{result['mebibytes']:.0f} MiB"
        )
    text = json.dumps(result)
    return text if len(text) < 300 else text[:300] + " ..."


def chosen_parts(words: list[str] | None) -> list[Part]:
    """The parts whose names contain one of the words; all without words."""
    return [part for part in PARTS if not words or any(word in part.name for word in words)]


def absolute(program: str) -> str:
    """Path of a program that is found from any folder."""
    return str(Path(shutil.which(program) or program).resolve())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kit", type=Path, help="folder that prepare.py has written")
    parser.add_argument("--lammps", required=True, help="lmp of a LAMMPS with les/kk")
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    parser.add_argument("--arguments", help=f"what follows lmp; default '{GPU_ARGUMENTS}'")
    parser.add_argument("--mpirun", default="mpirun", help="mpirun or srun, without -n")
    parser.add_argument("--seconds", type=float, default=540.0, help="of everything")
    parser.add_argument("--parts", nargs="*", help="only those whose names contain one of these words")
    parser.add_argument("--rehearse", action="store_true", help="small, on a CPU")
    options = parser.parse_args()

    end = time.monotonic() + options.seconds
    mpirun = shlex.split(options.mpirun)
    arguments = options.arguments or (CPU_ARGUMENTS if options.rehearse else GPU_ARGUMENTS)
    results = Results(options.out, describe_machine(options))
    with tempfile.TemporaryDirectory() as work:
        session = Session(
            lammps=absolute(options.lammps),
            device_arguments=shlex.split(arguments),
            mpirun=[absolute(mpirun[0]), *mpirun[1:]],
            kit=options.kit.resolve(),
            work=Path(work) / "runs",
            device="cpu" if options.rehearse else "cuda",
            rehearsal=options.rehearse,
        )
        session.work.mkdir()
        for part in chosen_parts(options.parts):
            if time.monotonic() > end - 5.0:
                results.start(part)["status"] = "out of time: the whole benchmark"
                continue
            print(part.name, flush=True)
            run_part(part, session, results, end)
    results.write()
    states = {name: entry["status"] for name, entry in results.content["parts"].items()}
    print(f"{options.out}: " + "; ".join(f"{name}: {status}" for name, status in states.items()))
    return 0 if all(status == "complete" for status in states.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
