# SPDX-License-Identifier: MIT
"""The LAMMPS input of the README runs as it stands there, on a box of water and with a model of O and H."""

from __future__ import annotations

import re
from pathlib import Path

import harness
from systems import water_box, write_data

README = Path(__file__).resolve().parents[2] / "README.md"


def test_quick_start(tmp_path, model):
    (script,) = re.findall(r"^```\n(units .*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    assert "run             1000" in script
    write_data(tmp_path / "water.data", water_box(3, seed=1), "charge", ("O", "H"))
    (tmp_path / "model.pt").write_bytes(model(species=["O", "H"], q0=[-0.8, 0.4]).read_bytes())
    run = harness.run_lammps(script.replace("1000", "2"), tmp_path, ranks=2)
    assert run.column("Step")[-1] == 2
    assert {"q", "fx", "fy", "fz"} < set(run.dump("water.dump")[0])
