/*
 * Serving until SIGTERM or SIGINT.
 */
#include "door/http/serve.h"

#include <string.h>

#include "door/http/challenge.h"
#include "door/http/greeting.h"
#include "door/http/server.h"
#include "door/http/signature.h"
#include "io/clock.h"
#include "io/crypto.h"
#include "io/thread.h"

static rk_status serve(const rk_server_options *options, rk_error *error) {
    rk_server *server = NULL;
    rk_stop_prepare(); /* before any thread is there */
    RK_TRY(rk_server_start(options, &server, error));
    rki_greet(options, rk_server_port(server), rk_server_metrics_port(server));
    rk_stop_wait();
    rk_server_stop(server);
    return RK_OK;
}

/* The server's parts without the server: whoever holds the folder may speak for its actors. */
static rk_status token(const rk_server_options *options, rk_bytes account, rk_bytes actor, uint64_t seconds,
                       rk_arena *arena, rk_bytes *token_out, rk_error *error) {
    rk_server *server = NULL;
    RK_TRY(rk_server_prepare(options, &server, error));
    rk_status status = rk_server_token(server, account, actor, seconds, arena, token_out, error);
    rk_server_stop(server);
    return status;
}

/* "http://127.0.0.1:4200/v1/x?y" in its authority, without the scheme's usual port, and its target. */
static bool split_url(rk_bytes url, rk_http_request *request) {
    static const char *const schemes[] = {"http://", "https://"}, *const usual_ports[] = {":80", ":443"};
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(schemes[i]);
        if (url.size <= size || memcmp(url.data, schemes[i], size) != 0) continue;
        rk_bytes rest = rk_bytes_from(url, size);
        size_t slash = rk_bytes_find(rest, '/');
        request->authority = (rk_bytes){rest.data, slash < rest.size ? slash : rest.size};
        request->target = slash < rest.size ? rk_bytes_from(rest, slash) : RK_TEXT("/");
        const rk_bytes usual = rk_bytes_of_string(usual_ports[i]);
        size_t before = request->authority.size > usual.size ? request->authority.size - usual.size : 0;
        if (rk_bytes_equal(rk_bytes_from(request->authority, before), usual)) request->authority.size = before;
        return request->authority.size > 0;
    }
    return false;
}

static rk_status sign(const rk_key_pair *pair, rk_bytes actor, rk_bytes method, rk_bytes url, rk_bytes body,
                      rk_arena *arena, rk_bytes *lines_out, rk_error *error) {
    rk_http_request request = {.method = method, .body = body};
    rk_signature_fields fields;
    uint8_t random[16];
    char nonce[2 * sizeof random];
    if (!split_url(url, &request)) return rk_fail(error, RK_BAD_REQUEST, "URL", "it is no http or https address");
    rk_random_bytes(random, sizeof random);
    rk_hex_write(rk_bytes_of(random, sizeof random), nonce);
    RK_TRY(rk_signature_make(arena, rk_crypto_sodium(), pair, actor, &request, rk_clock_ms() / 1000,
                             rk_bytes_of(nonce, sizeof nonce), &fields, error));
    *lines_out = rk_arena_format(arena, "%s%b%sSignature-Input: %b\nSignature: %b\n",
                                 fields.digest.size ? "Content-Digest: " : "", fields.digest,
                                 fields.digest.size ? "\n" : "", fields.input, fields.signature);
    return lines_out->size ? RK_OK : rk_fail(error, RK_NO_MEMORY, NULL, "no memory for the signature");
}

static rk_status answer(const rk_key_pair *pair, const rk_hash *account, rk_bytes actor, rk_bytes challenge,
                        rk_arena *arena, rk_bytes *answer_out, rk_error *error) {
    return rk_challenge_answer(arena, rk_crypto_sodium(), pair, account, actor, challenge, answer_out, error);
}

const rk_server_world *rk_server_http(void) {
    static const rk_server_world world = {serve, token, sign, answer};
    return &world;
}
