/*
 * Guards that read nothing: their answer is known before any event comes.
 */
#include "core/module/reader.h"

/* Whether the program reads nothing, and what it then says everywhere; no for an expression that fails. */
static bool is_constant(const rki_reader *reader, const rk_program *program, bool *yes_out) {
    const rk_read *reads = NULL;
    rk_arena scratch;
    rk_value value;
    *yes_out = false;
    if (!program || rk_program_reads(program, &reads) > 0) return false;
    rk_arena_init(&scratch, rk_arena_memory(reader->arena), RK_STATE_SIZE_MAX);
    rk_status status = rk_program_run(program, NULL, &scratch, RK_STEPS_MAX, &value, NULL);
    bool told = status == RK_OK && value.kind == RK_BOOL; /* another kind is a finding already */
    *yes_out = told && value.as.boolean;
    rk_arena_free(&scratch);
    return told || status == RK_EXPRESSION_FAILED;
}

void rki_guards_find_constant(rki_reader *reader, const rk_guard *guards, size_t count, rk_bytes pointer) {
    bool after = false;
    for (size_t i = 0; i < count; i++) {
        bool yes = false, constant = is_constant(reader, guards[i].that, &yes);
        rk_bytes at = rki_pointer(reader->arena, rki_pointer_index(reader->arena, pointer, i), RK_TEXT("that"));
        if (after) {
            rki_find(reader, at, "a guard before this one is constant",
                     "take the constant one out: \"true\" asks nothing, and after \"false\" nothing is asked");
        }
        if (constant && !yes) {
            rki_find(reader, at, "this guard is never true: nobody could ever write the event",
                     "a guard reads something: data, state, actor, entity, event or now");
        }
        after = after || constant;
    }
}
