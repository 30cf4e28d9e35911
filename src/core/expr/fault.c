/*
 * What can go wrong in a run, and its words.
 *
 * Invariants
 *   (1) The words are CEL's where the specification has some, so that a reader of its documentation knows them.
 */
#include "core/expr/code.h"
#include "core/value/decimal.h"

rk_bytes rki_kind_name(rk_kind kind) {
    switch (kind) {
    case RK_NULL:
        return RK_TEXT("null_type");
    case RK_BOOL:
        return RK_TEXT("bool");
    case RK_INT:
        return RK_TEXT("int");
    case RK_UINT:
        return RK_TEXT("uint");
    case RK_DOUBLE:
        return RK_TEXT("double");
    case RK_BYTES:
        return RK_TEXT("bytes");
    case RK_STRING:
        return RK_TEXT("string");
    case RK_LIST:
        return RK_TEXT("list");
    case RK_MAP:
        return RK_TEXT("map");
    case RK_TIMESTAMP:
        return RK_TEXT("google.protobuf.Timestamp");
    case RK_DURATION:
        return RK_TEXT("google.protobuf.Duration");
    case RK_TYPE:
        return RK_TEXT("type");
    case RK_OPTIONAL:
        return RK_TEXT("optional_type");
    }
    RK_UNREACHABLE("a kind without a name");
}

rk_bytes rk_expr_type_name(const rk_value *value) {
    return rki_kind_name(value->kind);
}

rk_status rki_fault_both(rki_run *run, const rki_op *op, rki_fault_kind kind, rk_bytes name, const rk_value *value) {
    run->fault = (rki_fault){.kind = kind, .offset = op->offset, .name = name, .value = *value};
    return RK_EXPRESSION_FAILED;
}

rk_status rki_fault_at(rki_run *run, const rki_op *op, rki_fault_kind kind) {
    return rki_fault_both(run, op, kind, (rk_bytes){NULL, 0}, &(rk_value){.kind = RK_NULL});
}

rk_status rki_fault_name(rki_run *run, const rki_op *op, rki_fault_kind kind, rk_bytes name) {
    return rki_fault_both(run, op, kind, name, &(rk_value){.kind = RK_NULL});
}

rk_status rki_fault_value(rki_run *run, const rki_op *op, rki_fault_kind kind, const rk_value *value) {
    return rki_fault_both(run, op, kind, (rk_bytes){NULL, 0}, value);
}

rk_status rki_no_overload(rki_run *run, const rki_op *op, rk_bytes name, const rk_value *arguments, size_t count) {
    rki_fault_name(run, op, RKI_FAULT_NO_OVERLOAD, name);
    run->fault.kind_count = count;
    for (size_t i = 0; i < count; i++) run->fault.kinds[i] = arguments[i].kind;
    return RK_EXPRESSION_FAILED;
}

enum { VALUE_TEXT_SIZE = 96 };

/* A value as it stands in a message: numbers and short text themselves, anything else by its kind. */
static void print_value(const rk_value *value, char *out, size_t out_size) {
    char number[RK_DECIMAL_SIZE_MAX];
    switch (value->kind) {
    case RK_BOOL:
        rk_format(out, out_size, "%s", value->as.boolean ? "true" : "false");
        return;
    case RK_INT:
        rk_format(out, out_size, "%d", value->as.integer);
        return;
    case RK_UINT:
        rk_format(out, out_size, "%u", value->as.uinteger);
        return;
    case RK_DOUBLE:
        rk_format(out, out_size, "%b", rk_bytes_of(number, rk_decimal_print(value->as.number, number)));
        return;
    case RK_STRING:
        rk_format(out, out_size, "%b", value->as.bytes);
        return;
    default:
        rk_format(out, out_size, "%b", rki_kind_name(value->kind));
    }
}

/* "int + string" for an operator, "-uint" for a sign, "size(int)" for a function. */
static void print_call(const rki_fault *fault, char *out, size_t out_size) {
    rk_bytes name = fault->name, first = {NULL, 0};
    if (fault->kind_count > 0) first = rki_kind_name(fault->kinds[0]);
    bool is_binary = name.data[0] == '_', is_unary = !is_binary && name.data[name.size - 1] == '_';
    if (is_binary) {
        rk_bytes sign = rk_bytes_of(name.data + 1, name.size - 2);
        rk_format(out, out_size, "%b %b %b", first, sign, rki_kind_name(fault->kinds[1]));
        return;
    }
    if (is_unary) {
        rk_format(out, out_size, "%b%b", rk_bytes_of(name.data, name.size - 1), first);
        return;
    }
    size_t size = rk_format(out, out_size, "%b(", name);
    for (size_t i = 0; i < fault->kind_count; i++) {
        size += rk_format(out + size, out_size - size, i > 0 ? ", %b" : "%b", rki_kind_name(fault->kinds[i]));
    }
    rk_format(out + size, out_size - size, ")");
}

static rk_status report(const rki_run *run, rk_error *error, const char *where) {
    const rki_fault *fault = &run->fault;
    char value[VALUE_TEXT_SIZE], call[2 * VALUE_TEXT_SIZE];
    const rk_status code = RK_EXPRESSION_FAILED;
    print_value(&fault->value, value, sizeof value);
    switch (fault->kind) {
    case RKI_FAULT_NO_KEY:
        return rk_fail(error, code, where, "no such key: %s", value);
    case RKI_FAULT_NO_FIELD:
        return rk_fail(error, code, where, "%b has no field %b", rki_kind_name(fault->value.kind), fault->name);
    case RKI_FAULT_NO_OVERLOAD:
        print_call(fault, call, sizeof call);
        return rk_fail(error, code, where, "no such overload: %s", call);
    case RKI_FAULT_INDEX:
        return rk_fail(error, code, where, "index out of bounds: %s", value);
    case RKI_FAULT_INDEX_KIND:
        return rk_fail(error, code, where, "%s cannot be an index here", value);
    case RKI_FAULT_DIVIDE:
        return rk_fail(error, code, where, "divide by zero");
    case RKI_FAULT_MODULUS:
        return rk_fail(error, code, where, "modulus by zero");
    case RKI_FAULT_OVERFLOW:
        return rk_fail(error, code, where, "integer overflow");
    case RKI_FAULT_RANGE:
        return rk_fail(error, code, where, "range error: %s does not fit %b", value, fault->name);
    case RKI_FAULT_CONVERSION:
        return rk_fail(error, code, where, "type conversion error: \"%s\" is no %b", value, fault->name);
    case RKI_FAULT_TIME_RANGE:
        return rk_fail(error, code, where, "range error: the %b would be out of range", fault->name);
    case RKI_FAULT_PATTERN:
        return rk_fail(error, code, where, "not a regular expression: %b", fault->name);
    case RKI_FAULT_UTF8:
        return rk_fail(error, code, where, "invalid UTF-8 in bytes, cannot convert to string");
    case RKI_FAULT_NONE:
        return rk_fail(error, code, where, "optional.none() has no value");
    case RKI_FAULT_SAME_KEY:
        return rk_fail(error, code, where, "a map with the key %s twice", value);
    case RKI_FAULT_KEY_KIND:
        return rk_fail(error, code, where, "a %b cannot be a map's key", rki_kind_name(fault->value.kind));
    case RKI_FAULT_UNDECLARED:
        return rk_fail(error, code, where, "undeclared reference to %b", fault->name);
    case RKI_FAULT_UNBOUND:
        return rk_fail(error, code, where, "unbound function: %b", fault->name);
    case RKI_FAULT_NOT_BOOL:
        return rk_fail(error, code, where, "no such overload: a %b where true or false should stand",
                       rki_kind_name(fault->value.kind));
    case RKI_FAULT_NOT_OPTIONAL:
        return rk_fail(error, code, where, "a %b where an optional should stand", rki_kind_name(fault->value.kind));
    case RKI_FAULT_SAID:
        return rk_fail(error, code, where, "%b", fault->name);
    case RKI_FAULT_GIVEN:
        return rk_fail(error, code, where, "%b, not a %b", fault->name, rki_kind_name(fault->value.kind));
    case RKI_FAULT_HOST:
        return code;
    }
    RK_UNREACHABLE("a fault without words");
}

rk_status rki_fault_report(const rki_run *run, rk_error *error) {
    if (!error) return RK_EXPRESSION_FAILED;
    char where[RK_ERROR_WHERE_MAX];
    rki_source_column(run->program->source, run->fault.offset, where, sizeof where);
    return report(run, error, where);
}
