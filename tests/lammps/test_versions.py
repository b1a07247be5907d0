# SPDX-License-Identifier: MIT
"""A torch or a LAMMPS that the plugin was not built with is an error of one line that names both versions.

The wrong versions are tiny libraries that answer the question for a version and nothing else.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import harness
import pytest
import torch
from pair_les import plugin
from shared_library import compile_library

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None, reason="needs a C compiler (cc) to build a fake library"
)

SCRIPT = "units metal\nregion box block 0 9 0 9 0 9\ncreate_box 1 box\npair_style les\npair_coeff * * model.pt Na\n"


@pytest.mark.parametrize("ranks", [1, 2])
def test_wrong_torch(tmp_path, model, monkeypatch, ranks):
    shutil.copy(model(species=["Na"], q0=[1.0]), tmp_path / "model.pt")
    version = "(2UL << 56) | (11UL << 48)"
    compile_library(
        f"unsigned long aoti_torch_abi_version(void) {{ return {version}; }}", tmp_path / "libtorch_cpu.so"
    )
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    run = harness.run_lammps(SCRIPT, tmp_path, ranks, expect_error=True, fresh=True)
    assert run.returncode != 0 and len(run.error_lines) == 1
    built = plugin.build_info().torch
    assert f"was built with torch {built} but found torch 2.11.0" in run.error_lines[0]
    assert f"pip install torch=={built}" in run.error_lines[0]


def test_missing_torch(tmp_path, model, monkeypatch):
    shutil.copy(model(species=["Na"], q0=[1.0]), tmp_path / "model.pt")
    (tmp_path / "libtorch_cpu.so").write_text("not a library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    run = harness.run_lammps(SCRIPT, tmp_path, expect_error=True, fresh=True)
    assert len(run.error_lines) == 1 and "cannot load libtorch_cpu.so" in run.error_lines[0]


@pytest.mark.parametrize("interface", ["", 'const char *pair_les_core_interface(void) { return "another"; }'])
def test_core_of_another_installation(tmp_path, model, monkeypatch, interface):
    """Its structures differ: it is refused by name before anything of it is called."""
    shutil.copy(model(species=["Na"], q0=[1.0]), tmp_path / "model.pt")
    shutil.copytree(plugin.folder(), tmp_path / "lammps_plugin")
    core = tmp_path / "core" / f"torch-{plugin.minor_release(plugin.build_info().torch)}" / plugin.CORE
    core.parent.mkdir(parents=True)
    compile_library(f"void *pair_les_create_evaluator(void) {{ return 0; }}\n{interface}", core)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(Path(torch.__file__).parent / "lib"))
    load = f"plugin clear\nplugin load {tmp_path}/lammps_plugin/{plugin.PLUGIN}\n"
    run = harness.run_lammps(load + SCRIPT, tmp_path, expect_error=True, fresh=True)
    (line,) = run.error_lines
    said = f"{core.relative_to(tmp_path)} does not belong to this pair_style les; remove it, or install pair_les again"
    assert str(tmp_path) in line and said in line


def test_lammps_without_the_style_never_loads_torch(tmp_path, monkeypatch):
    (tmp_path / "libtorch_cpu.so").write_text("not a library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    harness.run_lammps(
        SCRIPT.replace("pair_style les\npair_coeff * * model.pt Na\n", ""), tmp_path, fresh=True
    )


def test_wrong_lammps(tmp_path, monkeypatch):
    compile_library("int lammps_version(void *handle) { return 20240829; }", tmp_path / "old.so")
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "old.so"))
    run = harness.run_lammps(SCRIPT, tmp_path, expect_error=True, fresh=True)
    assert len(run.error_lines) == 1
    built = plugin.build_info().lammps
    assert f"built for LAMMPS version {built} but runs in version 20240829" in run.error_lines[0]


def refused(folder, monkeypatch, source: str) -> str:
    """The one error line of a LAMMPS in which `source` answers in place of its own functions."""
    compile_library(source, folder / "other.so")
    monkeypatch.setenv("LD_PRELOAD", str(folder / "other.so"))
    run = harness.run_lammps(SCRIPT, folder, expect_error=True, fresh=True)
    assert run.returncode == 1, run.output
    (line,) = run.error_lines
    return line


def answer_of_mpi(text: str) -> str:
    """Source of an MPI that calls itself so."""
    return (
        "int MPI_Get_library_version(char *text, int *length)"
        f' {{ __builtin_strcpy(text, "{text}"); *length = __builtin_strlen(text); return 0; }}'
    )


def test_other_mpi(tmp_path, monkeypatch):
    """Handles of Open MPI are pointers, those of MPICH numbers: the first call would end in signal 11."""
    line = refused(tmp_path, monkeypatch, answer_of_mpi(r"Open MPI v5.0.8, package: Debian\nmore"))
    assert (
        f"built for {plugin.build_info().mpi_header} but this LAMMPS uses Open MPI v5.0.8, package:" in line
    )
    assert "more" not in line and "MPI_HEADER_DIR" in line


@pytest.mark.parametrize("mpi", ["Intel(R) MPI Library 2021.15", "MPI of nobody"])
def test_descendants_of_mpich_are_accepted(tmp_path, monkeypatch, mpi):
    """And what is not known is not refused."""
    compile_library(answer_of_mpi(mpi), tmp_path / "mpi.so")
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "mpi.so"))
    harness.run_lammps(SCRIPT.replace("pair_coeff * * model.pt Na\n", ""), tmp_path, fresh=True)


def test_other_integers(tmp_path, monkeypatch):
    source = "int lammps_extract_setting(void *handle, char *name) { return 8; }"
    line = refused(tmp_path, monkeypatch, source)
    assert "LAMMPS_SIZES=smallbig but atom IDs of this one have 64 bits" in line
    assert "build pair_les again with -D LAMMPS_BIGBIG=ON" in line
