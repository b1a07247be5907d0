# SPDX-License-Identifier: MIT
"""The documentation does what it says: its programs run, its commands and configuration keys exist, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tolerances
import typer
from pydantic import BaseModel
from tiny_frames import tiny_config, write_tiny

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "docs/**/*.rst", "kokkos/*.md", "examples/**/*.md")
    for page in ROOT.glob(pattern)
)


def blocks(page: str, language: str) -> list[str]:
    """Code blocks of a Markdown page."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def salt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the model that the example of model_file.md wrote, in a process that cannot import pair_les."""
    folder = tmp_path_factory.mktemp("salt")
    program = blocks("docs/reference/model_file.md", "python")[0]
    (folder / "write.py").write_text("import sys\nsys.modules['pair_les'] = None\n" + program)
    subprocess.run([sys.executable, "write.py"], cwd=folder, check=True, timeout=120)
    return folder


@pytest.mark.slow
def test_the_example_model_is_a_model(salt: Path) -> None:
    """Its forces are the derivative of its energy, chain term and long range included."""
    from ase import Atoms
    from pair_les import LESCalculator

    random = np.random.default_rng(0)
    grid = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)], dtype=float)
    atoms = Atoms("NaClClNaClNaNaCl", 2.8 * grid + random.normal(0.0, 0.1, (8, 3)), cell=3 * [5.7], pbc=True)
    atoms.calc = LESCalculator(salt / "salt.pt")
    charges, force = atoms.get_charges(), atoms.get_forces()[0, 0]
    assert np.all(charges[[0, 3, 5, 6]] > 0.5) and np.all(charges[[1, 2, 4, 7]] < -0.5)
    assert np.ptp(charges[[0, 3, 5, 6]]) > 1e-4

    energies = []
    for step in (1e-4, -1e-4):
        moved = atoms.copy()
        moved.calc = atoms.calc
        moved.positions[0, 0] += step
        energies.append(moved.get_potential_energy())
    assert force == pytest.approx((energies[1] - energies[0]) / 2e-4, abs=tolerances.FINITE_DIFFERENCE_FORCE)


def test_the_example_model_keeps_every_size(salt: Path) -> None:
    """No atoms, and one atom without edges."""
    import torch
    from pair_les import load_model

    module, metadata = load_model(salt / "salt.pt")
    assert metadata.species == ("Na", "Cl")
    for n in (0, 1):
        found = module(
            torch.zeros(n, dtype=torch.int64),
            torch.zeros(2, 0, dtype=torch.int64),
            torch.zeros(0, 3).double(),
            n,
        )
        assert found["energy"].shape == found["charge"].shape == (n,)


@pytest.mark.slow
def test_the_example_of_the_calculator_runs(salt: Path) -> None:
    program = blocks("docs/guide/run.md", "python")[0]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=salt, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0 and len(done.stdout.split()) > 8, done.stderr


@pytest.mark.slow
def test_the_example_of_charges_runs(salt: Path) -> None:
    (program,) = blocks("docs/guide/charges.md", "python")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=salt, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0 and len(done.stdout.split()) > 8, done.stderr


@pytest.mark.slow
def test_the_examples_of_the_python_interface_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, with a smaller network, fewer epochs and other frames."""
    write_tiny(tmp_path / "train.xyz", 24)
    write_tiny(tmp_path / "test.xyz", 3, seed=1)
    program = "\n".join(blocks("docs/guide/python.md", "python"))
    for text, value in (
        ('{"cutoff": 4.0, "n_channels": 16}', tiny_config(tmp_path)["model"]),
        ('{"epochs": 60}', {"epochs": 4, "learning_rate": 0.01, "device": "cpu"}),
    ):
        assert text in program
        program = program.replace(text, repr(value))
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "docs/guide/python.md", "exec"), {})
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "model.pt", "parity.png", "predictions.xyz", "runs", "test.xyz", "train.xyz"
    ]  # fmt: skip


def test_commands_exist() -> None:
    """Every ``pair-les COMMAND --option`` of the pages."""
    from pair_les.cli.app import app

    commands = typer.main.get_command(app).commands
    found = 0
    for page in PAGES:
        # a command ends with its line, its quotation or a shell comment
        for line in re.findall(r"pair-les ([a-z]+\b[^\n`'#]*)", page.read_text()):
            name = line.split()[0]
            assert name in commands, f"{page.name}: pair-les {line}"
            options = {option for parameter in commands[name].params for option in parameter.opts}
            for option in re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", line):
                assert option in options, f"{page.name}: pair-les {line}"
            found += 1
    assert found > 10


def test_generated_pages_are_current() -> None:
    """Those that ``python docs/generate.py`` writes."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for file, text in generate.pages().items():
        assert file.read_text() == text, f"{file.name}: run 'python docs/generate.py'"


def section_keys(section: type[BaseModel], prefix: str = "") -> set[str]:
    """Dotted names of all keys that have a value, sections within sections included."""
    from pair_les.training.config_file import _section_of

    keys = set()
    for name, field in section.model_fields.items():
        child = _section_of(field.annotation)
        keys |= {prefix + name} if child is None else section_keys(child, f"{prefix}{name}.")
    return keys


def test_every_configuration_key_is_documented_with_its_default() -> None:
    from pair_les.training.config import Config
    from pair_les.training.config_file import config_values, parse_config

    text = (ROOT / "docs/reference/configuration.md").read_text()
    found = re.findall(r"^\| `([a-z0-9_.]+)` \| .+? \| (.+?) \| (.*?) \|$", text, re.MULTILINE)
    assert all(meaning for _, _, meaning in found)
    optional = {
        "early_stopping": {},
        "final_stage": {},
    }  # null by default, and then without keys of their own
    minimal = {
        "data": {"train": "required"},
        "model": {"cutoff": 1.0},
        "training": optional,
        "output": "required",
    }
    values = config_values(parse_config(minimal, "minimal"))
    rows = {key: shown for key, shown, _ in found if shown != "the section below"}
    assert set(rows) == section_keys(Config) | {f"training.{name}" for name in optional}
    for key, shown in rows.items():
        value = values
        for part in key.split("."):
            value = value[part]
        if shown != "required" and not isinstance(value, dict):
            assert yaml_value(shown) == value, f"{key}: documented {shown}, is {value}"


def yaml_value(text: str) -> object:
    """What a table cell says: YAML in backticks, perhaps followed by words."""
    import yaml

    return yaml.safe_load(re.match(r"`(.*?)`", text)[1])


@pytest.mark.parametrize(
    "page", ["README.md", "docs/guide/data.md", "docs/guide/train.md", "docs/guide/equilibration.md"]
)
def test_configurations_are_valid(page: str) -> None:
    import yaml
    from pair_les.training.config_file import parse_config

    found = blocks(page, "yaml")
    assert found
    for text in found:
        parse_config(yaml.safe_load(text), page)


def test_links_lead_somewhere() -> None:
    found = 0
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
            found += 1
    assert found > 5


def anchors(page: Path) -> set[str]:
    """Names of the headings of a page, as GitHub and Sphinx form them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_to_headings() -> None:
    found = 0
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]*)\)", page.read_text()):
            assert anchor in anchors(page.parent / target if target else page), (
                f"{page.name}: {target}#{anchor}"
            )
            found += 1
    assert found > 5


def test_pages_that_the_code_names_exist() -> None:
    """Every ``docs/...`` in sources, scripts and error messages."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = 0
    for name in listed.splitlines():
        if name.endswith((".py", ".h", ".cpp", ".cmake", ".txt", ".slurm", ".md", ".rst", ".yaml", ".toml")):
            for page in re.findall(r"(?<![\w./])docs/[\w/-]+\.(?:md|rst|py)", (ROOT / name).read_text()):
                assert (ROOT / page).is_file(), f"{name}: {page}"
                found += 1
    assert found > 10


def test_named_tests_exist() -> None:
    """Every ``tests/...py::name`` of the pages; so that a number in a table cannot lose the test that made it."""
    found = 0
    for page in PAGES:
        for file, name in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", page.read_text()):
            assert (ROOT / file).is_file(), f"{page.name}: {file}"
            assert not name or re.search(rf"^def {name}\b", (ROOT / file).read_text(), re.MULTILINE), (
                f"{file}::{name}"
            )
            found += 1
    assert found > 10


def test_named_sources_exist() -> None:
    """Every ``cpp/.../file.cpp::function`` of the pages, and every file of the sources."""
    found = 0
    for page in PAGES:
        if page.name == "CHANGELOG.md":
            continue
        for file, name in re.findall(
            r"`((?:cpp|kokkos|python|tests|benchmarks)/[\w/.]+\.\w+)(?:::(\w+))?`", page.read_text()
        ):
            assert (ROOT / file).is_file(), f"{page.name}: {file}"
            assert not name or re.search(rf"\b{name}\b", (ROOT / file).read_text()), (
                f"{page.name}: {file}::{name}"
            )
            found += 1
    assert found > 50


def test_every_page_is_in_the_table_of_contents() -> None:
    """Exactly once, in a table of docs/index.md."""
    listed = [
        line
        for table in re.findall(
            r"^```\{toctree\}\n(.*?)^```", (ROOT / "docs/index.md").read_text(), re.DOTALL | re.MULTILINE
        )
        for line in table.split("\n")
        if line and not line.startswith(":")
    ]
    pages = [
        str(page.relative_to(ROOT / "docs").with_suffix(""))
        for page in PAGES
        if (ROOT / "docs") in page.parents and page.name != "index.md"
    ]
    assert sorted(listed) == sorted(pages)


def test_prose_is_wrapped() -> None:
    """At 100 characters; tables, programs, formulas and images are as long as they are."""
    for page in PAGES:
        if page.suffix != ".md" or page.name == "CHANGELOG.md":
            continue
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        long = [
            line
            for line in text.splitlines()
            if len(line) > 100 and not line.startswith(("|", "    ", "[![", "!["))
        ]
        assert not long, f"{page.name}: {long[0]}"
