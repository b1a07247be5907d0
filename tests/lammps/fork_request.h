/* SPDX-License-Identifier: MIT */
/* What fork_client.c sends to fork_server.c: this, and after it the text. */

#ifndef FORK_REQUEST_H
#define FORK_REQUEST_H

#include <fcntl.h>
#include <stdint.h>

#define MOST_DESCRIPTORS 4 /* standard input, output, error; the process manager of MPI */

struct fork_request {
  uint32_t n_descriptors; /* sent along */
  int32_t numbers[MOST_DESCRIPTORS];
  uint32_t n_arguments, n_variables;
  uint32_t text_bytes; /* working directory, arguments, environment, each with a terminating zero */
};

#endif
