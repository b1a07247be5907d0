# SPDX-License-Identifier: MIT
"""Which libraries the compiled parts ask the dynamic linker for.

The core needs the CPU half of torch alone: ``libtorch.so`` of a CUDA build leads to every CUDA library. The plugin
needs no torch at all, and lesplugin.so, which any LAMMPS may load, no symbol of a C++ class of LAMMPS.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from pair_les import plugin
from pair_les.installation import fused_operators as fused

DYNAMIC, DT_NEEDED, DT_STRTAB = 2, 1, 5


def needed(path: Path) -> set[str]:
    """Names of the DT_NEEDED entries of a 64-bit little-endian ELF file."""
    data = path.read_bytes()
    assert data[:6] == b"\x7fELF\x02\x01", path
    (offset,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", data, offset + index * size) for index in range(count)]
    (dynamic,) = (segment for segment in segments if segment[0] == DYNAMIC)
    entries = [
        struct.unpack_from("<qQ", data, position)
        for position in range(dynamic[2], dynamic[2] + dynamic[5], 16)
    ]
    (table,) = (value for tag, value in entries if tag == DT_STRTAB)
    start = next(s[2] + table - s[3] for s in segments if s[0] == 1 and s[3] <= table < s[3] + s[5])
    names = [start + value for tag, value in entries if tag == DT_NEEDED]
    return {data[name : data.index(b"\0", name)].decode() for name in names}


def test_core_needs_the_cpu_half_of_torch_alone():
    torch = {
        name for name in needed(fused.library()) if name.startswith(("libtorch", "libc10", "libcu", "libnv"))
    }
    assert torch == {"libtorch_cpu.so", "libc10.so"}


@pytest.mark.parametrize("name", [plugin.PLUGIN, "*/libpair_les_styles.so"])
def test_plugin_needs_no_torch_and_no_lammps(name):
    (library,) = Path(plugin.folder()).glob(name)
    libraries = needed(library)
    assert libraries
    assert {
        library for library in libraries if library.startswith(("libtorch", "libc10", "liblammps"))
    } == set()


def test_plugin_uses_no_class_of_lammps():
    """lammps_version and lammps_command are C; LAMMPSException is defined in a header."""
    text = (Path(plugin.folder()) / plugin.PLUGIN).read_bytes()
    assert b"_ZN9LAMMPS_NS5Error" not in text and b"_ZTVN9LAMMPS_NS4Pair" not in text
