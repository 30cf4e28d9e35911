/*
 * Every limit on what comes from outside, in one place. Passing one is RK_LIMIT with the limit's name.
 * Sizes are bytes unless the name says otherwise.
 */
#ifndef RK_BASE_LIMITS_H
#define RK_BASE_LIMITS_H

enum {
    RK_VALUE_DEPTH_MAX = 64,           /* nesting of lists and maps in any value, JSON or CBOR */
    RK_FIELD_DEPTH_MAX = 61,           /* nesting of a field's value: RK_VALUE_DEPTH_MAX less what is around it */
    RK_VALUE_ITEMS_MAX = 1 << 22,      /* items of one list or map */
    RK_EVENT_SIZE_MAX = 4 << 20,       /* one encoded event */
    RK_NAME_SIZE_MAX = 64,             /* module, field, event type, role names */
    RK_ACTOR_SIZE_MAX = 128,           /* actor.id */
    RK_ENTITY_SIZE_MAX = 256,          /* the id part of module/id */
    RK_TRANSACTION_EVENTS_MAX = 10000, /* events of one transaction */
    RK_EACH_ITEMS_MAX = 10000,         /* elements that one step's `each` goes over */
    RK_CONDITIONS_MAX = 100,           /* conditions of one transaction */
    RK_BATCH_LEAVES_MAX = 1 << 16,     /* events and preconditions of one batch */
    RK_BATCH_SIZE_MAX = 64 << 20,      /* one encoded batch; holds at least a few events of the largest size */
    RK_GROUP_SIZE_MAX = 16 << 20,      /* events of one group commit; past it no transaction is taken into it */
    RK_RECORD_SIZE_MAX = 16 << 10,     /* one commit record: bitmap of RK_BATCH_LEAVES_MAX bits + 1 KiB */
    RK_MODULE_SIZE_MAX = 1 << 20,      /* one encoded module */
    RK_EXPRESSION_SIZE_MAX = 64 << 10, /* one expression's source */
    RK_EXPRESSION_DEPTH_MAX = 250,     /* nesting of one expression's tree */
    RK_ORDER_MAX = 8,                  /* fields that a query orders by */
    RK_QUERY_ROWS_MAX = 100000,        /* rows of one query that must be sorted before the first is given out */
    RK_QUERY_SIZE_MAX = 512 << 20,     /* of these rows */
    RK_STEPS_MAX = 1000000,            /* steps of one evaluation */
    RK_FILTER_STEPS_MAX = 10000,       /* steps of a filter on one event of the log */
    RK_LINE_SIZE_MAX = 96 << 20,       /* one line of an export file: a batch in base64 and its frame */
    RK_STATE_SIZE_MAX = 256 << 20,     /* one entity's encoded merge state */
    RK_DRIFT_MS_MAX = 60 * 1000,       /* how far an event's own stamp may count ahead of its commit stamp */
    RK_LAMPORT_JUMP_MAX = 1 << 24,     /* how far a text id may lie ahead of the text's highest */
};

/* Around the value stand [stamp, id, value], [merge type, state], the map of fields; in an event as many. */
_Static_assert(RK_FIELD_DEPTH_MAX + 3 == RK_VALUE_DEPTH_MAX, "what a field takes can be stored and read back");
_Static_assert(RK_BATCH_SIZE_MAX >= 8 * RK_EVENT_SIZE_MAX, "a batch holds a few of the largest events");
_Static_assert(RK_RECORD_SIZE_MAX >= RK_BATCH_LEAVES_MAX / 8 + 1024, "a record holds the largest bitmap");
_Static_assert(RK_LINE_SIZE_MAX >= RK_BATCH_SIZE_MAX / 3 * 4 + RK_RECORD_SIZE_MAX * 2,
               "a line holds a batch in base64");

#endif
