/*
 * Time zones by name, from the TZif files (RFC 8536) that the system keeps, such as Debian's tzdata.
 *
 * Invariants
 *   (1) No name leads out of the folder: letters, digits, _ + - and single slashes, the first a capital letter, which
 *       also leaves out what depends on the machine ("localtime") or counts leap seconds ("right/...").
 *   (2) A damaged file is refused as a whole and answers nothing.
 *   (3) Every moment has an answer: before the first transition that of the file's first type, past the last one that
 *       of the rule in the file's footer.
 */
#ifndef RK_IO_ZONE_H
#define RK_IO_ZONE_H

#include "base/map.h"

enum { RK_ZONE_NAME_SIZE_MAX = 64, RK_ZONE_FILE_SIZE_MAX = 64 << 10 };

/* --- one zone --------------------------------------------------------------------------------------------------- */

typedef struct rk_zone rk_zone;

/* Reads a TZif file, into the arena; the zone borrows nothing from it. RK_CORRUPT, RK_NO_MEMORY. */
RK_MUST_USE rk_status rk_zone_read(rk_arena *arena, rk_bytes file, const rk_zone **zone_out);
/* How many seconds local time is ahead of UTC at that moment (seconds since 1970), less than a day. */
int64_t rk_zone_offset(const rk_zone *zone, int64_t seconds);

/* --- all of a folder -------------------------------------------------------------------------------------------- */

/* Embedded by value; the fields are its own. Zones that were asked for stay in the arena. */
typedef struct rk_zones {
    const char *folder;
    rk_arena *arena;
    rk_map loaded;
} rk_zones;

/* `folder` NULL: the system's, /usr/share/zoneinfo. */
void rk_zones_init(rk_zones *zones, rk_arena *arena, const char *folder);
/*
 * As rk_activation.zone wants it. RK_NOT_FOUND: there is no zone of that name, or it cannot have that name.
 * RK_CORRUPT: its file is damaged. RK_IO, RK_NO_MEMORY.
 */
RK_MUST_USE rk_status rk_zone_ahead(rk_zones *zones, rk_bytes name, int64_t seconds, int64_t *ahead_out);

#endif
