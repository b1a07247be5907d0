/* SPDX-License-Identifier: MIT */
/* fork_client SOCKET PROGRAM ARGUMENTS...: run a program by the server of fork_server.c as if it were started here. */

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fork_request.h"

static int fail(const char *what)
{
  perror(what);
  return 1;
}

static char *append(char *end, const char *string)
{
  return stpcpy(end, string) + 1;
}

int main(int argc, char **argv)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  const int server = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(server, (struct sockaddr *) &address, sizeof address)) return fail(argv[1]);

  struct fork_request request = {3, {0, 1, 2, 0}, (uint32_t) argc - 2, 0, 0};
  if (getenv("PMI_FD")) request.numbers[request.n_descriptors++] = atoi(getenv("PMI_FD"));

  char *const folder = getcwd(NULL, 0);
  size_t bytes = strlen(folder) + 1;
  for (int i = 2; i < argc; ++i) bytes += strlen(argv[i]) + 1;
  for (char **variable = environ; *variable; ++variable, ++request.n_variables)
    bytes += strlen(*variable) + 1;
  char *const text = malloc(bytes), *end = append(text, folder);
  for (int i = 2; i < argc; ++i) end = append(end, argv[i]);
  for (char **variable = environ; *variable; ++variable) end = append(end, *variable);
  request.text_bytes = (uint32_t) bytes;

  char control[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))] = {0};
  struct iovec part = {&request, sizeof request};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = CMSG_SPACE(request.n_descriptors * sizeof(int))};
  struct cmsghdr *const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(request.n_descriptors * sizeof(int));
  memcpy(CMSG_DATA(header), request.numbers, request.n_descriptors * sizeof(int));
  if (sendmsg(server, &message, 0) != sizeof request) return fail("sendmsg");
  for (size_t done = 0; done < bytes;) {
    const ssize_t sent = write(server, text + done, bytes - done);
    if (sent < 0) return fail("write");
    done += (size_t) sent;
  }
  for (uint32_t i = 3; i < request.n_descriptors; ++i)
    close(request.numbers[i]); /* it is the fork's now */

  int status;
  if (recv(server, &status, sizeof status, MSG_WAITALL) != sizeof status) return 1;
  if (WIFSIGNALED(status)) raise(WTERMSIG(status));
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
