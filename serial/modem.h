/* modem: the AT commands that an nRF91 modem understands, one table of them, and what it says when
 * it refuses: each refusal is a sentence with its remedy. The files it keeps are named by a sec_tag,
 * which most commands carry, and a type. Errors beside those of line.h: FAULT_REFUSED, FAULT_FLASH,
 * FAULT_NO_ROOM, with the reason in `cme`. Threads: one a modem. Source: nRF91 AT commands, %KEYGEN
 * and %CMNG. Layer above: driver nrf91. Below: line. */
#ifndef SERIAL_MODEM_H
#define SERIAL_MODEM_H

#include "serial/line.h"

#define MODEM_COMMAND_MAX 4095 /* characters: at_host's buffer */

/* Reasons of a refusal that a caller may do something about. */
enum modem_cme {
	MODEM_NOT_FOUND = 513,
	MODEM_ACTIVE = 518,
	MODEM_EXISTS = 519,
};

enum modem_verb {
	MODEM_WAKE,
	MODEM_VERBOSE, /* with the reason of a refusal */
	MODEM_OFFLINE,
	MODEM_IMEI,
	MODEM_UUID,
	MODEM_VERSION,
	MODEM_KEYGEN,
	MODEM_STORE, /* ends in the quote that opens the content */
	MODEM_LIST,
	MODEM_SHOW,
	MODEM_DELETE,
};

struct modem {
	struct line line;
	unsigned sec_tag;
	unsigned cme; /* of the last refusal; 0: a plain ERROR */
	char command[MODEM_COMMAND_MAX + 1];
};

/* Wakes whatever passes the commands on, in whatever state it was left. */
MUST_CHECK bool modem_wake_up(struct modem *m, int64_t deadline, struct err *e);

/* Puts the command together; the type is for those that name a file. */
void modem_put(struct modem *m, enum modem_verb verb, unsigned type);

/* Sends what was put together; the answer is in `line`. */
MUST_CHECK bool modem_send(struct modem *m, enum modem_verb verb, int64_t deadline, struct err *e);

/* Both. */
MUST_CHECK bool modem_ask(struct modem *m, enum modem_verb verb, unsigned type, int64_t deadline,
			  struct err *e);

/* And where the modem refuses because it is active, it is put offline, and asked again. */
MUST_CHECK bool modem_ask_offline(struct modem *m, enum modem_verb verb, unsigned type,
				  int64_t deadline, struct err *e);

/* True if that failure is the modem's refusal for this reason. */
bool modem_refused_for(const struct modem *m, const struct err *e, enum modem_cme cme);

#endif
