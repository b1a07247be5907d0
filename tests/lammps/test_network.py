# SPDX-License-Identifier: MIT
"""The network of this package and the trained models that are shipped, through LAMMPS: parity and derivatives.

The other tests use analytic models, whose charges and energies can be read off a formula. Here the model file is the
product's own: many species-dependent branches, float32, tables.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import ase.build
import harness
import numpy as np
import oracle
import pytest
import tolerances
import torch
from compare import assert_equal
from finite_differences import EWALD, NO_KSPACE, Solver, check_forces, check_virial
from pair_les.model_file import LongRange, Metadata, save_model
from pair_les.net import NetSettings, network_class
from shared_library import compile_library
from systems import System, random_fluid, rock_salt, water_box

FLUID = random_fluid(
    {"Na": 14, "Cl": 12}, [[9.0, 0.0, 0.0], [1.5, 9.5, 0.0], [-1.2, 0.9, 10.0]], seed=4, min_distance=2.2
)
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SHIPPED = [*sorted(EXAMPLES.glob("lammps/*/model*.pt")), *sorted(EXAMPLES.glob("models/*.pt"))]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory):
    """``network(dtype, sigma, layers)``: file of a network with random weights."""
    folder = tmp_path_factory.mktemp("networks")

    def write(dtype: str, sigma: float | None = 1.0, layers: int = 0) -> Path:
        torch.manual_seed(5)
        settings = NetSettings(cutoff=4.5, message_passing_layers=layers)
        net = network_class(settings)(
            ["Na", "Cl"],
            settings,
            charge=sigma is not None,
            reference_energies={"Na": -1.0, "Cl": -3.0},
        ).to(getattr(torch, dtype))
        with torch.no_grad():  # a new network starts flat, so that nothing depends on the positions
            net.readout.last.weight.normal_(0.0, 0.3)
        path = folder / f"{dtype}-{sigma}-{layers}.pt"
        long_range = None if sigma is None else LongRange(sigma)
        metadata = Metadata(
            ("Na", "Cl"), 4.5, message_passing_layers=layers, dtype=dtype, long_range=long_range
        )
        save_model(path, torch.jit.script(net), metadata)
        return path

    return write


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("dtype, tolerance", [("float64", tolerances.EWALD), ("float32", tolerances.FLOAT32)])
def test_network_against_the_oracle(tmp_path, network, dtype, tolerance, ranks):
    path = network(dtype)
    assert_equal(
        harness.evaluate(tmp_path, FLUID, path, ranks=ranks), oracle.evaluate(path, FLUID), tolerance
    )


@pytest.mark.parametrize("ranks", [1, 2])
def test_messages_against_the_oracle(tmp_path, network, ranks):
    """Ghosts near a local atom send messages that depend on ghosts further away, and their forces go home."""
    path = network("float64", layers=1)
    assert_equal(
        harness.evaluate(tmp_path, FLUID, path, ranks=ranks), oracle.evaluate(path, FLUID), tolerances.EWALD
    )


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler (cc) to build a library")
def test_torch_multiplies_matrices_by_itself(tmp_path, network, monkeypatch):
    """LAMMPS exports the plain BLAS that it brings, and its names come before those of torch."""
    compile_library("#include <stdlib.h>\nvoid dgemm_(void) { abort(); }", tmp_path / "libplain.so")
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "libplain.so"))
    path = network("float64")
    assert_equal(harness.evaluate(tmp_path, FLUID, path), oracle.evaluate(path, FLUID), tolerances.EWALD)


@pytest.mark.parametrize("sigma, solver", [(1.0, EWALD), (None, NO_KSPACE)], ids=["charges", "no charges"])
def test_network_by_differences(tmp_path, network, sigma, solver):
    check_forces(tmp_path, FLUID, network("float64", sigma), solver, [0, 9, 20])
    check_virial(tmp_path, FLUID, network("float64", sigma), solver)


@pytest.mark.parametrize("ranks", [1, 4])
def test_network_on_ranks_without_atoms(tmp_path, network, ranks):
    """Ranks without atoms, an atom without neighbors, and a type that nobody on a rank has."""
    positions = np.array([[2.0, 2.0, 1.0], [4.3, 2.0, 1.0], [7.0, 8.0, 20.0]])
    system = System(("Na", "Cl", "Na"), positions, np.diag([12.0, 12.0, 40.0]))
    path = network("float64")
    found = harness.evaluate(tmp_path, system, path, ranks=ranks, before_box=["processors 1 1 *"])
    assert_equal(found, oracle.evaluate(path, system), tolerances.EWALD)


def amides() -> System:
    """Two molecules of acetamide with a hydrogen bond between them, distorted."""
    first, second = ase.build.molecule("CH3CONH2"), ase.build.molecule("CH3CONH2")
    second.rotate(100.0, "z")
    second.translate([4.3, 0.5, 0.3])
    pair = first + second
    pair.rattle(0.05, seed=1)
    pair.translate([3.0, 5.0, 5.0])
    return System(tuple(pair.get_chemical_symbols()), pair.positions, np.diag([14.0, 13.0, 12.0]))


def shipped_system(species: list[str]) -> System:
    """A configuration not far from what a shipped model was trained on."""
    systems = {
        ("Cl", "Na"): rock_salt((4, 4, 4), 2.95, seed=3, jitter=0.15),
        ("H", "O"): water_box(3, seed=3),
        ("C", "H", "N", "O"): amides(),
    }
    return systems[tuple(sorted(species))]


def in_float64(path: Path, copy: Path) -> dict:
    """The same weights as a float64 model, smooth enough for differences; returns the metadata."""
    extra = {"metadata.json": ""}
    module = torch.jit.load(str(path), _extra_files=extra).double()
    metadata = {**json.loads(extra["metadata.json"]), "dtype": "float64"}
    torch.jit.save(module, str(copy), _extra_files={"metadata.json": json.dumps(metadata)})
    return metadata


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_model_against_the_oracle(tmp_path, path):
    metadata = in_float64(path, tmp_path / "float64.pt")
    system = shipped_system(metadata["species"])
    kspace = "ewald 1e-11" if metadata["long_range"] else None
    for name, file, tolerance in (
        ("exact", tmp_path / "float64.pt", tolerances.EWALD),
        ("shipped", path, tolerances.FLOAT32_TRAINED),
    ):
        folder = tmp_path / name
        folder.mkdir()
        found = harness.evaluate(folder, system, file, kspace=kspace, ranks=2)
        assert_equal(found, oracle.evaluate(file, system), tolerance)


PPPM = Solver("pppm", "pppm 1e-7", "kspace_modify order 7", tolerances.DIFFERENCED_FORCE_PPPM, 0.0)


@pytest.mark.parametrize(
    "path",
    [path for path in SHIPPED if path.parent.name != "models"],  # these are slow, and the oracle is enough
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_shipped_model_by_differences(tmp_path, path):
    metadata = in_float64(path, tmp_path / "float64.pt")
    system = shipped_system(metadata["species"])
    exact, mesh = (EWALD, PPPM) if metadata["long_range"] else (NO_KSPACE, NO_KSPACE)
    check_forces(tmp_path, system, tmp_path / "float64.pt", exact, [0, 1, 2])
    check_forces(tmp_path, system, tmp_path / "float64.pt", mesh, [0, 1])
    check_virial(tmp_path, system, tmp_path / "float64.pt", exact)
