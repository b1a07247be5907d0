# SPDX-License-Identifier: MIT
"""metadata.json read by C++: the same file as Python reads, and one line for each broken rule."""

import json

import pytest
from pair_les import LongRange, Metadata
from pair_les.model_file.nearest_species import nearest_species

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")

GOOD = json.loads(
    Metadata(
        species=("O", "H"),
        cutoff=5.5,
        dtype="float32",
        long_range=LongRange(sigma=1.25, coulomb_constant=14.3315, self_interaction=True, neutralize=True),
        created_with={"pair_les": "0.1.0"},
        description="water",
        references=("a paper",),
    ).to_json()
)


def changed(key: str, value: object) -> str:
    """GOOD with one key (dots descend) replaced, or removed where the value is `del`."""
    data = json.loads(json.dumps(GOOD))
    *parents, last = key.split(".")
    owner = data
    for parent in parents:
        owner = owner[parent]
    if value == "del":
        del owner[last]
    else:
        owner[last] = value
    return json.dumps(data)


def test_reads_what_python_writes():
    read = core.parse_metadata(json.dumps(GOOD), "model.pt")
    assert read.species == ["O", "H"]
    assert (read.cutoff, read.message_passing_layers, read.dtype) == (5.5, 0, "float32")
    assert (read.long_range.sigma, read.long_range.coulomb_constant) == (1.25, 14.3315)
    assert read.long_range.self_interaction and read.long_range.neutralize
    assert (read.description, read.references) == ("water", ["a paper"])


def test_a_shifted_sum_is_version_2_of_the_contract():
    data = json.loads(changed("long_range.neutralize", True))
    data["charge_per_atom"] = 0.5
    with pytest.raises(RuntimeError, match="must be 2 where neutralize shifts to charge_per_atom"):
        core.parse_metadata(json.dumps(data), "m.pt")
    data["format_version"] = 2
    data["long_range"]["charge_model"] = "latent"
    assert core.parse_metadata(json.dumps(data), "m.pt").long_range.neutralize


def test_reference_energies_are_version_3_of_the_contract():
    """In the order of the species; every reader of version 2 and before refuses the file by its number."""
    data = json.loads(changed("reference_energies", {"H": -13.6, "O": -2041.3}))
    with pytest.raises(
        RuntimeError, match="'m.pt': .*'format_version' is 1 but must be 3 where there are ref"
    ):
        core.parse_metadata(json.dumps(data), "m.pt")
    data["format_version"] = 3
    data["long_range"]["charge_model"] = "latent"
    assert core.parse_metadata(json.dumps(data), "m.pt").reference_energies == [-2041.3, -13.6]
    assert core.parse_metadata(json.dumps(GOOD), "m.pt").reference_energies == []


def test_null_long_range_and_unknown_keys():
    assert core.parse_metadata(changed("long_range", None), "m.pt").long_range is None
    assert core.parse_metadata(changed("some_future_key", [1, 2]), "m.pt").cutoff == 5.5


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("format", "other", "must be 'pair_les'"),
        ("format_version", 4, "this pair_les reads versions 1 to 3"),
        ("format_version", "1", "must be an integer"),
        ("species", [], "must name at least one element"),
        ("species", ["O", "O"], "more than once"),
        ("species", "O", "must be a list of strings"),
        ("cutoff", -1.0, "must be a number > 0"),
        ("cutoff", "5.5", "must be a number > 0"),
        ("message_passing_layers", -1, "must be >= 0"),
        ("message_passing_layers", 0.5, "must be an integer"),
        ("dtype", "float16", "must be 'float32' or 'float64'"),
        ("units", {"length": "nm"}, "angstrom"),
        ("long_range", "yes", "must be an object or null"),
        ("long_range.sigma", "del", "is missing"),
        ("long_range.sigma", 0.0, "must be a number > 0"),
        ("long_range.neutralize", 1, "must be true or false"),
        ("created_with", "me", "must be an object"),
        ("charge_per_atom", "1", "must be a finite number"),
        ("reference_energies", [1.0, 2.0], "must be an object"),
        ("uncertainty", 1.0, "must be an object"),
        *[(name, "del", "is missing") for name in GOOD if name not in ("description", "references")],
    ],
)
def test_broken_rule_is_one_line_with_file_key_and_rule(key, value, rule):
    with pytest.raises(RuntimeError) as caught:
        core.parse_metadata(changed(key, value), "bad.pt")
    message = str(caught.value)
    assert "'bad.pt'" in message and f"'{key}'" in message and rule in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("energies", "rule"),
    [
        ({"O": 1.0}, "'reference_energies.H' is missing"),
        ({"O": 1.0, "H": "2"}, "'reference_energies.H' is \"2\" but must be a finite number"),
        ({"O": 1.0, "H": 2.0, "N": 3.0}, "'reference_energies.N' is not the energy of one of the species"),
    ],
)
def test_broken_reference_energies(energies, rule):
    with pytest.raises(RuntimeError, match=f"^model file 'bad.pt': metadata key {rule}"):
        core.parse_metadata(changed("reference_energies", energies), "bad.pt")


def test_broken_uncertainty():
    rule = "'uncertainty.inverse_length.H' is -1.0 but must be a number > 0"
    value = {"inverse_length": {"O": 1.0, "H": -1.0}, "training_force": 0.1}
    with pytest.raises(RuntimeError, match=f"^model file 'bad.pt': metadata key {rule}"):
        core.parse_metadata(changed("uncertainty", value), "bad.pt")


def test_not_json():
    with pytest.raises(RuntimeError, match="'bad.pt': metadata.json is not a JSON object"):
        core.parse_metadata("{", "bad.pt")


def test_nearest_species():
    read = core.parse_metadata(changed("species", ["Na", "Cl", "O"]), "m.pt")
    assert read.species_index("Cl") == 1 and read.species_index("cl") == -1
    assert read.nearest_species("Ck") == "Cl" and read.nearest_species("Nb") == "Na"


@pytest.mark.parametrize(
    ("symbol", "near"),
    [("o", "O"), ("h", "H"), ("CL", "Cl"), ("OW", "O"), ("HW1", "H"), ("Cl-", "Cl"), ("Cm", "Cl"), ("l", "Cl"),
     ("Xe", ""), ("Os", ""), ("oxygen", ""), ("", "")],
)  # fmt: skip
def test_nearest_species_in_both_languages(symbol, near):
    species = ["H", "O", "Cl"]
    assert core.parse_metadata(changed("species", species), "m.pt").nearest_species(symbol) == near
    assert nearest_species(symbol, species) == near
