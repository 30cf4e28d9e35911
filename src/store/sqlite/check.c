/*
 * SQLite's own check of its file, and whether the tables agree with each other and with the sealed bytes in them.
 *
 * What is not checked here is what the bytes say by themselves: signatures, Merkle roots and the chains of batches need
 * no table, and are the engine's to verify.
 */
#include "store/sqlite/internal.h"

/* Told, not returned: the check goes on to the next thing. Running out of memory ends it. */
static rk_status told(rk_log *log, rk_status status, const rk_error *error) {
    if (status == RK_OK || status == RK_NO_MEMORY || status == RK_BUSY) return status;
    rki_watch_tell(&log->watch, error->where, error->what);
    return RK_OK;
}

/* ---- queries that answer with what is wrong ---- */

typedef struct question {
    const char *what; /* before the row's text */
    const char *sql;  /* a row of one column for each fault */
} question;

static const question questions[] = {
    {"SQLite: ", "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"},
    {"its versions have gaps, or do not ascend with positions: ",
     "SELECT e.name FROM entity e JOIN (SELECT entity, version - lag(version, 1, 0) OVER by_version AS step, "
     "position - lag(position, 1, 0) OVER by_version AS way FROM event WINDOW by_version AS "
     "(PARTITION BY entity ORDER BY version)) v ON v.entity = e.entity WHERE v.step <> 1 OR v.way <= 0 GROUP BY "
     "e.name"},
    {"it is nowhere in the log or among the pending events: ",
     "SELECT name FROM entity WHERE pending = 0 AND entity NOT IN (SELECT entity FROM event)"},
    {"the number of its pending events is wrong: ",
     "SELECT e.name FROM entity e WHERE e.pending <> (SELECT count(*) FROM leaf WHERE entity = e.entity)"},
    {"an event has no entity: position ", "SELECT position FROM event WHERE entity NOT IN (SELECT entity FROM entity)"},
    {"a state is of no entity, or past its entity's version or the log's position: entity ",
     "SELECT s.entity FROM state s LEFT JOIN (SELECT entity, max(version) AS version FROM event GROUP BY entity) e "
     "ON e.entity = s.entity WHERE e.entity IS NULL OR s.version > e.version "
     "OR s.position > (SELECT coalesce(max(position), 0) FROM event)"},
    {"there are more or fewer leaves than batches were sealed with: ",
     "SELECT leaves || ' leaves, ' || sealed || ' sealed' FROM (SELECT (SELECT count(*) FROM event) + "
     "(SELECT count(*) FROM leaf) AS leaves, (SELECT coalesce(sum(leaf_count), 0) FROM batch) AS sealed) "
     "WHERE leaves <> sealed"},
    {"a batch has a record that is not about it: batch ",
     "SELECT b.number FROM batch b LEFT JOIN record r ON r.record = b.record WHERE b.record IS NOT NULL "
     "AND (r.record IS NULL OR r.replica <> b.replica OR r.batch <> b.number)"},
    {"more than one batch has the same record: record ",
     "SELECT record FROM batch WHERE record IS NOT NULL GROUP BY record HAVING count(*) > 1"},
    {"a row is of a log that is not here: ",
     "SELECT 'position ' || position FROM event WHERE log <> 1 UNION ALL SELECT 'record ' || record FROM record "
     "WHERE log <> 1 UNION ALL SELECT name FROM entity WHERE log <> 1 UNION ALL SELECT 'batch ' || number FROM batch "
     "WHERE log <> 1 UNION ALL SELECT 'leaf ' || leaf FROM leaf WHERE log <> 1 UNION ALL SELECT 'state ' || entity "
     "FROM state WHERE log <> 1"},
};

/* Of how entities lead to their events, as a log of an earlier version does not have it. */
static const question chain_questions[] = {
    {"an event names another one than that before it: position ",
     "SELECT position FROM (SELECT position, previous, lag(position, 1, 0) OVER "
     "(PARTITION BY entity ORDER BY version) AS before FROM event) WHERE previous <> before"},
    {"an event is not filed: position ",
     "SELECT e.position FROM event e WHERE e.position <= (SELECT filed FROM progress) AND NOT EXISTS "
     "(SELECT 1 FROM filed WHERE entity = e.entity AND block = e.version >> 6 AND version >= e.version)"},
    {"what is filed is not there, or not yet to be: position ",
     "SELECT f.position FROM filed f LEFT JOIN event e ON e.position = f.position WHERE e.position IS NULL OR "
     "e.entity <> f.entity OR e.version <> f.version OR f.block <> f.version >> 6 OR "
     "f.position > (SELECT filed FROM progress)"},
    {"more is filed than there is: position ",
     "SELECT filed FROM progress WHERE filed > (SELECT coalesce(max(position), 0) FROM event)"},
};

#define COUNT_IDS(events)                                                                                    \
    {                                                                                                        \
        "there are more or fewer event ids than events: ",                                                   \
            "SELECT ids || ' ids, ' || events || ' events' FROM (SELECT (SELECT count(*) FROM id) AS ids, (" \
            "SELECT count(*) FROM " events                                                                   \
            ") + (SELECT count(*) FROM leaf WHERE entity IS NOT NULL) AS events) WHERE ids <> events"        \
    }
static const question id_question = COUNT_IDS("event WHERE position <= (SELECT filed FROM progress)");
/* Of tables before version 5. */
static const question old_id_question = COUNT_IDS("event");
#undef COUNT_IDS

/* Of the tables that a log of version 1 does not have. */
static const question index_questions[] = {
    {"an index row is of an entity without committed events: entity ",
     "SELECT DISTINCT entity FROM index_row WHERE entity NOT IN (SELECT entity FROM event)"},
    {"an index row is of a field that has no name: field ",
     "SELECT DISTINCT field FROM index_row WHERE field NOT IN (SELECT field FROM index_field WHERE log = 1)"},
};

static rk_status ask(rk_log *log, const question *question, rk_error *error) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(log->db, question->sql, -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW) break;
        char what[RK_ERROR_WHAT_MAX];
        rk_bytes text = rk_bytes_of(sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
        rk_format(what, sizeof what, "%s%b", question->what, text);
        rki_watch_tell(&log->watch, "log.db", what);
    }
    rk_status status = code == SQLITE_DONE ? RK_OK : rki_fail(log, code, "checking the tables", error);
    sqlite3_finalize(statement);
    return status;
}

static rk_status ask_all(rk_log *log, const question *list, size_t count, rk_error *error) {
    for (size_t i = 0; i < count; i++) RK_TRY(told(log, ask(log, &list[i], error), error));
    return RK_OK;
}

/* ---- events against their bytes ---- */

static rk_status fault(rk_error *error, int64_t place, const char *what) {
    if (place > 0) return rk_fail(error, RK_CORRUPT, "log.db", "the event at position %d: %s", place, what);
    return rk_fail(error, RK_CORRUPT, "log.db", "the pending event %d: %s", -place, what);
}

static rk_status check_bytes(rk_log *log, int64_t place, rk_bytes bytes, uint64_t entity, rk_error *error) {
    rk_leaf leaf = {.kind = RK_LEAF_EVENT, .bytes = bytes};
    rk_id id;
    rk_bytes name;
    uint64_t key = 0;
    int64_t found = 0;
    rk_error inner;
    if (rki_leaf_event(log, &leaf, &id, &name, &inner) != RK_OK) return fault(error, place, inner.what);
    RK_TRY(rki_entity_key(log, name, false, &key, error));
    if (key != entity) return fault(error, place, "it stands under another entity than its bytes say");
    RK_TRY(rki_id_find(log, id, &found, error));
    return found == place ? RK_OK : fault(error, place, "its id leads elsewhere or nowhere");
}

typedef struct columns {
    rki_statement walk;
    int place, entity, bytes;
    bool pending;
} columns;

static rk_status check_walk(rk_log *log, const columns *columns, rk_error *error) {
    rki_query query;
    RK_TRY(rki_query_start(log, columns->walk, &query, error));
    rki_bind(&query, 1, 0);
    if (columns->pending) rki_bind(&query, 2, INT64_MAX);
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        if (columns->pending && rki_column_null(&query, columns->entity)) continue;
        int64_t place = (int64_t)rki_column(&query, columns->place);
        status = check_bytes(log, columns->pending ? -place : place, rki_column_bytes(&query, columns->bytes),
                             rki_column(&query, columns->entity), error);
        rk_arena_free(&log->scratch);
        RK_TRY_DONE(told(log, status, error));
    }
done:
    rki_query_end(&query);
    return status;
}

/* ---- records and batches against their bytes ---- */

/* Signatures are the engine's to verify: here only what the bytes say counts. */
static bool any_signature(const rk_key *key, rk_bytes message, const uint8_t signature[RK_SIGNATURE_SIZE]) {
    (void)key;
    (void)message;
    (void)signature;
    return true;
}

/* Says whose bytes are not as the format says. */
static rk_status named(rk_status status, rk_error *error, const char *kind, uint64_t number) {
    char where[RK_ERROR_WHERE_MAX];
    rk_error_at(error, rk_bytes_of(where, rk_format(where, sizeof where, "log.db %s %u", kind, number)));
    return status;
}

typedef struct chain {
    rk_log *log;
    rk_crypto crypto;
    rk_log_head head; /* after the records so far */
} chain;

static rk_status check_leaf_rows(chain *chain, const rk_batch *batch, rki_query *query, int transaction_column,
                                 rk_error *error) {
    rk_status status;
    uint32_t *ends = rk_arena_take_array(&chain->log->scratch, batch->transaction_count, sizeof *ends);
    if (!ends) RK_TRY_DONE(rk_fail(error, RK_NO_MEMORY, "log.db", "no memory for a check"));
    for (size_t i = 0; i < batch->transaction_count; i++) ends[i] = batch->transactions[i] + (i ? ends[i - 1] : 0);
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(query, &row, error));
        if (!row) break;
        uint64_t leaf = rki_column(query, 0) & ((1U << RKI_LEAF_BITS) - 1);
        uint64_t transaction = rki_column(query, transaction_column);
        bool within = transaction < batch->transaction_count && leaf < ends[transaction] &&
                      leaf >= ends[transaction] - batch->transactions[transaction];
        if (!within) {
            status = rk_fail(error, RK_CORRUPT, "log.db", "leaf %u of batch %u stands in another transaction", leaf,
                             batch->header.number);
            goto done;
        }
    }
done:
    rki_query_end(query);
    return status;
}

static rk_status check_leaves(chain *chain, const rk_batch *batch, uint64_t first, uint64_t last, uint64_t place,
                              rk_error *error) {
    rki_query query;
    if (last >= first) {
        RK_TRY(rki_query_start(chain->log, RKI_EVENT_TRANSACTIONS, &query, error));
        rki_bind(&query, 1, first);
        rki_bind(&query, 2, last);
        RK_TRY(check_leaf_rows(chain, batch, &query, 1, error));
    }
    RK_TRY(rki_query_start(chain->log, RKI_LEAF_WALK, &query, error));
    rki_bind(&query, 1, place << RKI_LEAF_BITS);
    rki_bind(&query, 2, ((place + 1) << RKI_LEAF_BITS) - 1);
    return check_leaf_rows(chain, batch, &query, 2, error);
}

/* The stored batch whole, its row against its seal; `batch_out` has its leaves' kinds. */
static rk_status check_batch(chain *chain, uint64_t replica, uint64_t number, rk_batch *batch_out, uint64_t *place_out,
                             rk_error *error) {
    rk_log *log = chain->log;
    rk_stored_batch stored;
    *place_out = 0;
    RK_TRY(rki_batch(log, &log->scratch, replica, number, &stored, error));
    rk_status status = rk_batch_open_seal(&log->scratch, &chain->crypto, stored.seal, batch_out, error);
    if (status != RK_OK) return named(status, error, "batch", number);
    const rk_header *header = &batch_out->header;
    if (header->replica != replica || header->number != number || !rk_hash_equal(&header->root, &stored.root) ||
        batch_out->leaf_count != stored.leaf_count) {
        return rk_fail(error, RK_CORRUPT, "log.db", "batch %u of replica %u is not what its seal says", number,
                       replica);
    }
    batch_out->leaves = stored.leaves;
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_BATCH_GET, &query, error));
    rki_bind(&query, 1, replica);
    rki_bind(&query, 2, number);
    bool row = false;
    status = rki_query_step(&query, &row, error);
    if (row) *place_out = rki_column(&query, 7);
    rki_query_end(&query);
    return status;
}

static rk_status check_record_row(chain *chain, const rki_query *row, const rk_record *record, rk_error *error) {
    const rk_log_head *head = &chain->head;
    uint64_t last = record->first_position + record->accepted_count - 1;
    bool agrees = record->number == rki_column(row, 0) && record->epoch == rki_column(row, 1) &&
                  record->commit_stamp == rki_column(row, 2) && last == rki_column(row, 3) &&
                  record->replica == rki_column(row, 4) && record->batch_number == rki_column(row, 5);
    if (!agrees) return rk_fail(error, RK_CORRUPT, "log.db", "record %u is not what its bytes say", rki_column(row, 0));
    bool continues = record->number == head->record + 1 && record->first_position == head->position + 1 &&
                     (record->number == 1 || rk_hash_equal(&record->previous, &head->record_hash));
    if (!continues) return rk_fail(error, RK_CORRUPT, "log.db", "record %u does not continue the log", record->number);
    return RK_OK;
}

static rk_status check_record(chain *chain, const rki_query *row, rk_error *error) {
    rk_log *log = chain->log;
    rk_record record;
    rk_batch batch;
    uint64_t place = 0;
    rk_bytes bytes = rki_column_bytes(row, 6);
    rk_status status = rk_record_open(&log->scratch, &chain->crypto, bytes, &record, error);
    if (status != RK_OK) return named(status, error, "record", rki_column(row, 0));
    status = check_record_row(chain, row, &record, error);
    chain->head = (rk_log_head){
        .record = rki_column(row, 0), .record_hash = rk_sha256(log->crypto, bytes), .position = rki_column(row, 3)};
    if (status != RK_OK) return status;
    RK_TRY(check_batch(chain, record.replica, record.batch_number, &batch, &place, error));
    status = rk_record_fits(&record, &batch, error);
    if (status != RK_OK) return named(status, error, "record", record.number);
    uint64_t first = record.first_position;
    return check_leaves(chain, &batch, first, first + record.accepted_count - 1, place, error);
}

static rk_status check_records(rk_log *log, rk_error *error) {
    chain chain = {.log = log, .crypto = *log->crypto};
    chain.crypto.verify = any_signature;
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_RECORD_WALK, &query, error));
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        status = check_record(&chain, &query, error);
        rk_arena_free(&log->scratch);
        RK_TRY_DONE(told(log, status, error));
    }
done:
    rki_query_end(&query);
    return status;
}

static rk_status check_pending(rk_log *log, rk_error *error) {
    chain chain = {.log = log, .crypto = *log->crypto};
    chain.crypto.verify = any_signature;
    rki_query query;
    RK_TRY(rki_query_start(log, RKI_BATCH_PENDING, &query, error));
    rk_status status;
    for (bool row = false;;) {
        RK_TRY_DONE(rki_query_step(&query, &row, error));
        if (!row) break;
        rk_batch batch;
        uint64_t place = 0;
        status = check_batch(&chain, rki_column(&query, 0), rki_column(&query, 1), &batch, &place, error);
        if (status == RK_OK) status = check_leaves(&chain, &batch, 1, 0, place, error);
        rk_arena_free(&log->scratch);
        RK_TRY_DONE(told(log, status, error));
    }
done:
    rki_query_end(&query);
    return status;
}

/* ---- the slot ---- */

static rk_status nothing_to_see(void *context, const rk_stored_event *event) {
    (void)context;
    (void)event;
    return RK_OK;
}

static rk_status check_all(rk_log *log, rk_error *error) {
    static const columns events = {.walk = RKI_EVENT_AFTER, .place = 0, .entity = 2, .bytes = 7};
    static const columns pending = {.walk = RKI_LEAF_WALK, .place = 0, .entity = 5, .bytes = 4, .pending = true};
    RK_TRY(told(log, rki_fresh_know(log, error), error));
    RK_TRY(ask_all(log, questions, sizeof questions / sizeof *questions, error));
    RK_TRY(ask_all(log, rki_schema_files_ids(log) ? &id_question : &old_id_question, 1, error));
    if (log->tables_version > 1) {
        RK_TRY(ask_all(log, index_questions, sizeof index_questions / sizeof *index_questions, error));
    }
    if (rki_schema_current(log)) {
        RK_TRY(ask_all(log, chain_questions, sizeof chain_questions / sizeof *chain_questions, error));
    }
    RK_TRY(told(log, rki_events(log, 0, UINT64_MAX, nothing_to_see, NULL, error), error)); /* gapless */
    RK_TRY(told(log, check_walk(log, &events, error), error));
    RK_TRY(told(log, check_walk(log, &pending, error), error));
    RK_TRY(told(log, check_records(log, error), error));
    return told(log, check_pending(log, error), error);
}

rk_status rki_check(rk_log *log, rk_error *error) {
    rk_error scrap;
    if (!error) error = &scrap;
    bool entered = false, examining = log->watch.examining;
    RK_TRY(rki_view_enter(log, &entered, error));
    log->watch.examining = true; /* so that one damage does not hide the next */
    rk_status status = check_all(log, error);
    log->watch.examining = examining;
    rki_view_leave(log, entered);
    /* a page is told of once: what was told since the log was opened counts */
    if (status != RK_OK || log->watch.finding_count == 0) return status;
    return rk_fail(error, RK_CORRUPT, "log.db", "%u faults were found", log->watch.finding_count);
}
