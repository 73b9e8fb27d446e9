/* alarms: what needs somebody's hand (ISA-18.2): each kind is a row of a table with its code and
 * its remedy. One alarm is one kind at one nest (or at none): it is raised, again and again (it
 * counts), its cause goes away, a person acknowledges it. One that is over and acknowledged stays
 * in the list until its place is needed. Each step is a line in the log; the list itself lives as
 * long as the daemon, for a cause that stands is raised again.
 * Threads: any. Layer above: nest, cycle, shift, desk. Below: control. */
#ifndef STATION_ALARMS_H
#define STATION_ALARMS_H

#include "base/cleanup.h"
#include "station/control/control.h"

#define ALARMS_MAX 256

enum alarm {
	ALARM_SIGNER,	    /* away */
	ALARM_SIGNING,	    /* it answers, and issues nothing: its trouble */
	ALARM_TOKEN,	    /* the token does not answer */
	ALARM_DISK,	    /* of the station */
	ALARM_SIGNER_DISK,  /* of the ledger */
	ALARM_CLOCK,	    /* not synchronised */
	ALARM_NEST_STOPPED, /* units failed there in a row */
	ALARM_JIG_STOP,	    /* the cycle was stopped */
	ALARM_ORDER_LOW,    /* nearly used */
	ALARM_ORDER_USED,
	ALARM_CA_ENDS,	   /* soon */
	ALARM_RECORD,	   /* a run is not on record; of no nest: those that were left */
	ALARM_GOLDEN_DUE,  /* the golden unit */
	ALARM_GOLDEN_FAIL, /* it did not pass */
	ALARM_COUNT
};

struct alarms;

MUST_CHECK bool alarms_new(struct alarms **ret_alarms, struct err *e);
void alarms_free(struct alarms *alarms);
AUTO_DEFINE(alarms, struct alarms *, alarms_free)

/* Raises it once more; nest "" where it is about none. */
void alarms_raise(struct alarms *alarms, enum alarm alarm, const char *nest, const char *text);
/* Its cause is gone; nothing, if it did not stand. */
void alarms_clear(struct alarms *alarms, enum alarm alarm, const char *nest);
/* For who looks again and again: raises it if it does not stand yet, and only changes its text if
 * it does; clears it if `stands` is false. */
void alarms_hold(struct alarms *alarms, enum alarm alarm, const char *nest, bool stands,
		 const char *text);

/* By a person; number 0: all. ERR_NOT_FOUND if there is no such alarm. */
MUST_CHECK bool alarms_acknowledge(struct alarms *alarms, uint64_t number, const char *person,
				   struct err *e);
/* The one with the lowest number above `after`; false at the end. */
bool alarms_next(struct alarms *alarms, uint64_t after, struct control_alarm *ret_alarm);
/* How many nobody has acknowledged. */
uint64_t alarms_open(struct alarms *alarms);

const char *alarms_code(enum alarm alarm); /* "jig-stop" */

#endif
