# SPDX-License-Identifier: MIT
"""What happens in a step, as Kokkos itself reports it to a tool: order of kernels, fences and torch; copies; allocations.

On OpenMP kernels end before the next one begins, so that a missing fence does no harm there: these tests read the order
of events, which is the same on every backend, and fail if a fence is taken away. Copies between a host and a device that
share memory are not made by LAMMPS's own arrays; those of this package are, and are counted.
"""

from __future__ import annotations

import harness
import pytest
from systems import rock_salt

IONS = rock_salt((6, 6, 4), 2.9, seed=1)
MESH = ["kspace_modify order 7 diff ik"]
OVERLAY = [
    "pair_style hybrid/overlay zero 6.0 les",
    "pair_coeff * * zero",
    "pair_coeff * * les model.pt Cl Na",
]
OUTPUT = (
    "compute e all pe/atom\ncompute s all stress/atom NULL virial\ndump d all custom 1 d.txt c_e c_s[1]\n"
)


@pytest.fixture
def events(tool, tmp_path, model, monkeypatch):
    """``events(steps, style, extra)``: the events of a run of so many steps."""

    def record(steps: int, style: str = "les", extra: str = "", kspace: str = "pppm 1e-5") -> list[str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        monkeypatch.setenv("KOKKOS_TOOLS_LIBS", str(tool))
        monkeypatch.setenv("KOKKOS_EVENT_LOG", str(folder / "events.txt"))
        pair = OVERLAY if style == "overlay" else [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]
        script = harness.setup(folder, IONS, model(), kspace=kspace, after_pair=MESH, pair=pair)
        script += f"velocity all create 1200 4711\nfix nve all nve\nthermo 1000\n{extra}run {steps}\n"
        harness.run_lammps(script, folder, lammps=harness.kokkos_lammps())
        return (folder / "events.txt").read_text().splitlines()

    return record


@pytest.mark.parametrize("style", ["les", "les coul 7.0"])
def test_kokkos_has_ended_when_torch_begins(events, style):
    recorded = events(5, style)
    begins = [number for number, event in enumerate(recorded) if event.startswith("begin les: torch")]
    assert sum("forward" in recorded[number] for number in begins) >= 6
    assert sum("backward" in recorded[number] for number in begins) >= 6
    for begin in begins:
        before = recorded[:begin][::-1]
        fence = next(number for number, event in enumerate(before) if event == "fence les: before torch")
        kernels = [event for event in before[:fence] if event.startswith("kernel")]
        assert kernels == [], f"{recorded[begin]}: no fence after {kernels}"
        inside = recorded[begin + 1 : recorded.index("end ", begin)]
        assert [event for event in inside if event.startswith("kernel les:")] == []


def copies(recorded: list[str]) -> int:
    """Bytes that this package has had Kokkos copy; host memory that is only looked at has no name."""
    mine = [event.split() for event in recorded if event.startswith("copy") and "les:" in event]
    return sum(int(words[1]) for words in mine)


@pytest.mark.parametrize("style", ["les", "les coul 7.0", "overlay"])
def test_a_step_copies_nothing_to_or_from_the_host(events, style):
    """Twenty steps more cost no byte more; a step with output of atoms does, so that the test sees copies at all."""
    assert copies(events(10, style)) == copies(events(30, style))
    assert copies(events(11, style, OUTPUT)) > copies(events(10, style)) + 11 * 8 * len(IONS)


@pytest.mark.parametrize("style", ["les", "les coul 7.0", "overlay"])
def test_pppm_is_not_asked_for_energies_of_atoms(events, style):
    """It copies them to the host. Host and device share memory here, so that the array itself is looked for."""
    arrays = [
        sum(event == "allocate pair:eatom" for event in recorded)
        for recorded in (events(10, style), events(30, style), events(11, style, OUTPUT))
    ]
    assert arrays[0] == arrays[1] < arrays[2]


def test_kernels_of_a_step(events):
    """On a GPU each costs some microseconds, which small boxes have to wait for."""
    few, many = (sum(event.startswith("kernel les:") for event in events(steps, "les")) for steps in (10, 30))
    assert many - few <= 20 * 8


def test_a_solver_on_the_host_costs_its_potential(events):
    """The documented exception: 8 bytes per atom and step from the energies of a kspace style without /kk."""
    difference = copies(events(30, kspace="ewald 1e-4")) - copies(events(10, kspace="ewald 1e-4"))
    assert difference == 20 * 8 * len(IONS)


@pytest.mark.parametrize("style", ["les", "les coul 7.0"])
def test_memory_settles(events, style):
    """Edges come and go at every step; the arrays have their lengths after the first ones."""
    allocations = [
        sum(event.startswith("allocate les:") for event in events(steps, style)) for steps in (20, 80)
    ]
    assert 10 < allocations[0] <= allocations[1] <= allocations[0] + 4
