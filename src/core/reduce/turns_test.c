/*
 * Steps with `each` and `when`, and that what does not fit is taken back.
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
#include "door/json.h"
#include "io/memory.h"

/* In all texts ' is " and ` is '; a text that begins with # is bytes in hex, wherever operations are read. */
static void each_takes_a_turn_for_every_element(void **state) {
    (void)state;
    must(&home, 1, "order", "{'lines':[]}");
    reads(home.state, "{" EMPTY "}");
    must(&home, 1, "order", "{'lines':[{'sku':'tea','n':2},{'sku':'salt','n':3}],'note':'hot'}");
    reads(home.state, "{'name':'hot','views':0,'stock':-5,'tags':['tea','salt'],'bio':'',"
                      "'map':{'tea':{'n':2},'salt':{'n':3}}}");
    must(&home, 1, "order", "{'lines':[{'sku':'tea','n':7}]}");
    reads(home.state, "{'name':'hot','views':0,'stock':-12,'tags':['tea','salt'],'bio':'',"
                      "'map':{'tea':{'n':2},'salt':{'n':3}}}");
    must(&home, 2, "order", "{'lines':[{'sku':'salt','n':0}]}");
    reads(home.state, "{'name':'hot','views':0,'stock':-12,'tags':['tea'],'bio':'',"
                      "'map':{'tea':{'n':2},'salt':{'n':0}}}");
    refused(&home, "order", "{'lines':[{'sku':'a','n':1},{'sku':'a','n':1}]}", RK_APPLY_CONFLICT);
    refused(&home, "order", "{'lines':[{'sku':'a','n':1},{'sku':'b','n':0}]}", RK_APPLY_CONFLICT);
    must(&home, 1, "maybe-each", "{}");
    must(&home, 1, "maybe-each", "{'l':[1,2,3]}");
    refused(&home, "maybe-each", "{'l':7}", RK_BAD_DATA);
    refused(&home, "maybe-each", "{'l':['x']}", RK_BAD_DATA);
    reads(home.state, "{'name':'hot','views':6,'stock':-12,'tags':['tea'],'bio':'',"
                      "'map':{'tea':{'n':2},'salt':{'n':0}}}");
}

static void each_has_a_bound(void **state) {
    (void)state;
    rk_value *items = rk_arena_take_array(&arena, RK_EACH_ITEMS_MAX + 1, sizeof *items);
    for (size_t i = 0; i <= RK_EACH_ITEMS_MAX; i++) items[i] = rk_int(1);
    rk_pair *pair = rk_arena_take(&arena, sizeof *pair);
    rk_value data;
    *pair = (rk_pair){rk_string(RK_TEXT("l")), rk_list(items, RK_EACH_ITEMS_MAX + 1)};
    assert_int_equal(rk_map_value(&arena, pair, 1, &data), RK_OK);
    assert_int_equal(write_value(&home, 1, "maybe-each", data), RK_LIMIT);
}

static void steps_that_exclude_each_other_may_write_one_field(void **state) {
    (void)state;
    must(&home, 1, "either", "{'a':false,'b':true}");
    must(&home, 1, "either", "{'a':false,'b':false}");
    refused(&home, "either", "{'a':true,'b':true}", RK_APPLY_CONFLICT);
    reads(home.state, "{'name':'b'," EMPTY "}");
}

/* All expressions of an event read the state from before it, and what is refused leaves the state as it was. */
static void what_is_set_is_taken_back_when_it_does_not_fit(void **state) {
    (void)state;
    must(&home, 1, "pay", "{'n':5}");
    must(&home, 1, "two", "{'n':7}");
    reads(home.state, "{" EMPTY ",'total':7,'free':5}");
    refused(&home, "two", "{'n':-1}", RK_BAD_STATE);
    refused(&home, "nest-two", "{'k':'x','j':'x','v':1}", RK_APPLY_CONFLICT);
    reads(home.state, "{" EMPTY ",'total':7,'free':5}");
}

/* Maps that the event itself made are looked at whole, however many members it gave them. */
static void a_map_that_was_made_has_what_it_requires(void **state) {
    (void)state;
    refused(&home, "lane", "{}", RK_BAD_STATE);
    assert_string_equal(last_error.where, "/place");
    reads(home.state, "{" EMPTY "}");
    must(&home, 1, "lane-in", "{'city':'Pune'}");
    must(&home, 1, "lane", "{}");
    reads(home.state, "{" EMPTY ",'place':{'city':'Pune','street':'lane','zip':1}}");
}

/* The second step writes into the map that the first has made: it is taken back first. */
static void steps_are_taken_back_from_the_last(void **state) {
    (void)state;
    must(&home, 1, "nest", "{'k':'x','j':'y','v':1}");
    refused(&home, "pair", "{'k':'a','n':-1}", RK_BAD_STATE);
    refused(&home, "pair", "{'k':'x','n':-1}", RK_BAD_STATE);
    reads(home.state, "{" EMPTY ",'map':{'x':{'y':1}}}");
    must(&home, 1, "pair", "{'k':'a','n':1}");
    reads(home.state, "{" EMPTY ",'map':{'a':{'one':1,'two':2},'x':{'y':1}},'total':1}");
}

static void a_place_around_another_conflicts_with_it(void **state) {
    (void)state;
    refused(&home, "outside", "{'k':'a'}", RK_APPLY_CONFLICT);
    refused(&home, "inside", "{'k':'a','v':{}}", RK_APPLY_CONFLICT);
    must(&home, 1, "outside", "{'k':'b'}");
    must(&home, 1, "inside", "{'k':'0','v':{}}");
    reads(home.state, "{" EMPTY ",'map':{'0':{},'a':{'one':1},'b':{'one':2}}}");
}

static void none_takes_a_place_away(void **state) {
    (void)state;
    must(&home, 1, "nest", "{'k':'x','j':'y','v':1}");
    must(&home, 1, "nest", "{'k':'w','j':'y','v':2}");
    must(&home, 1, "move", "{'city':'Pune'}");
    must(&home, 1, "zip", "{'zip':5}");
    must(&home, 1, "drop", "{'k':'x'}");
    must(&home, 1, "drop", "{'k':'never'}");
    must(&home, 1, "drop-total", "{'keep':true,'n':7}");
    reads(home.state, "{" EMPTY ",'map':{'w':{'y':2}},'place':{'city':'Pune'},'total':7}");
    refused(&home, "drop-total", "{'keep':true,'n':-7}", RK_BAD_STATE);
    refused(&home, "drop-city", "{}", RK_BAD_STATE); /* place requires it, and map is back */
    reads(home.state, "{" EMPTY ",'map':{'w':{'y':2}},'place':{'city':'Pune'},'total':7}");
    must(&home, 1, "drop-total", "{'keep':false,'n':7}");
    must(&home, 1, "drop", "{'k':'w'}");
    reads(home.state, "{" EMPTY ",'map':{},'place':{'city':'Pune'}}");
    reload(&home);
    reads(home.state, "{" EMPTY ",'map':{},'place':{'city':'Pune'}}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reduce_set_up, reduce_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_takes_a_turn_for_every_element),
        TEST(none_takes_a_place_away),
        TEST(a_map_that_was_made_has_what_it_requires),
        TEST(steps_are_taken_back_from_the_last),
        TEST(a_place_around_another_conflicts_with_it),
        TEST(each_has_a_bound),
        TEST(steps_that_exclude_each_other_may_write_one_field),
        TEST(what_is_set_is_taken_back_when_it_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
