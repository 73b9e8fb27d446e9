/* publish: the list of issued certificates, for the activation function.
 *	ID.json		one object a certificate id:
 *		{"certificateId","caCertificateId","state":"issued|installed|void|revoked",
 *		 "unit","product","order","station","updatedAt"}
 *	LEDGER.head.json	the head up to which that ledger is published; written last
 *	LEDGER.run	of a run under way: the issued entry that it has come to, and its head
 * Both heads must be prefixes of the ledger, and signed by its key, or nothing is published. Several
 * may publish one ledger at a time: each mark says what is true by itself, and no state goes back. */
#include "base/hex.h"
#include "cloud/command/changes.h"
#include "cloud/command/command.h"
#include "cloud/command/depot.h"
#include "cloud/ledger/source.h"

#include <inttypes.h>

#define HEAD_SUFFIX ".head.json"
#define RUN_SUFFIX ".run"
#define RUN_EVERY 100 /* objects, between two writings of LEDGER.run */
#define SAY_EVERY_MS 1000
#define PUT_TRIES 8

struct publishing {
	const struct arguments *a;
	struct depot *depot;
	struct source *source;
	struct changes *changes;
	struct changes_mark mark;
	uint64_t done, all;
	int64_t say_at_ms;
};

/* --- what was published before --- */

static const char *mark_name(const struct source *s, const char *suffix,
			     char name[static DEPOT_NAME_MAX + 1])
{
	strcat(hex_encode(bytes_of(source_ledger_id(s), LEDGER_ID_LEN), name), suffix);
	return name;
}

/* The head must be of this ledger, and a prefix of it: that is found when it is read. */
static bool expect(struct publishing *p, const char *text, uint64_t *ret_size, struct err *e)
{
	struct head head;
	bool ours = false;

	if (!head_parse(text, &head, e) || !source_expect(p->source, &head, &ours, e))
		return false;
	if (!ours)
		return err_set(e, ERR_CORRUPT, "its head is of another ledger");
	*ret_size = head.size;
	return true;
}

static bool read_head_mark(struct publishing *p, struct err *e)
{
	char name[DEPOT_NAME_MAX + 1];
	struct depot_object mark;

	mark_name(p->source, HEAD_SUFFIX, name);
	if (!depot_get(p->depot, name, &mark, e))
		return false;
	return !mark.found || expect(p, mark.text, &p->mark.size, e) || err_add(e, "%s", name);
}

/* "entry N", a line end, the head. */
static bool read_run_mark(struct publishing *p, struct err *e)
{
	char name[DEPOT_NAME_MAX + 1];
	struct depot_object mark;
	int head_at = 0;

	mark_name(p->source, RUN_SUFFIX, name);
	if (!depot_get(p->depot, name, &mark, e))
		return false;
	if (!mark.found)
		return true;
	if (sscanf(mark.text, "entry %" SCNu64 "%n", &p->mark.run_entry, &head_at) != 1 || !head_at)
		return err_set(e, ERR_INVALID, "%s is nothing that was published so", name);
	return expect(p, mark.text + head_at, &p->mark.run_size, e) || err_add(e, "%s", name);
}

static bool write_head_mark(struct publishing *p, struct err *e)
{
	char text[HEAD_TEXT_MAX + 2], name[DEPOT_NAME_MAX + 1];

	strcat(head_format(source_head(p->source), text), "\n");
	return depot_settle(p->depot, e) &&
	       depot_put(p->depot, mark_name(p->source, HEAD_SUFFIX, name), text, NULL, e) &&
	       depot_settle(p->depot, e);
}

static bool write_run_mark(struct publishing *p, uint64_t entry, struct err *e)
{
	char text[HEAD_TEXT_MAX + 64], head[HEAD_TEXT_MAX], name[DEPOT_NAME_MAX + 1];

	snprintf(text, sizeof(text), "entry %" PRIu64 "\n%s\n", entry,
		 head_format(source_head(p->source), head));
	return depot_settle(p->depot, e) &&
	       depot_put(p->depot, mark_name(p->source, RUN_SUFFIX, name), text, NULL, e);
}

/* --- objects --- */

static char *object_text(const struct change *change, const char *station)
{
	char id[2 * SHA256_LEN + 1], ca[2 * SHA256_LEN + 1], time[CLOCK_TEXT_SIZE];
	AUTO(json)
	object = json_pack("{ss ss ss ss ss ss ss ss}", "certificateId",
			   hex_encode(BYTES(change->id), id), "caCertificateId",
			   hex_encode(BYTES(change->ca_id), ca), "state", state_name(change->state),
			   "unit", change->unit, "product", change->product, "order", change->order,
			   "station", station, "updatedAt", clock_format(change->updated_s, time));

	return object ? json_dumps(object, JSON_COMPACT) : NULL;
}

static void say_progress(struct publishing *p)
{
	if (!isatty(STDERR_FILENO) || clock_monotonic_ms() < p->say_at_ms)
		return;
	fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " \r", p->done, p->all);
	p->say_at_ms = clock_deadline(SAY_EVERY_MS);
}

/* What is later in a certificate's life than that: another publisher has a newer ledger. */
static bool is_later(const char *text, enum state than)
{
	AUTO(json) object = json_loads(text, 0, NULL);
	const char *state = json_string_value(json_object_get(object, "state"));

	for (enum state later = than + 1; state && later <= STATE_REVOKED; later++)
		if (!strcmp(state, state_name(later)))
			return true;
	return false;
}

/* A life goes one way (issuance.h), and so does what is published of it, however many publish at a
 * time. The first try expects that nothing is there yet: that is the usual case. */
static bool put_state(struct publishing *p, const char *name, const char *text, enum state state,
		      struct err *e)
{
	struct depot_object there = { .tag = "" };

	for (int i = 0; i < PUT_TRIES; i++) {
		if (depot_put(p->depot, name, text, there.tag, e))
			return true;
		if (e->code != (int)S3_CHANGED || !depot_get(p->depot, name, &there, e))
			return false;
		if (there.found && is_later(there.text, state))
			return true;
	}
	return err_set(e, ERR_BUSY, "%s: others write it all the time; repeat it later", name);
}

static bool put_change(struct publishing *p, const struct change *change, struct err *e)
{
	AUTO_FREE char *text = object_text(change, source_station(p->source));
	char id[2 * SHA256_LEN + 1], name[DEPOT_NAME_MAX + 1];

	snprintf(name, sizeof(name), "%s.json", hex_encode(BYTES(change->id), id));
	if (!text)
		return err_set(e, ERR_SYSTEM, "cannot write the object of unit %s", change->unit);
	if (!put_state(p, name, text, change->state, e))
		return false;
	p->done++;
	say_progress(p);
	return p->done % RUN_EVERY || write_run_mark(p, change->entry, e);
}

static bool note_entry(void *context, const struct entry *entry, struct err *e)
{
	struct publishing *p = context;

	return changes_note(p->changes, entry, e);
}

static bool publish_entry(void *context, const struct entry *entry, struct err *e)
{
	struct publishing *p = context;
	struct change change;
	bool found;

	return changes_next(p->changes, entry, &found, &change, e) &&
	       (!found || put_change(p, &change, e));
}

static bool publish_changes(struct publishing *p, struct err *e)
{
	p->all = changes_count(p->changes);
	if (p->all == 0)
		return true;
	return source_read(p->source, publish_entry, p, e) ||
	       err_add(e, "%" PRIu64 " of %" PRIu64 " are published, the next run goes on there",
		       p->done, p->all);
}

/* Else who has an export in his hands has certificates of his own let in: he writes an epoch of his
 * behind it, and what was published is a prefix of that, too. */
static bool check_key(const struct publishing *p, struct err *e)
{
	return !p->mark.size || source_key_is_known(p->source) ||
	       err_set(e, ERR_REFUSED,
		       "the ledger is signed by another key than what was published before, and "
		       "nothing was published; ask the station, by another way than it came, "
		       "whether its token was replaced; if so, delete LEDGER" HEAD_SUFFIX
		       " and LEDGER" RUN_SUFFIX " there, and publish again");
}

static bool publish(struct publishing *p, struct err *e)
{
	if (!read_head_mark(p, e) || !read_run_mark(p, e))
		return err_add(e, "what was published before");
	if (!changes_new(&p->mark, &p->changes, e) || !source_read(p->source, note_entry, p, e) ||
	    !check_key(p, e) || !publish_changes(p, e))
		return false;
	return source_head(p->source)->size == p->mark.size || write_head_mark(p, e);
}

/* --- the command --- */

static int show(const struct publishing *p)
{
	const struct head *head = source_head(p->source);
	char id[2 * LEDGER_ID_LEN + 1];

	if (p->a->json) {
		AUTO(json)
		line = json_pack("{ss ss sI sI ss}", "station", source_station(p->source), "ledger",
				 hex_encode(BYTES(head->ledger_id), id), "published",
				 (json_int_t)p->done, "entries", (json_int_t)head->size, "target",
				 p->a->operand);

		return cloud_print(line);
	}
	printf("%s: %" PRIu64 " published to %s, up to entry %" PRIu64 "\n",
	       source_station(p->source), p->done, p->a->operand, head->size);
	return CLOUD_DONE;
}

static int publish_ledger(const struct arguments *a, struct depot *depot, const char *ledger)
{
	struct publishing p = { .a = a, .depot = depot };
	struct err e;
	int status;

	status =
		source_open(ledger, &p.source, &e) && publish(&p, &e) ? show(&p) : cloud_failed(&e);
	changes_free(p.changes);
	source_free(p.source);
	return status;
}

int publish_command(const struct arguments *a)
{
	AUTO(depot) depot = NULL;
	int status = CLOUD_DONE;
	struct err e;

	if (!depot_open(a->operand, &a->account, &depot, &e))
		return cloud_failed(&e);
	if (a->ledger_count == 0)
		return publish_ledger(a, depot, NULL);
	for (size_t i = 0; i < a->ledger_count && status == CLOUD_DONE; i++)
		status = publish_ledger(a, depot, a->ledgers[i]);
	return status;
}
