// SPDX-License-Identifier: MIT
// Bytes that a rank sends to others, counted between MPI and the program (LD_PRELOAD); written at the end to the file that
// MPI_BYTES names, with the rank appended. Of collectives, the size of the buffer that goes in.

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static double sent, collective;

static double size_of(int count, MPI_Datatype type)
{
  int size;
  PMPI_Type_size(type, &size);
  return (double) count * size;
}

static void count_message(int count, MPI_Datatype type, int to, MPI_Comm comm)
{
  int me;
  PMPI_Comm_rank(comm, &me);
  if (to != me && to != MPI_PROC_NULL) sent += size_of(count, type);
}

int MPI_Send(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
  count_message(count, type, to, comm);
  return PMPI_Send(data, count, type, to, tag, comm);
}

int MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request *request)
{
  count_message(count, type, to, comm);
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}

int MPI_Sendrecv(const void *data, int count, MPI_Datatype type, int to, int tag, void *into,
                 int room, MPI_Datatype into_type, int from, int into_tag, MPI_Comm comm,
                 MPI_Status *status)
{
  count_message(count, type, to, comm);
  return PMPI_Sendrecv(data, count, type, to, tag, into, room, into_type, from, into_tag, comm,
                       status);
}

int MPI_Alltoallv(const void *data, const int *counts, const int *places, MPI_Datatype type,
                  void *into, const int *into_counts, const int *into_places,
                  MPI_Datatype into_type, MPI_Comm comm)
{
  int n;
  PMPI_Comm_size(comm, &n);
  for (int to = 0; to < n; ++to) count_message(counts[to], type, to, comm);
  return PMPI_Alltoallv(data, counts, places, type, into, into_counts, into_places, into_type,
                        comm);
}

int MPI_Allreduce(const void *data, void *into, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm)
{
  int n;
  PMPI_Comm_size(comm, &n);
  if (n > 1) collective += size_of(count, type);
  return PMPI_Allreduce(data, into, count, type, op, comm);
}

int MPI_Finalize(void)
{
  const char *name = getenv("MPI_BYTES");
  if (name) {
    char path[4096];
    int me;
    PMPI_Comm_rank(MPI_COMM_WORLD, &me);
    snprintf(path, sizeof(path), "%s.%d", name, me);
    FILE *file = fopen(path, "w");
    if (file) {
      fprintf(file, "%.0f %.0f\n", sent, collective);
      fclose(file);
    }
  }
  return PMPI_Finalize();
}
