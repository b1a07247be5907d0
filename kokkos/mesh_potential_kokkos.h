// SPDX-License-Identifier: GPL-2.0-only
// Potential of pppm/kk at the atoms, read from its mesh on the device. LAMMPS has it only as energies of
// atoms, which pppm/kk copies to the host on each step that asks for them.

#ifndef PAIR_LES_KOKKOS_MESH_POTENTIAL_KOKKOS_H
#define PAIR_LES_KOKKOS_MESH_POTENTIAL_KOKKOS_H

#include "grid3d_kokkos.h"
#include "math_const.h"
#include "pppm_kokkos.h"

#include <Kokkos_Core.hpp>

#include <type_traits>
#include <utility>

namespace LAMMPS_NS {

// dE/dq_i of the mesh in energy per charge of LAMMPS, where PPPM has
//   E = C [sum_i q_i u(r_i) / 2 - g / sqrt(pi) sum_i q_i^2 - pi Q^2 / (2 g^2 V)],  Q = sum_i q_i
// (PPPM::compute(); C = qqrd2e, g = g_ewald, u the potential on the mesh at r_i).
template <class DeviceType> struct MeshPotential {
  typename PPPMKokkos<DeviceType>::FFT_AT::t_FFT_SCALAR_3d values;
  typename PPPMKokkos<DeviceType>::FFT_AT::t_FFT_SCALAR_2d_3 weights; // of the stencil of each atom
  typename PPPMKokkos<DeviceType>::AT::t_int_1d_3 nearest;            // mesh point of each atom
  int begin = 0, end = -1, center = 0;                                // of the stencil
  int origin[3] = {0, 0, 0}; // first mesh point of this process
  double unit = 0.0, self = 0.0, background = 0.0;

  KOKKOS_INLINE_FUNCTION double operator()(const int i, const double q) const
  {
    const int x = nearest(i, 0) - origin[0], y = nearest(i, 1) - origin[1],
              z = nearest(i, 2) - origin[2];
    double u = 0.0;
    for (int n = begin; n <= end; n++) {
      const double wz = weights(i, n + center, 2);
      for (int m = begin; m <= end; m++) {
        const double wyz = wz * weights(i, m + center, 1);
        for (int l = begin; l <= end; l++)
          u += wyz * weights(i, l + center, 0) * values(z + n, y + m, x + l);
      }
    }
    return unit * (u - self * q - background);
  }
};

// Members of pppm/kk that its children alone see.
template <class DeviceType> struct PPPMMeshAccess : public PPPMKokkos<DeviceType> {
  // Of the last compute(), whose mesh in k space it transforms once more. Collective.
  static MeshPotential<DeviceType> potential(PPPMKokkos<DeviceType> *kspace, const double qqrd2e)
  {
    const auto get = [kspace](auto member) -> auto & { return kspace->*member; };
    MeshPotential<DeviceType> result;
    if (get(&PPPMMeshAccess::qsqsum) == 0.0) return result; // compute() left the mesh alone

    transform(kspace);
    result.values = get(&PPPMMeshAccess::d_u_brick);
    result.weights = get(&PPPMMeshAccess::d_rho1d);
    result.nearest = get(&PPPMMeshAccess::d_part2grid);
    result.begin = get(&PPPMMeshAccess::nlower);
    result.end = get(&PPPMMeshAccess::nupper);
    result.center = get(&PPPMMeshAccess::order) / 2;
    result.origin[0] = get(&PPPMMeshAccess::nxlo_out);
    result.origin[1] = get(&PPPMMeshAccess::nylo_out);
    result.origin[2] = get(&PPPMMeshAccess::nzlo_out);
    const double g = get(&PPPMMeshAccess::g_ewald);
    result.unit = qqrd2e * get(&PPPMMeshAccess::scale);
    result.self = 2.0 * g / MathConst::MY_PIS;
    result.background =
        MathConst::MY_PI * get(&PPPMMeshAccess::qsum) / (g * g * get(&PPPMMeshAccess::volume));
    return result;
  }

  // Sums over all atoms of a periodic slab: of q z and of q z^2, given those of this process. Potential
  // dE/dq_i = C 4 pi / V [z_i M - (M_2 + Q z_i^2) / 2 - Q L^2 / 12] (PPPM::slabcorr(), L the height).
  struct Slab {
    double unit = 0.0, dipole = 0.0, constant = 0.0, charge = 0.0;
  };
  static bool corrects_slab(PPPMKokkos<DeviceType> *kspace)
  {
    return kspace->*(&PPPMMeshAccess::slabflag) == 1;
  }
  static Slab slab(PPPMKokkos<DeviceType> *kspace, const double *moments, const double qqrd2e,
                   const double height)
  {
    const double charge = kspace->*(&PPPMMeshAccess::qsum);
    const double length = height * (kspace->*(&PPPMMeshAccess::slab_volfactor));
    Slab result;
    result.unit = qqrd2e * (kspace->*(&PPPMMeshAccess::scale)) * 4.0 * MathConst::MY_PI /
                  (kspace->*(&PPPMMeshAccess::volume));
    result.dipole = moments[0];
    result.charge = charge;
    result.constant = 0.5 * moments[1] + charge * length * length / 12.0;
    return result;
  }

 private:
  // The potential on the mesh, with ghost cells. They are sent as the first component of the field:
  // LAMMPS sends values for energies of atoms seven at a time, and unpacks them in the wrong place
  // where comm_style is tiled.
  static void transform(PPPMKokkos<DeviceType> *kspace)
  {
    const auto get = [kspace](auto member) -> auto & { return kspace->*member; };
    auto &values = get(&PPPMMeshAccess::d_u_brick);
    auto &field = get(&PPPMMeshAccess::d_vdx_brick);
    using Brick = std::decay_t<decltype(values)>;
    if (values.extent(0) != field.extent(0) || values.extent(1) != field.extent(1) ||
        values.extent(2) != field.extent(2))
      values = Brick(Kokkos::view_alloc(Kokkos::WithoutInitializing, "les:mesh_potential"),
                     field.extent(0), field.extent(1), field.extent(2));

    int &energies = get(&PPPMMeshAccess::eflag_atom), &virials = get(&PPPMMeshAccess::vflag_atom);
    const int before[2] = {energies, virials};
    energies = 1;
    virials = 0;
    (kspace->*(&PPPMMeshAccess::poisson_peratom))();
    energies = before[0];
    virials = before[1];

    std::swap(values, field);
    get(&PPPMMeshAccess::gc)
        ->forward_comm(Grid3d::KSPACE, kspace, KSpace::FORWARD_IK, 3, sizeof(FFT_SCALAR),
                       get(&PPPMMeshAccess::k_gc_buf1), get(&PPPMMeshAccess::k_gc_buf2),
                       MPI_FFT_SCALAR);
    std::swap(values, field);
  }
};

} // namespace LAMMPS_NS

#endif
