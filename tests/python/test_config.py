# SPDX-License-Identifier: MIT
"""The training configuration: the minimal file, overrides, and errors of one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pair_les.errors import ConfigError
from pair_les.model_file.metadata import LongRange
from pair_les.net import NetSettings
from pair_les.training.config import ChargeLossSection
from pair_les.training.config_file import config_values, differing_keys, parse_config, read_config

MINIMAL = """
data: {train: [a.xyz, b.xyz], valid: 0.1, keys: {forces: force}}
model: {cutoff: 5.0, long_range: {sigma: 1.2}}
training: {epochs: 3, batch_size: 2, seed: 1}
output: runs/x
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(MINIMAL)
    return path


def test_the_minimal_configuration(file: Path) -> None:
    config = read_config(file)
    assert config.data.train == ["a.xyz", "b.xyz"]
    assert config.data.keys.labels().forces == "force"
    assert config.model.long_range.settings() == LongRange(sigma=1.2)
    assert config.model.net_settings() == NetSettings(5.0)
    assert (config.training.epochs, config.training.precision) == (3, "float32")
    assert parse_config(config_values(config), "again") == config


def test_yaml_and_overrides(file: Path) -> None:
    config = read_config(
        file,
        [
            "training.learning_rate=1e-3",
            "model.long_range=null",
            "model.hidden=[8, 4]",
            "data.valid=v.xyz",
            "data.reference_energies={H: -1.5}",
            "training.early_stopping.patience=7",
        ],
    )
    assert config.training.learning_rate == 1e-3
    assert config.model.long_range is None
    assert config.model.hidden == (8, 4)
    assert config.data.valid == ["v.xyz"]
    assert config.data.reference_energies == {"H": -1.5}
    assert config.training.early_stopping.patience == 7


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epoch=3", r"--set: unknown key 'training\.epoch': did you mean 'training\.epochs'\?"),
        ("epochs=3", r"unknown key 'epochs': did you mean 'training\.epochs'\?"),
        (
            "model.long_range.sgima=2",
            r"'model\.long_range\.sgima': did you mean 'model\.long_range\.sigma'\?",
        ),
        ("model.nradial=2", r"unknown key 'model\.nradial': did you mean 'model\.n_radial'\?"),
        ("training.loss.forc=2", r"did you mean 'training\.loss\.forces'\?"),
        ("qqqqq=1", r"unknown key 'qqqqq': known here are data, model, training, output"),
        ("training.epochs=0", r"--set: training\.epochs = 0: .*greater than 0"),
        ("training.batch_size=two", r"training\.batch_size = 'two'"),
        ("training.learning_rate=.nan", r"training\.learning_rate = nan"),
        (
            "training.processes=3",
            r"batch_size = 2 is not a multiple of processes = 3: use for example batch_size 3",
        ),
        ("data.valid=1.5", r"data\.valid: must be a fraction between 0 and 1, or files"),
        ("data.train=[]", r"data\.train = \[\]"),
        ("data.reference_energies=fitt", r"data\.reference_energies = 'fitt'"),
        ("model.l_max=9", r"model: l_max = 9: must be an integer from 1 to 3"),
        ("model.cutoff=-1", r"cutoff = -1\.0: must be a positive number"),
        ("model.long_range.sigma=0", r"model\.long_range\.sigma = 0"),
        ("data={}", r"key 'data\.train' is missing"),
        ("nonsense", r"--set nonsense: must be key=value, for example"),
        ("training.epochs=[", r"--set training\.epochs=\[: the value is not valid YAML"),
    ],
)
def test_errors_are_one_line_that_names_the_key(file: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_config(file, [override])
    assert "\n" not in str(caught.value)


def test_errors_in_the_file_name_the_file(file: Path, tmp_path: Path) -> None:
    file.write_text(MINIMAL.replace("epochs", "epoches"))
    with pytest.raises(ConfigError, match=r"config\.yaml: unknown key 'training\.epoches': did you mean"):
        read_config(file)
    file.write_text("data: [")
    with pytest.raises(ConfigError, match=r"config\.yaml: not valid YAML"):
        read_config(file)
    file.write_text("just text")
    with pytest.raises(ConfigError, match=r"config\.yaml: must be a mapping with the keys data, model"):
        read_config(file)
    with pytest.raises(ConfigError, match=r"none\.yaml: configuration file does not exist"):
        read_config(tmp_path / "none.yaml")


def test_differing_keys_are_dotted() -> None:
    old = yaml.safe_load(MINIMAL)
    new = yaml.safe_load(MINIMAL)
    assert differing_keys(old, new) == []
    new["training"]["seed"] = 2
    new["model"]["long_range"] = None
    assert differing_keys(old, new) == ["model.long_range", "training.seed"]


def test_the_model_section_has_every_setting_of_the_network() -> None:
    """The same names, types and defaults as `NetSettings`."""
    from dataclasses import MISSING, fields
    from typing import get_type_hints

    from pair_les.net import NetSettings
    from pair_les.training.config import ModelSection
    from pair_les.training.config_backbone import BACKBONE_KEYS

    hints = get_type_hints(NetSettings)
    for field in fields(NetSettings):
        key = ModelSection.model_fields[field.name]
        assert key.annotation == hints[field.name]
        assert key.is_required() if field.default is MISSING else key.default == field.default
    others = {"long_range", "backbone", *BACKBONE_KEYS}
    assert set(ModelSection.model_fields) == {field.name for field in fields(NetSettings)} | others


def test_former_spelling_of_the_order_of_born_charges() -> None:
    """Configurations and checkpoints of the previous release have it."""
    assert ChargeLossSection(born_order="polarisation").born_order == "polarization"
    with pytest.raises(ValueError, match="'displacement' or 'polarization'"):
        ChargeLossSection(born_order="charge")
