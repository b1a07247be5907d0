# SPDX-License-Identifier: MIT
"""Command lines on which one option takes several values."""

from __future__ import annotations


def repeat_option(arguments: list[str], option: str) -> list[str]:
    """``--elements H O -o x`` as ``--elements H --elements O -o x``; a symbol has one or two letters."""
    result, inside = [], False
    for argument in arguments:
        if argument == option:
            inside, first = True, True
            result.append(argument)
        elif inside and (first or (argument.isalpha() and len(argument) <= 2)):
            result += [argument] if first else [option, argument]
            first = False
        else:
            inside = False
            result.append(argument)
    return result
