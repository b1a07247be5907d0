// SPDX-License-Identifier: MIT
// The only place for physical and format constants of the C++ side (mirror of python/pair_les/constants.py).

#ifndef PAIR_LES_CORE_CONSTANTS_H
#define PAIR_LES_CORE_CONSTANTS_H

namespace pair_les {

constexpr double PI = 3.14159265358979323846;
constexpr double SQRT_PI = 1.77245385090551602730;
constexpr double SQRT_2 = 1.41421356237309504880;

// 1/(4 pi eps0) in eV angstrom / e^2 (CODATA 2018)
constexpr double COULOMB_CONSTANT = 14.3996454784;

// angstrom; nuclei do not come closer in collisions of tens of keV, duplicates of an atom do
constexpr double SMALLEST_DISTANCE = 0.01;

constexpr const char *MODEL_FORMAT = "pair_les";
constexpr int MODEL_FORMAT_VERSION = 3; // the newest; all before are read, too

} // namespace pair_les

#endif
