/*
 * Starting peers, and speaking with them.
 */
#include "peer_testing.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_TRIES = 200, ANSWER_SIZE_MAX = 16 << 20, COMMAND_SIZE_MAX = 4096 };

static const char postgres_bin[] = "/usr/lib/postgresql/15/bin";

double peer_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_number(const char *text) {
    return text[strspn(text, "0123456789")] == 0;
}

/* Of the process, or one whose parent it is; 0 for others, and those that have ended meanwhile. */
static double cpu_within(const char *name, pid_t pid) {
    char path[300], text[1024] = "";
    unsigned long user = 0, kernel = 0;
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%s/stat", name);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = 0;
    const char *rest = strrchr(text, ')'); /* the name before it may hold anything */
    if (!rest ||
        sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &parent, &user, &kernel) != 3) {
        return 0;
    }
    return strtol(name, NULL, 10) == pid || parent == pid ? (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK) : 0;
}

double peer_cpu(pid_t pid) {
    double all = 0;
    DIR *folder = opendir("/proc");
    if (!folder) return 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (is_number(entry->d_name)) all += cpu_within(entry->d_name, pid);
    }
    closedir(folder);
    return all;
}

static void give_up(const char *what) {
    fprintf(stderr, "peer: %s\n", what);
    exit(1);
}

/* ---- sockets ---- */

static int connect_to(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

/* A port that nobody listens on at this moment. */
static uint16_t free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        give_up("no free port");
    }
    close(fd);
    return ntohs(address.sin_port);
}

void wire_open(wire *wire, uint16_t port) {
    wire->fd = connect_to(port);
    wire->at = wire->size = 0;
    wire->capacity = 1 << 12;
    wire->buffer = malloc(wire->capacity);
    if (wire->fd < 0 || !wire->buffer) give_up("no connection");
}

void wire_close(wire *wire) {
    close(wire->fd);
    free(wire->buffer);
    wire->buffer = NULL;
}

void wire_send(wire *wire, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = send(wire->fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0) give_up("the connection was closed");
        at += sent;
        size -= (size_t)sent;
    }
}

void wire_fill(wire *wire) {
    if (wire->at > 0) memmove(wire->buffer, wire->buffer + wire->at, wire->size - wire->at);
    wire->size -= wire->at;
    wire->at = 0;
    if (wire->size == wire->capacity) {
        wire->capacity *= 2;
        wire->buffer = wire->capacity <= ANSWER_SIZE_MAX ? realloc(wire->buffer, wire->capacity) : NULL;
        if (!wire->buffer) give_up("an answer that is too large");
    }
    ssize_t got = recv(wire->fd, wire->buffer + wire->size, wire->capacity - wire->size, 0);
    if (got <= 0) give_up("the connection was closed");
    wire->size += (size_t)got;
}

const char *wire_take(wire *wire, size_t size) {
    while (wire->size - wire->at < size) wire_fill(wire);
    wire->at += size;
    return wire->buffer + wire->at - size;
}

const char *wire_line(wire *wire) {
    size_t seen = 0;
    for (;;) {
        char *end = memchr(wire->buffer + wire->at + seen, '\n', wire->size - wire->at - seen);
        if (end) {
            char *start = wire->buffer + wire->at;
            *end = 0;
            if (end > start && end[-1] == '\r') end[-1] = 0;
            wire->at = (size_t)(end + 1 - wire->buffer);
            return start;
        }
        seen = wire->size - wire->at;
        wire_fill(wire);
    }
}

const char *wire_answer(wire *wire, whole whole, size_t *size_out) {
    while ((*size_out = whole(wire->buffer + wire->at, wire->size - wire->at)) == 0) wire_fill(wire);
    return wire_take(wire, *size_out);
}

/* ---- processes ---- */

static bool wait_for(peer *peer) {
    for (int i = 0; i < START_TRIES; i++) {
        int fd = connect_to(peer->port);
        if (fd >= 0) {
            close(fd);
            return true;
        }
        if (waitpid(peer->pid, NULL, WNOHANG) == peer->pid) return false;
        usleep(50000);
    }
    return false;
}

/* Neither server runs as root; PostgreSQL refuses to. */
static void become(const char *user) {
    const struct passwd *entry = getuid() == 0 ? getpwnam(user) : NULL;
    if (entry && (setgid(entry->pw_gid) != 0 || setuid(entry->pw_uid) != 0)) _exit(127);
}

static pid_t start_as(const char *user, const char *const *words) {
    pid_t pid = fork();
    if (pid != 0) return pid;
    become(user);
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _exit(127);
    execv(words[0], (char *const *)words);
    _exit(127);
}

static bool run_as(const char *user, const char *const *words) {
    int status = 1;
    pid_t pid = start_as(user, words);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool make_folder(peer *peer, const char *user) {
    const struct passwd *entry = getuid() == 0 ? getpwnam(user) : NULL;
    memset(peer, 0, sizeof *peer);
    snprintf(peer->folder, sizeof peer->folder, "/tmp/peer_bench.XXXXXX");
    if (!mkdtemp(peer->folder)) return false;
    if (entry && chown(peer->folder, entry->pw_uid, entry->pw_gid) != 0) return false;
    peer->port = free_port();
    return getuid() != 0 || entry;
}

static bool started(peer *peer) {
    if (peer->pid > 0 && wait_for(peer)) return true;
    peer_stop(peer);
    return false;
}

bool peer_start_postgres(peer *peer) {
    char init[100], server[100], data[100], port[16];
    snprintf(init, sizeof init, "%s/initdb", postgres_bin);
    snprintf(server, sizeof server, "%s/postgres", postgres_bin);
    if (access(server, X_OK) != 0 || !make_folder(peer, "postgres")) return false;
    snprintf(data, sizeof data, "%s/data", peer->folder);
    snprintf(port, sizeof port, "%u", peer->port);
    const char *const make[] = {init, "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "--locale=C", NULL};
    const char *const serve[] = {server, "-D",         data, "-p", port, "-c", "listen_addresses=127.0.0.1",
                                 "-k",   peer->folder, NULL};
    if (run_as("postgres", make)) peer->pid = start_as("postgres", serve);
    if (!started(peer)) return false;
    /* It takes connections before it answers. */
    char ready[100];
    snprintf(ready, sizeof ready, "%s/pg_isready", postgres_bin);
    const char *const ask[] = {ready, "-h", "127.0.0.1", "-p", port, NULL};
    for (int i = 0; i < START_TRIES; i++) {
        if (run_as("postgres", ask)) return true;
        usleep(50000);
    }
    peer_stop(peer);
    return false;
}

bool peer_start_redis(peer *peer) {
    static const char server[] = "/usr/bin/redis-server";
    char port[16];
    if (access(server, X_OK) != 0 || !make_folder(peer, "redis")) return false;
    snprintf(port, sizeof port, "%u", peer->port);
    const char *const words[] = {
        server, "--port",        port,     "--bind", "127.0.0.1", "--dir", peer->folder, "--appendonly",
        "yes",  "--appendfsync", "always", "--save", "",          NULL};
    peer->pid = start_as("redis", words);
    return started(peer);
}

void peer_stop(peer *peer) {
    char command[100];
    if (peer->pid > 0) {
        kill(peer->pid, SIGINT); /* both end at once, in order */
        waitpid(peer->pid, NULL, 0);
    }
    peer->pid = 0;
    snprintf(command, sizeof command, "rm -rf %s", peer->folder);
    if (system(command) != 0) fprintf(stderr, "peer: %s stays\n", peer->folder);
}

/* ---- PostgreSQL: the frontend/backend protocol, version 3 ---- */

typedef struct message {
    char text[COMMAND_SIZE_MAX];
    size_t size;
    size_t start; /* of the message that is being written */
} message;

static void put_number(message *message, uint32_t number, size_t size) {
    for (size_t i = size; i-- > 0;) message->text[message->size++] = (char)(number >> (8 * i));
}

static void put_text(message *message, const char *text) {
    size_t size = strlen(text) + 1;
    if (message->size + size + 64 > sizeof message->text) give_up("a message that is too large");
    memcpy(message->text + message->size, text, size);
    message->size += size;
}

static void begin(message *message, char type) {
    if (type) message->text[message->size++] = type;
    message->start = message->size;
    put_number(message, 0, 4);
}

static void end(message *message) {
    size_t size = message->size;
    message->size = message->start;
    put_number(message, (uint32_t)(size - message->start), 4);
    message->size = size;
}

static uint32_t get_number(const char *bytes, size_t size) {
    uint32_t number = 0;
    for (size_t i = 0; i < size; i++) number = number << 8 | (uint8_t)bytes[i];
    return number;
}

/* Up to ReadyForQuery. */
size_t postgres_whole(const char *bytes, size_t size) {
    for (size_t at = 0; size - at >= 5;) {
        char type = bytes[at];
        at += 1 + (size_t)get_number(bytes + at + 1, 4);
        if (at > size) return 0;
        if (type == 'Z') return at;
    }
    return 0;
}

bool postgres_good(const char *answer, size_t size, char *out, size_t out_size) {
    bool good = true;
    for (size_t at = 0; at < size; at += 1 + (size_t)get_number(answer + at + 1, 4)) {
        const char *body = answer + at + 5;
        if (answer[at] == 'E') good = false;
        if (answer[at] == 'D' && out && get_number(body, 2) > 0) {
            int length = (int)get_number(body + 2, 4);
            snprintf(out, out_size, "%.*s", length > 0 ? length : 0, body + 6);
        }
    }
    return good;
}

/* Of what must not fail. */
static void settle(wire *wire, const char *what) {
    size_t size;
    const char *answer = wire_answer(wire, postgres_whole, &size);
    if (!postgres_good(answer, size, NULL, 0)) give_up(what);
}

static void prepare(wire *wire, const char *name, const char *sql) {
    message message = {.size = 0};
    begin(&message, 'P');
    put_text(&message, name);
    put_text(&message, sql);
    put_number(&message, 0, 2);
    end(&message);
    begin(&message, 'S');
    end(&message);
    wire_send(wire, message.text, message.size);
    settle(wire, "a statement cannot be prepared");
}

void postgres_login(wire *wire, const char *insert, const char *select) {
    message message = {.size = 0};
    begin(&message, 0);
    put_number(&message, 3 << 16, 4);
    put_text(&message, "user");
    put_text(&message, "postgres");
    put_text(&message, "");
    end(&message);
    wire_send(wire, message.text, message.size);
    settle(wire, "the login failed");
    if (insert) prepare(wire, "insert", insert);
    if (select) prepare(wire, "select", select);
}

void postgres_run(wire *wire, const char *sql) {
    message message = {.size = 0};
    begin(&message, 'Q');
    put_text(&message, sql);
    end(&message);
    wire_send(wire, message.text, message.size);
    settle(wire, sql);
}

size_t postgres_write(char *out, const char *statement, const char *const *values, int count) {
    message message = {.size = 0};
    begin(&message, 'B');
    put_text(&message, "");
    put_text(&message, statement);
    put_number(&message, 0, 2);
    put_number(&message, (uint32_t)count, 2);
    for (int i = 0; i < count; i++) {
        put_number(&message, (uint32_t)strlen(values[i]), 4);
        put_text(&message, values[i]);
        message.size--; /* its NUL */
    }
    put_number(&message, 0, 2);
    end(&message);
    begin(&message, 'E');
    put_text(&message, "");
    put_number(&message, 0, 4);
    end(&message);
    begin(&message, 'S');
    end(&message);
    memcpy(out, message.text, message.size);
    return message.size;
}

/* ---- Redis: RESP ---- */

size_t redis_write(char *out, const char *const *words, int count) {
    size_t size = (size_t)snprintf(out, COMMAND_SIZE_MAX, "*%d\r\n", count);
    for (int i = 0; i < count && size < COMMAND_SIZE_MAX; i++) {
        size_t left = COMMAND_SIZE_MAX - size;
        size += (size_t)snprintf(out + size, left, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
    }
    if (size >= COMMAND_SIZE_MAX) give_up("a command that is too large");
    return size;
}

/* A line, or a string with the line that tells its size. */
size_t redis_whole(const char *bytes, size_t size) {
    const char *end = memchr(bytes, '\n', size);
    if (!end) return 0;
    size_t line = (size_t)(end + 1 - bytes);
    size_t all = bytes[0] == '$' && bytes[1] != '-' ? line + strtoul(bytes + 1, NULL, 10) + 2 : line;
    return all <= size ? all : 0;
}

/* ---- HTTP ---- */

static size_t head_size(const char *bytes, size_t size) {
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    return end ? (size_t)(end + 4 - bytes) : 0;
}

size_t http_whole(const char *bytes, size_t size) {
    static const char name[] = "\r\nContent-Length:";
    size_t head = head_size(bytes, size);
    const char *length = head ? memmem(bytes, head, name, sizeof name - 1) : NULL;
    if (head && !length) give_up("an answer without a length");
    size_t all = head ? head + strtoul(length + sizeof name - 1, NULL, 10) : 0;
    return all <= size ? all : 0;
}

int http_status(const char *answer) {
    return (int)strtol(answer + 9, NULL, 10);
}

const char *http_body(const char *answer, size_t size, size_t *size_out) {
    size_t head = head_size(answer, size);
    *size_out = size - head;
    return answer + head;
}
