# SPDX-License-Identifier: MIT
"""Starts of LAMMPS that find torch loaded: most of a short run is the loading of its libraries.

One ``lmp`` for each process of pytest loads them and waits (``fork_server.c``); each run is a fork of it that goes on into
``main()``, with the arguments, folder, environment and files of the ``fork_client`` that stands for it, also below
``mpirun``. A run is a process of its own as before; what it does not do is to end through the destructors of torch.

``PAIR_LES_TEST_FORK=0`` starts each run from the beginning, and so does a test whose environment is not that of the waiting one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import weakref
from functools import lru_cache
from pathlib import Path

import torch
from pair_les.installation.fused_operators import library

SOURCES = Path(__file__).parent
CHANGING = ("PYTEST_CURRENT_TEST", "PWD", "OLDPWD")
"""Variables that differ from test to test and that no library reads."""


class ForkServer:
    """An ``lmp`` that waits; `prefix` is the command that runs it, with the arguments that follow.

    Parameters
    ----------
    executable
        Path of ``lmp``.
    environment
        What the libraries that it loads see, and so what each run must have.
    """

    def __init__(self, executable: str, environment: dict[str, str]) -> None:
        self.environment = settled(environment)
        folder = Path(tempfile.mkdtemp(prefix="les_"))  # a socket's path must be short
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        preload, client, socket = folder / "libfork_server.so", folder / "fork_client", folder / "socket"
        compiler = os.environ.get("CC", "cc")
        subprocess.run(
            [compiler, "-O1", "-shared", "-fPIC", SOURCES / "fork_server.c", "-o", preload, "-ldl"],
            check=True,
        )
        subprocess.run([compiler, "-O1", SOURCES / "fork_client.c", "-o", client], check=True)
        libraries = [Path(torch.__file__).parent / "lib" / "libtorch_cpu.so", library()]
        self.process = subprocess.Popen(
            [executable],
            env={
                **environment,
                "LD_PRELOAD": str(preload),
                "FORK_SERVER_SOCKET": str(socket),
                "FORK_SERVER_LIBRARIES": ":".join(map(str, libraries)),
            },
            stdin=subprocess.PIPE,  # ends with this process, and with it the server
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n", "the fork server did not start"
        self.prefix = [str(client), str(socket)]


def settled(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in CHANGING}


@lru_cache
def started(executable: str) -> list[ForkServer]:
    """The server of an executable, once one was needed."""
    return []


def prefix(executable: str, environment: dict[str, str]) -> list[str]:
    """What to put before the command of a run with this environment: nothing if it must start by itself."""
    if environment.get("PAIR_LES_TEST_FORK") == "0" or shutil.which(os.environ.get("CC", "cc")) is None:
        return []
    servers = started(executable)
    if not servers:
        servers.append(ForkServer(executable, environment))
    return servers[0].prefix if servers[0].environment == settled(environment) else []
