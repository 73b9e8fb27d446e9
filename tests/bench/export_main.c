/* bench-export: a ledger as `imprint ledger export` writes it, and what AWS IoT would list of its CA
 * as `aws iot list-certificates-by-ca` prints it, with a known few of each class that a
 * reconciliation tells apart. Prints how many of each there are. See --help. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hex.h"
#include "tests/bench/made.h"
#include "tests/bench/pool.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/rand.h>

#define COUNT_MAX 10000000
#define DAYS_MAX 3650
#define T0 INT64_C(1767258000) /* 1 Jan 2026, 09:00 */
#define PER_SECOND 4
#define DAY_S 86400
#define STRIDE 2147483647 /* a prime: the devices come in another order than they were made */

static const char *const classes[] = { "active", "pending",	  "inactive", "revoked", "live",
				       "gone",	 "revoked-there", "unseen",   "unknown" };
#define CLASSES (sizeof(classes) / sizeof(classes[0]))

struct wanted {
	const char *ledger, *listing, *station;
	size_t count, days;
};

/* One certificate as AWS's command line, version 2, prints it: indented by 4, its time in the
 * reader's zone with microseconds. */
static void list_one(FILE *to, const uint8_t id[static SHA256_LEN], const char *status,
		     int64_t time_s, size_t number)
{
	char text[2 * SHA256_LEN + 1], when[CLOCK_TEXT_SIZE];

	hex_encode(bytes_of(id, SHA256_LEN), text);
	clock_format(time_s, when);
	fprintf(to,
		"%s        {\n"
		"            \"certificateArn\": "
		"\"arn:aws:iot:ap-northeast-1:123456789012:cert/%s\",\n"
		"            \"certificateId\": \"%s\",\n"
		"            \"status\": \"%s\",\n"
		"            \"creationDate\": \"%.19s.%03zu000+09:00\"\n"
		"        }",
		number ? ",\n" : "", text, text, status, when, number * 7 % 1000);
}

/* As many as there are issuances: for each that AWS IoT does not list, one that nobody issued. */
static bool put_listing(const struct made *m, const char *path, struct err *e)
{
	AUTO(FILE) to = fopen(path, "we");
	uint8_t foreign[SHA256_LEN];

	if (!to)
		return err_errno(e, ERR_SYSTEM, "cannot make %s", path);
	fputs("{\n    \"certificates\": [\n", to);
	for (size_t i = 0; i < m->count; i++) {
		size_t index = i * STRIDE % m->count;
		const char *status = made_kind(index)->status;

		if (!*status && RAND_bytes(foreign, sizeof(foreign)) != 1)
			return err_set(e, ERR_SYSTEM, "no random bytes");
		list_one(to, *status ? m->ids[index] : foreign, *status ? status : "ACTIVE",
			 made_time(m, i) + DAY_S, i);
	}
	fputs("\n    ]\n}\n", to);
	return !(fflush(to) || ferror(to)) || err_errno(e, ERR_SYSTEM, "cannot write %s", path);
}

static void print_counts(size_t count)
{
	uint64_t counts[CLASSES] = { 0 };

	for (size_t i = 0; i < count; i++)
		for (size_t c = 0; c < CLASSES; c++) {
			const struct kind *kind = made_kind(i);

			counts[c] += !strcmp(classes[c], kind->class);
			counts[c] += !*kind->status && !strcmp(classes[c], "unknown");
		}
	for (size_t c = 0; c < CLASSES; c++)
		printf("%s\"%s\":%" PRIu64, c ? "," : "{", classes[c], counts[c]);
	printf("}\n");
}

static bool run(const struct wanted *a, struct made *m, struct err *e)
{
	m->station = a->station;
	m->count = a->count;
	m->until_s = a->days ? clock_wall_s() - DAY_S : T0 + (int64_t)(a->count / PER_SECOND);
	m->from_s = a->days ? m->until_s - (int64_t)a->days * DAY_S : T0;
	m->now_s = m->from_s;
	m->numbers = calloc(a->count, sizeof(*m->numbers));
	m->ids = calloc(a->count, sizeof(*m->ids));
	m->ledger = fopen(a->ledger, "we");
	m->head.epoch = 1;
	if (!m->numbers || !m->ids || !m->ledger ||
	    RAND_bytes(m->head.ledger_id, LEDGER_ID_LEN) != 1)
		return err_errno(e, ERR_SYSTEM, "cannot begin %s", a->ledger);
	if (!mint_open(&m->mint, "O=Brand,CN=Brand SZ1 CA 1", m->from_s, e) ||
	    !mint_key(&m->head_key, m->head.key, &m->head.key_len, e) || !made_write(m, e) ||
	    !put_listing(m, a->listing, e))
		return false;
	print_counts(a->count);
	return !fflush(m->ledger) || err_errno(e, ERR_SYSTEM, "cannot write %s", a->ledger);
}

static const struct argp_option options[] = {
	{ "count", 'n', "N", 0, "How many issuances (default 1000)", 0 },
	{ "days", 'd', "N", 0, "Made in the last N days (default: four a second from 1 Jan 2026)",
	  0 },
	{ "station", 's', "NAME", 0, "The ledger's station (default SZ1)", 0 },
	{ 0 },
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct wanted *a = state->input;

	switch (key) {
	case 'n':
		if (!pool_number(text, COUNT_MAX, &a->count))
			argp_error(state, "\"%s\" is no count", text);
		return 0;
	case 'd':
		if (!pool_number(text, DAYS_MAX, &a->days))
			argp_error(state, "\"%s\" is no number of days", text);
		return 0;
	case 's':
		a->station = text;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_usage(state);
		*(state->arg_num ? &a->listing : &a->ledger) = text;
		return 0;
	case ARGP_KEY_END:
		if (!a->listing)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "EXPORT LISTING",
	.doc = "Makes the export of a ledger and the listing of its CA, and prints how many "
	       "certificates of each class they hold.",
};

int main(int argc, char **argv)
{
	struct wanted a = { .count = 1000, .station = "SZ1" };
	struct made m = { 0 };
	struct err e;
	bool ok;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	ok = run(&a, &m, &e);
	if (!ok)
		fprintf(stderr, "bench-export: %s\n", e.text);
	mint_close(&m.mint);
	EVP_PKEY_free(m.head_key);
	if (m.ledger)
		fclose(m.ledger);
	free(m.numbers);
	free(m.ids);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
