# SPDX-License-Identifier: MIT
"""Signals of batch systems and of the keyboard, recorded on arrival and handled between two steps."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
"""kill and batch systems; ctrl-C; the early warning of batch systems (``--signal=USR1@60``)."""


class SignalWatch:
    """Notes the first signal; a second one does what it always did, so that impatience still works."""

    def __init__(self) -> None:
        self.received = 0
        self._previous: dict[int, Any] = {}

    def install(self) -> None:
        """Install the signal handlers (main thread only)."""
        self._previous = {signum: signal.signal(signum, self._note) for signum in SIGNALS}

    def restore(self) -> None:
        """Restore the former signal handlers."""
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)
        self._previous = {}

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.received = signum
        self.restore()


def exit_with_parent(seconds: float = 1.0) -> None:
    """End this process when the one that started it is gone: a killed run must not leave workers behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(seconds)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
