# SPDX-License-Identifier: MIT
"""The command line: results on stdout, one line per error on stderr, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pair_les
import pytest
import yaml
from analytic_models import write_model
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from pair_les.cli.app import main
from python.conftest import tiny_config


def pair_les_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command run in this process."""
    monkeypatch.setattr(sys, "argv", ["pair-les", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    output = capsys.readouterr()
    return int(ended.value.code or 0), output.out, output.err


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """`pair-les` with arguments."""
    return lambda *arguments: pair_les_command(capsys, monkeypatch, *arguments)


def test_version_and_help(command) -> None:
    assert command("--version") == (0, f"pair-les {pair_les.__version__}\n", "")
    code, out, _ = command("--help")
    assert code == 0
    for name in ("train", "export", "inspect", "evaluate", "doctor"):
        assert name in out
        code, text, _ = command(name, "--help")
        assert code == 0 and f"Example: pair-les {name}" in " ".join(text.replace("│", " ").split())


def test_help_does_not_import_torch() -> None:
    """It answers at once."""
    code = "import sys, pair_les.cli.app; sys.exit('torch' in sys.modules or 'lightning' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_arguments_prints_the_help(command) -> None:
    code, out, err = command()
    assert code == 2 and "Usage" in out + err and "error" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], r"No such command 'trian'"),
        (["train"], r"Missing argument 'CONFIG.yaml'"),
        (["train", "none.yaml"], r"none.yaml: configuration file does not exist"),
        (["export", "none", "-o", "m.pt"], r"none: checkpoint does not exist"),
        (["export", "none"], r"Missing option '--output'"),
        (["export", "none", "-o", "m.pt", "--precision", "half"], r"'half' is not one of"),
        (["inspect", "none.pt"], r"none.pt"),
        (["evaluate", "none.pt", "a.xyz"], r"none.pt"),
        (
            ["evaluate", "none.pt", "a.xyz", "--keys", "force=forces"],
            r"--keys force=forces: must be LABEL=NAME",
        ),
        (["evaluate", "none.pt", "a.xyz", "--json", "no/such.json"], r"folder 'no' does not exist"),
    ],
)
def test_errors_are_one_line_on_stderr(
    command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("pair-les: error: ") and err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["evaluate", "{model}", "{frames}", "--eps", "0.5"], {}, "eps is 0.5: must be >= 1"),
        (["evaluate", "{model}", "{frames}"], {"PAIR_LES_FUSED": "abc"}, "PAIR_LES_FUSED = abc: must be 0"),
        (["analyze", "{binary}", "-o", "analysis"], {}, "model.bin: not a text dump: write it with 'dump ID"),
    ],
)
def test_bad_values_are_one_line_too(
    command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environment: dict[str, str],
    message: str,
) -> None:
    write_model(tmp_path / "model.pt")
    (tmp_path / "model.bin").write_bytes(bytes(range(256)) * 16)
    frame = Atoms("NaCl", [[0, 0, 0], [0, 0, 2.8]])
    frame.calc = SinglePointCalculator(frame, energy=0.0, forces=np.zeros((2, 3)))
    frame.info["dipole"] = np.zeros(3)
    frame.write(tmp_path / "frames.xyz", format="extxyz")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    files = {"{model}": "model.pt", "{frames}": "frames.xyz", "{binary}": "model.bin"}
    code, _, err = command(*[files.get(argument, argument) for argument in arguments])
    assert code == 2
    assert err.startswith("pair-les: error: ") and err.count("\n") == 1 and message in err, err


def test_debug_shows_where_an_error_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    from pair_les.errors import ConfigError

    monkeypatch.setenv("PAIR_LES_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["pair-les", "train", "none.yaml"])
    with pytest.raises(ConfigError):
        main()


def test_train_export_inspect_evaluate(command, tiny_folder: Path, tiny_run: Path, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(tiny_config(tiny_folder)))
    code, _, err = command("train", file)
    assert code == 0 and "is finished: nothing to do" in err
    code, _, err = command("train", file, "--set", "model.cutof=3")
    assert code == 2 and "unknown key 'model.cutof': did you mean 'model.cutoff'?" in err

    model = tmp_path / "model.pt"
    code, out, _ = command("export", tiny_run, "-o", model, "--precision", "float64", "--description", "tiny")
    assert code == 0
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == ["energy", "charge", "forces", "done:"]
    code, out, _ = command("inspect", model)
    assert code == 0 and "Na Cl" in out and "tiny" in out

    target, plot = tmp_path / "errors.json", tmp_path / "parity.png"
    data = tiny_folder / "test.xyz"
    code, out, _ = command(
        "evaluate", model, data, "--keys", "stress=absent", "--json", target, "--plot", plot
    )
    assert code == 0 and "forces_rmse" in out and "meV/A" in out
    errors = json.loads(target.read_text())
    names = [
        "n_frames",
        "energy_rmse",
        "energy_mae",
        "forces_rmse",
        "forces_mae",
        "by_element",
        "worst_frames",
    ]
    assert list(errors) == names
    assert plot.read_bytes().startswith(b"\x89PNG")
    code, out, _ = command("evaluate", model, data, data, "--json", "-")
    assert code == 0 and json.loads(out)["n_frames"] == 12 and "stress_rmse" in json.loads(out)


@pytest.mark.slow
def test_the_installed_command_reports_errors_without_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pair_les.cli.app", "evaluate", "none.pt", "a.xyz"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PAIR_LES_DEBUG": "", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 2
    assert done.stderr.startswith("pair-les: error: ") and "Traceback" not in done.stderr


@pytest.mark.parametrize("option", [("--born-order", "polarisation"), ("--born-order=polarisation",)])
def test_former_spelling_of_a_value_is_taken(command, option: tuple[str, ...]) -> None:
    """The choices are those of the option, and then the file is looked for."""
    code, _, err = command("evaluate", "none.pt", "none.xyz", *option)
    assert code == 2 and "none.pt: model file does not exist" in err
    code, _, err = command("evaluate", "none.pt", "none.xyz", "--born-order=neither")
    assert code == 2 and "polarization" in err
