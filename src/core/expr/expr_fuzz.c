/*
 * Strategy: any text as an expression, compiled with and without an environment, run on a small world with few steps.
 * The names of functions are in test/corpus/expr_fuzz, and in the second pass: an input that begins with a byte below
 * 32 is taken as a list of such bytes, each a piece of the table below, so that long calls are made of few bytes.
 *
 * Invariants
 *   (1) Nothing crashes, every run ends within its steps and its memory, every refusal has its code and, but for
 *       limits, its place.
 *   (2) What runs gives the same answer a second time.
 *   (3) What the checker accepts and calls a bool, text or a number is no other kind when it is run.
 *   (4) A run takes no more memory than its steps may walk, with what is doubled in growing.
 *   (5) Text that comes out is UTF-8. Where an error is, is found again in the source.
 */
#include "base/buffer.h"
#include "core/expr/expr.h"
#include "io/memory.h"

enum { STEPS_MAX = 20000, MEMORY_MAX = 8 * STEPS_MAX * RK_EXPR_STEP_BYTES };

static const char *const pieces[] = {
    "",
    "n",
    "l",
    "m",
    "'%s%d'",
    "'\u00f1a'",
    "1",
    "-1",
    "2.5",
    "b'\\xff'",
    ".format([",
    "])",
    ".replace(",
    ")",
    ", ",
    "(",
    "math.greatest(",
    "math.least(",
    "math.round(",
    "math.abs(",
    "math.sqrt(",
    "math.bitShiftLeft(",
    "math.bitAnd(",
    "strings.quote(",
    "base64.encode(",
    "base64.decode(",
    "cel.bind(x, ",
    "x",
    ".split(",
    ".join(",
    ".map(x, ",
    ".transformMap(i, x, ",
    "i",
    ".optMap(x, ",
    "optional.of(",
    "[?",
    "{?1: ",
    "}",
    "]",
    "[",
    ".?a",
    "[?0]",
    "'%.9f %e'",
    "'%x%X%o%b'",
    "9223372036854775807",
    "1u",
    " + ",
    " == ",
    ".matches('(?i)",
    "*')",
    "\u00e9",
    "timestamp(0)",
    ".getHours('A/B')",
    "duration('1s')",
    "null",
    "true ? ",
    " : ",
    "string(",
    ".unwrapOpt()",
    "''",
    ".orValue(",
    "1e308",
    "5e-324",
    " * ",
};

enum { PIECE_COUNT = sizeof pieces / sizeof pieces[0] };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rk_status find_root(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *error) {
    (void)index, (void)error;
    const rk_value *found = rk_map_find(context, name);
    if (!found) return RK_NOT_FOUND;
    *value_out = *found;
    return RK_OK;
}

static rk_status find_zone(void *context, rk_bytes name, int64_t seconds, int64_t *ahead_out) {
    (void)context;
    *ahead_out = seconds % 86400;
    return name.size % 2 == 0 ? RK_NOT_FOUND : RK_OK;
}

static bool has_type(const rk_value *value, rk_type_kind kind) {
    switch (kind) {
    case RK_TYPE_BOOL:
        return value->kind == RK_BOOL;
    case RK_TYPE_INT:
        return value->kind == RK_INT;
    case RK_TYPE_DOUBLE:
        return value->kind == RK_DOUBLE;
    case RK_TYPE_STRING:
        return value->kind == RK_STRING;
    default:
        return true;
    }
}

static void run(rk_arena *arena, rk_bytes source, const rk_environment *environment, const rk_value *world) {
    rk_program *program = NULL;
    rk_error error = {0};
    rk_value value, again;
    rk_activation activation = {.find = find_root, .context = (void *)(uintptr_t)world, .zone = find_zone};
    size_t offset = 0;
    rk_status status = rk_expr_compile(arena, source, environment, &program, &error);
    if (status != RK_OK) {
        RK_ASSERT(!program && error.code == status && error.what[0]);
        RK_ASSERT(!error.where[0] || rk_expr_find_place(source, error.where, &offset));
        RK_ASSERT(error.where[0] || status == RK_LIMIT || status == RK_BAD_TEXT || status == RK_NO_MEMORY);
        return;
    }
    const rk_read *reads = NULL;
    const rk_bytes *keys = NULL;
    RK_ASSERT(rk_program_path(program, &keys) == 0 || rk_program_reads(program, &reads) == 1);
    size_t used = rk_arena_used(arena);
    status = rk_program_run(program, &activation, arena, STEPS_MAX, &value, &error);
    RK_ASSERT(rk_arena_used(arena) - used <= MEMORY_MAX);
    if (status != RK_OK) {
        RK_ASSERT(status == RK_EXPRESSION_FAILED || status == RK_STEP_BOUND || status == RK_NO_MEMORY);
        RK_ASSERT(error.code == status && error.what[0]);
        return;
    }
    RK_ASSERT(has_type(&value, rk_program_type(program)->kind));
    RK_ASSERT(value.kind != RK_STRING || rk_utf8_valid(value.as.bytes));
    status = rk_program_run(program, &activation, arena, STEPS_MAX, &again, &error);
    RK_ASSERT(status == RK_NO_MEMORY || (status == RK_OK && value.kind == again.kind));
}

static rk_bytes join_pieces(rk_arena *arena, rk_bytes numbers) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, arena, 1 << 16);
    for (size_t i = 0; i < numbers.size; i++) {
        rk_buffer_append(&buffer, rk_bytes_of_string(pieces[numbers.data[i] % PIECE_COUNT]));
    }
    return rk_buffer_finish(&buffer, &text) == RK_OK ? text : RK_TEXT("1");
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
    if (size > 0 && data[0] < 32) source = join_pieces(&arena, source);
    rk_place place;
    rk_status status = rk_expr_compile_place(&arena, source, &environment, &place, NULL);
    RK_ASSERT(status != RK_OK || place.root.size > 0);
    run(&arena, source, NULL, &world);
    run(&arena, source, &environment, &world);
    rk_arena_free(&arena);
    return 0;
}
