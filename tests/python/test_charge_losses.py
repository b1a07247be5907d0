# SPDX-License-Identifier: MIT
"""Training on what charges imply: total charges, dipoles, Born effective charges; and charge states of a frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ase.io
import numpy as np
import pytest
import tolerances as tol
import torch
from analytic_models import write_model
from pair_les.data.batches import collate
from pair_les.data.fragments import require_total_charge
from pair_les.data.frames import read_frames
from pair_les.data.graphs import build_graphs
from pair_les.data.labeled_graphs import with_charge_labels
from pair_les.errors import ConfigError, DataError
from pair_les.evaluation import evaluate, species_indices
from pair_les.evaluation.model_network import model_network
from pair_les.evaluation.prediction import predict
from pair_les.model_file import load_model
from pair_les.observables import observe
from pair_les.training.charge_losses import charge_loss
from pair_les.training.config import ChargeLossSection
from tiny_frames import LONG_RANGE, tiny_config, tiny_frames

TOTALS = (0.0, 1.0, -2.0, 0.0)
FRAGMENTS = {"fragment": "molecule", "fragment_charge": "molecule_charge"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """model.pt, and frames.xyz with dipoles, Born charges and total charges: periodic, periodic, isolated, periodic."""
    write_model(tmp_path / "model.pt", neutralize=True, cutoff=4.0)
    rng = np.random.default_rng(0)
    frames = tiny_frames(4)
    for atoms, total in zip(frames, TOTALS, strict=True):
        atoms.info["total_charge"] = total
        atoms.info["mu"] = rng.normal(size=3)
        atoms.arrays["bec"] = rng.normal(size=(len(atoms), 9))
        atoms.arrays["molecule"] = np.arange(len(atoms)) % 3 - 1  # the first of three atoms belongs to none
        atoms.arrays["molecule_charge"] = np.where(atoms.arrays["molecule"] == 1, -1.5, 0.0)
    del frames[3].arrays["bec"], frames[1].arrays["molecule"]
    ase.io.write(tmp_path / "frames.xyz", frames, format="extxyz")
    return tmp_path


def loaded(folder: Path, **keys: str):
    """Model, metadata, frames, and a batch with labels."""
    module, metadata = load_model(folder / "model.pt")
    frames = read_frames([folder / "frames.xyz"])
    graphs = build_graphs(frames, metadata.species, metadata.cutoff)
    named = {"total_charge": "total_charge", "dipole": "mu", "bec": "bec", **FRAGMENTS, **keys}
    return module, metadata, frames, collate(with_charge_labels(frames, graphs, **named))


def prediction(folder: Path, scale: torch.Tensor | float = 1.0):
    module, metadata, _, batch = loaded(folder)
    network = model_network(module, metadata, "model")

    def scaled(*arguments):
        energy, charge = network(*arguments)
        return energy, scale * charge

    found = predict(scaled, metadata.long_range, batch, torch.float64, training=True)
    return found, batch


def test_energies_and_forces_of_charge_states(folder):
    """A batch of frames with total charges equals each of them alone with that total charge."""
    module, metadata, frames, batch = loaded(folder)
    network = model_network(module, metadata, "model")
    found = predict(network, metadata.long_range, batch, torch.float64, stress=True)
    start = 0
    for number, (frame, total) in enumerate(zip(frames, TOTALS, strict=True)):
        species = species_indices(frame.symbols, metadata, "model")
        pbc = [frame.periodic] * 3
        alone = evaluate(module, metadata, species, frame.positions, frame.cell, pbc, total_charge=total)
        assert found.energy[number].item() == pytest.approx(alone.energy, abs=tol.CONVERGED_SUM * 100)
        forces = found.forces[start : start + len(frame)].numpy()
        assert np.abs(forces - alone.forces).max() < tol.SYMMETRY
        start += len(frame)
    neutral = predict(network, metadata.long_range, replace(batch, charge_labels=None), torch.float64)
    difference = (found.energy - neutral.energy).abs()
    assert difference[1] > 1e-3 and difference[2] > 1e-3 and difference[0] < tol.SYMMETRY


@pytest.mark.parametrize("eps", [1.0, 1.7])
def test_loss_is_what_the_observables_say(folder, eps):
    module, metadata, frames, batch = loaded(folder)
    seen = [
        observe((module, metadata), atoms, eps=eps, total_charge=total)
        for atoms, total in zip(ase.io.read(folder / "frames.xyz", ":"), TOTALS, strict=True)
    ]
    found, batch = prediction(folder)
    atoms = ase.io.read(folder / "frames.xyz", ":")
    dipole = np.mean((seen[2].dipole - atoms[2].info["mu"]) ** 2)  # of the isolated one
    born = [atoms[n].arrays["bec"].reshape(-1, 3, 3).transpose(0, 2, 1) for n in range(3)]
    error = np.concatenate([seen[n].born - born[n] for n in range(3)])
    totals = [found.charge[batch.frame == n].sum().item() for n in range(4)]
    neutrality = np.mean((np.array(totals) - TOTALS) ** 2)
    excess = [
        found.charge[batch.frame == n].detach().numpy()[atoms[n].arrays["molecule"] == molecule].sum()
        + charge
        for n in (0, 2, 3)
        for molecule, charge in ((0, 0.0), (1, 1.5))
    ]
    fragments = np.mean(np.square(excess))
    for weights, expected in (
        (ChargeLossSection(dipole=2.0, eps=eps), 2.0 * dipole),
        (ChargeLossSection(bec=3.0, eps=eps), 3.0 * np.mean(error**2)),
        (ChargeLossSection(neutrality=0.5), 0.5 * neutrality),
        (ChargeLossSection(fragments=4.0), 4.0 * fragments),
        (ChargeLossSection(neutrality=0.5, bec=1.0, eps=eps), 0.5 * neutrality + np.mean(error**2)),
    ):
        assert charge_loss(found, batch, weights).item() == pytest.approx(expected, rel=1e-9)


def test_charge_that_comes_from_nowhere(folder):
    """The slope of the sum of charges by each coordinate, against differences."""
    module, metadata, _, batch = loaded(folder)
    network = model_network(module, metadata, "model")

    def total(positions: torch.Tensor) -> float:
        moved = replace(batch, positions=positions)
        return predict(network, metadata.long_range, moved, torch.float64).charge.sum().item()

    slopes = torch.zeros_like(batch.positions)
    for atom, axis in np.ndindex(*slopes.shape):
        step = torch.zeros_like(slopes)
        step[atom, axis] = 1e-4
        slopes[atom, axis] = (total(batch.positions + step) - total(batch.positions - step)) / 2e-4
    found, batch = prediction(folder)
    weights = ChargeLossSection(conservation=2.0)
    assert slopes.abs().max() > 0.01
    assert charge_loss(found, batch, weights).item() == pytest.approx(
        2.0 * slopes.square().mean().item(), rel=1e-6
    )


@pytest.mark.parametrize("part", ["neutrality", "fragments", "conservation", "dipole", "bec"])
def test_loss_can_be_differentiated_by_weights(folder, part):
    weights = ChargeLossSection(**{part: 1.0})
    scale = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    found, batch = prediction(folder, scale)
    (slope,) = torch.autograd.grad(charge_loss(found, batch, weights), scale)
    values = [charge_loss(*prediction(folder, 1.3 + step), weights).item() for step in (1e-4, -1e-4)]
    assert slope.item() == pytest.approx((values[0] - values[1]) / 2e-4, rel=1e-6)


def test_fragments_without_charges_are_neutral(folder):
    labels = loaded(folder, fragment_charge="nothing")[3].charge_labels
    assert not labels.fragment_charge.any()
    assert set(labels.fragment.tolist()) == {-1, 0, 1}
    assert (loaded(folder, fragment=None)[3].charge_labels.fragment == -1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("molecule", 0.5),
            r"frame 2 .*: fragment label 'molecule' has 0.5, must be whole numbers: the same one",
        ),
        (
            ("molecule_charge", 2.0),
            r"frame 2 .*: fragment 0 has the charges 0 and 2 e in 'molecule_charge', must be",
        ),
        (
            ("molecule_charge", np.inf),
            r"frame 2 .*: fragment charge 'molecule_charge' has shape \[5\], must be \[5\] finite",
        ),
    ],
)
def test_fragments_that_contradict_themselves(folder, change, message):
    frames = ase.io.read(folder / "frames.xyz", ":")
    name, value = change
    array = frames[2].arrays[name].astype(float)
    array[1] = value
    del frames[2].arrays[name]
    frames[2].new_array(name, array)
    ase.io.write(folder / "frames.xyz", frames, format="extxyz")
    with pytest.raises(DataError, match=message):
        loaded(folder)
    with pytest.raises(
        DataError, match=r"fragment label 'mu' has shape \[3\], must be \[\d+\] finite whole numbers"
    ):
        loaded(folder, fragment="mu")
    with pytest.raises(
        DataError,
        match=r"no frame has a fragment label 'nothing', which training.charge_loss.fragments needs: name",
    ):
        loaded(folder, fragment="nothing")


def test_frames_without_labels_do_not_count(folder):
    _, _, _, batch = loaded(folder)
    assert batch.charge_labels.bec.isfinite().all(dim=2).all(dim=1).tolist() == [True] * 21 + [False] * 8
    assert batch.charge_labels.total_charge.tolist() == list(TOTALS)
    moved = batch.to(torch.device("cpu"))
    assert torch.equal(moved.charge_labels.total_charge, batch.charge_labels.total_charge)
    module, metadata, frames, _ = loaded(folder)
    bare = build_graphs(frames, metadata.species, metadata.cutoff)
    assert collate(bare).charge_labels is None
    assert collate(bare).to(torch.device("cpu")).charge_labels is None


@pytest.mark.slow
def test_training_asks_charges_for_more(tmp_path):
    """The same few epochs with and without: dipoles of the training frames get better, and sums of charges smaller."""
    from pair_les.training.config_file import parse_config
    from pair_les.training.run import train
    from pair_les.training.trained import load_trained

    frames = tiny_frames(24)
    for atoms in frames:
        charges = [0.6 if symbol == "Na" else -0.6 for symbol in atoms.get_chemical_symbols()]
        atoms.info["dipole"] = np.array(charges) @ (atoms.positions - atoms.positions.mean(axis=0))
    ase.io.write(tmp_path / "train.xyz", frames, format="extxyz")
    read = read_frames([tmp_path / "train.xyz"])
    graphs = build_graphs(read, ["Na", "Cl"], 4.0)
    batch = collate(with_charge_labels(read, graphs, "total_charge", dipole="dipole", bec=None))
    found: dict[str, list[float]] = {}
    for name, loss in (("plain", {}), ("asked", {"neutrality": 100.0, "dipole": 100.0})):
        config = tiny_config(tmp_path, charge_loss=loss, initial_charges=None, epochs=40, ema=None)
        config["output"] = str(tmp_path / name)
        train(parse_config(config, "tiny"))
        network = load_trained(tmp_path / name / "checkpoints" / "last.ckpt").network
        seen = predict(network.interaction, LONG_RANGE, batch, torch.float32, training=True)
        parts = ({"dipole": 1.0}, {"neutrality": 1.0})
        found[name] = [float(charge_loss(seen, batch, ChargeLossSection(**part)).detach()) for part in parts]
    print(found)
    assert found["asked"][0] < 0.5 * found["plain"][0], found
    assert found["asked"][1] < 0.1, found


def test_errors(folder, tmp_path):
    from pair_les.training.config_file import parse_config
    from pair_les.training.run import train

    with pytest.raises(
        DataError, match=r"no frame has a dipole label 'nothing', which training.charge_loss.dipole"
    ):
        loaded(folder, dipole="nothing")
    with pytest.raises(DataError, match=r"frame 0 .*: total charge 'mu' is .* must be one number \(e\)"):
        loaded(folder, total_charge="mu")
    config = tiny_config(folder, charge_loss={"neutrality": 1.0})
    config["data"]["train"] = [str(folder / "frames.xyz")]
    config["model"]["long_range"] = None
    with pytest.raises(ConfigError, match=r"training.charge_loss needs charges: give model.long_range"):
        train(parse_config(config, "tiny"))


@pytest.mark.parametrize(("total", "error"), [(1.0, False), (1.005, False), (0.0, True)])
def test_fragments_add_up_to_the_total_charge(total, error):
    """Only where every atom belongs to a fragment."""
    charges = np.array([1.0, 1.0, 0.0])
    names = ("molecule_charge", "total_charge", "a.xyz, frame 0")
    require_total_charge((np.array([0, 0, -1]), charges), 7.0, *names)
    if not error:
        require_total_charge((np.array([0, 0, 1]), charges), total, *names)
        return
    with pytest.raises(
        DataError, match=r"'molecule_charge'\) add up to 1 e.*'total_charge'.*is 0 e: give total_charge=1"
    ):
        require_total_charge((np.array([0, 0, 1]), charges), total, *names)
