/*
 * The API's description, as the server gives it out at /openapi.json.
 */
#ifndef RK_DOOR_HTTP_OPENAPI_H
#define RK_DOOR_HTTP_OPENAPI_H

#include "base/bytes.h"

/* OpenAPI 3.1, JSON. */
rk_bytes rk_openapi(void);

#endif
