/*
 * A server in a child process, and sockets to it.
 */
#include "serve_testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "door/http/server.h"

enum { ANSWER_SECONDS = RK_SERVER_IDLE_SECONDS + 30, ANSWER_SIZE_MAX = 64 << 20 };

static const char *program(void) {
    const char *path = getenv("REAKTOR");
    return path ? path : "build/reaktor";
}

static void give_up(const char *what) {
    fprintf(stderr, "serve_testing: %s\n", what);
    exit(1);
}

/* The first line that a command prints. */
static void first_line(const char *command, char *out, int out_size) {
    FILE *file = popen(command, "r");
    if (!file || !fgets(out, out_size, file)) give_up(command);
    out[strcspn(out, "\n")] = 0;
    if (pclose(file) != 0) give_up(command);
}

static void serve(const char *folder, int out) {
    char data[64];
    snprintf(data, sizeof data, "%s", folder);
    dup2(out, STDOUT_FILENO);
    setenv("ASAN_OPTIONS", "detect_leaks=1:quarantine_size_mb=8", 1);
    execl(program(), "reaktor", "serve", "--data", data, "--port", "0", "--create", "anyone", (char *)NULL);
    _exit(127);
}

void served_start(served *served, const char *setup) {
    char command[1024], line[256] = "";
    int pipes[2];
    memset(served, 0, sizeof *served);
    snprintf(served->folder, sizeof served->folder, "/tmp/serve_test.XXXXXX");
    if (!mkdtemp(served->folder) || pipe(pipes) != 0) give_up("no folder");
    snprintf(command, sizeof command,
             "r='%s --data %s'; { $r init && $r module add examples/modules/profile.json && { %s; }; } >/dev/null && "
             "$r token owner --seconds 86400",
             program(), served->folder, setup ? setup : "true");
    first_line(command, served->token, sizeof served->token);
    served->pid = fork();
    if (served->pid == 0) serve(served->folder, pipes[1]);
    close(pipes[1]);
    FILE *file = fdopen(pipes[0], "r");
    if (!file || !fgets(line, sizeof line, file)) give_up("the server says nothing");
    fclose(file);
    const char *colon = strrchr(line, ':');
    served->port = (uint16_t)strtoul(colon ? colon + 1 : "0", NULL, 10);
    if (served->port == 0) give_up(line);
}

bool served_stop(served *served) {
    char command[100];
    int status = 1;
    kill(served->pid, SIGTERM);
    waitpid(served->pid, &status, 0);
    snprintf(command, sizeof command, "rm -rf %s", served->folder);
    return system(command) == 0 && status == 0;
}

uint64_t served_memory(const served *served, const char *which) {
    char path[64], line[256];
    uint64_t size = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)served->pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, which, strlen(which)) == 0) size = strtoull(line + strlen(which) + 1, NULL, 10);
    }
    if (file) fclose(file);
    return size;
}

int served_connect(const served *served) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(served->port)};
    struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

bool served_send(int fd, const void *bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        ssize_t sent = send(fd, (const char *)bytes + at, size - at, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += (size_t)sent;
    }
    return true;
}

bool served_header(const served_answer *answer, const char *name, char *out, size_t out_size) {
    size_t size = strlen(name);
    for (const char *line = answer->text; line && line < answer->body; line = strstr(line, "\r\n")) {
        line += strncmp(line, "\r\n", 2) == 0 ? 2 : 0;
        if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
            snprintf(out, out_size, "%.*s", (int)strcspn(line + size + 2, "\r"), line + size + 2);
            return true;
        }
    }
    return false;
}

/* A byte at a time to the end of the head, so that nothing of the next answer is taken. */
static size_t read_head(int fd, char *text, size_t size_max, bool *late) {
    size_t size = 0;
    while (size < size_max - 1) {
        ssize_t got = recv(fd, text + size, 1, 0);
        *late = got < 0 && errno == EAGAIN;
        if (got <= 0) return 0;
        text[++size] = 0;
        if (size >= 4 && memcmp(text + size - 4, "\r\n\r\n", 4) == 0) return size;
    }
    return 0;
}

served_answer served_read(int fd, bool head) {
    served_answer answer = {.status = 0};
    char length[32];
    size_t size = 0, all = 0;
    answer.text = calloc(1, 65536);
    do {
        size = read_head(fd, answer.text, 65536, &answer.late);
    } while (size > 0 && strncmp(answer.text, "HTTP/1.1 100", 12) == 0);
    answer.body = answer.text + size;
    if (size == 0) return answer;
    answer.status = (int)strtol(answer.text + 9, NULL, 10);
    if (served_header(&answer, "Content-Length", length, sizeof length)) all = strtoul(length, NULL, 10);
    if (head || all > ANSWER_SIZE_MAX) return answer;
    answer.text = realloc(answer.text, size + all + 1);
    answer.body = answer.text + size;
    while (answer.body_size < all) {
        ssize_t got = recv(fd, answer.body + answer.body_size, all - answer.body_size, 0);
        if (got <= 0) break;
        answer.body_size += (size_t)got;
    }
    answer.body[answer.body_size] = 0;
    return answer;
}

served_answer served_ask(const served *served, const void *bytes, size_t size) {
    int fd = served_connect(served);
    (void)served_send(fd, bytes, size);
    served_answer answer = served_read(fd, false);
    close(fd);
    return answer;
}
