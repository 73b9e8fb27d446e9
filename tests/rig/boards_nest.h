/* nest: one place of the jig: a wire, and the board that lies there. Folder of the rig:
 *	A1.pty			the line, while a board lies in the nest; unless it has another
 *	A1.flash		-> units/T-0001.flash, the board that lies or last lay there
 *	units/UNIT.flash	every board ever made, tests/rig/boards_vflash.h
 * Threads: one for all nests. Layer above: rig. Below: wire, device. */
#ifndef RIG_BOARDS_NEST_H
#define RIG_BOARDS_NEST_H

#include "tests/rig/boards_device.h"
#include "tests/rig/boards_wire.h"

#define NEST_NAME_SIZE 16

struct rig;

struct nest {
	struct rig *rig;
	char name[NEST_NAME_SIZE];
	const char *line; /* a terminal that is there already; NULL: a pty of our own */
	struct wire wire;
	const struct device_kind *kind;
	struct device *device; /* NULL: empty */
	struct trouble trouble;
	bool trouble_done;
	bool dark;	    /* without power it neither hears nor says anything */
	unsigned noise;	    /* bytes since the last flipped one */
	size_t flip_passed; /* bytes since the trouble began */
};

/* Puts a board in: the one of that unit id, or with NULL a new one. */
MUST_CHECK bool nest_insert(struct nest *nest, const char *unit, struct err *e);
/* Puts in the board that lay there when the rig ended, or else a new one. */
MUST_CHECK bool nest_start(struct nest *nest, struct err *e);
void nest_remove(struct nest *nest);
void nest_set_trouble(struct nest *nest, const struct trouble *trouble);
void nest_restart(struct nest *nest);
/* With power a board starts. */
void nest_power(struct nest *nest, bool on);

/* True if it talks without being asked. */
bool nest_babbles(const struct nest *nest);
/* When it must work at the latest; INT64_MAX: when bytes come. */
int64_t nest_due_ns(const struct nest *nest);
/* Moves bytes and lets the board work. */
void nest_work(struct nest *nest, int64_t now_ns);

#endif
