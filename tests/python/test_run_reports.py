# SPDX-License-Identifier: MIT
"""What a run says and leaves: lines at the start, time that is left, log file, page, loggers, and learning curves."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pair_les.api.learning_curve import learning_curve, table_lines
from pair_les.cli.label_options import parse_fractions
from pair_les.data import build_graphs, read_data
from pair_les.data.files.sources import FrameList
from pair_les.data.split import choose_fraction
from pair_les.errors import ConfigError, OutputError, UserError
from pair_les.training import loggers, terminal
from pair_les.training.config_file import parse_config
from pair_les.training.html_report import summary_page
from pair_les.training.run_folder import RunFolder
from pair_les.training.run_log import RunLog
from pair_les.training.start_report import describe_labels, describe_model, duration
from tiny_frames import tiny_config, tiny_frames, write_tiny


def test_the_log_has_what_the_terminal_had(tiny_run: Path) -> None:
    lines = (tiny_run / "train.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d \S", line) for line in lines)
    said = [line.split(" ", 1)[1] for line in lines]
    assert said[0].startswith("training: 36 frames")
    assert any(line.startswith("done: ") for line in said)  # other tests have this finished run trained again
    (labels,) = [line for line in said if line.startswith("labels: ")]
    assert re.search(
        r"elements Na \(\d+\) Cl \(\d+\), energy -\d\.\d+ to -\d\.\d+ eV/atom, force comp", labels
    )
    (model,) = [line for line in said if line.startswith("model: ")]
    assert re.fullmatch(
        r"model: \d+ parameters, \d+\.\d neighbors per atom within 4 A on average, \d+ at most", model
    )
    epochs = [line for line in said if line.startswith("epoch ")]
    assert len(epochs) == 3 and epochs[0].endswith(" left") and not epochs[2].endswith(" left")


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="train.log: cannot be written: No such file"):
        RunLog(tmp_path / "none" / "train.log")("a line")


def test_the_page_is_one_file(tiny_run: Path) -> None:
    page = (tiny_run / "summary.html").read_text()
    assert page.count("data:image/png;base64,") == 2 and len(page) < 1e6
    assert not re.search(r"(src|href)='(?!data:)", page) and "http" not in page
    assert "<td>forces_rmse</td>" in page and "<th>element</th>" in page and "Worst frames" in page
    assert "learning_rate: 0.01" in page and "<li>model: " in page


def test_the_page_escapes_text(tmp_path: Path) -> None:
    summary = {
        "epochs": 1, "best_epoch": 1, "parameters": 2, "seconds": 3.0, "problems": ["a < b"], "warnings": [],
        "validation": {"forces_rmse": 12.5, "by_config_type": {"<x>": {"n_frames": 3}}},
    }  # fmt: skip
    page = summary_page(RunFolder(tmp_path / "none"), summary, ["<b>"])
    assert "Not usable: a &lt; b." in page and "&lt;x&gt;" in page and "<li>&lt;b&gt;</li>" in page
    assert "12.5</td><td>meV/Å" in page and "<img" not in page


def test_lines_at_the_start() -> None:
    frames = read_data([FrameList(atoms=tiny_frames(3))]).frames
    line = describe_labels(frames)
    largest = max(np.linalg.norm(frame.forces, axis=1).max() for frame in frames)
    assert "elements Na (10) Cl (11)" in line and f"largest force {largest:.3g} eV/A" in line
    graphs = build_graphs(frames, ["Na", "Cl"], 4.0)
    network = torch.nn.Linear(3, 2)
    network.bias.requires_grad_(False)
    assert describe_model(network, graphs, 4.0).startswith("model: 8 parameters (6 trained), ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.234, "1.2 s"), (45.4, "45 s"), (700.0, "12 min"), (12000.0, "3.3 h"), (2e5, "2.3 days")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_long_epoch_is_estimated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    clock = iter(np.arange(0.0, 1000.0, 2.0))
    monkeypatch.setattr(terminal.time, "monotonic", lambda: float(next(clock)))
    trainer = SimpleNamespace(is_global_zero=True, num_training_batches=100, max_epochs=30, current_epoch=0)
    callback = terminal.Terminal(SimpleNamespace(rows=[]), said.append)
    for batch in range(20):
        callback.on_train_batch_end(trainer, None, None, None, batch)
    assert said == ["estimated time: 3.3 min per epoch, 1.7 h for 30 epochs"]


# ------------------------------------------------------------------------------------------------ loggers


@pytest.mark.parametrize(("name", "kind"), [("tensorboard", "TensorBoardLogger"), ("wandb", "WandbLogger")])
def test_a_logger_whose_package_is_missing(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(**options: object) -> None:
        raise ModuleNotFoundError(f"No module named '{name}'")

    monkeypatch.setattr(loggers, kind, missing)
    config = parse_config(tiny_config(tmp_path, logger=name), "test")
    with pytest.raises(ConfigError, match=f"training.logger = {name}: .*'pip install {name}', or use csv"):
        loggers.new_logger(config, RunFolder(tmp_path))
    assert loggers.new_logger(parse_config(tiny_config(tmp_path), "test"), RunFolder(tmp_path)) is None


# ----------------------------------------------------------------------------------------- learning curves


def test_fractions_are_parts_of_each_other() -> None:
    frames = read_data([FrameList(atoms=tiny_frames(10))]).frames
    chosen = [{f.index for f in choose_fraction(frames, fraction, 3)} for fraction in (0.01, 0.3, 0.7, 1.0)]
    assert [len(part) for part in chosen] == [1, 3, 7, 10]
    assert all(smaller < larger for smaller, larger in zip(chosen[:-1], chosen[1:], strict=True))


@pytest.mark.slow
def test_learning_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of their own with the same validation frames; what is finished is not repeated."""
    for name in ("learning_curve", "parity"):  # their figures are drawn in other tests
        monkeypatch.setattr(f"pair_les.training.report.{name}", lambda *args: None)
    write_tiny(tmp_path / "train.xyz", 12)
    config = parse_config(tiny_config(tmp_path, epochs=1), "test")
    (first,) = learning_curve(config, [0.5])
    history = Path(first["output"], "history.csv")
    before = history.stat().st_mtime_ns
    rows = learning_curve(config, [1.0, 0.5])
    assert rows[0] == first and history.stat().st_mtime_ns == before
    assert [(row["fraction"], row["n_frames"]) for row in rows] == [(0.5, 4), (1.0, 9)]
    folder = tmp_path / "run" / "learning_curve"
    assert (folder / "errors.png").read_bytes().startswith(b"\x89PNG")
    with open(folder / "errors.csv", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [float(row["forces_rmse"]) for row in table] == [row["forces_rmse"] for row in rows]
    lines = table_lines(rows)
    assert lines[0].startswith("fraction 0.5          4 frames  energy_rmse ") and len(lines) == 2
    valid = {(folder / part / "data.json").read_text().split('"valid"')[1] for part in ("0.5", "1")}
    assert len(valid) == 1


def test_learning_curves_that_cannot_be(tmp_path: Path) -> None:
    config = parse_config(tiny_config(tmp_path), "test")
    for fractions, message in (([], "no fraction"), ([0.5, 1.5], "1.5: must be"), ([1, 1], "given twice")):
        with pytest.raises(ConfigError, match=message):
            learning_curve(config, fractions)
    values = tiny_config(tmp_path, processes=2)
    with pytest.raises(ConfigError, match="processes = 2: a learning curve runs with 1"):
        learning_curve(parse_config(values, "test"), [1.0])
    values["data"]["train_fraction"] = 0.5
    with pytest.raises(ConfigError, match="train_fraction = 0.5: a learning curve sets it"):
        learning_curve(parse_config(values, "test"), [1.0])
    with pytest.raises(UserError, match="--learning-curve 0.1;1: must be numbers between commas"):
        parse_fractions("0.1;1")
