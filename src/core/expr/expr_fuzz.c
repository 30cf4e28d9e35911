/*
 * Strategy: any text as an expression, compiled with and without an environment, run on a small world with few steps.
 *
 * Invariants
 *   (1) Nothing crashes, every run ends within its steps and its memory, every refusal has its code and, but for
 *       limits, its place.
 *   (2) What runs gives the same answer a second time.
 *   (3) What the checker accepts and calls a bool is no other kind when it is run.
 */
#include "core/expr/expr.h"
#include "io/memory.h"

enum { STEPS_MAX = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rk_status find_root(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    (void)index, (void)error;
    const rk_value *found = rk_map_find(context, name);
    if (!found) return RK_NOT_FOUND;
    *value_out = *found;
    return RK_OK;
}

static void run(rk_arena *arena, rk_bytes source, const rk_environment *environment, const rk_value *world) {
    rk_program *program = NULL;
    rk_error error = {0};
    rk_value value, again;
    rk_activation activation = {.find = find_root, .context = (void *)(uintptr_t)world};
    rk_status status = rk_expr_compile(arena, source, environment, &program, &error);
    if (status != RK_OK) {
        RK_ASSERT(!program && error.code == status && error.what[0]);
        RK_ASSERT(error.where[0] || status == RK_LIMIT || status == RK_BAD_TEXT || status == RK_NO_MEMORY);
        return;
    }
    const rk_read *reads = NULL;
    const rk_bytes *keys = NULL;
    RK_ASSERT(rk_program_path(program, &keys) == 0 || rk_program_reads(program, &reads) == 1);
    status = rk_program_run(program, &activation, arena, STEPS_MAX, &value, &error);
    if (status != RK_OK) {
        RK_ASSERT(status == RK_EXPRESSION_FAILED || status == RK_STEP_BOUND || status == RK_NO_MEMORY ||
                  status == RK_NOT_YET);
        RK_ASSERT(error.code == status && error.what[0]);
        return;
    }
    if (rk_program_type(program)->kind == RK_TYPE_BOOL) RK_ASSERT(value.kind == RK_BOOL);
    status = rk_program_run(program, &activation, arena, STEPS_MAX, &again, &error);
    RK_ASSERT(status == RK_NO_MEMORY || (status == RK_OK && value.kind == again.kind));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_arena_init(&arena, rk_memory_system(), 1 << 22);
    const rk_value items[] = {rk_int(1), rk_string(RK_TEXT("a")), rk_null()};
    rk_pair inner[] = {{rk_string(RK_TEXT("a")), rk_int(7)}, {rk_int(1), rk_list(items, 3)}};
    rk_pair roots[] = {{rk_string(RK_TEXT("n")), rk_int(5)},
                       {rk_string(RK_TEXT("l")), rk_list(items, 3)},
                       {rk_string(RK_TEXT("m")), rk_null()}};
    rk_value world;
    RK_ASSERT(rk_map_value(&arena, inner, 2, &roots[2].value) == RK_OK);
    RK_ASSERT(rk_map_value(&arena, roots, 3, &world) == RK_OK);
    const rk_variable variables[] = {{RK_TEXT("n"), rk_type_of(RK_TYPE_INT)},
                                     {RK_TEXT("l"), rk_type_list(&arena, rk_type_of(RK_TYPE_DYN))},
                                     {RK_TEXT("m"), rk_type_of(RK_TYPE_DYN)}};
    const rk_environment environment = {variables, 3};
    rk_bytes source = {data, size};
    rk_place place;
    rk_status status = rk_expr_compile_place(&arena, source, &environment, &place, NULL);
    RK_ASSERT(status != RK_OK || place.root.size > 0);
    run(&arena, source, NULL, &world);
    run(&arena, source, &environment, &world);
    rk_arena_free(&arena);
    return 0;
}
