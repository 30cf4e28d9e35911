/*
 * What `format` asserts of a text. Each is one grammar, and the whole text must be of it.
 *
 *     date-time, date, time   RFC 3339, section 5.6; a 60th second only where UTC has the last one of a day, and with a
 *                             date only on a month's last day
 *     email                   RFC 5321, Mailbox; an address literal is IPv4 or IPv6
 *     uuid                    RFC 4122, section 3, of any version
 *     uri                     RFC 3986, URI: with a scheme
 *     ipv4                    RFC 2673, section 3.2, dotted-quad; no leading zero, which others take for octal
 *     ipv6                    RFC 4291, section 2.2; no zone
 *
 * Invariants
 *   (1) A format takes ASCII only, time linear in the text, and no memory.
 */
#ifndef RK_CORE_MODULE_TEXT_FORMAT_H
#define RK_CORE_MODULE_TEXT_FORMAT_H

#include "base/bytes.h"

typedef struct rk_text_format rk_text_format;

/* NULL when there is none of that name. */
const rk_text_format *rk_text_format_of(rk_bytes name);
const char *rk_text_format_name(const rk_text_format *format);
bool rk_text_format_fits(const rk_text_format *format, rk_bytes text);
/* All names, for messages: "date-time, date, ...". */
const char *rk_text_format_names(void);

#endif
