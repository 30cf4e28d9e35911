/* The last-writer-wins register. Invariants: lww.h. */
#include "core/merge/lww.h"

static bool is_higher(const rk_lww *lww, rk_stamp stamp, rk_id id) {
    if (!lww->set) return true;
    if (stamp != lww->stamp) return stamp > lww->stamp;
    return rk_id_compare(id, lww->id) > 0;
}

rk_status rk_lww_set(rk_lww *lww, rk_arena *arena, rk_stamp stamp, rk_id id, const rk_value *value) {
    if (!is_higher(lww, stamp, id)) return RK_OK;
    rk_lww next = {.set = true, .stamp = stamp, .id = id};
    RK_TRY(rk_value_copy(arena, value, &next.value));
    *lww = next;
    return RK_OK;
}

void rk_lww_encode(const rk_lww *lww, rk_buffer *buffer) {
    if (!lww->set) {
        rk_value nothing = rk_null();
        rk_cbor_append(buffer, &nothing);
        return;
    }
    uint8_t id[RK_ID_SIZE];
    rk_id_put(id, lww->id);
    rk_cbor_append_head(buffer, 4, 3);
    rk_cbor_append_head(buffer, 0, lww->stamp);
    rk_cbor_append_bytes(buffer, rk_bytes_of(id, sizeof id));
    rk_cbor_append(buffer, &lww->value);
}

static bool read_stamp(const rk_value *value, rk_stamp *stamp_out) {
    if (value->kind == RK_UINT) {
        *stamp_out = value->as.uinteger;
        return true;
    }
    if (value->kind != RK_INT || value->as.integer < 0) return false;
    *stamp_out = (rk_stamp)value->as.integer;
    return true;
}

rk_status rk_lww_decode(rk_arena *arena, const rk_value *state, rk_lww *lww_out) {
    *lww_out = (rk_lww){.set = false};
    if (state->kind == RK_NULL) return RK_OK;
    if (state->kind != RK_LIST || state->as.list.count != 3) return RK_CORRUPT;
    const rk_value *items = state->as.list.items;
    rk_stamp stamp;
    if (!read_stamp(&items[0], &stamp)) return RK_CORRUPT;
    if (items[1].kind != RK_BYTES || items[1].as.bytes.size != RK_ID_SIZE) return RK_CORRUPT;
    return rk_lww_set(lww_out, arena, stamp, rk_id_get(items[1].as.bytes.data), &items[2]);
}
