# SPDX-License-Identifier: MIT
"""Largest memory in use while a process runs: of the GPUs where there are some, else of the process."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from pathlib import Path

INTERVAL = 0.2
"""Seconds between two readings."""


def gpu_memory() -> float | None:
    """MiB in use on all GPUs that ``nvidia-smi`` sees; None without it."""
    if not shutil.which("nvidia-smi"):
        return None
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    found = subprocess.run(command, capture_output=True, text=True)
    return sum(map(float, found.stdout.split())) if found.returncode == 0 else None


def resident_memory(process: int) -> float:
    """Largest resident size of a process so far, MiB; 0 once it has ended."""
    try:
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0.0
    return float(peak[1]) / 1024.0 if peak else 0.0


class MemoryWatch:
    """Reads the memory of a process until `end`; that of the GPUs is counted from what was in use before."""

    def __init__(self, process: int) -> None:
        self.process = process
        self.before = gpu_memory()
        self.largest = 0.0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        while not self.ended.wait(INTERVAL):
            if self.before is None:
                self.largest = max(self.largest, resident_memory(self.process))
            else:
                self.largest = max(self.largest, (gpu_memory() or 0.0) - self.before)

    def end(self) -> float:
        """Stop reading and return the largest value, MiB."""
        self.ended.set()
        self.thread.join()
        return self.largest
