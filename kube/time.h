/* RFC 3339 times as metav1.Time (whole seconds) and metav1.MicroTime write them, and Go durations
 * ("1h2m3.5s"). Times are nanoseconds since 1970-01-01T00:00:00Z in an int64_t. */
#ifndef VMCONFORM_KUBE_TIME_H
#define VMCONFORM_KUBE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

#define TIME_TEXT 40

/* "2026-01-01T00:00:00Z": fractions cut off, as metav1.Time does. */
void time_format(int64_t ns, char out[TIME_TEXT]);
/* "2026-01-01T00:00:00.000000Z" */
void time_format_micro(int64_t ns, char out[TIME_TEXT]);
/* 0, 3, 6 or 9 digits as needed (protobuf JSON, CEL's string(timestamp)). */
void time_format_nano(int64_t ns, char out[TIME_TEXT]);
/* RFC 3339 with any fraction and any offset. false when it is not one or does not fit. */
bool time_parse(const char *text, int64_t *ret_ns);
/* The same for all years that four digits can write (0000..9999), which nanoseconds in an int64_t
 * do not reach; nanos 0..999999999, `digits` of them are written. */
void time_format_seconds(int64_t seconds, int64_t nanos, unsigned digits, char out[TIME_TEXT]);
bool time_parse_seconds(const char *text, int64_t *ret_seconds, int64_t *ret_nanos);

/* Go's time.ParseDuration: "300ms", "-1.5h", "2h45m", "0". */
bool duration_parse(const char *text, int64_t *ret_ns);
/* Go's Duration.String: "1h0m0s", "1.5s", "0s". */
void duration_format(int64_t ns, char out[TIME_TEXT]);

/* Calendar parts of a time in UTC. */
struct time_parts {
    int year, month /* 1..12 */, day /* 1..31 */, hour, minute, second, weekday /* 0 = Sunday */,
        yearday /* 0.. */;
    int64_t nanos;
};
void time_split(int64_t ns, struct time_parts *ret);
/* Days since 1970-01-01; month 1..12, day 1..31. */
int64_t time_days(int64_t year, int month, int day);
void time_split_seconds(int64_t seconds, int64_t nanos, struct time_parts *ret);

#endif
