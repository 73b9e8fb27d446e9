/* people: whose badges are enrolled, and who is logged in at the station.
 *	badges.jsonl	in the station's lib folder, mode 0600: one line for each change, the last
 *			one of a badge holds: {"badge":…,"person":…,"role":"operator"|"technician"|
 *			"supervisor"|"" (withdrawn),"at":…,"by":…}
 * A badge is 4 to 64 printable ASCII characters without blanks. It lets a person do here what the
 * role may; it never is a right at the signer. Who is logged in is forgotten at the end of the
 * shift, after a time without work, and with the daemon.
 * Threads: any. Layer above: nest, shift, desk. Below: lines, control. */
#ifndef STATION_PEOPLE_H
#define STATION_PEOPLE_H

#include "base/cleanup.h"
#include "station/control/control.h"

#define PEOPLE_BADGES_MAX 512 /* withdrawn ones too */

struct people;

/* The caller keeps dir_fd open. */
MUST_CHECK bool people_open(int dir_fd, struct people **ret_people, struct err *e);
void people_close(struct people *people);
AUTO_DEFINE(people, struct people *, people_close)

/* Return when it is durable. ERR_INVALID: no badge's or person's form; ERR_REFUSED: it is somebody
 * else's; ERR_NOT_FOUND: nobody's. */
MUST_CHECK bool people_enrol(struct people *people, const char *badge, const char *person,
			     enum control_role role, const char *by, struct err *e);
MUST_CHECK bool people_withdraw(struct people *people, const char *badge, const char *by,
				struct err *e);
/* A badge that is enrolled now; ERR_REFUSED if it was withdrawn, ERR_NOT_FOUND. */
MUST_CHECK bool people_find(struct people *people, const char *badge,
			    struct control_badge *ret_badge, struct err *e);
/* The index-th that is enrolled now; false at the end. */
bool people_badge(struct people *people, size_t index, struct control_badge *ret_badge);

/* Logs in the person of that badge; who was there before is logged out. */
MUST_CHECK bool people_login(struct people *people, const char *badge,
			     struct control_badge *ret_badge, struct err *e);
void people_logout(struct people *people, const char *why);
/* Who is logged in; false, and an empty badge, if nobody is. */
bool people_now(struct people *people, struct control_badge *ret_badge);

#endif
