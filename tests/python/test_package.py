# SPDX-License-Identifier: MIT
"""Packages in Python: the numbers of the network that was compiled, on any machine that can, and one line elsewhere."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import packages
import pytest
import tolerances
import torch
from ase import Atoms
from packages import Packaged, edited
from pair_les.api.calculator import LESCalculator
from pair_les.errors import RunError
from pair_les.export import export
from pair_les.model_file import ContractError, Metadata, load_model, read_metadata, save_package
from pair_les.model_file.aot import instruction_set
from pair_les.model_file.aot.parts import output_names
from pair_les.model_file.aot.tracing import example_graph
from pair_les.model_file.metadata import Compiled, LongRange

KINDS = ("local", "committee", "layers", "foreign")
CLI = [sys.executable, "-m", "pair_les.cli.app"]

# local atoms, ghosts, edges of each center
SIZES = [(40, 30, 12), (7, 5, 3), (2, 0, 1), (1, 1, 1), (1, 0, 0), (5, 2, 0), (0, 3, 0), (0, 0, 0)]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, packaged: Callable[[str], Packaged]) -> Packaged:
    return packaged(request.param)


def relative(metadata: Metadata) -> float:
    return tolerances.FUSED_FLOAT32 if metadata.dtype == "float32" else tolerances.FUSED_FLOAT64


def both_phases(
    module: torch.nn.Module, metadata: Metadata, graph: tuple[torch.Tensor, ...], n_local: int
) -> list[torch.Tensor]:
    """All outputs, and the gradient of their sum with weights that differ from atom to atom."""
    species, edge_index, vectors = graph
    vectors = vectors.clone().requires_grad_()
    output = module(species, edge_index, vectors, n_local)
    names = [name for name in ("energy", "charge", *output_names(metadata)) if name in output]
    weights = torch.linspace(-1.0, 1.0, n_local, dtype=vectors.dtype)
    total = sum((1.0 + number) * (weights * output[name]).sum() for number, name in enumerate(names))
    gradient = torch.zeros_like(vectors)
    if total.requires_grad:
        (found,) = torch.autograd.grad(total, vectors, allow_unused=True)
        gradient = gradient if found is None else found
    return [*(output[name].detach() for name in names), gradient]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_a_package_gives_the_numbers_of_its_network(kind: Packaged, sizes: tuple[int, int, int]) -> None:
    """Also for sizes 0 and 1, and where an element is absent."""
    module, metadata = load_model(kind.package)
    graph = example_graph(metadata, *sizes, seed=1)
    expected = both_phases(kind.network, metadata, graph, sizes[0])
    found = both_phases(module, metadata, graph, sizes[0])
    assert len(found) == len(expected)
    for mine, reference in zip(found, expected, strict=True):
        largest = max(1.0, float(reference.abs().max())) if reference.numel() > 0 else 1.0
        torch.testing.assert_close(mine, reference, rtol=0.0, atol=relative(metadata) * largest)
    assert sizes[0] < 7 or float(expected[-1].abs().max()) > 1e-3  # there is something to compare


def test_the_species_may_be_any(packaged: Callable[[str], Packaged]) -> None:
    """One element only, first the one and then the other."""
    package = packaged("local")
    module, metadata = load_model(package.package)
    for element in range(2):
        species, edge_index, vectors = example_graph(metadata, 6, 4, 5, seed=2)
        graph = torch.full_like(species, element), edge_index, vectors
        expected = both_phases(package.network, metadata, graph, 6)
        for mine, reference in zip(both_phases(module, metadata, graph, 6), expected, strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-12, atol=1e-12)


def test_gradients_of_one_forward_pass_may_be_taken_one_after_the_other(
    packaged: Callable[[str], Packaged],
) -> None:
    module, metadata = load_model(packaged("local").package)
    species, edge_index, vectors = example_graph(metadata, 9, 4, 6, seed=3)
    vectors.requires_grad_()
    output = module(species, edge_index, vectors, 9)
    (of_charge,) = torch.autograd.grad(output["charge"].sum(), vectors, retain_graph=True)
    (of_energy,) = torch.autograd.grad(output["energy"].sum(), vectors, retain_graph=True)
    (of_both,) = torch.autograd.grad(output["energy"].sum() + output["charge"].sum(), vectors)
    torch.testing.assert_close(of_charge + of_energy, of_both, rtol=1e-12, atol=1e-13)
    assert of_charge.abs().max() > 1e-4


def test_calculator(packaged: Callable[[str], Packaged]) -> None:
    package = packaged("local")
    grid = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)], dtype=float)
    results = []
    for file in (package.script, package.package):
        atoms = Atoms("NaClClNaClNaNaCl", scaled_positions=0.5 * grid, cell=6.0 * np.eye(3), pbc=True)
        atoms.rattle(0.2, seed=1)
        atoms.calc = LESCalculator(file)
        results.append(
            [atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress(), atoms.get_charges()]
        )
    for script, compiled in zip(*results, strict=True):
        np.testing.assert_allclose(compiled, script, rtol=1e-11, atol=1e-12)


def test_torch_alone_opens_a_package(packaged: Callable[[str], Packaged]) -> None:
    """The file is what torch calls a package, with its own loader, in a process without this package."""
    program = (
        "import sys, torch\n"
        "from torch._inductor.package import load_package\n"
        "for name in ('forward', 'backward'): load_package(sys.argv[1], name)\n"
        "assert 'pair_les' not in sys.modules\n"
    )
    file = packaged("foreign").package
    run = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


# ------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "compiled, message",
    [
        (
            {"torch": "2.12.1"},
            r"compiled for torch 2\.12\.1 but this is torch 2\.13\.0: export it again here",
        ),
        (
            {"machine": "aarch64"},
            r"compiled for machine aarch64 but this is machine \w+: export it again here",
        ),
        ({"padding": 7}, r"compiled for padding 7 but this is padding 1: export it again here"),
        (
            {"instruction_set": "avx1024"},
            r"instruction set avx1024 but this processor runs \w+: export it with",
        ),
    ],
    ids=["torch", "machine", "padding", "instruction set"],
)
def test_a_package_of_another_machine_is_refused(
    packaged: Callable[[str], Packaged], tmp_path: Path, compiled: dict[str, object], message: str
) -> None:
    file = edited(packaged("foreign").package, tmp_path / "other.pt2", **compiled)
    with pytest.raises(ContractError, match=message):
        load_model(file)


def test_instructions_that_this_processor_lacks(
    packaged: Callable[[str], Packaged], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before the first of them is run; what was compiled for fewer runs."""
    file = edited(packaged("foreign").package, tmp_path / "wide.pt2", instruction_set="avx512")
    monkeypatch.setenv(instruction_set.VARIABLE, "baseline")
    with pytest.raises(ContractError, match=r"avx512 but this processor runs baseline: .*'--isa baseline'$"):
        load_model(file)
    load_model(packaged("committee").package)


def test_a_package_stays_on_the_cpu(
    packaged: Callable[[str], Packaged], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.accelerator.current_accelerator", lambda **_: torch.device("cuda"))
    with pytest.raises(ContractError, match="a package is compiled for CPUs, not for cuda"):
        load_model(packaged("foreign").package, "cuda")


def test_nothing_is_left_of_unpacking(
    packaged: Callable[[str], Packaged], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    module, metadata = load_model(packaged("foreign").package)
    assert list(tmp_path.iterdir()) == []
    species, edge_index, vectors = example_graph(metadata, 5, 4, 3, seed=1)
    assert module(species, edge_index, vectors, 5)["energy"].shape == (5,)


# ------------------------------------------------------------------------------------------------- export


def test_metadata_says_what_it_was_compiled_for(packaged: Callable[[str], Packaged]) -> None:
    metadata = read_metadata(packaged("committee").package)
    release = str(torch.__version__).split("+")[0]
    assert metadata.compiled == Compiled(release, platform.machine(), "baseline", 1)
    assert metadata.committee == packages.MEMBERS
    expected = packaged("committee").metadata
    # the dates of the two files may differ by a second
    assert replace(metadata, compiled=None, created_with={}) == replace(expected, created_with={})
    assert metadata.created_with["model"] == expected.created_with["model"]


def test_no_compiler(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", str(tmp_path / "no-such-compiler"))
    with pytest.raises(
        RunError, match=r"needs a C\+\+ compiler and '.*no-such-compiler' is not found: install"
    ):
        export(tiny_run, tmp_path / "model.pt2", file_format="pt2")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_compiler_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own first error, in one line."""
    compiler = tmp_path / "compiler"
    compiler.write_text(
        '#!/bin/sh\ncase "$*" in *--version*) echo "g++ 12.0"; exit 0;; esac\n'
        'echo "x.cpp: In function f" >&2; echo "x.cpp:1:1: fatal error: Python.h: No such file" >&2; exit 1\n'
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    network, metadata, _ = packages.build("foreign")
    with pytest.raises(
        RunError, match=r"cannot compile the forward pass \(1 of 2\): .*fatal error: Python\.h"
    ) as caught:
        save_package(tmp_path / "model.pt2", network, metadata, "baseline", say=lambda line: None)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "model.pt2").exists()


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("m.pt2", {}, r"m\.pt2: a file of --format torchscript must not end with \.pt2: .*--format pt2$"),
        ("m.pt", {"file_format": "pt2"}, r"m\.pt: a file of --format pt2 must end with \.pt2: "),
        ("m.pt", {"instruction_set": "avx2"}, r"--isa avx2: only --format pt2 has an instruction set"),
        ("m.pt", {"file_format": "onnx"}, r"--format onnx: must be torchscript or pt2$"),
        (
            "m.pt2",
            {"file_format": "pt2", "instruction_set": "mmx"},
            r"--isa mmx: must be baseline, avx2, avx512",
        ),
    ],
    ids=["suffix", "no suffix", "isa", "format", "unknown isa"],
)
def test_options_that_do_not_go_together(
    tiny_run: Path, tmp_path: Path, name: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        export(tiny_run, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


class OneByOne(torch.nn.Module):
    """A loop over atoms in Python: their number is part of the graph."""

    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        squares = edge_vectors.square().sum(1)
        return {"energy": torch.stack([squares[edge_index[0] == i].sum() for i in range(n_local)])}


class Branching(torch.nn.Module):
    """Another formula for many edges."""

    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        squares = edge_vectors.square().sum(1)
        if edge_index.size(1) > 500:
            squares = 2.0 * squares
        return {"energy": squares.new_zeros(n_local).index_add(0, edge_index[0], squares)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "network, message",
    [
        (
            OneByOne(),
            r"fixes the number of local atoms \(to \d+ of an example\): write loops over them as tensor",
        ),
        (
            Branching(),
            r"differs by \S+ in 'energy' for 60 atoms with 15 edges each: its code must not branch",
        ),
    ],
    ids=["loop", "branch"],
)
def test_a_network_that_is_not_one_graph_is_refused(
    tmp_path: Path, network: torch.nn.Module, message: str
) -> None:
    with pytest.raises(RunError, match=message) as caught:
        save_package(tmp_path / "m.pt2", network, Metadata(["H"], 4.0), say=lambda line: None)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


class OtherDtype(Branching):
    """Energies in float64 whatever the dtype of the edge vectors."""

    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        return {"energy": edge_vectors.new_zeros(n_local).double()}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (Metadata(["H"], 4.0, dtype="float32"), "'energy' is float64, must be float32"),
        (Metadata(["H"], 4.0, long_range=LongRange(1.0)), r"forward returned no 'charge', only \['energy'\]"),
    ],
    ids=["dtype", "name"],
)
def test_outputs_are_checked_before_anything_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metadata: Metadata, message: str
) -> None:
    monkeypatch.setattr("pair_les.model_file.aot.package.trace", None)  # what comes next
    with pytest.raises(ContractError, match=f"^the network: {message}"):
        save_package(tmp_path / "m.pt2", OtherDtype(), metadata, say=lambda line: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_command_line(packaged: Callable[[str], Packaged], tiny_folder: Path) -> None:
    """Export with progress and comparison, inspect, evaluate: the errors are those of the TorchScript file."""
    files = packaged("committee")
    lines = files.package.with_suffix(".log").read_text().splitlines()
    assert lines[0] == "tracing the network ..."
    assert [line.split(" with ")[0] for line in lines if " with " in line] == [
        "compiling the forward pass (1 of 2)",
        "compiling the backward pass (2 of 2)",
    ]
    assert [line.split()[-1] for line in lines if "limit" in line] == ["ok"] * 3
    assert lines[-1].startswith(f"done: {files.package}")

    shown = subprocess.run([*CLI, "inspect", str(files.package)], capture_output=True, text=True)
    assert "instruction_set baseline" in shown.stdout
    errors = []
    for file in (files.script, files.package):
        command = [*CLI, "evaluate", str(file), str(tiny_folder / "test.xyz"), "--json", "-"]
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        errors.append(json.loads(run.stdout))
    assert errors[0].keys() == errors[1].keys()
    for name in ("energy_rmse", "energy_mae", "forces_rmse", "forces_mae"):
        assert errors[1][name] == pytest.approx(errors[0][name], rel=1e-4), name
