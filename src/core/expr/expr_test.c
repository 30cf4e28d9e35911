/*
 * Expressions: what they answer, what the checker refuses and how it says so, what a program tells about itself, and
 * that every run ends. The official cases are in door/conformance_test.c.
 */
#include "core/expr/expr.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the two above first */
#include <cmocka.h>

#include "base/buffer.h"
#include "io/memory.h"

static rk_arena arena;
static rk_error error;
static size_t find_count;

static int open_arena(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 24);
    error = (rk_error){0};
    find_count = 0;
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    rk_arena_free(&arena);
    return 0;
}

/* --- the world of the tests ------------------------------------------------------------------------------------- */

static rk_value text(const char *string) {
    return rk_string(rk_bytes_of_string(string));
}

static rk_value map_of(size_t count, const char *const *keys, const rk_value *values) {
    rk_pair *pairs = rk_arena_take_array(&arena, count, sizeof *pairs);
    for (size_t i = 0; i < count; i++) pairs[i] = (rk_pair){text(keys[i]), values[i]};
    rk_value map;
    assert_int_equal(rk_map_value(&arena, pairs, count, &map), RK_OK);
    return map;
}

static rk_value actor_value(void) {
    rk_value *roles = rk_arena_take_array(&arena, 2, sizeof *roles);
    roles[0] = text("editor");
    roles[1] = text("admin");
    return map_of(2, (const char *const[]){"id", "roles"}, (rk_value[]){text("alice"), rk_list(roles, 2)});
}

static rk_value state_value(void) {
    rk_value balance = map_of(2, (const char *const[]){"alice", "bob"}, (rk_value[]){rk_int(100), rk_int(7)});
    return map_of(2, (const char *const[]){"supply", "balance"}, (rk_value[]){rk_int(107), balance});
}

static rk_status find_root(void *context, rk_bytes name, size_t index, rk_value *value_out, rk_error *find_error) {
    (void)context, (void)index;
    find_count++;
    if (rk_bytes_equal(name, RK_TEXT("actor"))) {
        *value_out = actor_value();
    } else if (rk_bytes_equal(name, RK_TEXT("state"))) {
        *value_out = state_value();
    } else if (rk_bytes_equal(name, RK_TEXT("n"))) {
        *value_out = rk_int(5);
    } else if (rk_bytes_equal(name, RK_TEXT("a.b"))) {
        *value_out = map_of(1, (const char *const[]){"c"}, (rk_value[]){text("dotted")});
    } else if (rk_bytes_equal(name, RK_TEXT("broken"))) {
        return rk_fail(find_error, RK_EXPRESSION_FAILED, NULL, "the counter views does not fit 64 bits");
    } else if (rk_bytes_equal(name, RK_TEXT("corrupt"))) {
        return rk_fail(find_error, RK_CORRUPT, NULL, "a page is damaged");
    } else {
        return RK_NOT_FOUND;
    }
    return RK_OK;
}

static const rk_activation activation = {.find = find_root};

static const rk_environment *environment(void) {
    const rk_type *string = rk_type_of(RK_TYPE_STRING), *integer = rk_type_of(RK_TYPE_INT);
    rk_type_field *actor = rk_arena_take_array(&arena, 2, sizeof *actor);
    actor[0] = (rk_type_field){RK_TEXT("id"), string};
    actor[1] = (rk_type_field){RK_TEXT("roles"), rk_type_list(&arena, string)};
    rk_type_field *state = rk_arena_take_array(&arena, 2, sizeof *state);
    state[0] = (rk_type_field){RK_TEXT("supply"), integer};
    state[1] = (rk_type_field){RK_TEXT("balance"), rk_type_map(&arena, string, integer)};
    rk_variable *variables = rk_arena_take_array(&arena, 6, sizeof *variables);
    variables[0] = (rk_variable){RK_TEXT("actor"), rk_type_object(&arena, RK_TEXT("actor"), actor, 2, false)};
    variables[1] = (rk_variable){RK_TEXT("state"), rk_type_object(&arena, RK_TEXT("state"), state, 2, false)};
    variables[2] = (rk_variable){RK_TEXT("n"), integer};
    variables[3] = (rk_variable){RK_TEXT("anything"), rk_type_of(RK_TYPE_DYN)};
    variables[4] = (rk_variable){RK_TEXT("a.b"), rk_type_of(RK_TYPE_DYN)};
    variables[5] = (rk_variable){RK_TEXT("now"), rk_type_of(RK_TYPE_TIMESTAMP)};
    rk_environment *made = rk_arena_take(&arena, sizeof *made);
    *made = (rk_environment){variables, 6};
    return made;
}

static rk_program *compiled(const char *source, const rk_environment *types) {
    rk_program *program = NULL;
    rk_status status = rk_expr_compile(&arena, rk_bytes_of_string(source), types, &program, &error);
    if (status != RK_OK) fail_msg("%s: %s: %s", source, error.where, error.what);
    return program;
}

static rk_value run(const char *source) {
    rk_value value;
    rk_program *program = compiled(source, NULL);
    rk_status status = rk_program_run(program, &activation, &arena, RK_STEPS_MAX, &value, &error);
    if (status != RK_OK) fail_msg("%s: %s: %s", source, error.where, error.what);
    return value;
}

static void expect_true(const char *source) {
    rk_value value = run(source);
    if (value.kind != RK_BOOL || !value.as.boolean) fail_msg("not true: %s", source);
}

static void expect_failure(const char *source, const char *where, const char *what) {
    rk_value value;
    rk_program *program = compiled(source, NULL);
    rk_status status = rk_program_run(program, &activation, &arena, RK_STEPS_MAX, &value, &error);
    if (status != RK_EXPRESSION_FAILED) fail_msg("does not fail: %s", source);
    assert_string_equal(error.what, what);
    if (where) assert_string_equal(error.where, where);
}

static void expect_refused(const char *source, const char *where, const char *what) {
    rk_program *program = NULL;
    rk_status status = rk_expr_compile(&arena, rk_bytes_of_string(source), environment(), &program, &error);
    if (status != RK_BAD_EXPRESSION) fail_msg("not refused: %s (%s)", source, rk_status_name(status));
    assert_null(program);
    assert_string_equal(error.what, what);
    assert_string_equal(error.where, where);
}

static void expect_type(const char *source, const char *type) {
    rk_bytes printed = rk_type_print(&arena, rk_program_type(compiled(source, environment())));
    if (!rk_bytes_equal(printed, rk_bytes_of_string(type))) {
        fail_msg("%s is %.*s, not %s", source, (int)printed.size, (const char *)printed.data, type);
    }
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

static void a_guard_reads_its_variables(void **state) {
    (void)state;
    expect_true("actor.id == 'alice' && 'admin' in actor.roles");
    expect_true("state.balance[?actor.id].orValue(0) == 100 && state.balance[?'carol'].orValue(0) == 0");
    expect_true("state.balance['bob'] + n == 12");
    expect_true("actor.roles.exists(r, r == 'admin') && !actor.roles.all(r, r == 'admin')");
}

static void numbers_of_all_kinds_are_one_order(void **state) {
    (void)state;
    expect_true("1 == 1u && 1u == 1.0 && 1 == dyn(1.0) && 2 > 1.5 && 1u < 1.5 && -1 < 0u");
    expect_true("9007199254740993 != 9007199254740992.0 && 9007199254740993 > 9007199254740992.0");
    expect_true("9223372036854775807 != 9223372036854775808.0 && 9223372036854775807 >= 9223372036854775808.0");
    expect_true("{1: 'a'}[1u] == 'a' && {1u: 'a'}[1.0] == 'a' && 1.0 in {1: 'a'} && !(1.5 in {1: 'a'})");
    expect_true("!(0.0/0.0 == 0.0/0.0) && 0.0/0.0 != 0.0/0.0 && !(0.0/0.0 < 1) && -0.0 == 0.0");
}

static void logic_outweighs_errors_on_either_side(void **state) {
    (void)state;
    expect_true("(1/0 > 0 || true) && (true || 1/0 > 0) && !(1/0 > 0 && false) && !(false && 1/0 > 0)");
    expect_true("[1, 2, 0].exists(x, 1/x == 1) && ![0, 2].all(x, 1/x == 1)");
    expect_failure("1/0 > 0 || false", "column 2", "divide by zero");
    expect_failure("'a' && true", "column 1", "no such overload: a string where true or false should stand");
}

static void what_overflows_fails(void **state) {
    (void)state;
    static const char *const sources[] = {
        "9223372036854775807 + 1",    "-9223372036854775808 - 1",
        "9223372036854775807 * 2",    "0u - 1u",
        "-9223372036854775808 / -1",  "-9223372036854775808 % -1",
        "-(-9223372036854775808)",    "18446744073709551615u + 1u",
        "18446744073709551615u * 2u",
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        expect_failure(sources[i], NULL, "integer overflow");
    expect_failure("5 % 0", NULL, "modulus by zero");
    expect_failure("5u / 0u", NULL, "divide by zero");
}

static void a_failure_says_what_and_where(void **state) {
    (void)state;
    expect_failure("state.balance.carol", "column 15", "no such key: carol");
    expect_failure("[1, 2][2]", "column 7", "index out of bounds: 2");
    expect_failure("1 + 'a'", "column 3", "no such overload: int + string");
    expect_failure("size(5)", "column 1", "no such overload: size(int)");
    expect_failure("nobody", "column 1", "undeclared reference to nobody");
    expect_failure("no(1)", "column 1", "unbound function: no");
    expect_failure("n.field", "column 3", "int has no field field");
    expect_failure("{'a': 1, 'a': 2}", "column 1", "a map with the key a twice");
    expect_failure("{1: 1, 1u: 2}", "column 1", "a map with the key 1 twice");
    expect_failure("'é' + \n  1", "column 5", "no such overload: string + int");
    expect_failure("true &&\n\n 1/0 > 0", "line 3, column 3", "divide by zero");
    expect_failure("optional.none().value()", NULL, "optional.none() has no value");
}

static void optionals_chain_and_leave_out(void **state) {
    (void)state;
    expect_true("state.?balance.bob.orValue(0) == 7 && state.?nothing.at.all == optional.none()");
    expect_true("{'a': [1]}.?a[0] == optional.of(1) && [1, 2][?5] == optional.none()");
    expect_true("[?optional.of(1), ?optional.none(), 3] == [1, 3] && {?'a': optional.none()} == {}");
    expect_true("optional.ofNonZeroValue('') == optional.none() && optional.ofNonZeroValue(1).hasValue()");
    expect_true("optional.none().or(optional.of(2)).value() == 2 && optional.of(1).orValue(1/0) == 1");
    expect_true("optional.of(2).optMap(x, x * 2).value() == 4 && !optional.none().optMap(x, 1/0).hasValue()");
    expect_true("optional.of([1]).optFlatMap(l, l[?0]).value() == 1");
    expect_true("has(state.balance.bob) && !has(state.balance.carol) && has(state.supply)");
    expect_true("[1, 2].first().value() == 1 && [].last() == optional.none()");
}

static void macros_bind_and_nest(void **state) {
    (void)state;
    expect_true("[1, 2].map(x, [3, 4].map(y, x * y)) == [[3, 4], [6, 8]]");
    expect_true("[1, 2, 3].map(x, x > 1, x * 10) == [20, 30] && [3, 1].filter(x, x > 1) == [3]");
    expect_true("[1, 2].exists(n, n == 2) && n == 5");
    expect_true("{'a': 1, 'b': 2}.all(k, k in ['a', 'b']) && {'a': 1}.map(k, k) == ['a']");
    expect_true("[7, 8].all(i, v, v == i + 7) && {'a': 1}.exists(k, v, k == 'a' && v == 1)");
    expect_true("[7, 8].transformList(i, v, i + v) == [7, 9] && [7, 8].transformList(i, v, i > 0, v) == [8]");
    expect_true("{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}");
    expect_true("['x'].transformMapEntry(i, v, {v: i}) == {'x': 0}");
    expect_failure("['x', 'x'].transformMapEntry(i, v, {v: i})", NULL, "a map with the key x twice");
}

static void text_converts_both_ways(void **state) {
    (void)state;
    expect_true("string(1.5) == '1.5' && string(-7) == '-7' && string(7u) == '7' && string(true) == 'true'");
    expect_true("double('1e3') == 1000.0 && int('-12') == -12 && uint('12') == 12u && bytes('é') == b'\\303\\251'");
    expect_true("double(string(0.1)) == 0.1 && string(1.0/0.0) == 'Infinity' && double('-inf') == -1.0/0.0");
    expect_failure("int('12x')", NULL, "type conversion error: \"12x\" is no int");
    expect_failure("int('9223372036854775808')", NULL, "range error: 9223372036854775808 does not fit int");
    expect_failure("int(0.0/0.0)", NULL, "range error: NaN does not fit int");
}

static void the_longest_dotted_name_is_meant(void **state) {
    (void)state;
    expect_true("a.b.c == 'dotted'");
    expect_true("[{'b': {'c': 'local'}}].exists(a, a.b.c == 'local')");
    rk_value value;
    rk_program *program = compiled("a.b.c", environment());
    assert_int_equal(rk_program_run(program, &activation, &arena, 100, &value, &error), RK_OK);
    assert_true(rk_is_text(&value, RK_TEXT("dotted")));
}

/* --- the checker ------------------------------------------------------------------------------------------------ */

static void a_mistake_of_names_or_types_is_refused_when_compiled(void **state) {
    (void)state;
    expect_refused("state.balanse", "column 7", "state has no field balanse");
    assert_string_equal(error.hint, "it has: supply, balance");
    expect_refused("stat.supply", "column 1", "there is no variable stat here");
    assert_string_equal(error.hint, "there are: actor, state, n, anything, a.b, now");
    expect_refused("state['suply']", "column 6", "state has no field suply");
    expect_refused("actor.id + 1", "column 10", "+ cannot be applied to string, int");
    expect_refused("n ? 1 : 2", "column 1", "int stands where true or false should");
    expect_refused("true && n", "column 9", "int stands where true or false should");
    expect_refused("!n", "column 1", "! cannot be applied to int");
    expect_refused("actor.id == 5", "column 10", "== cannot be applied to string, int");
    expect_refused("1 in actor.roles", "column 3", "in cannot be applied to int, list(string)");
    expect_refused("true ? 1 : 'a'", "column 6", "one branch gives int and the other string");
    expect_refused("actor.roles.all(r, r)", "column 20", "string stands where true or false should");
    expect_refused("n.all(x, true)", "column 3", "all() cannot be applied to int");
    expect_refused("state.balance[1]", "column 15", "int is no index of map(string, int)");
    expect_refused("frobnicate(1)", "column 1", "there is no function frobnicate");
    expect_refused("size(1, 2)", "column 1", "size does not take 2 arguments as a function");
    expect_refused("{[1]: 2}", "column 2", "list(int) cannot be a map's key");
    expect_refused("[?1]", "column 2", "int stands where an optional should");
}

static void every_expression_has_its_type(void **state) {
    (void)state;
    expect_type("state.balance[actor.id]", "int");
    expect_type("state.balance[?actor.id]", "optional(int)");
    expect_type("state.balance[?actor.id].orValue(0)", "int");
    expect_type("state.?balance.bob", "optional(int)");
    expect_type("actor.roles.map(r, size(r))", "list(int)");
    expect_type("actor.roles.filter(r, r != 'a')", "list(string)");
    expect_type("{'a': 1, 'b': 2}", "map(string, int)");
    expect_type("[1, 'a']", "list(dyn)");
    expect_type("anything + 1", "int");
    expect_type("anything.field", "dyn");
    expect_type("state == null", "bool");
    expect_type("n == 1.0", "bool");
    expect_type("true ? anything : 1", "dyn");
    expect_type("type(n)", "type");
    expect_type("now < now", "bool");
    expect_type("state", "state");
    expect_type("actor.id.replace('a', 'b', n)", "string");
    expect_type("'%d'.format([n, 'a', null])", "string");
    expect_type("strings.quote(actor.id)", "string");
    expect_type("base64.decode(base64.encode(b'a'))", "bytes");
    expect_type("math.greatest(n, 1, 2)", "int");
    expect_type("math.least([1.5, 2.5])", "double");
    expect_type("math.least(1, 2.5)", "dyn");
    expect_type("math.greatest(anything)", "dyn");
    expect_type("math.ceil(1.5)", "double");
    expect_type("math.isNaN(1.5)", "bool");
    expect_type("math.abs(-n)", "int");
    expect_type("math.sqrt(n)", "double");
    expect_type("math.bitShiftLeft(1u, n)", "uint");
    expect_type("cel.bind(x, n + 1, [x, x])", "list(int)");
    expect_type("[n].transformMap(i, v, v > 0, string(v))", "map(int, string)");
    expect_type("optional.of(n).optMap(x, x > 1)", "optional(bool)");
    expect_type("[optional.of(n)].unwrapOpt()", "list(int)");
    expect_type("optional.unwrap([optional.of('a'), optional.of('b')])", "list(string)");
}

static void a_syntax_error_names_its_column(void **state) {
    (void)state;
    expect_refused("1 +", "column 4", "the expression ends where a value should stand");
    expect_refused("(1", "column 3", "the expression ends where a ) should stand");
    expect_refused("1 2", "column 3", "2 stands where an operator or the end should");
    expect_refused("'é' # 2", "column 5", "\"#\" has no meaning here");
    expect_refused("'abc", "column 1", "this string does not end");
    expect_refused("9223372036854775808", "column 1",
                   "9223372036854775808 does not fit an int; an uint is written with a u at its end");
    expect_refused("1e999", "column 1", "1e999 is larger than every double");
    expect_refused("'\\ud800'", "column 2", "this escape is not a Unicode code point");
    expect_refused("Account{name: 'a'}", "column 1", "there are no message types here");
    expect_refused("has(n)", "column 1", "has() wants a field, such as has(state.name)");
    expect_refused("[1].map(1, 2)", "column 9", "map() wants the name of a variable here");
    expect_refused("package", "column 1", "package is a reserved word");
    expect_refused("n.if", "column 3", "int has no field if");
    expect_refused("", "column 1", "the expression ends where a value should stand");
    expect_refused("math.ceil(n)", "column 6", "math.ceil cannot be applied to int");
    expect_refused("math.greatest(n, 'a')", "column 18", "string stands where a number should");
    expect_refused("math.least([n, 2.0, null])", "column 21", "null stands where a number should");
    expect_refused("math.greatest('a')", "column 6", "math.greatest cannot be applied to string");
    expect_refused("math.greatest()", "column 6", "math.greatest does not take 0 arguments as a function");
    expect_refused("'a'.format(n)", "column 5", "format cannot be applied to string, int");
    expect_refused("'a'.replace('b')", "column 5", "replace does not take 1 arguments as a method");
    expect_refused("cel.bind(1, n, n)", "column 10", "bind() wants the name of a variable here");
    expect_refused("cel.bind(x, n, y)", "column 16", "there is no variable y here");
    expect_refused("math.bitAnd(n, 1u)", "column 6", "math.bitAnd cannot be applied to int, uint");
    expect_refused("f(1,)", "column 5", ") stands where an argument should");
}

static void the_place_of_an_error_is_found_again(void **state) {
    (void)state;
    static const struct {
        const char *source, *where;
        size_t offset;
    } rows[] = {{"1 + ", "column 5", 4},           {"\u00f1 + b", "column 3", 3}, {"a\nb", "line 2, column 1", 2},
                {"a\n\nb", "line 3, column 2", 4}, {"ab", "column 9", 2},         {"a", "line 7, column 1", 1}};
    size_t offset = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(rk_expr_find_place(rk_bytes_of_string(rows[i].source), rows[i].where, &offset));
        assert_int_equal(offset, rows[i].offset);
    }
    static const char *const others[] = {"",       "column",          "column 0",   "column 1x",
                                         "line 1", "line 2 column 1", "a: column 1"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(rk_expr_find_place(RK_TEXT("abc"), others[i], &offset));
    }
}

static void a_program_tells_whether_it_may_ask_for_a_zone(void **state) {
    (void)state;
    static const struct {
        const char *source;
        bool uses;
    } rows[] = {
        {"now.getHours()", false},
        {"now.getHours('UTC')", false},
        {"now.getHours('+05:30') > now.getDate('-00:00')", false},
        {"now.getHours('Europe/Berlin')", true},
        {"now.getMonth('Z')", true},
        {"now.getFullYear('U' + 'TC')", false},
        {"now.getDayOfYear(actor.id)", true},
        {"false && [1].exists(x, now.getSeconds(string(x)) == 1)", true},
        {"n == 1 ? 'Europe/Berlin' : 'UTC'", false},
        {"timestamp(0).getHours('Europe/Berlin')", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rk_program_uses_zones(compiled(rows[i].source, environment())) != rows[i].uses)
            fail_msg("%s", rows[i].source);
        if (rk_program_uses_zones(compiled(rows[i].source, NULL)) != rows[i].uses) fail_msg("dyn: %s", rows[i].source);
    }
}

/* --- what a program tells --------------------------------------------------------------------------------------- */

static void expect_reads(const char *source, const char *expected) {
    char found[512] = "";
    const rk_read *reads = NULL;
    size_t count = rk_program_reads(compiled(source, environment()), &reads);
    for (size_t i = 0, size = 0; i < count; i++) {
        size += rk_format(found + size, sizeof found - size, reads[i].whole ? "%s%b.*" : "%s%b.%b", i > 0 ? " " : "",
                          reads[i].root, reads[i].field);
    }
    assert_string_equal(found, expected);
}

static void a_program_tells_what_it_reads(void **state) {
    (void)state;
    expect_reads("state.balance[actor.id] > n", "state.balance actor.id n.*");
    expect_reads("state[actor.id] == state['supply']", "state.* actor.id state.supply");
    expect_reads("has(state.supply) || state.?balance.bob.hasValue()", "state.supply state.balance");
    expect_reads("state.supply > 0 && state.supply < 9", "state.supply");
    expect_reads("actor.roles.all(state, state == 'a')", "actor.roles");
    expect_reads("state.all(k, k != '')", "state.*");
    expect_reads("1 + 1 == 2", "");
    assert_true(rk_program_reads_root(compiled("now < now", environment()), RK_TEXT("now")));
}

static void expect_path(const char *source, const rk_environment *types, const char *expected) {
    char found[256] = "";
    const rk_bytes *keys = NULL;
    size_t count = rk_program_path(compiled(source, types), &keys);
    for (size_t i = 0, size = 0; i < count; i++) {
        size += rk_format(found + size, sizeof found - size, i > 0 ? "/%b" : "%b", keys[i]);
    }
    assert_string_equal(found, expected);
}

static void a_bare_path_is_told_apart_from_a_computation(void **state) {
    (void)state;
    expect_path("state.balance", environment(), "state/balance");
    expect_path("state['balance'].bob", environment(), "state/balance/bob");
    expect_path("state", environment(), "state");
    expect_path("data.a.b", NULL, "data/a/b");
    expect_path("state.balance[actor.id]", environment(), "");
    expect_path("state.?balance", environment(), "");
    expect_path("has(state.balance)", environment(), "");
    expect_path("state.supply + 0", environment(), "");
    expect_path("int", environment(), "");
    expect_path("'a'", environment(), "");
}

static void a_place_has_fields_and_computed_keys(void **state) {
    (void)state;
    rk_place place;
    rk_bytes source = RK_TEXT("allowance.deep['x'][actor.id][n + 1]");
    assert_int_equal(rk_expr_compile_place(&arena, source, environment(), &place, &error), RK_OK);
    assert_true(rk_bytes_equal(place.root, RK_TEXT("allowance")));
    assert_int_equal(place.step_count, 4);
    assert_true(rk_bytes_equal(place.steps[0].field, RK_TEXT("deep")));
    assert_true(rk_bytes_equal(place.steps[1].field, RK_TEXT("x")));
    assert_int_equal(rk_program_type(place.steps[2].program)->kind, RK_TYPE_STRING);
    rk_value value;
    assert_int_equal(rk_program_run(place.steps[3].program, &activation, &arena, 100, &value, &error), RK_OK);
    assert_int_equal(value.as.integer, 6);
    static const char *const refused[] = {"a + b", "f(x)", "a.?b", "a[?b]", "'a'", "a[", "a[nobody]"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        source = rk_bytes_of_string(refused[i]);
        assert_int_equal(rk_expr_compile_place(&arena, source, environment(), &place, &error), RK_BAD_EXPRESSION);
    }
}

/* --- bounds and the activation ---------------------------------------------------------------------------------- */

static void a_variable_is_asked_for_once_and_only_when_needed(void **state) {
    (void)state;
    rk_value value;
    rk_program *program = compiled("n > 9 && actor.id == 'x' || n + n == 10", environment());
    assert_int_equal(rk_program_run(program, &activation, &arena, 100, &value, &error), RK_OK);
    assert_true(value.as.boolean);
    assert_int_equal(find_count, 1);
}

static void an_activation_may_fail_softly_or_for_good(void **state) {
    (void)state;
    expect_true("broken > 1 || true");
    expect_failure("broken > 1 && true", NULL, "the counter views does not fit 64 bits");
    rk_value value;
    rk_program *program = compiled("corrupt > 1 || true", NULL);
    assert_int_equal(rk_program_run(program, &activation, &arena, 100, &value, &error), RK_CORRUPT);
    assert_string_equal(error.what, "a page is damaged");
}

static void a_hostile_expression_ends_by_its_bound(void **state) {
    (void)state;
    static const char *const sources[] = {
        "[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, "
        "[0,1,2,3,4,5,6,7,8,9].all(d, [0,1,2,3,4,5,6,7,8,9].all(e, [0,1,2,3,4,5,6,7,8,9].all(f, a >= 0))))))",
        "[[0,1,2,3,4,5,6,7,8,9]].map(l, l.map(a, l.map(b, l.map(c, l.map(d, l.map(e, l.map(f, l)))))))",
        "[['0123456789']].map(l, l.map(a, a+a+a+a+a+a+a+a)).map(l, l.map(a, a+a+a+a+a+a+a+a)).map(l, l.map(a, "
        "a+a+a+a+a+a+a+a)).map(l, l.map(a, a+a+a+a+a+a+a+a)).map(l, l.map(a, a+a+a+a+a+a+a+a)).map(l, l.map(a, "
        "a+a+a+a+a+a+a+a)).map(l, l.map(a, a+a+a+a+a+a+a+a)).map(l, l.map(a, a+a+a+a+a+a+a+a))",
        "[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, "
        "[0,1,2,3,4,5,6,7,8,9].all(d, !string(a).matches('^(a{100}){9}') && "
        "!(string(a) + 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa').matches('(a*)*b')))))",
        "[['0123456789']].map(l, l.map(a, a.replace('', a).replace('', a))).map(l, l.map(a, a.replace('', a)))"
        ".map(l, l.map(a, a.replace('', a)))",
        "[['0123456789']].map(l, l.map(a, '%s%s%s%s%s%s%s%s'.format([a,a,a,a,a,a,a,a]))).map(l, l.map(a, "
        "'%x%x%x%x%x%x%x%x'.format([a,a,a,a,a,a,a,a]))).map(l, l.map(a, '%x%x%x%x%x%x%x%x'.format([a,a,a,a,a,a,a,a])))"
        ".map(l, l.map(a, '%x%x%x%x%x%x%x%x'.format([a,a,a,a,a,a,a,a]))).map(l, l.map(a, "
        "'%x%x%x%x%x%x%x%x'.format([a,a,a,a,a,a,a,a]))).map(l, l.map(a, '%x%x%x%x%x%x%x%x'.format([a,a,a,a,a,a,a,a])))"
        ".map(l, l.map(a, '%x%x%x%x%x%x%x%x'.format([a,a,a,a,a,a,a,a])))",
        "[['0123456789']].map(l, l.map(a, [a,a,a,a,a,a,a,a].join(a))).map(l, l.map(a, "
        "[a,a,a,a,a,a,a,a].join(a))).map(l, "
        "l.map(a, [a,a,a,a,a,a,a,a].join(a))).map(l, l.map(a, [a,a,a,a,a,a,a,a].join(a))).map(l, l.map(a, "
        "[a,a,a,a,a,a,a,a].join(a))).map(l, l.map(a, [a,a,a,a,a,a,a,a].join(a))).map(l, l.map(a, "
        "[a,a,a,a,a,a,a,a].join(a)))",
        "[['\\\\']].map(l, [0,1,2,3,4,5,6,7,8,9].map(i, [0,1,2,3,4,5,6,7,8,9].map(j, [0,1,2,3,4,5,6,7,8,9].map(k, "
        "[0,1,2,3,4,5,6,7,8,9].map(m, l.map(a, cel.bind(b, "
        "strings.quote(strings.quote(strings.quote(strings.quote(a)))), "
        "'%.1000f %.1000e'.format([5e-324 * double(i), b.size()]))))))))",
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        rk_value value;
        rk_arena_free(&arena);
        rk_arena_init(&arena, rk_memory_system(), 256 << 20);
        rk_program *program = compiled(sources[i], NULL);
        rk_status status = rk_program_run(program, NULL, &arena, RK_STEPS_MAX, &value, &error);
        assert_true(status == RK_STEP_BOUND || status == RK_NO_MEMORY);
        assert_int_equal(error.code, status);
        assert_int_equal(value.kind, RK_NULL);
        /* with few steps there is memory left: what is taken is bounded by what may be walked, and its growing */
        enum { FEW_STEPS = 20000 };
        size_t used = rk_arena_used(&arena);
        assert_int_equal(rk_program_run(program, NULL, &arena, FEW_STEPS, &value, &error), RK_STEP_BOUND);
        assert_true(rk_arena_used(&arena) - used <= (size_t)8 * FEW_STEPS * RK_EXPR_STEP_BYTES);
    }
}

static void steps_count_what_is_walked(void **state) {
    (void)state;
    rk_value value;
    static const char *const sources[] = {"[n, n, n, n, n, n, n, n] == [n, n, n, n, n, n, n, n]",
                                          "9 in [n, n, n, n, n, n, n, n]", "[n, n, n, n] + [n, n, n, n]"};
    static const uint64_t steps[] = {3 + 16 + 8, 3 + 8 + 8, 3 + 8 + 8};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        rk_program *program = compiled(sources[i], environment());
        assert_int_equal(rk_program_run(program, &activation, &arena, steps[i], &value, &error), RK_OK);
        assert_int_equal(rk_program_run(program, &activation, &arena, steps[i] - 1, &value, &error), RK_STEP_BOUND);
    }
}

static void append(rk_buffer *buffer, const char *part, size_t count) {
    for (size_t i = 0; i < count; i++) rk_buffer_append(buffer, rk_bytes_of_string(part));
}

static rk_bytes repeated(const char *head, const char *part, const char *middle, const char *end, size_t count) {
    rk_buffer buffer;
    rk_bytes source;
    rk_buffer_init(&buffer, &arena, 2 * RK_EXPRESSION_SIZE_MAX);
    append(&buffer, head, 1);
    append(&buffer, part, count);
    append(&buffer, middle, 1);
    append(&buffer, end, count);
    assert_int_equal(rk_buffer_finish(&buffer, &source), RK_OK);
    return source;
}

static void deep_nesting_is_refused_and_long_chains_of_logic_are_not(void **state) {
    (void)state;
    static const struct {
        const char *head, *part, *middle, *end;
    } shapes[] = {{"", "(", "1", ")"},      {"", "[", "", "]"},      {"", "!", "true", ""},       {"1", "+1", "", ""},
                  {"", "-", "n", ""},       {"", "{1:", "1", "}"},   {"n", "[n", "", "]"},        {"n", ".a", "", ""},
                  {"", "true?1:", "1", ""}, {"", "size(", "n", ")"}, {"[]", ".map(x,[]", "", ")"}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        rk_program *program = NULL;
        rk_bytes shallow = repeated(shapes[i].head, shapes[i].part, shapes[i].middle, shapes[i].end, 100);
        rk_bytes deep = repeated(shapes[i].head, shapes[i].part, shapes[i].middle, shapes[i].end, 5000);
        assert_int_equal(rk_expr_compile(&arena, shallow, NULL, &program, &error), RK_OK);
        assert_int_equal(rk_expr_compile(&arena, deep, NULL, &program, &error), RK_BAD_EXPRESSION);
        assert_string_equal(error.what, "the expression nests deeper than 250 levels");
    }
    rk_bytes chain = repeated("n == 0", " || n == 0", " || n == 5", "", 3000);
    expect_true(rk_arena_string(&arena, chain));
    rk_bytes huge = repeated("", " ", "1", "", RK_EXPRESSION_SIZE_MAX);
    rk_program *program = NULL;
    assert_int_equal(rk_expr_compile(&arena, huge, NULL, &program, &error), RK_LIMIT);
    assert_int_equal(rk_expr_compile(&arena, rk_bytes_of("'\xff'", 3), NULL, &program, &error), RK_BAD_TEXT);
}

static void running_out_of_memory_is_an_answer(void **state) {
    (void)state;
    for (size_t size_max = 0; size_max < 6000; size_max += 64) {
        rk_arena small;
        rk_program *program = NULL;
        rk_value value;
        rk_arena_init(&small, rk_memory_system(), size_max);
        rk_bytes source =
            RK_TEXT("[1, 2].map(x, string(x) + 'a') == [state.?b[?a.c.d].orValue('x')] || {'k': n}.k > 1");
        rk_status status = rk_expr_compile(&small, source, NULL, &program, &error);
        if (status == RK_OK) status = rk_program_run(program, &activation, &small, 1000, &value, &error);
        assert_true(status == RK_OK || status == RK_NO_MEMORY);
        if (status != RK_OK) assert_int_equal(error.code, RK_NO_MEMORY);
        rk_arena_free(&small);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_guard_reads_its_variables),
        TEST(numbers_of_all_kinds_are_one_order),
        TEST(logic_outweighs_errors_on_either_side),
        TEST(what_overflows_fails),
        TEST(a_failure_says_what_and_where),
        TEST(optionals_chain_and_leave_out),
        TEST(macros_bind_and_nest),
        TEST(text_converts_both_ways),
        TEST(the_longest_dotted_name_is_meant),
        TEST(a_mistake_of_names_or_types_is_refused_when_compiled),
        TEST(every_expression_has_its_type),
        TEST(a_syntax_error_names_its_column),
        TEST(the_place_of_an_error_is_found_again),
        TEST(a_program_tells_whether_it_may_ask_for_a_zone),
        TEST(a_program_tells_what_it_reads),
        TEST(a_bare_path_is_told_apart_from_a_computation),
        TEST(a_place_has_fields_and_computed_keys),
        TEST(a_variable_is_asked_for_once_and_only_when_needed),
        TEST(an_activation_may_fail_softly_or_for_good),
        TEST(a_hostile_expression_ends_by_its_bound),
        TEST(steps_count_what_is_walked),
        TEST(deep_nesting_is_refused_and_long_chains_of_logic_are_not),
        TEST(running_out_of_memory_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
