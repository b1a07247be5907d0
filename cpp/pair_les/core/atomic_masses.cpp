// SPDX-License-Identifier: MIT

#include "atomic_masses.h"

#include <algorithm>
#include <cmath>

namespace pair_les {

namespace {

struct Element {
  const char *symbol;
  double mass;
};

// IUPAC standard atomic weights (2016), of the longest-lived isotope where there is none
constexpr Element ELEMENTS[] = {
    {"H", 1.008},      {"He", 4.002602},  {"Li", 6.94},      {"Be", 9.0121831}, {"B", 10.81},
    {"C", 12.011},     {"N", 14.007},     {"O", 15.999},     {"F", 18.998403},  {"Ne", 20.1797},
    {"Na", 22.989769}, {"Mg", 24.305},    {"Al", 26.981538}, {"Si", 28.085},    {"P", 30.973762},
    {"S", 32.06},      {"Cl", 35.45},     {"Ar", 39.948},    {"K", 39.0983},    {"Ca", 40.078},
    {"Sc", 44.955908}, {"Ti", 47.867},    {"V", 50.9415},    {"Cr", 51.9961},   {"Mn", 54.938044},
    {"Fe", 55.845},    {"Co", 58.933194}, {"Ni", 58.6934},   {"Cu", 63.546},    {"Zn", 65.38},
    {"Ga", 69.723},    {"Ge", 72.63},     {"As", 74.921595}, {"Se", 78.971},    {"Br", 79.904},
    {"Kr", 83.798},    {"Rb", 85.4678},   {"Sr", 87.62},     {"Y", 88.90584},   {"Zr", 91.224},
    {"Nb", 92.90637},  {"Mo", 95.95},     {"Tc", 97.90721},  {"Ru", 101.07},    {"Rh", 102.9055},
    {"Pd", 106.42},    {"Ag", 107.8682},  {"Cd", 112.414},   {"In", 114.818},   {"Sn", 118.71},
    {"Sb", 121.76},    {"Te", 127.6},     {"I", 126.90447},  {"Xe", 131.293},   {"Cs", 132.90545},
    {"Ba", 137.327},   {"La", 138.90547}, {"Ce", 140.116},   {"Pr", 140.90766}, {"Nd", 144.242},
    {"Pm", 144.91276}, {"Sm", 150.36},    {"Eu", 151.964},   {"Gd", 157.25},    {"Tb", 158.92535},
    {"Dy", 162.5},     {"Ho", 164.93033}, {"Er", 167.259},   {"Tm", 168.93422}, {"Yb", 173.054},
    {"Lu", 174.9668},  {"Hf", 178.49},    {"Ta", 180.94788}, {"W", 183.84},     {"Re", 186.207},
    {"Os", 190.23},    {"Ir", 192.217},   {"Pt", 195.084},   {"Au", 196.96657}, {"Hg", 200.592},
    {"Tl", 204.38},    {"Pb", 207.2},     {"Bi", 208.9804},  {"Po", 208.98243}, {"At", 209.98715},
    {"Rn", 222.01758}, {"Fr", 223.01974}, {"Ra", 226.02541}, {"Ac", 227.02775}, {"Th", 232.0377},
    {"Pa", 231.03588}, {"U", 238.02891},  {"Np", 237.04817}, {"Pu", 244.06421}, {"Am", 243.06138},
    {"Cm", 247.07035}, {"Bk", 247.07031}, {"Cf", 251.07959}, {"Es", 252.083},   {"Fm", 257.09511},
    {"Md", 258.09843}, {"No", 259.101},   {"Lr", 262.11},    {"Rf", 267.122},   {"Db", 268.126},
    {"Sg", 271.134},   {"Bh", 270.133},   {"Hs", 269.1338},  {"Mt", 278.156},   {"Ds", 281.165},
    {"Rg", 281.166},   {"Cn", 285.177},   {"Nh", 286.182},   {"Fl", 289.19},    {"Mc", 289.194},
    {"Lv", 293.204},   {"Ts", 293.208},   {"Og", 294.214}};

constexpr double ROUNDING = 0.005; // relative: of 1.0 for H to 35.5 for Cl, users round
constexpr double LIGHTEST_HYDROGEN = 0.99,
                 HEAVIEST_HYDROGEN = 4.05; // four times 1.008 and rounding
constexpr int MOST_HYDROGENS = 4;          // bound to one atom
constexpr double REPARTITION = 0.06;       // g/mol, rounding of masses that are sums
constexpr double NEARER = 0.25;            // of two elements within rounding

double deviation(double mass, const std::string &symbol)
{
  const double standard = atomic_mass(symbol);
  return standard > 0.0 ? std::fabs(mass - standard) / standard : HUGE_VAL;
}

std::string nearest_element(double mass)
{
  const auto *nearest = std::min_element(
      std::begin(ELEMENTS), std::end(ELEMENTS), [mass](const Element &a, const Element &b) {
        return std::fabs(mass - a.mass) / a.mass < std::fabs(mass - b.mass) / b.mass;
      });
  return nearest->symbol;
}

// g/mol beyond the standard weight, of the heaviest hydrogens among the types
double added_to_hydrogen(const std::vector<TypeMass> &types)
{
  double added = 0.0;
  for (const auto &type : types)
    if (type.element == "H" && type.highest <= HEAVIEST_HYDROGEN)
      added = std::max(added, type.highest - atomic_mass("H"));
  return added;
}

bool is_repartitioned(double mass, const std::string &symbol, double added)
{
  if (added < 0.1) return false;
  for (int n = 1; n <= MOST_HYDROGENS; ++n)
    if (std::fabs(atomic_mass(symbol) - n * added - mass) < REPARTITION) return true;
  return false;
}

bool fits(double mass, const std::string &symbol)
{
  if (symbol == "H") return mass >= LIGHTEST_HYDROGEN && mass <= HEAVIEST_HYDROGEN;
  return deviation(mass, symbol) <= ROUNDING;
}

// another element of the types that is much nearer; empty if there is none
std::string nearer_element(double mass, const TypeMass &own, const std::vector<TypeMass> &types)
{
  if (own.element == "H") return "";
  for (const auto &other : types)
    if (deviation(mass, other.element) < NEARER * deviation(mass, own.element) &&
        deviation(mass, other.element) <= ROUNDING)
      return other.element;
  return "";
}

bool are_placeholders(const std::vector<TypeMass> &types)
{
  bool several = false;
  for (const auto &type : types) {
    if (type.lowest != types[0].lowest || type.highest != types[0].lowest) return false;
    several = several || type.element != types[0].element;
  }
  return several;
}

} // namespace

double atomic_mass(const std::string &symbol)
{
  for (const auto &element : ELEMENTS)
    if (symbol == element.symbol) return element.mass;
  return 0.0;
}

MassContradiction find_contradiction(const std::vector<TypeMass> &types)
{
  if (are_placeholders(types)) return {};
  const double added = added_to_hydrogen(types);
  for (const auto &type : types) {
    if (atomic_mass(type.element) == 0.0) continue;
    for (const double mass : {type.lowest, type.highest}) {
      if (is_repartitioned(mass, type.element, added)) continue;
      std::string other;
      if (fits(mass, type.element))
        other = nearer_element(mass, type, types);
      else if (deviation(mass, nearest_element(mass)) <= ROUNDING)
        other = nearest_element(mass);
      if (!other.empty()) return {type.type, mass, other};
    }
  }
  return {};
}

std::vector<std::string> elements_of_masses(const std::vector<TypeMass> &types,
                                            const std::vector<std::string> &species)
{
  std::vector<std::string> order;
  for (const auto &type : types) {
    const auto fits_all = [&type](const std::string &symbol) {
      return fits(type.lowest, symbol) && fits(type.highest, symbol);
    };
    std::string found;
    for (const auto &symbol : species) // the range of hydrogen contains helium
      if (fits_all(symbol) && (found.empty() || found == "H" ||
                               deviation(type.lowest, symbol) < deviation(type.lowest, found)))
        found = symbol;
    if (found.empty()) return {};
    order.push_back(found);
  }
  return order;
}

} // namespace pair_les
