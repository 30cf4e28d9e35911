/*
 * Golden vectors: the bytes of every format, as they stand in test/golden/format.json, are what this code makes today.
 *
 * A difference here means that databases which exist can no longer be read: it is a bug, or a new format number.
 * `REAKTOR_GOLDEN=write` writes the file, for a format that has not been released.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/event/format_testing.h"
#include "core/value/id.h"
#include "io/crypto.h"
#include "io/memory.h"

static const char golden_path[] = "test/golden/format.json";

static void add(json_t *golden, const char *name, rk_bytes bytes) {
    char *hex = calloc(2 * bytes.size + 1, 1);
    assert_non_null(hex);
    rk_hex_write(bytes, hex);
    json_object_set_new(golden, name, json_string(hex));
    free(hex);
}

static json_t *make_golden(rk_arena *arena) {
    rk_sample sample;
    rk_sample_make(arena, rk_crypto_sodium(), &sample);
    json_t *golden = json_object();
    char ulid[RK_ULID_SIZE + 1] = {0};
    rk_id_print((rk_id){((rk_stamp)1760000000000 << 16) + 1, 0x1122334455667788}, ulid);
    json_object_set_new(golden, "ulid", json_string(ulid));
    add(golden, "root-key", rk_key_bytes(&sample.root.public_key));
    add(golden, "truth-key", rk_key_bytes(&sample.truth.public_key));
    add(golden, "actor-key", rk_key_bytes(&sample.actor.public_key));
    add(golden, "event-set", sample.events[0]);
    add(golden, "event-splice", sample.events[1]);
    add(golden, "event-remove-with-cause", sample.events[2]);
    add(golden, "event-with-a-personal-member", sample.personal);
    add(golden, "preconditions", sample.preconditions);
    add(golden, "batch", sample.batch);
    add(golden, "batch-committed-with-a-refused-leaf", sample.committed);
    add(golden, "record", sample.record);
    add(golden, "genesis", sample.genesis);
    return golden;
}

static void the_bytes_of_every_format_are_frozen(void **state) {
    (void)state;
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    json_t *made = make_golden(&arena);
    const char *wish = getenv("REAKTOR_GOLDEN");
    if (wish && strcmp(wish, "write") == 0) {
        assert_int_equal(json_dump_file(made, golden_path, JSON_INDENT(2) | JSON_PRESERVE_ORDER), 0);
    }
    json_t *golden = json_load_file(golden_path, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(golden);
    assert_int_equal(json_object_size(golden), json_object_size(made));
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(golden, name, value) {
        if (!json_equal(value, json_object_get(made, name))) fail_msg("%s is no longer what it was", name);
    }
    json_decref(golden);
    json_decref(made);
    rk_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_bytes_of_every_format_are_frozen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
