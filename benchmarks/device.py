# SPDX-License-Identifier: MIT
"""pair_style les/kk on a device: atom-steps per second against atoms, where a step goes, memory, and what is copied.

The shipped water model in growing boxes, on the LAMMPS that `kokkos/README.md` builds. On one GPU::

    python benchmarks/device.py --lammps $HOME/lammps-les/bin/lmp --arguments "-k on g 1 -sf kk -pk kokkos newton on neigh half" \\
        --copies 1 2 3 4 5 6 8 --steps 200

A box is 1536 atoms of relaxed water, copied so many times along each direction. With ``--until-full`` larger ones follow the last one until
one does not fit; the largest that did is printed. ``--nsys`` runs the
first box once more under NVIDIA's profiler with two numbers of steps and prints the copies per step by direction and size: what
the second run has more, divided by the steps that it has more. Without ``--nsys`` a Kokkos tool counts what Kokkos copies, on any
backend: that is what can be seen on OpenMP, where the arguments default to one thread.

Memory is that of the whole GPU while LAMMPS runs (``nvidia-smi``), less what was in use before; without a GPU, the largest resident
size of the process.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

from lammps_run import BIN

ROOT = Path(__file__).resolve().parents[1]
WATER = ROOT / "examples" / "lammps" / "water"
SECTIONS = ("Pair", "Kspace", "Neigh", "Comm", "Modify")
INPUT = """units metal
atom_style charge
read_data relaxed.data
replicate {copies} {copies} {copies}
pair_style les {keywords}
pair_coeff * * model.pt O H
kspace_style {solver}
neighbor 1.0 bin
neigh_modify every 10 delay 0 check no
timestep 0.0001
velocity all create 300.0 4711
fix 1 all nve
thermo 1000000
run {warm}
run {steps}
"""
RELAX = """units metal
atom_style charge
read_data water.data
pair_style les
pair_coeff * * model.pt O H
kspace_style pppm 1.0e-4
minimize 0.0 0.05 200 1000
write_data relaxed.data
"""
COPIES = "SELECT copyKind, bytes, count(*) FROM CUPTI_ACTIVITY_KIND_MEMCPY GROUP BY copyKind, bytes"
DIRECTIONS = {1: "host to device", 2: "device to host", 8: "on the device", 10: "between devices"}


def gpu_memory() -> float | None:
    """MiB in use on all GPUs that nvidia-smi sees; None without it."""
    if not shutil.which("nvidia-smi"):
        return None
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    found = subprocess.run(command, capture_output=True, text=True)
    return sum(map(float, found.stdout.split())) if found.returncode == 0 else None


class Watch:
    """Largest memory while a process runs, MiB: of the GPUs, or of the process itself."""

    def __init__(self, process: subprocess.Popen[str], before: float | None) -> None:
        self.process, self.before, self.largest, self.ended = process, before, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self) -> None:
        while not self.ended.wait(0.2):
            if self.before is not None:
                self.largest = max(self.largest, (gpu_memory() or 0.0) - self.before)
            else:
                try:
                    status = Path(f"/proc/{self.process.pid}/status").read_text()
                except OSError:  # it has just ended
                    continue
                peak = re.search(r"VmHWM:\s+(\d+) kB", status)
                self.largest = max(self.largest, float(peak[1]) / 1024.0) if peak else self.largest

    def end(self) -> float:
        self.ended.set()
        self.thread.join()
        return self.largest


def run(
    options: argparse.Namespace, folder: Path, text: str, before: list[str], environment: dict[str, str]
) -> tuple[str, float] | None:
    """Log and MiB of one run in `folder`; None if it did not fit into memory."""
    (folder / "in.lmp").write_text(text)
    command = [*before, options.lammps, *shlex.split(options.arguments), "-in", "in.lmp", "-screen", "none"]
    if options.ranks > 1:
        command = [*shlex.split(options.mpirun), "-n", str(options.ranks), *command]
    in_use = gpu_memory()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watch = Watch(process, in_use)
    output, _ = process.communicate()
    memory = watch.end()
    log = (folder / "log.lammps").read_text() if (folder / "log.lammps").exists() else output
    if process.returncode == 0:
        return log, memory
    if "out of memory" in output + log:
        return None
    raise RuntimeError(f"LAMMPS failed:\n{output}\n{log[-2000:]}")


def steps_of(options: argparse.Namespace, copies: int, steps: int) -> str:
    """Input of a run."""
    return INPUT.format(
        copies=copies, keywords=options.keywords, solver=options.solver, warm=options.warm, steps=steps
    )


def report(log: str, memory: float) -> tuple[int, str]:
    """Atoms, and a line of the table, of the last run in a log."""
    loop = re.findall(r"^Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms", log, re.MULTILINE)
    seconds, steps, atoms = float(loop[-1][0]), int(loop[-1][1]), int(loop[-1][2])
    parts = []
    for section in SECTIONS:
        found = re.findall(rf"^{section} +\|.*\| *(\S+) *$", log, re.MULTILINE)
        parts.append(f"{float(found[-1]):6.1f}" if found else "     -")
    rate = atoms * steps / seconds
    return atoms, f"{atoms:9d} {rate:12.4g} {1e3 * seconds / steps:11.3f}  {' '.join(parts)} {memory:9.0f}"


def profiled(
    options: argparse.Namespace, folder: Path, steps: int, before: list[str], environment: dict[str, str]
) -> None:
    text = steps_of(options, options.copies[0], steps)
    if run(options, folder, text, before, environment) is None:
        raise RuntimeError("the first box does not fit into memory: choose a smaller one")


def copies_by_nsys(options: argparse.Namespace, folder: Path, steps: int) -> Counter[tuple[str, int]]:
    profile = folder / f"profile{steps}"
    before = [
        "nsys",
        "profile",
        "-t",
        "cuda",
        "-o",
        str(profile),
        "--export",
        "sqlite",
        "--force-overwrite",
        "true",
    ]
    profiled(options, folder, steps, before, {})
    counts: Counter[tuple[str, int]] = Counter()
    with sqlite3.connect(profile.with_suffix(".sqlite")) as database:
        for kind, size, count in database.execute(COPIES):
            counts[DIRECTIONS.get(kind, f"kind {kind}"), size] = count
    return counts


def copies_by_kokkos(options: argparse.Namespace, folder: Path, steps: int) -> Counter[tuple[str, int]]:
    tool, log = folder / "event_log.so", folder / f"events{steps}.txt"
    source = ROOT / "tests" / "kokkos" / "event_log.cpp"
    subprocess.run(["c++", "-shared", "-fPIC", "-o", str(tool), str(source)], check=True)
    profiled(options, folder, steps, [], {"KOKKOS_TOOLS_LIBS": str(tool), "KOKKOS_EVENT_LOG": str(log)})
    counts: Counter[tuple[str, int]] = Counter()
    for line in log.read_text().splitlines():
        if line.startswith("copy "):
            _, size, names = line.split(" ", 2)
            counts[names, int(size)] += 1
    return counts


def print_copies(options: argparse.Namespace, folder: Path) -> None:
    count = copies_by_nsys if options.nsys else copies_by_kokkos
    few, many = (count(options, folder, n) for n in (10, 30))
    print("\ncopies of one step (how many, bytes of each, what), by 20 steps more of the first box:")
    for (what, size), n in sorted((many - few).items(), key=lambda item: -item[0][1] * item[1]):
        print(f"{n / 20:8.2f} {size:12d}  {what}")
    if not many - few:
        print("    none")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lammps", required=True, help="lmp of a LAMMPS with les/kk")
    parser.add_argument("--arguments", default="-k on t 1 -sf kk", help="what follows lmp")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--mpirun", default=str(BIN / "mpirun"), help="mpirun or srun, without -n")
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 2], help="along each direction")
    parser.add_argument("--until-full", action="store_true", help="more copies until memory is full")
    parser.add_argument("--keywords", default="", help="of pair_style les, such as 'coul 8.0'")
    parser.add_argument("--solver", default="pppm 1.0e-4")
    parser.add_argument("--warm", type=int, default=20)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--nsys", action="store_true", help="count copies with NVIDIA's profiler")
    options = parser.parse_args()

    print(f"    atoms atom-steps/s     ms/step  {' '.join(f'{name:>5}%' for name in SECTIONS)}       MiB")
    sizes = list(options.copies)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, str(WATER / "make_water.py"), "8"], cwd=folder, check=True)
        shutil.copy(WATER / "model.pt", folder)
        run(options, folder, RELAX, [], {})
        largest = 0
        while sizes:
            copies = sizes.pop(0)
            measured = run(options, folder, steps_of(options, copies, options.steps), [], {})
            if measured is None:
                print(
                    f"{1536 * copies**3:9d} out of memory; the largest that fits of those tried has {largest} atoms"
                )
                break
            largest, line = report(*measured)
            print(line, flush=True)
            if options.until_full and not sizes:
                sizes = [copies + 1]
        print_copies(options, folder)


if __name__ == "__main__":
    main()
