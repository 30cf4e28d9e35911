/*
 * A small world for tests: databases in a temporary folder, with a clock and randomness that the test owns, and frames
 * carried from one to another in any order.
 *
 * Whatever must not fail fails the test (cmocka's assertions).
 */
#ifndef RK_WORLD_TESTING_H
#define RK_WORLD_TESTING_H

#include "engine/engine.h"

enum { WORLD_KEYS_MAX = 256 };

typedef struct world_key {
    rk_key_owner owner;
    char actor[RK_ACTOR_SIZE_MAX];
    rk_key_pair pair;
} world_key;

/* One database. */
typedef struct site {
    char path[256];
    rk_host host;
    rk_engine *engine;
    world_key keys[WORLD_KEYS_MAX];
    size_t key_count;
    char place[32]; /* changed by the test to stand for a copy */
    int64_t skew_ms;
    char notice[256];
} site;

typedef struct parcel {
    rk_arena arena;
    rk_frame *frames;
    size_t count;
    size_t capacity;
} parcel;

extern uint64_t world_now_ms; /* moves on by a millisecond with each look at a clock */

/* A pseudo-random number, xorshift64*: the same run every time. */
uint64_t world_random(void);
/* Starts it anew, for a run that can be had again by its number. */
void world_seed(uint64_t seed);
/* Text that is easier to write in C: ' stands for ", and ` for '. One of two static buffers in turn. */
const char *world_json(const char *source);
/* A fresh folder under build/; removed first when it is there. */
void world_folder(const char *name, char path_out[256]);
void site_create_truth(site *site, const char *name);
/* Closes, and opens again what is at the path, e.g. because it is a copy. */
void site_reopen(site *site);
void site_close(site *site);
/* Copies the folder of a closed or idle site; the copy knows the same keys and has another place. */
void site_copy(const site *from, site *copy, const char *name);

/* JSON for data; NULL for none. The entries' arena is the test's. */
rk_status site_submit(site *site, const char *actor, const char *entity, const char *type, const char *data,
                      rk_error *error);
void site_must_submit(site *site, const char *actor, const char *entity, const char *type, const char *data);
/* Adds an actor on the truth, with a key there. `roles` is JSON: ["writer"]. */
void site_add_actor(site *truth, const char *name, const char *roles);
void site_publish(site *truth, const char *path);
/* The same for a source as world_json takes it. */
void site_publish_text(site *truth, const char *source);
/* A device of the truth's account that acts as `actor`. */
void site_create_device(site *device, const char *name, site *truth, const char *actor);

/* Everything after `position`, in memory. */
void parcel_fill(parcel *parcel, site *from, uint64_t after);
void parcel_free(parcel *parcel);
/* Doubles some frames, shuffles all, and sorts them as the door does. */
void parcel_shuffle(parcel *parcel);
rk_status parcel_deliver(const parcel *parcel, site *to, rk_import_report *report_out, rk_error *error);
/* Fill, shuffle, deliver; must succeed. */
rk_import_report site_send(site *from, site *to, uint64_t after);

/* Verify and replay find nothing. */
void site_must_be_sound(site *site);
/* The state as JSON text (static buffer, four of them in turn), the hash in hex. */
const char *site_state(site *site, const char *entity);
const char *site_hash(site *site, const char *entity);
uint64_t site_version(site *site, const char *entity);
uint64_t site_pending(site *site);

#endif
