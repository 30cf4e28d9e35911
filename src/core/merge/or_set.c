/*
 * The set of inserts. Invariants: or_set.h. The two trees are AVL trees (Adelson-Velsky and Landis, 1962): no priority
 * that a writer of dots could choose against us, and a depth of at most 1.44 log2 n, so recursion is safe.
 */
#include "core/merge/or_set.h"

enum { BY_VALUE, BY_DOT };

struct rki_or_entry {
    rk_value value;
    rk_dot dot;
    struct {
        rki_or_entry *child[2];
        uint32_t height;
    } links[2];
};

static int compare(int tree, const rki_or_entry *a, const rki_or_entry *b) {
    if (tree == BY_VALUE) {
        int order = rk_value_compare(&a->value, &b->value);
        if (order != 0) return order;
    }
    return rk_dot_compare(a->dot, b->dot);
}

/* --- the balanced tree -------------------------------------------------------------------------------------------- */

static uint32_t height(int tree, const rki_or_entry *root) {
    return root == NULL ? 0 : root->links[tree].height;
}

static void measure(int tree, rki_or_entry *root) {
    uint32_t left = height(tree, root->links[tree].child[0]);
    uint32_t right = height(tree, root->links[tree].child[1]);
    root->links[tree].height = 1 + (left > right ? left : right);
}

/* Lifts the child on `side` above `root`. */
static rki_or_entry *rotate(int tree, rki_or_entry *root, int side) {
    rki_or_entry *child = root->links[tree].child[side];
    root->links[tree].child[side] = child->links[tree].child[!side];
    child->links[tree].child[!side] = root;
    measure(tree, root);
    measure(tree, child);
    return child;
}

static bool is_heavy(int tree, const rki_or_entry *root, int side, uint32_t by) {
    return height(tree, root->links[tree].child[side]) >= height(tree, root->links[tree].child[!side]) + by;
}

static rki_or_entry *balance(int tree, rki_or_entry *root) {
    for (int side = 0; side < 2; side++) {
        if (!is_heavy(tree, root, side, 2)) continue;
        rki_or_entry **child = &root->links[tree].child[side];
        if (is_heavy(tree, *child, !side, 1)) *child = rotate(tree, *child, !side);
        return rotate(tree, root, side);
    }
    measure(tree, root);
    return root;
}

static rki_or_entry *link_in(int tree, rki_or_entry *root, rki_or_entry *entry) {
    if (root == NULL) {
        entry->links[tree].child[0] = entry->links[tree].child[1] = NULL;
        entry->links[tree].height = 1;
        return entry;
    }
    rki_or_entry **child = &root->links[tree].child[compare(tree, entry, root) > 0];
    *child = link_in(tree, *child, entry);
    return balance(tree, root);
}

static rki_or_entry *link_out(int tree, rki_or_entry *root, const rki_or_entry *entry) {
    RK_ASSERT(root != NULL);
    rki_or_entry **child = root->links[tree].child;
    if (root != entry) {
        int side = compare(tree, entry, root) > 0;
        child[side] = link_out(tree, child[side], entry);
        return balance(tree, root);
    }
    if (child[0] == NULL) return child[1];
    if (child[1] == NULL) return child[0];
    rki_or_entry *heir = child[1];
    while (heir->links[tree].child[0] != NULL) heir = heir->links[tree].child[0];
    rki_or_entry *right = link_out(tree, child[1], heir);
    heir->links[tree].child[0] = child[0];
    heir->links[tree].child[1] = right;
    return balance(tree, heir);
}

/* A tree of entries that stand in order already, as flat as can be. */
static rki_or_entry *link_sorted(int tree, rki_or_entry *entries, size_t count) {
    if (count == 0) return NULL;
    size_t middle = count / 2;
    rki_or_entry *root = &entries[middle];
    root->links[tree].child[0] = link_sorted(tree, entries, middle);
    root->links[tree].child[1] = link_sorted(tree, entries + middle + 1, count - middle - 1);
    measure(tree, root);
    return root;
}

/* --- looking up --------------------------------------------------------------------------------------------------- */

static rki_or_entry *find_dot(const rk_or_set *set, rk_dot dot) {
    rki_or_entry *entry = set->roots[BY_DOT];
    while (entry != NULL) {
        int order = rk_dot_compare(dot, entry->dot);
        if (order == 0) return entry;
        entry = entry->links[BY_DOT].child[order > 0];
    }
    return NULL;
}

/* Any entry of the value. */
static rki_or_entry *find_value(const rk_or_set *set, const rk_value *value) {
    rki_or_entry *entry = set->roots[BY_VALUE];
    while (entry != NULL) {
        int order = rk_value_compare(value, &entry->value);
        if (order == 0) return entry;
        entry = entry->links[BY_VALUE].child[order > 0];
    }
    return NULL;
}

/* Counts the dots of a value, ascending, and writes them to `dots` unless that is NULL. */
static size_t gather_dots(const rki_or_entry *root, const rk_value *value, rk_dot *dots, size_t count) {
    if (root == NULL) return count;
    int order = rk_value_compare(value, &root->value);
    if (order <= 0) count = gather_dots(root->links[BY_VALUE].child[0], value, dots, count);
    if (order == 0) {
        if (dots != NULL) dots[count] = root->dot;
        count++;
    }
    if (order >= 0) count = gather_dots(root->links[BY_VALUE].child[1], value, dots, count);
    return count;
}

/* All entries in the order of value and dot. */
static size_t gather_entries(const rki_or_entry *root, const rki_or_entry **entries, size_t count) {
    if (root == NULL) return count;
    count = gather_entries(root->links[BY_VALUE].child[0], entries, count);
    entries[count++] = root;
    return gather_entries(root->links[BY_VALUE].child[1], entries, count);
}

bool rk_or_set_has(const rk_or_set *set, rk_dot dot) {
    return find_dot(set, dot) != NULL;
}

bool rk_or_set_contains(const rk_or_set *set, const rk_value *value) {
    return find_value(set, value) != NULL;
}

rk_status rk_or_set_dots(const rk_or_set *set, const rk_value *value, rk_arena *arena, const rk_dot **dots_out,
                         size_t *count_out) {
    *dots_out = NULL;
    *count_out = 0;
    size_t count = gather_dots(set->roots[BY_VALUE], value, NULL, 0);
    rk_dot *dots = rk_arena_take_array(arena, count, sizeof *dots);
    if (dots == NULL) return RK_NO_MEMORY;
    *count_out = gather_dots(set->roots[BY_VALUE], value, dots, 0);
    *dots_out = dots;
    return RK_OK;
}

rk_status rk_or_set_elements(const rk_or_set *set, rk_arena *arena, rk_value *list_out) {
    *list_out = rk_list(NULL, 0);
    const rki_or_entry **entries = rk_arena_take_array(arena, set->count, sizeof *entries);
    rk_value *items = rk_arena_take_array(arena, set->count, sizeof *items);
    if (entries == NULL || items == NULL) return RK_NO_MEMORY;
    size_t entry_count = gather_entries(set->roots[BY_VALUE], entries, 0);
    size_t item_count = 0;
    for (size_t i = 0; i < entry_count; i++) {
        if (item_count > 0 && rk_value_equal(&items[item_count - 1], &entries[i]->value)) continue;
        items[item_count++] = entries[i]->value;
    }
    *list_out = rk_list(items, item_count);
    return RK_OK;
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

void rk_or_set_init(rk_or_set *set, rk_arena *arena) {
    *set = (rk_or_set){.arena = arena};
}

static rki_or_entry *take_entry(rk_or_set *set) {
    rki_or_entry *entry = set->unused;
    if (entry == NULL) return rk_arena_take(set->arena, sizeof *entry);
    set->unused = entry->links[BY_VALUE].child[0];
    return entry;
}

static void give_entry(rk_or_set *set, rki_or_entry *entry) {
    entry->links[BY_VALUE].child[0] = set->unused;
    set->unused = entry;
}

/* Entries of one value share its bytes. */
static rk_status share_value(const rk_or_set *set, const rk_value *value, rk_value *value_out) {
    const rki_or_entry *same = find_value(set, value);
    if (same == NULL) return rk_value_copy(set->arena, value, value_out);
    *value_out = same->value;
    return RK_OK;
}

static bool is_element(const rk_value *value) {
    return value->kind <= RK_STRING;
}

rk_status rk_or_set_insert(rk_or_set *set, const rk_value *value, rk_dot dot) {
    if (!is_element(value)) return RK_BAD_OPERATIONS;
    if (find_dot(set, dot) != NULL) return RK_ID_CONFLICT;
    rki_or_entry *entry = take_entry(set);
    if (entry == NULL) return RK_NO_MEMORY;
    rk_status status = share_value(set, value, &entry->value);
    if (status != RK_OK) {
        give_entry(set, entry);
        return status;
    }
    entry->dot = dot;
    for (int tree = 0; tree < 2; tree++) set->roots[tree] = link_in(tree, set->roots[tree], entry);
    set->count++;
    return RK_OK;
}

static void drop(rk_or_set *set, rki_or_entry *entry) {
    for (int tree = 0; tree < 2; tree++) set->roots[tree] = link_out(tree, set->roots[tree], entry);
    give_entry(set, entry);
    set->count--;
}

void rk_or_set_remove(rk_or_set *set, const rk_dot *dots, size_t count) {
    for (size_t i = 0; i < count; i++) {
        rki_or_entry *entry = find_dot(set, dots[i]);
        if (entry != NULL) drop(set, entry);
    }
}

/* --- state -------------------------------------------------------------------------------------------------------- */

/* The end of the entries that have the value of the one at `from`. */
static size_t value_end(const rki_or_entry **entries, size_t count, size_t from) {
    size_t end = from + 1;
    while (end < count && rk_value_equal(&entries[from]->value, &entries[end]->value)) end++;
    return end;
}

static void encode_element(const rki_or_entry **entries, size_t count, rk_buffer *buffer) {
    rk_cbor_append_head(buffer, 4, 1 + count);
    rk_cbor_append(buffer, &entries[0]->value);
    for (size_t i = 0; i < count; i++) {
        uint8_t dot[RK_DOT_SIZE];
        rk_dot_put(dot, entries[i]->dot);
        rk_cbor_append_bytes(buffer, rk_bytes_of(dot, sizeof dot));
    }
}

void rk_or_set_encode(const rk_or_set *set, rk_buffer *buffer) {
    const rki_or_entry **entries = rk_arena_take_array(buffer->arena, set->count, sizeof *entries);
    if (entries == NULL) {
        if (buffer->status == RK_OK) buffer->status = RK_NO_MEMORY;
        return;
    }
    size_t count = gather_entries(set->roots[BY_VALUE], entries, 0);
    size_t value_count = 0;
    for (size_t at = 0; at < count; at = value_end(entries, count, at)) value_count++;
    rk_cbor_append_head(buffer, 4, value_count);
    for (size_t at = 0, end; at < count; at = end) {
        end = value_end(entries, count, at);
        encode_element(entries + at, end - at, buffer);
    }
}

/* How many dots a decoded state has; false when its shape is wrong. */
static bool count_dots(const rk_value *state, size_t *count_out) {
    *count_out = 0;
    if (state->kind != RK_LIST) return false;
    for (size_t i = 0; i < state->as.list.count; i++) {
        const rk_value *element = &state->as.list.items[i];
        if (element->kind != RK_LIST || element->as.list.count < 2) return false;
        if (!is_element(&element->as.list.items[0])) return false;
        for (size_t j = 1; j < element->as.list.count; j++) {
            const rk_value *dot = &element->as.list.items[j];
            if (dot->kind != RK_BYTES || dot->as.bytes.size != RK_DOT_SIZE) return false;
        }
        *count_out += element->as.list.count - 1;
    }
    return true;
}

static rk_status fill_entries(rk_arena *arena, const rk_value *state, rki_or_entry *entries) {
    for (size_t i = 0; i < state->as.list.count; i++) {
        const rk_value *element = &state->as.list.items[i];
        rk_value value;
        RK_TRY(rk_value_copy(arena, &element->as.list.items[0], &value));
        for (size_t j = 1; j < element->as.list.count; j++) {
            *entries = (rki_or_entry){.value = value, .dot = rk_dot_get(element->as.list.items[j].as.bytes.data)};
            entries++;
        }
    }
    return RK_OK;
}

/* Each value in one element only, values and dots ascending. */
static bool is_canonical(const rk_value *state, const rki_or_entry *entries, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (compare(BY_VALUE, &entries[i - 1], &entries[i]) >= 0) return false;
    }
    for (size_t i = 1; i < state->as.list.count; i++) {
        const rk_value *element = &state->as.list.items[i];
        if (rk_value_equal(&element[-1].as.list.items[0], &element->as.list.items[0])) return false;
    }
    return true;
}

rk_status rk_or_set_decode(rk_arena *arena, const rk_value *state, rk_or_set *set_out) {
    rk_or_set_init(set_out, arena);
    size_t count;
    if (!count_dots(state, &count)) return RK_CORRUPT;
    rki_or_entry *entries = rk_arena_take_array(arena, count, sizeof *entries);
    if (entries == NULL) return RK_NO_MEMORY;
    RK_TRY(fill_entries(arena, state, entries));
    if (!is_canonical(state, entries, count)) return RK_CORRUPT;
    rki_or_entry *by_dot = NULL;
    for (size_t i = 0; i < count; i++) {
        rk_or_set so_far = {.roots = {NULL, by_dot}};
        if (find_dot(&so_far, entries[i].dot) != NULL) return RK_CORRUPT;
        by_dot = link_in(BY_DOT, by_dot, &entries[i]);
    }
    set_out->roots[BY_VALUE] = link_sorted(BY_VALUE, entries, count);
    set_out->roots[BY_DOT] = by_dot;
    set_out->count = count;
    return RK_OK;
}
