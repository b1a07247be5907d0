# SPDX-License-Identifier: MIT
"""Tests of conversion share the LAMMPS harness."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lammps"))
