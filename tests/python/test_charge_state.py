# SPDX-License-Identifier: MIT
"""A network that is conditioned on the charge state: what the state does, one model file per state, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ase.io
import numpy as np
import pytest
import tolerances as tol
import torch
from ase.calculators.singlepoint import SinglePointCalculator
from pair_les.api.calculator import LESCalculator
from pair_les.cli.inspect import inspect
from pair_les.data.batches import Batch, collate
from pair_les.data.frames import read_frames
from pair_les.data.graphs import build_graphs
from pair_les.data.labeled_graphs import with_charge_labels
from pair_les.errors import ConfigError, DataError, RunError
from pair_les.evaluation.label_errors import evaluate
from pair_les.evaluation.prediction import predict
from pair_les.export import export
from pair_les.lammps.check import check
from pair_les.model_file import read_metadata
from pair_les.model_file.charge_state import choose_charge_state, resolve_total_charge
from pair_les.model_file.metadata import ContractError, LongRange, Metadata
from pair_les.net import ContractNet, NetSettings, network_class
from pair_les.observables import observe
from pair_les.training.config_file import parse_config
from pair_les.training.run import train
from pair_les.training.trained import load_trained
from tiny_frames import tiny_config, tiny_frames

NEUTRALIZE = LongRange(sigma=1.0, neutralize=True)
STATE_EXPORTED = "was exported for 0.125 e per atom, 1 e for 8 atoms"


def network(layers: int = 0, charge_state: bool = True, random_state: bool = True) -> ContractNet:
    """A network of Na and Cl in float64 with random weights."""
    torch.manual_seed(3)
    settings = NetSettings(
        4.0, n_channels=4, hidden=(8, 8), message_passing_layers=layers, charge_state=charge_state
    )
    net = network_class(settings)(["Na", "Cl"], settings, charge=True).double()
    with torch.no_grad():
        net.readout.last.weight.normal_(0.0, 0.3)
        if charge_state and random_state:
            net.readout.state.hidden.normal_()
            net.readout.state.output.normal_()
            net.state_unit.fill_(0.125)
    return net


def batch_of(path: Path, frames: list, totals: list[float]) -> Batch:
    """The frames with these total charges, e, in one batch."""
    for atoms, total in zip(frames, totals, strict=True):
        atoms.info["total_charge"] = total
        if atoms.calc is None:
            atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=0.0 * atoms.positions)
    ase.io.write(path / "frames.xyz", frames, format="extxyz")
    read = read_frames([path / "frames.xyz"])
    graphs = build_graphs(read, ["Na", "Cl"], 4.0)
    return collate(with_charge_labels(read, graphs, "total_charge", dipole=None, bec=None))


def predict_charged(net: ContractNet, batch: Batch, long_range: LongRange | None = NEUTRALIZE):
    return predict(net.interaction, long_range, batch, torch.float64, condition_on_charge=True)


@pytest.mark.parametrize("layers", [0, 1])
def test_zero_weights_are_the_blind_network(tmp_path, layers):
    aware, blind = network(layers, random_state=False), network(layers, charge_state=False)
    missing, unexpected = aware.load_state_dict(blind.state_dict(), strict=False)
    assert {name.split(".")[-1] for name in missing} == {"hidden", "output", "state_unit"} and not unexpected
    batch = batch_of(tmp_path, tiny_frames(3), [0.0, 1.0, -1.0])
    found, expected = (
        predict_charged(aware, batch),
        predict(blind.interaction, NEUTRALIZE, batch, torch.float64),
    )
    assert torch.equal(found.energy, expected.energy) and torch.equal(found.forces, expected.forces)


@pytest.mark.parametrize("layers", [0, 1])
def test_a_batch_of_states_is_each_state_alone(tmp_path, layers):
    """`at_charge_state` puts the state into the biases: the same energies, forces and charges, frame by frame."""
    net, totals = network(layers), [0.0, 1.0, -1.0]
    together = predict_charged(net, batch_of(tmp_path, tiny_frames(3), totals))
    start = 0
    for number, total in enumerate(totals):
        frame = tiny_frames(3)[number]
        alone = net.at_charge_state(total / len(frame))
        assert not alone.settings.charge_state and alone.readout.state is None
        batch = batch_of(tmp_path, [frame], [total])
        found = predict(alone.interaction, NEUTRALIZE, batch, torch.float64)
        atoms = slice(start, start + len(frame))
        assert found.energy[0].item() == pytest.approx(together.energy[number].item(), abs=tol.CONVERGED_SUM)
        assert (found.forces - together.forces[atoms]).abs().max() < tol.SYMMETRY
        assert (found.charge - together.charge[atoms]).abs().max() < tol.CONVERGED_SUM
        start += len(frame)
    blind = predict_charged(net, batch_of(tmp_path, tiny_frames(3), [0.0, 0.0, 0.0]))
    changed = (together.energy - blind.energy).abs()
    assert changed[0] < tol.CONVERGED_SUM and changed[1] > 1e-2 and changed[2] > 1e-2


@pytest.mark.parametrize("layers", [0, 1])
def test_what_the_outputs_are_shifted_by(tmp_path, layers):
    """Without a share in the hidden layer: Q / (N unit) times a number for each element, and no force of it."""
    net = network(layers)
    with torch.no_grad():
        net.readout.state.hidden.zero_()
        net.readout.state.output.copy_(torch.tensor([[0.3, 0.0], [-0.1, 0.0]], dtype=torch.float64))
    frame = tiny_frames(3)[2]  # Na2Cl3
    zero, one = (predict_charged(net, batch_of(tmp_path, [frame], [q]), None) for q in (0.0, 1.0))
    expected = (1.0 / 5) / 0.125 * (2 * 0.3 - 3 * 0.1) * float(net.energy_scale)
    assert (one.energy - zero.energy).item() == pytest.approx(expected, abs=tol.CONVERGED_SUM)
    assert (one.forces - zero.forces).abs().max() < tol.SYMMETRY


def test_copies_of_a_charged_cell_add_up(tmp_path):
    """Extensive: eight cells with eight times the charge have eight times the energy, long range included."""
    net = network()
    one = tiny_frames(1)[0]
    found = predict_charged(net, batch_of(tmp_path, [one, one.repeat(2)], [1.0, 8.0]))
    assert found.energy[1].item() == pytest.approx(8.0 * found.energy[0].item(), abs=100 * tol.CONVERGED_SUM)
    alike = predict_charged(net, batch_of(tmp_path, [one, one.repeat(2)], [1.0, 1.0]))
    assert abs(alike.energy[1].item() - 8.0 * alike.energy[0].item()) > 1e-2


# ------------------------------------------------------------------------------------------------- training


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """frames.xyz: those of Q = 1 e have 0.5 eV per atom more than neutral ones, for no reason that positions tell."""
    path = tmp_path_factory.mktemp("states")
    frames = tiny_frames(36)
    for number, atoms in enumerate(frames):
        total = float(number % 2)
        results = dict(atoms.calc.results)
        results["energy"] += 0.5 * total * len(atoms)
        atoms.calc.results = results
        atoms.info["total_charge"] = total
    ase.io.write(path / "train.xyz", [a for a in frames if len(a) == 8], format="extxyz")
    for total in (0, 1):
        chosen = [a for a in frames if a.info["total_charge"] == total and len(a) == 8]
        ase.io.write(path / f"state{total}.xyz", chosen, format="extxyz")
    return path


def config(folder: Path, name: str, **model):
    values = tiny_config(folder, epochs=12, batch_size=2, learning_rate=0.05, loss={"energy": 10.0})
    values["model"] |= {"charge_state": True, "long_range": {"neutralize": True}, **model}
    return parse_config({**values, "output": str(folder / name)}, "tiny")


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    return train(config(folder, "run"))


@pytest.fixture(scope="module")
def cation(run: Path, folder: Path) -> Path:
    assert all(check.passed for check in export(run, folder / "cation.pt", "float64", charge=1.0))
    return folder / "cation.pt"


@pytest.mark.slow
def test_one_run_gives_a_model_for_each_state(run, folder, cation):
    export(run, folder / "neutral.pt", "float64", charge=0.0)
    errors = {
        (file, total): evaluate(folder / f"{file}.pt", [folder / f"state{total}.xyz"]).errors()
        for file, total in (("neutral", 0), ("cation", 1))
    }
    assert all(found["energy_rmse"] < 200.0 for found in errors.values()), errors  # of 500 meV per atom
    assert load_trained(run).charge_states == ((0.0, 8), (1.0, 8))
    metadata = read_metadata(cation)
    assert metadata.charge_per_atom == 0.125 and metadata.long_range.neutralize
    assert "charge state        0.125 e per atom" in inspect(cation)


def test_calculator_and_observables_know_the_state(cation, folder):
    atoms = ase.io.read(folder / "state1.xyz", 0)
    assert observe(cation, atoms, born=False).charges.sum() == pytest.approx(1.0, abs=tol.CONVERGED_SUM)
    plain, given = LESCalculator(cation), LESCalculator(cation, total_charge=1.0)
    for calculator in (plain, given):
        calculator.calculate(atoms)
    assert plain.results["energy"] == given.results["energy"]
    assert abs(plain.results["latent_potential"].mean()) < tol.SYMMETRY  # phi is projected with the charges
    with pytest.raises(
        ContractError, match=f"total charge 0 e is not that of the model file, which {STATE_EXPORTED}"
    ):
        LESCalculator(cation, total_charge=0.0).calculate(atoms)
    with pytest.raises(
        DataError, match=r"state0.xyz, frame 0 .* total charge 0 e is not that of the model file"
    ):
        evaluate(cation, [folder / "state0.xyz"])


def test_check_of_a_dump_knows_the_state(cation, folder, tmp_path):
    atoms = ase.io.read(folder / "state1.xyz", 0)
    charges = observe(cation, atoms, born=False).charges
    rows = [f"{i + 1} {s} {x:.14f} {y:.14f} {z:.14f} {q:.14f}" for i, (s, (x, y, z), q) in enumerate(
        zip(atoms.get_chemical_symbols(), atoms.positions, charges, strict=True))]  # fmt: skip
    atoms.wrap()
    cell = atoms.cell.array
    bounds = "\n".join(" ".join(f"{x:.14f}" for x in row) + " 0.0" for row in cell)
    (tmp_path / "dump").write_text(
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n8\nITEM: BOX BOUNDS abc origin pp pp pp\n"
        + bounds
        + "\nITEM: ATOMS id element x y z q\n"
        + "\n".join(rows)
        + "\n"
    )
    (found,) = check(cation, tmp_path / "dump")
    assert found.charge < 1e-7


@pytest.mark.slow
@pytest.mark.parametrize(
    ("charge", "atoms", "message"),
    [
        (None, None, r"add --charge Q \(the training frames have 0 1 e\)"),
        (2.0, None, r"--charge 2: no frame of the training data have this total charge"),
        (2.0, 8, r"--charge 2 with 8 atoms is 0.25 e per atom, beyond the training frames \(0 to 0.125 e\)"),
        (1.0, 0, "--atoms 0: must be the number of atoms that carry the charge"),
    ],
)
def test_states_that_are_not_written(run, tmp_path, charge, atoms, message):
    with pytest.raises(RunError, match=message):
        export(run, tmp_path / "model.pt", charge=charge, n_atoms=atoms)
    assert not list(tmp_path.iterdir())


def test_sizes_of_a_charge():
    states = [(0.0, 12), (1.0, 13), (1.0, 15)]
    with pytest.raises(RunError, match="frames of 2 sizes of the training data .* add --atoms N"):
        choose_charge_state(states, 1.0, None, "run")
    assert choose_charge_state(states, 1.0, 14, "run") == 1.0 / 14
    assert choose_charge_state(states, 0.0, None, "run") == 0.0
    assert choose_charge_state([*states[:2]], 1.0, None, "run") == 1.0 / 13


@pytest.mark.slow
def test_blind_networks_take_no_state(tiny_run, tmp_path):
    with pytest.raises(
        RunError, match="--charge 1: this network is not conditioned on the charge state: leave it out"
    ):
        export(tiny_run, tmp_path / "model.pt", charge=1.0)


def test_a_state_without_projection_leaves_the_sum_alone():
    free = Metadata(("H",), 4.0, long_range=LongRange(1.0), charge_per_atom=0.5)
    assert resolve_total_charge(free, 4, None, "model") is None
    assert resolve_total_charge(free, 4, 2.0, "model") == 2.0
    assert resolve_total_charge(Metadata(("H",), 4.0), 4, 7.0, "model") == 7.0
    with pytest.raises(ContractError, match="metadata key 'charge_per_atom' is 'x'"):
        Metadata(("H",), 4.0, charge_per_atom="x")


def test_a_shifted_sum_is_version_2_of_the_contract():
    """A reader of version 1 would shift the charges to zero."""
    shifted = Metadata(("H",), 4.0, long_range=LongRange(1.0, neutralize=True), charge_per_atom=0.5)
    assert '"format_version": 2' in shifted.to_json() and '"charge_model": "latent"' in shifted.to_json()
    assert Metadata.from_json(shifted.to_json(), "m.pt") is not None
    neutral = replace(shifted, charge_per_atom=0.0)
    assert neutral.format_version == 1 and "charge_model" not in neutral.to_json()
    with pytest.raises(ContractError, match="must be 2 where neutralize shifts to charge_per_atom"):
        Metadata.from_json(shifted.to_json().replace('"format_version": 2', '"format_version": 1'), "m.pt")


def test_configurations_without_a_state_to_learn(folder, tmp_path):
    values = config(folder, "refused").model_dump()
    values["data"]["keys"]["total_charge"] = "charge"
    with pytest.raises(ConfigError, match=r"all training frames have 0 e per atom \(label 'charge'\)"):
        train(parse_config(values, "tiny"))
    far = ase.io.read(folder / "state1.xyz", 0)
    far.info["total_charge"] = -3.0
    ase.io.write(tmp_path / "far.xyz", far, format="extxyz")
    values = config(folder, "refused").model_dump()
    values["data"]["valid"] = str(tmp_path / "far.xyz")
    with pytest.raises(
        ConfigError, match="far.xyz, frame 0 .* -0.375 e per atom is beyond the training frames"
    ):
        train(parse_config(values, "tiny"))


@pytest.mark.slow
def test_short_range_networks_are_told_too(folder):
    finished = train(config(folder, "short", long_range=None))
    export(finished, folder / "short.pt", charge=1.0)
    assert read_metadata(folder / "short.pt").charge_per_atom == 0.125
    found = evaluate(folder / "short.pt", [folder / "state1.xyz"]).errors()
    assert np.isfinite(found["forces_rmse"]) and found["energy_rmse"] < 200.0
