# SPDX-License-Identifier: MIT
"""Export writes what was trained, or nothing; evaluation measures what the ASE calculator computes."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
import torch
from pair_les.api.calculator import LESCalculator
from pair_les.cli.inspect import inspect
from pair_les.data import LabelKeys
from pair_les.data.batches import collate
from pair_les.data.graphs import build_graphs
from pair_les.errors import DataError, RunError
from pair_les.evaluation.accuracy import Comparison
from pair_les.evaluation.figures import parity
from pair_les.evaluation.label_errors import evaluate
from pair_les.evaluation.prediction import predict
from pair_les.export import export
from pair_les.export.committee_charges import align_signs, measure_spread
from pair_les.installation import fused_operators as fused
from pair_les.model_file import ContractError, Metadata, load_model, read_metadata, save_model
from pair_les.training.trained import load_trained
from tiny_frames import tiny_frames

FLOAT32_EVALUATION_RELATIVE = 1e-4
"""Two float32 evaluations of one network (batched, one by one); errors of hundreds of meV are compared."""


@pytest.fixture(scope="module")
def model(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("export") / "model.pt"
    export(tiny_run, file)
    return file


# ------------------------------------------------------------------------------------------------- export


def test_export_writes_the_contract_and_reports_small_differences(tiny_run: Path, tmp_path: Path) -> None:
    checks = export(tiny_run, tmp_path / "model.pt", description="tiny")
    assert [check.quantity for check in checks] == ["energy", "charge", "forces"]
    assert all(check.passed and check.difference < check.limit for check in checks)
    metadata = read_metadata(tmp_path / "model.pt")
    assert (metadata.species, metadata.cutoff, metadata.dtype) == (("Na", "Cl"), 4.0, "float32")
    assert metadata.long_range.sigma == 1.0
    assert metadata.description == "tiny"
    assert metadata.created_with["torch"] == torch.__version__
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.pt"]


@pytest.mark.slow
def test_anybody_with_torch_reads_the_file(model: Path) -> None:
    """The archive itself has no operator of this package; the fused form beside it gives the same numbers."""
    program = (
        "import sys, torch\n"
        "module = torch.jit.load(sys.argv[1])\n"
        "edges = torch.tensor([[0, 1], [1, 0]]), torch.tensor([[2.5, 0.1, 0.0], [-2.5, -0.1, 0.0]])\n"
        "out = module(torch.tensor([0, 1]), *edges, 2)\n"
        "assert 'pair_les' not in sys.modules\n"
        "print(*out['energy'].tolist(), *out['charge'].tolist())\n"
    )
    run = subprocess.run([sys.executable, "-c", program, str(model)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert fused.load(), "the core library is not installed"
    module, _ = load_model(model)
    assert "pair_les::" in str(module.inlined_graph), "not the fused form"
    edges = torch.tensor([[0, 1], [1, 0]]), torch.tensor([[2.5, 0.1, 0.0], [-2.5, -0.1, 0.0]])
    out = module(torch.tensor([0, 1]), *edges, 2)
    expected = [*out["energy"].tolist(), *out["charge"].tolist()]
    assert [float(x) for x in run.stdout.split()] == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.slow
def test_a_committee_is_the_mean_of_its_networks(tiny_run: Path, tmp_path: Path) -> None:
    last = tiny_run / "checkpoints" / "last.ckpt"
    export([tiny_run, last], tmp_path / "both.pt", precision="float64")
    export(tiny_run, tmp_path / "best.pt", precision="float64")
    export(last, tmp_path / "last.pt", precision="float64")
    assert read_metadata(tmp_path / "both.pt").committee == 2
    assert re.search(r"^committee +2 networks$", inspect(tmp_path / "both.pt"), re.MULTILINE)
    edges = torch.tensor([[0, 1], [1, 0]]), torch.tensor([[2.5, 0.1, 0.0], [-2.5, -0.1, 0.0]]).double()
    both, best, last = (
        load_model(tmp_path / f"{name}.pt")[0](torch.tensor([0, 1]), *edges, 2)
        for name in ("both", "best", "last")
    )
    for key in ("energy", "charge"):
        torch.testing.assert_close(both[f"member_{key}"], torch.stack([best[key], last[key]]))
        torch.testing.assert_close(both[key], 0.5 * (best[key] + last[key]))


def test_the_networks_of_a_committee_get_one_sign(tiny_run: Path, tmp_path: Path, monkeypatch) -> None:
    """Charges of the other sign are as good to each network, and would cancel in the mean."""
    one, other = load_trained(tiny_run), load_trained(tiny_run)
    other.network.restore_charge_output([-weights for weights in other.network.charge_output()])
    models = iter([one, other])
    monkeypatch.setattr("pair_les.export.model_export.load_trained", lambda path: next(models))
    lines: list[str] = []
    export([tiny_run, tiny_run], tmp_path / "both.pt", precision="float64", say=lines.append)
    edges = torch.tensor([[0, 1], [1, 0]]), torch.tensor([[2.5, 0.1, 0.0], [-2.5, -0.1, 0.0]]).double()
    both = load_model(tmp_path / "both.pt")[0](torch.tensor([0, 1]), *edges, 2)
    assert both["charge"].abs().min() > 0.1
    torch.testing.assert_close(both["member_charge"][0], both["member_charge"][1], rtol=0, atol=1e-6)
    assert re.match(r"committee: forces of the mean network differ by \S+ meV/A rms from the mean", lines[0])


def test_a_committee_without_common_charges_is_warned_of(tiny_run: Path, tmp_path: Path, monkeypatch) -> None:
    """Forces of half the charges are a quarter as long-ranged, those of their mean nine sixteenths, not five eighths."""
    one, other = load_trained(tiny_run), load_trained(tiny_run)
    other.network.restore_charge_output([-0.5 * weights for weights in other.network.charge_output()])
    models = [one, other]
    align_signs(models)
    batch = collate(build_graphs(one.samples, one.species, one.config.model.cutoff)[:1])
    long_range = [
        predict(m.network.interaction, m.long_range, batch, m.dtype).forces
        - predict(m.network.interaction, None, batch, m.dtype).forces
        for m in models
    ]
    torch.testing.assert_close(long_range[1], 0.25 * long_range[0], rtol=0, atol=1e-4)

    def mean(*arguments):
        outputs = [model.network.interaction(*arguments) for model in models]
        return tuple(sum(parts) / 2 for parts in zip(*outputs, strict=True))

    found = measure_spread([model.network.interaction for model in models], mean, one)
    assert found.of_mean == pytest.approx(found.spread / 6.0, rel=1e-2)  # 1/16 of the long range; +-3/8
    assert found.charges_agree and "WARNING" not in str(found)
    text = str(dataclasses.replace(found, of_mean=2.0 * found.spread))
    assert "WARNING: the networks' charges differ too much to be one set: train them with the same" in text


def test_networks_that_do_not_go_together_are_refused(tiny_run: Path, tmp_path: Path, monkeypatch) -> None:
    one, other = load_trained(tiny_run), dataclasses.replace(load_trained(tiny_run), species=["Na", "F"])
    models = iter([one, other])
    monkeypatch.setattr("pair_les.export.model_export.load_trained", lambda path: next(models))
    with pytest.raises(
        RunError, match=r"species is \['Na', 'F'\], that of .* is \['Na', 'Cl'\]: a committee"
    ):
        export([tiny_run, tiny_run], tmp_path / "model.pt")


def test_a_checkpoint_file_and_the_other_precision(tiny_run: Path, tmp_path: Path) -> None:
    export(tiny_run / "checkpoints" / "last.ckpt", tmp_path / "model.pt", precision="float64")
    module, metadata = load_model(tmp_path / "model.pt")
    assert metadata.dtype == "float64"
    nothing = torch.zeros(0, dtype=torch.int64)
    output = module(torch.tensor([0, 1]), torch.stack([nothing, nothing]), torch.zeros(0, 3).double(), 2)
    assert output["energy"].dtype == torch.float64


def test_samples_have_every_element_and_both_boundaries(tiny_run: Path) -> None:
    samples = load_trained(tiny_run).samples
    assert {symbol for sample in samples for symbol in sample.symbols} == {"Na", "Cl"}
    assert {sample.periodic for sample in samples} == {True, False}


def test_a_model_that_differs_is_not_written(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong weight in the written file: the error names the quantity, the old file stays."""
    old = tmp_path / "model.pt"
    old.write_text("old")
    script = torch.jit.script

    def spoiled(network: torch.nn.Module) -> torch.jit.ScriptModule:
        network.readout.last.bias.data[:, 1] += 0.01
        return script(network)

    monkeypatch.setattr(torch.jit, "script", spoiled)
    with pytest.raises(RunError, match=r"model\.pt: not written: the exported model differs .* TOO LARGE"):
        export(tiny_run, old)
    assert old.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["model.pt"]


def test_a_network_that_torch_cannot_script(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unexpected(self, *graph, **options):
        yield self

    monkeypatch.setattr("pair_les.net.LESNet.forward", unexpected)
    with pytest.raises(
        RunError, match="^LESNet: torch cannot script this network: .*use --format pt2$"
    ) as caught:
        export(tiny_run, tmp_path / "model.pt")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_bad_checkpoints_are_errors_of_one_line(tiny_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"none: checkpoint does not exist"):
        export(tmp_path / "none", tmp_path / "model.pt")
    with pytest.raises(RunError, match=r"the folder has no checkpoints/best\.ckpt"):
        export(tmp_path, tmp_path / "model.pt")
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    with pytest.raises(RunError, match=r"text\.ckpt: not a checkpoint, or a damaged one"):
        export(tmp_path / "text.ckpt", tmp_path / "model.pt")
    content = (tiny_run / "checkpoints" / "best.ckpt").read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match=r"cut\.ckpt: not a checkpoint, or a damaged one"):
        export(tmp_path / "cut.ckpt", tmp_path / "model.pt")
    state = torch.load(tiny_run / "checkpoints" / "best.ckpt", weights_only=True)
    key = next(name for name in state["state_dict"] if name.endswith("readout.last.weight"))
    for name, change in {
        "weights": lambda s: s["state_dict"].update({key: torch.zeros(1)}),
        "species": lambda s: s["pair_les"].pop("species"),
        "content": lambda s: s.update(pair_les=3),
    }.items():
        changed = copy.deepcopy(state)
        change(changed)
        torch.save(changed, tmp_path / f"{name}.ckpt")
        with pytest.raises(
            RunError, match=rf"{name}\.ckpt: the checkpoint does not fit this version"
        ) as caught:
            export(tmp_path / f"{name}.ckpt", tmp_path / "model.pt")
        assert "\n" not in str(caught.value)
    torch.save({"something": 1}, tmp_path / "other.ckpt")
    with pytest.raises(RunError, match=r"other\.ckpt: not a checkpoint of pair_les"):
        export(tmp_path / "other.ckpt", tmp_path / "model.pt")
    assert not (tmp_path / "model.pt").exists()


# ---------------------------------------------------------------------------------------------- evaluation


def test_evaluation_measures_what_the_calculator_computes(model: Path, tiny_folder: Path) -> None:
    errors = evaluate(model, [tiny_folder / "test.xyz"]).errors()
    energies, forces, stresses = [], [], []
    calculator = LESCalculator(model)
    for atoms in ase.io.read(tiny_folder / "test.xyz", ":"):
        bare = atoms.copy()
        bare.calc = calculator
        energies.append(1000 * (bare.get_potential_energy() - atoms.get_potential_energy()) / len(atoms))
        forces.append(1000 * (bare.get_forces() - atoms.get_forces()).ravel())
        if atoms.pbc.all():
            stresses.append(1000 * (bare.get_stress(voigt=False) - atoms.get_stress(voigt=False)).ravel())
    expected = {
        "n_frames": 6,
        "energy_rmse": np.sqrt(np.mean(np.square(energies))),
        "energy_mae": np.mean(np.abs(energies)),
        "forces_rmse": np.sqrt(np.mean(np.square(np.concatenate(forces)))),
        "forces_mae": np.mean(np.abs(np.concatenate(forces))),
        "stress_rmse": np.sqrt(np.mean(np.square(np.concatenate(stresses)))),
    }
    assert list(errors) == list(expected)
    assert errors == pytest.approx(expected, rel=FLOAT32_EVALUATION_RELATIVE)
    json.dumps(errors)


def test_evaluation_of_a_model_without_charges_and_of_frames_without_stress(tmp_path: Path) -> None:
    class Constant(torch.nn.Module):
        def forward(
            self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
        ) -> dict[str, torch.Tensor]:
            return {"energy": torch.full([n_local], -2.0, dtype=edge_vectors.dtype)}

    save_model(tmp_path / "model.pt", torch.jit.script(Constant()), Metadata(("Na", "Cl"), 3.0))
    frames = tiny_frames(2)
    for atoms in frames:
        atoms.calc.results = {"energy": -2.5 * len(atoms), "forces": np.full((len(atoms), 3), 0.1)}
    ase.io.write(tmp_path / "a.xyz", frames, format="extxyz")
    errors = evaluate(tmp_path / "model.pt", [tmp_path / "a.xyz"]).errors()
    assert errors == pytest.approx(
        {"n_frames": 2, "energy_rmse": 500.0, "energy_mae": 500.0, "forces_rmse": 100.0, "forces_mae": 100.0}
    )


def test_errors_of_evaluation(model: Path, tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no forces label 'force' .*--keys forces=NAME"):
        evaluate(model, [tiny_folder / "test.xyz"], LabelKeys(forces="force"))
    text = (tiny_folder / "test.xyz").read_text()
    (tmp_path / "a.xyz").write_text(text.replace("Na ", "Kr "))
    with pytest.raises(
        DataError, match=r"a\.xyz, frame 0 .*Kr, which the model does not know \(it knows Na Cl\)"
    ):
        evaluate(model, [tmp_path / "a.xyz"])

    class Broken(torch.nn.Module):
        def forward(
            self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
        ) -> dict[str, torch.Tensor]:
            if n_local > 0:
                raise ValueError("weights are missing")
            return {"energy": edge_vectors[:, 0]}

    save_model(tmp_path / "model.pt", torch.jit.script(Broken()), Metadata(("Na", "Cl"), 3.0))
    with pytest.raises(
        ContractError, match=r"model\.pt: forward failed for \d+ atoms: .*weights are missing"
    ):
        evaluate(tmp_path / "model.pt", [tiny_folder / "test.xyz"])


def test_parity_plot_of_few_and_many_points(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    n_atoms = np.array([10_000, 2])
    labels = random.normal(size=(10_002, 3))
    comparison = Comparison(
        n_atoms, n_atoms * 1.0, n_atoms * 1.0, labels, labels + 0.1, np.zeros((0, 3, 3)), np.zeros((0, 3, 3))
    )
    parity(comparison, tmp_path / "parity.png", "title")
    assert (tmp_path / "parity.png").read_bytes().startswith(b"\x89PNG")
    assert comparison.errors()["forces_rmse"] == pytest.approx(100.0)
