# SPDX-License-Identifier: MIT
"""``pair-les check`` on dumps of LAMMPS: it agrees with a good run and notices a wrong one."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import harness
import numpy as np
import pytest
from analytic_models import write_model
from capacitors import ions_between, plate
from pair_les.cli.app import main
from pair_les.errors import DataError
from pair_les.lammps.check import FrameCheck, check
from systems import System, random_fluid

FLUID = random_fluid(
    {"Na": 20, "Cl": 16}, np.array([[11.0, 0, 0], [2.0, 10.0, 0], [-1.5, 1.2, 12.0]]), seed=8
)
DUMP = "dump 1 all custom 5 traj.dump id type x y z q fx fy fz\ndump_modify 1 format float %.15g\n"


TWO_ATOMS = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0 9
0 9
0 9
ITEM: ATOMS id type x y z q
1 1 1 1 1 -1
2 2 1 1 1 1
"""


@pytest.fixture
def command(capsys, monkeypatch):
    """`pair-les` with arguments, in this process: exit code, stdout, stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["pair-les", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


def run(folder, path, units="metal", columns=DUMP, style="les", kspace="ewald 1e-10"):
    pair = [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]
    script = harness.setup(folder, FLUID, path, kspace=kspace, units=units, pair=pair)
    harness.run_lammps(script + columns + "fix 1 all nve\ntimestep 1e-4\nrun 10\n", folder, ranks=2)
    return folder / "model.pt", folder / "traj.dump"


@pytest.mark.parametrize("units", ["metal", "real"])
def test_good_run(tmp_path, model, units):
    results = list(check(*run(tmp_path, model(neutralize=True), units), elements=["Cl", "Na"], units=units))
    assert [result.frame for result in results] == [0, 1, 2]
    for result in results:
        assert result.n_atoms == len(FLUID)
        assert result.charge < 1e-9 and result.force_max < 1e-5


def test_wrong_model_is_noticed(tmp_path, model):
    _, dump = run(tmp_path, model())
    (result,) = check(model(alpha=0.2), dump, elements=["Cl", "Na"], frames=1)
    assert result.charge > 1e-2 and result.force_max > 1e-2


def test_swapped_elements_are_noticed(tmp_path, model):
    result = next(check(*run(tmp_path, model()), elements=["Na", "Cl"]))
    assert result.charge > 1.0


@pytest.mark.parametrize("neutralize", [False, True])
def test_total_charge(tmp_path, model, command, neutralize):
    """``pair_style les charge 1.5``: agrees when told, and is noticed when not."""
    path, dump = run(tmp_path, model(neutralize=neutralize), style="les charge 1.5")
    results = list(check(path, dump, elements=["Cl", "Na"], total_charge=1.5))
    assert all(result.charge < 1e-9 and result.force_max < 1e-5 for result in results)
    arguments = ("check", path, dump, "--element", "Cl", "--element", "Na")
    assert command(*arguments, "--charge", "1.5")[0] == 0
    code, out, err = command(*arguments)
    assert code == 1 and out.count("frame ") == 3
    assert "3 of 3 frames are not what" in err and "--charge" in err and err.count("\n") == 1


def test_exit_status(tmp_path, model, command):
    """1 beyond the tolerances, 0 within; a mesh as coarse as any that is used is within them."""
    path, dump = run(tmp_path, model(), kspace="pppm 1e-4")
    arguments = (dump, "--element", "Cl", "--element", "Na", "--frames", 1)
    code, out, err = command("check", path, *arguments)
    assert (code, err) == (0, "") and out.startswith("frame 0: 36 atoms, energy ")
    code, _, err = command("check", path, *arguments, "--force-tolerance", "1e-9")
    assert code == 1 and "1 of 1 frames are not what" in err and "within 1e-09 eV/A (rms) and 0.01 e" in err
    other = model(alpha=0.2)
    code, _, err = command("check", other, *arguments)
    assert code == 1 and f"not what {other} gives" in err
    assert command("check", other, *arguments, "--force-tolerance", "9", "--charge-tolerance", "9")[0] == 0


def test_what_is_not_a_number_does_not_agree():
    assert FrameCheck(0, 1, 0.0, 0.0, 0.0, 0.0).agrees() and FrameCheck(0, 1, 0.0, None, None, None).agrees()
    for charge, force in ((np.nan, 0.0), (0.0, np.nan), (0.02, 0.0), (0.0, 0.02)):
        assert not FrameCheck(0, 1, 0.0, charge, force, force).agrees()


def test_slab(tmp_path, model, command):
    """Against the Python slab, whose images are farther away; one direction has no energy in either."""
    fluid = random_fluid({"Na": 14, "Cl": 14}, np.diag([10.0, 11.0, 9.0]), seed=5)
    fluid = replace(fluid, cell=np.diag([10.0, 11.0, 16.0]))
    path = model(neutralize=True)
    script = harness.setup(
        tmp_path,
        fluid,
        path,
        kspace="ewald 1e-10",
        pair=["pair_style les", "pair_coeff * * model.pt Cl Na"],
        before_box=["boundary p p f"],
        after_pair=["kspace_modify slab 3.0"],
    )
    harness.run_lammps(script + DUMP + "run 0\n", tmp_path)
    dump = tmp_path / "traj.dump"
    (result,) = check(path, dump, elements=["Cl", "Na"])
    assert result.charge < 1e-9 and result.force_max < 1e-5
    dump.write_text(dump.read_text().replace("pp pp ff", "pp ff ff"))
    code, out, err = command("check", path, dump, "--element", "Cl", "--element", "Na")
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "traj.dump: frame 0: pbc is [True, False, False]: a model with long-range" in err


WALLS = ["--electrode", "type 1 potential 1.0 hardness 2.0", "--electrode", "id 10:18 potential 0.0"]
IN_SLABS = {
    "field": ("efield 0.0 0.0 -0.05", ["--field", "0", "0", "-0.05"]),
    "field along a period": (
        "efield 0.02 0.0 -0.05 eps 1.5",
        ["--field", "0.02", "0", "-0.05", "--eps", "1.5"],
    ),
    "electrodes": ("electrode left 1.0 hardness 2.0 electrode right 0.0", WALLS),
    "electrodes in a medium": (
        "electrode left 1.0 hardness 2.0 electrode right 0.0 efield 0.0 0.0 -0.05 eps 1.5",
        [*WALLS, "--field", "0", "0", "-0.05", "--eps", "1.5"],
    ),
    "given charge": (
        "electrode left charge 0.7 electrode right 0.0",
        ["--electrode", "id 1:9 charge 0.7", "--electrode", "type 2 potential 0"],
    ),
}


@pytest.mark.parametrize("name", IN_SLABS)
def test_fields_and_electrodes_of_slabs(tmp_path, model, command, name):
    """The run agrees when they are named, and is noticed when the field or a potential is another."""
    keywords, options = IN_SLABS[name]
    walls = np.vstack([plate(3, 2.5, 2.0), plate(3, 2.5, 14.0)])
    positions = np.vstack([walls, ions_between(6, 7.5, 4.5, 11.5, seed=2)])
    system = System(("A",) * 9 + ("B",) * 9 + ("Cl", "Na") * 3, positions, np.diag([7.5, 7.5, 20.0]))
    elements = ["He", "Ne", "Cl", "Na"]
    commands = ["group left id 1:9", "group right id 10:18", f"pair_style les qtol 1e-10 {keywords}"]
    commands.append("pair_coeff * * model.pt NULL NULL Cl Na")
    if not keywords.startswith("electrode"):
        commands = [f"pair_style les {keywords}", "pair_coeff * * model.pt Na Cl Cl Na"]
        elements = ["Na", "Cl", "Cl", "Na"]
    script = harness.setup(
        tmp_path, system, model(neutralize=True), kspace="ewald 1e-10", pair=commands, before_box=["boundary p p f"],
        after_pair=["kspace_modify slab 3.0"],
    )  # fmt: skip
    harness.run_lammps(script + DUMP.replace("x y z", "xu yu zu") + "run 0\n", tmp_path)
    call = ["check", tmp_path / "model.pt", tmp_path / "traj.dump", "--force-tolerance", "1e-5"]
    call += [word for element in elements for word in ("--element", element)]
    assert command(*call, "--charge-tolerance", "1e-7", *options)[0] == 0
    other = [
        option.replace("-0.05", "-0.04").replace("1.0", "1.1").replace("0.7", "0.6") for option in options
    ]
    code, _, err = command(*call, *other)
    assert code == 1 and "--field or --electrode" in err


BAD_OPTIONS = {
    "no atoms": (["--electrode", "potential 1.0"], "must have atoms and either a potential"),
    "both": (["--electrode", "id 1 potential 1.0 charge 2.0"], "must have atoms and either a potential"),
    "word": (["--electrode", "type Na potential 1.0"], "'Na' is no number or range of a type"),
    "none": (["--electrode", "id 40:50 potential 1.0"], "electrode '1' has no atoms"),
    "twice": (
        ["--electrode", "id 1 potential 1.0", "--electrode", "id 1 potential 0"],
        "belongs to electrodes '1'",
    ),
    "wrapped": (["--field", "0.1", "0", "0"], "acts on unwrapped positions, and these are wrapped"),
    "eps": (["--eps", "0.5"], "eps 0.5: must be >= 1"),
}


@pytest.fixture(scope="module")
def fluid_dump(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fluid")
    write_model(folder / "pair.pt", "pair", neutralize=True)
    return run(folder, folder / "pair.pt")


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_bad_options(command, fluid_dump, name):
    options, message = BAD_OPTIONS[name]
    code, out, err = command("check", *fluid_dump, "--element", "Cl", "--element", "Na", *options)
    assert (code, out) == (2, "") and err.count("\n") == 1 and message in err, err


DAMAGED = {
    "number": (
        ("fx fy fz\n", "fx fy fz\nabc "),
        "traj.dump: cannot be read as a LAMMPS text dump",
    ),
    "empty": ((None, ""), "holds no frame: give a file that 'dump ... custom' of LAMMPS wrote"),
    "atoms at one place": (
        (None, TWO_ATOMS),
        "traj.dump: frame 0: atoms 0 and 1 are 0 A apart, less than the 0.01 A",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_dumps(tmp_path, model, command, name):
    (old, new), message = DAMAGED[name]
    path, dump = run(tmp_path, model())
    dump.write_text(new if old is None else dump.read_text().replace(old, new))
    code, out, err = command("check", path, dump, "--element", "Cl", "--element", "Na")
    assert (code, out) == (2, "") and err.count("\n") == 1 and re.search(message, err), err


def test_types_without_elements(tmp_path, model, command):
    """A type number is no atomic number: type 2 is not helium."""
    path, dump = run(tmp_path, model())
    code, out, err = command("check", path, dump)
    assert (code, out) == (2, "") and err.count("\n") == 1 and "He" not in err
    assert "traj.dump: has no column element: name the element of each LAMMPS type" in err
    assert "--element <element of type 1> --element <element of type 2> (the model knows" in err


def test_errors(tmp_path, model):
    path, dump = run(tmp_path, model(), columns="dump 1 all custom 5 traj.dump id type x y z\n")
    with pytest.raises(DataError, match="neither charges nor forces to compare; type 'dump 1 all custom"):
        next(check(path, dump, elements=["Cl", "Na"]))
    with pytest.raises(DataError, match="element 'Qq': must be a chemical symbol, one for each LAMMPS type"):
        next(check(path, dump, elements=["Cl", "Qq"]))
    with pytest.raises(DataError, match="are there more than 1 types\\? Name the element of each"):
        next(check(path, dump, elements=["Cl"]))
    with pytest.raises(DataError, match="units 'lj': must be one of metal, real"):
        next(check(path, dump, units="lj"))
    with pytest.raises(DataError, match="nothing.dump: cannot be read as a LAMMPS text dump"):
        next(check(path, tmp_path / "nothing.dump"))
