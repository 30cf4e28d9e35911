/*
 * Who may do what, decided in one place.
 *
 * Invariants
 *   (1) Who is no actor of the account, or a disabled one, may do nothing.
 *   (2) A rule that fails to evaluate says no.
 *   (3) A refusal names the rule, never what the data is.
 *   (4) Rules read everything, also what they hide.
 */
#ifndef RK_CORE_AUTH_AUTH_H
#define RK_CORE_AUTH_AUTH_H

#include "core/crypto/crypto.h"
#include "core/reduce/state.h"

/* What a key is to an actor, as the built-in module `actor` keeps it. */
typedef enum rk_key_status {
    RK_KEY_UNKNOWN,
    RK_KEY_ACTIVE,
    RK_KEY_REVOKED,
    RK_KEY_INVITATION,
    RK_KEY_USED
} rk_key_status;

/* An actor as its entity's state says; false when the state is of no actor. Borrows from `value`. */
bool rk_auth_actor(const rk_value *value, rk_bytes id, rk_actor_view *actor_out);
/* RK_ACTOR_DISABLED. Whoever acts or reads is asked this before any rule is. */
RK_MUST_USE rk_status rk_auth_enabled(const rk_actor_view *actor, rk_error *error);
/* `value`: the actor entity's state, as rk_state_value gives it. */
rk_key_status rk_auth_key(const rk_value *value, const rk_key *key);

/* RK_FORBIDDEN, naming the rule. The scene's actor must be one of the account. */
RK_MUST_USE rk_status rk_auth_write(const rk_scene *scene, const rk_event_type *type, rk_arena *arena, rk_error *error);
RK_MUST_USE rk_status rk_auth_read(const rk_scene *scene, rk_arena *arena, rk_error *error);
/*
 * The fields that their rules keep from the scene's actor, who may read the entity. Names are borrowed from the module,
 * the list lives in the arena. Nothing is evaluated for a module without such rules. RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rk_auth_hidden(const rk_scene *scene, rk_arena *arena, rk_hidden *hidden_out, rk_error *error);
/*
 * Whether the field's rule reads nothing of the entity, and says yes to this actor: then it shows in every entity.
 * A field without a rule does.
 */
bool rk_auth_shows_always(const rk_scene *scene, const rk_field *field, rk_arena *arena);

#endif
