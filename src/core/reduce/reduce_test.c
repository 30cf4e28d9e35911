/*
 * Reducing: from what a caller said to operations, their check at the truth, and the fold; states in and out.
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
/* ---- each operation ---- */

static void each_operation_resolves_checks_and_applies(void **state) {
    (void)state;
    reads(home.state, "{" EMPTY "}");
    must(&home, 1, "rename", "{'name':'Asha'}");
    must(&home, 1, "view", "{}");
    must(&home, 2, "views", "{'by':9223372036854775807}");
    must(&home, 2, "stock", "{'by':-4}");
    must(&home, 1, "tag", "{'tag':'b'}");
    must(&home, 2, "tag", "{'tag':'a'}");
    must(&home, 2, "tag", "{'tag':'b'}");
    must(&home, 1, "write", "{'edits':[[0,0,'hello'],[5,0,' world'],[0,1,'J']]}");
    reads(home.state, "{'name':'Asha','views':'9223372036854775808','stock':-4,'tags':['a','b'],'bio':'Jello world'}");
    must(&home, 3, "untag", "{'tag':'b'}");
    must(&home, 3, "untag", "{'tag':'nobody has it'}");
    must(&home, 3, "shout", "{'name':'Ravi'}");
    must(&home, 3, "all", "{'t':'c','n':2,'edits':[[11,0,'.'],[0,1,'']]}");
    must(&home, 4, "pay", "{'n':5}");
    must(&home, 4, "pay", "{'n':5}");
    must(&home, 4, "nest", "{'k':'x','j':'y','v':[1,null]}");
    must(&home, 4, "move", "{'city':'Pune'}");
    must(&home, 4, "zip", "{'zip':411001}");
    reads(home.state, "{'name':'c','views':'9223372036854775810','stock':-6,'tags':['a','c'],'bio':'ello world.',"
                      "'total':10,'map':{'x':{'y':[1,null]}},'place':{'city':'Pune','zip':411001}}");
    reload(&home);
    must(&home, 5, "all", "{'t':'d','n':1,'edits':[[0,0,'H']]}");
    reads(home.state, "{'name':'d','views':'9223372036854775811','stock':-7,'tags':['a','c','d'],"
                      "'bio':'Hello world.','total':10,'map':{'x':{'y':[1,null]}},"
                      "'place':{'city':'Pune','zip':411001}}");
}

static void what_does_not_fit_is_refused_when_it_is_resolved(void **state) {
    (void)state;
    refused(&home, "rename", "{'name':'longer than nine'}", RK_BAD_DATA);
    refused(&home, "shout", "{'name':'nine char'}", RK_BAD_DATA);
    refused(&home, "views", "{'by':-1}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':7}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':[7]}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':[[0,0]]}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':[[0,0,'a',0]]}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':[[0,0,7]]}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':[[-1,0,'']]}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':[[0,-1,'']]}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':[[0,1,'']]}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':[[1,0,'']]}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':[[0,0,'abc'],[4,0,'']]}", RK_BAD_DATA);
    refused(&home, "write", "{'edits':[[1,9223372036854775807,'']]}", RK_BAD_DATA);
    refused(&home, "all", "{'t':'x','n':-9223372036854775808,'edits':[]}", RK_BAD_DATA);
    refused(&home, "stock", "{}", RK_BAD_DATA);
    reads(home.state, "{" EMPTY "}");
    must(&home, 1, "write", "{'edits':[]}");
    must(&home, 1, "write", "{'edits':[[0,0,'']]}");
    reads(home.state, "{" EMPTY "}");
}

static void the_effective_stamp_orders_registers(void **state) {
    (void)state;
    rk_event early = event_of(1, "rename", "{'name':'early'}"), late = event_of(2, "rename", "{'name':'late'}");
    assert_int_equal(resolve(&home, &early), RK_OK);
    assert_int_equal(resolve(&home, &late), RK_OK);
    rk_scene scene = scene_of(&home, &late);
    scene.stamp = early.id.stamp - 1; /* clamped by the truth */
    assert_int_equal(rk_state_fold(&scene, type_of(&late), &arena, &last_error), RK_OK);
    fold(&home, &early);
    reads(home.state, "{'name':'early'," EMPTY "}");
}

/* ---- lies ---- */

/* JSON, where texts that begin with # are bytes. */
static rk_value with_bytes(rk_value value) {
    if (value.kind == RK_STRING && value.as.bytes.size && value.as.bytes.data[0] == '#') {
        size_t size = value.as.bytes.size / 2;
        uint8_t *bytes = rk_arena_take(&arena, size + 1);
        assert_true(rk_hex_read(rk_bytes_from(value.as.bytes, 1), bytes, size));
        return rk_bytes_value(rk_bytes_of(bytes, size));
    }
    if (value.kind != RK_LIST) return value;
    rk_value *items = rk_arena_take_array(&arena, value.as.list.count, sizeof *items);
    for (size_t i = 0; i < value.as.list.count; i++) items[i] = with_bytes(value.as.list.items[i]);
    return rk_list(items, value.as.list.count);
}

static rk_status check_event(const copy *copy, const rk_event *event) {
    rk_scene scene = scene_of(copy, event);
    last_error = (rk_error){0};
    rk_status status = rk_event_check_operations(&scene, type_of(event), NULL, &arena, &last_error);
    assert_int_equal(last_error.code, status);
    assert_true((status != RK_OK) == (last_error.what[0] != 0));
    return status;
}

/* R1 and R2 in the texts below. */
#define R1 "'#0000000000000001'"
#define R2 "'#0000000000000002'"
#define R7 "'#0000000000000007'"

/* Replica 1 wrote "hello" (1..5), replica 2 " you" (6..9), replica 1 deleted "h" (1). */
static void write_greeting(void) {
    must(&home, 1, "write", "{'edits':[[0,0,'hello']]}");
    must(&home, 2, "write", "{'edits':[[5,0,' you']]}");
    must(&home, 1, "write", "{'edits':[[0,1,'']]}");
    reads(home.state, "{'views':0,'stock':0,'tags':[],'bio':'ello you'}");
}

typedef struct lie {
    const char *edits;
    const char *resolved;
    rk_status code;
} lie;

static void check_lies(uint64_t replica, const lie *lies, size_t count) {
    write_greeting();
    rk_bytes before = bytes_of(home.state);
    for (size_t i = 0; i < count; i++) {
        char data[200];
        rk_format(data, sizeof data, "{'edits':%s}", lies[i].edits);
        rk_event event = event_of(replica, "write", data);
        rk_event honest = event_of(replica, "write", "{'edits':[]}");
        assert_int_equal(resolve(&home, &honest), RK_OK);
        rk_operation operation = honest.operations[0];
        operation.resolved = with_bytes(value_of_json(&arena, lies[i].resolved));
        event.operations = &operation;
        event.operation_count = 1;
        rk_status status = check_event(&home, &event);
        if (status != lies[i].code) {
            fail_msg("%s as %s: %s: %s", lies[i].edits, lies[i].resolved, rk_status_name(status), last_error.what);
        }
        if (status != RK_OK) continue;
        copy other = {.state = state_of(before)};
        fold(&other, &event);
        rk_state_free(other.state);
    }
    assert_true(rk_bytes_equal(before, bytes_of(home.state)));
}

static void splices_that_lie_are_refused(void **state) {
    (void)state;
    static const lie lies[] = {
        {"[[0,0,'x']]", "[10,[0]]", RK_OK},
        {"[[0,0,'x']]", "[5,[0]]", RK_OK}, /* the writer had not seen the rest */
        {"[[0,0,'x']]", "[10,[[2," R1 "]]]", RK_OK},
        {"[[0,0,'x']]", "[10,[[1," R1 "]]]", RK_OK}, /* after a character deleted meanwhile */
        {"[[0,2,'']]", "[0,[[2," R1 "],2]]", RK_OK},
        {"[[0,2,'']]", "[0,[[1," R1 "],1,[6," R2 "],1]]", RK_OK},
        {"[[0,0,'ab'],[1,1,'c']]", "[10,[0],[11,1,10]]", RK_OK},
        /* its parts */
        {"[[0,0,'x']]", "[]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[10]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[10,0]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[10,[0],[]]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[10,[]]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[10,[0,0]]", RK_BAD_OPERATIONS},
        {"[[0,0,'']]", "[0,[0]]", RK_BAD_OPERATIONS},
        {"[]", "[1]", RK_BAD_OPERATIONS},
        /* numbers of new characters */
        {"[[0,0,'x']]", "[0,[0]]", RK_BAD_OPERATIONS},
        {"[[0,0,'']]", "[10,[]]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[-1,[0]]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "['10',[0]]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[9007199254740991,[0]]", RK_ID_AHEAD},
        {"[[0,0,'x']]", "[9007199254740992,[0]]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[16777225,[0]]", RK_OK}, /* 9 + RK_LAMPORT_JUMP_MAX */
        {"[[0,0,'x']]", "[16777226,[0]]", RK_ID_AHEAD},
        {"[[0,0,'x'],[1,0,'y']]", "[16777225,[0],[16777225]]", RK_OK},
        /* parents */
        {"[[0,0,'x']]", "[10,[[2," R7 "]]]", RK_BAD_OPERATIONS}, /* its own id written out */
        {"[[0,0,'x']]", "[10,[[0," R1 "]]]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[10,[[2]]]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[10,[[2,'#01']]]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[10,['x']]", RK_BAD_OPERATIONS},
        {"[[0,0,'x']]", "[10,[[6," R1 "]]]", RK_MISSING_REFERENCE},
        {"[[0,0,'x']]", "[10,[3]]", RK_MISSING_REFERENCE},
        {"[[0,0,'x']]", "[10,[10]]", RK_MISSING_REFERENCE},
        {"[[0,0,'x'],[0,0,'y']]", "[10,[0],[11]]", RK_MISSING_REFERENCE},
        {"[[0,0,'x']]", "[2,[[2," R1 "]]]", RK_BAD_OPERATIONS}, /* not above it */
        {"[[0,0,'x']]", "[6,[[8," R2 "]]]", RK_BAD_OPERATIONS},
        /* deleted runs */
        {"[[0,2,'']]", "[0,[]]", RK_BAD_OPERATIONS},
        {"[[0,2,'']]", "[0,[[2," R1 "],1]]", RK_BAD_OPERATIONS},
        {"[[0,2,'']]", "[0,[[2," R1 "],3]]", RK_BAD_OPERATIONS},
        {"[[0,2,'']]", "[0,[[2," R1 "],1,[3," R1 "],2]]", RK_BAD_OPERATIONS},
        {"[[0,2,'']]", "[0,[[2," R1 "],0,[2," R1 "],2]]", RK_BAD_OPERATIONS},
        {"[[0,2,'']]", "[0,[[2," R1 "],-1,[2," R1 "],3]]", RK_BAD_OPERATIONS},
        {"[[0,2,'']]", "[0,[0,2]]", RK_BAD_OPERATIONS},
        {"[[0,2,'']]", "[0,[2,2]]", RK_MISSING_REFERENCE},
        {"[[0,2,'']]", "[0,[[5," R1 "],2]]", RK_MISSING_REFERENCE},
        {"[[0,1,'x']]", "[10,[10,1,0]]", RK_MISSING_REFERENCE}, /* what it inserts only then */
        {"[[0,9007199254740991,'']]", "[0,[[2," R1 "],9007199254740991]]", RK_BAD_OPERATIONS},
        {"[[0,9007199254740990,'']]", "[0,[[2," R1 "],9007199254740990]]", RK_BAD_OPERATIONS},
        /* more deleted than was ever there, one run again and again */
        {"[[0,4,''],[0,4,'']]", "[0,[[2," R1 "],4],[[2," R1 "],4]]", RK_OK},
        {"[[0,4,''],[0,4,''],[0,4,'']]", "[0,[[2," R1 "],4],[[2," R1 "],4],[[2," R1 "],4]]", RK_BAD_OPERATIONS},
    };
    check_lies(7, lies, sizeof lies / sizeof *lies);
}

static void a_replica_gives_no_text_id_twice(void **state) {
    (void)state;
    static const lie lies[] = {
        {"[[0,0,'x']]", "[10,[0]]", RK_OK},
        {"[[0,0,'x']]", "[10,[2]]", RK_OK},
        {"[[0,0,'x']]", "[6,[0]]", RK_OK},
        {"[[0,0,'x']]", "[5,[0]]", RK_ID_CONFLICT},
        {"[[0,0,'x']]", "[1,[0]]", RK_ID_CONFLICT}, /* also a deleted one */
        {"[[0,0,'xyz']]", "[4,[0]]", RK_ID_CONFLICT},
    };
    check_lies(1, lies, sizeof lies / sizeof *lies);
}

static void operations_that_the_type_does_not_make_are_refused(void **state) {
    (void)state;
    rk_event event = event_of(1, "all", "{'t':'c','n':2,'edits':[[0,0,'x']]}");
    assert_int_equal(resolve(&home, &event), RK_OK);
    assert_int_equal(event.operation_count, 5);
    rk_operation lie[6];
    rk_event lying = event;
    lying.operations = lie;
    for (size_t i = 0; i < 5; i++) {
        for (int kind = 0; kind < 7; kind++) {
            memcpy(lie, event.operations, 5 * sizeof *lie);
            rk_value other = rk_int(77), key = rk_string(RK_TEXT("n"));
            if (kind == 0) lie[i].field = RK_TEXT("any");
            if (kind == 1) lie[i].kind = (rk_operation_kind)((lie[i].kind + 1) % 5);
            if (kind == 2) lie[i].path = rk_null(), lie[i].value = other;
            if (kind == 3) lie[i].path = rk_list(&key, 1);
            if (kind == 3 && i == 1) continue; /* that is where it stands */
            if (kind == 4) lie[i].path = rk_null(), lie[i].value = *rk_operation_value(&event, &event.operations[i]);
            if (kind == 4 && i == 2) continue;
            if (kind == 5) lie[i] = event.operations[(i + 1) % 5];
            lying.operation_count = kind == 6 ? i : 5;
            if (kind == 6) memcpy(lie, event.operations, 5 * sizeof *lie);
            rk_status status = check_event(&home, &lying);
            if (status != RK_BAD_OPERATIONS) fail_msg("operation %zu, lie %d: %s", i, kind, rk_status_name(status));
        }
    }
    memcpy(lie, event.operations, 5 * sizeof *lie);
    lie[5] = lie[1];
    lying.operation_count = 6;
    assert_int_equal(check_event(&home, &lying), RK_BAD_OPERATIONS);
    lying.operation_count = 5;
    assert_int_equal(check_event(&home, &lying), RK_OK);
    rk_event ordered = event_of(1, "pay", "{'n':1}");
    ordered.operations = lie;
    ordered.operation_count = 1;
    assert_int_equal(check_event(&home, &ordered), RK_BAD_OPERATIONS);
    /* What does not fit is refused at the truth as at the writer. */
    event = event_of(1, "views", "{'by':-1}");
    rk_value path = rk_string(RK_TEXT("by"));
    lie[0] = (rk_operation){.field = RK_TEXT("views"), .kind = RK_OPERATION_ADD, .path = rk_list(&path, 1)};
    event.operations = lie;
    event.operation_count = 1;
    assert_int_equal(check_event(&home, &event), RK_BAD_DATA);
}

static bool knows_one(void *context, rk_bytes field, rk_dot dot) {
    return rk_bytes_equal(field, RK_TEXT("tags")) && rk_dot_compare(*(rk_dot *)context, dot) == 0;
}

static rk_value dots_of(const rk_dot *dots, size_t count) {
    rk_value *items = rk_arena_take_array(&arena, 2 * count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        uint8_t *id = rk_arena_take(&arena, RK_ID_SIZE);
        rk_id_put(id, dots[i].event);
        items[2 * i] = rk_bytes_value(rk_bytes_of(id, RK_ID_SIZE));
        items[2 * i + 1] = rk_int(dots[i].n);
    }
    return rk_list(items, 2 * count);
}

static rk_status check_dots(rk_value resolved, const rk_dot_source *source) {
    rk_event event = event_of(7, "untag", "{'tag':'a'}");
    rk_value key = rk_string(RK_TEXT("tag"));
    rk_operation operation = {
        .field = RK_TEXT("tags"), .kind = RK_OPERATION_REMOVE, .path = rk_list(&key, 1), .resolved = resolved};
    event.operations = &operation;
    event.operation_count = 1;
    rk_scene scene = scene_of(&home, &event);
    return rk_event_check_operations(&scene, type_of(&event), source, &arena, &last_error);
}

static void removes_that_lie_are_refused(void **state) {
    (void)state;
    must(&home, 1, "tag", "{'tag':'a'}");
    must(&home, 2, "tag", "{'tag':'a'}");
    must(&home, 1, "tag", "{'tag':'b'}");
    rk_dot one = {{rk_stamp_of_ms(BASE_MS + 1), 1}, 0}, two = {{rk_stamp_of_ms(BASE_MS + 2), 2}, 0};
    rk_dot other = {{rk_stamp_of_ms(BASE_MS + 3), 1}, 0}, none = {{rk_stamp_of_ms(BASE_MS + 4), 1}, 0};
    rk_dot_source source = {knows_one, &none};
    assert_int_equal(check_dots(dots_of((rk_dot[]){one, two}, 2), NULL), RK_OK);
    assert_int_equal(check_dots(dots_of(&two, 1), NULL), RK_OK); /* the writer had not seen the other */
    assert_int_equal(check_dots(rk_list(NULL, 0), NULL), RK_OK);
    assert_int_equal(check_dots(dots_of(&none, 1), NULL), RK_MISSING_REFERENCE);
    assert_int_equal(check_dots(dots_of(&none, 1), &source), RK_OK); /* removed meanwhile */
    assert_int_equal(check_dots(dots_of((rk_dot[]){one, none}, 2), &source), RK_OK);
    assert_int_equal(check_dots(dots_of((rk_dot[]){two, one}, 2), NULL), RK_BAD_OPERATIONS);
    assert_int_equal(check_dots(dots_of((rk_dot[]){one, one}, 2), NULL), RK_BAD_OPERATIONS);
    /* The data say "a"; this is an insert of "b". */
    assert_int_equal(check_dots(dots_of(&other, 1), NULL), RK_BAD_OPERATIONS);
    assert_int_equal(check_dots(dots_of((rk_dot[]){one, other}, 2), NULL), RK_BAD_OPERATIONS);
    rk_value dots = dots_of(&one, 1), half = rk_list(dots.as.list.items, 1);
    assert_int_equal(check_dots(half, NULL), RK_BAD_OPERATIONS);
    rk_value items[2] = {dots.as.list.items[0], rk_int(-1)};
    assert_int_equal(check_dots(rk_list(items, 2), NULL), RK_BAD_OPERATIONS);
    items[1] = rk_int(INT64_C(1) << 32);
    assert_int_equal(check_dots(rk_list(items, 2), NULL), RK_BAD_OPERATIONS);
    items[1] = rk_whole(UINT64_MAX);
    assert_int_equal(check_dots(rk_list(items, 2), NULL), RK_BAD_OPERATIONS);
    items[0] = rk_int(1), items[1] = rk_int(0);
    assert_int_equal(check_dots(rk_list(items, 2), NULL), RK_BAD_OPERATIONS);
    assert_int_equal(check_dots(rk_null(), NULL), RK_BAD_OPERATIONS);
}

static void a_dot_is_its_event_and_the_number_of_its_operation(void **state) {
    (void)state;
    must(&home, 5, "all", "{'t':'x','n':1,'edits':[]}");
    rki_slot *slot = rki_slot_find(home.state, RK_TEXT("tags"));
    assert_true(rk_or_set_has(&slot->as.or_set, (rk_dot){{rk_stamp_of_ms(BASE_MS + 1), 5}, 3}));
}

/* ---- splices beside strings ---- */

enum { NAIVE_MAX = 4000 };

typedef struct naive {
    uint32_t points[NAIVE_MAX];
    size_t count;
} naive;

static void naive_splice(naive *text, size_t at, size_t delete_count, const uint32_t *points, size_t count) {
    assert_true(at + delete_count <= text->count && text->count - delete_count + count <= NAIVE_MAX);
    size_t rest = text->count - at - delete_count;
    memmove(text->points + at + count, text->points + at + delete_count, rest * sizeof *text->points);
    memcpy(text->points + at, points, count * sizeof *points);
    text->count += count - delete_count;
}

static rk_bytes naive_text(const uint32_t *points, size_t count) {
    uint8_t *bytes = rk_arena_take(&arena, count * 4 + 1);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += rk_utf8_put(bytes + size, points[i]);
    return rk_bytes_of(bytes, size);
}

static rk_value random_edits(merge_random *random, naive *text) {
    static const uint32_t alphabet[] = {'a', 'b', 0xE9, 0x3B1, 0x20AC, 0x1F600, 0x10FFFF, 0x7F, 1, 0x301};
    size_t count = merge_random_below(random, 12);
    rk_value *edits = rk_arena_take_array(&arena, count, sizeof *edits);
    for (size_t i = 0; i < count; i++) {
        size_t at = merge_random_below(random, text->count + 1), points = merge_random_below(random, 6);
        size_t room = text->count - at, most = text->count > 600 ? 60 : 8;
        size_t delete_count = merge_random_below(random, (room < most ? room : most) + 1);
        uint32_t inserted[6];
        for (size_t p = 0; p < points; p++) inserted[p] = alphabet[merge_random_below(random, 10)];
        naive_splice(text, at, delete_count, inserted, points);
        rk_value *items = rk_arena_take_array(&arena, 3, sizeof *items);
        items[0] = rk_int((int64_t)at);
        items[1] = rk_int((int64_t)delete_count);
        items[2] = rk_string(naive_text(inserted, points));
        edits[i] = rk_list(items, 3);
    }
    return rk_list(edits, count);
}

static void a_splice_of_many_edits_is_the_string_edits_one_by_one(void **state) {
    (void)state;
    merge_random random = {merge_seed(20250101)};
    static naive text;
    text.count = 0;
    copy reader = copy_new();
    for (int round = 0; round < 3000; round++) {
        rk_arena kept = arena;
        rk_arena_init(&arena, rk_memory_system(), 64 << 20);
        rk_pair pair = {rk_string(RK_TEXT("edits")), random_edits(&random, &text)};
        rk_value data = {.kind = RK_MAP, .as.map = {&pair, 1}};
        rk_event event = event_of_value(1 + merge_random_below(&random, 4), "write", data);
        assert_int_equal(resolve(&home, &event), RK_OK);
        rk_status status = judge(&home, &event);
        if (status != RK_OK) fail_msg("round %d: %s %s", round, rk_status_name(status), last_error.what);
        fold(&reader, &event);
        rk_buffer buffer;
        rk_bytes found;
        rk_buffer_init(&buffer, &arena, 1 << 20);
        rk_rga *bio = rk_state_text(home.state, RK_TEXT("bio"));
        if (bio) rk_rga_text(bio, &buffer);
        assert_int_equal(rk_buffer_finish(&buffer, &found), RK_OK);
        rk_bytes expected = naive_text(text.points, text.count);
        if (!rk_bytes_equal(found, expected)) fail_msg("round %d: the text is another", round);
        if (round % 100 == 99) {
            assert_true(rk_bytes_equal(bytes_of(home.state), bytes_of(reader.state)));
            reload(&reader);
            assert_true(rk_state_size(home.state) >= bytes_of(home.state).size);
            assert_true(rk_state_size(reader.state) >= bytes_of(reader.state).size);
        }
        rk_arena_free(&arena);
        arena = kept;
    }
    rk_state_free(reader.state);
}

static void text_numbers_end_and_say_so(void **state) {
    (void)state;
    home.floor = RK_LAMPORT_MAX - 3;
    rk_event event = event_of(1, "write", "{'edits':[[0,0,'abcd']]}");
    assert_int_equal(resolve(&home, &event), RK_LIMIT);
    home.floor = UINT64_MAX;
    assert_int_equal(resolve(&home, &event), RK_LIMIT);
}

static void the_highest_number_of_a_splice_is_known(void **state) {
    (void)state;
    rk_value edits = value_of_json(&arena, "[[0,0,'abc'],[0,1,''],[2,0,'\xC3\xA9']]"), resolved;
    assert_int_equal(rk_splice_resolve(NULL, &edits, 1, 10, &arena, &resolved, NULL), RK_OK);
    assert_int_equal(rk_splice_lamport_max(&edits, &resolved), 13);
    edits = value_of_json(&arena, "[[0,0,'']]");
    assert_int_equal(rk_splice_resolve(NULL, &edits, 1, 10, &arena, &resolved, NULL), RK_OK);
    assert_int_equal(rk_splice_lamport_max(&edits, &resolved), 0);
}

/* ---- any order ---- */

enum { WRITERS = 40 };

static void independent_events_give_the_same_bytes_in_any_order(void **state) {
    (void)state;
    merge_random random = {merge_seed(7)};
    must(&home, 100, "all", "{'t':'base','n':3,'edits':[[0,0,'some text to begin with']]}");
    must(&home, 101, "all", "{'t':'base','n':3,'edits':[[3,6,'']]}");
    must(&home, 101, "tag", "{'tag':'x'}");
    must(&home, 101, "pay", "{'n':1}");
    rk_bytes base = bytes_of(home.state);
    static const char *const written[][2] = {
        {"all", "{'t':'base','n':2,'edits':[[4,2,'in'],[0,1,''],[9,0,'\xE2\x82\xAC!']]}"},
        {"untag", "{'tag':'base'}"},
        {"tag", "{'tag':'base'}"},
        {"write", "{'edits':[[2,9,'X'],[3,0,'Y'],[0,0,'Z']]}"},
        {"write", "{'edits':[[4,0,'more']]}"},
        {"untag", "{'tag':'x'}"},
        {"rename", "{'name':'other'}"},
        {"views", "{'by':9223372036854775807}"},
        {"stock", "{'by':-9223372036854775808}"},
        {"keep", "{'value':{'a':[1,2.5,null]}}"},
    };
    static rk_event events[WRITERS];
    for (size_t i = 0; i < WRITERS; i++) {
        const char *const *one = written[i % 10];
        if (i % 3 == 0) clock_ms--; /* the same stamp as the one before */
        events[i] = event_of(1 + i, one[0], one[1]);
        assert_int_equal(resolve(&home, &events[i]), RK_OK);
    }
    rk_bytes expected = {NULL, 0};
    for (int round = 0; round < 60; round++) {
        copy other = {.state = state_of(base)};
        for (size_t i = 0; i < WRITERS; i++) {
            size_t j = i + merge_random_below(&random, WRITERS - i);
            rk_event event = events[j];
            events[j] = events[i];
            events[i] = event;
            if (round % 2) {
                fold(&other, &event);
            } else {
                assert_int_equal(judge(&other, &event) == RK_OK || last_error.code == RK_MISSING_REFERENCE, true);
                if (last_error.code == RK_MISSING_REFERENCE) fold(&other, &event), last_error.code = RK_OK;
            }
            if (merge_random_below(&random, 20) == 0) reload(&other);
        }
        rk_bytes bytes = bytes_of(other.state);
        if (round == 0) expected = bytes;
        if (!rk_bytes_equal(bytes, expected)) fail_msg("round %d gives other bytes", round);
        rk_state_free(other.state);
    }
}

/* ---- states in and out ---- */

static void a_state_that_is_not_canonical_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "80",
        "a1",
        "f6",
        "a0a0",
        "a1617800",                /* {"x": 0} */
        "a1617881 00",             /* no state */
        "a161788200",              /* cut */
        "a161788206f6",            /* merge type 6 */
        "a161788220f6",            /* merge type -1 */
        "a16178826130f6",          /* merge type "0" */
        "a1617883000000",          /* three items */
        "a1018200f6",              /* {1: [0, null]} */
        "a2617982000061788200f6",  /* out of order */
        "a26178820000617882 0000", /* twice */
        "a161788201f5",            /* a register that is a bool */
        "a16178820220",            /* a g-counter of -1 */
        "a161788203f6",            /* a pn-counter of null */
        "a161788204a0",            /* an or-set that is a map */
        "a1617882048181 00",       /* an element without a dot */
        "a161788205836060 60",     /* a text of texts */
        "a16178820583404061 61",   /* text without runs */
        "a16178821800f6",          /* a long zero */
        "bf617882 00f6ff",         /* indefinite */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char hex[80];
        uint8_t bytes[40];
        size_t size = 0;
        for (const char *at = bad[i]; *at; at++) {
            if (*at != ' ') hex[size++] = *at;
        }
        assert_true(rk_hex_read(rk_bytes_of(hex, size), bytes, size / 2));
        rk_state *found = NULL;
        rk_error error = {0};
        rk_status status = rk_state_decode(rk_memory_system(), 1 << 20, rk_bytes_of(bytes, size / 2), &found, &error);
        if (status != RK_CORRUPT || found || error.code != RK_CORRUPT)
            fail_msg("%s: %s", bad[i], rk_status_name(status));
    }
    rk_state_free(state_of(RK_TEXT("\xA0")));
    rk_state_free(state_of(RK_TEXT("\xA1\x61x\x82\x00\xF6")));
}

static void every_flipped_or_missing_byte_is_noticed_or_canonical(void **state) {
    (void)state;
    must(&home, 1, "all", "{'t':'c','n':2,'edits':[[0,0,'text']]}");
    must(&home, 2, "write", "{'edits':[[2,1,'\xE2\x82\xAC']]}");
    must(&home, 2, "pay", "{'n':7}");
    rk_bytes bytes = bytes_of(home.state);
    for (size_t i = 0; i < bytes.size; i++) {
        rk_state *found = NULL;
        assert_int_equal(rk_state_decode(rk_memory_system(), 1 << 20, rk_bytes_of(bytes.data, i), &found, NULL),
                         RK_CORRUPT);
        for (int bit = 0; bit < 8; bit++) {
            uint8_t *flipped = rk_arena_take(&arena, bytes.size);
            memcpy(flipped, bytes.data, bytes.size);
            flipped[i] ^= (uint8_t)(1 << bit);
            rk_bytes changed = rk_bytes_of(flipped, bytes.size);
            if (rk_state_decode(rk_memory_system(), 1 << 20, changed, &found, NULL) != RK_OK) continue;
            assert_true(rk_bytes_equal(bytes_of(found), changed));
            rk_state_free(found);
        }
    }
}

static void a_field_shows_once_it_was_written_also_when_it_is_empty_again(void **state) {
    (void)state;
    rk_bytes empty = bytes_of(home.state);
    assert_int_equal(empty.size, 1);
    must(&home, 1, "tag", "{'tag':'a'}");
    must(&home, 1, "untag", "{'tag':'a'}");
    must(&home, 1, "views", "{'by':0}");
    reads(home.state, "{" EMPTY "}");
    /* {"tags": [4, []], "views": [2, 0]} */
    assert_true(rk_bytes_equal(bytes_of(home.state), RK_TEXT("\xA2\x64tags\x82\x04\x80\x65views\x82\x02\x00")));
}

/* ---- ordered events ---- */

static void ordered_events_set_places_and_make_the_maps_on_their_way(void **state) {
    (void)state;
    must(&home, 1, "nest", "{'k':'a','j':'b','v':1}");
    must(&home, 1, "nest", "{'k':'a','j':'c','v':{'deep':true}}");
    must(&home, 1, "nest", "{'k':'z','j':'b','v':null}");
    must(&home, 1, "nest", "{'k':'a','j':'b','v':2}");
    must(&home, 1, "nest-two", "{'k':'a','j':'q','v':'both'}");
    must(&home, 1, "inside", "{'k':'k','v':{'x':1}}");
    reads(home.state,
          "{'map':{'a':{'b':2,'c':{'deep':true},'one':1},'z':{'b':null},'q':{'one':'both'},'k':{'x':1}}," EMPTY "}");
    reload(&home);
    must(&home, 1, "nest", "{'k':'','j':'','v':[]}");
}

static void steps_on_one_place_conflict(void **state) {
    (void)state;
    refused(&home, "nest-two", "{'k':'a','j':'a','v':1}", RK_APPLY_CONFLICT);
    refused(&home, "inside", "{'k':'a','v':{'x':1}}", RK_APPLY_CONFLICT); /* one place lies in the other */
    reads(home.state, "{" EMPTY "}");
}

static void the_resulting_state_must_fit_the_schema(void **state) {
    (void)state;
    refused(&home, "pay", "{'n':-1}", RK_BAD_STATE);
    must(&home, 1, "pay", "{'n':3}");
    refused(&home, "pay", "{'n':-4}", RK_BAD_STATE);
    assert_string_equal(last_error.where, "/total");
    refused(&home, "zip", "{'zip':1}", RK_BAD_STATE); /* a place needs its city */
    must(&home, 1, "move", "{'city':'Pune'}");
    must(&home, 1, "zip", "{'zip':1}");
    refused(&home, "move", "{'city':'Mumbai'}", RK_BAD_STATE);
    assert_string_equal(last_error.where, "/place/city");
    reads(home.state, "{'total':3,'place':{'city':'Pune','zip':1}," EMPTY "}");
}

static void overflow_is_an_error(void **state) {
    (void)state;
    must(&home, 1, "pay", "{'n':9223372036854775807}");
    refused(&home, "pay", "{'n':1}", RK_EXPRESSION_FAILED);
    refused(&home, "all", "{'t':'','n':-9223372036854775808,'edits':[]}", RK_BAD_DATA);
    reads(home.state, "{'total':9223372036854775807," EMPTY "}");
}

/* ---- what a state can hold ---- */

static void what_only_expressions_have_is_no_value_of_a_field(void **state) {
    (void)state;
    refused(&home, "time", "{}", RK_EXPRESSION_FAILED);
    refused(&home, "maybe", "{}", RK_EXPRESSION_FAILED);
    refused(&home, "key-time", "{}", RK_EXPRESSION_FAILED);
}

static void a_number_reads_the_same_before_and_after_it_was_stored(void **state) {
    (void)state;
    must(&home, 1, "unsigned", "{}");
    must(&home, 1, "unsigned-lww", "{}");
    for (size_t i = 0; i < home.state->slot_count; i++) {
        const rki_slot *slot = &home.state->slots[i];
        const rk_value *value =
            slot->merge == RK_MERGE_LWW ? &slot->as.lww.value : rk_map_find(&slot->as.plain, RK_TEXT("a"));
        assert_int_equal(value->as.list.items[0].kind, RK_INT);
    }
    reads(home.state, "{'free':{'a':[5]},'any':[5]," EMPTY "}");
}

static rk_value nested(size_t depth) {
    rk_value value = rk_int(1);
    for (size_t i = 0; i < depth; i++) {
        rk_value *item = rk_arena_take(&arena, sizeof *item);
        *item = value;
        value = rk_list(item, 1);
    }
    return value;
}

/* Whatever is accepted can be stored, in the event and in the state. */
static void a_value_is_as_deep_as_events_and_states_can_hold(void **state) {
    (void)state;
    static const char *const types[][2] = {{"keep", "value"}, {"wrap", "value"}, {"free", "v"}, {"deep", "v"}};
    for (size_t type = 0; type < 4; type++) {
        size_t accepted = 0;
        for (size_t depth = 50; depth <= RK_VALUE_DEPTH_MAX - 2; depth++) {
            rk_pair pair = {rk_string(rk_bytes_of_string(types[type][1])), nested(depth)};
            rk_value data = {.kind = RK_MAP, .as.map = {&pair, 1}};
            rk_status status = write_value(&home, 1, types[type][0], data);
            if (status == RK_OK) accepted = depth;
            if (status != RK_OK) assert_int_equal(status, RK_LIMIT);
            assert_true(status != RK_OK || accepted == depth); /* no deeper one after a refused one */
            reload(&home);
        }
        assert_true(accepted >= 56);
    }
}

static void apply_reads_what_its_checker_allows_and_no_more(void **state) {
    (void)state;
    must(&home, 1, "write", "{'edits':[[0,0,'secret']]}");
    refused(&home, "peep-state", "{}", RK_EXPRESSION_FAILED);
    refused(&home, "peep-actor", "{}", RK_EXPRESSION_FAILED);
    refused(&home, "peep-entity", "{}", RK_EXPRESSION_FAILED);
    refused(&home, "peep-time", "{}", RK_EXPRESSION_FAILED);
}

/* ---- memory ---- */

static void what_was_overwritten_does_not_pile_up(void **state) {
    (void)state;
    char data[700];
    rk_format(data, sizeof data, "{'edits':[[0,0,'%s']]}", "stays");
    must(&home, 1, "write", data);
    size_t most = 0;
    for (int i = 0; i < 4000; i++) {
        rk_arena kept = arena;
        rk_arena_init(&arena, rk_memory_system(), 8 << 20);
        rk_format(data, sizeof data, "{'v':{'a':['long enough to be seen when it is kept by mistake %u']}}",
                  (uint64_t)i);
        must(&home, 1, "free", data);
        rk_format(data, sizeof data, "{'name':'%u'}", (uint64_t)i);
        must(&home, 1, "rename", data);
        rk_format(data, sizeof data, "{'tag':'a longer tag, so that it is seen %u'}", (uint64_t)i);
        must(&home, 1, "tag", data);
        if (i % 2) must(&home, 1, "untag", data);
        must(&home, 1, "untag", "{'tag':'a longer tag, so that it is seen 0'}");
        rk_format(data, sizeof data, "{'tag':'a longer tag, so that it is seen %u'}", (uint64_t)i - 1);
        if (i > 1) must(&home, 1, "untag", data);
        if (rk_arena_used(&home.state->arena) > most) most = rk_arena_used(&home.state->arena);
        rk_arena_free(&arena);
        arena = kept;
    }
    assert_true(most < 256 << 10);
    reads(home.state,
          "{'bio':'stays','name':'3999','free':{'a':['long enough to be seen when it is kept by mistake 3999']},"
          "'views':0,'stock':0,'tags':[]}");
    reload(&home);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reduce_set_up, reduce_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_operation_resolves_checks_and_applies),
        TEST(what_does_not_fit_is_refused_when_it_is_resolved),
        TEST(the_effective_stamp_orders_registers),
        TEST(splices_that_lie_are_refused),
        TEST(a_replica_gives_no_text_id_twice),
        TEST(operations_that_the_type_does_not_make_are_refused),
        TEST(removes_that_lie_are_refused),
        TEST(a_dot_is_its_event_and_the_number_of_its_operation),
        TEST(a_splice_of_many_edits_is_the_string_edits_one_by_one),
        TEST(text_numbers_end_and_say_so),
        TEST(the_highest_number_of_a_splice_is_known),
        TEST(independent_events_give_the_same_bytes_in_any_order),
        TEST(a_state_that_is_not_canonical_is_refused),
        TEST(every_flipped_or_missing_byte_is_noticed_or_canonical),
        TEST(a_field_shows_once_it_was_written_also_when_it_is_empty_again),
        TEST(ordered_events_set_places_and_make_the_maps_on_their_way),
        TEST(steps_on_one_place_conflict),
        TEST(the_resulting_state_must_fit_the_schema),
        TEST(overflow_is_an_error),
        TEST(what_only_expressions_have_is_no_value_of_a_field),
        TEST(a_number_reads_the_same_before_and_after_it_was_stored),
        TEST(a_value_is_as_deep_as_events_and_states_can_hold),
        TEST(apply_reads_what_its_checker_allows_and_no_more),
        TEST(what_was_overwritten_does_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
