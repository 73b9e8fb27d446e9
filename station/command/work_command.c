/* scan, logout, mode, free, alarms, badge: what people do beside starting boards. */
#include "station/command/command.h"
#include "station/command/print.h"
#include "station/command/view.h"

#include <errno.h>
#include <inttypes.h>

static uint8_t record[MESSAGE_MAX];

static bool copy(char *at, size_t size, const char *what, const char *value, struct err *e)
{
	if (strlen(value ? value : "") >= size)
		return err_set(e, ERR_USAGE, "%s is longer than %zu characters", what, size - 1);
	strcpy(at, value ? value : "");
	return true;
}

#define COPY(field, what, value, e) copy(field, sizeof(field), what, value, e)

/* Asks, prints what the station says, and returns the exit code. */
static int ask(const struct control_request *request)
{
	char text[CONTROL_TEXT_MAX + 1];
	struct control_reply reply;
	struct err e;

	if (!view_call(request, record, &reply, NULL, &e))
		return command_fail(&e);
	print_copy(text, sizeof(text), reply.text);
	if (*text)
		puts(text);
	return request->type == CONTROL_SCAN && reply.code == SCAN_UNKNOWN ? EXIT_FAILED
									   : EXIT_DONE;
}

int scan_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_SCAN };
	struct err e;

	if (!COPY(request.unit, "what was scanned", options->arguments[0], &e) ||
	    !COPY(request.nests, "--nest", options->nest, &e))
		return command_fail(&e);
	return ask(&request);
}

int logout_command(const struct options *options)
{
	(void)options;
	return ask(&(struct control_request) { .type = CONTROL_LOGOUT });
}

int mode_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_MODE };
	enum control_mode mode;
	struct err e;

	if (!control_mode_parse(options->arguments[0], &mode)) {
		err_set(&e, ERR_USAGE, "a mode is one of normal, dry-run, golden");
		return command_fail(&e);
	}
	request.value = mode;
	if (!COPY(request.badge, "--badge", options->badge, &e))
		return command_fail(&e);
	return ask(&request);
}

int free_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_FREE };
	struct err e;

	if (!command_join_names(options, request.nests, sizeof(request.nests), &e) ||
	    !COPY(request.badge, "--badge", options->badge, &e))
		return command_fail(&e);
	return ask(&request);
}

/* --- badges --- */

int badge_enrol_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_BADGE };
	enum control_role role;
	struct err e;

	if (!options->person || !options->role || !control_role_parse(options->role, &role)) {
		err_set(&e, ERR_USAGE,
			"say --person NAME and --role operator, technician or supervisor");
		return command_fail(&e);
	}
	request.value = role;
	if (!COPY(request.unit, "the badge", options->arguments[0], &e) ||
	    !COPY(request.operator, "--person", options->person, &e))
		return command_fail(&e);
	return ask(&request);
}

int badge_withdraw_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_BADGE };
	struct err e;

	if (!COPY(request.unit, "the badge", options->arguments[0], &e))
		return command_fail(&e);
	return ask(&request);
}

static void print_badge(const struct options *options, const struct control_badge *badge)
{
	AUTO(json) object = NULL;

	if (!options->json) {
		printf("%-16s  %-10s  %s\n", badge->badge, control_role_name(badge->role),
		       badge->person);
		return;
	}
	object = json_pack("{ss ss ss so}", "badge", badge->badge, "person", badge->person, "role",
			   control_role_name(badge->role), "enrolled_at",
			   print_json_time(badge->enrolled_at));
	print_json(object);
}

int badge_list_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_BADGES };
	struct control_reply reply;
	struct control_badge badge;
	struct err e;

	do {
		struct reader r;

		if (!view_call(&request, record, &reply, NULL, &e))
			return command_fail(&e);
		r = (struct reader) { .data = reply.rows.data, .len = reply.rows.len };
		for (; control_badge_read(&r, &badge); request.after++)
			print_badge(options, &badge);
	} while (reply.more && reply.rows.len > 0);
	return EXIT_DONE;
}

/* --- alarms --- */

static int acknowledge(const char *which)
{
	struct control_request request = { .type = CONTROL_ACKNOWLEDGE };
	char *end = NULL;
	struct err e;

	errno = 0;
	if (*which >= '0' && *which <= '9')
		request.after = strtoull(which, &end, 10);
	if (strcmp(which, "all") != 0 && (!end || *end || errno || request.after == 0)) {
		err_set(&e, ERR_USAGE, "--acknowledge wants the number of an alarm, or all");
		return command_fail(&e);
	}
	return ask(&request);
}

static void print_alarm_json(const struct control_alarm *a)
{
	AUTO(json)
	object = json_pack("{sI ss ss sb sI so so ss ss ss}", "number", (json_int_t)a->number,
			   "code", a->code, "nest", a->nests, "active", (int)a->active, "count",
			   (json_int_t)a->count, "raised_at", print_json_time(a->raised_at),
			   "acknowledged_at", print_json_time(a->acknowledged_at), "person",
			   a->person, "text", a->text, "remedy", a->remedy);

	print_json(object);
}

/* One that is over and acknowledged is history: only --json shows it. */
static void print_alarm(const struct options *options, const struct control_alarm *a)
{
	char text[CONTROL_TEXT_MAX + 1];

	if (options->json) {
		print_alarm_json(a);
		return;
	}
	if (!a->active && a->acknowledged_at)
		return;
	print_copy(text, sizeof(text), a->text);
	printf("%4" PRIu64 "  %-12s %-4s %s%s%s", a->number, a->code, a->nests, text,
	       a->active ? "" : " (over)", a->acknowledged_at ? " (seen by " : "");
	printf("%s%s", a->person, a->acknowledged_at ? ")" : "");
	if (a->count > 1)
		printf(" (%" PRIu64 " times)", a->count);
	printf("\n%*s%s\n", 24, "", a->remedy);
}

int alarms_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_ALARMS };
	struct control_alarm alarm;
	struct control_reply reply;
	struct err e;

	if (options->acknowledge)
		return acknowledge(options->acknowledge);
	do {
		struct reader r;

		if (!view_call(&request, record, &reply, NULL, &e))
			return command_fail(&e);
		r = (struct reader) { .data = reply.rows.data, .len = reply.rows.len };
		while (control_alarm_read(&r, &alarm)) {
			print_alarm(options, &alarm);
			request.after = alarm.number;
		}
	} while (reply.more && reply.rows.len > 0);
	return EXIT_DONE;
}
