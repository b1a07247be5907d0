# SPDX-License-Identifier: MIT
"""Training on several nodes: which node this is, and what the first one tells the others before they read the data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Literal

from lightning.fabric.plugins.environments import SLURMEnvironment
from torch.distributed import DistError, TCPStore

from ..errors import ConfigError, RunError, UserError

Turn = Literal["train", "finished"]

PATIENCE = timedelta(minutes=30)
"""How long a node waits for the first one, which may read large data."""

_GOODBYE = timedelta(seconds=10)

_LOWEST_PORT = 15000
"""Of jobs of Slurm, which get one each: the last four digits of the number of the job are added."""


class Nodes:
    """The nodes of a run, on each of which ``pair-les train`` has been started once.

    Their ranks and the address of the first one are taken from Slurm, or from NODE_RANK, MASTER_ADDR and MASTER_PORT, which are
    set for Lightning. The first node prepares the run folder and checks the data; the others wait for its word, on the port
    after MASTER_PORT, so that none of them reads a folder that is being changed, and an error of the first one ends all.

    Parameters
    ----------
    count
        Number of nodes, ``training.nodes``.

    Raises
    ------
    ConfigError
        If the environment does not say which node this is, or contradicts `count`.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.rank = 0 if count == 1 else _find_rank(count)
        self._store: TCPStore | None = None

    @contextmanager
    def leading(self) -> Iterator[None]:
        """What the first node does until all have trained; an error before `announce` is sent to the others."""
        if self.count == 1:
            yield
            return
        self._store = self._connect(server=True)
        try:
            yield
        except UserError as error:
            if not self._store.check(["turn"]):
                self._send(f"failed {error}")
            raise
        finally:
            self._store = None

    def announce(self, turn: Turn) -> None:
        """Tell the other nodes that the folder is ready, or that the run is finished."""
        if self._store is not None and not self._store.check(["turn"]):
            self._send(turn)

    def wait(self) -> Turn:
        """Return what the first node says.

        Raises
        ------
        RunError
            If it cannot be reached, or has failed: with its message.
        """
        where = f"{os.environ['MASTER_ADDR']}, port {int(os.environ['MASTER_PORT']) + 1}"
        try:
            store = self._connect(server=False)
            turn = store.get("turn").decode("utf-8")
            store.set(f"heard {self.rank}", "")
        except (DistError, RuntimeError) as error:
            raise RunError(
                f"training.nodes = {self.count}: the first node ({where}) does not answer: "
                "see what pair-les train says there"
            ) from error
        if turn.startswith("failed "):
            raise RunError(turn.removeprefix("failed "))
        return "finished" if turn == "finished" else "train"

    def _connect(self, server: bool) -> TCPStore:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]) + 1
        return TCPStore(address, port, is_master=server, timeout=PATIENCE, wait_for_workers=False)

    def _send(self, turn: str) -> None:
        assert self._store is not None
        self._store.set("turn", turn)
        if turn == "train":
            return  # this process stays for the training
        try:
            self._store.wait([f"heard {rank}" for rank in range(1, self.count)], _GOODBYE)
        except (DistError, RuntimeError):
            return  # nodes that have not come yet find nobody, and say so


def _find_rank(count: int) -> int:
    """Rank of this node; sets the variables that Lightning reads."""
    given = [name for name in ("NODE_RANK", "MASTER_ADDR", "MASTER_PORT") if name in os.environ]
    if len(given) < 3 and "SLURM_NODEID" in os.environ:
        _read_slurm(count)
    elif len(given) < 3:
        raise ConfigError(
            f"training.nodes = {count}: this is not a Slurm job step, and NODE_RANK, MASTER_ADDR, MASTER_PORT are not all set: "
            "use srun --ntasks-per-node=1 pair-les train, or set them on each node"
        )
    rank = int(os.environ["NODE_RANK"])
    if not 0 <= rank < count:
        raise ConfigError(
            f"training.nodes = {count}: NODE_RANK is {rank}: number the nodes from 0 to {count - 1}"
        )
    return rank


def _read_slurm(count: int) -> None:
    found = {name: int(os.environ.get(f"SLURM_{name}", 1)) for name in ("NNODES", "NTASKS")}
    if found["NNODES"] != count:
        raise ConfigError(
            f"training.nodes = {count}: the Slurm job step has {found['NNODES']} nodes: ask for as many with srun --nodes={count}"
        )
    if found["NTASKS"] != count:
        raise ConfigError(
            f"training.nodes = {count}: the Slurm job step has {found['NTASKS']} tasks: use srun --ntasks-per-node=1, "
            "pair-les train starts training.processes on each node itself"
        )
    os.environ["NODE_RANK"] = os.environ["SLURM_NODEID"]
    first = SLURMEnvironment.resolve_root_node_address(os.environ["SLURM_NODELIST"])
    os.environ.setdefault("MASTER_ADDR", first)
    os.environ.setdefault("MASTER_PORT", str(_LOWEST_PORT + int(os.environ["SLURM_JOB_ID"]) % 10000))
