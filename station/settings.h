/* settings: etc/station.yaml, what the station daemon knows of its nests and its people.
 *	station: SZ1
 *	start: command				or arrival; default command. With `jig:` it is jig,
 *						and nothing else
 *	baud: 115200				default for all nests; ignored on pty: and unix:
 *	line_gap_ms: 0				0..1000, default 0: the driver's own
 *	timeouts:				optional, each in ms, 100..600000
 *	  identify_ms: 3000
 *	  csr_ms: 20000				a board may make its key first
 *	  certificate_ms: 20000			the signer's answer
 *	  install_ms: 20000			all files, written and compared
 *	  prove_ms: 5000
 *	access:					users by name or number, groups with "@" in front
 *	  operator: ["@imprint"]		start, abort, and all that a reader may
 *	  technician: [1003]			optional: probe and jig too
 *	  reader: ["@imprint-reader"]		optional: status, watch, runs
 *	takt_s: 24				optional: the pace that is wanted, seconds a cycle
 *	shifts: ["06:00", "14:00", "22:00"]	when they begin, in the station's time zone; default
 *						["00:00"]
 *	retest: { tries: 2, reseat: yes }	how often a unit may fail before a supervisor frees
 *						it (1..100; absent: no limit); reseat: a board that
 *						failed must be seen to leave before its next try
 *	stop_after: 3				units that failed in a row in one nest stop it (0:
 *						never, ..16)
 *	golden: { units: [G-1], every_hours: 12 }	known good units, and how often one must
 *						pass (1..720; absent: nobody is reminded)
 *	login: { needed: yes, idle_min: 30 }	default no; a start needs a person who has scanned a
 *						badge; idle_min 1..1440, default 30
 *	nests:					1 to 64; names and ports are unique
 *	  - { name: A1, port: /dev/serial/by-path/pci-0000:00:14.0-usb-0:2.1:1.0-port0 }
 *	  - { name: A2, port: "pty:/dev/pts/7", baud: 921600, row: 1, column: 2 }
 *	  - { name: B1, port: /dev/ttyS1, driver: nrf91 }	boards of another driver than the
 *						product's first: its part under board.others
 *	jig: …					optional: see fixtures/map.h
 * A nest's name is 1 to 16 of A-Z a-z 0-9 and "-". Its place in the jig is `row` and `column`, from
 * 1; absent, letters and digits of the name say it (B3: row 2, column 3), or else row 1 and its
 * place in the list. Mistakes: ERR_INVALID, "FILE:LINE:COLUMN: …" and what is allowed.
 * Threads: read-only after loading: any. Layer above: station. Below: base/config, serial/board,
 * fixtures/map. */
#ifndef STATION_SETTINGS_H
#define STATION_SETTINGS_H

#include "base/access.h"
#include "base/err.h"
#include "fixtures/map.h"
#include "hsm/api/issuance.h"
#include "serial/board.h"

#define STATION_NESTS_MAX 64
#define STATION_PORT_MAX 255 /* characters of a port's address */
#define STATION_PEERS_MAX 48
#define STATION_SIDE_MAX 64 /* rows or columns of a jig */
#define STATION_BAUD_DEFAULT 115200
#define STATION_SHIFTS_MAX 8
#define STATION_GOLDEN_MAX 16
#define STATION_STOP_MAX 16 /* of stop_after */

enum station_start { START_COMMAND = 1, START_ARRIVAL, START_JIG };

/* Bits: who may ask what on the control socket. */
enum station_role { STATION_READER = 1, STATION_OPERATOR = 2, STATION_TECHNICIAN = 4 };

struct station_peer {
	struct access_name who;
	unsigned role; /* exactly one station_role */
};

struct station_timeouts {
	unsigned identify_ms, csr_ms, certificate_ms, install_ms, prove_ms;
};

struct station_nest {
	char name[NEST_MAX_LEN + 1];
	char port[STATION_PORT_MAX + 1];
	char driver[BOARD_DRIVER_MAX + 1]; /* of its boards; "": the product's first */
	unsigned baud;
	unsigned line_gap_ms;
	unsigned row, column; /* from 1 */
};

/* What holds for a shift's work. */
struct station_work {
	unsigned takt_s;			    /* 0: none */
	unsigned shift_minutes[STATION_SHIFTS_MAX]; /* after midnight, rising */
	size_t shift_count;
	unsigned retest_tries; /* 0: no limit */
	bool reseat;
	unsigned stop_after; /* 0: never */
	char golden[STATION_GOLDEN_MAX][NAME_MAX_LEN + 1];
	size_t golden_count;
	unsigned golden_every_hours; /* 0: nobody is reminded */
	bool login_needed;
	unsigned login_idle_min;
};

struct station_settings {
	char station[NAME_MAX_LEN + 1];
	enum station_start start;
	struct station_timeouts timeouts;
	struct station_nest nests[STATION_NESTS_MAX];
	size_t nest_count;
	struct map jig; /* with START_JIG */
	struct station_peer peers[STATION_PEERS_MAX];
	size_t peer_count;
	struct station_work work;
};

/* Loads etc/station.yaml at path. */
MUST_CHECK bool station_settings_load(const char *path, struct station_settings *ret_settings,
				      struct err *e);

/* The roles of a caller, as bits; 0: none. uid 0 has none of its own. */
unsigned station_settings_role(const struct station_settings *s, const struct socket_peer *peer);

/* True if a bus of the jig is reached by IP. */
bool station_settings_need_ip(const struct station_settings *s);

/* When the shift of that time began: seconds since 1970, by the station's time zone. */
int64_t station_shift_began(const struct station_settings *s, int64_t wall_s);

/* True if that is one of the golden units. */
bool station_is_golden(const struct station_settings *s, const char *unit);

/* The nest of that name, or NULL. */
const struct station_nest *station_settings_nest(const struct station_settings *s,
						 const char *name);

#endif
