// SPDX-License-Identifier: MIT
// Settings of malloc that keep the memory of temporaries from one step to the next.

#ifndef PAIR_LES_CORE_MALLOC_TUNING_H
#define PAIR_LES_CORE_MALLOC_TUNING_H

namespace pair_les {

// Have malloc keep what is freed, up to some hundred MiB, rather than give it back to the system: on each step the pages of
// temporaries would come back one page fault at a time, a tenth of the time of a step in float64. Does nothing with another
// C library than glibc, or where the environment has one of the MALLOC_ variables or GLIBC_TUNABLES.
void keep_freed_memory();

} // namespace pair_les

#endif
