/*
 * Asking a server whether it takes requests: health.
 */
#include <stdlib.h>
#include <string.h>

#include "door/command.h"
#include "io/probe.h"

enum { PORT_DEFAULT = 4200, HOST_SIZE_MAX = 64, PROBE_SECONDS = 5, READY = 200 };

typedef struct place {
    char host[HOST_SIZE_MAX];
    uint64_t port;
} place;

static rk_status not_understood(rk_error *error) {
    return rk_fail(error, RK_USAGE, "--url", "it is http://ADDRESS[:PORT], such as http://127.0.0.1:4200");
}

static rk_status read_port(const char *text, const char *what, uint64_t *port_out, rk_error *error) {
    RK_TRY(rk_number_read(text, what, port_out, error));
    return *port_out >= 1 && *port_out <= 65535 ? RK_OK : rk_fail(error, RK_USAGE, what, "it is from 1 to 65535");
}

/* "http://127.0.0.1:4200", "http://[::1]:4200", "http://localhost". */
static rk_status read_url(const char *url, place *place_out, rk_error *error) {
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) return not_understood(error);
    const char *host = url + sizeof scheme - 1;
    bool is_6 = *host == '[';
    if (is_6) host++;
    size_t size = strcspn(host, is_6 ? "]" : ":/");
    const char *rest = host + size + (is_6 && host[size] == ']');
    if (size == 0 || size >= HOST_SIZE_MAX || (is_6 && host[size] != ']')) return not_understood(error);
    memcpy(place_out->host, host, size);
    place_out->host[size] = 0;
    if (strcmp(place_out->host, "localhost") == 0) memcpy(place_out->host, "127.0.0.1", sizeof "127.0.0.1");
    place_out->port = 80;
    char port[8];
    size_t port_size = strcspn(rest, "/");
    if (rest[port_size] && rest[port_size + 1]) return not_understood(error);
    if (port_size == 0) return RK_OK;
    if (*rest != ':' || port_size >= sizeof port) return not_understood(error);
    memcpy(port, rest + 1, port_size - 1);
    port[port_size - 1] = 0;
    return read_port(port, "--url", &place_out->port, error);
}

rk_status rki_cmd_health(rk_cli *cli, rk_error *error) {
    place place = {.host = "127.0.0.1", .port = PORT_DEFAULT};
    const char *url = rki_option(cli, "--url"), *port = getenv("REAKTOR_PORT");
    unsigned answered = 0;
    if (url) {
        RK_TRY(read_url(url, &place, error));
    } else if (port) {
        RK_TRY(read_port(port, "REAKTOR_PORT", &place.port, error));
    }
    rk_status status = rk_probe(place.host, (uint16_t)place.port, "/ready", PROBE_SECONDS, &answered, error);
    if (status == RK_USAGE) return not_understood(error);
    RK_TRY(status);
    if (answered != READY) {
        return rk_fail(error, RK_IO, place.host, "the server on port %u answers %u: it takes no requests", place.port,
                       (uint64_t)answered);
    }
    if (!cli->arguments.json) {
        rki_out("ready\n");
        return RK_OK;
    }
    rki_object object;
    rki_object_start(&object);
    rki_object_text(&object, "status", RK_TEXT("ready"));
    return rki_object_finish(&object, error);
}
