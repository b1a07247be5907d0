# SPDX-License-Identifier: MIT
"""Errors of the command line as one line on stderr, and the exit code of each kind."""

from __future__ import annotations

import os
import signal
import sys
import time

import typer

EXIT_DISAGREEMENT = 1  # also of a model that cannot be converted
EXIT_USER_ERROR = 2
DEBUG_VARIABLE = "PAIR_LES_DEBUG"


def run(app: typer.Typer) -> None:
    """Run the command line; errors that a user can repair are one line on stderr and exit code 2."""
    try:
        sys.exit(app(prog_name="pair-les", standalone_mode=False) or 0)
    except typer.TyperException as error:
        if not error.format_message():  # called without arguments: the help has been printed
            sys.exit(EXIT_USER_ERROR)
        _fail(error.format_message(), error)
    except typer.Abort as error:
        _fail("aborted", error)
    except KeyboardInterrupt as error:
        _fail("interrupted", error, 128 + signal.SIGINT)
    except OSError as error:
        _fail(str(error), error)
    except ModuleNotFoundError as error:
        from pair_les.installation.extras import missing_extra_message

        message = missing_extra_message(error)
        if message is None:
            raise
        _fail(message, error)
    except Exception as error:
        # These classes live in modules that are worth importing only now.
        from pair_les.errors import ConversionError, Interrupted, UserError
        from pair_les.model_file.metadata import ContractError

        if isinstance(error, ConversionError):
            _fail(str(error), error, EXIT_DISAGREEMENT)
        if isinstance(error, UserError | ContractError):
            _fail(str(error), error)
        if isinstance(error, Interrupted):
            if _worker():
                sys.exit(0)  # the first process speaks and sets the exit code
            print(f"pair-les: {error}: the same command resumes", file=sys.stderr)
            sys.exit(128 + error.signum)
        if _worker():
            # Most likely the first process was killed: this one is then ended in a moment, quietly.
            time.sleep(2.0)
        raise


def _worker() -> str:
    """Return the number of this training process among several; an empty string for the first."""
    rank = os.environ.get("LOCAL_RANK", "0")
    return "" if rank == "0" else rank


def _fail(message: str, error: BaseException, code: int = EXIT_USER_ERROR) -> None:
    if os.environ.get(DEBUG_VARIABLE, "") not in ("", "0"):
        raise error
    process = f" process {_worker()}:" if _worker() else ""
    print(f"pair-les:{process} error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)
