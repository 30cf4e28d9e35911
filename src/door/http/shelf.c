/*
 * The shelf: the book of an account's consumers.
 *
 *     window/NAME                the window's bytes
 *     parked/NAME/POSITION       time_ms 8, attempt 4, reason; positions are 8 bytes, big-endian
 */
#include <string.h>

#include "door/http/consumer.h"
#include "io/clock.h"
#include "io/crypto.h"

enum { PARKED_HEAD_SIZE = 12, NAME_BYTES_MAX = RK_NAME_SIZE_MAX + 24 };

/* ---- the definition ---- */

static rk_bytes text_of(const rk_value *state, const char *name) {
    const rk_value *found = rk_map_find(state, rk_bytes_of_string(name));
    return found && found->kind == RK_STRING ? found->as.bytes : (rk_bytes){NULL, 0};
}

static uint64_t number_of(const rk_value *state, const char *name) {
    const rk_value *found = rk_map_find(state, rk_bytes_of_string(name));
    return found && found->kind == RK_INT && found->as.integer > 0 ? (uint64_t)found->as.integer : 0;
}

rk_status rki_definition_read(rki_request *request, rk_engine *engine, rk_arena *arena, rki_definition *definition_out,
                              rk_error *error) {
    rk_bytes name = rki_parameter_get(request, "consumer")->text;
    rk_reading reading;
    rk_id born;
    *definition_out = (rki_definition){.name = name};
    if (!rk_name_valid(name)) return rk_fail(error, RK_BAD_ID, "consumer", "this is no name of a consumer");
    rk_bytes entity = rk_arena_format(arena, "consumer/%b", name);
    RK_TRY(rk_engine_get(engine, entity, NULL, arena, &reading, error));
    const rk_value *removed = rk_map_find(&reading.state, RK_TEXT("removed"));
    if (!removed || removed->kind != RK_BOOL || removed->as.boolean) {
        return rk_fail(error, RK_NOT_FOUND, NULL, "there is no such consumer");
    }
    *definition_out = (rki_definition){.name = name,
                                       .version = reading.version,
                                       .state = reading.state,
                                       .owner = text_of(&reading.state, "owner"),
                                       .entity = text_of(&reading.state, "entity"),
                                       .type = text_of(&reading.state, "type"),
                                       .where = text_of(&reading.state, "where"),
                                       .from = number_of(&reading.state, "from"),
                                       .lease_ms = number_of(&reading.state, "lease"),
                                       .attempts = (uint32_t)number_of(&reading.state, "attempts")};
    RK_TRY(rk_id_parse(text_of(&reading.state, "born"), &born) == RK_OK
               ? RK_OK
               : rk_fail(error, RK_CORRUPT, NULL, "the consumer does not say when it began"));
    rk_id_put(definition_out->born, born);
    return RK_OK;
}

rk_holder rki_holder_of(rk_bytes actor) {
    rk_holder holder;
    rk_hash hash = rk_sha256(rk_crypto_sodium(), actor);
    memcpy(holder.bytes, hash.bytes, sizeof holder.bytes);
    return holder;
}

uint64_t rki_abandoned_ms(const rki_turn *turn) {
    return turn->now_ms + turn->definition->lease_ms * turn->definition->attempts;
}

/* ---- names in the book ---- */

typedef struct book_name {
    char bytes[NAME_BYTES_MAX];
    size_t size;
} book_name;

static book_name window_name(rk_bytes name) {
    book_name out;
    out.size = rk_format(out.bytes, sizeof out.bytes, "window/%b", name);
    return out;
}

static book_name parked_prefix(rk_bytes name) {
    book_name out;
    out.size = rk_format(out.bytes, sizeof out.bytes, "parked/%b/", name);
    return out;
}

static book_name parked_name(rk_bytes name, uint64_t position) {
    book_name out = parked_prefix(name);
    uint8_t number[8];
    rk_put_u64(number, position);
    memcpy(out.bytes + out.size, number, sizeof number);
    out.size += sizeof number;
    return out;
}

static rk_bytes bytes_of(const book_name *name) {
    return rk_bytes_of(name->bytes, name->size);
}

static uint64_t position_of(rk_bytes name) {
    return rk_get_u64(name.data + name.size - 8);
}

/* ---- dropping what is parked ---- */

enum { DROPS_MAX = 1000, FULL = RK_LIMIT };

typedef struct drops {
    uint64_t positions[DROPS_MAX];
    size_t count;
} drops;

static rk_status note_drop(void *context, rk_bytes name, rk_bytes value) {
    drops *drops = context;
    (void)value;
    drops->positions[drops->count++] = position_of(name);
    return drops->count == DROPS_MAX ? (rk_status)FULL : RK_OK;
}

/* Those after the position; how many there were. */
static rk_status drop_parked(rk_book *book, rk_bytes consumer, uint64_t after, uint64_t *count_out, rk_error *error) {
    book_name prefix = parked_prefix(consumer), begin = parked_name(consumer, after);
    drops drops = {.count = DROPS_MAX};
    *count_out = 0;
    while (drops.count == DROPS_MAX) {
        drops.count = 0;
        rk_status status = rk_book_walk(book, bytes_of(&prefix), bytes_of(&begin), note_drop, &drops, error);
        if (status != RK_OK && drops.count < DROPS_MAX) return status;
        for (size_t i = 0; i < drops.count; i++) {
            book_name name = parked_name(consumer, drops.positions[i]);
            RK_TRY(rk_book_drop(book, bytes_of(&name), error));
        }
        *count_out += drops.count;
    }
    return RK_OK;
}

/* ---- the window, and the log ---- */

static rk_status count_window(void *context, rk_bytes name, rk_bytes value) {
    size_t *count = context;
    (void)name, (void)value;
    return ++*count == RK_SERVER_CONSUMERS_MAX ? (rk_status)FULL : RK_OK;
}

/* A consumer that nobody has taken from yet, or one of its name that was removed, begins anew. */
static rk_status begin_window(rki_turn *turn, const rk_engine_info *info, rk_error *error) {
    rk_book *book = turn->account->shelf;
    rk_window *window = turn->window;
    size_t count = 0;
    uint64_t dropped = 0;
    memset(window, 0, sizeof *window);
    memcpy(window->born, turn->definition->born, RK_BORN_SIZE);
    memcpy(window->log, info->log.bytes, RK_WINDOW_LOG_SIZE);
    window->epoch = info->head.epoch;
    if (!turn->write) return RK_OK;
    rk_status status = rk_book_walk(book, RK_TEXT("window/"), (rk_bytes){NULL, 0}, count_window, &count, error);
    if (count == RK_SERVER_CONSUMERS_MAX) {
        return rk_fail(error, RK_LIMIT, NULL, "the account has RK_SERVER_CONSUMERS_MAX consumers");
    }
    RK_TRY(status);
    turn->changed = true;
    return drop_parked(book, turn->definition->name, 0, &dropped, error);
}

static rk_status load_window(rki_turn *turn, const rk_engine_info *info, rk_error *error) {
    book_name name = window_name(turn->definition->name);
    rk_bytes bytes;
    rk_status status = rk_book_get(turn->account->shelf, bytes_of(&name), turn->arena, &bytes, error);
    if (status == RK_NOT_FOUND) return begin_window(turn, info, error);
    RK_TRY(status);
    RK_TRY(rk_window_decode(bytes, turn->window, error));
    if (memcmp(turn->window->born, turn->definition->born, RK_BORN_SIZE) == 0) return RK_OK;
    RK_TRY(rk_book_drop(turn->account->shelf, bytes_of(&name), error));
    return begin_window(turn, info, error);
}

/* What the log says of its epochs: where the first one after the window's began, and whether it knows the window's. */
typedef struct epochs {
    uint64_t epoch; /* the window's */
    uint64_t begin; /* position; 0: none */
    bool known;
} epochs;

static rk_status see_epoch(void *context, const rk_entry *entry) {
    epochs *epochs = context;
    const rk_value *value = rk_map_find(&entry->event.data, RK_TEXT("epoch"));
    uint64_t epoch = value && value->kind == RK_INT ? (uint64_t)value->as.integer : 0;
    if (epoch == epochs->epoch) epochs->known = true;
    if (epoch > epochs->epoch && epochs->begin == 0) epochs->begin = entry->position;
    return RK_OK;
}

/*
 * A truth that was restored goes on in a new epoch: what stands there since is not what the window has seen there. Of
 * an epoch that the log does not know, nothing is sure.
 */
static rk_status follow_epoch(rki_turn *turn, rk_engine *engine, const rk_engine_info *info, rk_error *error) {
    rk_window *window = turn->window;
    epochs epochs = {.epoch = window->epoch, .known = window->epoch <= 1};
    rk_event_report report;
    const rk_event_query query = {.entity = rk_arena_format(turn->arena, "account/%b", info->name),
                                  .type = RK_TEXT("continue"),
                                  .up_to = UINT64_MAX,
                                  .walk_max = UINT64_MAX};
    RK_TRY(rk_engine_read_as(engine, (rk_bytes){NULL, 0}, error));
    RK_TRY(rk_engine_events(engine, &query, see_epoch, &epochs, &report, error));
    if (!epochs.known) {
        rk_window_set_back(window, 0);
    } else if (epochs.begin > 0) {
        rk_window_set_back(window, epochs.begin - 1);
    }
    window->epoch = info->head.epoch;
    turn->changed = true;
    return RK_OK;
}

/* The window stands for no event that the log does not have. */
static rk_status follow_log(rki_turn *turn, rk_engine *engine, const rk_engine_info *info, rk_error *error) {
    rk_window *window = turn->window;
    uint64_t before = window->seen, dropped = 0;
    if (memcmp(window->log, info->log.bytes, RK_WINDOW_LOG_SIZE) != 0) {
        memcpy(window->log, info->log.bytes, RK_WINDOW_LOG_SIZE);
        window->epoch = info->head.epoch;
        rk_window_set_back(window, 0);
    }
    if (window->epoch != info->head.epoch) RK_TRY(follow_epoch(turn, engine, info, error));
    rk_window_set_back(window, info->head.position);
    if (window->seen == before) return RK_OK;
    turn->changed = true;
    if (!turn->write) return RK_OK;
    RK_TRY(drop_parked(turn->account->shelf, turn->definition->name, window->seen, &dropped, error));
    window->parked = window->parked > dropped ? window->parked - dropped : 0;
    return RK_OK;
}

/* ---- turns ---- */

static rk_status open_shelf(rki_account *account, rk_error *error) {
    char path[RK_PATH_SIZE_MAX];
    if (account->shelf) return RK_OK;
    RK_TRY(rk_path_join(path, account->path, "consumers.book", error));
    return rk_book_open(path, false, &account->shelf, error);
}

static rk_status prepare(rki_turn *turn, rki_request *request, rk_engine *engine, rk_error *error) {
    rk_engine_info info;
    RK_TRY(rk_engine_info_get(engine, &info, error));
    turn->head = info.head.position;
    RK_TRY(load_window(turn, &info, error));
    RK_TRY(follow_log(turn, engine, &info, error));
    return rk_engine_read_as(engine, request->actor, error);
}

rk_status rki_turn_begin(rki_request *request, rk_engine *engine, const rki_definition *definition, bool write,
                         rk_arena *arena, rki_turn *turn_out, rk_error *error) {
    rki_account *account = request->account;
    *turn_out = (rki_turn){.account = account,
                           .definition = definition,
                           .arena = arena,
                           .window = rk_arena_take(arena, sizeof *turn_out->window),
                           .now_ms = rk_clock_ms(),
                           .write = write};
    if (!turn_out->window) return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a consumer");
    rk_mutex_lock(account->shelf_mutex);
    rk_status status = open_shelf(account, error);
    if (status == RK_OK) status = rk_book_begin(account->shelf, write, error);
    if (status != RK_OK) {
        rk_mutex_unlock(account->shelf_mutex);
        return status;
    }
    status = prepare(turn_out, request, engine, error);
    return status == RK_OK ? RK_OK : rki_turn_end(turn_out, status, error);
}

static rk_status keep_window(rki_turn *turn, rk_error *error) {
    book_name name = window_name(turn->definition->name);
    rk_buffer buffer;
    rk_bytes bytes;
    rk_buffer_init(&buffer, turn->arena, RK_WINDOW_SIZE_MAX);
    rk_window_encode(turn->window, &buffer);
    if (rk_buffer_finish(&buffer, &bytes) != RK_OK)
        return rk_fail(error, RK_NO_MEMORY, NULL, "no memory for a consumer");
    return rk_book_put(turn->account->shelf, bytes_of(&name), bytes, error);
}

rk_status rki_turn_end(rki_turn *turn, rk_status status, rk_error *error) {
    rki_account *account = turn->account;
    bool keep = status == RK_OK && turn->write && turn->changed;
    if (keep) status = keep_window(turn, error);
    if (keep && status == RK_OK) {
        status = rk_book_commit(account->shelf, error);
    } else {
        rk_book_rollback(account->shelf);
    }
    rk_mutex_lock(account->mutex);
    if (keep && turn->stirred) account->changes++;
    turn->changes = account->changes;
    rk_mutex_unlock(account->mutex);
    rk_mutex_unlock(account->shelf_mutex);
    if (keep && turn->stirred) rki_takers_wake(account, UINT64_MAX);
    return status;
}

/* ---- parked events ---- */

rk_status rki_turn_park(rki_turn *turn, uint64_t position, const rk_holder *holder, rk_bytes reason, bool *done_out,
                        rk_error *error) {
    book_name name = parked_name(turn->definition->name, position);
    rk_flight flight;
    uint8_t value[PARKED_HEAD_SIZE + RK_SERVER_REASON_MAX];
    RK_ASSERT(reason.size <= RK_SERVER_REASON_MAX);
    bool full = turn->window->parked >= RK_SERVER_PARKED_MAX;
    *done_out = rk_window_park(turn->window, position, holder, &flight);
    if (!*done_out) return RK_OK;
    if (full) {
        rk_fail(error, RK_LIMIT, NULL, "RK_SERVER_PARKED_MAX events are parked");
        rk_error_hint(error, "retry or drop some of them");
        return RK_LIMIT;
    }
    rk_put_u64(value, turn->now_ms);
    for (size_t i = 0; i < 4; i++) value[8 + i] = (uint8_t)(flight.attempt >> (24 - 8 * i));
    if (reason.size) memcpy(value + PARKED_HEAD_SIZE, reason.data, reason.size);
    turn->changed = true;
    return rk_book_put(turn->account->shelf, bytes_of(&name), rk_bytes_of(value, PARKED_HEAD_SIZE + reason.size),
                       error);
}

rk_status rki_turn_unpark(rki_turn *turn, uint64_t position, bool again, bool *done_out, rk_error *error) {
    book_name name = parked_name(turn->definition->name, position);
    rk_window *window = turn->window;
    rk_bytes value;
    rk_error none;
    *done_out = false;
    rk_status status = rk_book_get(turn->account->shelf, bytes_of(&name), turn->arena, &value, &none);
    if (status == RK_NOT_FOUND) return RK_OK;
    if (status != RK_OK && error) *error = none;
    RK_TRY(status);
    if (again && !rk_window_put_back(window, position, rki_abandoned_ms(turn))) {
        return rk_fail(error, RK_LIMIT, NULL, "RK_FLIGHTS_MAX events of the consumer wait or are given out");
    }
    if (!again && window->parked > 0) window->parked--;
    turn->changed = *done_out = true;
    turn->stirred |= again;
    return rk_book_drop(turn->account->shelf, bytes_of(&name), error);
}

typedef struct parked_walk {
    rki_parked_visitor visit;
    void *context;
} parked_walk;

static rk_status visit_parked(void *context, rk_bytes name, rk_bytes value) {
    parked_walk *walk = context;
    uint32_t attempt = 0;
    if (value.size < PARKED_HEAD_SIZE) return RK_CORRUPT;
    for (size_t i = 0; i < 4; i++) attempt = attempt << 8 | value.data[8 + i];
    return walk->visit(walk->context, position_of(name), rk_get_u64(value.data), attempt,
                       rk_bytes_from(value, PARKED_HEAD_SIZE));
}

rk_status rki_turn_walk_parked(rki_turn *turn, uint64_t after, rki_parked_visitor visit, void *context,
                               rk_error *error) {
    book_name prefix = parked_prefix(turn->definition->name), begin = parked_name(turn->definition->name, after);
    parked_walk walk = {visit, context};
    rk_status status =
        rk_book_walk(turn->account->shelf, bytes_of(&prefix), bytes_of(&begin), visit_parked, &walk, error);
    return status == RK_CORRUPT ? rk_fail(error, status, "consumers.book", "a parked event has another form") : status;
}

static rk_status forget(rki_account *account, rk_bytes name, rk_error *error) {
    book_name window = window_name(name);
    uint64_t dropped = 0;
    RK_TRY(rk_book_drop(account->shelf, bytes_of(&window), error));
    return drop_parked(account->shelf, name, 0, &dropped, error);
}

rk_status rki_shelf_forget(rki_account *account, rk_bytes name, rk_error *error) {
    rk_mutex_lock(account->shelf_mutex);
    rk_status status = open_shelf(account, error);
    if (status == RK_OK) status = rk_book_begin(account->shelf, true, error);
    if (status == RK_OK) {
        status = forget(account, name, error);
        if (status == RK_OK) {
            status = rk_book_commit(account->shelf, error);
        } else {
            rk_book_rollback(account->shelf);
        }
    }
    rk_mutex_unlock(account->shelf_mutex);
    return status;
}
