# SPDX-License-Identifier: MIT
"""Source packages of Debian by apt-get, whose settings and lists of this machine stay as they are.

The mirror is the one that apt is set up with. apt checks signatures and sums.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class SourceError(RuntimeError):
    """A source package that cannot be had here; the message is one line that says why."""


def source_package(package: str, suite: str, folder: Path, excluded: Iterable[str] = ()) -> Path:
    """Unpacked upstream source of a package in a suite, such as ``trixie``, in `folder`; fetched once.

    `excluded` are patterns of tar for what is left out. Patches of Debian are not applied.
    """
    unpacked = folder / f"{package}-{suite}"
    if unpacked.is_dir():
        return unpacked
    settings = apt_settings(suite, folder / "apt")
    download = folder / "download"
    download.mkdir(parents=True, exist_ok=True)
    call(["apt-get", "update"], settings)
    call(["apt-get", "source", "--tar-only", f"{package}/{suite}"], settings, download)
    archives = sorted(download.glob(f"{package}_*.orig.tar.*"))
    if len(archives) != 1:
        raise SourceError(
            f"apt-get source {package} left {len(archives)} archives in {download}: delete this folder"
        )
    partial = unpacked.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    patterns = [f"--exclude={pattern}" for pattern in excluded]
    call(["tar", "-xf", str(archives[0]), "-C", str(partial), "--strip-components=1", *patterns], {})
    partial.rename(unpacked)
    for path in download.glob(f"{package}_*"):
        path.unlink()
    return unpacked


def apt_settings(suite: str, folder: Path) -> dict[str, str]:
    """Environment in which apt-get knows the source packages of one suite and nothing else."""
    if not shutil.which("apt-get") or not KEYS.is_file():
        raise SourceError(
            "this is no Debian: apt-get and the keys of Debian's archive are needed for its source packages"
        )
    sites = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)"], capture_output=True, text=True, check=False
    ).stdout.split()
    if not sites:
        raise SourceError("apt has no mirror: type 'apt-get update'")
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(f"deb-src [signed-by={KEYS}] {sites[0]} {suite} main\n")
    (folder / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{folder}/sources.list";\n'
        'Dir::Etc::sourceparts "-";\n'
        f'Dir::State::lists "{folder}/lists";\n'
        f'Dir::Cache "{folder}/cache";\n'
        'APT::Sandbox::User "root";\n'
    )
    return {"APT_CONFIG": str(folder / "apt.conf")}


def call(command: list[str], environment: dict[str, str], folder: Path | None = None) -> None:
    """Run a program; its last error is the `SourceError`."""
    done = subprocess.run(
        command, env={**os.environ, **environment}, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [
            line for line in done.stderr.splitlines() if line.startswith("E:")
        ] or done.stderr.splitlines()
        raise SourceError(f"{' '.join(command)}: {lines[0] if lines else 'failed'}")
