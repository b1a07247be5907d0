# SPDX-License-Identifier: MIT
"""Lines of progress of a run: on the terminal, and with date and time in a log file."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from ..errors import OutputError


class RunLog:
    """Prints lines to stderr, because stdout is for results, and appends them to a file.

    Parameters
    ----------
    file
        The log file, whose folder must exist when the first line comes.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, text: str) -> None:
        """Print a line and append it to the file.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        print(text, file=sys.stderr, flush=True)
        try:
            with open(self.file, "a", encoding="utf-8") as stream:
                stream.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {text}\n")
        except OSError as error:
            raise OutputError(self.file, error.strerror or str(error)) from error
