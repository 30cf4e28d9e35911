/*
 * A child process that serves, and sockets to it.
 */
#include "serve_child_testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char module_text[] =
    "{\"module\":\"note\",\"version\":1,\"truth\":\"region\",\"description\":\"Numbers, for tests.\",\"fields\":{"
    "\"last\":{\"type\":\"integer\"}},\"events\":{"
    "\"add\":{\"data\":{\"n\":{\"type\":\"integer\"}},\"apply\":[{\"set\":\"last\",\"to\":\"data.n\"}]},"
    "\"put\":{\"data\":{\"n\":{\"type\":\"integer\"},\"text\":{\"type\":\"string\",\"required\":false}},"
    "\"apply\":[{\"set\":\"last\",\"to\":\"data.n\"}]}},"
    "\"allow\":{\"read\":\"!entity.exists || state.last != -1\",\"add\":\"true\",\"put\":\"true\"}}";

void hosted_die(const char *format, ...) {
    va_list list;
    va_start(list, format);
    printf("not ok - ");
    vprintf(format, list);
    printf("\n");
    va_end(list);
    fflush(stdout);
    _exit(1);
}

uint64_t hosted_random(uint64_t *seed) {
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (*seed * 2685821657736338717U) >> 16;
}

uint64_t hosted_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the server ---- */

static const char *program(void) {
    const char *wish = getenv("REAKTOR");
    return wish ? wish : "build/reaktor";
}

int hosted_run(const hosted *server, const char *arguments) {
    char command[1024];
    snprintf(command, sizeof command, "%s --data %s %s >/dev/null 2>&1", program(), server->folder, arguments);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must_run(const hosted *server, const char *arguments) {
    int code = hosted_run(server, arguments);
    if (code != 0) hosted_die("reaktor %s: exit code %d", arguments, code);
}

static void make_token(hosted *server, unsigned writer) {
    char command[1024];
    snprintf(command, sizeof command, "%s --data %s token w%u --seconds 86400", program(), server->folder, writer);
    FILE *pipe = popen(command, "r");
    if (!pipe || !fgets(server->tokens[writer], SERVED_TOKEN_SIZE, pipe)) hosted_die("there is no token");
    server->tokens[writer][strcspn(server->tokens[writer], "\n")] = 0;
    pclose(pipe);
}

void hosted_create(hosted *server, const char *name) {
    char text[600];
    memset(server, 0, sizeof *server);
    mkdir("build", 0777);
    snprintf(server->folder, sizeof server->folder, "build/%s.%d", name, (int)getpid());
    snprintf(text, sizeof text, "rm -rf %s && mkdir -p %s", server->folder, server->folder);
    if (system(text) != 0) hosted_die("%s cannot be made", server->folder);
    must_run(server, "init");
    snprintf(text, sizeof text, "%s/note.json", server->folder);
    FILE *file = fopen(text, "w");
    if (!file || fputs(module_text, file) < 0 || fclose(file) != 0) hosted_die("%s cannot be written", text);
    snprintf(text, sizeof text, "module add %s/note.json", server->folder);
    must_run(server, text);
    for (unsigned i = 0; i < SERVED_WRITERS; i++) {
        snprintf(text, sizeof text, "actor add w%u", i);
        must_run(server, text);
        make_token(server, i);
    }
}

void hosted_start(hosted *server) {
    int pipes[2];
    char line[200] = "";
    if (pipe2(pipes, O_CLOEXEC) != 0) hosted_die("no pipe");
    fflush(NULL);
    server->child = fork();
    if (server->child < 0) hosted_die("no process");
    if (server->child == 0) {
        const char *wish = getenv("ASAN_OPTIONS");
        char sanitizer[500]; /* it keeps what was freed: little of it, because the test measures memory */
        snprintf(sanitizer, sizeof sanitizer, "%s%squarantine_size_mb=4", wish ? wish : "", wish ? ":" : "");
        setenv("ASAN_OPTIONS", sanitizer, 1);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(pipes[1], 1);
        execl(program(), "reaktor", "serve", "--data", server->folder, "--port", "0", (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    for (size_t size = 0; size + 1 < sizeof line && !strchr(line, '\n'); size++) {
        if (read(pipes[0], line + size, 1) != 1) hosted_die("the server does not start");
    }
    close(pipes[0]);
    const char *colon = strrchr(line, ':');
    server->port = colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
    if (!server->port) hosted_die("the server does not say where it listens: %s", line);
}

int hosted_end(hosted *server, int signal, unsigned seconds) {
    int status = 0;
    uint64_t end = hosted_now_ms() + 1000ULL * seconds;
    if (kill(server->child, signal) != 0) hosted_die("the server is not there any more");
    while (waitpid(server->child, &status, WNOHANG) == 0) {
        if (hosted_now_ms() > end) hosted_die("the server has not ended after %u seconds", seconds);
        usleep(5000);
    }
    server->child = 0;
    return status;
}

size_t hosted_memory(const hosted *server) {
    char path[64], line[200];
    size_t kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)server->child);
    FILE *file = fopen(path, "r");
    if (!file) hosted_die("the server is not there any more");
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmRSS:", 6) == 0) kilobytes = strtoul(line + 6, NULL, 10);
    }
    fclose(file);
    return kilobytes << 10;
}

/* ---- requests ---- */

static int open_socket(const hosted *server, int receive_size) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server->port)};
    struct timeval wait = {.tv_sec = SERVED_WAIT_SECONDS};
    int yes = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) hosted_die("no socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (receive_size) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_size, sizeof receive_size);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static bool send_all(int fd, const char *text, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        text += sent;
        size -= (size_t)sent;
    }
    return true;
}

static size_t receive(int fd, char *out, size_t size_max) {
    ssize_t got = recv(fd, out, size_max, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        hosted_die("silence: neither an answer nor a closed connection");
    }
    return got > 0 ? (size_t)got : 0;
}

bool hosted_connect(hosted_client *client, const hosted *server) {
    *client = (hosted_client){.server = server, .fd = open_socket(server, 0)};
    client->answer = client->fd >= 0 ? malloc(SERVED_ANSWER_MAX) : NULL;
    return client->fd >= 0;
}

void hosted_close(hosted_client *client) {
    if (client->fd >= 0) close(client->fd);
    free(client->answer);
    *client = (hosted_client){.fd = -1};
}

/* Its status, or 0 when the connection was closed before the answer was whole. */
static int read_answer(hosted_client *client) {
    size_t size = 0;
    for (;;) {
        size_t got = receive(client->fd, client->answer + size, SERVED_ANSWER_MAX - 1 - size);
        if (got == 0) return 0;
        size += got;
        client->answer[size] = 0;
        char *end = strstr(client->answer, "\r\n\r\n"), *length = strstr(client->answer, "Content-Length: ");
        if (!end) continue;
        if (!length || length > end) hosted_die("an answer without a length: %s", client->answer);
        client->body = end + 4;
        size_t whole = (size_t)(client->body - client->answer) + strtoul(length + 16, NULL, 10);
        if (whole >= SERVED_ANSWER_MAX || size > whole) hosted_die("an answer that is too long");
        if (size == whole) return (int)strtol(client->answer + 9, NULL, 10);
    }
}

bool hosted_send(hosted_client *client, unsigned writer, const char *method, const char *path, const char *body) {
    char head[SERVED_TOKEN_SIZE + 500];
    int size = snprintf(head, sizeof head,
                        "%s /v1/default%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        method, path, client->server->tokens[writer], strlen(body));
    return send_all(client->fd, head, (size_t)size) && send_all(client->fd, body, strlen(body));
}

int hosted_ask(hosted_client *client, unsigned writer, const char *method, const char *path, const char *body) {
    return hosted_send(client, writer, method, path, body) ? read_answer(client) : 0;
}

int hosted_append(hosted_client *client, unsigned writer, const char *events) {
    size_t size = strlen(events) + 20;
    char *body = malloc(size);
    snprintf(body, size, "{\"events\":%s}", events);
    int status = hosted_ask(client, writer, "POST", "/events", body);
    free(body);
    return status;
}

/* ---- streams ---- */

bool hosted_stream_open(hosted_stream *stream, const hosted *server, unsigned writer, const char *query,
                        const char *accept, uint64_t last_id, int receive_size) {
    char text[SERVED_TOKEN_SIZE + 600];
    memset(stream, 0, sizeof *stream);
    stream->fd = open_socket(server, receive_size);
    if (stream->fd < 0) return false;
    int size = snprintf(text, sizeof text,
                        "GET /v1/default/events%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nAccept: %s\r\n"
                        "Last-Event-ID: %llu\r\n\r\n",
                        query, server->tokens[writer], accept, (unsigned long long)last_id);
    stream->text_capacity = 1 << 16;
    stream->text = calloc(1, stream->text_capacity);
    if (send_all(stream->fd, text, (size_t)size)) return true;
    hosted_stream_close(stream);
    return false;
}

static void add_text(hosted_stream *stream, const char *bytes, size_t size) {
    while (stream->text_size + size + 1 > stream->text_capacity) {
        stream->text_capacity *= 2;
        stream->text = realloc(stream->text, stream->text_capacity);
        if (!stream->text) hosted_die("no memory");
    }
    memcpy(stream->text + stream->text_size, bytes, size);
    stream->text_size += size;
    stream->text[stream->text_size] = 0;
}

/* Takes the head, a chunk's size or a chunk's bytes off the raw bytes; how many of them, 0 when more are needed. */
static size_t take_raw(hosted_stream *stream) {
    size_t skip = 0;
    char *end = NULL;
    stream->raw[stream->raw_size] = 0;
    if (!stream->head_seen) {
        end = strstr(stream->raw, "\r\n\r\n");
        if (!end) return 0;
        if (strncmp(stream->raw, "HTTP/1.1 200", 12) != 0 || !strstr(stream->raw, "chunked")) {
            hosted_die("no stream: %s", stream->raw);
        }
        stream->head_seen = true;
        return (size_t)(end + 4 - stream->raw);
    }
    if (stream->chunk_left > 0) {
        size_t size = stream->chunk_left < stream->raw_size ? stream->chunk_left : stream->raw_size;
        add_text(stream, stream->raw, size);
        stream->chunk_left -= size;
        return size;
    }
    if (stream->raw_size >= 2 && memcmp(stream->raw, "\r\n", 2) == 0) skip = 2; /* of the chunk before */
    end = strstr(stream->raw + skip, "\r\n");
    if (!end) return 0;
    stream->chunk_left = strtoul(stream->raw + skip, NULL, 16);
    if (stream->chunk_left == 0) stream->ended = true;
    return (size_t)(end + 2 - stream->raw);
}

size_t hosted_stream_read(hosted_stream *stream, size_t size_max) {
    size_t room = sizeof stream->raw - 1 - stream->raw_size;
    size_t got = receive(stream->fd, stream->raw + stream->raw_size, size_max < room ? size_max : room);
    stream->raw_size += got;
    for (size_t taken = take_raw(stream); taken > 0 && !stream->ended; taken = take_raw(stream)) {
        stream->raw_size -= taken;
        memmove(stream->raw, stream->raw + taken, stream->raw_size);
    }
    return got;
}

void hosted_stream_drop(hosted_stream *stream, size_t size) {
    stream->text_size -= size;
    memmove(stream->text, stream->text + size, stream->text_size + 1);
}

void hosted_stream_close(hosted_stream *stream) {
    if (stream->fd >= 0) close(stream->fd);
    free(stream->text);
    memset(stream, 0, sizeof *stream);
    stream->fd = -1;
}
