#include "station/answer.h"

#include "base/log.h"

static void done(struct desk *s, struct caller *caller, uint64_t code, const char *text)
{
	struct control_reply reply = { .type = CONTROL_DONE, .code = code };

	control_copy_text(reply.text, sizeof(reply.text), text);
	answer_send(s, caller, &reply, -1);
}

static void done_or_refused(struct desk *s, struct caller *caller, bool ok, const char *text,
			    const struct err *e)
{
	if (ok)
		done(s, caller, 0, text);
	else
		answer_refuse(s, caller, e);
}

/* The badge of somebody who may allow it: the second scan. */
static bool allowed_by(struct desk *s, const struct caller *caller, enum control_role least,
		       struct control_badge *ret_badge, struct err *e)
{
	if (!*caller->request.badge)
		return err_set(e, ERR_REFUSED, "that needs the badge of a %s: scan it now",
			       control_role_name(least));
	if (!people_find(s->config.people, caller->request.badge, ret_badge, e))
		return false;
	if (ret_badge->role >= least)
		return true;
	log_event(LOG_WARNING, "badge not enough", "request=%s person=\"%s\" role=%s",
		  control_name(caller->request.type), ret_badge->person,
		  control_role_name(ret_badge->role));
	return err_set(e, ERR_REFUSED, "that needs the badge of a %s, and %s is %s",
		       control_role_name(least), ret_badge->person,
		       control_role_name(ret_badge->role));
}

/* --- scans --- */

static bool is_label_text(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= BOARD_TEXT_MAX && !strpbrk(text, " \"\\");
}

/* The nest whose board has that label, or is that unit and not gone yet; NULL if there is none. */
static const char *nest_with(const struct desk *s, const char *label, size_t but)
{
	for (size_t i = 0; i < s->config.settings->nest_count; i++) {
		struct control_nest nest;

		box_show(nest_box(s->config.nests[i]), &nest);
		if (i != but && nest.state != CONTROL_EMPTY &&
		    (strcmp(nest.label, label) == 0 || strcmp(nest.unit, label) == 0))
			return nest_name(s->config.nests[i]);
	}
	return NULL;
}

static bool choose_nest(const struct desk *s, const struct caller *caller, size_t *ret_index,
			struct err *e)
{
	uint64_t nests;

	if (!answer_nests_named(s, caller->request.nests, &nests, e))
		return false;
	if (!*caller->request.nests)
		nests = s->shift.unlabelled;
	else if (__builtin_popcountll(nests) != 1)
		return err_set(e, ERR_INVALID, "a label is for one nest: name one");
	else if (!(nests & s->shift.labelled))
		return err_set(e, ERR_REFUSED, "the product takes no label for nest %s",
			       caller->request.nests);
	if (nests == 0)
		return err_set(e, ERR_REFUSED,
			       "no board waits for a label; put one in, or name "
			       "its nest");
	*ret_index = (size_t)__builtin_ctzll(nests);
	return true;
}

static bool bind_label(struct desk *s, const struct caller *caller, char text[static 128],
		       struct err *e)
{
	const char *label = caller->request.unit, *other;
	struct control_nest nest;
	size_t index;

	if (!choose_nest(s, caller, &index, e))
		return false;
	other = nest_with(s, label, index);
	if (other)
		return err_set(e, ERR_REFUSED, "%s is the board in nest %s already", label, other);
	box_show(nest_box(s->config.nests[index]), &nest);
	if (nest.state == CONTROL_RUNNING)
		return err_set(e, ERR_BUSY, "nest %s runs; scan the label when it has ended",
			       nest.name);
	if (nest.state == CONTROL_EMPTY)
		return err_set(e, ERR_REFUSED,
			       "nest %s is empty; put the board in, then scan its "
			       "label",
			       nest.name);
	box_label(nest_box(s->config.nests[index]), label);
	s->shift.unlabelled &= ~(UINT64_C(1) << index);
	snprintf(text, 128, "label %s is for nest %s", label, nest.name);
	return true;
}

static void scan_label(struct desk *s, struct caller *caller)
{
	char text[128];
	struct err e;

	shift_look_at_labels(&s->shift);
	if (!is_label_text(caller->request.unit) || !s->shift.labelled)
		done(s, caller, SCAN_UNKNOWN,
		     "nobody's badge, and no label is wanted now; nothing was changed");
	else if (bind_label(s, caller, text, &e))
		done(s, caller, SCAN_LABEL, text);
	else
		answer_refuse(s, caller, &e);
}

void answer_scan(struct desk *s, struct caller *caller)
{
	struct control_badge badge;
	char text[CONTROL_TEXT_MAX + 1];
	struct err e;

	shift_active(&s->shift);
	if (people_login(s->config.people, caller->request.unit, &badge, &e)) {
		snprintf(text, sizeof(text), "%s is logged in: %s", badge.person,
			 control_role_name(badge.role));
		done(s, caller, SCAN_BADGE, text);
	} else if (e.code == ERR_NOT_FOUND) {
		scan_label(s, caller);
	} else {
		answer_refuse(s, caller, &e);
	}
}

void answer_logout(struct desk *s, struct caller *caller)
{
	people_logout(s->config.people, "asked");
	done(s, caller, 0, "nobody is logged in now");
}

/* --- what a supervisor allows --- */

static bool any_runs(const struct desk *s)
{
	for (size_t i = 0; i < s->config.settings->nest_count; i++)
		if (box_state_now(nest_box(s->config.nests[i])) == CONTROL_RUNNING)
			return true;
	return false;
}

/* Back to normal may everybody who may start; away from it a technician's badge, or a technician's
 * user, who needs none, but a wrong one is refused. */
static bool may_change_mode(struct desk *s, const struct caller *caller, char person[static 65],
			    struct err *e)
{
	uint64_t mode = caller->request.value;
	struct control_badge badge = { 0 };

	if (mode >= MODE_COUNT)
		return err_set(e, ERR_INVALID, "a mode is one of normal, dry-run, golden");
	if (mode == MODE_GOLDEN && s->config.settings->work.golden_count == 0)
		return err_set(e, ERR_REFUSED,
			       "station.yaml names no golden units (golden: units:)");
	if (any_runs(s))
		return err_set(e, ERR_BUSY, "boards run; change the mode when they have ended");
	if (mode != MODE_NORMAL &&
	    (*caller->request.badge || !(caller->roles & STATION_TECHNICIAN)) &&
	    !allowed_by(s, caller, BADGE_TECHNICIAN, &badge, e))
		return false;
	strcpy(person, badge.person);
	return true;
}

void answer_mode(struct desk *s, struct caller *caller)
{
	struct runs_act act = { .kind = ACT_MODE,
				.shift = s->shift.began,
				.mode = (enum control_mode)caller->request.value };
	char text[64];
	struct err e;
	bool ok;

	shift_active(&s->shift);
	ok = may_change_mode(s, caller, act.person, &e);
	answer_operator(s, caller, act.operator);
	ok = ok && runs_do(s->config.runs, &act, &e);
	if (ok)
		log_event(LOG_NOTICE, "mode changed", "mode=%s operator=\"%s\" person=\"%s\"",
			  control_mode_name(act.mode), act.operator, act.person);
	snprintf(text, sizeof(text), "mode %s%s", control_mode_name(act.mode),
		 act.mode == MODE_NORMAL ? "" : ": no certificate is made");
	done_or_refused(s, caller, ok, text, &e);
}

static bool free_nests(struct desk *s, struct caller *caller, uint64_t nests, struct err *e)
{
	char operator[CONTROL_NAME_MAX + 1];
	struct control_badge badge;

	if (!allowed_by(s, caller, BADGE_SUPERVISOR, &badge, e))
		return false;
	answer_operator(s, caller, operator);
	for (size_t i = 0; i < s->config.settings->nest_count; i++) {
		if (!(nests >> i & 1))
			continue;
		if (!nest_let_off(s->config.nests[i], badge.person, operator, e))
			return false;
		log_event(LOG_NOTICE, "nest freed", "nest=%s operator=\"%s\" supervisor=\"%s\"",
			  nest_name(s->config.nests[i]), operator, badge.person);
	}
	return true;
}

void answer_free(struct desk *s, struct caller *caller)
{
	uint64_t nests;
	struct err e;
	bool ok;

	shift_active(&s->shift);
	ok = *caller->request.nests ||
	     err_set(&e, ERR_INVALID, "name the nests that shall be freed");
	ok = ok && answer_nests_named(s, caller->request.nests, &nests, &e) &&
	     free_nests(s, caller, nests, &e);
	done_or_refused(s, caller, ok, "freed; that is on record", &e);
}

/* --- lists --- */

static void send_rows(struct desk *s, struct caller *caller, const struct writer *w, bool more)
{
	struct control_reply reply = { .type = CONTROL_ROWS, .more = more };

	reply.rows = bytes_of(s->rows, w->len);
	answer_send(s, caller, &reply, -1);
}

void answer_alarms(struct desk *s, struct caller *caller)
{
	struct writer w = { .data = s->rows, .size = sizeof(s->rows) };
	struct control_alarm alarm;
	uint64_t after = caller->request.after;
	bool more = false;

	while (!more && alarms_next(s->config.alarms, after, &alarm)) {
		struct writer before = w;

		control_alarm_write(&w, &alarm);
		more = !writer_ok(&w);
		if (more)
			w = before;
		after = alarm.number;
	}
	send_rows(s, caller, &w, more);
}

void answer_acknowledge(struct desk *s, struct caller *caller)
{
	char operator[CONTROL_NAME_MAX + 1];
	struct err e;

	shift_active(&s->shift);
	answer_operator(s, caller, operator);
	done_or_refused(s, caller,
			alarms_acknowledge(s->config.alarms, caller->request.after, operator, & e),
			"acknowledged", &e);
}

void answer_badges(struct desk *s, struct caller *caller)
{
	struct writer w = { .data = s->rows, .size = sizeof(s->rows) };
	struct control_badge badge;
	bool more = false;

	for (size_t i = caller->request.after; !more && people_badge(s->config.people, i, &badge);
	     i++) {
		struct writer before = w;

		control_badge_write(&w, &badge);
		more = !writer_ok(&w);
		if (more)
			w = before;
	}
	send_rows(s, caller, &w, more);
}

void answer_badge(struct desk *s, struct caller *caller)
{
	const struct control_request *r = &caller->request;
	char by[32];
	struct err e;
	bool ok;

	snprintf(by, sizeof(by), "uid %u", (unsigned)caller->peer.uid);
	if (r->value == BADGE_NONE)
		ok = people_withdraw(s->config.people, r->unit, by, &e);
	else
		ok = people_enrol(s->config.people, r->unit,
				  r->operator,(enum control_role) r->value, by, &e);
	done_or_refused(s, caller, ok, r->value == BADGE_NONE ? "withdrawn" : "enrolled", &e);
}
