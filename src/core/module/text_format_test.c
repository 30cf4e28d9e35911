/*
 * Formats, beyond what the official suite (schema_test.c) asks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above first */
#include <cmocka.h>

#include "core/module/text_format.h"

static void each(const char *name, const char *const *texts, bool fits) {
    const rk_text_format *format = rk_text_format_of(rk_bytes_of_string(name));
    assert_non_null(format);
    for (; *texts; texts++) {
        if (rk_text_format_fits(format, rk_bytes_of_string(*texts)) != fits) fail_msg("%s: \"%s\"", name, *texts);
    }
}

#define FITS(name, ...)    each(name, (const char *const[]){__VA_ARGS__, NULL}, true)
#define REFUSED(name, ...) each(name, (const char *const[]){__VA_ARGS__, NULL}, false)

static void every_format_has_a_name(void **state) {
    (void)state;
    const char *at = rk_text_format_names();
    size_t count = 0;
    for (; *at; count++) {
        size_t size = strcspn(at, ",");
        const rk_text_format *format = rk_text_format_of(rk_bytes_of(at, size));
        assert_non_null(format);
        assert_int_equal(strlen(rk_text_format_name(format)), size);
        assert_false(rk_text_format_fits(format, RK_TEXT("")));
        assert_false(rk_text_format_fits(format, RK_TEXT("\xC3\xA9")));
        at += size + (at[size] ? 2 : 0);
    }
    assert_int_equal(count, 8);
    assert_null(rk_text_format_of(RK_TEXT("hostname")));
    assert_null(rk_text_format_of(RK_TEXT("")));
}

static void times(void **state) {
    (void)state;
    FITS("date", "0000-02-29", "2000-02-29", "9999-12-31");
    REFUSED("date", "1900-02-29", "2024-04-31", "2024-00-01", "2024-01-00", "2024-1-01", "2024-01-01 ");
    FITS("time", "00:00:00Z", "23:59:59.999999999999Z", "23:59:60z", "00:00:60+00:01", "23:58:60-00:01");
    REFUSED("time", "00:00:00", "00:00:00.Z", "24:00:00Z", "23:59:60+00:01", "00:00:60Z", "00:00:00+24:00",
            "00:00:00+00:60", "00:00:00+0000", "99:59:60+76:00");
    FITS("date-time", "2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00", "2016-12-31T15:59:60-08:00",
         "2024-02-29T23:59:60Z", "2024-03-01T05:29:60+05:30", "2016-12-30T23:59:59Z");
    /* No leap second was or can be but at the end of a month of UTC. */
    REFUSED("date-time", "2016-12-30T23:59:60Z", "2024-02-28T23:59:60Z", "2016-12-31T00:59:60+01:00",
            "2016-12-31T23:59:60-01:00", "2016-12-31 23:59:59Z", "2016-12-31T23:59:59", "2016-12-31T", "2016-12-31");
    FITS("date-time", "2016-12-31T00:29:60-23:30", "2016-12-30T23:59:59.5-23:59");
}

static void addresses(void **state) {
    (void)state;
    FITS("ipv4", "0.0.0.0", "255.255.255.255");
    REFUSED("ipv4", "256.0.0.0", "01.0.0.0", "00.0.0.0", "1.2.3", "1.2.3.4.", "1.2.3.4.5", "1..2.3", "1.2.3.1000");
    FITS("ipv6", "::", "::1", "1::", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", "::1.2.3.4",
         "1:2:3:4:5:6:1.2.3.4", "1::6:1.2.3.4", "ABCD:ef01::");
    REFUSED("ipv6", ":", ":::", "1:", ":1", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3",
            "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "1.2.3.4", "::1.2.3", "12345::", "g::", "::1%eth0", "::1 ",
            "1:2:::3");
}

static void emails(void **state) {
    (void)state;
    FITS("email", "a@b", "a.b@c.d-e.f", "\"a b\"@c", "\"\\\"\"@c", "\"\"@c", "a@[1.2.3.4]", "a@[IPv6:::1]",
         "a@[ipv6:1::]", "!#$%&'*+-/=?^_`{|}~@x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x");
    REFUSED("email", "a", "@b", "a@", "a@b@c", ".a@b", "a.@b", "a..b@c", "a@-b", "a@b-", "a@b..c", "a@.b", "a@b.",
            "a b@c", "\"a@c", "\"a\"b@c", "\"\\\x07\"@c", "a@[1.2.3.4", "a@[::1]", "a@[x:y]", "a@[]", "a@b_c", "a@b ",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x",
            "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

static void identifiers(void **state) {
    (void)state;
    FITS("uuid", "2eb8aa08-AA98-11ea-b4aa-73b441d16380");
    REFUSED("uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g",
            "2eb8aa08-aa98-11ea-b4aa073b441d16380", "{2eb8aa08-aa98-11ea-b4aa-73b441d16380}");
    FITS("uri", "a:", "a:b", "a://", "a://b:", "a://b:80/", "a://u:p@b/c?d#e", "a+b-c.d:e", "a://[::1]:80/", "a:/b",
         "a://[v1.x:y]/", "a:?", "a:#", "a:b?/?:@#/?:@", "urn:x:%20", "a://b//c");
    REFUSED("uri", "", ":", "a", "1a:", "a b:", "a:b c", "a:%", "a:%2", "a:%2g", "a://b:x", "a://[::1", "a://[]/",
            "a://[v.x]/", "a://[v1.]/", "a://[v1.%20]/", "a://[::1]x/", "a://u@v@b", "a:[", "a:#b#c", "//a", "a:\\",
            "a://[::1%eth0]/", "a://[fe80::a/]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_has_a_name),
        cmocka_unit_test(times),
        cmocka_unit_test(addresses),
        cmocka_unit_test(emails),
        cmocka_unit_test(identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
