/* Time zones by their names in the tz database ("Europe/Berlin"), as the system has them. */
#ifndef VMCONFORM_CEL_ZONE_H
#define VMCONFORM_CEL_ZONE_H

#include <stddef.h>
#include <stdint.h>

#define ZONE_NAME_MAX 63

struct zone;
/* New. NULL: there is none of that name, or its file cannot be understood (RFC 9636, versions 2 to
 * 4). The name need not be terminated. */
struct zone *zone_read(const char *name, size_t len);
/* The same of a file's bytes, which may be any. */
struct zone *zone_parse(const void *bytes, size_t len);
void zone_destroy(struct zone *z);
/* Seconds east of UTC at a moment, in seconds since 1970. */
int32_t zone_offset(const struct zone *z, int64_t at);

#endif
