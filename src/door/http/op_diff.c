/*
 * The difference of an entity between two moments.
 */
#include "door/diff_view.h"
#include "door/http/request.h"
#include "door/intent.h"

enum { DIFF_SIZE_MAX = 64 << 20 };

static rk_status give(rki_request *request, const rk_diff_view *view, rk_error *error) {
    rk_buffer buffer;
    rk_bytes body;
    rk_buffer_init(&buffer, &request->arena, DIFF_SIZE_MAX);
    rk_diff_print(&buffer, view);
    rk_buffer_append(&buffer, RK_TEXT("\n"));
    if (rk_buffer_finish(&buffer, &body) != RK_OK) {
        return rk_fail(error, RK_LIMIT, NULL, "the difference is too large");
    }
    rki_answer_json(request, 200, body);
    return RK_OK;
}

rk_status rki_op_diff(rki_request *request, rk_error *error) {
    const rki_given *from = rki_parameter_get(request, "from"), *to = rki_parameter_get(request, "to");
    rk_at since, until = {.kind = RK_AT_NOW};
    rk_diff_view view;
    rki_handle *handle = NULL;
    rk_bytes entity = rk_arena_format(&request->arena, "%b/%b", rki_parameter_get(request, "module")->text,
                                      rki_parameter_get(request, "id")->text);
    if (!from->there) return rk_fail(error, RK_BAD_REQUEST, "from", "it is missing");
    RK_TRY(rk_at_read(from->text, "from", &since, error));
    if (to->there) RK_TRY(rk_at_read(to->text, "to", &until, error));
    RK_TRY(rki_reader_take(request->account, request->actor, &handle, error));
    rk_status status = rk_diff_read(handle->engine, entity, &since, &until, &request->arena, &view, error);
    if (status == RK_OK) status = give(request, &view, error);
    rki_reader_give(request->account, handle, rk_status_exit(status) != 3);
    return status;
}
