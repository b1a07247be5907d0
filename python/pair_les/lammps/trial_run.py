# SPDX-License-Identifier: MIT
"""One step of LAMMPS with a tiny charged model, compared with Python: a test of an installation.

Eight ions of a strained rock-salt cell, charges that depend on their surroundings, ``kspace_style ewald``. The run passes through
everything that a real one needs: plugin, core, torch, kspace, the backward pass, and with two ranks MPI.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import RunError, UserError
from ..model_file.archive import created_with, save_model
from ..model_file.metadata import ContractError, LongRange, Metadata
from .check import FrameCheck, check

TIMEOUT = 120
"""Seconds for one short LAMMPS run; a hang of MPI at start is a finding, too."""

FORCE_TOLERANCE = 1e-4
"""eV/A, root mean square. Ewald at 1e-6 is off by 1.4e-5 eV/A between unit charges 1 A apart; a wrong sum is off by 0.1 and more."""

CHARGE_TOLERANCE = 1e-8
"""e. Charges are those of a float64 network on positions with 17 digits."""

SPECIES = ("Na", "Cl")
CUTOFF = 3.5  # angstrom

INPUT = """units metal
atom_style charge
lattice sc 2.8
region box prism 0 2 0 2 0 2 0.1 0.0 0.0
create_box 2 box
create_atoms 1 box
group chlorine id 2 3 5 8
set group chlorine type 2
mass 1 22.99
mass 2 35.45
displace_atoms all random 0.2 0.2 0.2 4711
pair_style les
pair_coeff * * model.pt Na Cl
kspace_style ewald 1e-6
timestep 0.001
dump trial all custom 1 trial.dump id element x y z q fx fy fz
dump_modify trial element Na Cl sort id format float %.17g
run 1
"""


class TrialNetwork(torch.nn.Module):
    """Screened repulsion of neighbors, and charges that grow with the opposite charges around an atom."""

    if TYPE_CHECKING:
        charges: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("charges", torch.tensor([1.0, -1.0], dtype=torch.float64))
        self.cutoff = CUTOFF

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        """Energies (eV) and charges (e) of the local atoms, as docs/reference/model_file.md defines."""
        distance = edge_vectors.square().sum(1).sqrt()
        weight = (1.0 - (distance / self.cutoff) ** 2).clamp(min=0.0) ** 3
        zeros = torch.zeros(species.size(0), dtype=edge_vectors.dtype, device=edge_vectors.device)
        energy = zeros.index_add(0, edge_index[0], 500.0 * torch.exp(-distance / 0.4) * weight)
        around = zeros.index_add(0, edge_index[0], weight * self.charges[species[edge_index[1]]])
        charge = self.charges[species] - 0.1 * around
        return {"energy": energy[:n_local], "charge": charge[:n_local]}


@dataclass(frozen=True)
class Trial:
    """Outcome of a trial run.

    Parameters
    ----------
    deviation
        Largest deviation of a force component from Python, eV/A; None where the run failed.
    problem
        What went wrong, one line; empty where LAMMPS and Python agree.
    """

    deviation: float | None
    problem: str = ""


def run_trial(ranks: int = 1) -> Trial:
    """Run one step with ``lmp`` of PATH and compare both frames with Python.

    Parameters
    ----------
    ranks
        MPI ranks; 1 runs ``lmp`` without ``mpirun``.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_model(folder / "model.pt")
        (folder / "in.trial").write_text(INPUT)
        try:
            output = _run_lammps(folder, ranks)
            _require_ranks(output, ranks)
            frames = list(check(folder / "model.pt", folder / "trial.dump"))
        except (UserError, ContractError) as error:
            return Trial(None, str(error))
    if len(frames) != 2:
        return Trial(None, f"LAMMPS wrote {len(frames)} frames instead of 2")
    return _compared(frames)


def _write_model(path: Path) -> None:
    metadata = Metadata(
        SPECIES,
        CUTOFF,
        long_range=LongRange(sigma=1.0),
        created_with=created_with(),
        description="trial of pair-les doctor",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch announces the end of TorchScript
        save_model(path, torch.jit.script(TrialNetwork().eval()), metadata)


def _run_lammps(folder: Path, ranks: int) -> str:
    """Output of the trial run; `RunError` where it fails."""
    command = ["lmp", "-log", "none", "-in", "in.trial"]
    if ranks > 1:
        command = ["mpirun", "-n", str(ranks), *command]
    for program in ("lmp", command[0]):
        if shutil.which(program) is None:
            raise RunError(f"not run: no {program} on PATH")
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise RunError(f"no answer within {TIMEOUT} s") from error
    except OSError as error:
        raise RunError(f"{command[0]} cannot be started ({error.strerror})") from error
    output = done.stdout + done.stderr
    if done.returncode != 0:
        raise RunError(_failure(done.returncode, output))
    return output


def _failure(status: int, output: str) -> str:
    """The error line of LAMMPS; where there is none the signal that ended it, or the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    if errors:
        return errors[0]
    # a shell and mpirun give 128 + signal, the lmp of the wheel passes on -signal modulo 256
    for number in (-status, status - 128, 256 - status):
        if number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE):
            return f"lmp was ended by {signal.Signals(number).name}"
    return f"exit status {status}" + (f": {lines[-1]}" if lines else "")


def _require_ranks(output: str, ranks: int) -> None:
    grid = re.search(r"(\d+) by (\d+) by (\d+) MPI processor grid", output)
    found = 0 if grid is None else int(grid[1]) * int(grid[2]) * int(grid[3])
    if found != ranks:
        raise RunError(
            "mpirun started separate runs of one rank each" if found == 1 else f"LAMMPS ran on {found} ranks"
        )


def _compared(frames: list[FrameCheck]) -> Trial:
    """Compare forces and charges of every frame with those of Python."""
    deviation = max(frame.force_max or 0.0 for frame in frames)
    if all(frame.agrees(FORCE_TOLERANCE, CHARGE_TOLERANCE) for frame in frames):
        return Trial(deviation)
    worst = max(frames, key=lambda frame: frame.force_rms or 0.0)
    return Trial(deviation, f"LAMMPS and Python differ: {worst}")
