/*
 * For the tests of this folder: one module that has everything, copies of one entity of it, and ways to write to them
 * as a device and a truth do. Whatever must not fail fails the test (cmocka's assertions).
 */
#ifndef RK_CORE_REDUCE_REDUCE_TESTING_H
#define RK_CORE_REDUCE_REDUCE_TESTING_H

#include "core/reduce/slots.h"

enum { BASE_MS = 1000000 };

/* What the fields read as that nothing has written, in JSON without braces. */
#define EMPTY "'views':0,'stock':0,'tags':[],'bio':''"

/* One copy of one entity. */
typedef struct copy {
    rk_state *state;
    uint64_t version;
    uint64_t floor;
} copy;

extern rk_arena arena;
extern const rk_module *module;
extern uint64_t clock_ms;
extern rk_error last_error;
extern copy home;

copy copy_new(void);
rk_event event_of_value(uint64_t replica, const char *type, rk_value data);
rk_event event_of(uint64_t replica, const char *type, const char *data);
rk_scene scene_of(const copy *copy, const rk_event *event);
const rk_event_type *type_of(const rk_event *event);
void through_bytes(rk_event *event);
rk_status resolve(const copy *copy, rk_event *event);
rk_bytes bytes_of(rk_state *state);
rk_status judge(copy *copy, const rk_event *event);
void fold(copy *copy, const rk_event *event);
rk_status write_value(copy *copy, uint64_t replica, const char *type, rk_value data);
rk_status write_json(copy *copy, uint64_t replica, const char *type, const char *data);
void must(copy *copy, uint64_t replica, const char *type, const char *data);
void refused(copy *copy, const char *type, const char *data, rk_status code);
rk_state *state_of(rk_bytes bytes);
void reload(copy *copy);
void reads(rk_state *state, const char *expected);
int reduce_set_up(void **state);
int reduce_tear_down(void **state);

#endif
