# SPDX-License-Identifier: MIT
"""Metadata and model files: what is kept, what is refused and in which words."""

from __future__ import annotations

import io
import json
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pair_les
import pytest
import torch
from analytic_models import write_model
from pair_les.cli.inspect import inspect
from pair_les.model_file import created_with, load_model, save_model
from pair_les.model_file.metadata import Compiled, ContractError, LongRange, Metadata


def valid() -> dict[str, Any]:
    return {
        "format": "pair_les",
        "format_version": 1,
        "species": ["O", "H"],
        "cutoff": 5.5,
        "message_passing_layers": 0,
        "dtype": "float32",
        "units": {"length": "angstrom", "energy": "eV", "charge": "e"},
        "long_range": {"sigma": 1.0, "coulomb_constant": 14.4, "self_interaction": False, "neutralize": True},
        "created_with": {"torch": "2.13"},
    }


def parse(data: dict[str, Any]) -> Metadata:
    return Metadata.from_json(json.dumps(data), "m.pt")


def test_every_key_is_read() -> None:
    metadata = parse({**valid(), "description": "water", "references": ["a", "b"]})
    assert metadata == Metadata(
        species=("O", "H"),
        cutoff=5.5,
        dtype="float32",
        long_range=LongRange(1.0, 14.4, False, True),
        created_with={"torch": "2.13"},
        description="water",
        references=("a", "b"),
    )


def test_optional_keys_may_be_absent_and_long_range_null() -> None:
    metadata = parse({**valid(), "long_range": None})
    assert (metadata.long_range, metadata.description, metadata.references) == (None, "", ())


def test_whole_numbers_are_numbers() -> None:
    data = valid()
    data["cutoff"], data["long_range"]["sigma"] = 5, 1
    assert parse(data).cutoff == 5.0


def test_round_trip_keeps_unknown_keys() -> None:
    data = {**valid(), "description": "d", "references": ["r"], "calibration": {"a": [1, 2]}}
    data["long_range"]["channels"] = 3
    metadata = parse(data)
    assert metadata.extra == {"calibration": {"a": [1, 2]}}
    assert metadata.long_range.extra == {"channels": 3}
    assert json.loads(metadata.to_json()) == data
    assert Metadata.from_json(metadata.to_json(), "again.pt") == metadata


@pytest.mark.parametrize("key", sorted(valid()))
def test_missing_key(key: str) -> None:
    data = valid()
    del data[key]
    message = f"m.pt: metadata key '{key}' is missing: the contract requires it"
    with pytest.raises(ContractError, match=f"^{re.escape(message)}$"):
        parse(data)


@pytest.mark.parametrize("key", sorted(valid()["long_range"]))
def test_missing_key_of_long_range(key: str) -> None:
    data = valid()
    del data["long_range"][key]
    message = f"m.pt: metadata key 'long_range.{key}' is missing: the contract requires it"
    with pytest.raises(ContractError, match=f"^{re.escape(message)}$"):
        parse(data)


BROKEN: list[tuple[str, Any, str]] = [
    ("format", "nequip", "'format' is 'nequip' (string), must be 'pair_les'"),
    ("format_version", "1", "'format_version' is '1' (string), must be a positive integer"),
    ("format_version", True, "'format_version' is True (bool), must be a positive integer"),
    ("species", "OH", "'species' is 'OH' (string), must be a list of strings"),
    ("species", [], "'species' is [] (list), must be a non-empty list of chemical symbols"),
    ("species", ["O", 1], "'species' is ['O', 1] (list), must be a non-empty list of chemical symbols"),
    ("species", ["O", "H", "O"], "'species' is ['O', 'H', 'O'] (list), must name each species once"),
    ("cutoff", "5", "'cutoff' is '5' (string), must be a finite number > 0 (angstrom)"),
    ("cutoff", 0, "'cutoff' is 0 (number), must be a finite number > 0 (angstrom)"),
    ("cutoff", True, "'cutoff' is True (bool), must be a finite number > 0 (angstrom)"),
    ("cutoff", float("nan"), "'cutoff' is nan (number), must be a finite number > 0 (angstrom)"),
    ("cutoff", None, "'cutoff' is None (null), must be a finite number > 0 (angstrom)"),
    ("message_passing_layers", 1.0, "'message_passing_layers' is 1.0 (number), must be an integer >= 0"),
    ("message_passing_layers", -1, "'message_passing_layers' is -1 (number), must be an integer >= 0"),
    ("dtype", "float16", "'dtype' is 'float16' (string), must be 'float32' or 'float64'"),
    ("units", {"length": "angstrom"}, "'units' is {'length': 'angstrom'} (object), must be exactly {"),
    ("long_range", False, "'long_range' is False (bool), must be an object or null"),
    ("created_with", "me", "'created_with' is 'me' (string), must be an object"),
    ("description", 1, "'description' is 1 (number), must be a string"),
    ("references", "doi", "'references' is 'doi' (string), must be a list of strings"),
    ("committee", 0, "'committee' is 0 (number), must be the number of networks, an integer >= 1"),
    ("committee", "two", "'committee' is 'two' (string), must be the number of networks, an integer >= 1"),
    ("charge_per_atom", None, "'charge_per_atom' is None (null), must be a finite number (e)"),
    ("message_features", [], "'message_features' is [] (list), must be a list of as many integers > 0 as"),
    ("compiled", "here", "'compiled' is 'here' (string), must be an object"),
    ("compiled", {"torch": "2.13.0"}, "'compiled.machine' is missing: the contract requires it"),
    ("references", [1], "'references' is [1] (list), must be a list of strings"),
    (
        "reference_energies",
        [1.0],
        "'reference_energies' is [1.0] (list), must be an object of finite numbers (eV)",
    ),
    (
        "reference_energies",
        {"O": "1"},
        "'reference_energies' is {'O': '1'} (object), must be an object of finite",
    ),
    (
        "reference_energies",
        {"O": 1.0},
        "'reference_energies' is {'O': 1.0} (object), must have one number for each of",
    ),
]


@pytest.mark.parametrize(
    ("key", "value", "message"), BROKEN, ids=[f"{key}={value}" for key, value, _ in BROKEN]
)
def test_broken_key(key: str, value: Any, message: str) -> None:
    with pytest.raises(ContractError, match=f"^m.pt: metadata key {re.escape(message)}"):
        parse({**valid(), key: value})


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("sigma", 0.0, "must be a finite number > 0 (angstrom)"),
        ("sigma", "1", "must be a finite number > 0 (angstrom)"),
        ("coulomb_constant", -14.4, "must be a finite number > 0 (eV angstrom / e^2)"),
        ("self_interaction", 0, "must be true or false"),
        ("neutralize", "false", "must be true or false"),
    ],
)
def test_broken_key_of_long_range(key: str, value: Any, rule: str) -> None:
    data = valid()
    data["long_range"][key] = value
    with pytest.raises(
        ContractError, match=f"^m.pt: metadata key 'long_range.{key}' is .*{re.escape(rule)}$"
    ):
        parse(data)


def test_future_version_is_refused_by_number_before_anything_else() -> None:
    data = {"format": "pair_les", "format_version": 7, "species": {"new": "meaning"}}
    message = "m.pt: format_version 7 is not known to this pair_les, which reads versions 1 to 3: install a newer pair"
    with pytest.raises(ContractError, match=f"^{message}_les$"):
        parse(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        (b"\xff\xfe\xfa", "is not valid JSON"),
        ("[1]", "is list, must be a JSON object"),
    ],
)
def test_not_an_object(text: str | bytes, message: str) -> None:
    with pytest.raises(ContractError, match=f"^m.pt: metadata.json {message}"):
        Metadata.from_json(text, "m.pt")


def test_optional_keys_are_fields() -> None:
    compiled = {"torch": "2.13.0", "machine": "x86_64", "instruction_set": "avx2", "padding": 1, "kept": [2]}
    keys = {"committee": 2, "message_features": [8], "charge_per_atom": 0.5, "compiled": compiled}
    metadata = parse({**valid(), "message_passing_layers": 1, "long_range": None, **keys, "mine": 1})
    assert (metadata.committee, metadata.message_features, metadata.charge_per_atom) == (2, [8], 0.5)
    assert metadata.compiled == Compiled(**compiled) and metadata.extra == {"mine": 1}
    assert {key: json.loads(metadata.to_json())[key] for key in keys} == keys
    absent = parse(valid())
    assert (absent.committee, absent.message_features, absent.charge_per_atom, absent.compiled) == (
        1,
        [],
        None,
        None,
    )
    assert not keys.keys() & json.loads(absent.to_json()).keys()


@pytest.mark.parametrize(
    "kept, message",
    [
        (
            [2, 1],
            r"'compiled.kept' is \[2, 1\] \(list\), must have one number for each of the 1 message_features",
        ),
        (2, r"'compiled.kept' is 2 \(number\), must be a list of integers >= 0"),
        ([-1], r"'compiled.kept' is \[-1\] \(list\), must be a list of integers >= 0"),
    ],
)
def test_layers_of_a_package_keep_known_numbers_of_tensors(kept: object, message: str) -> None:
    compiled = {"torch": "2.13.0", "machine": "x86_64", "instruction_set": "avx2", "padding": 1, "kept": kept}
    keys = {"message_passing_layers": 1, "message_features": [8], "compiled": compiled}
    with pytest.raises(ContractError, match=message):
        parse({**valid(), **keys})


def test_fields_may_be_given_among_extra_keys() -> None:
    metadata = Metadata(("H",), 4.0, extra={"committee": 2, "mine": 1})
    assert metadata == Metadata(("H",), 4.0, committee=2, extra={"mine": 1})
    with pytest.raises(ContractError, match="metadata key 'committee' is 'x'"):
        Metadata(("H",), 4.0, extra={"committee": "x"})


def test_values_are_checked_in_memory_too() -> None:
    with pytest.raises(ContractError, match="metadata key 'long_range.sigma' is -1.0"):
        LongRange(-1.0)
    with pytest.raises(ContractError, match="metadata key 'dtype' is 'double'"):
        Metadata(["H"], 4.0, dtype="double")


# ------------------------------------------------------------------------------------------------------ files


def scripted(folder: Path) -> torch.jit.ScriptModule:
    write_model(folder / "network.pt")
    module = torch.jit.load(str(folder / "network.pt"))
    (folder / "network.pt").unlink()
    return module


def test_save_and_load(tmp_path: Path) -> None:
    metadata = Metadata(["H"], 4.0, long_range=LongRange(1.0), created_with=created_with(), extra={"mine": 1})
    save_model(tmp_path / "model.pt", scripted(tmp_path).train(), metadata)
    module, found = load_model(tmp_path / "model.pt")
    assert found == metadata
    assert found.created_with["pair_les"] == pair_les.__version__
    assert not module.training
    assert [parameter.requires_grad for parameter in module.parameters()] == [False]
    assert [file.name for file in tmp_path.iterdir()] == ["model.pt"]
    assert stat.S_IMODE((tmp_path / "model.pt").stat().st_mode) & 0o444 == 0o444 & ~_umask()


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_failed_save_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"old")

    def half_written(module: object, file: io.BytesIO, **_: object) -> None:
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch.jit, "save", half_written)
    with pytest.raises(OSError, match="disk full"):
        save_model(path, None, Metadata(["H"], 4.0))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_save_into_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"nowhere' does not exist: create it or give another path$"):
        save_model(tmp_path / "nowhere" / "model.pt", scripted(tmp_path), Metadata(["H"], 4.0))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without_metadata(path: Path) -> None:
    torch.jit.save(torch.jit.load(str(path)), str(path))


def other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/readme.txt", "hello")


def damaged_code(path: Path) -> None:
    """A zip that looks right, whose network torch cannot read."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, b"def (" if name.endswith(".py") else data)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda path: path.unlink(),
            "model file does not exist: give the path of a file written by 'pair-les export'",
        ),
        (lambda path: (path.unlink(), path.mkdir()), "model file is a folder"),
        (lambda path: path.write_bytes(b""), "not a TorchScript archive: write it with torch.jit.save"),
        (
            lambda path: path.write_text("pair_style les"),
            "not a TorchScript archive: write it with torch.jit.save",
        ),
        (
            lambda path: torch.save({"a": 1}, path),
            "not a TorchScript archive (a torch.save file or another zip)",
        ),
        (other_zip, "not a TorchScript archive (a torch.save file or another zip): convert a checkpoint"),
        (truncate, "truncated or damaged TorchScript archive: copy or export it again"),
        (
            without_metadata,
            "TorchScript archive without metadata.json: save it with torch.jit.save(..., _extra_files=",
        ),
        (damaged_code, "torch cannot read this archive"),
    ],
    ids=[
        "missing",
        "folder",
        "empty",
        "text",
        "state-dict",
        "zip",
        "truncated",
        "no-metadata",
        "damaged-code",
    ],
)
def test_files_that_are_no_models(tmp_path: Path, spoil: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "model.pt"
    write_model(path)
    spoil(path)
    with pytest.raises(ContractError, match=f"^{re.escape(str(path))}: {re.escape(message)}") as raised:
        load_model(path)
    assert "\n" not in str(raised.value)


def test_broken_metadata_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    write_model(path, edit_metadata=lambda data: data["long_range"].pop("sigma"))
    with pytest.raises(
        ContractError, match=f"^{re.escape(str(path))}: metadata key 'long_range.sigma' is missing"
    ):
        load_model(path)


def test_inspect_prints_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    write_model(path, "message_passing", self_interaction=True, coulomb_constant=14.3315, cutoff=4.5)
    text = inspect(path)
    for line in (
        "species             Na Cl",
        "cutoff              4.5 angstrom",
        "message passing     1 layers, receptive field 9 angstrom",
        "long range          latent charges, Gaussians of sigma = 1 angstrom",
        "  matched g_ewald   0.707107 / angstrom",
        "  Coulomb constant  14.3315 eV angstrom / e^2 (pair_les trains with 14.3996454784)",
        "  self-interaction  kept",
    ):
        assert line in text.splitlines()


def test_inspect_of_a_short_range_model(tmp_path: Path) -> None:
    write_model(tmp_path / "model.pt", sigma=None, edit_metadata=lambda data: data.update(mine=[1]))
    text = inspect(tmp_path / "model.pt")
    assert "none: short-range energy only, no charges" in text
    assert "(unknown) mine" in text


@pytest.mark.parametrize("module", ["pair_les", "pair_les.model_file", "pair_les.cli.inspect"])
def test_import_is_cheap(module: str) -> None:
    """LAMMPS loads the entry point of the plugin at every start: that must not pull in torch or ASE."""
    code = f"import sys, {module}; print(sorted({{'torch', 'ase', 'numpy', 'vesin'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_lazy_names() -> None:
    assert {name for name in pair_les.__all__ if getattr(pair_les, name) is not None} == set(pair_les.__all__)
    with pytest.raises(AttributeError, match="module 'pair_les' has no attribute 'nothing'"):
        _ = pair_les.nothing
