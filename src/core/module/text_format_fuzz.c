/*
 * Strategy: bytes as a text of each format, and what fits put together into larger texts.
 *
 * Invariants
 *   (1) Nothing crashes, and what fits a format is ASCII without control characters.
 *   (2) A date-time is a date, a letter and a time; a date with a time of the day's first half hour is a date-time.
 *   (3) An ipv4 and an ipv6 stand in an email and in a uri; the ipv4 at the end of an ipv6.
 *   (4) A text that fits one of uuid, date, ipv4 fits no other of them.
 */
#include <string.h>

#include "base/status.h"
#include "core/module/text_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool fits(const char *name, rk_bytes text) {
    return rk_text_format_fits(rk_text_format_of(rk_bytes_of_string(name)), text);
}

static bool fits_within(const char *name, const char *before, rk_bytes text, const char *after) {
    char all[600];
    size_t length = rk_format(all, sizeof all, "%s%b%s", before, text, after);
    return fits(name, rk_bytes_of(all, length));
}

static void check_ascii(rk_bytes text) {
    for (size_t i = 0; i < text.size; i++) RK_ASSERT(text.data[i] >= ' ' && text.data[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"date-time", "date", "time", "email", "uuid", "uri", "ipv4", "ipv6"};
    rk_bytes text = rk_bytes_of(data, size < 500 ? size : 500);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (fits(names[i], text)) check_ascii(text);
    }
    if (fits("date-time", text)) {
        RK_ASSERT(fits("date", (rk_bytes){text.data, 10}) && fits("time", rk_bytes_from(text, 11)));
    }
    if (fits("date", text)) {
        RK_ASSERT(text.size == 10 && fits_within("date-time", "", text, "T00:29:59Z"));
    }
    if (fits("time", text)) {
        RK_ASSERT(fits_within("date-time", "2016-12-31T", text, "") ||
                  fits_within("date-time", "2017-01-01T", text, "") ||
                  fits_within("date-time", "2016-12-30T", text, ""));
    }
    if (fits("ipv4", text)) {
        RK_ASSERT(fits_within("email", "a@[", text, "]") && fits_within("uri", "a://", text, ":80/"));
        RK_ASSERT(fits_within("ipv6", "::ffff:", text, "") && !fits("date", text) && !fits("uuid", text));
    }
    if (fits("ipv6", text)) {
        RK_ASSERT(fits_within("email", "a@[IPv6:", text, "]") && fits_within("uri", "a://[", text, "]"));
        RK_ASSERT(!fits("ipv4", text));
    }
    return 0;
}
