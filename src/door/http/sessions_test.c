/*
 * Sessions: beginning, going on, ending, and what a crash or a thief changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "door/http/sessions.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/memory.h"

enum { NOW = 1800000000, DAY = 24 * 3600 };

static rk_arena arena;
static char path[64];
static rk_sessions *sessions;
static size_t ended_count;
static char ended_last[RK_SESSION_ID_SIZE];

static void note(void *context, rk_bytes id) {
    (void)context;
    ended_count++;
    memcpy(ended_last, id.data, id.size);
}

static void reopen(void) {
    rk_sessions_close(sessions);
    assert_int_equal(rk_sessions_open(path, note, NULL, &sessions, NULL), RK_OK);
}

static void remove_all(void) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    char file[80];
    for (size_t i = 0; i < 3; i++) {
        rk_format(file, sizeof file, "%s%s", path, ends[i]);
        rk_file_remove(file);
    }
}

static int set_up(void **state) {
    (void)state;
    rk_arena_init(&arena, rk_memory_system(), 1 << 26);
    rk_format(path, sizeof path, "/tmp/reaktor-sessions-test-%u", (uint64_t)getpid());
    remove_all();
    sessions = NULL;
    ended_count = 0;
    return rk_sessions_open(path, note, NULL, &sessions, NULL) == RK_OK ? 0 : 1;
}

static int tear_down(void **state) {
    (void)state;
    rk_sessions_close(sessions);
    rk_arena_free(&arena);
    remove_all();
    return 0;
}

static rk_session begin(rk_bytes actor, const rk_key *key, uint64_t now_s, char refresh[RK_REFRESH_TEXT_SIZE]) {
    rk_session session;
    uint8_t random[RK_SESSION_RANDOM_SIZE];
    rk_random_bytes(random, sizeof random);
    assert_int_equal(
        rk_session_begin(sessions, rk_crypto_sodium(), actor, key, random, now_s, &arena, &session, refresh, NULL),
        RK_OK);
    return session;
}

static rk_status refresh(const char token[RK_REFRESH_TEXT_SIZE], uint64_t now_s, rk_session *session,
                         char next[RK_REFRESH_TEXT_SIZE]) {
    uint8_t random[RK_SESSION_FRESH_SIZE];
    rk_random_bytes(random, sizeof random);
    return rk_session_refresh(sessions, rk_crypto_sodium(), rk_bytes_of(token, RK_REFRESH_TEXT_SIZE), random, now_s,
                              &arena, session, next, NULL);
}

static rk_status find(const rk_session *session, uint64_t now_s) {
    rk_session found;
    return rk_session_find(sessions, rk_bytes_of(session->id, RK_SESSION_ID_SIZE), now_s, &arena, &found, NULL);
}

static size_t count_of(rk_bytes actor, uint64_t now_s) {
    rk_session *list = NULL;
    size_t count = 0;
    assert_int_equal(rk_session_list(sessions, actor, now_s, &arena, &list, &count, NULL), RK_OK);
    return count;
}

static void a_session_is_found_by_its_id_also_after_opening_anew(void **state) {
    (void)state;
    char token[RK_REFRESH_TEXT_SIZE];
    rk_key key = {{9}};
    rk_session session = begin(RK_TEXT("ann"), &key, NOW, token), found;
    assert_int_equal(session.id[0], 's');
    reopen();
    assert_int_equal(rk_session_find(sessions, rk_bytes_of(session.id, RK_SESSION_ID_SIZE), NOW, &arena, &found, NULL),
                     RK_OK);
    assert_true(rk_bytes_equal(found.actor, RK_TEXT("ann")));
    assert_true(found.by_key && rk_key_equal(&found.key, &key));
    assert_int_equal(found.begun_s, NOW);
    assert_int_equal(found.ends_s, NOW + RK_SESSION_REFRESH_S);
    assert_int_equal(find(&session, NOW + RK_SESSION_REFRESH_S - 1), RK_OK);
    assert_int_equal(find(&session, NOW + RK_SESSION_REFRESH_S), RK_NOT_FOUND);
}

static void a_refresh_token_is_exchanged_for_the_next(void **state) {
    (void)state;
    char first[RK_REFRESH_TEXT_SIZE], second[RK_REFRESH_TEXT_SIZE], third[RK_REFRESH_TEXT_SIZE];
    rk_session session = begin(RK_TEXT("ann"), NULL, NOW, first), again;
    assert_int_equal(refresh(first, NOW + 20 * DAY, &again, second), RK_OK);
    assert_memory_equal(again.id, session.id, RK_SESSION_ID_SIZE);
    assert_int_equal(again.begun_s, NOW);
    assert_int_equal(again.ends_s, NOW + 50 * DAY);
    assert_memory_not_equal(first, second, RK_REFRESH_TEXT_SIZE);
    assert_int_equal(refresh(second, NOW + 49 * DAY, &again, third), RK_OK);
    assert_int_equal(refresh(third, NOW + 79 * DAY, &again, first), RK_BAD_TOKEN);
}

static void one_that_was_exchanged_ends_the_session(void **state) {
    (void)state;
    char first[RK_REFRESH_TEXT_SIZE], second[RK_REFRESH_TEXT_SIZE], other[RK_REFRESH_TEXT_SIZE];
    char third[RK_REFRESH_TEXT_SIZE];
    rk_session session = begin(RK_TEXT("ann"), NULL, NOW, first), bystander = begin(RK_TEXT("ann"), NULL, NOW, other);
    rk_session again;
    assert_int_equal(refresh(first, NOW, &again, second), RK_OK);
    reopen();
    assert_int_equal(refresh(first, NOW + 1, &again, third), RK_REPLAYED);
    assert_int_equal(ended_count, 1);
    assert_memory_equal(ended_last, session.id, RK_SESSION_ID_SIZE);
    assert_int_equal(find(&session, NOW + 1), RK_NOT_FOUND);
    assert_int_equal(refresh(second, NOW + 1, &again, third), RK_BAD_TOKEN);
    assert_int_equal(find(&bystander, NOW + 1), RK_OK);
}

static void looking_whose_a_refresh_token_is_changes_nothing(void **state) {
    (void)state;
    char first[RK_REFRESH_TEXT_SIZE], second[RK_REFRESH_TEXT_SIZE], third[RK_REFRESH_TEXT_SIZE];
    rk_session session = begin(RK_TEXT("ann"), NULL, NOW, first), again;
    rk_bytes token = rk_bytes_of(first, sizeof first);
    assert_int_equal(rk_session_of_refresh(sessions, rk_crypto_sodium(), token, NOW, &arena, &again, NULL), RK_OK);
    assert_memory_equal(again.id, session.id, RK_SESSION_ID_SIZE);
    assert_int_equal(refresh(first, NOW, &again, second), RK_OK);
    assert_int_equal(rk_session_of_refresh(sessions, rk_crypto_sodium(), token, NOW, &arena, &again, NULL), RK_OK);
    assert_int_equal(ended_count, 0);
    assert_int_equal(refresh(second, NOW, &again, third), RK_OK);
    token.size--;
    assert_int_equal(rk_session_of_refresh(sessions, rk_crypto_sodium(), token, NOW, &arena, &again, NULL),
                     RK_BAD_TOKEN);
}

static void what_is_no_refresh_token_ends_nothing(void **state) {
    (void)state;
    char token[RK_REFRESH_TEXT_SIZE], next[RK_REFRESH_TEXT_SIZE], guess[RK_REFRESH_TEXT_SIZE];
    rk_session session = begin(RK_TEXT("ann"), NULL, NOW, token), again;
    uint8_t random[RK_REFRESH_RANDOM_SIZE];
    rk_random_bytes(random, sizeof random);
    rk_refresh_make(random, guess);
    assert_int_equal(refresh(guess, NOW, &again, next), RK_BAD_TOKEN);
    memset(guess, '*', sizeof guess);
    assert_int_equal(refresh(guess, NOW, &again, next), RK_BAD_TOKEN);
    assert_int_equal(ended_count, 0);
    assert_int_equal(find(&session, NOW), RK_OK);
}

static void an_ended_session_is_told_of_and_gone_for_good(void **state) {
    (void)state;
    char token[RK_REFRESH_TEXT_SIZE], next[RK_REFRESH_TEXT_SIZE];
    rk_session session = begin(RK_TEXT("ann"), NULL, NOW, token), again;
    rk_bytes id = rk_bytes_of(session.id, RK_SESSION_ID_SIZE);
    assert_int_equal(rk_session_end(sessions, id, NULL), RK_OK);
    assert_int_equal(ended_count, 1);
    assert_int_equal(rk_session_end(sessions, id, NULL), RK_NOT_FOUND);
    assert_int_equal(ended_count, 1);
    reopen();
    assert_int_equal(find(&session, NOW), RK_NOT_FOUND);
    assert_int_equal(refresh(token, NOW, &again, next), RK_BAD_TOKEN);
    assert_int_equal(count_of(RK_TEXT("ann"), NOW), 0);
}

static void an_actor_has_so_many_and_no_more(void **state) {
    (void)state;
    char token[RK_REFRESH_TEXT_SIZE];
    rk_session first = begin(RK_TEXT("ann"), NULL, NOW, token), second = begin(RK_TEXT("ann"), NULL, NOW + 1, token);
    for (size_t i = 2; i < RK_SESSIONS_MAX; i++) (void)begin(RK_TEXT("ann"), NULL, NOW + 2, token);
    (void)begin(RK_TEXT("an"), NULL, NOW, token);
    assert_int_equal(ended_count, 0);
    (void)begin(RK_TEXT("ann"), NULL, NOW + 3, token);
    assert_int_equal(ended_count, 1);
    assert_int_equal(find(&first, NOW + 3), RK_NOT_FOUND);
    assert_int_equal(find(&second, NOW + 3), RK_OK);
    assert_int_equal(count_of(RK_TEXT("ann"), NOW + 3), RK_SESSIONS_MAX);
    assert_int_equal(count_of(RK_TEXT("an"), NOW + 3), 1);
    assert_int_equal(count_of(RK_TEXT("ann"), NOW + 40 * DAY), 0);
    (void)begin(RK_TEXT("ann"), NULL, NOW + 40 * DAY, token);
    assert_int_equal(ended_count, 1 + RK_SESSIONS_MAX);
}

static void a_new_password_ends_what_began_with_the_old(void **state) {
    (void)state;
    char token[RK_REFRESH_TEXT_SIZE];
    rk_key key = {{9}};
    rk_bytes text;
    rk_session mine = begin(RK_TEXT("ann"), NULL, NOW, token), other = begin(RK_TEXT("ann"), NULL, NOW, token);
    rk_session by_key = begin(RK_TEXT("ann"), &key, NOW, token), bob = begin(RK_TEXT("bob"), NULL, NOW, token);
    assert_int_equal(rk_session_password_put(sessions, RK_TEXT("ann"), RK_TEXT("$argon2id$x"),
                                             rk_bytes_of(mine.id, RK_SESSION_ID_SIZE), NULL),
                     RK_OK);
    assert_int_equal(find(&mine, NOW), RK_OK);
    assert_int_equal(find(&other, NOW), RK_NOT_FOUND);
    assert_int_equal(find(&by_key, NOW), RK_OK);
    assert_int_equal(find(&bob, NOW), RK_OK);
    reopen();
    assert_int_equal(rk_session_password_get(sessions, RK_TEXT("ann"), &arena, &text, NULL), RK_OK);
    assert_true(rk_bytes_equal(text, RK_TEXT("$argon2id$x")));
    const rk_bytes none = {NULL, 0};
    assert_int_equal(rk_session_password_put(sessions, RK_TEXT("ann"), none, none, NULL), RK_OK);
    assert_int_equal(find(&mine, NOW), RK_NOT_FOUND);
    assert_int_equal(rk_session_password_get(sessions, RK_TEXT("ann"), &arena, &text, NULL), RK_OK);
    assert_int_equal(text.size, 0);
    assert_int_equal(rk_session_password_put(sessions, RK_TEXT("ann"), none, none, NULL), RK_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_session_is_found_by_its_id_also_after_opening_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refresh_token_is_exchanged_for_the_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_was_exchanged_ends_the_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(looking_whose_a_refresh_token_is_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_refresh_token_ends_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_ended_session_is_told_of_and_gone_for_good, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_actor_has_so_many_and_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_password_ends_what_began_with_the_old, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
