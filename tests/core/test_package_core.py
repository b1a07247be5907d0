# SPDX-License-Identifier: MIT
"""Packages in the C++ core: the same numbers as in Python, chunk by chunk; refused where they cannot run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from packages import Packaged, edited
from pair_les.model_file import load_model
from pair_les.model_file.aot.tracing import example_graph

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")

CHUNKS = (1000, 4, 1)


def evaluated(
    file: Path, graph: tuple[torch.Tensor, ...], n_local: int, chunk_atoms: int
) -> list[np.ndarray]:
    """What the evaluator says of a graph; charges or potential are a ramp over the atoms."""
    species, edge_index, vectors = (tensor.double().numpy() for tensor in graph)
    evaluator = core.Evaluator(str(file), chunk_atoms=chunk_atoms)
    evaluator.forward(species.astype(int), edge_index.astype(int), vectors, n_local)
    results = [evaluator.energy, evaluator.charge, evaluator.electronegativity, evaluator.hardness]
    ramp = np.linspace(-1.0, 1.0, n_local)
    if len(evaluator.charge) > 0:
        evaluator.charge_gradient(ramp)
        results.append(np.array(evaluator.edge_gradient))
    evaluator.backward(ramp if evaluator.metadata.long_range else None)
    return [np.array(result) for result in (*results, evaluator.edge_gradient)]


@pytest.mark.parametrize("sizes", [(23, 11, 9), (1, 1, 1), (3, 0, 0), (0, 2, 0)], ids=str)
@pytest.mark.parametrize("kind", ["local", "committee", "layers", "foreign"])
def test_a_package_is_its_script(
    packaged: Callable[[str], Packaged], kind: str, sizes: tuple[int, int, int]
) -> None:
    """Outputs and gradients of both files of a network; a strictly local one also in parts."""
    files = packaged(kind)
    graph = example_graph(files.metadata, *sizes, seed=2)
    relative = 1e-5 if files.metadata.dtype == "float32" else 1e-12
    expected = evaluated(files.script, graph, sizes[0], CHUNKS[0])
    for chunk_atoms in CHUNKS if kind == "local" else CHUNKS[:1]:
        found = evaluated(files.package, graph, sizes[0], chunk_atoms)
        for mine, reference in zip(found, expected, strict=True):
            atol = relative * max(1.0, np.abs(reference).max(initial=0.0))
            np.testing.assert_allclose(mine, reference, rtol=0.0, atol=atol)


@pytest.mark.parametrize("chunk_atoms", CHUNKS)
def test_on_arrays_of_a_device(packaged: Callable[[str], Packaged], chunk_atoms: int) -> None:
    """The evaluator of pair_style les/kk, on a CPU."""
    files = packaged("local")
    graph = example_graph(files.metadata, 21, 8, 5, seed=3)
    species, edge_index, vectors = (tensor.numpy() for tensor in graph)
    evaluator = core.ArrayEvaluator(str(files.package), chunk_atoms=chunk_atoms)
    evaluator.forward(species, edge_index, vectors, 21)
    found = [evaluator.energy, evaluator.charge, evaluator.backward(np.linspace(-1.0, 1.0, 21))]
    energy, charge, _, _, _, gradient = evaluated(files.script, graph, 21, 1000)
    for mine, reference in zip(found, (energy, charge, gradient), strict=True):
        np.testing.assert_allclose(np.ravel(mine), np.ravel(reference), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize(
    "compiled, message",
    [
        (
            {"torch": "2.12.1"},
            r"was compiled for torch 2\.12\.1 but this is torch 2\.13\.0; export it again here",
        ),
        (
            {"machine": "sparc"},
            r"was compiled for machine sparc but this is machine \w+; export it again here",
        ),
        ({"padding": 2}, r"was compiled for padding 2 but this is padding 1; export it again here"),
        ({"instruction_set": "sse9"}, r"instruction set sse9 but this processor runs \w+; export it with"),
        ({"torch": 2}, r"metadata key 'compiled.torch' is 2 but must be a string"),
    ],
    ids=["torch", "machine", "padding", "instruction set", "type"],
)
def test_a_package_of_another_machine_is_refused(
    packaged: Callable[[str], Packaged], tmp_path: Path, compiled: dict[str, object], message: str
) -> None:
    file = edited(packaged("foreign").package, tmp_path / "other.pt2", **compiled)
    with pytest.raises(RuntimeError, match=message) as caught:
        core.Evaluator(str(file))
    assert "\n" not in str(caught.value)


def test_nothing_is_left_of_unpacking(
    packaged: Callable[[str], Packaged], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    files = packaged("foreign")
    graph = example_graph(files.metadata, 5, 3, 2, seed=1)
    evaluated(files.package, graph, 5, 1000)
    assert list(tmp_path.iterdir()) == []


def test_no_place_to_unpack(
    packaged: Callable[[str], Packaged], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of one line, as for any file that cannot be read."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "file"))
    with pytest.raises(RuntimeError, match="cannot be unpacked and loaded .* set TMPDIR to a folder"):
        core.Evaluator(str(packaged("foreign").package))


def test_torch_loads_what_python_loads(packaged: Callable[[str], Packaged]) -> None:
    """Both readers in one process, one library each."""
    files = packaged("local")
    module, metadata = load_model(files.package)
    graph = example_graph(metadata, 12, 5, 6, seed=4)
    energy = module(*graph, 12)["energy"].numpy()
    np.testing.assert_array_equal(evaluated(files.package, graph, 12, 1000)[0], energy)
