# SPDX-License-Identifier: MIT
"""Kinds of values that the rules of the contract distinguish, and the one error for a broken rule."""

from __future__ import annotations

from typing import Any


class ContractError(ValueError):
    """A model file or its metadata breaks the contract; the message names the file, the key and the rule."""


def required(data: dict[str, Any], key: str, file: str, prefix: str = "") -> Any:
    """Return the value of a key; `ContractError` where it is missing."""
    if key not in data:
        raise ContractError(f"{file}: metadata key '{prefix}{key}' is missing: the contract requires it")
    return data[key]


def broken(file: str, key: str, value: Any, rule: str) -> ContractError:
    """Return the error of a value that breaks a rule: file, key, value, its kind, and the rule."""
    shown = list(value) if isinstance(value, tuple) else value
    return ContractError(f"{file}: metadata key '{key}' is {shown!r} ({kind_of(value)}), {rule}")


def kind_of(value: Any) -> str:
    """Return the name of the JSON type of a value."""
    names = {dict: "object", list: "list", tuple: "list", str: "string", bool: "bool", type(None): "null"}
    return names.get(type(value), "number" if isinstance(value, int | float) else type(value).__name__)


def is_integer(value: Any) -> bool:
    """Return whether a value is an integer (a bool is not)."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number (a bool is not)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value == value and abs(value) != float("inf")


def is_symbol(value: Any) -> bool:
    """Return whether a value is a word that can name a species."""
    return isinstance(value, str) and value != "" and not any(character.isspace() for character in value)
