/*
 * Strategy: bytes as a module, as CBOR where they are a whole value and as JSON else. The findings are read; what
 * compiles is asked for each of its event types and fields. That it folds is core/reduce/fold_fuzz.c's.
 *
 * Invariants
 *   (1) Nothing crashes, and every refusal has a finding with a code, a message and a pointer that begins with "/".
 *   (2) Compiling is a function of the value alone: from the CBOR of what compiled comes the same module.
 *   (3) What compiles may follow itself but for its version, and every step names a field and has a value.
 */
#include "core/module/module.h"
#include "door/json.h"
#include "io/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event_type(const rk_module *module, const rk_event_type *type) {
    RK_ASSERT(type->name.size && type->data && type->ordered == (type->why_ordered.size > 0));
    RK_ASSERT(rk_module_event_type(module, type->name) == type);
    for (size_t i = 0; i < type->guard_count; i++) RK_ASSERT(type->guards[i].that);
    for (size_t i = 0; i < type->step_count; i++) {
        const rk_step *step = &type->steps[i];
        RK_ASSERT(step->field && step->value);
        RK_ASSERT(rk_module_field(module, step->field->name) == step->field);
        RK_ASSERT(step->field->merge == RK_MERGE_NONE || step->place.step_count == 0);
        RK_ASSERT(type->ordered || step->field->merge != RK_MERGE_NONE);
        if (step->field->merge != RK_MERGE_NONE) RK_ASSERT(!rk_program_reads_root(step->value, RK_TEXT("state")));
    }
}

static void check_module(rk_arena *arena, rk_module *module) {
    RK_ASSERT(rk_name_valid(module->name) && module->version >= 1);
    for (size_t i = 0; i < module->field_count; i++) {
        const rk_field *field = &module->fields[i];
        RK_ASSERT(field->schema && field->type && rk_module_field(module, field->name) == field);
    }
    for (size_t i = 0; i < module->event_type_count; i++) check_event_type(module, &module->event_types[i]);
    rk_module next = *module, *again = NULL;
    next.version++;
    RK_ASSERT(rk_module_may_follow(module, &next, NULL) == RK_OK);
    RK_ASSERT(rk_module_may_follow(module, module, NULL) == RK_MODULE_CHANGE);
    rk_findings findings;
    rk_value source;
    rk_bytes bytes;
    RK_ASSERT(rk_cbor_encode(arena, &module->source, SIZE_MAX, &bytes) == RK_OK);
    RK_ASSERT(rk_cbor_decode(arena, bytes, &source, NULL) == RK_OK);
    RK_ASSERT(rk_module_compile(arena, &source, &again, &findings, NULL) == RK_OK);
    RK_ASSERT(again->field_count == module->field_count && again->event_type_count == module->event_type_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rk_arena arena;
    rk_value source;
    rk_module *module = NULL;
    rk_findings findings;
    rk_error error = {0};
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    bool read = rk_cbor_decode(&arena, rk_bytes_of(data, size), &source, NULL) == RK_OK ||
                rk_json_read(&arena, rk_bytes_of(data, size), &source, NULL) == RK_OK;
    if (read) {
        rk_status status = rk_module_compile(&arena, &source, &module, &findings, &error);
        RK_ASSERT((status == RK_OK) == (module != NULL) && error.code == status);
        RK_ASSERT(status == RK_OK || status == RK_NO_MEMORY || findings.count > 0);
        for (size_t i = 0; i < findings.count && i < RK_FINDINGS_MAX; i++) {
            const rk_finding *finding = &findings.items[i];
            RK_ASSERT(finding->code != RK_OK && (finding->message.size || rk_arena_used(&arena) > 1 << 25));
            RK_ASSERT(finding->pointer.size == 0 || finding->pointer.data[0] == '/');
        }
        if (status == RK_OK) check_module(&arena, module);
    }
    rk_arena_free(&arena);
    return 0;
}
