// SPDX-License-Identifier: MIT

#include "malloc_tuning.h"

#include <cstdlib>
#include <initializer_list>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace pair_les {

void keep_freed_memory()
{
#ifdef __GLIBC__
  for (const char *chosen :
       {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES"})
    if (std::getenv(chosen)) return;
  // 32 MiB is the most that glibc takes, and more than any array of a chunk of atoms
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

} // namespace pair_les
