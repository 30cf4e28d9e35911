/*
 * Slots, the canonical bytes, and values for reading.
 */
#include "core/reduce/state.h"

#include <string.h>

#include "core/reduce/plain.h"
#include "core/reduce/slots.h"

enum { GARBAGE_SIZE_MIN = 2 << 10 };

rk_status rk_state_new(const rk_memory *memory, size_t size_max, rk_state **state_out) {
    *state_out = NULL;
    rk_state *state = memory->take(memory->context, sizeof *state);
    if (!state) return RK_NO_MEMORY;
    *state = (rk_state){.memory = memory, .size_max = size_max};
    rk_arena_init(&state->arena, memory, size_max);
    *state_out = state;
    return RK_OK;
}

void rk_state_free(rk_state *state) {
    if (!state) return;
    for (size_t i = 0; i < state->slot_count; i++) {
        if (state->slots[i].merge == RK_MERGE_RGA) rk_rga_free(state->slots[i].as.rga);
    }
    rk_arena_free(&state->arena);
    state->memory->give(state->memory->context, state, sizeof *state);
}

/* ---- slots ---- */

static int compare_names(rk_bytes a, rk_bytes b) {
    rk_value a_value = rk_string(a), b_value = rk_string(b);
    return rk_value_compare(&a_value, &b_value);
}

/* The first slot that is not before `name`. */
static size_t lower_bound(const rk_state *state, rk_bytes name) {
    size_t at = 0;
    while (at < state->slot_count && compare_names(state->slots[at].name, name) < 0) at++;
    return at;
}

rki_slot *rki_slot_find(const rk_state *state, rk_bytes name) {
    size_t at = lower_bound(state, name);
    return at < state->slot_count && rk_bytes_equal(state->slots[at].name, name) ? &state->slots[at] : NULL;
}

static rk_status start_slot(rk_state *state, rki_slot *slot) {
    if (slot->merge == RK_MERGE_OR_SET) rk_or_set_init(&slot->as.or_set, &state->arena);
    if (slot->merge == RK_MERGE_RGA) return rk_rga_new(state->memory, state->size_max, &slot->as.rga);
    return RK_OK;
}

/* Room for one more slot at `at`, zeroed. */
static rk_status open_slot(rk_state *state, size_t at, rki_slot **slot_out) {
    if (state->slot_count == state->slot_capacity) {
        size_t capacity = state->slot_capacity ? state->slot_capacity * 2 : 8;
        rki_slot *slots =
            rk_arena_grow(&state->arena, state->slots, state->slot_capacity * sizeof *slots, capacity * sizeof *slots);
        if (!slots) return RK_NO_MEMORY;
        state->slots = slots;
        state->slot_capacity = capacity;
    }
    memmove(&state->slots[at + 1], &state->slots[at], (state->slot_count - at) * sizeof *state->slots);
    state->slot_count++;
    state->slots[at] = (rki_slot){.merge = RK_MERGE_NONE};
    *slot_out = &state->slots[at];
    return RK_OK;
}

rk_status rki_slot_make(rk_state *state, rk_bytes name, rk_merge_type merge, rki_slot **slot_out) {
    *slot_out = rki_slot_find(state, name);
    if (*slot_out) return (*slot_out)->merge == merge ? RK_OK : RK_CORRUPT;
    rki_slot slot = {.merge = merge};
    RK_TRY(rk_arena_copy(&state->arena, name, &slot.name));
    RK_TRY(start_slot(state, &slot));
    rk_status status = open_slot(state, lower_bound(state, name), slot_out);
    if (status == RK_OK) **slot_out = slot;
    if (status != RK_OK && merge == RK_MERGE_RGA) rk_rga_free(slot.as.rga);
    return status;
}

void rki_slot_remove(rk_state *state, rk_bytes name) {
    size_t at = lower_bound(state, name);
    state->slot_count--;
    memmove(&state->slots[at], &state->slots[at + 1], (state->slot_count - at) * sizeof *state->slots);
}

rk_rga *rk_state_text(const rk_state *state, rk_bytes field) {
    rki_slot *slot = state ? rki_slot_find(state, field) : NULL;
    return slot && slot->merge == RK_MERGE_RGA ? slot->as.rga : NULL;
}

/* ---- canonical bytes ---- */

static void encode_slot(rki_slot *slot, rk_buffer *buffer) {
    switch (slot->merge) {
    case RK_MERGE_NONE:
        rk_cbor_append(buffer, &slot->as.plain);
        break;
    case RK_MERGE_LWW:
        rk_lww_encode(&slot->as.lww, buffer);
        break;
    case RK_MERGE_G_COUNTER:
        rk_g_counter_encode(&slot->as.g_counter, buffer);
        break;
    case RK_MERGE_PN_COUNTER:
        rk_pn_counter_encode(&slot->as.pn_counter, buffer);
        break;
    case RK_MERGE_OR_SET:
        rk_or_set_encode(&slot->as.or_set, buffer);
        break;
    case RK_MERGE_RGA:
        rk_rga_encode(slot->as.rga, buffer);
        break;
    }
}

void rk_state_encode(rk_state *state, rk_buffer *buffer) {
    rk_cbor_append_head(buffer, 5, state->slot_count);
    for (size_t i = 0; i < state->slot_count; i++) {
        rk_cbor_append_text(buffer, state->slots[i].name);
        rk_cbor_append_head(buffer, 4, 2);
        rk_cbor_append_int(buffer, state->slots[i].merge);
        encode_slot(&state->slots[i], buffer);
    }
}

static rk_status decode_slot(rk_state *state, const rk_value *value, rki_slot *slot) {
    switch (slot->merge) {
    case RK_MERGE_NONE:
        return rki_plain_copy(&state->arena, value, &slot->as.plain);
    case RK_MERGE_LWW:
        return rk_lww_decode(&state->arena, value, &slot->as.lww);
    case RK_MERGE_G_COUNTER:
        return rk_g_counter_decode(value, &slot->as.g_counter);
    case RK_MERGE_PN_COUNTER:
        return rk_pn_counter_decode(value, &slot->as.pn_counter);
    case RK_MERGE_OR_SET:
        return rk_or_set_decode(&state->arena, value, &slot->as.or_set);
    default:
        return rk_rga_decode(state->memory, state->size_max, value, &slot->as.rga);
    }
}

static rk_status decode_pair(rk_state *state, const rk_pair *pair) {
    const rk_value *items =
        pair->value.kind == RK_LIST && pair->value.as.list.count == 2 ? pair->value.as.list.items : NULL;
    if (!items || pair->key.kind != RK_STRING || items[0].kind != RK_INT || items[0].as.integer < RK_MERGE_NONE ||
        items[0].as.integer > RK_MERGE_RGA) {
        return RK_CORRUPT;
    }
    rki_slot slot = {.merge = (rk_merge_type)items[0].as.integer}, *opened = NULL;
    RK_TRY(rk_arena_copy(&state->arena, pair->key.as.bytes, &slot.name));
    RK_TRY(decode_slot(state, &items[1], &slot));
    rk_status status = open_slot(state, state->slot_count, &opened);
    if (status == RK_OK) *opened = slot;
    if (status != RK_OK && slot.merge == RK_MERGE_RGA) rk_rga_free(slot.as.rga);
    return status;
}

static rk_status decode_pairs(rk_state *state, rk_arena *scratch, rk_bytes bytes) {
    rk_value map;
    if (rk_cbor_decode(scratch, bytes, &map, NULL) != RK_OK || map.kind != RK_MAP) return RK_CORRUPT;
    for (size_t i = 0; i < map.as.map.count; i++) RK_TRY(decode_pair(state, &map.as.map.pairs[i]));
    state->compact_size = rk_arena_used(&state->arena);
    return RK_OK;
}

rk_status rk_state_decode(const rk_memory *memory, size_t size_max, rk_bytes bytes, rk_state **state_out,
                          rk_error *error) {
    rk_status status = rk_state_new(memory, size_max, state_out);
    if (status != RK_OK) return rk_fail(error, status, NULL, "no memory for the state");
    rk_arena scratch;
    rk_arena_init(&scratch, memory, size_max);
    status = decode_pairs(*state_out, &scratch, bytes);
    rk_arena_free(&scratch);
    if (status == RK_OK) return RK_OK;
    rk_state_free(*state_out);
    *state_out = NULL;
    return rk_fail(error, status, NULL, "the stored state is not a canonical one");
}

size_t rk_state_size(const rk_state *state) {
    size_t size = rk_arena_held(&state->arena) + 16;
    for (size_t i = 0; i < state->slot_count; i++) {
        if (state->slots[i].merge == RK_MERGE_RGA) size += rk_rga_memory_size(state->slots[i].as.rga);
    }
    return size;
}

/* Everything but texts goes through its canonical bytes into a new arena. */
static rk_status move_slots(rk_state *state, rk_arena *scratch, rk_state *into) {
    for (size_t i = 0; i < state->slot_count; i++) {
        rki_slot *from = &state->slots[i], slot = {.merge = from->merge}, *opened = NULL;
        RK_TRY(rk_arena_copy(&into->arena, from->name, &slot.name));
        if (slot.merge == RK_MERGE_RGA) {
            slot.as.rga = from->as.rga;
        } else {
            rk_buffer buffer;
            rk_bytes bytes;
            rk_value value;
            rk_buffer_init(&buffer, scratch, state->size_max);
            encode_slot(from, &buffer);
            RK_TRY(rk_buffer_finish(&buffer, &bytes));
            RK_TRY(rk_cbor_decode(scratch, bytes, &value, NULL));
            RK_TRY(decode_slot(into, &value, &slot));
        }
        RK_TRY(open_slot(into, into->slot_count, &opened));
        *opened = slot;
    }
    return RK_OK;
}

rk_status rki_state_compact(rk_state *state) {
    if (rk_arena_used(&state->arena) < 2 * state->compact_size + GARBAGE_SIZE_MIN) return RK_OK;
    rk_arena scratch;
    rk_state fresh = {.memory = state->memory, .size_max = state->size_max};
    rk_arena_init(&scratch, state->memory, state->size_max);
    rk_arena_init(&fresh.arena, state->memory, state->size_max);
    rk_status status = move_slots(state, &scratch, &fresh);
    rk_arena_free(&scratch);
    if (status != RK_OK) {
        rk_arena_free(&fresh.arena);
        return status;
    }
    rk_arena_free(&state->arena);
    *state = fresh;
    state->compact_size = rk_arena_used(&state->arena);
    /* An or-set knows its arena by address, which is this state's again. */
    for (size_t i = 0; i < state->slot_count; i++) {
        if (state->slots[i].merge == RK_MERGE_OR_SET) state->slots[i].as.or_set.arena = &state->arena;
    }
    return RK_OK;
}

/* ---- values ---- */

static rk_status text_value(rk_rga *rga, rk_arena *arena, rk_value *value_out) {
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, arena, RK_STATE_SIZE_MAX);
    rk_rga_text(rga, &buffer);
    RK_TRY(rk_buffer_finish(&buffer, &text));
    *value_out = rk_string(text);
    return RK_OK;
}

/* What a field reads as that nothing has written. */
static bool empty_value(rk_merge_type merge, rk_value *value_out) {
    *value_out = merge == RK_MERGE_OR_SET ? rk_list(NULL, 0)
                 : merge == RK_MERGE_RGA  ? rk_string(RK_TEXT(""))
                                          : rk_int(0);
    return merge != RK_MERGE_NONE && merge != RK_MERGE_LWW;
}

rk_status rki_field_value(rk_state *state, const rk_field *field, rk_arena *arena, bool *there_out,
                          rk_value *value_out) {
    rki_slot *slot = state ? rki_slot_find(state, field->name) : NULL;
    if (!slot) return *there_out = empty_value(field->merge, value_out), RK_OK;
    *there_out = true;
    switch (slot->merge) {
    case RK_MERGE_NONE:
        *value_out = slot->as.plain;
        return RK_OK;
    case RK_MERGE_LWW:
        *there_out = slot->as.lww.set;
        *value_out = slot->as.lww.value;
        return RK_OK;
    case RK_MERGE_G_COUNTER:
        return rk_sum_value(slot->as.g_counter.sum, arena, value_out);
    case RK_MERGE_PN_COUNTER:
        return rk_sum_value(slot->as.pn_counter.sum, arena, value_out);
    case RK_MERGE_OR_SET:
        return rk_or_set_elements(&slot->as.or_set, arena, value_out);
    default:
        return text_value(slot->as.rga, arena, value_out);
    }
}

rk_status rk_state_field(rk_state *state, const rk_field *field, rk_arena *arena, bool *there_out,
                         rk_value *value_out) {
    return rki_field_value(state, field, arena, there_out, value_out);
}

bool rk_hidden_has(const rk_hidden *hidden, rk_bytes field) {
    for (size_t i = 0; hidden && i < hidden->count; i++) {
        if (rk_bytes_equal(hidden->names[i], field)) return true;
    }
    return false;
}

rk_status rk_state_value(rk_state *state, const rk_module *module, rk_arena *arena, rk_value *value_out) {
    return rk_state_value_shown(state, module, NULL, arena, value_out);
}

rk_status rk_state_value_shown(rk_state *state, const rk_module *module, const rk_hidden *hidden, rk_arena *arena,
                               rk_value *value_out) {
    rk_pair *pairs = rk_arena_take_array(arena, module->field_count, sizeof *pairs);
    if (!pairs) return RK_NO_MEMORY;
    size_t count = 0;
    for (size_t i = 0; i < module->field_count; i++) {
        bool there = false;
        if (rk_hidden_has(hidden, module->fields[i].name)) continue;
        pairs[count].key = rk_string(module->fields[i].name);
        RK_TRY(rki_field_value(state, &module->fields[i], arena, &there, &pairs[count].value));
        count += there;
    }
    return rk_map_value(arena, pairs, count, value_out);
}
