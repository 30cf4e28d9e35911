/*
 * What was understood of a module: for people in tables, for programs as JSON.
 */
#ifndef RK_DOOR_MODULE_VIEW_H
#define RK_DOOR_MODULE_VIEW_H

#include "core/module/module.h"
#include "door/output.h"

/* A table of fields, one of event types (kind and why, who may write, what it touches), and who may read. */
void rki_module_print(const rk_module *module, rk_arena *arena);
/* Adds module, version, truth, read, fields and events to the object. */
void rki_module_object(rki_object *object, const rk_module *module, rk_arena *arena);
/* `separator`, then "name":"text". */
void rki_member_text(rk_buffer *buffer, const char *separator, const char *name, rk_bytes text);

#endif
