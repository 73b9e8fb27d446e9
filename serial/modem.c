#include "serial/modem.h"

#include "base/clock.h"
#include "serial/fault.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const char *const refused[] = { "ERROR", "+CME ERROR: #", NULL };

enum arguments { NO_ARGUMENT, TAG, TAG_AND_TYPE };

/* clang-format off */
static const struct command {
	struct line_command line; /* keep, done, refused, ms, tries, may be empty, quoted */
	const char *text;
	enum arguments arguments; /* behind the text, with commas between */
	const char *rest;	  /* behind these */
} commands[] = {
	[MODEM_WAKE]     = { { NULL, "OK", refused, 300, 1, false, false }, "AT", NO_ARGUMENT, "" },
	[MODEM_VERBOSE]  = { { NULL, "OK", refused, 600, 3, false, false }, "AT+CMEE=1", NO_ARGUMENT, "" },
	[MODEM_OFFLINE]  = { { NULL, "OK", refused, 5000, 2, false, false }, "AT+CFUN=4", NO_ARGUMENT, "" },
	[MODEM_IMEI]     = { { "#", "OK", refused, 600, 3, false, false }, "AT+CGSN", NO_ARGUMENT, "" },
	[MODEM_UUID]     = { { "%DEVICEUUID: *", "OK", refused, 600, 3, false, false }, "AT%DEVICEUUID", NO_ARGUMENT, "" },
	[MODEM_VERSION]  = { { "mfw_*", "OK", refused, 1000, 2, true, false }, "AT+CGMR", NO_ARGUMENT, "" },
	[MODEM_KEYGEN]   = { { "%KEYGEN: *", "OK", refused, 6000, 1, true, false }, "AT%KEYGEN=", TAG, ",2,0" },
	[MODEM_STORE]    = { { NULL, "OK", refused, 4000, 1, false, false }, "AT%CMNG=0,", TAG_AND_TYPE, ",\"" },
	[MODEM_LIST]     = { { "%CMNG: *", "OK", refused, 2000, 1, true, false }, "AT%CMNG=1,", TAG, "" },
	[MODEM_SHOW]     = { { "%CMNG: *", "OK", refused, 2000, 1, true, true }, "AT%CMNG=2,", TAG_AND_TYPE, "" },
	[MODEM_DELETE]   = { { NULL, "OK", refused, 2000, 2, false, false }, "AT%CMNG=3,", TAG_AND_TYPE, "" },
};
/* clang-format on */

static const struct {
	unsigned cme;
	enum fault fault;
	const char *text;
} refusals[] = {
	{ 0, FAULT_REFUSED,
	  "ERROR, and no reason; does its firmware pass AT commands on, and know this one "
	  "(modem firmware 1.3.0 or later)?" },
	{ MODEM_NOT_FOUND, FAULT_FLASH,
	  "there is no such credential (CME 513); was it deleted under another sec_tag?" },
	{ 514, FAULT_REFUSED,
	  "access is not allowed (CME 514); the sec_tag is one that its firmware protects: choose "
	  "another in the product" },
	{ 515, FAULT_NO_ROOM,
	  "its memory for credentials is full (CME 515); delete those of other sec_tags" },
	{ MODEM_ACTIVE, FAULT_REFUSED,
	  "the modem is active (CME 518); its firmware must leave it offline (AT+CFUN=4) while it "
	  "is provisioned" },
	{ MODEM_EXISTS, FAULT_REFUSED,
	  "there is a credential already that cannot be replaced (CME 519); delete it, or choose "
	  "another sec_tag" },
	{ 523, FAULT_REFUSED,
	  "it could not make a key (CME 523); power it off and on, and run it "
	  "again" },
	{ 527, FAULT_REFUSED,
	  "it does not take the content (CME 527); its firmware wants PEM with other line ends: "
	  "see encoding in the product" },
	{ 528, FAULT_REFUSED,
	  "its supply is about to fail (CME 528); check the power of this nest" },
};

/* The refusal as a sentence with its remedy. Always false. */
static bool explain(struct modem *m, struct err *e)
{
	if (e->code != FAULT_REFUSED)
		return false;
	m->cme = 0;
	if (sscanf(m->line.refusal, "+CME ERROR: %9u", &m->cme) != 1)
		m->cme = 0;
	for (size_t i = 0; i < COUNT(refusals); i++)
		if (refusals[i].cme == m->cme)
			return err_set(e, (int)refusals[i].fault, "the modem refused: %s",
				       refusals[i].text);
	return err_set(e, FAULT_REFUSED,
		       "the modem refused (CME %u); see the AT reference of its firmware", m->cme);
}

bool modem_refused_for(const struct modem *m, const struct err *e, enum modem_cme cme)
{
	return (e->code == FAULT_REFUSED || e->code == FAULT_FLASH) && m->cme == (unsigned)cme;
}

void modem_put(struct modem *m, enum modem_verb verb, unsigned type)
{
	const struct command *command = &commands[verb];
	size_t size = sizeof(m->command);

	if (command->arguments == TAG_AND_TYPE)
		snprintf(m->command, size, "%s%u,%u%s", command->text, m->sec_tag, type,
			 command->rest);
	else if (command->arguments == TAG)
		snprintf(m->command, size, "%s%u%s", command->text, m->sec_tag, command->rest);
	else
		snprintf(m->command, size, "%s", command->text);
}

bool modem_send(struct modem *m, enum modem_verb verb, int64_t deadline, struct err *e)
{
	m->cme = 0;
	return line_ask(&m->line, bytes_text(m->command), &commands[verb].line, deadline, e) ||
	       explain(m, e);
}

bool modem_ask(struct modem *m, enum modem_verb verb, unsigned type, int64_t deadline,
	       struct err *e)
{
	modem_put(m, verb, type);
	return modem_send(m, verb, deadline, e);
}

/* The modem stays active until it is told not to be, and after each restart. */
bool modem_ask_offline(struct modem *m, enum modem_verb verb, unsigned type, int64_t deadline,
		       struct err *e)
{
	struct err first;

	if (modem_ask(m, verb, type, deadline, e))
		return true;
	if (!modem_refused_for(m, e, MODEM_ACTIVE))
		return false;
	first = *e;
	if (!modem_ask(m, MODEM_OFFLINE, 0, deadline, e))
		return false;
	*e = first;
	return modem_ask(m, verb, type, deadline, e);
}

/* A quote that noise opened swallows each command until the next quote. After ERROR it listens
 * again: that was for what stood before our AT. */
bool modem_wake_up(struct modem *m, int64_t deadline, struct err *e)
{
	while (!line_await(&m->line, bytes_text("AT"), &commands[MODEM_WAKE].line, "\"", deadline,
			   e))
		if (e->code != FAULT_REFUSED || clock_monotonic_ms() >= deadline)
			return explain(m, e);
	return modem_ask(m, MODEM_VERBOSE, 0, deadline, e);
}
