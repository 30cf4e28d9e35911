/*
 * How many typical guards one core evaluates a second: compiled once, run on values that stay the same.
 */
#include <stdio.h>
#include <time.h>

#include "core/expr/expr.h"
#include "io/memory.h"

enum { RUN_COUNT = 3000000 };

typedef struct roots {
    rk_value actor, entity, state, data;
} roots;

static rk_status find_root(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    (void)name, (void)error;
    const roots *values = context;
    const rk_value *const by_index[] = {&values->actor, &values->entity, &values->state, &values->data};
    *value_out = *by_index[index];
    return RK_OK;
}

static const char *const guards[] = {
    "actor.id == entity.id || 'admin' in actor.roles",
    "state.balance[?actor.id].orValue(0) >= data.amount && data.to != actor.id",
    "data.tags.all(t, size(t) <= 20) && data.amount + 1 > 0",
};

static rk_value map_of(rk_arena *arena, size_t count, const rk_bytes *keys, const rk_value *values) {
    rk_pair *pairs = rk_arena_take_array(arena, count, sizeof *pairs);
    for (size_t i = 0; i < count; i++) pairs[i] = (rk_pair){rk_string(keys[i]), values[i]};
    rk_value map;
    RK_ASSERT(rk_map_value(arena, pairs, count, &map) == RK_OK);
    return map;
}

static roots make_roots(rk_arena *arena) {
    rk_value *roles = rk_arena_take_array(arena, 2, sizeof *roles), *tags = rk_arena_take_array(arena, 3, sizeof *tags);
    roles[0] = rk_string(RK_TEXT("editor"));
    roles[1] = rk_string(RK_TEXT("admin"));
    for (size_t i = 0; i < 3; i++) tags[i] = rk_string(RK_TEXT("a tag"));
    roots values;
    values.actor = map_of(arena, 3, (rk_bytes[]){RK_TEXT("id"), RK_TEXT("kind"), RK_TEXT("roles")},
                          (rk_value[]){rk_string(RK_TEXT("alice")), rk_string(RK_TEXT("user")), rk_list(roles, 2)});
    values.entity = map_of(arena, 2, (rk_bytes[]){RK_TEXT("id"), RK_TEXT("exists")},
                           (rk_value[]){rk_string(RK_TEXT("alicf")), rk_bool(true)});
    rk_value balance = map_of(arena, 3, (rk_bytes[]){RK_TEXT("alice"), RK_TEXT("bob"), RK_TEXT("carol")},
                              (rk_value[]){rk_int(100), rk_int(200), rk_int(300)});
    values.state = map_of(arena, 3, (rk_bytes[]){RK_TEXT("issuer"), RK_TEXT("supply"), RK_TEXT("balance")},
                          (rk_value[]){rk_string(RK_TEXT("alice")), rk_int(600), balance});
    values.data = map_of(arena, 3, (rk_bytes[]){RK_TEXT("to"), RK_TEXT("amount"), RK_TEXT("tags")},
                         (rk_value[]){rk_string(RK_TEXT("bob")), rk_int(50), rk_list(tags, 3)});
    return values;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void bench(rk_arena *arena, const char *guard, roots *values, const rk_environment *environment) {
    rk_program *program = NULL;
    rk_value value = {.kind = RK_NULL};
    rk_activation activation = {.find = find_root, .context = values};
    RK_ASSERT(rk_expr_compile(arena, rk_bytes_of_string(guard), environment, &program, NULL) == RK_OK);
    size_t used = rk_arena_used(arena);
    double start = seconds_now();
    for (int i = 0; i < RUN_COUNT; i++) {
        RK_ASSERT(rk_program_run(program, &activation, arena, RK_STEPS_MAX, &value, NULL) == RK_OK);
        RK_ASSERT(value.as.boolean);
    }
    double seconds = seconds_now() - start;
    printf("%6.2f million a second, %zu bytes a run  %s\n", RUN_COUNT / seconds / 1e6,
           (rk_arena_used(arena) - used) / RUN_COUNT, guard);
}

int main(void) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    const rk_type *dyn = rk_type_of(RK_TYPE_DYN);
    const rk_variable variables[] = {
        {RK_TEXT("actor"), dyn}, {RK_TEXT("entity"), dyn}, {RK_TEXT("state"), dyn}, {RK_TEXT("data"), dyn}};
    const rk_environment environment = {variables, 4};
    roots values = make_roots(&arena);
    for (size_t i = 0; i < sizeof guards / sizeof guards[0]; i++) bench(&arena, guards[i], &values, &environment);
    rk_arena_free(&arena);
    return 0;
}
