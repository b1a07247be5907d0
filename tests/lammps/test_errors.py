# SPDX-License-Identifier: MIT
"""Bad input gives one ``ERROR`` line that names the thing and says what to type, on 1 and 2 ranks, without a hang."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import harness
import numpy as np
import oracle
import pytest
from analytic_models import write_model
from error_lines import assert_one_error_line
from systems import System, random_fluid

FLUID = random_fluid({"Na": 8, "Cl": 8}, np.diag([9.0, 9.0, 9.0]), seed=1)


@dataclass(frozen=True)
class Case:
    """One bad input.

    Parameters
    ----------
    pattern
        What the one line must contain, in this order (regular expressions).
    write
        Writes the model file; None leaves it out.
    setup
        Options of `harness.setup`.
    first
        Commands before everything.
    run
        The commands that must fail.
    """

    pattern: tuple[str, ...]
    write: Callable[[Path], Any] | None = write_model
    setup: dict[str, Any] = field(default_factory=dict)
    first: str = ""
    run: str = "run 0"


def metadata_with(**changes: Any) -> Callable[[Path], Any]:
    """Writer of a model whose metadata are changed; a dotted key is given with a double underscore, None removes."""

    def edit(metadata: dict[str, Any]) -> None:
        for name, value in changes.items():
            *sections, key = name.split("__")
            target = metadata
            for section in sections:
                target = target[section]
            if value is None:
                del target[key]
            else:
                target[key] = value

    return lambda path: write_model(path, edit_metadata=edit)


def truncated(path: Path) -> None:
    """A model file that ends in the middle, as after an interrupted copy."""
    write_model(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pair(elements: str, style: str = "pair_style les") -> dict[str, Any]:
    """Options of `setup` with other elements in ``pair_coeff``."""
    return {"pair": [style, f"pair_coeff * * model.pt {elements}"]}


def kspace(style: str | None, *modify: str) -> dict[str, Any]:
    """Options of `setup` with another kspace style."""
    return {"kspace": style, "after_pair": modify}


CASES = {
    # -- where the network is evaluated
    "device that is none": Case(
        ("pair_style les device is 'gpu'", "must be cpu, cuda or cuda:N", "'pair_style les device cuda'"),
        setup={"pair": ["pair_style les device gpu", "pair_coeff * * model.pt Cl Na"]},
    ),
    "device without a number": Case(
        ("pair_style les device is 'cuda:'", "must be cpu, cuda or cuda:N"),
        setup={"pair": ["pair_style les device cuda:", "pair_coeff * * model.pt Cl Na"]},
    ),
    "device without a word": Case(
        ("pair_style les device is ''", "must be cpu, cuda or cuda:N"),
        setup={"pair": ["pair_style les device", "pair_coeff * * model.pt Cl Na"]},
    ),
    "no GPU": Case(  # on a machine with one: torch sees no more than 99
        ("device is cuda:99, but torch", "type 'pair_style les' without 'device'"),
        setup={"pair": ["pair_style les device cuda:99", "pair_coeff * * model.pt Cl Na"]},
    ),
    # -- memory of the network
    "memory in words": Case(
        ("pair_style les memory is '2GB'", "number of gigabytes", "'pair_style les memory 2'"),
        setup={"pair": ["pair_style les memory 2GB", "pair_coeff * * model.pt Cl Na"]},
    ),
    "negative memory": Case(
        ("pair_style les memory is '-1'", "from 0 to"),
        setup={"pair": ["pair_style les memory -1", "pair_coeff * * model.pt Cl Na"]},
    ),
    "memory without a number": Case(
        ("pair_style les memory is ''", "number of gigabytes"),
        setup={"pair": ["pair_style les memory", "pair_coeff * * model.pt Cl Na"]},
    ),
    # -- the model file
    "missing file": Case(("model.pt", "check the path"), write=None),
    "folder": Case(("model.pt", "check the path"), write=lambda path: path.mkdir()),
    "empty file": Case(("model.pt", "pair-les export"), write=lambda path: path.write_bytes(b"")),
    "not a model": Case(
        ("model.pt", "pair-les export"), write=lambda path: path.write_text("O 1.0\nH 2.0\n")
    ),
    "truncated model": Case(("model.pt", "pair-les export"), write=truncated),
    "no metadata": Case(
        ("model.pt", "metadata.json", "pair-les export"), write=lambda path: without_metadata(path)
    ),
    "other format": Case(
        ("model.pt", "'format'", "nequip", "pair_les"), write=metadata_with(format="nequip")
    ),
    "future version": Case(
        ("model.pt", "format_version", "4", "versions 1 to 3"), write=metadata_with(format_version=4)
    ),
    "missing sigma": Case(
        ("model.pt", "long_range.sigma", "missing"), write=metadata_with(long_range__sigma=None)
    ),
    "bad sigma": Case(
        ("model.pt", "long_range.sigma", "-1", "> 0"), write=metadata_with(long_range__sigma=-1.0)
    ),
    "missing cutoff": Case(("model.pt", "'cutoff'", "missing"), write=metadata_with(cutoff=None)),
    "other units": Case(
        ("model.pt", "units", "kcal", "eV"),
        write=metadata_with(units={"length": "angstrom", "energy": "kcal/mol", "charge": "e"}),
    ),
    "no charge output": Case(("model.pt", "'charge'"), write=lambda path: write_model(path, charged=False)),
    # -- the commands of the pair style
    "unknown keyword": Case(("les", "'cutoff'"), setup=pair("Cl Na", "pair_style les cutoff 5.0")),
    "no pair_coeff": Case(("pair_coeff",), setup={"pair": ["pair_style les"]}),
    "unknown element": Case(("model.pt", "'Xe'", "Na Cl"), setup=pair("Cl Xe")),
    "misspelt element": Case(("model.pt", "'CL'", "did you mean 'Cl'"), setup=pair("CL Na")),
    "element in lower case": Case(("'cl'", "did you mean 'Cl'"), setup=pair("cl Na")),
    "wrong order": Case(
        ("type 1 is Na", "mass 35.45, that of Cl", r"'pair_coeff \* \* model.pt Cl Na'", "masses any"),
        setup=pair("Na Cl"),
    ),
    "wrong order, masses after pair_coeff": Case(
        ("type 2 is Na", "mass 15.999, that of O", "the model knows Na Cl"),
        setup={**pair("Cl Na"), "after_pair": ["mass 2 15.999"]},
    ),
    "unknown choice of masses": Case(
        ("masses is 'none' but must be check or any",), setup=pair("Cl Na", "pair_style les masses none")
    ),
    "too few elements": Case(("1 elements", "2 atom types"), setup=pair("Cl")),
    "too many elements": Case(("3 elements", "2 atom types"), setup=pair("Cl Na Na")),
    "no element": Case(("0 elements", "2 atom types"), setup=pair("")),
    "NULL with charges": Case(("type 2", "NULL", "charge"), setup=pair("Cl NULL")),
    "types by number": Case(
        (r"start with \* \*", "les"), setup={"pair": ["pair_style les", "pair_coeff 1 1 x"]}
    ),
    # -- the rest of the input
    "ghosts of several cutoffs": Case(
        ("model.pt", "message-passing", "comm_modify mode single"),
        setup={"before_box": ["neighbor 2.0 multi", "comm_modify mode multi"]},
        write=lambda path: write_model(path, "message_passing"),
    ),
    "newton off": Case(("newton", "newton on"), first="newton off\n"),
    "no kspace": Case(("model.pt", "kspace", "kspace_style pppm"), setup=kspace(None)),
    "kspace without charges": Case(
        ("model.pt", "no charges", "kspace_style none"), write=lambda path: write_model(path, sigma=None)
    ),
    "pppm/cg": Case(("pppm/cg", "kspace_style pppm"), setup=kspace("pppm/cg 1e-5")),
    "gewald": Case(
        ("gewald 0.3", "sigma 1", "0.7071", "remove"), setup=kspace("pppm 1e-5", "kspace_modify gewald 0.3")
    ),
    "kspace compute no": Case(
        ("kspace_modify compute yes",), setup=kspace("pppm 1e-5", "kspace_modify compute no")
    ),
    "pair compute no": Case(
        ("pair_modify compute yes",), setup=kspace("pppm 1e-5", "pair_modify compute no")
    ),
    "dielectric": Case(("dielectric 2", "dielectric 1.0"), setup=kspace("pppm 1e-5", "dielectric 2.0")),
    "slab nozforce": Case(
        ("slab nozforce", "kspace_modify slab 3.0"),
        setup={"before_box": ["boundary p p f"], **kspace("pppm 1e-5", "kspace_modify slab nozforce")},
    ),
    "non-periodic box": Case(("periodic",), setup={"before_box": ["boundary p p f"], "kspace": "pppm 1e-5"}),
    "units lj": Case(("units lj", "units metal"), setup={"units": "lj"}),
    "no charge in atom style": Case(("atom_style charge",), setup={"style": "atomic"}),
    "respa": Case(
        ("respa", "run_style verlet"), setup=kspace("pppm 1e-5", "run_style respa 2 2 pair 1 kspace 2")
    ),
    "hidden neighbors": Case(
        ("special_bonds", "special_bonds lj/coul"),
        write=lambda path: write_model(path, sigma=None),
        setup={"style": "full", "kspace": None, "after_pair": ["special_bonds lj/coul 0.0 0.0 0.0"]},
    ),
    "neigh_modify include": Case(
        ("neigh_modify include g would hide", "neigh_modify include all"),
        setup={
            "before_box": ["atom_modify map yes first g"],
            **kspace("pppm 1e-5", "group g id 1:4", "neigh_modify include g"),
        },
    ),
    "comm_modify group": Case(
        ("comm_modify group g would hide", "comm_modify group all"),
        setup={
            "before_box": ["atom_modify map yes first g"],
            **kspace("pppm 1e-5", "group g id 1:4", "comm_modify group g"),
        },
    ),
    "pairs of another style": Case(
        ("pairs of types 1 and 2", "hybrid/overlay"),
        setup={
            "pair": [
                "pair_style hybrid les lj/cut 4.0",
                "pair_coeff * * les model.pt Cl Na",
                "pair_coeff 1 2 lj/cut 0.0 2.5",
            ]
        },
    ),
    "hybrid/scaled": Case(
        ("hybrid/scaled would scale", "'pair_style hybrid/overlay'"),
        setup={
            "pair": [
                "pair_style hybrid/scaled 0.5 les 0.5 zero 5.0",
                "pair_coeff * * les model.pt Cl Na",
                "pair_coeff * * zero",
            ]
        },
    ),
    "latent charges in another style": Case(
        ("hybrid/overlay has a style", "'coul'", "latent charges", "without charges"),
        setup={
            "before_box": ["boundary f f f"],
            "kspace": None,
            "pair": [
                "pair_style hybrid/overlay les coul/cut 4.0",
                "pair_coeff * * les model.pt Cl Na",
                "pair_coeff * * coul/cut",
            ],
        },
    ),
    "another long-range style": Case(
        ("hybrid/overlay has a style", "'coul'", "latent charges", "without charges"),
        setup={
            "pair": [
                "pair_style hybrid/overlay les lj/cut/coul/long 5.0",
                "pair_coeff * * les model.pt Cl Na",
                "pair_coeff * * lj/cut/coul/long 0.01 2.0",
            ]
        },
    ),
    "cutoff for more neighbors than lists hold": Case(
        ("cutoff of 90 A", "neighbors per atom", "room for 2000", "at most", "'neigh_modify one"),
        setup=pair("Cl Na", "pair_style les coul 90.0"),
    ),
    "fix gcmc": Case(
        ("fix gcmc hides atoms", "use 'fix deposit'"),
        run="fix g all gcmc 1 1 0 1 29494 300.0 -4.5 0.1 full_energy\nrun 1",
    ),
    "fix widom": Case(
        ("fix widom hides atoms", "use 'fix deposit'"),
        run="fix g all widom 1 1 1 29494 300.0 full_energy\nrun 1",
    ),
    "fix adapt of kspace": Case(
        ("fix adapt cannot scale the kspace style", "remove the keyword kspace"),
        run="variable half equal 0.5\nfix a all adapt 1 kspace v_half\nrun 1",
    ),
    "internal fix removed": Case(
        ("fix les_0_backward of pair_style les has been removed", "repeat the pair_coeff command"),
        run="run 0\nunfix les_0_backward\nrun 0",
    ),
    "internal compute removed": Case(
        ("compute les_0_kspace of pair_style les has been removed", "repeat the pair_coeff command"),
        run="run 0\nuncompute les_0_kspace\nrun 0",
    ),
    "internal fix by itself": Case(
        ("fix LES/BACKWARD is a part of pair_style les", "type 'unfix a'"),
        write=lambda path: write_model(path, sigma=None),
        setup=kspace(None),
        run="fix a all LES/BACKWARD\nrun 0",
    ),
    "two models with charges": Case(
        ("2 pair_style les models", "long_range null"),
        setup={
            "pair": [
                "pair_style hybrid/overlay les les",
                "pair_coeff * * les 1 model.pt Cl Na",
                "pair_coeff * * les 2 model.pt Cl Na",
            ]
        },
    ),
}


def without_metadata(path: Path) -> None:
    """A TorchScript archive that somebody saved without the contract."""
    import torch

    class Module(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    torch.jit.save(torch.jit.script(Module()), str(path))


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_input(tmp_path, case, ranks):
    if case.write is not None:
        case.write(tmp_path / "model.pt")
    script = case.first + harness.setup(tmp_path, FLUID, "model.pt", **case.setup) + case.run + "\n"
    run = harness.run_lammps(script, tmp_path, ranks, timeout=60, expect_error=True)
    assert_one_error_line(run, case.pattern)


# -- in the middle of a run: the model raises on one rank while the other waits for it --------------------------------


@pytest.fixture(scope="module")
def lopsided() -> tuple[System, int]:
    """Ions in the lower half of z, one atom in the upper half, and the number of edges within 5 angstrom."""
    dense = random_fluid({"Na": 20, "Cl": 20}, np.diag([12.0, 12.0, 7.0]), seed=2, min_distance=2.0)
    system = System(
        (*dense.symbols, "Na"), np.vstack([dense.positions, [6.0, 6.0, 18.0]]), np.diag([12.0, 12.0, 24.0])
    )
    return system, len(oracle.neighbor_images(system, 5.0)[0])


SQUEEZE = "fix squeeze all deform 1 x scale 0.8 remap x\nthermo 1\nrun 20\n"


@pytest.mark.parametrize("solver", ["pppm 1e-4", None])
@pytest.mark.parametrize("ranks", [1, 2])
def test_exception_in_the_middle_of_a_run(tmp_path, lopsided, ranks, solver):
    system, n_edges = lopsided
    sigma = 1.0 if solver else None
    write_model(tmp_path / "model.pt", "raising", max_edges=n_edges + 2, sigma=sigma)
    script = (
        harness.setup(tmp_path, system, "model.pt", kspace=solver, before_box=["processors 1 1 *"]) + SQUEEZE
    )
    run = harness.run_lammps(script, tmp_path, ranks, timeout=60, expect_error=True)
    assert_one_error_line(run, ("model.pt", "more edges than max_edges"))
    assert re.search(r"^ +0 ", run.log, re.MULTILINE), (
        f"failed before the first step, not in the middle:\n{run.log}"
    )


@pytest.mark.parametrize("ranks", [1, 2])
def test_exception_on_every_rank(tmp_path, ranks):
    write_model(tmp_path / "model.pt", "raising", max_edges=0)
    script = harness.setup(tmp_path, FLUID, "model.pt") + "run 0\n"
    run = harness.run_lammps(script, tmp_path, ranks, timeout=60, expect_error=True)
    assert_one_error_line(run, ("model.pt", "more edges than max_edges"))


@pytest.mark.parametrize("ranks", [1, 2])
def test_energy_that_is_not_finite(tmp_path, ranks):
    write_model(tmp_path / "model.pt", e0=[float("nan"), 0.0])
    script = harness.setup(tmp_path, FLUID, "model.pt") + "run 0\n"
    run = harness.run_lammps(script, tmp_path, ranks, timeout=60, expect_error=True)
    assert_one_error_line(run, ("model.pt", "energy", "not finite", "step 0"))


@pytest.mark.parametrize("distance", [0.0005, 0.0])
def test_atoms_at_one_place(tmp_path, distance):
    """A network returns numbers for them, and no charge interacts with itself at this distance in a smeared sum."""
    write_model(tmp_path / "model.pt")
    positions = np.vstack([FLUID.positions, FLUID.positions[3] + [0.0, distance, 0.0]])
    system = System((*FLUID.symbols, FLUID.symbols[3]), positions, FLUID.cell)
    script = harness.setup(tmp_path, system, "model.pt", kspace="pppm 1e-4") + "run 0\n"
    run = harness.run_lammps(script, tmp_path, 2, timeout=60, expect_error=True)
    assert_one_error_line(
        run, ("atoms (4 and 17|17 and 4) are", "A apart at step 0", "'delete_atoms overlap")
    )


def test_kspace_on_other_processes(tmp_path):
    """``run_style verlet/split``: the potential would be missing where the network runs."""
    write_model(tmp_path / "model.pt")
    script = harness.setup(
        tmp_path, FLUID, "model.pt", kspace="pppm 1e-5", after_pair=["run_style verlet/split"]
    )
    harness.run_lammps(
        script + "run 1\n", tmp_path, 2, timeout=60, arguments=["-partition", "1", "1"], expect_error=True
    )
    # both partitions find it; the first to end may stop the other before it has said so
    lines = [
        line
        for screen in tmp_path.glob("screen.[01]")
        for line in screen.read_text().splitlines()
        if line.startswith("ERROR")
    ]
    assert 1 <= len(lines) <= 2 and all("run_style verlet/split" in line for line in lines), lines


def test_lammps_goes_on_without_the_style(tmp_path):
    """A run that does not use the style neither needs nor loads torch."""
    script = harness.setup(
        tmp_path, FLUID, "none", kspace=None, pair=["pair_style lj/cut 5.0", "pair_coeff * * 1 1"]
    )
    script += 'run 0\nshell "grep -c torch /proc/$PPID/maps"\n'
    run = harness.run_lammps(script, tmp_path, fresh=True)
    assert re.search(r"^0$", run.output, re.MULTILINE), run.output[-2000:]


FAILED_COMMAND = """
import sys
from lammps import lammps
lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])
lmp.file("in.test")
for command in (sys.argv[1], "run 0"):
    try:
        lmp.command(command)
    except Exception as error:
        print(str(error).splitlines()[0])
lmp.command("pair_coeff * * model.pt Cl Na")
lmp.command("run 0")
print("energy", lmp.get_thermo("pe"))
lmp.close()
"""


@pytest.mark.parametrize("arguments", ["model.pt Cl Xe", "model.pt Cl", "missing.pt Cl Na"])
def test_lammps_goes_on_after_a_pair_coeff_that_failed(tmp_path, arguments):
    """In Python, where errors are caught: neither a run with half a model nor a crash, and the next command is heard."""
    write_model(tmp_path / "model.pt")
    (tmp_path / "in.test").write_text(harness.setup(tmp_path, FLUID, "model.pt") + "run 0\n")
    found = subprocess.run(
        [sys.executable, "-c", FAILED_COMMAND, f"pair_coeff * * {arguments}"],
        cwd=tmp_path,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    lines = found.stdout.splitlines()
    assert lines[0].startswith("ERROR") and "All pair coeffs are not set" in lines[1], lines
    expected = oracle.evaluate(tmp_path / "model.pt", FLUID).energy
    assert float(lines[2].split()[1]) == pytest.approx(expected, abs=1e-5)
