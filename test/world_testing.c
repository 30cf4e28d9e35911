/*
 * The small world.
 */
#include "world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "door/json.h"
#include "io/crypto.h"
#include "io/memory.h"
#include "store/sqlite/sqlite_log.h"

uint64_t world_now_ms = 1760000000000;
static uint64_t random_state = 88172645463325252;

uint64_t world_random(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 2685821657736338717U;
}

void world_seed(uint64_t seed) {
    random_state = seed * 2685821657736338717U + 88172645463325252U;
    if (random_state == 0) random_state = 1;
}

static void run(const char *command) {
    if (system(command) != 0) fail_msg("failed: %s", command);
}

void world_folder(const char *name, char path_out[256]) {
    char command[600];
    snprintf(path_out, 256, "build/world/%d/%s", (int)getpid(), name);
    snprintf(command, sizeof command, "rm -rf %s && mkdir -p %s", path_out, path_out);
    run(command);
}

/* ---- the host ---- */

static uint64_t now_ms(void *context) {
    const site *site = context;
    return (uint64_t)((int64_t)++world_now_ms + site->skew_ms);
}

static void random_bytes(void *context, uint8_t *out, size_t size) {
    (void)context;
    for (size_t i = 0; i < size; i++) out[i] = (uint8_t)(world_random() >> 32);
}

static world_key *find_key(site *site, rk_key_owner owner, rk_bytes actor) {
    for (size_t i = 0; i < site->key_count; i++) {
        world_key *key = &site->keys[i];
        if (key->owner == owner && rk_bytes_equal(rk_bytes_of_string(key->actor), actor)) return key;
    }
    return NULL;
}

static rk_status key_get(void *context, rk_key_owner owner, rk_bytes actor, rk_key_pair *pair_out, rk_error *error) {
    const world_key *key = find_key(context, owner, actor);
    if (!key) return rk_fail(error, RK_NO_KEY, NULL, "no key of \"%b\"", actor);
    *pair_out = key->pair;
    return RK_OK;
}

static rk_status key_put(void *context, rk_key_owner owner, rk_bytes actor, const rk_key_pair *pair, rk_error *error) {
    site *site = context;
    world_key *key = find_key(site, owner, actor);
    (void)error;
    if (!key) {
        assert_true(site->key_count < WORLD_KEYS_MAX);
        key = &site->keys[site->key_count++];
    }
    key->owner = owner;
    key->pair = *pair;
    rk_format(key->actor, sizeof key->actor, "%b", actor);
    return RK_OK;
}

static rk_status place(void *context, bool renew, rk_arena *arena, rk_bytes *place_out, rk_error *error) {
    site *site = context;
    (void)renew, (void)arena, (void)error;
    *place_out = rk_bytes_of_string(site->place);
    return RK_OK;
}

static void notice(void *context, const char *what) {
    site *site = context;
    snprintf(site->notice, sizeof site->notice, "%s", what);
}

static void repaired(void *context, const char *what) {
    (void)context, (void)what;
}

static void found(void *context, const char *where, const char *what) {
    (void)context;
    print_message("finding: %s: %s\n", where, what);
}

static const rk_log_listener listener = {repaired, found, NULL, NULL};

static void make_host(site *site) {
    site->host = (rk_host){.memory = rk_memory_system(),
                           .crypto = rk_crypto_sodium(),
                           .store = rk_log_sqlite(),
                           .listener = &listener,
                           .path = site->path,
                           .context = site,
                           .now_ms = now_ms,
                           .random = random_bytes,
                           .key_get = key_get,
                           .key_put = key_put,
                           .place = place,
                           .notice = notice};
}

static void must(rk_status status, const rk_error *error) {
    if (status != RK_OK) fail_msg("%s: %s: %s", rk_status_name(status), error->where, error->what);
}

/* ---- sites ---- */

void site_create_truth(site *site, const char *name) {
    rk_error error = {0};
    *site = (struct site){0};
    world_folder(name, site->path);
    snprintf(site->place, sizeof site->place, "%s", name);
    make_host(site);
    must(rk_engine_create(&site->host, RK_TEXT("acme"), &site->engine, &error), &error);
}

void site_reopen(site *site) {
    rk_error error = {0};
    rk_engine_close(site->engine);
    make_host(site);
    must(rk_engine_open(&site->host, RK_LOG_READ_WRITE, &site->engine, &error), &error);
}

void site_close(site *site) {
    rk_engine_close(site->engine);
    site->engine = NULL;
}

void site_copy(const site *from, site *copy, const char *name) {
    char command[600];
    *copy = *from;
    copy->engine = NULL;
    make_host(copy);
    world_folder(name, copy->path);
    snprintf(copy->place, sizeof copy->place, "%s", name);
    snprintf(command, sizeof command, "cp -a %s/. %s/", from->path, copy->path);
    run(command);
}

rk_status site_submit(site *site, const char *actor, const char *entity, const char *type, const char *data,
                      rk_error *error) {
    rk_arena arena;
    rk_entry *entries = NULL;
    rk_intent intent = {.entity = rk_bytes_of_string(entity), .type = rk_bytes_of_string(type)};
    rk_arena_init(&arena, rk_memory_system(), (size_t)1 << 30);
    assert_int_equal(rk_json_read(&arena, rk_bytes_of_string(data ? data : "{}"), &intent.data, error), RK_OK);
    rk_status status =
        rk_engine_submit(site->engine, rk_bytes_of_string(actor), NULL, &intent, 1, &arena, &entries, error);
    rk_arena_free(&arena);
    return status;
}

void site_must_submit(site *site, const char *actor, const char *entity, const char *type, const char *data) {
    rk_error error = {0};
    must(site_submit(site, actor, entity, type, data, &error), &error);
}

void site_add_actor(site *truth, const char *name, const char *roles) {
    char entity[200], data[400], hex[2 * RK_KEY_SIZE + 1] = {0};
    uint8_t seed[RK_SEED_SIZE];
    rk_key_pair pair;
    random_bytes(truth, seed, sizeof seed);
    rk_crypto_sodium()->key_pair_of_seed(seed, &pair);
    rk_hex_write(rk_key_bytes(&pair.public_key), hex);
    assert_int_equal(key_put(truth, RK_OWNER_ACTOR, rk_bytes_of_string(name), &pair, NULL), RK_OK);
    snprintf(entity, sizeof entity, "actor/%s", name);
    snprintf(data, sizeof data, "{\"kind\":\"user\",\"roles\":%s,\"key\":\"%s\"}", roles, hex);
    site_must_submit(truth, "owner", entity, "add", data);
}

/* The source as the data of its publication. */
static void publish(site *truth, const char *text) {
    static char data[(1 << 16) + 100];
    char entity[100];
    rk_arena arena;
    rk_value value;
    rk_error error = {0};
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    must(rk_json_read(&arena, rk_bytes_of_string(text), &value, &error), &error);
    rk_bytes name = rk_map_find(&value, RK_TEXT("module"))->as.bytes;
    snprintf(entity, sizeof entity, "module/%.*s", (int)name.size, (const char *)name.data);
    snprintf(data, sizeof data, "{\"version\":%d,\"source\":%s}",
             (int)rk_map_find(&value, RK_TEXT("version"))->as.integer, text);
    site_must_submit(truth, "owner", entity, "publish", data);
    rk_arena_free(&arena);
}

void site_publish(site *truth, const char *path) {
    static char text[1 << 16];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = 0;
    publish(truth, text);
}

const char *world_json(const char *source) {
    static char texts[2][1 << 14];
    static size_t turn;
    char *out = texts[turn++ % 2];
    size_t size = strlen(source);
    assert_true(size < sizeof texts[0]);
    for (size_t i = 0; i <= size; i++) out[i] = (char)(source[i] == '\'' ? '"' : source[i] == '`' ? '\'' : source[i]);
    return out;
}

void site_publish_text(site *truth, const char *source) {
    publish(truth, world_json(source));
}

void site_create_device(site *device, const char *name, site *truth, const char *actor) {
    rk_error error = {0};
    rk_invitation invitation;
    rk_engine_info info;
    parcel parcel;
    rk_import_report report;
    *device = (site){0};
    must(rk_engine_invite(truth->engine, rk_bytes_of_string(actor), RK_TEXT("owner"), &invitation, &error), &error);
    must(rk_engine_info_get(truth->engine, &info, &error), &error);
    world_folder(name, device->path);
    snprintf(device->place, sizeof device->place, "%s", name);
    make_host(device);
    must(rk_engine_create_device(&device->host, &invitation, &info.log, &device->engine, &error), &error);
    parcel_fill(&parcel, truth, 0);
    must(parcel_deliver(&parcel, device, &report, &error), &error);
    parcel_free(&parcel);
    must(rk_engine_join(device->engine, &invitation, &error), &error);
}

/* ---- parcels ---- */

static rk_bytes keep(parcel *parcel, rk_bytes bytes) {
    rk_bytes copy;
    assert_int_equal(rk_arena_copy(&parcel->arena, bytes, &copy), RK_OK);
    return copy;
}

static rk_status pack(void *context, const rk_frame *frame) {
    parcel *parcel = context;
    if (parcel->count == parcel->capacity) {
        size_t capacity = parcel->capacity ? parcel->capacity * 2 : 64;
        parcel->frames =
            rk_arena_grow(&parcel->arena, parcel->frames, parcel->capacity * sizeof *frame, capacity * sizeof *frame);
        assert_non_null(parcel->frames);
        parcel->capacity = capacity;
    }
    rk_frame copy = *frame;
    copy.record = keep(parcel, frame->record);
    copy.batch = keep(parcel, frame->batch);
    copy.code = keep(parcel, frame->code);
    copy.what = keep(parcel, frame->what);
    copy.hint = keep(parcel, frame->hint);
    parcel->frames[parcel->count++] = copy;
    return RK_OK;
}

void parcel_fill(parcel *parcel, site *from, uint64_t after) {
    rk_error error = {0};
    *parcel = (struct parcel){.count = 0};
    rk_arena_init(&parcel->arena, rk_memory_system(), (size_t)1 << 32);
    must(rk_engine_export(from->engine, after, pack, parcel, &error), &error);
}

void parcel_free(parcel *parcel) {
    rk_arena_free(&parcel->arena);
}

static int compare_frames(const void *a, const void *b) {
    return rk_frame_compare(a, b);
}

void parcel_shuffle(parcel *parcel) {
    size_t count = parcel->count;
    for (size_t i = 0; i < count; i++) {
        rk_frame copy = parcel->frames[i];
        if (copy.kind != RK_FRAME_HEAD && world_random() % 4 == 0) pack(parcel, &copy);
    }
    for (size_t i = parcel->count; i > 1; i--) {
        size_t other = world_random() % i;
        rk_frame frame = parcel->frames[i - 1];
        parcel->frames[i - 1] = parcel->frames[other];
        parcel->frames[other] = frame;
    }
    qsort(parcel->frames, parcel->count, sizeof *parcel->frames, compare_frames);
}

rk_status parcel_deliver(const parcel *parcel, site *to, rk_import_report *report_out, rk_error *error) {
    rk_import *import = NULL;
    *report_out = (rk_import_report){0};
    RK_TRY(rk_engine_import_start(to->engine, &import, error));
    for (size_t i = 0; i < parcel->count; i++) {
        rk_status status = rk_engine_import_frame(import, &parcel->frames[i], error);
        if (status == RK_OK) continue;
        rk_engine_import_abort(import);
        return status;
    }
    return rk_engine_import_finish(import, report_out, error);
}

rk_import_report site_send(site *from, site *to, uint64_t after) {
    parcel parcel;
    rk_import_report report;
    rk_error error = {0};
    parcel_fill(&parcel, from, after);
    parcel_shuffle(&parcel);
    must(parcel_deliver(&parcel, to, &report, &error), &error);
    parcel_free(&parcel);
    return report;
}

/* ---- looking ---- */

void site_must_be_sound(site *site) {
    const rk_check_listener checked = {found, NULL, NULL};
    rk_replay_report replayed;
    rk_verify_report verified;
    rk_error error = {0};
    must(rk_engine_verify(site->engine, &checked, &verified, &error), &error);
    must(rk_engine_replay(site->engine, (rk_bytes){NULL, 0}, &checked, &replayed, &error), &error);
}

static char *next_text(void) {
    static char texts[4][1 << 16];
    static size_t turn;
    return texts[turn++ % 4];
}

static void read_entity(site *site, const char *entity, rk_arena *arena, rk_reading *reading) {
    rk_error error = {0};
    rk_arena_init(arena, rk_memory_system(), (size_t)1 << 30);
    rk_status status = rk_engine_get(site->engine, rk_bytes_of_string(entity), NULL, arena, reading, &error);
    if (status == RK_NOT_FOUND) {
        *reading = (rk_reading){.state = {.kind = RK_MAP}};
    } else {
        must(status, &error);
    }
}

const char *site_state(site *site, const char *entity) {
    rk_arena arena;
    rk_reading reading;
    rk_buffer buffer;
    rk_bytes text;
    char *out = next_text();
    read_entity(site, entity, &arena, &reading);
    rk_buffer_init(&buffer, &arena, (1 << 16) - 1);
    rk_json_print(&buffer, &reading.state);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    memcpy(out, text.data, text.size);
    out[text.size] = 0;
    rk_arena_free(&arena);
    return out;
}

const char *site_hash(site *site, const char *entity) {
    rk_arena arena;
    rk_reading reading;
    char *out = next_text();
    read_entity(site, entity, &arena, &reading);
    rk_hex_write(rk_hash_bytes(&reading.hash), out);
    out[64] = 0;
    rk_arena_free(&arena);
    return out;
}

uint64_t site_version(site *site, const char *entity) {
    rk_arena arena;
    rk_reading reading;
    read_entity(site, entity, &arena, &reading);
    rk_arena_free(&arena);
    return reading.version;
}

static rk_status count_entry(void *context, const rk_entry *entry) {
    uint64_t *count = context;
    *count += entry->position == 0;
    return RK_OK;
}

uint64_t site_pending(site *site) {
    uint64_t count = 0;
    rk_error error = {0};
    must(rk_engine_log(site->engine, (rk_bytes){NULL, 0}, UINT64_MAX, UINT64_MAX, true, count_entry, &count, &error),
         &error);
    return count;
}
