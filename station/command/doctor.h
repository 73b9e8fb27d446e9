/* doctor: what the parts of `imprint doctor` share. Every row goes through base/check.
 * Threads: one. Layer above: command. Below: child, base/check. */
#ifndef STATION_COMMAND_DOCTOR_H
#define STATION_COMMAND_DOCTOR_H

#include "base/check.h"
#include "base/err.h"

#define DOCTOR_TEXT_SIZE 65536 /* of what one program says */

/* True unless IMPRINT_DIR puts the station elsewhere: only then are users and units its own. */
bool doctor_installed(void);

/* Users, groups and who asks; clock; programs that grab serial lines; the screen's locale. */
void doctor_users(struct check *c);
void doctor_machine(struct check *c);

/* The units, as systemd knows them; no row without systemd. */
void doctor_units(struct check *c);
/* Reads what `systemctl show` said: KEY=VALUE lines, a blank line between units. */
void doctor_read_units(char *text, struct check *c);

/* Packs what support needs, and no secret, into a new file. Unit ids are left out unless
 * `with_units`. Returns the exit code. */
int doctor_bundle(const char *path, bool with_units);

#endif
