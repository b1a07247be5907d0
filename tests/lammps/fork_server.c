/* SPDX-License-Identifier: MIT */
/* A LAMMPS that has loaded torch and waits: each run of the tests is a fork of it.

   Loading torch is most of the time of a short run. Preloaded into `lmp` (LD_PRELOAD), this library
   runs before main(): it opens the libraries named in FORK_SERVER_LIBRARIES (a list with colons) and
   listens at the socket FORK_SERVER_SOCKET. A request of fork_client.c carries its file descriptors,
   working directory, arguments and environment; a fork of this process takes them over and goes on
   into main() of LAMMPS. A client that dies takes its fork with it; the server ends when its
   standard input does. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fork_request.h"

#define MOST_RUNS 256

typedef int (*Main)(int, char **, char **);

static Main main_of_lammps;

static void fail(const char *what)
{
  fprintf(stderr, "fork_server: %s: %s\n", what, strerror(errno));
  _exit(1);
}

/* Open what a run would open, with the flags of cpp/pair_les/lammps/core_library.cpp. */
static void open_libraries(char *files)
{
  const int flags = RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE;
  for (char *file = strtok(files, ":"); file; file = strtok(NULL, ":"))
    if (!dlopen(file, flags | (dlsym(RTLD_DEFAULT, "dgemm_") ? RTLD_DEEPBIND : 0))) {
      fprintf(stderr, "fork_server: %s\n", dlerror());
      _exit(1);
    }
}

static int listen_at(const char *path)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *) &address, sizeof address) ||
      listen(listener, MOST_RUNS))
    fail(path);
  return listener;
}

/* Strings one after the other, each with its terminating zero, as an array that ends with NULL. */
static char **split_strings(char *first, uint32_t count)
{
  char **strings = calloc(count + 1, sizeof *strings);
  for (uint32_t i = 0; i < count; ++i, first += strlen(first) + 1) strings[i] = first;
  return strings;
}

/* Descriptors of a request and its text: working directory, arguments, environment; NULL if the client is gone. */
static char *receive_request(int client, struct fork_request *request, int *descriptors)
{
  char control[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
  struct iovec part = {request, sizeof *request};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(client, &message, MSG_WAITALL) != sizeof *request) return NULL;
  const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_type != SCM_RIGHTS) return NULL;
  memcpy(descriptors, CMSG_DATA(header), request->n_descriptors * sizeof(int));
  char *text = malloc(request->text_bytes);
  for (uint32_t done = 0; done < request->text_bytes;) {
    const ssize_t got = read(client, text + done, request->text_bytes - done);
    if (got <= 0) return NULL;
    done += (uint32_t) got;
  }
  return text;
}

/* The last thing of a fork, after what was registered in main(): leave out the destructors of libraries that were
   open before, because those of torch write to most of the pages that the forks share. */
static void leave(int status, void *unused)
{
  (void) unused;
  fflush(NULL);
  _exit(status);
}

/* In the fork: be the process that the client asked for. */
static void become(const struct fork_request *request, const int *descriptors, char *text)
{
  int moved[MOST_DESCRIPTORS]; /* out of the way of the numbers they shall have */
  for (uint32_t i = 0; i < request->n_descriptors; ++i)
    moved[i] = fcntl(descriptors[i], F_DUPFD, 512);
  for (int number = 0; number < 512; ++number) close(number);
  for (uint32_t i = 0; i < request->n_descriptors; ++i) {
    dup2(moved[i], request->numbers[i]);
    close(moved[i]);
  }
  if (chdir(text)) fail(text);
  text += strlen(text) + 1;
  char **const arguments = split_strings(text, request->n_arguments);
  for (uint32_t i = 0; i < request->n_arguments; ++i) text += strlen(text) + 1;
  environ = split_strings(text, request->n_variables);
  on_exit(leave, NULL);
  exit(main_of_lammps((int) request->n_arguments, arguments, environ));
}

static int serve(void)
{
  const int listener = listen_at(getenv("FORK_SERVER_SOCKET"));
  open_libraries(getenv("FORK_SERVER_LIBRARIES"));
  sigset_t child_ends, former;
  sigemptyset(&child_ends);
  sigaddset(&child_ends, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_ends, &former);
  const int signals = signalfd(-1, &child_ends, SFD_CLOEXEC);

  struct pollfd watched[3 + MOST_RUNS] = {
      {0, POLLIN, 0}, {listener, POLLIN, 0}, {signals, POLLIN, 0}};
  pid_t children[3 + MOST_RUNS];
  nfds_t n_watched = 3;
  if (write(1, "ready\n", 6) != 6) fail("standard output");
  while (poll(watched, n_watched, -1) >= 0 || errno == EINTR) {
    if (watched[0].revents) break; /* whoever started the server has ended */
    for (nfds_t i = 3; i < n_watched; ++i)
      if (watched[i].revents) { /* clients write once, so this one has ended */
        kill(children[i], SIGKILL);
        watched[i].events = 0;
      }
    if (watched[2].revents) {
      struct signalfd_siginfo info;
      if (read(signals, &info, sizeof info) < 0) fail("signalfd");
    }
    int status;
    for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;)
      for (nfds_t i = 3; i < n_watched; ++i)
        if (children[i] == ended) {
          if (send(watched[i].fd, &status, sizeof status, MSG_NOSIGNAL) < 0 && errno != EPIPE)
            fail("status");
          close(watched[i].fd);
          watched[i] = watched[--n_watched];
          children[i] = children[n_watched];
          break;
        }
    if (watched[1].revents && n_watched < 3 + MOST_RUNS) {
      const int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
      struct fork_request request;
      int descriptors[MOST_DESCRIPTORS];
      char *const text = client < 0 ? NULL : receive_request(client, &request, descriptors);
      if (!text) {
        close(client);
        continue;
      }
      const pid_t child = fork();
      if (child == 0) {
        sigprocmask(SIG_SETMASK, &former, NULL);
        become(&request, descriptors, text);
      }
      free(text);
      for (uint32_t i = 0; i < request.n_descriptors; ++i) close(descriptors[i]);
      watched[n_watched] = (struct pollfd) {client, POLLIN, 0};
      children[n_watched++] = child;
    }
  }
  _exit(0);
}

static int main_of_server(int argc, char **argv, char **variables)
{
  (void) argc, (void) argv, (void) variables;
  return serve();
}

/* What the start of a program calls with its main(). */
int __libc_start_main(Main main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end)
{
  int (*start)(Main, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
  *(void **) &start = dlsym(RTLD_NEXT, "__libc_start_main");
  main_of_lammps = main;
  return start(getenv("FORK_SERVER_SOCKET") ? main_of_server : main, argc, argv, init, fini,
               rtld_fini, stack_end);
}
