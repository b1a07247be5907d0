# SPDX-License-Identifier: MIT
"""Uncertainties of one model: their definition, their calibration, and what has none."""

from __future__ import annotations

import json
from pathlib import Path

import ase.io
import numpy as np
import pytest
import tolerances
import torch
from ase.calculators.calculator import PropertyNotImplementedError
from pair_les.api.calculator import LESCalculator
from pair_les.cli.inspect import inspect
from pair_les.data.batches import collate
from pair_les.data.frames import LabelKeys
from pair_les.errors import RunError
from pair_les.evaluation.accuracy import Comparison, compare
from pair_les.evaluation.label_errors import model_graphs
from pair_les.evaluation.model_network import model_network
from pair_les.evaluation.selection import frame_moments, select_frames
from pair_les.evaluation.uncertainty import Deviations, deviations
from pair_les.evaluation.uncertainty_report import uncertainty_report
from pair_les.export import export
from pair_les.model_file import ContractError, Metadata, load_model
from pair_les.model_file.uncertainty import Uncertainty
from pair_les.net import MessagePassingNet, NetSettings
from pair_les.net.edge_vectors import edge_vectors
from pair_les.net.uncertainty import uncertain
from pair_les.training.trained import load_trained
from pair_les.training.training_data import read_split


@pytest.fixture(scope="module")
def model(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("uncertainty") / "model.pt"
    export(tiny_run, file, "float64", uncertainty=["run"])
    return file


def graphs_of(run: Path, model: Path):
    """Graphs of training and validation frames of a run, for a model file."""
    metadata = load_model(model)[1]
    splits = read_split(load_trained(run).config)
    return [model_graphs(frames, metadata, LabelKeys(), model) for frames in splits]


def features_of(module: torch.nn.Module, graphs) -> tuple[np.ndarray, np.ndarray]:
    """Features [N, n] of the last layer, and species [N]."""
    batch = collate(graphs)
    vectors = edge_vectors(batch.positions, batch.edge_index, batch.shifts, torch.float64)
    features = module.last_layer(batch.species, batch.edge_index, vectors, len(batch.species))
    return features.detach().numpy(), batch.species.numpy()


def test_energies_are_linear_in_the_features(tiny_run: Path, model: Path) -> None:
    module, _ = load_model(model)
    batch = collate(graphs_of(tiny_run, model)[1])
    vectors = edge_vectors(batch.positions, batch.edge_index, batch.shifts, torch.float64)
    energy = module(batch.species, batch.edge_index, vectors, len(batch.species))["energy"].detach().numpy()
    features, species = features_of(module, graphs_of(tiny_run, model)[1])
    net = load_trained(tiny_run).network.double()
    weights = torch.cat([net.readout.last.weight[..., 0], net.readout.last.bias[:, :1]], 1).numpy()
    expected = float(net.energy_scale) * (features * weights[species]).sum(1)
    assert np.abs(energy - expected).max() < tolerances.UNCERTAINTY_ALGEBRA


def test_covariance_is_that_of_the_training_atoms(tiny_run: Path, model: Path) -> None:
    """``(factor factor^T)^-1`` is ``(sum f f^T + lambda) / alpha^2``, with one alpha and one lambda for all species."""
    module, metadata = load_model(model)
    features, species = features_of(module, graphs_of(tiny_run, model)[0])
    scales, strengths = [], []
    for s in range(len(metadata.species)):
        factor = module.factor[s].numpy()
        inverse = np.linalg.inv(factor @ factor.T)
        moments = features[species == s].T @ features[species == s]
        other = ~np.eye(len(moments), dtype=bool)
        scales.append(np.median(inverse[other] / moments[other]))
        strengths.append(np.diag(inverse) / scales[-1] - np.diag(moments))
        assert np.allclose(inverse[other], scales[-1] * moments[other], rtol=1e-5, atol=1e-7 * inverse.max())
    assert np.allclose(scales, scales[0], rtol=1e-6)
    assert np.allclose(strengths, np.mean(strengths), rtol=1e-2)


def test_calibrated_on_the_validation_frames(tiny_run: Path, model: Path) -> None:
    """Errors over uncertainties have a mean square of 1: of energies, and of the forces on each species."""
    module, metadata = load_model(model)
    graphs = graphs_of(tiny_run, model)[1]
    found = deviations(module, metadata, graphs, model)
    comparison = compare(model_network(module, metadata, model), metadata.long_range, graphs, torch.float64)
    energies = (comparison.energy - comparison.energy_label) / found.total
    assert np.sqrt(np.mean(energies**2)) == pytest.approx(1.0, rel=1e-6)
    ratio = np.linalg.norm(comparison.forces - comparison.forces_label, axis=1) / found.forces
    species = collate(graphs).species.numpy()
    for s in range(len(metadata.species)):
        assert np.sqrt(np.mean(ratio[species == s] ** 2)) == pytest.approx(1.0, rel=1e-6)
    assert uncertainty_report(comparison, found)["forces_ratio"] == pytest.approx(1.0, rel=1e-6)


def test_uncertainties_of_the_calculator(tiny_folder: Path, model: Path) -> None:
    """By the formulas, in NumPy; only where they are asked for; larger where atoms come close."""
    module, metadata = load_model(model)
    atoms = ase.io.read(tiny_folder / "test.xyz")
    atoms.calc = LESCalculator(model)
    atoms.get_potential_energy()
    assert "forces_uncertainty" not in atoms.calc.results
    forces = atoms.calc.get_property("forces_uncertainty", atoms)
    energies, total = (atoms.calc.results[name] for name in ("energies_uncertainty", "energy_uncertainty"))
    assert "forces" in atoms.calc.results

    graph = model_graphs_of(atoms, metadata, model)
    features, species = features_of(module, [graph])
    factor = module.factor.numpy()
    rows = np.stack([f @ factor[s] for f, s in zip(features, species, strict=True)])
    assert np.allclose(energies, np.linalg.norm(rows, axis=1), rtol=1e-9)
    sums = [rows[species == s].sum(0) for s in range(len(factor))]
    assert total == pytest.approx(np.sqrt(sum(np.sum(part**2) for part in sums)), rel=1e-9)

    batch = collate([graph])
    r = edge_vectors(batch.positions, batch.edge_index, batch.shifts, torch.float64).norm(dim=1).numpy()
    center, neighbor = batch.edge_index.numpy()
    around = energies**2
    np.add.at(around, center, (1 - (r / metadata.cutoff) ** 2) ** 2 * energies[neighbor] ** 2)
    lengths = [metadata.uncertainty.inverse_length[symbol] for symbol in metadata.species]
    assert np.allclose(forces, np.array(lengths)[species] * np.sqrt(around), rtol=1e-9)

    atoms.positions[1] += 0.6 * (atoms.positions[0] - atoms.positions[1])
    assert atoms.calc.get_property("forces_uncertainty", atoms).max() > metadata.uncertainty.training_force


def model_graphs_of(atoms, metadata: Metadata, model: Path):
    """Graph of one frame of ASE."""
    from pair_les.data.frames import read_data

    file = model.parent / "frame.xyz"
    ase.io.write(file, atoms, format="extxyz")
    return model_graphs(
        read_data([file], LabelKeys(), allow_missing=True).frames, metadata, LabelKeys(), model
    )[0]


def test_messages_give_the_same_uncertainties() -> None:
    torch.manual_seed(0)
    settings = NetSettings(cutoff=4.5, n_channels=4, hidden=(8,), message_passing_layers=1)
    net = MessagePassingNet(["Na", "Cl"], settings, charge=True).double()
    net.fused = False
    module = torch.jit.script(uncertain(net, torch.randn(2, 9, 9, dtype=torch.float64)))
    species = torch.tensor([0, 1, 1])
    index = torch.tensor([[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]])
    x = 2.0 * torch.randn(3, 3, dtype=torch.float64)
    vectors = x[index[1]] - x[index[0]]
    sent, kept = module.send(0, species, index, vectors, x[:, :0], [], 3)
    cut = module.finish_uncertainty(species, index, vectors, sent, kept, 3)
    whole = module.uncertainty(species, index, vectors, 3)
    assert torch.allclose(cut, whole, rtol=1e-12) and whole.min() > 0


def test_report_of_known_numbers() -> None:
    """Errors equal to their uncertainties: a rank correlation of 1 and the diagonal."""
    sigma = np.arange(1.0, 101.0) / 1000.0
    forces = np.zeros((100, 3))
    forces[:, 1] = sigma
    one = np.ones(1)
    comparison = Comparison(
        n_atoms=np.array([100]),
        energy_label=0.0 * one,
        energy=2.0 * one,
        forces_label=np.zeros((100, 3)),
        forces=forces,
        stress_label=np.zeros((0, 3, 3)),
        stress=np.zeros((0, 3, 3)),
    )
    report = uncertainty_report(comparison, Deviations(total=one, atomic=sigma, forces=sigma))
    assert report["correlation"] == pytest.approx(1.0) and report["forces_ratio"] == pytest.approx(1.0)
    assert report["energy_ratio"] == pytest.approx(2.0)
    assert report["top_tenth"] == pytest.approx(95.5 / 50.5)
    assert all(row["error"] == pytest.approx(row["uncertainty"]) for row in report["curve"])


def test_command_line_reports_the_calibration(tiny_folder: Path, model: Path, tmp_path: Path) -> None:
    from pair_les.cli.evaluate import evaluate

    evaluate(
        model,
        [tiny_folder / "test.xyz"],
        json_file=tmp_path / "errors.json",
        uncertainty_plot=tmp_path / "curve.png",
    )
    found = json.loads((tmp_path / "errors.json").read_text())["uncertainty"]
    assert len(found["curve"]) == 10 and found["forces_ratio"] > 0
    assert (tmp_path / "curve.png").stat().st_size > 1000
    assert "from 36 training and 12 calibration frames" in inspect(model)


def test_a_run_starts_from_a_model_with_uncertainties(tiny_run: Path, model: Path) -> None:
    from pair_les.training.start_model import read_start_model

    trained = load_trained(tiny_run)
    start = read_start_model(str(model), trained.config)
    for name, value in trained.network.state_dict().items():
        if name != "reference_energies":
            assert torch.allclose(start.network.state_dict()[name].to(value), value), name


def test_selection_is_the_greedy_optimum(tiny_folder: Path, model: Path) -> None:
    """Each choice has the largest gain by the definition, with the covariance updated by the frames that were chosen before."""
    module, metadata = load_model(model)
    frames = ase.io.read(tiny_folder / "train.xyz", ":12")
    frames.append(frames[0].copy())  # a copy is of no use once the frame is chosen
    chosen = select_frames(module, metadata, frames, 4)
    covariance = (module.factor @ module.factor.mT).numpy() / metadata.uncertainty.scale**2
    moments = [frame_moments(module, metadata, atoms, "frame").numpy() for atoms in frames]
    left = set(range(len(frames)))
    for index, gain in chosen:
        gains = {
            k: sum(
                np.linalg.slogdet(np.eye(len(c)) + c @ m)[1]
                for c, m in zip(covariance, moments[k], strict=True)
            )
            / len(frames[k])
            for k in left
        }
        assert gains[index] == pytest.approx(max(gains.values()), rel=1e-9)
        assert gain == pytest.approx(gains[index], rel=1e-9)
        left.discard(index)
        covariance = np.linalg.inv(np.linalg.inv(covariance) + moments[index])


def test_select_command(tiny_folder: Path, model: Path, tmp_path: Path, capsys) -> None:
    from pair_les.cli.select import select

    select([Path(f"{tiny_folder}/train.xyz@:9")], model, 3, tmp_path / "chosen.xyz")
    lines = capsys.readouterr().out.splitlines()
    chosen = ase.io.read(tmp_path / "chosen.xyz", ":")
    frames = ase.io.read(tiny_folder / "train.xyz", ":9")
    for line, atoms in zip(lines, chosen, strict=False):
        number = int(line.split("frame ")[1].split(":")[0])
        assert np.allclose(atoms.positions, frames[number].positions, atol=1e-7)
        assert atoms.get_potential_energy() == pytest.approx(frames[number].get_potential_energy())
    assert lines[-1] == f"done: 3 of 9 frames in {tmp_path / 'chosen.xyz'}"
    with pytest.raises(RunError, match="-n 10: must be from 1 to the number of frames, which is 9"):
        select([Path(f"{tiny_folder}/train.xyz@:9")], model, 10, tmp_path / "chosen.xyz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"file_format": "pt2"},
            "--uncertainty: a compiled package has no uncertainties: use --format torchscript",
        ),
        ({"uncertainty": ["empty.xyz"]}, "does not exist"),
        ({"calibration": ["one.xyz"]}, "--calibration one.xyz: 1 frames have energies"),
    ],
)
def test_refused(tiny_run: Path, tiny_folder: Path, tmp_path: Path, monkeypatch, options, message) -> None:
    monkeypatch.chdir(tmp_path)
    ase.io.write("one.xyz", ase.io.read(tiny_folder / "test.xyz"), format="extxyz")
    output = tmp_path / ("model.pt2" if "file_format" in options else "model.pt")
    with pytest.raises(Exception, match=message) as caught:
        export(tiny_run, output, **{"uncertainty": ["run"], **options})
    assert "\n" not in str(caught.value) and not output.exists()


def test_a_committee_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="--uncertainty is of one network, and these are several"):
        export([tiny_run, tiny_run], tmp_path / "model.pt", uncertainty=["run"])


def test_a_model_without_uncertainties(tiny_run: Path, tiny_folder: Path, tmp_path: Path) -> None:
    export(tiny_run, tmp_path / "model.pt")
    module, metadata = load_model(tmp_path / "model.pt")
    with pytest.raises(RunError, match="has no uncertainties: type 'pair-les export RUN"):
        deviations(module, metadata, graphs_of(tiny_run, tmp_path / "model.pt")[1], "model.pt")
    atoms = ase.io.read(tiny_folder / "test.xyz")
    atoms.calc = LESCalculator(tmp_path / "model.pt")
    with pytest.raises(PropertyNotImplementedError):
        atoms.calc.get_property("forces_uncertainty", atoms)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inverse_length": {"Na": 1.0}}, "uncertainty.inverse_length"),
        ({"scale": 0.0}, "uncertainty.scale"),
        ({"training_force": "large"}, "uncertainty.training_force"),
        ({"training_frames": 0}, "uncertainty.training_frames"),
    ],
)
def test_broken_metadata_is_refused(change: dict, message: str) -> None:
    good = Metadata(("Na", "Cl"), 4.0, uncertainty=Uncertainty(0.1, {"Na": 1.0, "Cl": 2.0}, 0.5, 10, 2))
    assert Metadata.from_json(good.to_json(), "m.pt") == good
    values = json.loads(good.to_json())
    values["uncertainty"].update(change)
    with pytest.raises(ContractError, match=message):
        Metadata.from_json(json.dumps(values), "m.pt")
