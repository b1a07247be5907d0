# SPDX-License-Identifier: MIT
"""Runs that start with their libraries loaded are the runs that start from the beginning."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import fork_server
import harness
import numpy as np
import pytest
from systems import random_fluid

pytestmark = pytest.mark.skipif(harness.WITH_KOKKOS, reason="the LAMMPS with KOKKOS starts by itself")
FLUID = random_fluid({"Na": 12, "Cl": 12}, np.diag([10.0, 9.0, 11.0]), seed=7)


def forked() -> bool:
    """Whether runs of this process of pytest are forks; where there is no compiler they are not."""
    executable = harness.installed_lammps()[0][0]
    return bool(fork_server.started(executable))


def folders_of_processes() -> set[str]:
    """Working directories of the processes that this user may ask for it."""
    folders = set()
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            folders.add(os.readlink(process / "cwd"))
    return folders


@pytest.mark.parametrize("ranks", [1, 2])
def test_same_numbers(tmp_path, model, ranks):
    logs = []
    for fresh in (False, True):
        script = harness.setup(tmp_path, FLUID, model()) + "fix 1 all nve\nthermo 1\nrun 5\n"
        run = harness.run_lammps(script, tmp_path, ranks, fresh=fresh)
        logs.append([run.column(name) for name in ("PotEng", "Press")])
    np.testing.assert_array_equal(logs[0], logs[1])


@pytest.mark.parametrize("ranks", [1, 2])
def test_same_errors(tmp_path, ranks):
    runs = [
        harness.run_lammps("units nonsense\n", tmp_path, ranks, expect_error=True, fresh=fresh)
        for fresh in (False, True)
    ]
    assert runs[0].returncode == runs[1].returncode != 0
    assert runs[0].error_lines == runs[1].error_lines != []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("ranks", [1, 2])
def test_nothing_survives_its_time(tmp_path, ranks):
    with pytest.raises(AssertionError, match="still ran after 2.0 s and was killed"):
        harness.run_lammps("label again\njump SELF again\n", tmp_path, ranks, timeout=2.0)
    time.sleep(0.5)
    assert str(tmp_path) not in folders_of_processes()


def test_other_environments_start_by_themselves(tmp_path):
    harness.run_lammps("units metal\n", tmp_path)
    if not forked():
        pytest.skip("no C compiler: each run starts from the beginning")
    executable = harness.installed_lammps()[0][0]
    environment = fork_server.started(executable)[0].environment
    assert fork_server.prefix(executable, environment)
    assert not fork_server.prefix(executable, {**environment, "PAIR_LES_FUSED": "0"})
