/* iso: a time as AWS and its tools write it: ISO 8601, to the second or finer.
 *	2026-11-22T05:13:36Z	2016-11-23T08:47:11.123000+09:00	2026-11-22T05:13:36
 * What is finer than a second is dropped. Pure. Threads: any. Layer above: credentials, reconcile.
 * Below: none. */
#ifndef CLOUD_AWS_ISO_H
#define CLOUD_AWS_ISO_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970 UTC. False in *ret_zoned: it names no zone, and is read as UTC. False: it is
 * anything else. */
bool iso_read(const char *text, int64_t *ret_time_s, bool *ret_zoned);

#endif
