# SPDX-License-Identifier: MIT
"""Reading a configuration: YAML, ``--set`` overrides, and errors that say which key and what was meant."""

from __future__ import annotations

import difflib
import glob
import os
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from ..data.files.sources import split_slice
from ..errors import ConfigError
from .config import Config

RECORDED = "config.yaml"
"""Name of the configuration in a run folder."""


def read_config(path: str | os.PathLike[str], overrides: list[str] | None = None) -> Config:
    """Read a YAML file and apply ``a.b=c`` overrides, whose values are YAML too.

    A run folder stands for the configuration in it. Keys of the section `model` that are not given are those of
    `training.start_from`.

    Raises
    ------
    ConfigError
        One line: the file (or ``--set``), the key, its value, the rule; for an unknown key the nearest known
        one.
    """
    file, values = read_values(path)
    overridden = set()
    for text in overrides or []:
        overridden.add(_apply(values, text))
    config = complete_config(values, file, overridden)
    _require_paths_from_here(config, file)
    return config


def read_values(path: str | os.PathLike[str]) -> tuple[str, dict[str, Any]]:
    """Path and plain values of a YAML file, or of the configuration in a run folder.

    Raises
    ------
    ConfigError
        If the file does not exist, or is no mapping in YAML.
    """
    file = os.fspath(path)
    if (Path(file) / RECORDED).is_file():
        file = os.fspath(Path(file) / RECORDED)
    if not Path(file).is_file():
        raise ConfigError(f"{file}: configuration file does not exist: check the path")
    try:
        values = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid YAML: {_one_line(error)}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: must be a mapping with the keys {', '.join(Config.model_fields)}")
    return file, values


def complete_config(values: dict[str, Any], file: str, overridden: set[str] | None = None) -> Config:
    """Validate plain values, those of the section `model` completed from `training.start_from`; see `parse_config`."""
    _complete_model(values)
    return parse_config(values, file, overridden)


def _require_paths_from_here(config: Config, file: str) -> None:
    """Raise `ConfigError` where data are missing in the current folder and lie beside the configuration."""
    folder = Path(file).parent
    for key, sources in (
        ("train", config.data.train_sources()),
        ("valid", config.data.valid_sources() or []),
    ):
        for source in sources:
            path = split_slice(source.path)[0]
            if not os.path.isabs(path) and not _exists(path) and _exists(os.path.join(folder, path)):
                raise ConfigError(
                    f"{file}: data.{key} = {path!r} is not in the current folder but beside the configuration, and relative "
                    f"paths start at the current folder: run in '{folder}', or write {os.path.join(folder, path)!r}"
                )


def _exists(path: str) -> bool:
    return os.path.exists(path) or bool(glob.glob(path, recursive=True))


def _complete_model(values: dict[str, Any]) -> None:
    """Add the keys of the section `model` that are not given, from the model that the run starts from, or from its folder."""
    training, given, output = (values.get(name) for name in ("training", "model", "output"))
    source = training.get("start_from") if isinstance(training, dict) else None
    if not isinstance(source, str) or not isinstance(given, dict | None):
        return
    recorded = Path(output) / RECORDED if isinstance(output, str) else None
    if recorded is not None and recorded.is_file():
        known = (yaml.safe_load(recorded.read_text(encoding="utf-8")) or {}).get("model")
    else:
        from .start_section import read_start_section  # here: it imports torch

        known = read_start_section(source)
    if known is not None:
        given = given or {}
        settings = given.get("long_range")
        if isinstance(settings, dict) and isinstance(known.get("long_range"), dict):
            given = {**given, "long_range": {**known["long_range"], **settings}}
        values["model"] = {**known, **given}


def parse_config(values: dict[str, Any], file: str, overridden: set[str] | None = None) -> Config:
    """Validate plain values; `file` and the `overridden` keys only serve the messages."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_message(error, file, overridden or set())) from error


def config_values(config: Config) -> dict[str, Any]:
    """Plain values of every key, defaults included; `parse_config` reads them back."""
    return config.model_dump(mode="json")


def differing_keys(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    """Dotted keys whose values differ between two sets of plain values."""
    found = []
    for key in sorted(old.keys() | new.keys()):
        first, second = old.get(key), new.get(key)
        if isinstance(first, dict) and isinstance(second, dict):
            found += differing_keys(first, second, f"{prefix}{key}.")
        elif first != second:
            found.append(f"{prefix}{key}")
    return found


def _apply(values: dict[str, Any], text: str) -> str:
    key, separator, raw = text.partition("=")
    key = key.strip()
    if not separator or not key or not all(key.split(".")):
        raise ConfigError(f"--set {text}: must be key=value, for example --set training.epochs=10")
    try:
        value = yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {text}: the value is not valid YAML: {_one_line(error)}") from error
    *parents, last = key.split(".")
    for parent in parents:
        if not isinstance(values.get(parent), dict):
            values[parent] = {}
        values = values[parent]
    values[last] = value
    return key


def _message(error: ValidationError, file: str, overridden: set[str]) -> str:
    """The first error in words; an unknown key goes first because it often is the cause of the others."""
    errors = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    first = errors[0]
    path = _config_path(first["loc"])
    key = ".".join(path)
    source = file
    if any(key == name or key.startswith(name + ".") for name in overridden):
        source = "--set"
    elif any(name.startswith(key + ".") for name in overridden):
        source = f"{file} with --set"
    more = f" (and {len(errors) - 1} more)" if len({_config_path(item["loc"]) for item in errors}) > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{source}: unknown key '{key}': {_suggestion(path)}{more}"
    if first["type"] == "missing":
        return f"{source}: key '{key}' is missing{more}"
    if first["type"] == "value_error":  # raised by a validator of ours, whose message is complete
        return f"{source}: {key}: {first['ctx']['error']}{more}"
    if any(_config_path(item["loc"]) == path for item in errors[1:]):  # no member of a union fitted
        reasons = dict.fromkeys(item["msg"] for item in errors if _config_path(item["loc"]) == path)
        return f"{source}: {key} = {first['input']!r}: {', or '.join(reasons)}"
    return f"{source}: {key} = {first['input']!r}: {first['msg']}{more}"


def _config_path(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys of a pydantic location, without the names of union members and validators that it inserts."""
    path: list[str] = []
    section: type[BaseModel] | None = Config
    for part in location:
        if section is not None:
            path.append(str(part))
            field = section.model_fields.get(str(part))
            section = _section_of(field.annotation) if field is not None else None
            if field is None:
                break
        else:
            break
    return tuple(path)


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, also where it may be null."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType):
        return next(
            (found for member in get_args(annotation) if (found := _section_of(member)) is not None), None
        )
    return None


def _known_keys(section: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in section.model_fields.items():
        keys.append(prefix + name)
        child = _section_of(field.annotation)
        if child is not None:
            keys += _known_keys(child, f"{prefix}{name}.")
    return keys


def _suggestion(path: tuple[str, ...]) -> str:
    """The nearest known key: a sibling first, then the same word anywhere."""
    *parents, last = path
    prefix = "".join(f"{parent}." for parent in parents)
    known = _known_keys(Config)
    siblings = [
        key[len(prefix) :] for key in known if key.startswith(prefix) and "." not in key[len(prefix) :]
    ]
    near = difflib.get_close_matches(last, siblings, n=1)
    if near:
        return f"did you mean '{prefix}{near[0]}'?"
    by_word: dict[str, str] = {}
    for key in known:
        by_word.setdefault(key.rsplit(".", 1)[-1], key)
    near = difflib.get_close_matches(last, by_word, n=1)
    if near:
        return f"did you mean '{by_word[near[0]]}'?"
    return f"known here are {', '.join(siblings)}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
