/*
 * Who may do what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/auth/auth.h"
#include "core/module/module_testing.h"
#include "io/memory.h"

static rk_arena arena;
static rk_error last_error;

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 64 << 20);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

/* In all texts ' is " and ` is '. */
static const char module_text[] =
    "{'module':'m','version':1,'truth':'region','fields':{'owner':{'type':'string'},'name':{'merge':'lww'}},"
    "'events':{'own':{'data':{'to':{'type':'string'}}},'open':{},'closed':{},'fails':{},'slow':{},'other':{}},"
    "'allow':{'read':'actor.kind == `user`','write':'`admin` in actor.roles',"
    "'own':'data.to == actor.id && !entity.exists && now > event.time','open':'true','closed':'false',"
    "'fails':'1 / int(entity.version) == 1',"
    "'slow':'[1,2,3,4,5,6,7,8,9,0].all(a, [1,2,3,4,5,6,7,8,9,0].all(b, [1,2,3,4,5,6,7,8,9,0].all(c, "
    "[1,2,3,4,5,6,7,8,9,0].all(d, [1,2,3,4,5,6,7,8,9,0].all(e, [1,2,3,4,5,6,7,8,9,0].all(f, a+b+c+d+e+f >= 0))))))'}}";

static rk_scene scene_of(rk_event *event, const rk_value *roles) {
    return (rk_scene){.module = module_of_json(&arena, module_text),
                      .event = event,
                      .entity = RK_TEXT("e"),
                      .actor = {.id = RK_TEXT("asha"), .kind = RK_ACTOR_USER, .roles = roles},
                      .stamp = rk_stamp_of_ms(1000),
                      .now_ms = 2000};
}

static rk_status may_write(const char *type, const char *data, const char *roles) {
    rk_event event = {.id = {rk_stamp_of_ms(1000), 1}, .data = value_of_json(&arena, data)};
    rk_value list = value_of_json(&arena, roles);
    rk_scene scene = scene_of(&event, &list);
    last_error = (rk_error){0};
    const rk_event_type *found = rk_module_event_type(scene.module, rk_bytes_of_string(type));
    rk_status status = rk_auth_write(&scene, found, &arena, &last_error);
    assert_int_equal(last_error.code, status);
    return status;
}

static void the_rule_of_the_event_type_goes_before_that_for_writing(void **state) {
    (void)state;
    assert_int_equal(may_write("open", "{}", "[]"), RK_OK);
    assert_int_equal(may_write("closed", "{}", "['admin']"), RK_FORBIDDEN);
    assert_int_equal(may_write("other", "{}", "['admin']"), RK_OK);
    assert_int_equal(may_write("other", "{}", "['writer','administrator']"), RK_FORBIDDEN);
    assert_int_equal(may_write("own", "{'to':'asha'}", "[]"), RK_OK);
    assert_int_equal(may_write("own", "{'to':'ravi'}", "['admin']"), RK_FORBIDDEN);
}

static void a_rule_that_fails_says_no(void **state) {
    (void)state;
    assert_int_equal(may_write("fails", "{}", "['admin']"), RK_FORBIDDEN);
    assert_int_equal(may_write("slow", "{}", "['admin']"), RK_FORBIDDEN);
    assert_int_equal(may_write("own", "{}", "[]"), RK_FORBIDDEN);
}

static void a_refusal_names_the_rule_and_not_the_data(void **state) {
    (void)state;
    assert_int_equal(may_write("own", "{'to':'a secret'}", "[]"), RK_FORBIDDEN);
    assert_non_null(strstr(last_error.what, "\"own\""));
    assert_null(strstr(last_error.what, "secret"));
    assert_null(strstr(last_error.what, "actor.id"));
}

static void reading_has_its_own_rule(void **state) {
    (void)state;
    rk_scene scene = scene_of(NULL, NULL);
    assert_int_equal(rk_auth_read(&scene, &arena, &last_error), RK_OK);
    scene.actor.kind = RK_ACTOR_BOT;
    assert_int_equal(rk_auth_read(&scene, &arena, &last_error), RK_FORBIDDEN);
    assert_non_null(strstr(last_error.what, "\"read\""));
}

static void without_rules_every_actor_may(void **state) {
    (void)state;
    rk_event event = {.data = value_of_json(&arena, "{}")};
    rk_scene scene = scene_of(&event, NULL);
    scene.module = module_of_json(&arena, "{'module':'m','version':1,'truth':'region','fields':{},'events':{'e':{}}}");
    const rk_event_type *type = rk_module_event_type(scene.module, RK_TEXT("e"));
    assert_int_equal(rk_auth_write(&scene, type, &arena, &last_error), RK_OK);
    assert_int_equal(rk_auth_read(&scene, &arena, &last_error), RK_OK);
}

static void memory_that_runs_out_is_no_decision(void **state) {
    (void)state;
    rk_event event = {.data = value_of_json(&arena, "{}")};
    rk_scene scene = scene_of(&event, NULL);
    rk_arena none;
    rk_arena_init(&none, rk_memory_system(), 0);
    const rk_event_type *type = rk_module_event_type(scene.module, RK_TEXT("other"));
    assert_int_equal(rk_auth_write(&scene, type, &none, &last_error), RK_NO_MEMORY);
    rk_arena_free(&none);
}

static void an_actor_is_what_its_entity_says(void **state) {
    (void)state;
    rk_actor_view actor;
    rk_value value = value_of_json(&arena, "{'kind':'bot','roles':['a','b']}");
    assert_true(rk_auth_actor(&value, RK_TEXT("asha"), &actor));
    assert_int_equal(actor.kind, RK_ACTOR_BOT);
    assert_int_equal(actor.roles->as.list.count, 2);
    assert_true(rk_bytes_equal(actor.id, RK_TEXT("asha")));
    value = value_of_json(&arena, "{'kind':'user'}");
    assert_true(rk_auth_actor(&value, RK_TEXT("asha"), &actor));
    assert_null(actor.roles);
    static const char *const nobody[] = {"{}", "{'kind':'king'}", "{'kind':1}", "{'roles':['admin']}", "null", "[]"};
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        value = value_of_json(&arena, nobody[i]);
        assert_false(rk_auth_actor(&value, RK_TEXT("asha"), &actor));
    }
}

static void an_actor_has_groups_and_may_be_disabled(void **state) {
    (void)state;
    rk_actor_view actor;
    rk_value value = value_of_json(&arena, "{'kind':'user','groups':['g'],'disabled':true}");
    assert_true(rk_auth_actor(&value, RK_TEXT("asha"), &actor));
    assert_int_equal(actor.groups->as.list.count, 1);
    assert_int_equal(rk_auth_enabled(&actor, &last_error), RK_ACTOR_DISABLED);
    assert_non_null(strstr(last_error.what, "asha"));
    static const char *const enabled[] = {"{'kind':'user'}", "{'kind':'user','disabled':false,'groups':1}",
                                          "{'kind':'user','disabled':'true'}"};
    for (size_t i = 0; i < sizeof enabled / sizeof *enabled; i++) {
        value = value_of_json(&arena, enabled[i]);
        assert_true(rk_auth_actor(&value, RK_TEXT("asha"), &actor));
        assert_null(actor.groups);
        assert_int_equal(rk_auth_enabled(&actor, &last_error), RK_OK);
    }
}

static const char hiding_text[] =
    "{'module':'m','version':1,'truth':'region','fields':{'open':{},'shut':{'read':'false'},"
    "'hr':{'read':'`hr` in actor.roles'},'late':{'read':'now > timestamp(1)'},"
    "'fails':{'read':'1 / int(entity.version) == 1'},'own':{'read':'entity.id == actor.id'},"
    "'set':{'read':'has(state.open)'},'unset':{'read':'!has(state.open)'},'yes':{'read':'true'}},'events':{}}";

/* The names, as they are hidden from asha in the role. */
static void expect_hidden(const char *roles, const char *entity, const char *names) {
    rk_value list = value_of_json(&arena, roles);
    rk_scene scene = scene_of(NULL, &list);
    rk_hidden hidden;
    char text[200] = "";
    scene.module = module_of_json(&arena, hiding_text);
    scene.entity = rk_bytes_of_string(entity);
    assert_int_equal(rk_auth_hidden(&scene, &arena, &hidden, &last_error), RK_OK);
    for (size_t i = 0; i < hidden.count; i++) {
        size_t size = strlen(text);
        rk_format(text + size, sizeof text - size, "%b ", hidden.names[i]);
        assert_true(rk_hidden_has(&hidden, hidden.names[i]));
    }
    assert_string_equal(text, names);
    assert_false(rk_hidden_has(&hidden, RK_TEXT("open")));
    assert_false(rk_hidden_has(NULL, RK_TEXT("open")));
}

static void a_fields_rule_hides_it_and_one_that_fails_does(void **state) {
    (void)state;
    expect_hidden("[]", "e", "hr own set shut fails ");
    expect_hidden("['hr']", "asha", "set shut fails ");
    rk_scene scene = scene_of(NULL, NULL);
    rk_hidden hidden = {NULL, 7};
    assert_int_equal(rk_auth_hidden(&scene, &arena, &hidden, &last_error), RK_OK);
    assert_int_equal(hidden.count, 0);
    rk_arena none;
    rk_arena_init(&none, rk_memory_system(), 0);
    scene.module = module_of_json(&arena, hiding_text);
    assert_int_equal(rk_auth_hidden(&scene, &none, &hidden, &last_error), RK_NO_MEMORY);
    rk_arena_free(&none);
}

static void a_rule_about_the_actor_alone_may_show_a_field_always(void **state) {
    (void)state;
    rk_value list = value_of_json(&arena, "['hr']");
    rk_scene scene = scene_of(NULL, &list);
    scene.module = module_of_json(&arena, hiding_text);
    static const char *const always[] = {"open", "hr", "late", "yes"}, *const else_not[] = {"shut", "own", "set",
                                                                                            "unset"};
    for (size_t i = 0; i < 4; i++) {
        const rk_field *field = rk_module_field(scene.module, rk_bytes_of_string(always[i]));
        assert_true(rk_auth_shows_always(&scene, field, &arena));
    }
    scene.entity = RK_TEXT("asha"); /* here it would say yes */
    for (size_t i = 0; i < 4; i++) {
        const rk_field *field = rk_module_field(scene.module, rk_bytes_of_string(else_not[i]));
        assert_false(rk_auth_shows_always(&scene, field, &arena));
    }
    scene.actor.roles = NULL;
    assert_false(rk_auth_shows_always(&scene, rk_module_field(scene.module, RK_TEXT("hr")), &arena));
}

static rk_key_status key_in(const char *keys) {
    rk_key key;
    memset(&key, 0xAB, sizeof key);
    rk_value value = value_of_json(&arena, keys);
    return rk_auth_key(&value, &key);
}

#define KEY "'abababababababababababababababababababababababababababababababab'"

static void a_key_is_what_its_actor_says(void **state) {
    (void)state;
    assert_int_equal(key_in("{'keys':{" KEY ":'active'}}"), RK_KEY_ACTIVE);
    assert_int_equal(key_in("{'keys':{" KEY ":'revoked'}}"), RK_KEY_REVOKED);
    assert_int_equal(key_in("{'keys':{" KEY ":'invitation'}}"), RK_KEY_INVITATION);
    assert_int_equal(key_in("{'keys':{" KEY ":'used'}}"), RK_KEY_USED);
    static const char *const unknown[] = {
        "{'keys':{" KEY ":'ACTIVE'}}", "{'keys':{" KEY ":true}}", "{'keys':{}}", "{'keys':['active']}", "{}", "null"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) assert_int_equal(key_in(unknown[i]), RK_KEY_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_rule_of_the_event_type_goes_before_that_for_writing),
        TEST(a_rule_that_fails_says_no),
        TEST(a_refusal_names_the_rule_and_not_the_data),
        TEST(reading_has_its_own_rule),
        TEST(without_rules_every_actor_may),
        TEST(memory_that_runs_out_is_no_decision),
        TEST(an_actor_is_what_its_entity_says),
        TEST(a_key_is_what_its_actor_says),
        TEST(an_actor_has_groups_and_may_be_disabled),
        TEST(a_fields_rule_hides_it_and_one_that_fails_does),
        TEST(a_rule_about_the_actor_alone_may_show_a_field_always),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
