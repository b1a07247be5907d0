# SPDX-License-Identifier: MIT
"""Every tolerance of the tests, by what limits it. Absolute (eV, angstrom, e) unless named _RELATIVE."""

from dataclasses import dataclass

# ----------------------------------------------------------------------------------------- physics in Python

VECTORS = 1e-9
"""Published reference values, printed with 12 digits and more; the bar of the project."""

CONVERGED_SUM = 1e-10
"""Two converged float64 sums of one system, 1e-14 of energies up to 1e3 eV, summed in another order."""

MADELUNG_RELATIVE = 1e-12
"""Madelung constants are known to 13 digits; the float64 k sum loses one or two of them."""

FLOAT32_RELATIVE = 2e-5
"""float32 has 6e-8; sums of some hundred terms that partly cancel cost two digits."""

FINITE_DIFFERENCE_FORCE = 1e-6
"""Fourth-order differences, step 2e-3 A: rounding 1e-13 eV / step, truncation step^4."""

FINITE_DIFFERENCE_STRAIN = 1e-5
"""The same by strain, eV: a step of 1e-4 moves atoms by at most 1e-3 A; rounding 1e-12 eV / 1e-4."""

PURE_FUNCTION_RELATIVE = 1e-13
"""Plain-float formulas of a few operations, series and closed form compared."""

SYMMETRY = 1e-9
"""Translated, rotated, permuted or repeated system, float64: 1e-14 A of coordinates times 1e3 eV/A^2."""

TWO_PHASES = 1e-10
"""One float64 energy, differentiated as a whole and in two phases: sums of terms up to 1e2 eV in another order."""

BORN = 1e-6
"""e, Born charges against central differences of the dipole, 1e-4 A: rounding 1e-14 e A / step; bar of the project."""

# ------------------------------------------------------------------------------------------------- LAMMPS


@dataclass(frozen=True)
class Tolerance:
    """Deviations allowed between two evaluations: `charge` e, `energy` eV/atom, `force` eV/A, `virial` eV/atom."""

    charge: float
    energy: float
    force: float
    virial: float


EWALD = Tolerance(charge=1e-12, energy=1e-7, force=1e-5, virial=1e-6)
"""Bar of the project for a converged solver. Charges see no solver: rounding of float64."""

PPPM = Tolerance(charge=1e-12, energy=2e-6, force=2e-4, virial=2e-5)
"""Bar of the project for ``pppm 1e-7 order 7``. It names no virial: that of the mesh is as accurate as its energy up to
a factor k d/dk of the Gaussian, below 10."""

FLOAT32 = Tolerance(charge=2e-6, energy=5e-6, force=2e-4, virial=2e-5)
"""Edge vectors rounded to 6e-8 relative, energies of 10 eV per atom and forces of 10 eV/A summed in another order."""

REFERENCE_ENERGY = 1e-8
"""eV/atom, between energies with and without a constant of up to 5e5 eV per atom: a few roundings of float64. The bar of the project is 1e-5."""

REFERENCE_POSITION = 1e-9
"""Two minimizations that take the same steps, whose totals are rounded differently."""

VECTORS_LAMMPS = Tolerance(charge=1e-7, energy=1e-7, force=1e-7, virial=1e-7)
"""Published reference values through LAMMPS's `ewald`; the bar of the project."""

SLAB_VACUUM = Tolerance(charge=1e-9, energy=1e-7, force=1e-6, virial=1e-6)
"""A slab in two boxes with empty spaces of 39 and 30 A above lattice vectors of 11 A: images act by exp(-2 pi 30 / 11)."""

SAME = Tolerance(charge=1e-11, energy=1e-9, force=1e-8, virial=1e-8)
"""The same physics in another decomposition, order of commands or place: rounding of float64 sums, and of the input
coordinates where the box moves (1e-13 A at 800 A, times 1e3 eV/A^2)."""

SAME_MESSAGES = Tolerance(charge=1e-12, energy=1e-12, force=1e-11, virial=1e-11)
"""Messages of ghosts communicated or computed again: the same terms of order 1 to 10, summed in another order."""

DIFFERENCED_FORCE = 3e-6
"""Central differences inside LAMMPS, 1e-4 A: truncation h^2/6 of a third derivative below 1e3 eV/A^3."""

DIFFERENCED_VIRIAL = 1e-6
"""The same by strain, eV per atom: a strain of 1e-5 and 1e-12 eV of rounding."""

DIFFERENCED_BORN_MATRIX = 2e-5
"""Second derivatives by strain of 20 eV, from virials at strains of 1e-4: truncation 1e-8/6 of a fourth derivative below 1e4 eV."""

DIFFERENCED_FORCE_PPPM = 2e-4
"""A mesh force is not the derivative of the mesh energy (`ik`), or only without the self force (`ad`): mesh error."""

FORCE_PPPM_1E5 = 2e-4
"""rms, eV/A: ``pppm 1e-5`` promises 1e-5 of the force of two unit charges 1 A apart, 1.4e-4 eV/A."""

DYNAMICS_PPPM = Tolerance(charge=1e-12, energy=1e-5, force=2e-4, virial=5e-5)
"""``pppm 1e-6`` with the default order 5: rms 1.4e-5 eV/A by its own estimate, ten times that for the largest force;
its energy error adds up coherently in a crystal, 3e-6 eV per atom seen."""

CONSERVED_ENERGY = 1e-4
"""eV per atom, peak to peak over 0.3 ps at 600 K and 0.5 fs: the Verlet error, a few 1e-5 eV per atom."""

DRIFT = 0.01
"""meV per atom and ps, slope over 2 ps; the bar of the project for ``pppm 1e-5`` and 0.5 fs."""

# --------------------------------------------------------------------------------------------- the network

BASIS_FUNCTIONS = 1e-12
"""Basis functions, densities and products, float64, relative to the largest: two formulas of a few hundred operations."""

NET_SYMMETRY = 1e-10
"""Rotated, translated, permuted or padded input of a network with outputs of order 1, float64."""

MSM = Tolerance(charge=1e-12, energy=1e-5, force=3e-4, virial=3e-4)
"""``msm 1e-6``, order 10, has an error of its own: 3e-6 eV/atom, 8e-5 eV/A and 8e-5 eV/atom in a periodic box."""

FLOAT32_TRAINED = Tolerance(charge=1e-5, energy=1e-4, force=2e-3, virial=2e-4)
"""A trained float32 network, where large terms cancel; atomic energies of 500 eV alone round to 3e-5 eV."""

ENERGY_PPPM_1E4 = 1e-4
"""eV per atom between two meshes of ``pppm 1e-4``: its error of 1e-3 eV/A over the width of a mesh cell."""

MEMORY_GROWTH = 2.0
"""MiB of resident memory between steps 1000 and 2000 of a run whose buffers have all had their largest size."""

FIRST_STEP_STALL = 10.0
"""A first step may take this many times the median: allocations and the first use of each operator, no compilation."""

TOTAL_CHARGE = 1e-11
"""e, of 48 charges from which their mean was subtracted, each printed with 17 digits."""

POTENTIAL = 1e-6
"""V, ``dE_lr/dq`` of a converged solver: its energy error of 1e-7 eV per atom and e, with a margin."""

PER_ATOM_SUM = 1e-6
"""eV, sum over atoms against the total of the same quantity: 1e-9 of energies up to 1e3 eV, through two conversions."""

SAME_STEP_RELATIVE = 1e-12
"""The first step of two runs of one input, pressures of 1e5 bar: rounding."""

SAME_TRAJECTORY = 1e-9
"""eV in all, ten to twenty steps of the same forces with different output or numbering."""

BORN_LAMMPS = 1e-8
"""e and e angstrom, float64 models: sums of some hundred terms in another order; bar of the project."""

CURRENT = 1e-2
"""e angstrom/ps, of 10 and more: central differences over 4e-5 ps of a dipole printed with 17 digits, and h^2 of its
third derivative."""

CUT_TRAJECTORY = 1e-6
"""eV in all after twelve steps that were cut by other commands: neighbor lists rebuilt, sums in another order."""

# Fused operators against their twins, relative to the largest element (issue 4).
FUSED_FLOAT64 = 1e-12
FUSED_FLOAT32 = 1e-5

NET_FORCE = 1e-9
"""eV/A, sum of forces that cancel pairwise: rounding of 1e2 forces of 10 eV/A."""

PER_ATOM_RELATIVE = 1e-10
"""Sums over atoms against totals, relative to the largest: the bar of the project; other orders of summation."""

HEAT_CURRENT = 1e-3
"""eV A/ps of currents of 1e2: central differences over 4e-5 ps, third derivatives of 1e6 eV A/ps^3 and less."""

# compute les/committee/atom against torch, eV/A and e: ewald 1e-11 in the potential, float64.
COMMITTEE_SPREAD = 1e-9

EQUILIBRATED = Tolerance(charge=1e-7, energy=1e-7, force=1e-5, virial=1e-6)
"""As EWALD; the charges are those of a solve to 1e-11 e with a potential of 1e-7 V. The bar of the project is 1e-6."""

EQUILIBRATED_PPPM = Tolerance(charge=2e-6, energy=2e-6, force=2e-4, virial=2e-5)
"""As PPPM; charges see its potential, 1e-5 V, divided by a hardness."""

# ------------------------------------------------------------------------------------------- converted models

SOURCE_FLOAT64 = Tolerance(charge=1e-9, energy=1e-9, force=1e-8, virial=1e-8)
"""A converted model and the package that it comes from, the same operations in another order; bar of the project. Energies of
70 000 eV per atom round to 1e-11 eV."""

SOURCE_FLOAT32 = Tolerance(charge=1e-5, energy=1e-6, force=1e-4, virial=1e-4)
"""The same where the converted network is of float32 and the package runs in float64; bar of the project."""

PUBLISHED_WATER_FORCE = 10.5
"""meV/A, rms on DFT frames of water: the published MACE-LES model has 9 to 11."""

PUBLISHED_DIPEPTIDE_FORCE = {"mace_les_dipeptides": 45.0, "cace_les_dipeptides": 75.0}
"""meV/A, rms on the validation frames. MACE-LES of 4 A: published 43.5. CACE-LES of 4 A, nu 2: no published number; the converted
file is measured at 74.7 on all 55 frames, above the 70 that the project aims at, and this bound only guards the measured value."""

EQUILIBRATED_DYNAMICS = Tolerance(charge=2e-5, energy=1e-5, force=3e-4, virial=5e-5)
"""As DYNAMICS_PPPM; charges see its potential, 1e-4 V, divided by a hardness."""

MOVED_MESH_ENERGY = 1.4e-3
"""eV: a mesh at another place relative to the atoms; its error at ``pppm 1.0e-4``, 1.4 meV/A, over distances of 1 A."""

PLANAR_CAPACITOR_RELATIVE = 1e-3
"""Walls of Gaussians 1.5 sigma apart against a smooth sheet: exp(-sigma^2 k^2 / 2) is 2e-4 at the first reciprocal vector. The bar of
the project is 1e-2."""

UNCERTAINTY_ALGEBRA = 1e-5
"""eV, energies of the readout against features times weights: the reference network has float32 weights and normalization."""

UNCERTAINTY = 1e-9
"""eV and eV/A, compute les/uncertainty/atom against Python, float64: two orders of summation. The bar of the project is 1e-6."""

RESTART_POSITIONS = 1e-9
"""A, a run that goes on from a restart file: tens of steps after forces that differ in their last digits (ewald 1e-11)."""

ELECTRODE_CHARGE = 1e-8
"""e, ``ewald 1e-11`` against a dense solve, in slabs whose images act by exp(-2 pi 60 / 7.5); bar of the project."""

ELECTRODE_ENERGY = 1e-7
"""eV in all: the energy is of second order in the error of the charges of electrodes, of first order in that of the sum."""

ELECTRODE_CHARGE_PPPM = 5e-4
"""e: ``pppm 1e-5`` has a potential of 1e-3 V beside ions, divided by the 10 V/e of a charge on a wall."""

STOCK_ELECTRODE = Tolerance(charge=1e-6, energy=1e-6, force=1e-5, virial=1e-5)
"""Against ``fix electrode/conp``, whose ions are points: erfc(3.5 / (sqrt2 0.5)) = 3e-12. The bar of the project."""
