/*
 * Founding an account whose root key is elsewhere: the draft, its signature, and the truth that comes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "io/crypto.h"
#include "io/memory.h"
#include "world_testing.h"

static rk_arena arena;
static rk_key_pair root, owner;
static rk_founding founding;
static rk_draft draft;

static void pair_of(uint8_t byte, rk_key_pair *pair_out) {
    uint8_t seed[RK_SEED_SIZE];
    memset(seed, byte, sizeof seed);
    rk_crypto_sodium()->key_pair_of_seed(seed, pair_out);
}

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    pair_of(1, &root);
    pair_of(2, &owner);
    founding = (rk_founding){.name = RK_TEXT("shop"),
                             .root_key = root.public_key,
                             .owner_key = owner.public_key,
                             .log = {{7}},
                             .replica = 77,
                             .now_ms = 1760000000000};
    pair_of(3, &founding.truth);
    return rk_founding_draft(&arena, rk_crypto_sodium(), &founding, &draft, NULL) == RK_OK ? 0 : 1;
}

static int tear_down(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

static rk_bytes sealed(const rk_draft *of, const rk_key_pair *by) {
    uint8_t signature[RK_SIGNATURE_SIZE];
    rk_bytes genesis = {NULL, 0};
    rk_crypto_sodium()->sign(by, of->to_sign, signature);
    assert_int_equal(rk_founding_seal(&arena, of, signature, &genesis, NULL), RK_OK);
    return genesis;
}

static rk_status read(rk_bytes genesis) {
    rk_founding found;
    return rk_founding_read(&arena, rk_crypto_sodium(), genesis, &found, NULL);
}

static void a_signed_draft_says_what_was_asked_for(void **state) {
    (void)state;
    rk_founding found;
    assert_int_equal(rk_founding_read(&arena, rk_crypto_sodium(), sealed(&draft, &root), &found, NULL), RK_OK);
    assert_true(rk_bytes_equal(found.name, founding.name));
    assert_true(rk_key_equal(&found.root_key, &root.public_key));
    assert_true(rk_key_equal(&found.owner_key, &owner.public_key));
    assert_true(rk_key_equal(&found.truth.public_key, &founding.truth.public_key));
    assert_memory_equal(&found.log, &founding.log, sizeof found.log);
    assert_int_equal(found.replica, 77);
    assert_int_equal(found.now_ms, founding.now_ms);
    uint8_t nothing[RK_SEED_SIZE] = {0};
    assert_memory_equal(found.truth.seed, nothing, sizeof nothing);
}

static void another_key_signs_nothing(void **state) {
    (void)state;
    assert_int_equal(read(sealed(&draft, &owner)), RK_BAD_SIGNATURE);
}

/* Every byte: what is signed, and what the signature is over through the root of the tree. */
static void a_changed_byte_is_refused(void **state) {
    (void)state;
    for (size_t at = 0; at < draft.to_sign.size + draft.leaves.size; at++) {
        rk_draft other = draft;
        bool first = at < draft.to_sign.size;
        rk_bytes *part = first ? &other.to_sign : &other.leaves, genesis;
        uint8_t signature[RK_SIGNATURE_SIZE], *bytes = rk_arena_take(&arena, part->size);
        memcpy(bytes, part->data, part->size);
        bytes[at - (first ? 0 : draft.to_sign.size)] ^= 1;
        rk_crypto_sodium()->sign(&root, draft.to_sign, signature);
        *part = rk_bytes_of(bytes, part->size);
        if (rk_founding_seal(&arena, &other, signature, &genesis, NULL) != RK_OK) continue;
        assert_int_not_equal(read(genesis), RK_OK);
    }
}

/* A batch of a root key that is well-formed in all, and makes the owner something else: only the bytes tell. */
static void a_genesis_of_other_events_is_refused(void **state) {
    (void)state;
    static const uint32_t transactions[] = {1, 1, 1};
    uint8_t secret[RK_SECRET_SIZE] = {9};
    rk_batch batch, opened;
    rk_bytes bytes;
    assert_int_equal(rk_batch_open(&arena, rk_crypto_sodium(), sealed(&draft, &root), &opened, NULL), RK_OK);
    for (size_t i = 0; i < 3; i++) {
        batch = opened;
        batch.transactions = transactions;
        batch.leaves = rk_arena_take_array(&arena, 3, sizeof *batch.leaves);
        memcpy(batch.leaves, opened.leaves, 3 * sizeof *batch.leaves);
        batch.leaves[i].event.type = RK_TEXT("invite");
        assert_int_equal(rk_event_encode(&arena, &batch.leaves[i].event, &batch.leaves[i].bytes), RK_OK);
        assert_int_equal(rk_batch_seal(&arena, rk_crypto_sodium(), &root, secret, &batch), RK_OK);
        assert_int_equal(rk_batch_encode(&arena, &batch, &bytes), RK_OK);
        assert_int_equal(rk_batch_open(&arena, rk_crypto_sodium(), bytes, &batch, NULL), RK_OK);
        assert_int_equal(read(bytes), RK_BAD_BATCH);
    }
    batch = opened;
    assert_int_equal(rk_batch_seal(&arena, rk_crypto_sodium(), &root, secret, &batch), RK_OK);
    assert_int_equal(rk_batch_encode(&arena, &batch, &bytes), RK_OK);
    assert_int_equal(read(bytes), RK_OK); /* the same events under other salts are the same genesis */
    batch.header.account.bytes[0] ^= 1;   /* an account that is not the key's */
    assert_int_equal(rk_batch_seal(&arena, rk_crypto_sodium(), &root, secret, &batch), RK_OK);
    assert_int_equal(rk_batch_encode(&arena, &batch, &bytes), RK_OK);
    assert_int_equal(read(bytes), RK_BAD_BATCH);
}

static void a_name_that_is_none_has_no_draft(void **state) {
    (void)state;
    founding.name = RK_TEXT("a\nb");
    assert_int_equal(rk_founding_draft(&arena, rk_crypto_sodium(), &founding, &draft, NULL), RK_BAD_ID);
    founding.name = (rk_bytes){NULL, 0};
    assert_int_equal(rk_founding_draft(&arena, rk_crypto_sodium(), &founding, &draft, NULL), RK_BAD_ID);
}

/* A site of a world that has no root key: its truth key is put there, and its owner's to write with. */
static void found(site *site, const char *name, rk_bytes genesis, rk_status wanted) {
    rk_error error = {0};
    rk_engine_close(site->engine);
    site->engine = NULL;
    world_folder(name, site->path);
    site->key_count = 0;
    const rk_host *host = &site->host;
    const rk_bytes nobody = {NULL, 0};
    if (wanted != RK_NO_KEY) {
        assert_int_equal(host->key_put(site, RK_OWNER_TRUTH, nobody, &founding.truth, NULL), RK_OK);
    } else {
        assert_int_equal(host->key_put(site, RK_OWNER_TRUTH, nobody, &owner, NULL), RK_OK);
    }
    assert_int_equal(host->key_put(site, RK_OWNER_ACTOR, RK_TEXT("owner"), &owner, NULL), RK_OK);
    rk_status status = rk_engine_create_founded(host, genesis, &site->engine, &error);
    if (status != wanted) fail_msg("%s, not %s: %s", rk_status_name(status), rk_status_name(wanted), error.what);
}

static void a_truth_without_the_root_key_is_whole(void **state) {
    (void)state;
    static site truth, phone;
    rk_engine_info info;
    rk_hash account = rk_sha256(rk_crypto_sodium(), rk_key_bytes(&root.public_key));
    site_create_truth(&truth, "founded");
    found(&truth, "founded", sealed(&draft, &root), RK_OK);
    assert_int_equal(rk_engine_info_get(truth.engine, &info, NULL), RK_OK);
    assert_true(rk_hash_equal(&info.account, &account));
    assert_int_equal(info.replica, 77);
    assert_int_equal(info.head.position, 3);
    site_must_be_sound(&truth);
    site_reopen(&truth);
    site_publish(&truth, "examples/modules/profile.json");
    site_add_actor(&truth, "asha", "[\"writer\"]");
    site_create_device(&phone, "founded-phone", &truth, "asha");
    site_must_submit(&phone, "asha", "profile/asha", "view", NULL);
    (void)site_send(&phone, &truth, 0);
    (void)site_send(&truth, &phone, 0);
    assert_string_equal(site_hash(&truth, "profile/asha"), site_hash(&phone, "profile/asha"));
    site_must_be_sound(&truth);
    site_must_be_sound(&phone);
    site_close(&truth);
    site_close(&phone);
}

static void what_is_no_genesis_makes_nothing(void **state) {
    (void)state;
    static site truth;
    site_create_truth(&truth, "unfounded");
    found(&truth, "unfounded", sealed(&draft, &owner), RK_BAD_SIGNATURE);
    found(&truth, "unfounded", sealed(&draft, &root), RK_NO_KEY);
    found(&truth, "unfounded", sealed(&draft, &root), RK_OK);
    rk_engine *again = NULL;
    assert_int_equal(rk_engine_create_founded(&truth.host, sealed(&draft, &root), &again, NULL), RK_DATABASE_EXISTS);
    site_close(&truth);
}

/* An export in parts of one frame is what an export is. */
typedef struct frames {
    rk_hash hashes[64];
    size_t count;
    bool pause;
} frames;

static rk_status take_frame(void *context, const rk_frame *frame) {
    frames *frames = context;
    assert_true(frames->count < 64);
    rk_bytes bytes = frame->kind == RK_FRAME_COMMIT ? frame->batch : RK_TEXT("head");
    frames->hashes[frames->count++] = rk_sha256(rk_crypto_sodium(), bytes);
    return frames->pause ? RK_LIMIT : RK_OK;
}

static void an_export_in_parts_is_the_whole_as_of_its_beginning(void **state) {
    (void)state;
    static site truth;
    frames whole = {.count = 0}, parts = {.pause = true};
    rk_export_place place;
    bool more = true;
    site_create_truth(&truth, "exported");
    site_publish(&truth, "examples/modules/profile.json");
    for (size_t i = 0; i < 10; i++) site_must_submit(&truth, "owner", "profile/a", "view", NULL);
    assert_int_equal(rk_engine_export(truth.engine, 0, take_frame, &whole, NULL), RK_OK);
    assert_int_equal(rk_engine_export_begin(truth.engine, &place, NULL), RK_OK);
    for (size_t calls = 0; more; calls++) {
        assert_int_equal(rk_engine_export_next(truth.engine, &place, take_frame, &parts, &more, NULL), RK_OK);
        assert_int_equal(parts.count, calls + 1);
        site_must_submit(&truth, "owner", "profile/a", "view", NULL);
    }
    assert_int_equal(parts.count, whole.count);
    assert_memory_equal(parts.hashes, whole.hashes, whole.count * sizeof *whole.hashes);
    frames once = {.pause = false};
    uint64_t last = 0;
    assert_int_equal(rk_engine_export_begin(truth.engine, &place, NULL), RK_OK);
    last = place.head.record;
    site_must_submit(&truth, "owner", "profile/a", "view", NULL);
    assert_int_equal(rk_engine_export_next(truth.engine, &place, take_frame, &once, &more, NULL), RK_OK);
    assert_int_equal(once.count, last + 1); /* and its head; nothing that came later */
    assert_false(more);
    site_close(&truth);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_signed_draft_says_what_was_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_key_signs_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_byte_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_genesis_of_other_events_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_is_none_has_no_draft, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_truth_without_the_root_key_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_genesis_makes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_export_in_parts_is_the_whole_as_of_its_beginning, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
