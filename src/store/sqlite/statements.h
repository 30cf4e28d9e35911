/*
 * Every SQL statement that is prepared, by name, in one list: RKI_SQL(NAME, "text"). Tables are in schema.c.
 *
 * Parameters are numbered as they stand in the text; what each means stands where it is bound. What stands elsewhere in
 * tables of earlier versions has a name that is defined where the list is used (statement.c): RKI_FILED and the others
 * that begin so, and RKI_PREVIOUS.
 */
#ifndef RK_STORE_SQLITE_STATEMENTS_H
#define RK_STORE_SQLITE_STATEMENTS_H

#define RKI_EVENT_COLUMNS \
    "e.position, e.version, e.record, r.stamp, r.replica, r.batch, e.leaf, e.transaction_index, e.bytes"
/* Of the entity n: what its last event that is filed says; 0 when it has none. */
#define RKI_ENTITY_LAST_EVENT                                                                       \
    "coalesce((SELECT version FROM " RKI_FILED " WHERE entity = n.entity ORDER BY " RKI_FILED_ORDER \
    " DESC LIMIT 1), 0) AS version, coalesce((SELECT position FROM " RKI_FILED                      \
    " WHERE entity = n.entity ORDER BY " RKI_FILED_ORDER " DESC LIMIT 1), 0) AS position"
#define RKI_WALK_COLUMNS "n.entity, n.name, n.version, n.position, n.pending, s.version, " RKI_EVENT_COLUMNS
#define RKI_WALK_ENTITY  "n.entity, n.name, n.pending, " RKI_ENTITY_LAST_EVENT
/* The last event comes with its entity where the stored state lacks no other: mostly none or one has come since. */
#define RKI_WALK_JOINS                                                                                    \
    " LIMIT -1) n LEFT JOIN state s ON s.entity = n.entity LEFT JOIN event e ON e.position = n.position " \
    "AND n.version = coalesce(s.version, 0) + 1 LEFT JOIN record r ON r.record = e.record"
#define RKI_INDEX_WALK(order)                                                                                         \
    "SELECT n.key, " RKI_WALK_COLUMNS " FROM (SELECT i.key, " RKI_WALK_ENTITY                                         \
    " FROM index_row i CROSS JOIN entity n ON n.entity = i.entity WHERE i.field = ?1 AND i.key >= ?2 AND i.key < ?3 " \
    "ORDER BY " order RKI_WALK_JOINS
#define RKI_BATCH_COLUMNS "replica, number, root, record, own, seal, leaf_count, place"

/*
 * EVENTS_INSERT, EVENTS_AT, FILED_PUT and IDS_INSERT take up to so many rows, which costs less than a statement for
 * each; their last parameter says how many.
 * INSERT OR FAIL: a failure ends in a rollback anyway, so SQLite need not copy pages to take back half a statement.
 */
enum { RKI_ROWS = 16 };
#define RKI_ROWS_4(row)  row ", " row ", " row ", " row
#define RKI_ROWS_16(row) RKI_ROWS_4(row) ", " RKI_ROWS_4(row) ", " RKI_ROWS_4(row) ", " RKI_ROWS_4(row)

#define RKI_STATEMENTS                                                                                                 \
    RKI_SQL(BEGIN_READ, "BEGIN")                                                                                       \
    RKI_SQL(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                                            \
    RKI_SQL(COMMIT, "COMMIT")                                                                                          \
    RKI_SQL(PROGRESS_GET, "SELECT sequence, place, " RKI_FILED_TO " FROM progress WHERE one = 1")                      \
    RKI_SQL(PROGRESS_PUT, "UPDATE progress SET sequence = ?1, place = ?2, filed = ?3, filing = ?4 WHERE one = 1")      \
    RKI_SQL(LOG_GET, "SELECT id, account FROM log WHERE log = 1")                                                      \
    RKI_SQL(LOG_PUT, "INSERT INTO log (log, id, account) VALUES (1, ?1, ?2)")                                          \
    /* entities */                                                                                                     \
    RKI_SQL(ENTITY_LAST, "SELECT coalesce(max(entity), 0) FROM entity")                                                \
    RKI_SQL(ENTITY_GET, "SELECT entity, " RKI_ENTITY_LAST_EVENT " FROM entity n WHERE log = 1 AND name = ?1")          \
    RKI_SQL(ENTITY_INSERT, "INSERT INTO entity (entity, log, name, pending) VALUES (?1, 1, ?2, 0)")                    \
    RKI_SQL(ENTITY_PENDING, "UPDATE entity SET pending = pending + ?2 WHERE entity = ?1")                              \
    RKI_SQL(ENTITY_FORGET, "DELETE FROM entity WHERE entity = ?1 AND pending = 0 AND NOT EXISTS "                      \
                           "(SELECT 1 FROM " RKI_FILED " WHERE entity = ?1)")                                          \
    RKI_SQL(ENTITY_WALK, "SELECT name, pending, entity, " RKI_ENTITY_LAST_EVENT                                        \
                         " FROM entity n WHERE log = 1 AND name >= ?1 ORDER BY name")                                  \
    /* events */                                                                                                       \
    RKI_SQL(EVENTS_INSERT,                                                                                             \
            "INSERT OR FAIL INTO event (position, log, record, entity, version, previous, leaf, "                      \
            "transaction_index, salt, bytes) SELECT column1, 1, ?1, column2, column3, column4, "                       \
            "column5, column6, column7, column8 FROM (VALUES " RKI_ROWS_16("(?, ?, ?, ?, ?, ?, ?, ?)") ") LIMIT ?")    \
    RKI_SQL(EVENT_WALK, "SELECT " RKI_EVENT_COLUMNS " FROM event e CROSS JOIN record r ON r.record = e.record "        \
                        "WHERE e.position > ?1 AND e.position <= ?2 ORDER BY e.position")                              \
    RKI_SQL(EVENTS_AT, "SELECT " RKI_EVENT_COLUMNS " FROM (SELECT column1 AS position FROM (VALUES " RKI_ROWS_16(      \
                           "(?)") ") LIMIT ?) p CROSS JOIN event e ON e.position = p.position "                        \
                                  "CROSS JOIN record r ON r.record = e.record")                                        \
    RKI_SQL(EVENT_PREVIOUS, "SELECT e.entity, e.version, " RKI_PREVIOUS " FROM event e WHERE e.position = ?1")         \
    /* Bytes that go beyond a row's page are not read. */                                                              \
    RKI_SQL(EVENT_FRESH,                                                                                               \
            "SELECT position, entity, version, CASE WHEN length(bytes) <= 2048 THEN bytes END FROM event "             \
            "WHERE position > ?1 ORDER BY position")                                                                   \
    RKI_SQL(FILED_GET, "SELECT version, position FROM " RKI_FILED " WHERE entity = ?1 AND " RKI_FILED_AT)              \
    RKI_SQL(FILED_PUT,                                                                                                 \
            "INSERT OR REPLACE INTO filed (entity, block, version, position) SELECT column1, column2 >> 6, "           \
            "column2, column3 FROM (VALUES " RKI_ROWS_16("(?, ?, ?)") ") LIMIT ?")                                     \
    RKI_SQL(FILED_DELETE, "DELETE FROM filed WHERE entity = ?1 AND block >= ?2 >> 6")                                  \
    RKI_SQL(EVENT_LEAVES, "SELECT leaf, salt, bytes FROM event WHERE position > ?1 AND position <= ?2")                \
    RKI_SQL(EVENT_AFTER, "SELECT e.position, e.record, e.entity, e.version, e.leaf, e.transaction_index, e.salt, "     \
                         "e.bytes, " RKI_PREVIOUS " FROM event e WHERE e.position > ?1 ORDER BY e.position")           \
    RKI_SQL(EVENT_TRANSACTIONS, "SELECT leaf, transaction_index FROM event WHERE position >= ?1 AND position <= ?2")   \
    RKI_SQL(EVENT_DELETE_AFTER, "DELETE FROM event WHERE position > ?1")                                               \
    RKI_SQL(ID_GET, "SELECT place FROM id WHERE stamp = ?1 AND replica = ?2")                                          \
    RKI_SQL(ID_INSERT, "INSERT OR IGNORE INTO id (stamp, replica, log, place) VALUES (?1, ?2, 1, ?3)")                 \
    RKI_SQL(ID_LAST, "SELECT coalesce(max(stamp), 0) FROM id")                                                         \
    RKI_SQL(IDS_INSERT, "INSERT OR FAIL INTO id (stamp, replica, log, place) SELECT column1, column2, 1, column3 "     \
                        "FROM (VALUES " RKI_ROWS_16("(?, ?, ?)") ") LIMIT ?")                                          \
    RKI_SQL(ID_DELETE, "DELETE FROM id WHERE stamp = ?1 AND replica = ?2")                                             \
    /* records */                                                                                                      \
    RKI_SQL(RECORD_LAST, "SELECT record, epoch, stamp, last_position, bytes FROM record ORDER BY record DESC LIMIT 1") \
    RKI_SQL(RECORD_GET, "SELECT stamp, last_position, bytes FROM record WHERE record = ?1")                            \
    RKI_SQL(RECORD_PLACE, "SELECT stamp, last_position FROM record WHERE record = ?1")                                 \
    RKI_SQL(RECORD_INSERT, "INSERT INTO record (record, log, epoch, stamp, last_position, replica, batch, bytes) "     \
                           "VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7)")                                                   \
    RKI_SQL(RECORD_AFTER, "SELECT record, replica, batch FROM record WHERE record > ?1 ORDER BY record")               \
    RKI_SQL(RECORD_WALK, "SELECT record, epoch, stamp, last_position, replica, batch, bytes FROM record "              \
                         "ORDER BY record")                                                                            \
    RKI_SQL(RECORD_DELETE_AFTER, "DELETE FROM record WHERE record > ?1")                                               \
    /* batches and the leaves that are no events of the log */                                                         \
    RKI_SQL(BATCH_GET, "SELECT " RKI_BATCH_COLUMNS " FROM batch WHERE log = 1 AND replica = ?1 AND number = ?2")       \
    RKI_SQL(BATCH_LAST,                                                                                                \
            "SELECT " RKI_BATCH_COLUMNS " FROM batch WHERE log = 1 AND replica = ?1 ORDER BY number DESC LIMIT 1")     \
    RKI_SQL(BATCH_PENDING, "SELECT " RKI_BATCH_COLUMNS " FROM batch WHERE record IS NULL ORDER BY place")              \
    RKI_SQL(BATCH_INSERT, "INSERT INTO batch (log, replica, number, place, root, record, own, leaf_count, seal) "      \
                          "VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                                \
    RKI_SQL(BATCH_COMMIT, "UPDATE batch SET record = ?3 WHERE log = 1 AND replica = ?1 AND number = ?2")               \
    RKI_SQL(BATCH_REOPEN, "UPDATE batch SET record = NULL WHERE log = 1 AND replica = ?1 AND number = ?2")             \
    RKI_SQL(BATCH_DELETE, "DELETE FROM batch WHERE log = 1 AND replica = ?1 AND number = ?2")                          \
    RKI_SQL(LEAF_INSERT, "INSERT INTO leaf (leaf, log, kind, transaction_index, salt, bytes, entity) "                 \
                         "VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6)")                                                         \
    RKI_SQL(LEAF_WALK, "SELECT leaf, kind, transaction_index, salt, bytes, entity FROM leaf "                          \
                       "WHERE leaf >= ?1 AND leaf <= ?2 ORDER BY leaf")                                                \
    RKI_SQL(LEAF_DELETE, "DELETE FROM leaf WHERE leaf >= ?1 AND leaf <= ?2")                                           \
    RKI_SQL(LEAF_ENTITY, "UPDATE leaf SET entity = ?2 WHERE leaf = ?1")                                                \
    RKI_SQL(PENDING_GET, "SELECT b.replica, b.number, l.leaf, l.transaction_index, l.bytes FROM leaf l "               \
                         "CROSS JOIN batch b ON b.place = l.leaf >> 16 AND b.record IS NULL WHERE l.leaf = ?1")        \
    RKI_SQL(PENDING_WALK, "SELECT b.replica, b.number, l.leaf, l.transaction_index, l.bytes FROM batch b "             \
                          "CROSS JOIN leaf l ON l.leaf >= b.place << 16 AND l.leaf < (b.place + 1) << 16 "             \
                          "WHERE b.record IS NULL AND l.entity IS NOT NULL ORDER BY b.place, l.leaf")                  \
    RKI_SQL(PENDING_WALK_ENTITY, "SELECT b.replica, b.number, l.leaf, l.transaction_index, l.bytes FROM leaf l "       \
                                 "CROSS JOIN batch b ON b.place = l.leaf >> 16 AND b.record IS NULL "                  \
                                 "WHERE l.entity = ?1 ORDER BY l.leaf")                                                \
    /* walks */                                                                                                        \
    RKI_SQL(WALK, "SELECT NULL, " RKI_WALK_COLUMNS " FROM (SELECT " RKI_WALK_ENTITY " FROM entity n "                  \
                  "WHERE n.log = 1 AND n.name > ?1 AND n.name < ?2 ORDER BY n.name" RKI_WALK_JOINS)                    \
    RKI_SQL(INDEX_WALK, RKI_INDEX_WALK("i.key, i.entity"))                                                             \
    RKI_SQL(INDEX_WALK_BACK, RKI_INDEX_WALK("i.key DESC, i.entity DESC"))                                              \
    /* indexes */                                                                                                      \
    RKI_SQL(INDEX_FIELD_GET, "SELECT field FROM index_field WHERE log = 1 AND module = ?1 AND name = ?2")              \
    RKI_SQL(INDEX_FIELD_PUT, "INSERT INTO index_field (log, module, name) VALUES (1, ?1, ?2)")                         \
    RKI_SQL(INDEX_FIELD_WALK, "SELECT field FROM index_field WHERE log = 1 AND module = ?1")                           \
    RKI_SQL(INDEX_INSERT, "INSERT INTO index_row (field, key, entity) VALUES (?1, ?2, ?3)")                            \
    RKI_SQL(INDEX_DELETE, "DELETE FROM index_row WHERE field = ?1 AND key = ?2 AND entity = ?3")                       \
    RKI_SQL(INDEX_DROP, "DELETE FROM index_row WHERE field = ?1")                                                      \
    RKI_SQL(INDEX_DROP_ALL, "DELETE FROM index_row")                                                                   \
    RKI_SQL(INDEX_MARKS_DROP, "DELETE FROM meta WHERE name >= CAST('index/' AS BLOB) "                                 \
                              "AND name < CAST('index0' AS BLOB)")                                                     \
    RKI_SQL(INDEX_COUNT, "SELECT count(*) FROM (SELECT 1 FROM index_row WHERE field = ?1 AND key >= ?2 AND key < ?3 "  \
                         "LIMIT ?4)")                                                                                  \
    RKI_SQL(INDEX_OF_ENTITY, "SELECT i.field, i.key FROM index_row i INDEXED BY index_of_entity WHERE i.entity = ?1 "  \
                             "ORDER BY i.field, i.key")                                                                \
    RKI_SQL(INDEX_NAMES_OF_ENTITY, "SELECT f.name, i.key FROM index_row i CROSS JOIN index_field f "                   \
                                   "ON f.field = i.field WHERE i.entity = ?1 ORDER BY f.name, i.key")                  \
    /* states, verdicts, meta */                                                                                       \
    RKI_SQL(STATE_GET, "SELECT s.version, s.position, s.bytes FROM entity e "                                          \
                       "CROSS JOIN state s ON s.entity = e.entity WHERE e.log = 1 AND e.name = ?1")                    \
    RKI_SQL(STATE_PUT, "INSERT OR REPLACE INTO state (entity, log, version, position, bytes) "                         \
                       "VALUES (?1, 1, ?2, ?3, ?4)")                                                                   \
    RKI_SQL(STATE_DROP, "DELETE FROM state WHERE entity = ?1")                                                         \
    RKI_SQL(STATE_DROP_FROM, "DELETE FROM state WHERE entity = ?1 AND version >= ?2")                                  \
    RKI_SQL(STATE_DROP_PAST, "DELETE FROM state WHERE position > ?1")                                                  \
    RKI_SQL(VERDICT_PUT, "INSERT OR REPLACE INTO verdict (log, replica, batch, transaction_index, code, what, hint) "  \
                         "VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)")                                                         \
    RKI_SQL(VERDICT_DROP, "DELETE FROM verdict WHERE log = 1 AND replica = ?1 AND batch = ?2")                         \
    RKI_SQL(VERDICT_WALK, "SELECT replica, batch, transaction_index, code, what, hint FROM verdict WHERE log = 1 "     \
                          "ORDER BY replica, batch, transaction_index")                                                \
    RKI_SQL(META_GET, "SELECT value FROM meta WHERE name = ?1")                                                        \
    RKI_SQL(META_PUT, "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")                                     \
    RKI_SQL(META_DROP, "DELETE FROM meta WHERE name = ?1")

typedef enum rki_statement {
#define RKI_SQL(name, text) RKI_##name,
    RKI_STATEMENTS
#undef RKI_SQL
        RKI_STATEMENT_COUNT
} rki_statement;

#endif
