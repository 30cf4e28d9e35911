/*
 * Values and modules written as JSON, for tests.
 *
 * In the text, ' stands for " and ` for ': C strings stay readable. Whatever must not fail ends the process.
 */
#ifndef RK_CORE_MODULE_MODULE_TESTING_H
#define RK_CORE_MODULE_MODULE_TESTING_H

#include "core/module/module.h"

rk_value value_of_json(rk_arena *arena, const char *text);
/* The text without replacing anything. */
rk_value value_of_text(rk_arena *arena, rk_bytes text);
/* A module that must compile. */
const rk_module *module_of_json(rk_arena *arena, const char *text);
/* A whole file; empty when there is none. */
rk_bytes file_of(rk_arena *arena, const char *path);

#endif
