/*
 * Filters over the events of a log: compiled once, asked about one event after the other.
 *
 * Invariants
 *   (1) A filter reads one event, who reads it, and the clock; no state.
 *   (2) An event on which it fails, overflows or runs out of steps does not match.
 */
#include <string.h>

#include "engine/inner.h"

struct rk_filter {
    rk_program *program;
};

static const rk_type *object_of(rk_arena *arena, const char *name, const rk_type_field *fields, size_t count) {
    rk_type_field *copy = rk_arena_take_array(arena, count, sizeof *copy);
    if (!copy) return NULL;
    memcpy(copy, fields, count * sizeof *copy);
    return rk_type_object(arena, rk_bytes_of_string(name), copy, count, false);
}

static rk_status compile(rk_arena *arena, rk_bytes where, rk_program **program_out, rk_error *error) {
    const rk_type *text = rk_type_of(RK_TYPE_STRING), *number = rk_type_of(RK_TYPE_INT),
                  *time = rk_type_of(RK_TYPE_TIMESTAMP);
    const rk_type_field event[] = {{RK_TEXT("id"), text},         {RK_TEXT("type"), text},
                                   {RK_TEXT("module"), text},     {RK_TEXT("module_version"), number},
                                   {RK_TEXT("position"), number}, {RK_TEXT("version"), number},
                                   {RK_TEXT("actor"), text},      {RK_TEXT("time"), time}};
    const rk_type_field entity[] = {{RK_TEXT("id"), text}, {RK_TEXT("name"), text}};
    const rk_variable variables[] = {{RK_TEXT("event"), object_of(arena, "event", event, 8)},
                                     {RK_TEXT("entity"), object_of(arena, "entity", entity, 2)},
                                     {RK_TEXT("actor"), rk_module_actor_type(arena)},
                                     {RK_TEXT("data"), rk_type_of(RK_TYPE_DYN)},
                                     {RK_TEXT("now"), time}};
    const rk_environment environment = {variables, 5};
    for (size_t i = 0; i < 3; i++) {
        if (!variables[i].type) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a filter");
    }
    RK_TRY(rk_expr_compile(arena, where, &environment, program_out, error));
    if (rk_type_fits(rk_program_type(*program_out), rk_type_of(RK_TYPE_BOOL))) return RK_OK;
    return rk_fail(error, RK_BAD_EXPRESSION, "column 1", "the filter gives %b where bool is wanted",
                   rk_type_print(arena, rk_program_type(*program_out)));
}

rk_status rk_filter_compile(rk_arena *arena, rk_bytes where, const rk_filter **filter_out, rk_error *error) {
    rk_filter *filter = rk_arena_take(arena, sizeof *filter);
    *filter_out = NULL;
    if (!filter) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a filter");
    rk_status status = compile(arena, where, &filter->program, error);
    if (status != RK_OK) rk_error_at(error, RK_TEXT("where"));
    if (status == RK_OK) *filter_out = filter;
    return status;
}

rk_status rki_filter_ask(rk_engine *engine, const rk_filter *filter, const rk_actor_view *reader, uint64_t now_ms,
                         const rk_entry *entry, rk_arena *arena, bool *yes_out, rk_error *error) {
    const rk_scene scene = {.event = &entry->event,
                            .entity = entry->event.entity,
                            .actor = *reader,
                            .version = entry->version,
                            .position = entry->position,
                            .stamp = rk_stamp_of_ms(entry->time_ms),
                            .now_ms = now_ms,
                            .zones = rki_zones(engine)};
    rk_error why = {.code = RK_OK};
    rk_status status = rk_scene_filter(&scene, filter->program, arena, yes_out, &why);
    if (status == RK_EXPRESSION_FAILED || status == RK_STEP_BOUND || status == RK_OVERFLOW) {
        *yes_out = false;
        return RK_OK;
    }
    if (status != RK_OK && error) *error = why;
    return status;
}
