# SPDX-License-Identifier: MIT
"""Training: it learns, it can be killed at any moment, several processes do what one does."""

from __future__ import annotations

import json
import math
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import ase.io
import pytest
import torch
from pair_les.errors import ConfigError, DataError, RunError
from pair_les.export import export
from pair_les.model_file import read_metadata
from pair_les.net import LESNet, NetSettings
from pair_les.training.checkpoints import AtomicCheckpointIO
from pair_les.training.config import TrainingSection
from pair_les.training.config_file import parse_config
from pair_les.training.optimizers import new_optimizer, parameter_groups
from pair_les.training.run import train
from pair_les.training.run_folder import RunFolder
from pair_les.training.schedule import Plateau, rate_factor, weights_of_epoch
from python.conftest import tiny_config
from training_runs import DATA_PARALLEL_RELATIVE, history, start


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A folder of its own with the same data."""
    shutil.copy(tiny_folder / "train.xyz", tmp_path)
    return tmp_path


def run(folder: Path, changes: dict[str, Any] | None = None, **training: Any) -> Path:
    """Train in this process."""
    values = tiny_config(folder, **training)
    for section, keys in (changes or {}).items():
        values[section] = {**values[section], **keys} if isinstance(keys, dict) else keys
    return train(parse_config(values, "test"))


def steps_done(run_folder: Path) -> int:
    """Optimizer steps in the last checkpoint."""
    return torch.load(run_folder / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]


# ---------------------------------------------------------------------------------------------- learning


def test_a_run_leaves_everything_it_should(tiny_run: Path) -> None:
    rows = history(tiny_run)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert rows[-1]["steps"] == "27"  # 36 frames in batches of 4
    assert float(rows[-1]["valid_stress_rmse"]) > 0.0
    for name in ("learning_curve.png", "parity.png"):
        assert (tiny_run / name).read_bytes().startswith(b"\x89PNG")
    summary = json.loads((tiny_run / "summary.json").read_text())
    best = min(rows, key=lambda row: float(row["valid_score"]))
    assert summary["best_epoch"] == int(best["epoch"])
    assert summary["validation"]["forces_rmse"] == pytest.approx(float(best["valid_forces_rmse"]), rel=1e-4)
    assert summary["validation"]["energy_rmse"] == pytest.approx(float(best["valid_energy_rmse"]), rel=1e-4)
    split = json.loads((tiny_run / "data.json").read_text())
    train_frames, valid_frames = (next(iter(split[part].values())) for part in ("train", "valid"))
    assert (len(train_frames), len(valid_frames)) == (36, 12)
    assert sorted(train_frames + valid_frames) == list(range(48))


@pytest.mark.slow
def test_it_learns_a_few_frames_by_heart(folder: Path) -> None:
    """Errors of 4 frames against those after the first epoch; what is left is a matter of weights and epochs."""
    ase.io.write(folder / "train.xyz", ase.io.read(folder / "train.xyz", ":4"))
    changes = {
        "data": {"valid": [str(folder / "train.xyz")]},
        "model": {"n_channels": 8, "hidden": [16], "l_max": 2},
    }
    rows = history(run(folder, changes, epochs=80, batch_size=2, ema=0.9, learning_rate=0.005))
    for kind, left in (("energy", 0.1), ("forces", 0.1), ("stress", 0.4)):
        first, last = (float(row[f"valid_{kind}_rmse"]) for row in (rows[0], rows[-1]))
        assert last < left * first, f"{kind}: {first} -> {last}"


@pytest.mark.slow
def test_a_network_with_messages_learns_and_is_exported(folder: Path, tmp_path: Path) -> None:
    messages = {"message_passing_layers": 1, "body_order": 5, "message_channels": 4, "message_l_max": 1}
    done = run(folder, {"model": messages}, weight_decay=0.05, beta2=0.99)
    rows = history(done)
    assert float(rows[-1]["valid_forces_rmse"]) < float(rows[0]["valid_forces_rmse"])
    assert all(check.passed for check in export(done, tmp_path / "model.pt"))
    assert read_metadata(tmp_path / "model.pt").message_passing_layers == 1


def test_weights_decay_and_biases_do_not() -> None:
    network = LESNet(["Na", "Cl"], NetSettings(cutoff=4.0), charge=True)
    decaying, kept = parameter_groups(network, 0.1)
    assert (decaying["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    biases = [parameter for name, parameter in network.named_parameters() if name.endswith("bias")]
    assert [id(p) for p in kept["params"]] == [id(p) for p in biases]
    assert len(decaying["params"]) + len(biases) == len(list(network.parameters()))
    assert len(parameter_groups(network, 0.0)) == 1
    assert len(parameter_groups(network, 0.0, 0.0)) == 1


def test_the_readout_may_decay_by_a_rate_of_its_own() -> None:
    network = LESNet(["Na", "Cl"], NetSettings(cutoff=4.0), charge=True)
    rates = {id(p): g["weight_decay"] for g in parameter_groups(network, 0.1, 0.02) for p in g["params"]}
    for name, parameter in network.named_parameters():
        weight = 0.02 if name.startswith("readout.") else 0.1
        assert rates[id(parameter)] == (0.0 if name.endswith("bias") else weight), name
    assert {"mixing", "readout.last.weight"} <= {name for name, _ in network.named_parameters()}
    decaying, kept = parameter_groups(network, 0.1, 0.0)
    assert any(p is network.readout.last.weight for p in kept["params"])


@pytest.mark.parametrize(("name", "betas"), [("AdamW", (0.9, 0.98)), ("SOAP", (0.95, 0.98))])
def test_the_optimizer_is_the_one_asked_for(name: str, betas: tuple[float, float]) -> None:
    network = LESNet(["Na", "Cl"], NetSettings(cutoff=4.0), charge=True)
    training = TrainingSection(optimizer=name.lower(), learning_rate=3e-3, weight_decay=0.1, beta2=0.98)
    optimizer = new_optimizer(network, training)
    assert type(optimizer).__name__ == name
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.0]
    assert all((group["lr"], group["betas"]) == (3e-3, betas) for group in optimizer.param_groups)


def test_learning_without_long_range_average_and_stress(folder: Path) -> None:
    done = run(
        folder, {"model": {"long_range": None}, "data": {"keys": {"stress": "absent"}}}, ema=None, epochs=2
    )
    rows = history(done)
    assert rows[-1]["valid_stress_rmse"] == ""
    assert float(rows[1]["valid_forces_rmse"]) < float(rows[0]["valid_forces_rmse"])
    state = torch.load(done / "checkpoints" / "best.ckpt", weights_only=True)
    assert "current_model_state" not in state


def test_the_checkpoint_holds_averaged_weights_beside_the_current_ones(tiny_run: Path) -> None:
    state = torch.load(tiny_run / "checkpoints" / "last.ckpt", weights_only=True)
    averaged, current = state["state_dict"], state["current_model_state"]
    assert averaged.keys() == current.keys()
    assert any(not torch.equal(averaged[name], current[name]) for name in averaged)


@pytest.mark.slow
def test_early_stopping_ends_a_run_for_good(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    values = {"epochs": 50, "learning_rate": 1e-30, "schedule": "constant", "ema": None}
    done = run(folder, early_stopping={"patience": 2}, **values)
    n_epochs = len(history(done))
    assert n_epochs < 20
    (done / "summary.json").unlink()  # as if it had been killed while it drew the figures
    run(folder, early_stopping={"patience": 2}, **values)
    assert len(history(done)) == n_epochs
    assert (done / "summary.json").is_file()
    run(folder, early_stopping={"patience": 2}, **values)
    assert "is finished: nothing to do" in capfd.readouterr().err


def test_a_diverging_run_says_so_and_keeps_the_last_good_checkpoint(folder: Path) -> None:
    with pytest.raises(
        RunError, match=r"the loss is not finite any more in epoch 1: use a lower training\.learning"
    ):
        run(folder, learning_rate=1e30, gradient_clip=None)
    assert not list((folder / "run").glob("checkpoints/*"))


# --------------------------------------------------------------------------------------------- schedules


def test_schedules() -> None:
    cosine = TrainingSection(epochs=10, warmup_epochs=1.0)
    factors = [rate_factor(step, 10, cosine, Plateau()) for step in range(101)]
    assert factors[0] == pytest.approx(0.1) and factors[9] == factors[10] == pytest.approx(1.0)
    assert all(later <= earlier for earlier, later in zip(factors[10:], factors[11:], strict=False))
    assert factors[100] == pytest.approx(0.01)

    plateau = Plateau()
    for score, factor in ((2.0, 1.0), (1.0, 1.0), (1.5, 1.0), (1.5, 1.0), (1.5, 0.5), (0.5, 0.5), (1.0, 0.5)):
        plateau.step(score, patience=2)
        assert plateau.factor == factor
    settings = TrainingSection(schedule="plateau", warmup_epochs=0.0)
    assert rate_factor(50, 10, settings, plateau) == 0.5
    assert rate_factor(50, 10, TrainingSection(schedule="constant"), plateau) == 1.0
    for _ in range(100):
        plateau.step(math.inf, patience=2)
    assert plateau.factor == 0.01


def test_the_final_stage_changes_the_weights_but_not_the_score(tiny_folder: Path) -> None:
    from pair_les.training.module import PotentialModule
    from pair_les.training.network import new_network

    config = parse_config(tiny_config(tiny_folder, epochs=8, final_stage={}), "test")
    network = new_network(config.model, ["Na", "Cl"], "float32", {"Na": 0.0, "Cl": 0.0})
    module = PotentialModule(network, config, steps_per_epoch=9, has_stress=True)
    weights = [module.loss_weights(epoch).energy for epoch in range(8)]
    assert weights == [1.0] * 6 + [100.0] * 2
    assert module.score_weights().energy == 100.0


def test_the_final_stage_may_come_gradually() -> None:
    stage = {"start": 0.5, "ramp": True, "loss": {"energy": 16.0, "forces": 0.0, "stress": 100.0}}
    training = TrainingSection(epochs=8, final_stage=stage)
    weights = [weights_of_epoch(epoch, training) for epoch in range(8)]
    assert [w.energy for w in weights] == pytest.approx([1.0] * 4 + [2.0, 4.0, 8.0, 16.0])
    assert [w.forces for w in weights] == pytest.approx([1.0] * 4 + [0.75, 0.5, 0.25, 0.0])


# ------------------------------------------------------------------------------- interruption and resuming


@pytest.mark.slow
def test_killed_and_resumed_is_the_same_as_never_killed(folder: Path, tmp_path: Path) -> None:
    """SIGTERM, then SIGKILL, then the end: the history of an uninterrupted run, digit by digit."""
    training = {"epochs": 5, "batch_size": 2, "checkpoint_seconds": 0.01}
    run_folder = folder / "run"
    last = run_folder / "checkpoints" / "last.ckpt"

    process = start(folder, **training)
    wait_for(lambda: last.is_file() and steps_done(run_folder) > 5, process)
    process.send_signal(signal.SIGTERM)
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM, stderr
    assert "pair-les: interrupted by SIGTERM: the same command resumes" in stderr
    assert "Traceback" not in stderr
    first = steps_done(run_folder)

    process = start(folder, **training)
    wait_for(lambda: steps_done(run_folder) > first + 5, process)
    process.kill()
    process.communicate(timeout=60)
    second = steps_done(run_folder)
    assert first + 5 < second < 90  # 18 steps per epoch: nothing was lost but what the last step was doing

    run(folder, **training)
    resumed = history(run_folder)
    reference = history(run(folder, {"output": str(folder / "whole")}, **training))
    assert resumed == reference
    assert len(resumed) == 5


def wait_for(condition: Any, process: subprocess.Popen[str], seconds: float = 120.0) -> None:
    """Wait while the process runs."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "the process does not get there"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adamw", "soap"])
def test_a_run_that_died_between_epochs_goes_on_with_the_next(folder: Path, optimizer: str) -> None:
    """Optimizer, schedule, average, early stopping and best score come back from the checkpoint."""
    training = {
        "optimizer": optimizer,
        "schedule": "plateau",
        "plateau_patience": 1,
        "epochs": 4,
        "early_stopping": {"patience": 10},
    }
    reference = history(run(folder, {"output": str(folder / "whole")}, **training))
    from pair_les.training.checkpoints import RunCheckpoint

    class Died(Exception):
        pass

    write = RunCheckpoint._write

    def die_after_epoch_2(self: RunCheckpoint, trainer: Any, name: str) -> None:
        write(self, trainer, name)
        if name == "last.ckpt" and trainer.current_epoch == 1:
            raise Died

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunCheckpoint, "_write", die_after_epoch_2)
        with pytest.raises(Died):
            run(folder, **training)
    assert len(history(folder / "run")) == 2
    assert history(run(folder, **training)) == reference


def test_a_half_written_checkpoint_never_replaces_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "last.ckpt"
    writer = AtomicCheckpointIO()
    writer.save_checkpoint({"value": 1}, file)

    def torn(content: Any, stream: Any) -> None:
        stream.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(OSError, match="no space left"):
        writer.save_checkpoint({"value": 2}, file)
    assert torch.load(file, weights_only=True) == {"value": 1}


def test_a_finished_run_is_left_alone(
    tiny_run: Path, tiny_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.stat().st_mtime_ns for file in tiny_run.rglob("*.ckpt")}
    run(tiny_folder)
    assert "is finished: nothing to do" in capfd.readouterr().err
    assert {file: file.stat().st_mtime_ns for file in tiny_run.rglob("*.ckpt")} == before


def test_a_changed_configuration_is_refused_by_key(tiny_run: Path, tiny_folder: Path) -> None:
    with pytest.raises(
        RunError, match=r"holds a run with model\.cutoff = 4\.0, now it is 4\.5.*another output"
    ):
        run(tiny_folder, {"model": {"cutoff": 4.5}})
    with pytest.raises(RunError, match=r"training\.epochs = 3, now it is 4 \(also training\.seed\)"):
        run(tiny_folder, epochs=4, seed=2)


@pytest.mark.slow
def test_changed_data_and_a_second_writer_are_refused(folder: Path) -> None:
    run_folder = run(folder, epochs=1)
    (run_folder / "summary.json").unlink()
    text = (folder / "train.xyz").read_text()
    (folder / "train.xyz").write_text(text.replace(" energy=-", " energy=-1"))
    with pytest.raises(RunError, match=r"data file '.*train\.xyz' has changed since this run began"):
        run(folder, epochs=1)

    holder = RunFolder(folder / "other")
    config = parse_config({**tiny_config(folder), "output": str(folder / "other")}, "test")
    message = r"another pair-les train is writing to it"
    with (
        holder.claimed(config),
        pytest.raises(RunError, match=message),
        RunFolder(holder.path).claimed(config),
    ):
        pass
    (folder / "file").write_text("")
    message = r"output '.*file' is a file: give the name of a folder"
    with pytest.raises(RunError, match=message), RunFolder(folder / "file").claimed(config):
        pass


# --------------------------------------------------------------------------- references, processes


def test_reference_energies_must_fit_the_frames(folder: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"reference_energies has no value for Cl, which occurs in .*frame 0"
    ):
        run(folder, {"data": {"reference_energies": {"Na": 1.0}}})
    with pytest.raises(
        ConfigError, match=r"names O, which does not occur in the training frames \(they have Na Cl\)"
    ):
        run(folder, {"data": {"reference_energies": {"Na": 1.0, "Cl": 1.0, "O": 1.0}}})


def test_validation_elements_must_occur_in_training(folder: Path) -> None:
    text = (folder / "train.xyz").read_text()
    (folder / "valid.xyz").write_text(text.replace("Cl ", "Br "))
    with pytest.raises(DataError, match=r"valid\.xyz, frame 0 .* is Br, which the model does not know"):
        run(folder, {"data": {"valid": [str(folder / "valid.xyz")]}})


@pytest.mark.slow
def test_two_processes_do_what_one_does(tiny_run: Path, folder: Path) -> None:
    """The same batches, shared out: equal to rounding."""
    process = start(folder, processes=2)
    stderr = process.communicate(timeout=300)[1]
    assert process.returncode == 0, stderr
    assert stderr.count("epoch 1/3") == 1
    for two, one in zip(history(folder / "run"), history(tiny_run), strict=True):
        for key in one:
            assert float(two[key]) == pytest.approx(float(one[key]), rel=DATA_PARALLEL_RELATIVE), key


def test_device_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.accelerator.current_accelerator", lambda check_available=False: None)
    message = (
        r"training\.device = cuda, training\.processes = 1: device 'cuda:0': torch .* finds the CPU only"
    )
    with pytest.raises(ConfigError, match=message):
        run(folder, device="cuda")
    monkeypatch.setattr(
        "torch.accelerator.current_accelerator", lambda check_available=False: torch.device("cuda")
    )
    monkeypatch.setattr("torch.accelerator.device_count", lambda: 1)
    with pytest.raises(
        ConfigError, match="device 'cuda:1': torch finds 1 of this kind: use 'cuda:0' or less"
    ):
        run(folder, device="cuda", processes=2)


def test_more_processes_than_validation_frames(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"training\.processes = 4: there are only 1 validation frames"):
        run(folder, {"data": {"valid": 0.01}}, processes=4)
