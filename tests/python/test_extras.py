# SPDX-License-Identifier: MIT
"""The extras of pyproject.toml: what a command needs that is not installed is one line that names the extra."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pair_les.installation.extras import EXTRA_OF_PACKAGE, missing_extra_message
from pair_les.version import __version__

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text()


def requirements(extra: str) -> str:
    """Text of one extra of pyproject.toml, in lower case."""
    return re.search(rf"^{extra} = \[(.*?)\]\n", PYPROJECT, re.DOTALL | re.MULTILINE)[1].lower()


@pytest.mark.parametrize("package, extra", EXTRA_OF_PACKAGE.items())
def test_extras_bring_their_packages(package: str, extra: str) -> None:
    distribution = {"yaml": "pyyaml", "ase_db_backends": "ase-db-backends"}.get(package, package).lower()
    assert f'"{distribution}>' in requirements(extra)


@pytest.mark.slow
@pytest.mark.parametrize(
    "missing, extra, command",
    [
        ("lightning", "train", ["train", "c.yaml"]),
        ("pydantic", "train", ["train", "c.yaml"]),
        ("MDAnalysis", "analyze", ["analyze", "a.dump", "--element", "H"]),
    ],
)
def test_a_missing_extra_is_one_line(tmp_path: Path, missing: str, extra: str, command: list[str]) -> None:
    (tmp_path / "c.yaml").write_text("data: {train: a.xyz, valid: 0.1}\nmodel: {cutoff: 4.0}\noutput: run\n")
    (tmp_path / "a.dump").write_text("")
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {command!r}; "
        "from pair_les.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert f"'{missing}' is not installed" in done.stderr and f"pair_les[{extra}]" in done.stderr


def test_a_module_of_no_extra_is_not_explained_away() -> None:
    assert missing_extra_message(ModuleNotFoundError("no", name="numpy")) is None


def test_the_version_has_one_place() -> None:
    assert re.search(
        rf"^version: {re.escape(__version__)}$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE
    )
    assert 'dynamic = ["version", "dependencies"]' in PYPROJECT


@pytest.mark.slow
def test_running_a_model_needs_no_extra() -> None:
    """Calculator, `pair-les inspect`, `check` and `doctor` import nothing that an extra brings."""
    blocked = "".join(f"sys.modules[{name!r}] = None; " for name in EXTRA_OF_PACKAGE)
    code = (
        f"import sys; {blocked}"
        "import pair_les.api.calculator, pair_les.lammps.check, pair_les.model_file, pair_les.lammps.doctor, pair_les.plugin"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
