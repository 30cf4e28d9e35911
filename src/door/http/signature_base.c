/*
 * The signature base (RFC 9421 section 2.5) and what is done with it.
 *
 *     "NAME": VALUE LF            for each covered component
 *     "@signature-params": PARAMS the inner list and its parameters, without LF
 */
#include "door/http/signature.h"

#include <string.h>

/* ---- reading the two fields ---- */

/* The only member of a field; RK_NOT_SIGNED when the request does not have the field. */
static rk_status read_only_member(rk_arena *arena, const rk_http_request *request, rk_bytes name,
                                  const rk_member **member_out, rk_error *error) {
    bool found;
    rk_bytes value;
    rk_dictionary dictionary;
    RK_TRY(rk_http_field(arena, request, name, &found, &value, error));
    if (!found) {
        rk_fail(error, RK_NOT_SIGNED, NULL, "the request does not have this field");
        rk_error_at(error, name);
        return RK_NOT_SIGNED;
    }
    rk_status status = rk_dictionary_read(arena, value, &dictionary, error);
    if (status == RK_OK && dictionary.count != 1) {
        status = rk_fail(error, RK_BAD_HEADER, NULL, "it does not have exactly one member");
    }
    if (status == RK_OK) {
        *member_out = dictionary.members;
    } else {
        rk_error_at(error, name);
    }
    return status;
}

rk_status rk_signature_read(rk_arena *arena, const rk_http_request *request, rk_signature *signature_out,
                            rk_error *error) {
    const rk_member *input = NULL, *bytes = NULL;
    memset(signature_out, 0, sizeof *signature_out);
    RK_TRY(read_only_member(arena, request, RK_TEXT("signature-input"), &input, error));
    RK_TRY(read_only_member(arena, request, RK_TEXT("signature"), &bytes, error));
    if (!input->is_list) return rk_fail(error, RK_BAD_HEADER, "signature-input", "its member is no inner list");
    if (!rk_bytes_equal(input->key, bytes->key)) {
        return rk_fail(error, RK_BAD_HEADER, "signature", "its label is not that of Signature-Input");
    }
    if (bytes->is_list || bytes->value.kind != RK_BARE_BYTES || bytes->value.bytes.size != RK_SIGNATURE_SIZE) {
        return rk_fail(error, RK_BAD_HEADER, "signature", "it is not a byte sequence of 64 bytes");
    }
    signature_out->input = input;
    memcpy(signature_out->bytes, bytes->value.bytes.data, RK_SIGNATURE_SIZE);
    return RK_OK;
}

/* ---- the base ---- */

static rk_status refuse(rk_error *error, rk_status code, rk_bytes name, const char *what) {
    rk_status status = rk_fail(error, code, NULL, "%s", what);
    rk_error_at(error, name);
    return status;
}

static rk_bytes method_of(const rk_http_request *request) {
    return request->method;
}

static rk_bytes authority_of(const rk_http_request *request) {
    return request->authority;
}

/* Nothing, which is refused, unless the target is in origin form: "?x" and "/?x" would have the same path. */
static rk_bytes path_of(const rk_http_request *request) {
    rk_bytes path = rk_http_path(request);
    return path.size > 0 && path.data[0] == '/' ? path : (rk_bytes){NULL, 0};
}

static rk_bytes query_of(const rk_http_request *request) {
    rk_bytes query = rk_http_query(request);
    return query.size > 0 ? query : RK_TEXT("?");
}

static rk_bytes target_of(const rk_http_request *request) {
    return request->target;
}

static const struct {
    const char *name;
    rk_bytes (*value)(const rk_http_request *request);
    bool lower;
} derived[] = {
    {"@method", method_of, false}, {"@authority", authority_of, true},    {"@path", path_of, false},
    {"@query", query_of, false},   {"@request-target", target_of, false},
};

/* Visible ASCII, and something of it. */
static rk_status append_derived(rk_buffer *buffer, rk_bytes name, rk_bytes value, bool lower, rk_error *error) {
    if (value.size == 0) return refuse(error, RK_BAD_HEADER, name, "the request does not have it");
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.data[i];
        if (byte <= ' ' || byte > '~') return refuse(error, RK_BAD_HEADER, name, "it is not visible ASCII");
        if (lower && byte >= 'A' && byte <= 'Z') byte = (uint8_t)(byte + ('a' - 'A'));
        rk_buffer_append_byte(buffer, byte);
    }
    return RK_OK;
}

static bool is_field_name(rk_bytes name) {
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        bool upper = byte >= 'A' && byte <= 'Z';
        if (byte <= ' ' || byte > '~' || upper || strchr("\"(),/:;<=>?@[\\]{}", byte)) return false;
    }
    return name.size > 0;
}

static rk_status append_field(rk_buffer *buffer, const rk_http_request *request, rk_bytes name, rk_error *error) {
    bool found;
    rk_bytes value;
    if (!is_field_name(name)) return rk_fail(error, RK_BAD_HEADER, "signature-input", "a component has no known name");
    RK_TRY(rk_http_field(buffer->arena, request, name, &found, &value, error));
    if (!found) return refuse(error, RK_BAD_SIGNATURE, name, "it is covered, and the request does not have it");
    rk_buffer_append(buffer, value);
    return RK_OK;
}

static rk_status append_value(rk_buffer *buffer, const rk_http_request *request, rk_bytes name, rk_error *error) {
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++) {
        if (!rk_bytes_equal(rk_bytes_of_string(derived[i].name), name)) continue;
        return append_derived(buffer, name, derived[i].value(request), derived[i].lower, error);
    }
    return append_field(buffer, request, name, error);
}

/* A component is a string, has no parameters and stands once. */
static rk_status check_component(const rk_member *input, size_t index, rk_error *error) {
    const rk_item *item = &input->items[index];
    const char *wrong = NULL;
    if (item->value.kind != RK_BARE_STRING) wrong = "a component is not a string";
    if (item->parameters.count > 0) wrong = "parameters of components are not known here";
    for (size_t i = 0; i < index; i++) {
        if (rk_bytes_equal(input->items[i].value.bytes, item->value.bytes)) wrong = "a component stands twice";
    }
    return wrong ? rk_fail(error, RK_BAD_HEADER, "signature-input", "%s", wrong) : RK_OK;
}

rk_status rk_signature_base(rk_arena *arena, const rk_http_request *request, const rk_member *input, rk_bytes *base_out,
                            rk_error *error) {
    rk_buffer buffer;
    *base_out = (rk_bytes){NULL, 0};
    rk_buffer_init(&buffer, arena, RK_SIGNATURE_BASE_SIZE_MAX);
    for (size_t i = 0; i < input->item_count; i++) {
        RK_TRY(check_component(input, i, error));
        rk_item_print(&buffer, &input->items[i]);
        rk_buffer_append(&buffer, RK_TEXT(": "));
        RK_TRY(append_value(&buffer, request, input->items[i].value.bytes, error));
        rk_buffer_append_byte(&buffer, '\n');
    }
    rk_buffer_append(&buffer, RK_TEXT("\"@signature-params\": "));
    rk_member_print(&buffer, input);
    rk_status status = rk_buffer_finish(&buffer, base_out);
    if (status == RK_OK) return RK_OK;
    return rk_fail(error, status, "signature base", "RK_SIGNATURE_BASE_SIZE_MAX, or memory ran out");
}

/* ---- with a key ---- */

rk_status rk_signature_verify(rk_arena *arena, const rk_crypto *crypto, const rk_http_request *request,
                              const rk_signature *signature, const rk_key *key, rk_error *error) {
    rk_bytes base;
    RK_TRY(rk_signature_base(arena, request, signature->input, &base, error));
    if (crypto->verify(key, base, signature->bytes)) return RK_OK;
    return rk_fail(error, RK_BAD_SIGNATURE, "signature", "it does not verify");
}

static rk_status print_field(rk_arena *arena, const rk_member *member, rk_bytes *text_out) {
    rk_buffer buffer;
    rk_buffer_init(&buffer, arena, RK_DICTIONARY_SIZE_MAX);
    rk_dictionary_print(&buffer, &(rk_dictionary){member, 1});
    return rk_buffer_finish(&buffer, text_out);
}

rk_status rk_signature_sign(rk_arena *arena, const rk_crypto *crypto, const rk_key_pair *pair,
                            const rk_http_request *request, const rk_member *input, rk_signature_fields *fields_out,
                            rk_error *error) {
    rk_bytes base;
    uint8_t bytes[RK_SIGNATURE_SIZE];
    memset(fields_out, 0, sizeof *fields_out);
    RK_TRY(rk_signature_base(arena, request, input, &base, error));
    crypto->sign(pair, base, bytes);
    rk_member signature = {.key = input->key, .value = {RK_BARE_BYTES, 0, rk_bytes_of(bytes, sizeof bytes)}};
    rk_status status = print_field(arena, input, &fields_out->input);
    if (status == RK_OK) status = print_field(arena, &signature, &fields_out->signature);
    return status == RK_OK ? RK_OK : rk_fail(error, status, "signature", "it could not be written");
}
