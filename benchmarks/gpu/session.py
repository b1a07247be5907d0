# SPDX-License-Identifier: MIT
"""Runs of LAMMPS within a time budget, on the device or on the host, for the parts of the GPU benchmark."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from memory import MemoryWatch


class RunFailed(Exception):
    """A run of LAMMPS that ended with an error; one line that says which."""


class OutOfMemory(RunFailed):
    """A run that did not fit into the memory of the device."""


class OutOfTime(Exception):
    """A part whose time is used up."""


@dataclass(frozen=True)
class Finished:
    """A finished run: folder with its files, text of its log, wall seconds and largest memory in MiB."""

    folder: Path
    log: str
    seconds: float
    mebibytes: float


@dataclass
class Session:
    """What the parts of the benchmark run with.

    Attributes
    ----------
    lammps
        Executable of a LAMMPS with ``pair_style les/kk``.
    device_arguments
        What follows it in a run on the device, such as ``-k on g 1 -sf kk``.
    mpirun
        Command that starts several ranks, without ``-n``.
    kit
        Folder that ``prepare.py`` has written.
    work
        Folder of the runs.
    device
        Device of torch in ``pair_style les device``, such as ``cuda``.
    rehearsal
        Small sizes and few steps: everything is tried, nothing is measured.
    deadline
        ``time.monotonic()`` at which the present part has to end.
    """

    lammps: str
    device_arguments: Sequence[str]
    mpirun: Sequence[str]
    kit: Path
    work: Path
    device: str = "cuda"
    rehearsal: bool = False
    deadline: float = 0.0
    n_runs: int = field(default=0, init=False)

    def seconds_left(self) -> float:
        """Seconds until the present part has to end."""
        return self.deadline - time.monotonic()

    def command(self, host: bool, ranks: int) -> list[str]:
        """Return the command of a run, on the device or as the host style of the same LAMMPS."""
        words = [self.lammps, *([] if host else self.device_arguments), "-in", "in.lmp", "-screen", "none"]
        return [*self.mpirun, "-n", str(ranks), *words] if ranks > 1 else words

    def run(
        self,
        text: str,
        *,
        host: bool = False,
        ranks: int = 1,
        environment: Mapping[str, str] | None = None,
        most_seconds: float = 1e9,
    ) -> Finished:
        """Run an input in a folder of its own that has the files of the kit.

        Raises
        ------
        OutOfTime
            If the part has no time left, or the run was killed at the end of its time.
        OutOfMemory, RunFailed
            If LAMMPS fails.
        """
        limit = min(self.seconds_left(), most_seconds)
        if limit < 1.0:
            raise OutOfTime(f"{self.seconds_left():.0f} s left")
        self.n_runs += 1
        folder = self.work / f"run{self.n_runs:03d}"
        folder.mkdir(parents=True)
        for file in self.kit.iterdir():
            if file.is_file():
                (folder / file.name).symlink_to(file.resolve())
        (folder / "in.lmp").write_text(text)
        start = time.monotonic()
        with open(folder / "screen.txt", "w") as screen:
            process = subprocess.Popen(
                self.command(host, ranks),
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
                stdout=screen,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            watch = MemoryWatch(process.pid)
            try:
                process.wait(limit)
            except subprocess.TimeoutExpired:
                raise OutOfTime(f"a run was killed after {limit:.0f} s") from None
            finally:
                _kill_group(process.pid)
                process.wait()
                mebibytes = watch.end()
        log = folder / "log.lammps"
        finished = Finished(
            folder, log.read_text() if log.exists() else "", time.monotonic() - start, mebibytes
        )
        if process.returncode != 0:
            raise _failure(finished.log + (folder / "screen.txt").read_text(), process.returncode)
        return finished

    def clean(self) -> None:
        """Delete the folders of all runs."""
        shutil.rmtree(self.work, ignore_errors=True)


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass  # everything has ended by itself, as it should


def _failure(output: str, status: int) -> RunFailed:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = [line for line in lines if "ERROR" in line or "rror:" in line] or lines[-1:] or ["no output"]
    message = f"LAMMPS ended with status {status}: {said[-1]}"
    if "out of memory" in output.lower():
        return OutOfMemory(message)
    return RunFailed(message)
