/*
 * Support for the tests of this folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/merge/merge_testing.h"
#include "core/module/module_testing.h"
#include "core/reduce/reduce_testing.h"
#include "core/reduce/splice.h"
#include "door/json.h"
#include "io/memory.h"

/* In all texts ' is " and ` is '; a text that begins with # is bytes in hex, wherever operations are read. */
static const char module_text[] =
    "{'module':'m','version':1,'truth':'region','fields':{"
    "'name':{'type':'string','merge':'lww','maxLength':9},'views':{'type':'integer','merge':'g-counter'},"
    "'stock':{'type':'integer','merge':'pn-counter'},'tags':{'type':'string','merge':'or-set'},"
    "'bio':{'type':'string','merge':'rga'},'any':{'merge':'lww'},"
    "'total':{'type':'integer','minimum':0},'map':{'type':'object','additionalProperties':{'type':'object'}},"
    "'place':{'type':'object','properties':{'city':{'type':'string','maxLength':5},'street':{'type':'string'},'zip':{'"
    "type':'integer'}},"
    "'required':['city']},'list':{'type':'array'},'free':{}},"
    "'events':{"
    "'rename':{'data':{'name':{'type':'string'}},'apply':[{'set':'name','to':'data.name'}]},"
    "'shout':{'data':{'name':{'type':'string'}},'apply':[{'set':'name','to':'data.name + `!`'}]},"
    "'view':{'apply':[{'add':'views','by':'1'}]},"
    "'views':{'data':{'by':{'type':'integer'}},'apply':[{'add':'views','by':'data.by'}]},"
    "'stock':{'data':{'by':{'type':'integer'}},'apply':[{'add':'stock','by':'data.by'}]},"
    "'tag':{'data':{'tag':{'type':'string'}},'apply':[{'insert':'tags','value':'data.tag'}]},"
    "'untag':{'data':{'tag':{'type':'string'}},'apply':[{'remove':'tags','value':'data.tag'}]},"
    "'write':{'data':{'edits':{}},'apply':[{'splice':'bio','edits':'data.edits'}]},"
    "'all':{'data':{'t':{'type':'string'},'n':{'type':'integer'},'edits':{'type':'array'}},'apply':["
    "{'set':'name','to':'data.t'},{'add':'views','by':'data.n'},{'add':'stock','by':'0 - data.n'},"
    "{'insert':'tags','value':'data.t'},{'splice':'bio','edits':'data.edits'}]},"
    "'keep':{'data':{'value':{}},'apply':[{'set':'any','to':'data.value'}]},"
    "'wrap':{'data':{'value':{}},'apply':[{'set':'any','to':'[data.value]'}]},"
    "'pay':{'data':{'n':{'type':'integer'}},'apply':[{'set':'total','to':'(has(state.total) ? state.total : 0) + "
    "data.n'}]},"
    "'nest':{'data':{'k':{'type':'string'},'j':{'type':'string'},'v':{}},'apply':[{'set':'map[data.k][data.j]','to':'"
    "data.v'}]},"
    "'nest-two':{'data':{'k':{'type':'string'},'j':{'type':'string'},'v':{}},'apply':["
    "{'set':'map[data.k].one','to':'data.v'},{'set':'map[data.j].one','to':'data.v'}]},"
    "'inside':{'data':{'k':{'type':'string'},'v':{'type':'object'}},'apply':["
    "{'set':'map[data.k]','to':'data.v'},{'set':'map[`a`].one','to':'1'}]},"
    "'outside':{'data':{'k':{'type':'string'}},'apply':[{'set':'map[`a`].one','to':'1'},"
    "{'set':'map[data.k]','to':'{`one`: 2}'}]},"
    "'pair':{'data':{'k':{'type':'string'},'n':{'type':'integer'}},'apply':[{'set':'map[data.k].one','to':'1'},"
    "{'set':'map[data.k].two','to':'2'},{'set':'total','to':'data.n'}]},"
    "'lane':{'apply':[{'set':'place.zip','to':'1'},{'set':'place.street','to':'`lane`'}]},"
    "'lane-in':{'data':{'city':{'type':'string'}},'apply':[{'set':'place.street','to':'`lane`'},"
    "{'set':'place.city','to':'data.city'}]},"
    "'move':{'data':{'city':{'type':'string'}},'apply':[{'set':'place.city','to':'data.city'}]},"
    "'zip':{'data':{'zip':{'type':'integer'}},'apply':[{'set':'place.zip','to':'data.zip'}]},"
    "'time':{'apply':[{'set':'list','to':'[event.time]'}]},"
    "'maybe':{'apply':[{'set':'list','to':'[[optional.of(1)]]'}]},"
    "'key-time':{'apply':[{'set':'free','to':'{`a`: event.time}'}]},"
    "'unsigned':{'apply':[{'set':'free','to':'{`a`: [uint(5)]}'}]},"
    "'unsigned-lww':{'apply':[{'set':'any','to':'[uint(5)]'}]},"
    "'free':{'data':{'v':{}},'apply':[{'set':'free','to':'data.v'}]},"
    "'peep-state':{'apply':[{'set':'free','to':'dyn(state).bio'}]},"
    "'peep-actor':{'apply':[{'set':'free','to':'dyn(actor).roles'}]},"
    "'peep-entity':{'apply':[{'set':'free','to':'dyn(entity).version'}]},"
    "'peep-time':{'apply':[{'set':'any','to':'string(dyn(event).time)'}]},"
    "'order':{'data':{'lines':{'type':'array','items':{'type':'object','properties':{'sku':{'type':'string'},'n':"
    "{'type':'integer'}}}},'note':{'type':'string','required':false}},'apply':["
    "{'insert':'tags','value':'item.sku','each':'data.lines','when':'item.n > 0'},"
    "{'remove':'tags','value':'item.sku','each':'data.lines','when':'item.n == 0'},"
    "{'add':'stock','by':'0 - item.n','each':'data.lines'},"
    "{'set':'name','to':'data.note','when':'has(data.note)'},"
    "{'set':'map[item.sku].n','to':'item.n','each':'data.lines','when':'item.n != 7'}]},"
    "'either':{'data':{'a':{'type':'boolean'},'b':{'type':'boolean'}},'apply':["
    "{'set':'name','to':'`a`','when':'data.a'},{'set':'name','to':'`b`','when':'data.b'}]},"
    "'maybe-each':{'data':{'l':{'required':false}},'apply':[{'add':'views','by':'item','each':'data.l'}]},"
    "'two':{'data':{'n':{'type':'integer'}},'apply':[{'set':'free','to':'state.total'},{'set':'total','to':'data.n'}]},"
    "'drop':{'data':{'k':{'type':'string'}},'apply':[{'set':'map[data.k]','to':'optional.none()'}]},"
    "'drop-total':{'data':{'keep':{'type':'boolean'},'n':{'type':'integer'}},'apply':[{'set':'total','to':'data.keep ? "
    "optional.of(data.n) : optional.none()'},{'set':'place.zip','to':'optional.none()'}]},"
    "'drop-city':{'apply':[{'set':'map','to':'optional.none()'},{'set':'place.city','to':'optional.none()'}]},"
    "'deep':{'data':{'v':{}},'apply':[{'set':'map[`a`].b','to':'data.v'}]}}}";

rk_arena arena;
const rk_module *module;
uint64_t clock_ms;
rk_error last_error;

copy copy_new(void) {
    copy copy = {0};
    assert_int_equal(rk_state_new(rk_memory_system(), 64 << 20, &copy.state), RK_OK);
    return copy;
}

copy home;

int reduce_set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 512 << 20);
    module = module_of_json(&arena, module_text);
    clock_ms = BASE_MS;
    home = copy_new();
    return 0;
}

int reduce_tear_down(void **state) {
    (void)state;
    rk_state_free(home.state);
    rk_arena_free(&arena);
    return 0;
}

rk_event event_of_value(uint64_t replica, const char *type, rk_value data) {
    return (rk_event){.id = {rk_stamp_of_ms(++clock_ms), replica},
                      .module = module->name,
                      .module_version = 1,
                      .entity = RK_TEXT("e"),
                      .type = rk_bytes_of_string(type),
                      .actor = RK_TEXT("asha"),
                      .actor_kind = RK_ACTOR_USER,
                      .data = data};
}

rk_event event_of(uint64_t replica, const char *type, const char *data) {
    return event_of_value(replica, type, value_of_json(&arena, data));
}

rk_scene scene_of(const copy *copy, const rk_event *event) {
    static rk_value role, roles;
    role = rk_string(RK_TEXT("writer"));
    roles = rk_list(&role, 1);
    return (rk_scene){.module = module,
                      .event = event,
                      .entity = event->entity,
                      .actor = {.id = event->actor, .kind = event->actor_kind, .roles = &roles},
                      .state = copy->state,
                      .version = copy->version,
                      .stamp = event->id.stamp,
                      .now_ms = clock_ms};
}

const rk_event_type *type_of(const rk_event *event) {
    const rk_event_type *type = rk_module_event_type(module, event->type);
    if (!type) fail_msg("no event type %.*s", (int)event->type.size, (const char *)event->type.data);
    return type;
}

/* The event as it comes out of a log. */
void through_bytes(rk_event *event) {
    rk_bytes bytes;
    assert_int_equal(rk_event_encode(&arena, event, &bytes), RK_OK);
    rk_status status = rk_event_decode(&arena, bytes, event, &last_error);
    if (status != RK_OK) fail_msg("the event does not decode: %s", last_error.what);
}

rk_status resolve(const copy *copy, rk_event *event) {
    rk_scene scene = scene_of(copy, event);
    RK_TRY(rk_schema_check(type_of(event)->data, &event->data, RK_BAD_DATA, "", &last_error));
    RK_TRY(rk_event_resolve(&scene, type_of(event), copy->floor, &arena, event, &last_error));
    through_bytes(event);
    return RK_OK;
}

rk_bytes bytes_of(rk_state *state) {
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, &arena, 64 << 20);
    rk_state_encode(state, &buffer);
    assert_int_equal(rk_buffer_finish(&buffer, &bytes), RK_OK);
    return bytes;
}

rk_status judge(copy *copy, const rk_event *event) {
    rk_scene scene = scene_of(copy, event);
    rk_change *change = NULL;
    RK_TRY(rk_event_check_operations(&scene, type_of(event), NULL, &arena, &last_error));
    bool broken = false;
    RK_TRY(rk_change_make(&scene, type_of(event), &arena, &change, &last_error));
    rk_bytes before = bytes_of(copy->state);
    rk_status status = rk_change_apply(&scene, change, true, &broken, &last_error);
    assert_false(broken);
    if (status != RK_OK) assert_true(rk_bytes_equal(before, bytes_of(copy->state)));
    RK_TRY(status);
    copy->version++;
    return RK_OK;
}

/* Folding, as a replica does with what was accepted: it knows no roles. */
void fold(copy *copy, const rk_event *event) {
    rk_scene scene = scene_of(copy, event);
    scene.actor.roles = NULL;
    scene.now_ms = 0;
    if (rk_state_fold(&scene, type_of(event), &arena, &last_error) != RK_OK) {
        fail_msg("%.*s: %s: %s", (int)event->type.size, (const char *)event->type.data, last_error.where,
                 last_error.what);
    }
    copy->version++;
}

rk_status write_value(copy *copy, uint64_t replica, const char *type, rk_value data) {
    rk_event event = event_of_value(replica, type, data);
    RK_TRY(resolve(copy, &event));
    return judge(copy, &event);
}

rk_status write_json(copy *copy, uint64_t replica, const char *type, const char *data) {
    return write_value(copy, replica, type, value_of_json(&arena, data));
}

void must(copy *copy, uint64_t replica, const char *type, const char *data) {
    rk_status status = write_json(copy, replica, type, data);
    if (status != RK_OK) fail_msg("%s %s: %s: %s", type, data, rk_status_name(status), last_error.what);
}

void refused(copy *copy, const char *type, const char *data, rk_status code) {
    memset(&last_error, 0, sizeof last_error);
    rk_status status = write_json(copy, 1, type, data);
    if (status != code) fail_msg("%s %s: %s: %s", type, data, rk_status_name(status), last_error.what);
    assert_int_equal(last_error.code, code);
    assert_true(last_error.what[0]);
}

rk_state *state_of(rk_bytes bytes) {
    rk_state *state = NULL;
    if (rk_state_decode(rk_memory_system(), 64 << 20, bytes, &state, &last_error) != RK_OK) {
        fail_msg("%s", last_error.what);
    }
    return state;
}

/* The copy as it is after it was stored and loaded. */
void reload(copy *copy) {
    rk_bytes bytes = bytes_of(copy->state);
    rk_state_free(copy->state);
    copy->state = state_of(bytes);
    assert_true(rk_bytes_equal(bytes, bytes_of(copy->state)));
}

void reads(rk_state *state, const char *expected) {
    rk_value value;
    rk_buffer buffer;
    rk_bytes text;
    rk_buffer_init(&buffer, &arena, 1 << 20);
    assert_int_equal(rk_state_value(state, module, &arena, &value), RK_OK);
    rk_value wanted = value_of_json(&arena, expected);
    rk_json_print(&buffer, &value);
    assert_int_equal(rk_buffer_finish(&buffer, &text), RK_OK);
    if (!rk_value_equal(&value, &wanted)) fail_msg("%.*s", (int)text.size, (const char *)text.data);
}
