# SPDX-License-Identifier: MIT
"""A LAMMPS with KOKKOS (Serial and OpenMP) and ``pair_style les/kk``, for the tests: prints the folder whose ``bin`` has ``lmp``.

``python build_support/kokkos_lammps.py`` builds it in ``.kokkos`` once, and afterwards what has changed. The sources of LAMMPS and
Kokkos are source packages of Debian. Environment variables give what is there already:

LES_KOKKOS_LAMMPS
    A built one: nothing is done here.
LES_KOKKOS_SOURCE, LES_LAMMPS_SOURCE
    Folders with the sources of Kokkos and LAMMPS, of releases that belong together.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from debian_source import SourceError, source_package

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".kokkos"

LAMMPS_SUITES = {4: "trixie", 5: "forky"}
"""Suite of Debian whose LAMMPS is for a major release of Kokkos: 4 Feb 2025, 4 Jul 2026."""
KOKKOS_SUITE = "sid"
UNUSED = ("*/bench", "*/doc/src", "*/examples", "*/potentials", "*/tools", "*/unittest")
"""Parts of LAMMPS that its build does not read."""

PACKAGES = ("KOKKOS", "KSPACE", "MOLECULE", "PHONON", "RIGID")
KOKKOS_STYLES = """
    atom_vec_atomic atom_vec_charge atom_vec_full bond_harmonic compute_temp dynamical_matrix fix_deform fix_efield fix_langevin
    fix_minimize fix_momentum fix_nph fix_npt fix_nve fix_nvt fix_property_atom fix_setforce group min_cg nbin npair npair_copy
    npair_halffull npair_skip npair_trim pair_hybrid pair_hybrid_overlay pair_lj_cut pair_lj_cut_coul_long pair_zbl pppm region_block
    region_sphere third_order verlet
""".split()
"""Styles of the package KOKKOS that are built: all of them take hours."""
PRUNED = ("angle_", "bond_", "compute_", "dihedral_", "dump_", "fix_", "improper_", "pair_", "region_")
"""Beginnings of the names of files of styles that are left out where no test names them."""
ALWAYS = {"temp", "pressure", "pe"}
"""Styles that LAMMPS creates by itself."""


def kokkos_source(lammps: Path | None) -> Path:
    """Folder with Kokkos: the given one, the one that a given LAMMPS carries, or Debian's."""
    given = os.environ.get("LES_KOKKOS_SOURCE")
    carried = lammps / "lib" / "kokkos" if lammps else Path()
    try:
        if given:
            folder = Path(given)
        elif lammps and carried.is_dir():
            folder = carried
        else:
            folder = source_package("kokkos", KOKKOS_SUITE, FOLDER)
        kokkos_release(folder)
    except SourceError as error:
        raise SystemExit(
            f"make test-kokkos has no source of Kokkos ({error}): give LES_KOKKOS_SOURCE=DIR, Kokkos 4.5 or 5.1 and later"
        ) from None
    return folder


def kokkos_release(folder: Path) -> tuple[int, int]:
    """Major and minor number of a Kokkos."""
    path = folder / "CMakeLists.txt"
    text = path.read_text() if path.is_file() else ""
    found = dict(re.findall(r"set\(Kokkos_VERSION_(MAJOR|MINOR) (\d+)\)", text))
    if len(found) != 2:
        raise SourceError(f"'{folder}' is not the source of Kokkos")
    return int(found["MAJOR"]), int(found["MINOR"])


def given_lammps() -> Path | None:
    """Folder of ``LES_LAMMPS_SOURCE``."""
    given = os.environ.get("LES_LAMMPS_SOURCE")
    if given and not (Path(given) / "src" / "version.h").is_file():
        raise SystemExit(
            f"LES_LAMMPS_SOURCE={given} has no src/version.h: give the folder of LAMMPS's source"
        )
    return Path(given) if given else None


def lammps_source(given: Path | None, kokkos: Path) -> Path:
    """Folder with a LAMMPS that this Kokkos is for: the given one, or Debian's."""
    if given:
        return given
    major, _ = kokkos_release(kokkos)
    if major not in LAMMPS_SUITES:
        raise SystemExit(f"make test-kokkos knows no LAMMPS for Kokkos {major}: give LES_LAMMPS_SOURCE=DIR")
    try:
        return source_package("lammps", LAMMPS_SUITES[major], FOLDER, UNUSED)
    except SourceError as error:
        raise SystemExit(
            f"make test-kokkos has no source of LAMMPS ({error}): give LES_LAMMPS_SOURCE=DIR"
        ) from None


def lammps_release(folder: Path) -> str:
    """Release of a source, such as 4Feb2025."""
    (text,) = re.findall(r'"(.+)"', (folder / "src" / "version.h").read_text().splitlines()[0])
    return text.replace(" ", "")


def link_needed(lammps: Path) -> Path:
    """Folder of links to what has to be compiled: without the styles that no test names."""
    folder = FOLDER / f"lammps-{lammps_release(lammps)}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "src").mkdir(parents=True)
    for path in lammps.iterdir():
        if path.name != "src":
            (folder / path.name).symlink_to(path.resolve())
    folders = [lammps / "src", *(lammps / "src" / name for name in PACKAGES)]
    left_out = unnamed_styles(folders)
    for path in (lammps / "src").iterdir():
        if path.name not in PACKAGES and path.stem not in left_out:
            (folder / "src" / path.name).symlink_to(path.resolve())
    for package in folders[1:]:
        (folder / "src" / package.name).mkdir()
        for path in package.iterdir():
            if path.stem not in left_out:
                (folder / "src" / package.name / path.name).symlink_to(path.resolve())
    return folder


def unnamed_styles(folders: Sequence[Path]) -> set[str]:
    """Stems of the files of styles that no test names, of KOKKOS those that are not in `KOKKOS_STYLES`, unless another file needs them."""
    words = set(ALWAYS)
    for path in (*ROOT.glob("tests/*.py"), *ROOT.glob("tests/lammps/*.py"), *ROOT.glob("tests/kokkos/*.py")):
        words.update(re.findall(r"[a-z][\w/]*", path.read_text()))
    texts = {
        path: path.read_text()
        for folder in folders
        for path in folder.iterdir()
        if path.suffix in (".h", ".cpp")
    }
    left_out = set()
    for path, text in texts.items():
        if path.suffix != ".h" or not re.search(r"^#ifdef \w+_CLASS", text, re.M):
            continue
        if path.stem.endswith("_kokkos"):
            needed = path.stem.removesuffix("_kokkos") in KOKKOS_STYLES
        else:
            # capitals are for styles that have no command
            names = re.findall(r"^\s*\w+Style\(([^,]+),", text, re.M)
            needed = not path.stem.startswith(PRUNED) or any(
                name in words or name.isupper() for name in names
            )
        if not needed:
            left_out.add(path.stem)
    while True:
        included = {
            name
            for path, text in texts.items()
            if path.stem not in left_out
            for name in re.findall(r'#include "(\w+)\.h"', text)
        }
        if not included & left_out:
            return left_out
        left_out -= included


def build(lammps: Path, kokkos: Path) -> Path:
    """Configure and compile; returns the folder whose ``bin`` has ``lmp``."""
    major, minor = kokkos_release(kokkos)
    common = {
        "CMAKE_CXX_STANDARD": 20 if major >= 5 else 17,
        "CMAKE_BUILD_TYPE": "None",
        "CMAKE_CXX_FLAGS": "-O1 -DNDEBUG",  # half the time of -O2, and tests are short
        "Kokkos_ENABLE_SERIAL": "ON",
        "Kokkos_ENABLE_OPENMP": "ON",
    }
    installed = FOLDER / f"kokkos-{major}.{minor}"
    if not installed.is_dir():
        compile_project(
            kokkos,
            FOLDER / f"build-kokkos-{major}.{minor}",
            {**common, "CMAKE_INSTALL_PREFIX": installed, "CMAKE_POSITION_INDEPENDENT_CODE": "ON"},
            "install",
        )
    folder = FOLDER / f"build-{lammps_release(lammps)}"
    compile_project(
        link_needed(lammps) / "cmake",
        folder,
        {
            **common,
            "CMAKE_PROJECT_lammps_INCLUDE": ROOT / "kokkos" / "pair_les_kokkos.cmake",
            "CMAKE_RUNTIME_OUTPUT_DIRECTORY": folder / "bin",
            "BUILD_SHARED_LIBS": "ON",
            "BUILD_OMP": "ON",
            "EXTERNAL_KOKKOS": "ON",
            "Kokkos_ROOT": installed,
            **{f"PKG_{name}": "ON" for name in PACKAGES},
        },
        "all",
    )
    return folder


def compile_project(source: Path, folder: Path, definitions: Mapping[str, object], target: str) -> None:
    """cmake and ninja, those beside this Python; their output goes to a file."""
    options = [f"-D{name}={value}" for name, value in definitions.items()]
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    log = folder.with_name(f"{folder.name}.log")
    print(f"{source} is compiled in {folder}: {log}", file=sys.stderr)
    with open(log, "w") as output:
        for command in (
            ["cmake", "-G", "Ninja", "-S", str(source), "-B", str(folder), *options],
            ["cmake", "--build", str(folder), "--target", target],
        ):
            done = subprocess.run(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
            )
            if done.returncode:
                raise SystemExit(
                    f"make test-kokkos: {command[0]} failed with status {done.returncode}, its output is in {log}"
                )


def main() -> None:
    """Command line."""
    built = os.environ.get("LES_KOKKOS_LAMMPS")
    if not built:
        FOLDER.mkdir(exist_ok=True)
        given = given_lammps()
        kokkos = kokkos_source(given)
        built = str(build(lammps_source(given, kokkos), kokkos))
    print(built)


if __name__ == "__main__":
    main()
