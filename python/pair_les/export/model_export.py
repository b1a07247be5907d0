# SPDX-License-Identifier: MIT
"""``pair-les export``: a checkpoint becomes a model file, which is compared with what was trained."""

from __future__ import annotations

import copy
import math
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data.batches import Batch, collate
from ..data.graphs import build_graphs
from ..errors import RunError
from ..evaluation.model_network import model_network
from ..evaluation.prediction import Network, predict
from ..installation import fused_operators
from ..model_file.archive import created_with, load_model, save_model, save_package
from ..model_file.charge_state import choose_charge_state
from ..model_file.formats import require_format
from ..model_file.metadata import ContractError, LongRange, Metadata
from ..net import ContractNet
from ..net.committee import Committee, committee_of
from ..net.density_net import DensityNet
from ..net.uncertainty import UncertainNet
from ..output_files import errors_name
from ..training.network import DTYPES
from ..training.trained import TrainedModel, load_trained
from ..training.usability import require_usable
from .committee_charges import align_signs, measure_spread
from .uncertainty import OF_RUN, add_uncertainty, require_uncertainty_possible

REFERENCES = (
    "B. Cheng, npj Comput. Mater. 11 (2025), doi:10.1038/s41524-025-01577-7 (latent Ewald summation)",
    "D. S. King et al., Nat. Commun. 16 (2025), doi:10.1038/s41467-025-63852-x (latent charges)",
)
"""Of the method, written into every model with charges; see CITATION.cff."""


TOLERANCES = {
    "float64": {"energy": 1e-9, "charge": 1e-9, "forces": 1e-8},
    "float32": {"energy": 2e-6, "charge": 1e-5, "forces": 1e-3},
}
"""eV/atom, e, eV/angstrom, for values of order 1; larger ones have larger limits (`_largest_scale`). float64: two orders of
summation. float32: tens to hundreds of roundings of 6e-8; more in forces, sums over some 70 edges of terms
larger than the sum."""

LARGE = 20.0
"""eV/atom, e, and times the energy scale of a network, which is the size of its labels: larger predictions have no larger limits."""


@dataclass(frozen=True)
class Check:
    """Largest difference between a model file and the trained network on the sample frames."""

    quantity: str
    unit: str
    difference: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within its limit; NaN is not."""
        return self.difference <= self.limit

    def __str__(self) -> str:
        verdict = "ok" if self.passed else "TOO LARGE"
        return f"{self.quantity:<7} {self.difference:.2e} {self.unit} (limit {self.limit:.0e}) {verdict}"


def export(
    checkpoint: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    precision: str | None = None,
    description: str = "",
    charge: float | None = None,
    n_atoms: int | None = None,
    file_format: str = "torchscript",
    instruction_set: str | None = None,
    say: Callable[[str], None] = print,
    force: bool = False,
    uncertainty: Sequence[str] = (),
    calibration: Sequence[str] = (OF_RUN,),
) -> list[Check]:
    """Write a model file, load it again, and compare it with the trained network on sample frames.

    Nothing is left at `output` that has not passed; a file that was there before stays until then.

    Parameters
    ----------
    checkpoint
        Run folder (its best weights) or checkpoint file; several of them make a committee, whose energies and charges are
        the means of its networks.
    output
        Model file to write.
    precision
        ``float32`` or ``float64``; None: as trained.
    description
        Free text for the metadata.
    charge, n_atoms
        Total charge, e, and number of atoms of the state to write, for networks that are conditioned on the charge state
        (see `choose_charge_state`); None for others.
    file_format
        ``torchscript``, or ``pt2``: compiled for this release of torch and for `instruction_set`.
    instruction_set
        baseline, avx2 or avx512, of a pt2; None: the best of this processor.
    say
        Gets lines of progress of the compilation, and how well the networks of a committee agree.
    force
        Whether to write models that their runs found not to be usable (`require_usable`).
    uncertainty, calibration
        Files of the training frames, and of frames to calibrate on, of a model with uncertainties, or `OF_RUN`
        (`add_uncertainty`); without the former there are none.

    Returns
    -------
    The differences, all within their limits.

    Raises
    ------
    RunError
        If a checkpoint cannot be read or its model is not usable, the networks of a committee do not go together, the network
        cannot be compiled, or the file does not reproduce what was trained.
    ContractError
        If the folder of `output` does not exist.
    OutputError
        If the file cannot be written.
    """
    output = Path(output)
    require_format(output, file_format, instruction_set)
    if not output.parent.is_dir():
        raise ContractError(
            f"{output}: folder '{output.parent}' does not exist: create it or give another path"
        )
    checkpoints = [checkpoint] if isinstance(checkpoint, str | os.PathLike) else list(checkpoint)
    models = [load_trained(path) for path in checkpoints]
    if not force:
        for path in checkpoints:
            require_usable(path)
    require_alike(models)
    if uncertainty:
        require_uncertainty_possible(models, file_format)
    align_signs(models)
    model = models[0]
    precision = precision or model.config.training.precision
    state = charge_per_atom(model, charge, n_atoms)
    reference_energies = mean_reference_energies(models)
    members = []
    for trained in models:
        trained_network = trained.network
        network = (
            copy.deepcopy(trained_network) if state is None else trained_network.at_charge_state(state)
        ).to(DTYPES[precision])
        network.reference_energies = torch.zeros_like(reference_energies)  # the metadata has them
        members.append(network)
    whole: ContractNet | Committee | UncertainNet = members[0] if len(members) == 1 else committee_of(members)
    metadata = Metadata(
        species=tuple(model.species),
        cutoff=model.config.model.cutoff,
        message_passing_layers=model.network.message_passing_layers,
        dtype=precision,
        long_range=model.long_range,
        created_with={
            **created_with(),
            "model": model.config.model.model_dump(mode="json"),
            **({"backbone": dict(model.backbone.versions)} if model.backbone else {}),
            **({"origin": dict(model.origin)} if model.origin else {}),
        },
        description=description,
        references=REFERENCES if model.long_range is not None else (),
        reference_energies=dict(zip(model.species, reference_energies.tolist(), strict=True))
        if reference_energies.any()
        else {},
        committee=len(models),
        message_features=whole.message_features(),
        charge_per_atom=state,
    )
    if uncertainty:
        whole, metadata = add_uncertainty(members[0], metadata, model, uncertainty, calibration, say)
    unchecked = output.with_name(f".{output.name}.{uuid.uuid4().hex}")
    try:
        with errors_name(output):
            if file_format == "pt2":
                save_package(unchecked, whole, metadata, instruction_set, say)
            else:
                plain, fused = script_network(whole)
                save_model(unchecked, plain, metadata, fused)
        checks = compare_with_trained(unchecked, models, state)
        failed = [check for check in checks if not check.passed]
        if failed:
            raise RunError(
                f"{output}: not written: the exported model differs from the trained one: {failed[0]}: "
                "try --precision float64, and report this"
            )
        if len(models) > 1:
            networks = [_mean_network([member], state) for member in models]
            say(str(measure_spread(networks, _mean_network(models, state), model)))
        os.replace(unchecked, output)
    finally:
        unchecked.unlink(missing_ok=True)
    return checks


def mean_reference_energies(models: Sequence[TrainedModel]) -> Tensor:
    """Reference energies of a model file, eV ``[n_species]``, float64: the mean over its networks.

    They go into the metadata, so that no energy of their size is ever rounded to float32.
    """
    return torch.stack([model.network.reference_energies.double() for model in models]).mean(0)


def charge_per_atom(model: TrainedModel, charge: float | None, n_atoms: int | None) -> float | None:
    """Return the state to write, e per atom; None for networks that are not conditioned on one, and `RunError` where they are given one."""
    if model.config.model.charge_state:
        return choose_charge_state(model.charge_states, charge, n_atoms, model.file)
    for name, value in (("--charge", charge), ("--atoms", n_atoms)):
        if value is not None:
            raise RunError(
                f"{model.file}: {name} {value:g}: this network is not conditioned on the charge state: leave it out, and give "
                "'pair_style les charge Q' in LAMMPS; or train with model.charge_state"
            )
    return None


def require_alike(models: Sequence[TrainedModel]) -> None:
    """Raise `RunError` unless the networks can stand in one file: same elements, cutoff, layers and long range."""
    first = models[0]
    if len(models) > 1 and first.long_range is not None and first.long_range.equilibrates:
        raise RunError(
            f"{first.file}: committees of networks with charge_model equilibration are not supported: export one network"
        )
    if len(models) > 1 and first.backbone is not None:
        raise RunError(
            f"{first.file}: committees of networks with a backbone are not supported: export one network"
        )
    for model in models[1:]:
        for name, one, other in (
            ("species", first.species, model.species),
            ("cutoff", first.config.model.cutoff, model.config.model.cutoff),
            (
                "message_passing_layers",
                first.network.message_passing_layers,
                model.network.message_passing_layers,
            ),
            ("long_range", first.long_range, model.long_range),
            ("charge_state", first.config.model.charge_state, model.config.model.charge_state),
            ("charge states", first.charge_states, model.charge_states),
            ("training.precision", first.config.training.precision, model.config.training.precision),
        ):
            if one != other:
                raise RunError(
                    f"{model.file}: {name} is {other}, that of {first.file} is {one}: a committee has networks that "
                    "differ in their weights only; train them with one configuration and different training.seed"
                )


def script_network(
    network: ContractNet | Committee | UncertainNet,
) -> tuple[torch.jit.ScriptModule, torch.jit.ScriptModule | None]:
    """The network in plain torch, for any reader, and in the fused operators, where they are installed.

    The network is left with the choice it had.

    Raises
    ------
    RunError
        If torch cannot script it.
    """
    members = [member for member in network.modules() if isinstance(member, ContractNet)]
    chosen = members[0].fused
    try:
        _choose_fused(members, False)
        plain = torch.jit.script(network)
        fused = None
        if fused_operators.load() and all(isinstance(member, DensityNet) for member in members):
            _choose_fused(members, True)
            fused = torch.jit.script(network)
    except Exception as error:  # whatever the network does that cannot be scripted
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise RunError(
            f"{type(network).__name__}: torch cannot script this network: {type(error).__name__}: {reason}: write its "
            "forward in what torch.jit.script understands, or use --format pt2"
        ) from error
    finally:
        _choose_fused(members, chosen)
    return plain, fused


def _choose_fused(members: Sequence[ContractNet], fused: bool) -> None:
    for member in members:
        member.fused = fused


def compare_with_trained(
    file: str | os.PathLike[str], models: Sequence[TrainedModel], state: float | None = None
) -> list[Check]:
    """Largest differences in energy, charges and forces between a model file and the trained networks.

    `state`, e per atom, is the input of networks that are conditioned on the charge state; None for others.
    """
    model = models[0]
    module, metadata = load_model(file)
    graphs = build_graphs(model.samples, model.species, metadata.cutoff)
    expected: dict[str, list[np.ndarray]] = {"energy": [], "charge": [], "forces": []}
    found: dict[str, list[np.ndarray]] = {"energy": [], "charge": [], "forces": []}
    exported = model_network(module, metadata, file)
    for batch in (collate([graph]) for graph in graphs):
        _collect(expected, _mean_network(models, state), model.long_range, batch, model.dtype)
        _collect(found, exported, metadata.long_range, batch, DTYPES[metadata.dtype])
    units = {"energy": "eV/atom", "charge": "e", "forces": "eV/A"}
    tolerances = TOLERANCES[
        "float32" if "float32" in (metadata.dtype, model.config.training.precision) else "float64"
    ]
    checks = []
    for quantity, unit in units.items():
        if not expected[quantity]:
            continue
        reference = np.concatenate(expected[quantity])
        difference = float(np.max(np.abs(np.concatenate(found[quantity]) - reference)))
        scale = max(1.0, min(float(np.max(np.abs(reference))), _largest_scale(quantity, models)))
        checks.append(Check(quantity, unit, difference, tolerances[quantity] * scale))
    return checks


def _largest_scale(quantity: str, models: Sequence[TrainedModel]) -> float:
    """Size of an energy per atom without reference energies, charge or force component (eV, e, eV/angstrom) that labels of
    these networks can have."""
    if quantity == "charge":
        return LARGE
    scale = LARGE * max(float(model.network.energy_scale) for model in models)
    if quantity == "forces":
        return scale
    if any(model.config.data.reference_energies is None for model in models):
        return math.inf  # energies of any size are learned
    return LARGE + scale  # cohesive energies are below 10 eV/atom


def _mean_network(models: Sequence[TrainedModel], state: float | None) -> Network:
    """Mean of the trained networks in their own code (not scripted), without reference energies."""

    def network(
        species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> tuple[Tensor, Tensor]:
        energies, charges = [], []
        for model in models:
            charge_inputs = [] if state is None else [edge_vectors.new_full((n_local,), state)]
            energy, charge = model.network.interaction(
                species, edge_index, edge_vectors, n_local, *charge_inputs
            )
            energies.append(energy.double())
            charges.append(charge)
        return torch.stack(energies).mean(0), torch.stack(charges).mean(0)

    return network


def _collect(
    into: dict[str, list[np.ndarray]],
    network: Network,
    long_range: LongRange | None,
    batch: Batch,
    dtype: torch.dtype,
) -> None:
    prediction = predict(network, long_range, batch, dtype)
    into["energy"].append((prediction.energy / batch.n_atoms).numpy())
    into["forces"].append(prediction.forces.numpy())
    if prediction.charge is not None:
        into["charge"].append(prediction.charge.double().numpy())
