/*
 * libmicrohttpd with epoll and two threads, one thread that writes, one table of events and one of their ids: what a
 * commit of ours cannot do without. Which events an entity has is left out: ours files that later, for many at once.
 */
#include "floor_testing.h"

#include <microhttpd.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTITIES = 10000, STRIDE = 7919, THREADS = 2, ANSWER_SIZE = 250 };

typedef struct request {
    struct MHD_Connection *connection;
    struct request *next;
    bool committed;
} request;

static struct MHD_Daemon *daemon_of_floor;
static sqlite3 *db;
static sqlite3_stmt *begin, *commit, *put_event, *put_id;
static char folder[] = "/tmp/floor_bench.XXXXXX", answer[ANSWER_SIZE];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static request *first, *last;
static bool stopping;
static pthread_t writer;

static void give_up(const char *what) {
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

/* ---- the table ---- */

static void execute(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) give_up(sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) give_up(sql);
    return statement;
}

/* The settings are those of our store. */
static void open_table(void) {
    char path[64];
    if (!mkdtemp(folder)) give_up("no folder");
    snprintf(path, sizeof path, "%s/floor.db", folder);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) give_up("no database");
    execute("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
            "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -16384");
    execute("CREATE TABLE event (position INTEGER PRIMARY KEY, entity INTEGER, version INTEGER, type BLOB, actor BLOB, "
            "data BLOB); "
            "CREATE TABLE id (stamp INTEGER, replica INTEGER, place INTEGER, PRIMARY KEY (stamp, replica)) "
            "WITHOUT ROWID");
    begin = prepare("BEGIN IMMEDIATE");
    commit = prepare("COMMIT");
    put_event = prepare("INSERT INTO event VALUES (?1, ?2, ?3, 'rename', 'owner', '{\"name\":\"Ann\"}')");
    put_id = prepare("INSERT INTO id VALUES (?1, 7, ?2)");
}

static void step(sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) give_up(sqlite3_errmsg(db));
    sqlite3_reset(statement);
}

static void commit_group(const request *group) {
    static int versions[ENTITIES];
    static sqlite3_int64 position;
    step(begin);
    for (; group; group = group->next) {
        int entity = (int)(++position * STRIDE % ENTITIES);
        sqlite3_bind_int64(put_event, 1, position);
        sqlite3_bind_int(put_event, 2, entity);
        sqlite3_bind_int(put_event, 3, ++versions[entity]);
        step(put_event);
        sqlite3_bind_int64(put_id, 1, position << 16);
        sqlite3_bind_int64(put_id, 2, position);
        step(put_id);
    }
    step(commit);
}

/* ---- requests ---- */

static void *write_groups(void *context) {
    for (;;) {
        pthread_mutex_lock(&mutex);
        while (!first && !stopping) pthread_cond_wait(&arrived, &mutex);
        request *group = first;
        first = last = NULL;
        pthread_mutex_unlock(&mutex);
        if (!group) return context;
        commit_group(group);
        while (group) {
            request *next = group->next; /* it is gone once its connection goes on */
            group->committed = true;
            MHD_resume_connection(group->connection);
            group = next;
        }
    }
}

static void push(request *request) {
    pthread_mutex_lock(&mutex);
    MHD_suspend_connection(request->connection);
    request->next = NULL;
    if (last) {
        last->next = request;
    } else {
        first = request;
    }
    last = request;
    pthread_cond_signal(&arrived);
    pthread_mutex_unlock(&mutex);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **slot) {
    request *request = *slot;
    (void)context, (void)path, (void)method, (void)version, (void)data;
    if (!request) {
        *slot = request = calloc(1, sizeof *request);
        if (request) request->connection = connection;
        return request ? MHD_YES : MHD_NO;
    }
    if (*size > 0) return *size = 0, MHD_YES;
    if (!request->committed) return push(request), MHD_YES;
    struct MHD_Response *response = MHD_create_response_from_buffer(sizeof answer, answer, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, 201, response);
    MHD_destroy_response(response);
    return result;
}

static void forget(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode how) {
    (void)context, (void)connection, (void)how;
    free(*slot);
    *slot = NULL;
}

uint16_t floor_start(void) {
    open_table();
    memset(answer, 'x', sizeof answer);
    daemon_of_floor = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle,
                                       NULL, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
                                       MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
    if (!daemon_of_floor || pthread_create(&writer, NULL, write_groups, NULL) != 0) give_up("it does not start");
    return MHD_get_daemon_info(daemon_of_floor, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void floor_stop(void) {
    char command[64];
    pthread_mutex_lock(&mutex);
    stopping = true;
    pthread_cond_signal(&arrived);
    pthread_mutex_unlock(&mutex);
    pthread_join(writer, NULL);
    MHD_stop_daemon(daemon_of_floor);
    sqlite3_stmt *const statements[] = {begin, commit, put_event, put_id};
    for (size_t i = 0; i < 4; i++) sqlite3_finalize(statements[i]);
    sqlite3_close(db);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) fprintf(stderr, "floor: %s stays\n", folder);
}
