# SPDX-License-Identifier: MIT
"""What cannot be converted ends in one line and status 1, before anything of a pickle runs."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from analytic_models import write_model
from pair_les.convert.__main__ import main
from pair_les.convert.options import repeat_option
from pair_les.convert.pickles import global_names, load_trusted, require_names
from pair_les.convert.species import choose_species
from pair_les.errors import ConversionError, RunError


class Thing(torch.nn.Module):
    """A class of nobody's package."""


class Runs:
    """Unpickled, it makes a file: what a malicious model could do."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (exec, (f"open({str(self.mark)!r}, 'w').close()",))


def mace_like(path: Path) -> Path:
    """A file whose pickle names a class of MACE, without MACE."""
    content = b"\x80\x02cmace.modules.models\nScaleShiftMACE\nq\x00."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3")
    return path


def nequip_package(path: Path) -> Path:
    """A file with the entries of one of ``nequip-package``, without NequIP."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("package/model/package_metadata.txt", "package_version_id: 2")
        archive.writestr("package/nequip/nn/atomwise.py", "raise SystemExit")
    return path


def nequip_checkpoint(path: Path) -> Path:
    """Numbers and a configuration, as of ``nequip-train``, and the name of a class of nobody's package."""
    model = {"_target_": "nequip.model.NequIPGNNModel"}
    torch.save({"hyper_parameters": {"info_dict": {"model": model}}, "state": Thing()}, path)
    return path


@pytest.fixture
def refused(capsys) -> Callable[[list[str]], str]:
    """``refused(arguments)``: the one line that the command ends with; its status must be 1."""

    def run(arguments: list[str]) -> str:
        assert main(arguments) == 1
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("pair-les: error: "), lines
        return lines[0]

    return run


def test_both_commands_end_with_one_line_and_status_1(tmp_path, refused):
    arguments = [str(tmp_path / "none.model"), "-o", str(tmp_path / "x.pt")]
    assert "none.model: does not exist" in refused(arguments)
    command = [str(Path(sys.executable).parent / "pair-les"), "convert", *arguments]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (
        1,
        f"pair-les: error: {arguments[0]}: does not exist: give a model file\n",
    )


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("whole model", "--trust-pickle"),
        ("another class", "it refers to test_convert_errors"),
        ("weights", "names no class"),
        ("mace checkpoint", "give the .model file"),
        ("plain pickle", "names no class"),
        ("text", "not a model file"),
        ("truncated", "truncated or damaged"),
        ("empty", "not a model file"),
        ("torchscript", "TorchScript"),
        ("model file", "nothing to convert"),
        ("nequip package", "nequip/nn/atomwise.py and 0 other names.*--trust-pickle"),
        ("nequip checkpoint", "nequip.model.NequIPGNNModel and [0-9]+ other names.*--trust-pickle"),
        ("folder", "is a folder"),
    ],
)
def test_source_that_is_no_model(kind, says, tmp_path):
    from pair_les.convert.conversion import convert

    path = tmp_path / "source.model"
    if kind == "whole model":
        mace_like(path)
    elif kind == "another class":
        torch.save(Thing(), path)
    elif kind == "weights":
        torch.save({"model": {"a.weight": torch.zeros(3)}}, path)
    elif kind == "mace checkpoint":
        torch.save({"model": {"interactions.0.linear_up.weight": torch.zeros(3)}}, path)
    elif kind == "plain pickle":
        path.write_bytes(pickle.dumps({"a": 1}))
    elif kind == "text":
        path.write_text("H 1.0\n")
    elif kind == "truncated":
        torch.save({"a": torch.zeros(1000)}, path)
        path.write_bytes(path.read_bytes()[:500])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "torchscript":
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), str(path))
    elif kind == "model file":
        write_model(path, "pair")
    elif kind == "nequip package":
        nequip_package(path)
    elif kind == "nequip checkpoint":
        nequip_checkpoint(path)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(ConversionError, match=says) as error:
        convert(path, tmp_path / "x.pt")
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    assert not (tmp_path / "x.pt").exists()


@pytest.mark.parametrize(
    "name, options, says",
    [
        ("x.pt", {"file_format": "pt2"}, "must end with .pt2: rename it, or use --format torchscript"),
        ("x.pt2", {}, "must not end with .pt2: rename it, or use --format pt2"),
        ("x.pt", {"instruction_set": "avx2"}, "--isa avx2: only --format pt2 has an instruction set"),
        ("x.pt2", {"file_format": "onnx"}, "--format onnx: must be torchscript or pt2"),
    ],
)
def test_format_and_name_of_the_file_go_together(tmp_path, name, options, says):
    """Before the source is read."""
    from pair_les.convert.conversion import convert

    with pytest.raises(RunError) as error:
        convert(tmp_path / "absent.model", tmp_path / name, **options)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_names_are_read_without_running_anything(tmp_path):
    mark = tmp_path / "ran"
    torch.save({"a": Runs(mark)}, tmp_path / "bad.model")
    assert {"builtins.exec", "__builtin__.exec"} & global_names(tmp_path / "bad.model")
    assert not mark.exists()


def test_trusted_pickle_uses_names_of_its_package_only(tmp_path):
    mark = tmp_path / "ran"
    torch.save({"a": Runs(mark)}, tmp_path / "bad.model")
    with pytest.raises(ConversionError, match=r"builtin.*exec, which no MACE model has"):
        load_trusted(tmp_path / "bad.model", ("mace", "e3nn"), lambda module, name: None, "MACE model")
    assert not mark.exists()


def test_class_of_a_newer_version_is_named(tmp_path):
    path = tmp_path / "newer.model"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02ctorch.nn\nLayerOfTheFuture\nq\x00.")
        archive.writestr("archive/version", "3")
    with pytest.raises(
        ConversionError, match="torch.nn.LayerOfTheFuture, which the installed torch does not have"
    ):
        load_trusted(path, ("mace",), lambda module, name: None, "MACE model")


@pytest.mark.parametrize(("distribution", "write"), [("mace-torch", mace_like), ("nequip", nequip_package)])
def test_missing_package_says_what_to_type(distribution, write, tmp_path, refused):
    if _installed(distribution):
        pytest.skip(f"{distribution} is installed in this environment")
    line = refused([str(write(tmp_path / "a.model")), "-o", str(tmp_path / "x.pt"), "--trust-pickle"])
    assert f"pip install {distribution}" in line and "python -m pair_les.convert" in line


def test_nequip_checkpoint_with_names_of_another_package_is_not_loaded(tmp_path):
    path = nequip_checkpoint(tmp_path / "a.ckpt")
    with pytest.raises(ConversionError, match=r"test_convert_errors\.Thing, which no NequIP checkpoint has"):
        require_names(path, ("nequip", "torch"), "NequIP checkpoint")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "schnet"], "--from schnet: must be one of"),
        (["--precision", "float16"], "--precision float16: must be float32 or float64"),
        (["-o", "nowhere/x.pt"], "folder 'nowhere' does not exist"),
    ],
)
def test_wrong_options(arguments, says, tmp_path, refused):
    assert says in refused([str(mace_like(tmp_path / "a.model")), "-o", str(tmp_path / "x.pt"), *arguments])


@pytest.mark.parametrize(
    ("elements", "says"), [(["Xx"], "not a chemical symbol"), (["Na"], "it knows H O"), (["H", "H"], "twice")]
)
def test_wrong_elements(elements, says):
    with pytest.raises(ConversionError, match=says):
        choose_species(elements, ["H", "O"], "a.model")


def test_elements_take_all_symbols_up_to_the_next_option():
    given = "a.model --elements H Na O -o b.pt --elements C c.model".split()
    assert repeat_option(given, "--elements") == (
        "a.model --elements H --elements Na --elements O -o b.pt --elements C c.model".split()
    )


def test_older_form_of_torch_save(tmp_path):
    buffer = io.BytesIO()
    torch.save(Thing(), buffer, _use_new_zipfile_serialization=False)
    (tmp_path / "old.model").write_bytes(buffer.getvalue())
    assert "test_convert_errors.Thing" in global_names(tmp_path / "old.model")


def _installed(distribution: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
