/*
 * Operations on the server itself.
 */
#include "door/cli.h"
#include "door/http/openapi.h"
#include "door/http/request.h"

rk_status rki_op_health(rki_request *request, rk_error *error) {
    (void)error;
    rki_answer_json(request, 200, RK_TEXT("{\"status\":\"ok\"}\n"));
    return RK_OK;
}

rk_status rki_op_ready(rki_request *request, rk_error *error) {
    if (rki_stopping(request->server)) return rk_fail(error, RK_BUSY, NULL, "the server is stopping");
    rki_answer_json(request, 200, RK_TEXT("{\"status\":\"ready\"}\n"));
    return RK_OK;
}

rk_status rki_op_build(rki_request *request, rk_error *error) {
    (void)error;
    rki_answer_json(request, 200, RK_TEXT("{\"version\":\"" RK_VERSION "\",\"compiler\":\"" __VERSION__ "\"}\n"));
    return RK_OK;
}

rk_status rki_op_openapi(rki_request *request, rk_error *error) {
    (void)error;
    rki_answer_json(request, 200, rk_openapi());
    return RK_OK;
}
