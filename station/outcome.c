#include "station/outcome.h"

#include "base/log.h"
#include "station/verdict.h"

void outcome_by_jig(const struct seat *seat, struct run *run, const char **remedy)
{
	bool aborted = run->outcome == OUTCOME_ABORTED;
	struct err e;

	if (aborted ? seat_holds(seat, &e) : seat_held(seat, &e))
		return;
	run->outcome = verdict_outcome(e.code);
	run->code = verdict_code(e.code);
	control_copy_text(run->text, sizeof(run->text), e.text);
	*remedy = verdict_remedy(e.code);
}

void outcome_keep(struct runs *runs, struct alarms *alarms, struct run *run, const char **remedy)
{
	struct err e;

	if (runs_add(runs, run, &e)) {
		alarms_clear(alarms, ALARM_RECORD, run->nest);
		return;
	}
	err_add(&e, "the run is not on record");
	log_event(LOG_CRIT, "run not recorded", "nest=%s text=\"%s\"", run->nest, e.text);
	alarms_raise(alarms, ALARM_RECORD, run->nest, e.text);
	run->outcome = OUTCOME_ERROR;
	run->code = "record";
	control_copy_text(run->text, sizeof(run->text), e.text);
	*remedy = "Free space on the disk of the station, or memory, then start the nest again.";
}

void outcome_log(const struct run *run)
{
	int level = run->outcome == OUTCOME_PASS    ? LOG_INFO
		    : run->outcome == OUTCOME_ERROR ? LOG_ERR
						    : LOG_WARNING;
	char unit[CONTROL_TEXT_MAX + 1], text[CONTROL_TEXT_MAX + 1];

	log_event(level, "run ended",
		  "run=%llu nest=%s unit=\"%s\" outcome=%s code=%s step=\"%s\" duration_ms=%llu "
		  "text=\"%s\"",
		  (unsigned long long)run->number, run->nest,
		  log_text(run->unit, unit, sizeof(unit)), control_outcome_name(run->outcome),
		  run->code, run->step, (unsigned long long)run->duration_ms,
		  log_text(run->text, text, sizeof(text)));
}
