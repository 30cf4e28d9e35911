/*
 * Reading a module: fields, event types, rules. The steps of `apply` are in steps.c.
 */
#include "core/module/module.h"

#include <string.h>

#include "core/module/reader.h"

static const char *const merge_names[] = {"none", "lww", "g-counter", "pn-counter", "or-set", "rga"};

const char *rk_merge_type_name(rk_merge_type merge) {
    return merge_names[merge];
}

const rk_field *rk_module_field(const rk_module *module, rk_bytes name) {
    for (size_t i = 0; i < module->field_count; i++) {
        if (rk_bytes_equal(module->fields[i].name, name)) return &module->fields[i];
    }
    return NULL;
}

const rk_event_type *rk_module_event_type(const rk_module *module, rk_bytes name) {
    for (size_t i = 0; i < module->event_type_count; i++) {
        if (rk_bytes_equal(module->event_types[i].name, name)) return &module->event_types[i];
    }
    return NULL;
}

void rki_find(rki_reader *reader, rk_bytes pointer, const char *message, const char *hint) {
    rki_finding_add(reader->findings, reader->arena, RK_BAD_MODULE, pointer, message, hint);
}

const rk_value *rki_member(rki_reader *reader, const rk_value *map, const char *name, rk_kind kind, bool required,
                           rk_bytes pointer) {
    const rk_value *value = rk_map_find(map, rk_bytes_of_string(name));
    if (value && value->kind == kind) return value;
    if (!value && !required) return NULL;
    static const char *const kinds[] = {"null", "a bool", "a whole number", "", "", "", "text", "a list", "an object"};
    char message[128];
    rk_format(message, sizeof message, value ? "\"%s\" must be %s" : "\"%s\" is missing: %s", name, kinds[kind]);
    rki_find(reader, pointer, message, "");
    return NULL;
}

/* Every key of `map` must be one of `words`; what is not is most often a slip of the pen. */
void rki_refuse_unknown(rki_reader *reader, const rk_value *map, const char *const *words, rk_bytes pointer) {
    char known[RK_ERROR_HINT_MAX] = "";
    for (const char *const *word = words; *word; word++) {
        size_t end = strlen(known);
        rk_format(known + end, sizeof known - end, end ? ", %s" : "known here: %s", *word);
    }
    for (size_t i = 0; i < map->as.map.count; i++) {
        rk_bytes key = map->as.map.pairs[i].key.as.bytes;
        bool found = false;
        for (const char *const *word = words; *word; word++) found |= rk_bytes_equal(key, rk_bytes_of_string(*word));
        if (!found) rki_find(reader, rki_pointer(reader->arena, pointer, key), "unknown word", known);
    }
}

/* ---- fields ---- */

static const rk_bytes field_words[] = {{(const uint8_t *)"merge", 5},
                                       {(const uint8_t *)"ref", 3},
                                       {(const uint8_t *)"edge", 4},
                                       {(const uint8_t *)"index", 5},
                                       {(const uint8_t *)"personal", 8},
                                       {(const uint8_t *)"read", 4},
                                       {NULL, 0}};

static rk_merge_type read_merge(rki_reader *reader, const rk_value *word, rk_bytes pointer) {
    if (!word) return RK_MERGE_NONE;
    for (int merge = RK_MERGE_LWW; merge <= RK_MERGE_RGA; merge++) {
        if (rk_is_text(word, rk_bytes_of_string(merge_names[merge]))) return (rk_merge_type)merge;
    }
    rki_find(reader, rki_pointer(reader->arena, pointer, RK_TEXT("merge")), "there is no such merge type",
             "one of lww, g-counter, pn-counter, or-set, rga");
    return RK_MERGE_NONE;
}

/* What the merge type needs of the schema's type, and what expressions then read. */
static void check_merge(rki_reader *reader, rk_field *field, rk_bytes pointer) {
    rk_type_kind kind = rk_schema_type(field->schema)->kind;
    bool counter = field->merge == RK_MERGE_G_COUNTER || field->merge == RK_MERGE_PN_COUNTER;
    if (counter && kind != RK_TYPE_INT) {
        rki_find(reader, pointer, "a counter is of type integer", "\"type\": \"integer\"");
    }
    if (field->merge == RK_MERGE_RGA && kind != RK_TYPE_STRING) {
        rki_find(reader, pointer, "merge type rga is for text", "\"type\": \"string\"");
    }
    bool scalar = kind == RK_TYPE_STRING || kind == RK_TYPE_INT || kind == RK_TYPE_BOOL;
    if (field->merge == RK_MERGE_OR_SET && !scalar) {
        rki_find(reader, pointer, "an or-set holds texts, integers or booleans", "the type is that of one element");
    }
    if ((counter || field->merge == RK_MERGE_RGA) && rk_schema_constrains(field->schema)) {
        rki_find(reader, pointer, "merging could break this constraint: each write fits, their merge need not",
                 "put the bound on the event's data, or write the field by an ordered event without \"merge\"");
    }
    if (field->merge == RK_MERGE_OR_SET) field->type = rk_type_list(reader->arena, rk_schema_type(field->schema));
}

/* What graph and index need of the field; an or-set is indexed and refers by its elements. */
static void check_use(rki_reader *reader, const rk_field *field, rk_bytes pointer) {
    if (field->edge.size && !field->ref.size) {
        rki_find(reader, pointer, "\"edge\" names a relation, and needs \"ref\"", "");
    }
    if (field->ref.size && !rk_name_valid(field->ref)) {
        rki_find(reader, rki_pointer(reader->arena, pointer, RK_TEXT("ref")), "this is no name of a module",
                 "lower-case letters, digits and '-'");
    }
    if (field->ref.size && !rk_schema_holds_text(field->schema)) {
        rki_find(reader, pointer, "a field with \"ref\" holds ids, which are text",
                 "\"type\": \"string\", or an array of such items");
    }
    if (field->index && field->merge == RK_MERGE_RGA) {
        rki_find(reader, rki_pointer(reader->arena, pointer, RK_TEXT("index")),
                 "a text of merge type rga cannot be indexed", "a title in a field of its own can: lww");
    } else if (field->index && !rk_schema_is_scalar(field->schema)) {
        rki_find(reader, rki_pointer(reader->arena, pointer, RK_TEXT("index")), "lists and objects cannot be indexed",
                 "give the field a \"type\" without array and object");
    }
}

static rk_status read_field(rki_reader *reader, const rk_pair *pair, rk_bytes pointer, rk_field *field) {
    const rk_value *source = &pair->value;
    rk_schema *schema = NULL;
    field->name = pair->key.as.bytes;
    if (!rk_label_valid(field->name, RK_NAME_SIZE_MAX)) rki_find(reader, pointer, "this is no name for a field", "");
    RK_TRY(rk_schema_compile(reader->arena, source, pointer, field_words, reader->findings, &schema));
    field->schema = schema;
    field->type = rk_schema_type(schema);
    if (source->kind == RK_BOOL) rki_find(reader, pointer, "a field is an object", "{} takes any value");
    if (source->kind != RK_MAP) return RK_OK;
    field->merge = read_merge(reader, rki_member(reader, source, "merge", RK_STRING, false, pointer), pointer);
    const rk_value *ref = rki_member(reader, source, "ref", RK_STRING, false, pointer);
    const rk_value *edge = rki_member(reader, source, "edge", RK_STRING, false, pointer);
    const rk_value *index = rki_member(reader, source, "index", RK_BOOL, false, pointer);
    if (ref) field->ref = ref->as.bytes;
    if (edge) field->edge = edge->as.bytes;
    field->index = index && index->as.boolean;
    const rk_value *required = rk_map_find(source, RK_TEXT("required"));
    if (required && required->kind == RK_BOOL) {
        rki_find(reader, rki_pointer(reader->arena, pointer, RK_TEXT("required")), "a field is not required",
                 "\"required\": false is for a member of an event's data");
    }
    if (rk_schema_names_number(schema)) {
        rki_find(reader, pointer, "a field is no \"number\": floats do not fold the same everywhere",
                 "use integer, in the smallest unit");
    }
    if (rk_map_find(source, RK_TEXT("personal"))) {
        rki_finding_add(reader->findings, reader->arena, RK_NOT_YET,
                        rki_pointer(reader->arena, pointer, RK_TEXT("personal")),
                        "personal members need the keys of their subjects, which do not exist yet", "");
    }
    check_merge(reader, field, pointer);
    check_use(reader, field, pointer);
    return field->type ? RK_OK : RK_NO_MEMORY;
}

static rk_status read_fields(rki_reader *reader, const rk_value *source, rk_bytes pointer) {
    size_t count = source->as.map.count;
    rk_field *fields = rk_arena_take_array(reader->arena, count, sizeof *fields);
    if (!fields) return RK_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const rk_pair *pair = &source->as.map.pairs[i];
        RK_TRY(read_field(reader, pair, rki_pointer(reader->arena, pointer, pair->key.as.bytes), &fields[i]));
    }
    reader->module->fields = reader->fields = fields;
    reader->module->field_count = count;
    return RK_OK;
}

/* ---- environments ---- */

/* The fields may stand in the caller's frame. */
static const rk_type *object_of(rk_arena *arena, const char *name, const rk_type_field *fields, size_t count) {
    rk_type_field *copy = rk_arena_take_array(arena, count, sizeof *copy);
    if (!copy) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (!fields[i].type) return NULL;
        copy[i] = fields[i];
    }
    return rk_type_object(arena, rk_bytes_of_string(name), copy, count, false);
}

/* What is folded knows an actor's id and kind; the rest of it changes. */
static const rk_type *actor_type(rk_arena *arena, bool whole) {
    const rk_type *text = rk_type_of(RK_TYPE_STRING), *texts = rk_type_list(arena, text);
    const rk_type_field fields[] = {
        {RK_TEXT("id"), text}, {RK_TEXT("kind"), text}, {RK_TEXT("roles"), texts}, {RK_TEXT("groups"), texts}};
    return object_of(arena, "actor", fields, whole ? 4 : 2);
}

const rk_type *rk_module_actor_type(rk_arena *arena) {
    return actor_type(arena, true);
}

static const rk_type *entity_type(rk_arena *arena, bool whole) {
    const rk_type_field fields[] = {{RK_TEXT("id"), rk_type_of(RK_TYPE_STRING)},
                                    {RK_TEXT("exists"), rk_type_of(RK_TYPE_BOOL)},
                                    {RK_TEXT("version"), rk_type_of(RK_TYPE_INT)}};
    return object_of(arena, "entity", fields, whole ? 3 : 1);
}

static const rk_type *event_type(rk_arena *arena, bool timed) {
    const rk_type_field fields[] = {{RK_TEXT("id"), rk_type_of(RK_TYPE_STRING)},
                                    {RK_TEXT("time"), rk_type_of(RK_TYPE_TIMESTAMP)}};
    return object_of(arena, "event", fields, timed ? 2 : 1);
}

static const rk_type *state_type(rk_arena *arena, const rk_module *module, bool with_merged) {
    rk_type_field *fields = rk_arena_take_array(arena, module->field_count, sizeof *fields);
    if (!fields) return NULL;
    size_t count = 0;
    for (size_t i = 0; i < module->field_count; i++) {
        if (!with_merged && module->fields[i].merge != RK_MERGE_NONE) continue;
        fields[count++] = (rk_type_field){module->fields[i].name, module->fields[i].type};
    }
    return rk_type_object(arena, RK_TEXT("state"), fields, count, false);
}

enum { WITH_DATA = 1, WITH_STATE = 2, WITH_TIME = 4, GUARD = 8 };

/* What an expression may read, by the bits above; a guard reads everything. */
static rk_status environment_of(rk_arena *arena, const rk_module *module, unsigned reach, const rk_type *data,
                                rk_environment *out) {
    bool guard = reach & GUARD;
    rk_variable *variables = rk_arena_take_array(arena, 6, sizeof *variables);
    if (!variables) return RK_NO_MEMORY;
    size_t count = 0;
    variables[count++] = (rk_variable){RK_TEXT("actor"), actor_type(arena, guard)};
    variables[count++] = (rk_variable){RK_TEXT("entity"), entity_type(arena, guard)};
    if (data) {
        variables[count++] = (rk_variable){RK_TEXT("data"), data};
        variables[count++] = (rk_variable){RK_TEXT("event"), event_type(arena, guard || (reach & WITH_TIME))};
    }
    if (guard || (reach & WITH_STATE)) {
        variables[count++] = (rk_variable){RK_TEXT("state"), state_type(arena, module, guard)};
    }
    if (guard) variables[count++] = (rk_variable){RK_TEXT("now"), rk_type_of(RK_TYPE_TIMESTAMP)};
    for (size_t i = 0; i < count; i++) {
        if (!variables[i].type) return RK_NO_MEMORY;
    }
    *out = (rk_environment){variables, count};
    return RK_OK;
}

rk_status rk_module_environment(rk_arena *arena, const rk_module *module, rk_environment *out) {
    return environment_of(arena, module, GUARD, NULL, out);
}

rk_status rki_environments_make(rki_reader *reader, const rk_type *data, rki_environments *out) {
    rk_arena *arena = reader->arena;
    RK_TRY(environment_of(arena, reader->module, GUARD, data, &out->guard));
    RK_TRY(environment_of(arena, reader->module, 0, data, &out->merged));
    return environment_of(arena, reader->module, WITH_STATE | WITH_TIME, data, &out->plain);
}

/* ---- rules ---- */

void rki_check_type(rki_reader *reader, rk_bytes pointer, const rk_type *type, const rk_type *wanted) {
    if (rk_type_fits(type, wanted)) return;
    char message[300];
    rk_format(message, sizeof message, "the expression gives %b where %b is wanted", rk_type_print(reader->arena, type),
              rk_type_print(reader->arena, wanted));
    rki_find(reader, pointer, message, "");
}

/* NULL, with a finding, when it does not compile. */
const rk_program *rki_compile(rki_reader *reader, rk_bytes source, const rk_environment *environment,
                              const rk_type *wanted, rk_bytes pointer) {
    rk_program *program = NULL;
    rk_error error = {0};
    rk_status status = rk_expr_compile(reader->arena, source, environment, &program, &error);
    if (status != RK_OK) {
        rki_finding_of_error(reader->findings, reader->arena, pointer, &error);
        return NULL;
    }
    rki_check_type(reader, pointer, rk_program_type(program), wanted);
    return program;
}

/* What is folded reads the same everywhere and for ever; the rules of a time zone change. */
const rk_program *rki_compile_fold(rki_reader *reader, rk_bytes source, const rk_environment *environment,
                                   const rk_type *wanted, rk_bytes pointer) {
    const rk_program *program = rki_compile(reader, source, environment, wanted, pointer);
    rki_refuse_zones(reader, program, pointer);
    return program;
}

void rki_refuse_zones(rki_reader *reader, const rk_program *program, rk_bytes pointer) {
    if (!program || !rk_program_uses_zones(program)) return;
    rki_find(reader, pointer, "a time zone with a name is for rules and guards: its rules change",
             "use UTC or an offset such as \"+05:30\"");
}

static rk_status read_guards(rki_reader *reader, const rk_value *list, rk_bytes pointer,
                             const rk_environment *environment, rk_event_type *type) {
    rk_guard *guards = rk_arena_take_array(reader->arena, list->as.list.count, sizeof *guards);
    if (!guards) return RK_NO_MEMORY;
    static const char *const words[] = {"that", "else", NULL};
    for (size_t i = 0; i < list->as.list.count; i++) {
        const rk_value *item = &list->as.list.items[i];
        rk_bytes at = rki_pointer_index(reader->arena, pointer, i);
        if (item->kind != RK_MAP) {
            rki_find(reader, at, "a guard is {\"that\": CEL, \"else\": text}", "");
            continue;
        }
        rki_refuse_unknown(reader, item, words, at);
        const rk_value *that = rki_member(reader, item, "that", RK_STRING, true, at);
        const rk_value *otherwise = rki_member(reader, item, "else", RK_STRING, true, at);
        if (that) {
            guards[i].that = rki_compile(reader, that->as.bytes, environment, rk_type_of(RK_TYPE_BOOL),
                                         rki_pointer(reader->arena, at, RK_TEXT("that")));
        }
        if (otherwise) guards[i].otherwise = otherwise->as.bytes;
    }
    rki_guards_find_constant(reader, guards, list->as.list.count, pointer);
    type->guards = guards;
    type->guard_count = list->as.list.count;
    return RK_OK;
}

/* The rule for writing this event type: its own, else `write`, else none. */
static void read_allow_write(rki_reader *reader, const rk_environment *environment, rk_event_type *type) {
    if (!reader->allow) return;
    rk_bytes name = type->name;
    const rk_value *rule = rk_map_find(reader->allow, name);
    if (!rule || rk_bytes_equal(name, RK_TEXT("read"))) {
        name = RK_TEXT("write");
        rule = rk_map_find(reader->allow, name);
    }
    if (!rule || rule->kind != RK_STRING) return;
    rk_bytes pointer = rki_pointer(reader->arena, RK_TEXT("/allow"), name);
    type->allow = rki_compile(reader, rule->as.bytes, environment, rk_type_of(RK_TYPE_BOOL), pointer);
}

/* A rule for writing that every event type goes before is checked all the same, with data of any shape. */
static rk_status check_unused_write(rki_reader *reader) {
    const rk_module *module = reader->module;
    const rk_value *write = rk_map_find(reader->allow, RK_TEXT("write"));
    for (size_t i = 0; i < module->event_type_count; i++) {
        if (!rk_map_find(reader->allow, module->event_types[i].name)) return RK_OK;
        if (rk_bytes_equal(module->event_types[i].name, RK_TEXT("read"))) return RK_OK;
    }
    rk_environment environment;
    if (!write || write->kind != RK_STRING || rk_module_event_type(module, RK_TEXT("write"))) return RK_OK;
    RK_TRY(environment_of(reader->arena, module, GUARD, rk_type_of(RK_TYPE_DYN), &environment));
    (void)rki_compile(reader, write->as.bytes, &environment, rk_type_of(RK_TYPE_BOOL), RK_TEXT("/allow/write"));
    return RK_OK;
}

static rk_status read_allow(rki_reader *reader) {
    const rk_value *allow = reader->allow;
    if (!allow) return RK_OK;
    for (size_t i = 0; i < allow->as.map.count; i++) {
        const rk_pair *pair = &allow->as.map.pairs[i];
        rk_bytes word = pair->key.as.bytes, pointer = rki_pointer(reader->arena, RK_TEXT("/allow"), word);
        bool known = rk_bytes_equal(word, RK_TEXT("read")) || rk_bytes_equal(word, RK_TEXT("write")) ||
                     rk_module_event_type(reader->module, word);
        if (!known) rki_find(reader, pointer, "\"allow\" has read, write and names of event types", "");
        if (pair->value.kind != RK_STRING) rki_find(reader, pointer, "a rule is a CEL text", "");
    }
    RK_TRY(check_unused_write(reader));
    const rk_value *read = rk_map_find(allow, RK_TEXT("read"));
    if (!read || read->kind != RK_STRING) return RK_OK;
    rk_environment environment;
    RK_TRY(rk_module_environment(reader->arena, reader->module, &environment));
    reader->module->allow_read =
        rki_compile(reader, read->as.bytes, &environment, rk_type_of(RK_TYPE_BOOL), RK_TEXT("/allow/read"));
    return RK_OK;
}

/* Who may read a field: the rule reads what the rule for reading the entity does. */
static rk_status read_field_rules(rki_reader *reader, const rk_value *source) {
    rk_environment environment = {NULL, 0};
    for (size_t i = 0; i < source->as.map.count; i++) {
        const rk_value *field = &source->as.map.pairs[i].value;
        rk_bytes pointer = rki_pointer(reader->arena, RK_TEXT("/fields"), reader->fields[i].name);
        pointer = rki_pointer(reader->arena, pointer, RK_TEXT("read"));
        if (field->kind != RK_MAP || !rk_map_find(field, RK_TEXT("read"))) continue;
        const rk_value *rule = rki_member(reader, field, "read", RK_STRING, true, pointer);
        if (!rule) continue;
        if (!environment.count) RK_TRY(rk_module_environment(reader->arena, reader->module, &environment));
        reader->fields[i].read = rki_compile(reader, rule->as.bytes, &environment, rk_type_of(RK_TYPE_BOOL), pointer);
        reader->module->hides = true;
    }
    return RK_OK;
}

/* ---- event types ---- */

static void classify(rk_event_type *type) {
    for (size_t i = 0; i < type->step_count && !type->ordered; i++) {
        const rk_field *field = type->steps[i].field;
        if (!field || field->merge != RK_MERGE_NONE) continue;
        type->ordered = true;
        type->why_ordered = RK_TEXT("it writes a field without \"merge\"");
    }
    if (!type->ordered && type->guard_count > 0) {
        type->ordered = true;
        type->why_ordered = RK_TEXT("it has \"require\"");
    }
}

static rk_status read_event_type(rki_reader *reader, const rk_pair *pair, rk_bytes pointer, rk_event_type *type) {
    static const char *const words[] = {"data", "require", "apply", "description", NULL};
    static const rk_bytes no_words[] = {{NULL, 0}};
    const rk_value *source = &pair->value;
    type->name = pair->key.as.bytes;
    if (!rk_name_valid(type->name)) {
        rki_find(reader, pointer, "this is no name for an event type", "lower-case letters, digits and '-'");
    }
    if (source->kind != RK_MAP) return rki_find(reader, pointer, "an event type is an object", ""), RK_OK;
    rki_refuse_unknown(reader, source, words, pointer);
    const rk_value *data = rki_member(reader, source, "data", RK_MAP, false, pointer);
    const rk_value *require = rki_member(reader, source, "require", RK_LIST, false, pointer);
    const rk_value *apply = rki_member(reader, source, "apply", RK_LIST, false, pointer);
    rk_schema *schema = NULL;
    RK_TRY(rki_schema_of_data(reader->arena, data, rki_pointer(reader->arena, pointer, RK_TEXT("data")), no_words,
                              reader->findings, &schema));
    type->data = schema;
    rki_environments environments;
    RK_TRY(rki_environments_make(reader, rk_schema_type(schema), &environments));
    if (require) {
        RK_TRY(read_guards(reader, require, rki_pointer(reader->arena, pointer, RK_TEXT("require")),
                           &environments.guard, type));
    }
    if (apply) {
        RK_TRY(rki_steps_read(reader, apply, rki_pointer(reader->arena, pointer, RK_TEXT("apply")),
                              rk_schema_type(schema), &environments, type));
    }
    read_allow_write(reader, &environments.guard, type);
    classify(type);
    return RK_OK;
}

static rk_status read_event_types(rki_reader *reader, const rk_value *source) {
    size_t count = source->as.map.count;
    rk_event_type *types = rk_arena_take_array(reader->arena, count, sizeof *types);
    if (!types) return RK_NO_MEMORY;
    reader->module->event_types = types;
    reader->module->event_type_count = count;
    for (size_t i = 0; i < count; i++) {
        const rk_pair *pair = &source->as.map.pairs[i];
        rk_bytes pointer = rki_pointer(reader->arena, RK_TEXT("/events"), pair->key.as.bytes);
        RK_TRY(read_event_type(reader, pair, pointer, &types[i]));
    }
    return RK_OK;
}

/* ---- the whole ---- */

static void read_truth(rki_reader *reader, const rk_value *source) {
    const rk_value *truth = rki_member(reader, source, "truth", RK_STRING, true, RK_TEXT(""));
    if (!truth) return;
    reader->module->truth = truth->as.bytes;
    if (rk_is_text(truth, RK_TEXT("region"))) return;
    bool edge = rk_is_text(truth, RK_TEXT("edge"));
    rki_finding_add(reader->findings, reader->arena, edge ? RK_TIER_MISSING : RK_BAD_MODULE, RK_TEXT("/truth"),
                    edge ? "edge logs do not exist here yet" : "a truth is region or edge", "\"truth\": \"region\"");
}

static void read_identity(rki_reader *reader, const rk_value *source) {
    const rk_value *name = rki_member(reader, source, "module", RK_STRING, true, RK_TEXT(""));
    const rk_value *version = rki_member(reader, source, "version", RK_INT, true, RK_TEXT(""));
    if (name && !rk_name_valid(name->as.bytes)) {
        rki_find(reader, RK_TEXT("/module"), "this is no name for a module", "lower-case letters, digits and '-'");
    }
    if (name) reader->module->name = name->as.bytes;
    if (version && (version->as.integer < 1 || version->as.integer > INT32_MAX)) {
        rki_find(reader, RK_TEXT("/version"), "a version is a whole number from 1", "");
    } else if (version) {
        reader->module->version = (uint32_t)version->as.integer;
    }
}

static rk_status read_module(rki_reader *reader, const rk_value *source) {
    static const char *const words[] = {"module", "version", "truth",       "fields", "events",
                                        "allow",  "upcast",  "description", NULL};
    if (source->kind != RK_MAP) return rki_find(reader, RK_TEXT(""), "a module is an object", ""), RK_OK;
    rki_refuse_unknown(reader, source, words, RK_TEXT(""));
    read_identity(reader, source);
    read_truth(reader, source);
    const rk_value *fields = rki_member(reader, source, "fields", RK_MAP, true, RK_TEXT(""));
    const rk_value *events = rki_member(reader, source, "events", RK_MAP, true, RK_TEXT(""));
    reader->allow = rki_member(reader, source, "allow", RK_MAP, false, RK_TEXT(""));
    if (fields) RK_TRY(read_fields(reader, fields, RK_TEXT("/fields")));
    if (fields) RK_TRY(read_field_rules(reader, fields));
    if (events) RK_TRY(read_event_types(reader, events));
    RK_TRY(rki_upcasts_read(reader, source));
    return read_allow(reader);
}

/*
 * JSON has text keys only, and is no deeper than this; the data of an event may be otherwise. Whoever reads a module
 * after this takes keys for text.
 */
static void refuse_foreign(rki_reader *reader, const rk_value *value, unsigned depth, rk_bytes pointer) {
    bool list = value->kind == RK_LIST, map = value->kind == RK_MAP;
    if (reader->findings->count > 0 || (!list && !map)) return;
    if (depth == RK_VALUE_DEPTH_MAX) return rki_find(reader, pointer, "nested deeper than RK_VALUE_DEPTH_MAX", "");
    for (size_t i = 0; list && i < value->as.list.count; i++) {
        refuse_foreign(reader, &value->as.list.items[i], depth + 1, rki_pointer_index(reader->arena, pointer, i));
    }
    for (size_t i = 0; map && i < value->as.map.count; i++) {
        const rk_pair *pair = &value->as.map.pairs[i];
        if (pair->key.kind != RK_STRING) return rki_find(reader, pointer, "a key that is no text", "");
        refuse_foreign(reader, &pair->value, depth + 1, rki_pointer(reader->arena, pointer, pair->key.as.bytes));
    }
}

static rk_status first_finding(const rk_findings *findings, rk_error *error) {
    const rk_finding *finding = &findings->items[0];
    char where[RK_ERROR_WHERE_MAX];
    rk_format(where, sizeof where, "%b", finding->pointer.size ? finding->pointer : RK_TEXT("/"));
    rk_status status = rk_fail(error, finding->code, where, "%b", finding->message);
    if (finding->hint.size) rk_error_hint(error, "%b", finding->hint);
    return status;
}

rk_status rk_module_compile(rk_arena *arena, const rk_value *source, rk_module **module_out, rk_findings *findings_out,
                            rk_error *error) {
    *module_out = NULL;
    *findings_out = (rk_findings){.count = 0};
    rk_module *module = rk_arena_take(arena, sizeof *module);
    if (!module) return rk_fail(error, RK_NO_MEMORY, "module", "no memory for it");
    rki_reader reader = {.arena = arena, .findings = findings_out, .module = module};
    refuse_foreign(&reader, source, 0, RK_TEXT(""));
    if (findings_out->count > 0) return first_finding(findings_out, error);
    rk_status status = rk_value_copy(arena, source, &module->source);
    if (status == RK_OK) status = read_module(&reader, &module->source);
    if (status != RK_OK) return rk_fail(error, status, "module", "no memory for it");
    if (findings_out->count > 0) return first_finding(findings_out, error);
    *module_out = module;
    return RK_OK;
}

rk_status rk_module_may_follow(const rk_module *now, const rk_module *next, rk_error *error) {
    if (!rk_bytes_equal(now->name, next->name) || next->version != now->version + 1) {
        return rk_fail(error, RK_MODULE_CHANGE, "/version", "%b@%u is to follow %b@%u", next->name,
                       (uint64_t)next->version, now->name, (uint64_t)now->version);
    }
    if (!rk_bytes_equal(now->truth, next->truth)) {
        return rk_fail(error, RK_MODULE_CHANGE, "/truth", "a module's truth never changes");
    }
    for (size_t i = 0; i < now->field_count; i++) {
        const rk_field *before = &now->fields[i], *after = rk_module_field(next, before->name);
        char where[RK_ERROR_WHERE_MAX];
        rk_format(where, sizeof where, "/fields/%b", before->name);
        if (!after) return rk_fail(error, RK_MODULE_CHANGE, where, "a field never goes away");
        bool same = before->merge == after->merge && rk_schema_same_type(before->schema, after->schema);
        if (!same)
            return rk_fail(error, RK_MODULE_CHANGE, where,
                           "a field's type and merge never change, in items and members too");
    }
    return RK_OK;
}
