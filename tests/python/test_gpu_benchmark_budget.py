# SPDX-License-Identifier: MIT
"""The frame of the GPU benchmark: what fails or takes too long ends one part and no other."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu"
MODULES = ("run", "counting", "drift", "inputs", "lammps_output", "memory", "parity", "session", "speed")


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARK))
    import run
    import session

    yield run, session
    for name in MODULES:
        sys.modules.pop(name, None)


def fake_lammps(folder: Path, body: str) -> str:
    path = folder / "lmp"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def make_session(benchmark, tmp_path):
    def make(body: str):
        (tmp_path / "kit").mkdir()
        return benchmark[1].Session(
            fake_lammps(tmp_path, body), [], ["mpirun"], tmp_path / "kit", tmp_path / "work"
        )

    return make


def run_parts(run, session, tmp_path, *functions):
    results = run.Results(tmp_path / "out.json", {})
    for number, function in enumerate(functions):
        run.run_part(run.Part(str(number), 2.0, function), session, results, time.monotonic() + 60.0)
    return json.loads((tmp_path / "out.json").read_text())["parts"]


def test_a_part_that_fails_keeps_what_it_had(benchmark, make_session, tmp_path):
    def failing(session):
        yield "first", {"value": 1}
        raise ValueError("no such file")

    def working(session):
        yield "only", {"value": 2}

    parts = run_parts(benchmark[0], make_session("exit 0"), tmp_path, failing, working)
    assert parts["0"]["status"] == "failed: ValueError: no such file"
    assert parts["0"]["results"] == {"first": {"value": 1}}
    assert parts["1"]["status"] == "complete"


def test_a_run_that_hangs_is_killed_at_the_end_of_its_part(benchmark, make_session, tmp_path):
    def hanging(session):
        session.run("")
        yield "never", {}

    start = time.monotonic()
    parts = run_parts(benchmark[0], make_session("sleep 60"), tmp_path, hanging)
    assert parts["0"]["status"].startswith("out of time: a run was killed after ")
    assert time.monotonic() - start < 20.0


@pytest.mark.parametrize(
    "said, error", [("ERROR: No model file (pair.cpp:1)", "RunFailed"), ("CUDA out of memory", "OutOfMemory")]
)
def test_an_error_of_lammps_is_one_line(benchmark, make_session, tmp_path, said, error):
    session = make_session(f"echo first; echo '{said}'; exit 1")
    session.deadline = time.monotonic() + 10.0
    with pytest.raises(benchmark[1].RunFailed) as caught:
        session.run("")
    assert type(caught.value).__name__ == error
    assert str(caught.value) == f"LAMMPS ended with status 1: {said}"
