/*
 * The decision.
 */
#include "core/auth/auth.h"

static const rk_value *list_of(const rk_value *map, rk_bytes name) {
    const rk_value *found = rk_map_find(map, name);
    return found && found->kind == RK_LIST ? found : NULL;
}

bool rk_auth_actor(const rk_value *value, rk_bytes id, rk_actor_view *actor_out) {
    *actor_out = (rk_actor_view){.id = id};
    const rk_value *kind = rk_map_find(value, RK_TEXT("kind")), *disabled = rk_map_find(value, RK_TEXT("disabled"));
    if (!kind || kind->kind != RK_STRING || rk_actor_kind_of_name(kind->as.bytes, &actor_out->kind) != RK_OK)
        return false;
    actor_out->roles = list_of(value, RK_TEXT("roles"));
    actor_out->groups = list_of(value, RK_TEXT("groups"));
    actor_out->disabled = disabled && disabled->kind == RK_BOOL && disabled->as.boolean;
    return true;
}

rk_status rk_auth_enabled(const rk_actor_view *actor, rk_error *error) {
    if (!actor->disabled) return RK_OK;
    return rk_fail(error, RK_ACTOR_DISABLED, NULL, "the actor \"%b\" is disabled", actor->id);
}

rk_key_status rk_auth_key(const rk_value *value, const rk_key *key) {
    static const struct {
        const char *name;
        rk_key_status status;
    } names[] = {{"active", RK_KEY_ACTIVE},
                 {"revoked", RK_KEY_REVOKED},
                 {"invitation", RK_KEY_INVITATION},
                 {"used", RK_KEY_USED}};
    char hex[2 * RK_KEY_SIZE];
    rk_hex_write(rk_key_bytes(key), hex);
    const rk_value *status = rk_map_find(rk_map_find(value, RK_TEXT("keys")), rk_bytes_of(hex, sizeof hex));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (rk_is_text(status, rk_bytes_of_string(names[i].name))) return names[i].status;
    }
    return RK_KEY_UNKNOWN;
}

static rk_status ask(const rk_scene *scene, const rk_program *rule, rk_bytes name, rk_arena *arena, rk_error *error) {
    bool yes = false;
    rk_error found = {0};
    rk_status status = rk_scene_ask(scene, rule, arena, &yes, &found);
    if (status == RK_NO_MEMORY) return rk_fail(error, status, NULL, "no memory to decide");
    if (status == RK_OK && yes) return RK_OK;
    return rk_fail(error, RK_FORBIDDEN, NULL,
                   status == RK_OK ? "%b's rule for \"%b\" says no to %b" : "%b's rule for \"%b\" fails for %b",
                   scene->module->name, name, scene->actor.id);
}

rk_status rk_auth_write(const rk_scene *scene, const rk_event_type *type, rk_arena *arena, rk_error *error) {
    return type->allow ? ask(scene, type->allow, type->name, arena, error) : RK_OK;
}

rk_status rk_auth_read(const rk_scene *scene, rk_arena *arena, rk_error *error) {
    return scene->module->allow_read ? ask(scene, scene->module->allow_read, RK_TEXT("read"), arena, error) : RK_OK;
}

rk_status rk_auth_hidden(const rk_scene *scene, rk_arena *arena, rk_hidden *hidden_out, rk_error *error) {
    const rk_module *module = scene->module;
    *hidden_out = (rk_hidden){NULL, 0};
    RK_ASSERT(!scene->hidden); /* rules read everything */
    if (!module->hides) return RK_OK;
    rk_bytes *names = rk_arena_take_array(arena, module->field_count, sizeof *names);
    if (!names) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory to decide");
    hidden_out->names = names;
    for (size_t i = 0; i < module->field_count; i++) {
        bool yes = false;
        if (!module->fields[i].read) continue;
        rk_status status = rk_scene_ask(scene, module->fields[i].read, arena, &yes, NULL);
        if (status == RK_NO_MEMORY) return rk_fail(error, status, NULL, "no memory to decide");
        if (status != RK_OK || !yes) names[hidden_out->count++] = module->fields[i].name;
    }
    return RK_OK;
}

bool rk_auth_shows_always(const rk_scene *scene, const rk_field *field, rk_arena *arena) {
    bool yes = false;
    if (!field->read) return true;
    if (rk_program_reads_root(field->read, RK_TEXT("state"))) return false;
    if (rk_program_reads_root(field->read, RK_TEXT("entity"))) return false;
    return rk_scene_ask(scene, field->read, arena, &yes, NULL) == RK_OK && yes;
}
