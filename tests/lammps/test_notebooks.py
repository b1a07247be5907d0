# SPDX-License-Identifier: MIT
"""The notebooks run from the first cell to the last, and are committed as they ran."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "examples" / "notebooks"

SHORTER = {
    "first_model": {
        '"epochs": 30': '"epochs": 4',
        '"n_channels": 12': '"n_channels": 4',
        "steps=20": "steps=2",
    },
    "charges": {},
    "training_to_lammps": {"steps = 400": "steps = 50"},
}
"""Numbers that the test replaces, for the sake of time."""


def code_cells(name: str) -> list[dict[str, Any]]:
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_every_notebook_is_tested() -> None:
    assert {file.stem for file in NOTEBOOKS.glob("*.ipynb")} == set(SHORTER)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORTER)
def test_it_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    program = "\n".join("".join(cell["source"]) for cell in code_cells(name))
    for text, shorter in SHORTER[name].items():
        assert text in program
        program = program.replace(text, shorter)
    exec(compile(program, f"{name}.ipynb", "exec"), {})


@pytest.mark.parametrize("name", SHORTER)
def test_it_is_committed_as_it_ran(name: str) -> None:
    """Cells in order, without an error, and with a figure."""
    cells = code_cells(name)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert [output for output in outputs if "image/png" in output.get("data", {})]
