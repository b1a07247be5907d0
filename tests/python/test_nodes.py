# SPDX-License-Identifier: MIT
"""Training on several nodes: the numbers of one process, and no node that waits in vain."""

from __future__ import annotations

import os
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from pair_les.errors import ConfigError, RunError
from pair_les.training.config_file import parse_config
from pair_les.training.nodes import Nodes, Turn
from pair_les.training.run import train
from tiny_frames import tiny_config
from training_runs import DATA_PARALLEL_RELATIVE, history, start

VARIABLES = ("NODE_RANK", "MASTER_ADDR", "MASTER_PORT")


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with the same data, in an environment that is no Slurm job; variables that a test sets are restored."""
    shutil.copy(tiny_folder / "train.xyz", tmp_path)
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both nodes are this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MASTER_PORT", str(free.getsockname()[1]))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")


@pytest.mark.slow
def test_two_nodes_do_what_one_process_does(
    tiny_run: Path, folder: Path, address: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is started once on each, the second first."""
    nodes = []
    for rank in ("1", "0"):
        monkeypatch.setenv("NODE_RANK", rank)
        nodes.append(start(folder, nodes=2))
    second, first = (node.communicate(timeout=300)[1] for node in nodes)
    assert [node.returncode for node in nodes] == [0, 0], (first, second)
    assert first.count("epoch 1/3") == 1 and "epoch" not in second
    for two, one in zip(history(folder / "run"), history(tiny_run), strict=True):
        for key in one:
            assert float(two[key]) == pytest.approx(float(one[key]), rel=DATA_PARALLEL_RELATIVE), key


def two_nodes(monkeypatch: pytest.MonkeyPatch) -> tuple[Nodes, Nodes]:
    found = []
    for rank in ("0", "1"):
        monkeypatch.setenv("NODE_RANK", rank)
        found.append(Nodes(2))
    return found[0], found[1]


@pytest.mark.parametrize("turn", ["train", "finished"])
def test_the_first_node_tells_the_other(address: None, monkeypatch: pytest.MonkeyPatch, turn: Turn) -> None:
    first, second = two_nodes(monkeypatch)
    with ThreadPoolExecutor(1) as pool, first.leading():
        heard = pool.submit(second.wait)
        first.announce(turn)
        assert heard.result(timeout=60) == turn


def test_an_error_of_the_first_node_ends_the_other(address: None, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two_nodes(monkeypatch)
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(second.wait)
        with pytest.raises(RunError, match="is a file"), first.leading():
            raise RunError("output 'run' is a file: give the name of a folder in output")
        with pytest.raises(RunError, match="output 'run' is a file"):
            heard.result(timeout=60)


def test_a_first_node_that_is_gone(address: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pair_les.training.nodes.PATIENCE", timedelta(seconds=1))
    with pytest.raises(RunError, match=r"the first node \(127\.0\.0\.1, port \d+\) does not answer"):
        two_nodes(monkeypatch)[1].wait()


@pytest.mark.parametrize(
    "variables, message",
    [
        ({}, r"training\.nodes = 2: this is not a Slurm job step, and NODE_RANK"),
        (
            {"SLURM_NODEID": "0", "SLURM_NNODES": "3", "SLURM_NTASKS": "3"},
            "the Slurm job step has 3 nodes: ask for as many with srun --nodes=2",
        ),
        (
            {"SLURM_NODEID": "0", "SLURM_NNODES": "2", "SLURM_NTASKS": "8"},
            "the Slurm job step has 8 tasks: use srun --ntasks-per-node=1",
        ),
        (
            {"NODE_RANK": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"},
            "NODE_RANK is 2: number the nodes from 0 to 1",
        ),
    ],
    ids=["nothing", "other nodes", "many tasks", "rank"],
)
def test_nodes_that_contradict_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=message):
        train(parse_config(tiny_config(folder, nodes=2), "test"))


def test_a_slurm_job_step_tells_its_nodes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = {"NODEID": "1", "NNODES": "2", "NTASKS": "2", "NODELIST": "gpu[07-08]", "JOB_ID": "123456"}
    for name, value in step.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert Nodes(2).rank == 1
    assert (os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]) == ("gpu07", "18456")
