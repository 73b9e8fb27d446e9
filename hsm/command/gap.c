/* gap: after a restore, the runs of the station's own record whose certificates the ledger does not
 * know: they were signed in the gap, and lie in boards. */
#include "hsm/command/command.h"

#include "base/file.h"
#include "base/hex.h"
#include "hsm/api/refusal.h"

#include <errno.h>

#define RUN_LINE_MAX 65536

struct gap {
	const struct arguments *a;
	json_t *asked; /* certificate ids as keys */
	json_t *begun; /* certificate ids: the run under way with it, until its end is read */
	uint64_t unknown;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool is_known(const char *id, bool *ret_known, struct err *e)
{
	struct request request = { .type = REQUEST_CERTIFICATE };
	struct reply reply;

	if (strlen(id) != 2 * SHA256_LEN || !hex_decode(id, request.certificate_id, SHA256_LEN))
		return err_set(e, ERR_INVALID, "\"%.80s\" is no certificate id", id);
	*ret_known = client_ask(&command_signer, &request, -1, &reply, e);
	return *ret_known || e->code == REFUSAL_UNKNOWN;
}

static void show(struct gap *g, const json_t *run)
{
	if (g->unknown++ == 0 && !g->a->json)
		printf("%-14s %-12s %-4s %-8s %-20s %s\n", "UNIT", "ORDER", "NEST", "OUTCOME",
		       "ENDED", "CERTIFICATE ID");
	if (g->a->json)
		command_print(run);
	else
		printf("%-14s %-12s %-4s %-8s %-20s %s\n", text_of(run, "unit"),
		       text_of(run, "order"), text_of(run, "nest"), text_of(run, "outcome"),
		       text_of(run, "ended_at"), text_of(run, "certificate_id"));
}

/* Each certificate once; a run without one says nothing here. */
static bool take_run(struct gap *g, const char *id, const json_t *run, struct err *e)
{
	bool known;

	if (!*id || json_object_get(g->asked, id))
		return true;
	if (!is_known(id, &known, e) || json_object_set_new(g->asked, id, json_true()))
		return false;
	if (!known)
		show(g, run);
	return true;
}

/* A run under way most often has its end on record too: that one says more. */
static bool take_line(struct gap *g, const char *text, struct err *e)
{
	AUTO(json) run = json_loads(text, 0, NULL);
	const char *id = text_of(run, "certificate_id");

	if (!run)
		return err_set(e, ERR_INVALID, "it is no line of JSON");
	if (json_object_get(run, "act"))
		return !*id || json_object_get(g->asked, id) ||
		       json_object_set(g->begun, id, run) == 0 ||
		       err_set(e, ERR_SYSTEM, "no memory for a list");
	json_object_del(g->begun, id);
	return take_run(g, id, run, e);
}

/* The power went in the middle of these, and the board may hold its certificate. */
static bool take_begun(struct gap *g, struct err *e)
{
	const char *id;
	json_t *run;

	json_object_foreach(g->begun, id, run)
	{
		if (!take_run(g, id, run, e))
			return false;
	}
	return true;
}

/* A last line without its end was being written as the power went. */
static bool read_runs(struct gap *g, const char *path, struct err *e)
{
	AUTO(FILE) file = fopen(path, "re");
	static char line[RUN_LINE_MAX + 1];
	size_t number = 0, len;

	if (!file)
		return err_errno(e, ERR_SYSTEM, "cannot read %s", path);
	while ((len = file_line(file, line, sizeof(line))) > 0) {
		number++;
		if (feof(file))
			break;
		if (len >= sizeof(line))
			return err_set(e, ERR_INVALID, "%s:%zu: the line is too long", path,
				       number);
		if (!take_line(g, line, e))
			return err_add(e, "%s:%zu", path, number);
	}
	return !ferror(file) || err_errno(e, ERR_SYSTEM, "cannot read %s", path);
}

int gap_command(const struct arguments *a)
{
	AUTO(json) asked = json_object();
	AUTO(json) begun = json_object();
	struct gap gap = { .a = a, .asked = asked, .begun = begun };
	struct err e;

	if (!asked || !begun) {
		err_set(&e, ERR_SYSTEM, "no memory for a list");
		return command_failed(&e);
	}
	if (!read_runs(&gap, a->operand, &e) || !take_begun(&gap, &e))
		return command_failed(&e);
	if (gap.unknown == 0)
		fprintf(stderr, "every certificate of these runs is in the ledger\n");
	else
		fprintf(stderr,
			"in boards, and not in the ledger: %llu; keep this list beside it\n",
			(unsigned long long)gap.unknown);
	return gap.unknown ? COMMAND_ALARM : 0;
}
