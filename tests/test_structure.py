# SPDX-License-Identifier: MIT
"""The rules that keep the parts apart, checked by reading the sources."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CPP = ("cpp/**/*.h", "cpp/**/*.cpp", "kokkos/**/*.h", "kokkos/**/*.cpp")
PYTHON = ("python/**/*.py", "tests/**/*.py", "examples/**/*.py")
MIT, GPL = "SPDX-License-Identifier: MIT", "SPDX-License-Identifier: GPL-2.0-only"
LONGEST_FILE = 400
LONGEST_TEST = 500
MOST_METHODS = 35

# headers of LAMMPS that a style is likely to include; LAMMPS has no folder of its own in #include lines
LAMMPS_HEADERS = "atom comm compute domain error fix force input kspace lammps memory modify neigh_list neighbor pair update utils"


def sources(*patterns: str) -> list[Path]:
    """Files of the repository that match, without build outputs."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path for path in found if "build" not in path.relative_to(ROOT).parts)


def without_comments(path: Path) -> str:
    """Text of a source file with its comments blanked, lines kept."""
    text = path.read_text()
    if path.suffix in (".h", ".cpp"):
        text = re.sub(r"/\*.*?\*/", lambda comment: "\n" * comment[0].count("\n"), text, flags=re.DOTALL)
        return re.sub(r"//.*", "", text)
    return re.sub(r"#.*", "", text) if path.suffix == ".py" else text


def offending(files: list[Path], pattern: str, strings: bool = True) -> list[str]:
    """``file:line: text`` of each line of code that matches; `strings` false looks at no string literal."""
    found = []
    for path in files:
        for number, line in enumerate(without_comments(path).splitlines(), start=1):
            code = line if strings else re.sub(r'"(\\.|[^"])*"', '""', line)
            if re.search(pattern, code):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    return found


def test_there_are_sources():
    """A wrong folder name must not make every other test here pass."""
    for pattern in ("cpp/pair_les/core/*.cpp", "cpp/pair_les/lammps/*.cpp", "cpp/pair_les/bindings/*.cpp"):
        assert sources(pattern), pattern
    assert len(sources("python/**/*.py")) > 10


def test_core_includes_no_lammps_and_no_python_header():
    headers = "|".join(LAMMPS_HEADERS.split())
    core = sources("cpp/pair_les/core/*")
    assert offending(core, rf'#include\s*["<](lammps/|mpi|pybind11|Python\.h|({headers})\.h)') == []
    assert offending(core, r'#include\s*"(\.\./)?(lammps|bindings|kokkos)/') == []


def test_styles_include_no_torch_header():
    styles = sources("cpp/pair_les/lammps/*", "kokkos/*")
    assert offending(styles, r'#include\s*["<](torch|ATen|c10)/') == []
    assert (
        offending(styles, r'#include\s*"core/(model_file|package_model|padding|torchscript_model)\.h"') == []
    )


def test_one_file_of_the_core_knows_the_model_format():
    files = [path.name for path in sources("cpp/pair_les/core/*") if "torch::jit::load" in path.read_text()]
    assert files == ["torchscript_model.cpp"]
    files = [path.name for path in sources("cpp/pair_les/core/*.cpp") if "inductor" in without_comments(path)]
    assert files == ["package_model.cpp"]


def test_vectors_of_numbers_are_made_in_one_folder():
    """Kernels are written on `core/simd/lanes.h` and compiled once per instruction set."""
    others = [path for path in sources(*CPP) if path.parent.name != "simd"]
    assert offending(others, r"vector_size|immintrin|\b_mm\d*_|target_clones") == []


def test_style_headers_include_only_their_base_class():
    """LAMMPS includes every style header into one file: what they pull in, everybody gets."""
    for header in ("pair_les.h", "fix_les_backward.h"):
        text = (ROOT / "cpp/pair_les/lammps" / header).read_text()
        assert [name for name in re.findall(r'#include "(.*)"', text)] == [header.split("_")[0] + ".h"]


def test_styles_use_their_world_and_the_log_of_lammps():
    styles = sources("cpp/pair_les/lammps/*", "kokkos/*")
    assert offending(styles, r"MPI_COMM_WORLD|<iostream>|std::c(out|err)|\bprintf\s*\(") == []
    assert (
        offending(
            sources("cpp/pair_les/lammps/*.cpp", "cpp/pair_les/lammps/*.h"),
            r"\b(and|or|not)\b",
            strings=False,
        )
        == []
    )


def test_package_never_imports_tests():
    modules = "tests|tolerances|analytic_models|packages|shared_data|harness|oracle"
    assert offending(sources("python/**/*.py"), rf"^\s*(from|import)\s+({modules})\b") == []


@pytest.mark.parametrize("folder", ["cpp", "python", "tests", "kokkos", "examples", "cmake", "build_support"])
def test_license_line(folder):
    """GPL-2.0-only where a file is built into LAMMPS, MIT everywhere else."""
    patterns = [f"{folder}/**/*.{ending}" for ending in ("py", "h", "cpp", "cmake")] + [
        f"{folder}/**/CMakeLists.txt"
    ]
    wrong = []
    for path in sources(*patterns):
        relative = path.relative_to(ROOT)
        gpl = relative.parts[0] == "kokkos" or relative.parts[:3] == ("cpp", "pair_les", "lammps")
        head = "\n".join(path.read_text().splitlines()[:5])
        if path.read_text().strip() and (GPL if gpl else MIT) not in head:
            wrong.append(str(relative))
    assert wrong == []


def test_files_are_short():
    long = {}
    for path in sources(*CPP, *PYTHON):
        name = path.relative_to(ROOT)
        lines = len(path.read_text().splitlines())
        if lines > (LONGEST_TEST if name.parts[0] == "tests" else LONGEST_FILE):
            long[str(name)] = lines
    assert long == {}


def class_bodies(path: Path) -> dict[str, str]:
    """Classes that a C++ file defines, with their text without that of functions and nested classes."""
    bodies = {}
    text = without_comments(path)
    for match in re.finditer(r"\b(?:class|struct) (\w+)(?: final)?(?: :[^{;]*)? \{", text):
        depth, body = 1, []
        for character in text[match.end() :]:
            depth += {"{": 1, "}": -1}.get(character, 0)
            if depth == 0:
                break
            if depth == 1:
                body.append(character)
        bodies[match[1]] = "".join(body)
    return bodies


def n_methods(body: str) -> int:
    """Functions that are declared or defined in a class body, without constructors' initializers."""
    statements = re.split(r"[;}]|\b(?:public|protected|private):", re.sub(r"\)\s*:(?!:)[^;}]*", ")", body))
    return sum(bool(re.match(r"[^=(]*[~\w]\s*\(", statement.strip())) for statement in statements)


def test_classes_of_the_styles_have_one_reason_to_change():
    """More functions than fit a page are a sign that an object is missing."""
    many = {}
    for path in sources("cpp/pair_les/lammps/*", "kokkos/*"):
        for name, body in class_bodies(path).items():
            if n_methods(body) > MOST_METHODS:
                many[name] = n_methods(body)
    assert many == {}
    pair_style = class_bodies(ROOT / "cpp/pair_les/lammps/pair_les.h")["PairLES"]
    assert n_methods(pair_style) > 20, "functions are not counted any more"


def test_no_class_of_the_styles_is_implemented_in_two_files():
    """Beside its header, that is."""
    files: dict[str, set[str]] = {}
    for path in sources("cpp/pair_les/lammps/*.cpp", "kokkos/*.cpp"):
        for name in re.findall(
            r"^[^\s/#].*?\b(\w+)(?:<\w+>)?::~?\w+\(.*$", without_comments(path), re.MULTILINE
        ):
            files.setdefault(name, set()).add(path.name)
    for namespace in ("LAMMPS_NS", "pair_les", "les_kokkos", "utils", "fmt", "std", "Kokkos"):
        files.pop(namespace, None)
    assert {name: found for name, found in files.items() if len(found) > 1} == {}
    assert files["PairLES"] == {"pair_les.cpp"}


def test_names_of_test_files_are_unique():
    """pytest imports them by their names alone."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_no_path_of_one_machine():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: which files belong to the repository is unknown")
    files = [ROOT / name for name in listed.stdout.splitlines()]
    binary = {".png", ".pt", ".npz", ".xyz", ".extxyz"}
    text = [path for path in files if path.is_file() and path.suffix not in binary]
    assert offending(text, r"(?<![\w.])/(tmp|root|home|work)/") == []
