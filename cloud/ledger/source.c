#include "cloud/ledger/source.h"

#include "cloud/ledger/ahead.h"
#include "hsm/api/client.h"
#include "hsm/api/proof/chain.h"

#include <inttypes.h>

struct source {
	struct export *export; /* NULL: the running signer */
	struct client signer;
	uint8_t ledger_id[LEDGER_ID_LEN];
	struct chain chain;
	struct head head;
	bool read;			 /* once, to its head */
	uint8_t first_key[HEAD_KEY_MAX]; /* of the first epoch's heads */
	size_t first_key_len;
	char station[NAME_MAX_LEN + 1];
};

static bool open_export(struct source *s, const char *path, struct err *e)
{
	bool begun;

	if (!export_open(path, &s->export, e))
		return false;
	begun = export_begin(s->export, s->ledger_id, e);
	export_end(s->export);
	return begun || export_place(s->export, 0, e);
}

static bool open_signer(struct source *s, struct err *e)
{
	if (!client_head(&s->signer, &s->head, e))
		return false;
	memcpy(s->ledger_id, s->head.ledger_id, LEDGER_ID_LEN);
	return true;
}

bool source_open(const char *path, struct source **ret_source, struct err *e)
{
	AUTO(source) s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ERR_SYSTEM, "out of memory");
	s->signer.fd = -1;
	if (!(path ? open_export(s, path, e) : open_signer(s, e)))
		return false;
	*ret_source = TAKE(s);
	return true;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	export_free(s->export);
	client_close(&s->signer);
	chain_free(&s->chain);
	free(s);
}

bool source_expect(struct source *s, const struct head *head, bool *ret_taken, struct err *e)
{
	bool ours = !memcmp(head->ledger_id, s->ledger_id, LEDGER_ID_LEN);

	if (ours && !chain_expect(&s->chain, head, e))
		return false;
	*ret_taken = ours;
	return true;
}

/* For the next pass: empty again, but for the heads to be met. */
static void chain_restart(struct chain *c)
{
	*c = (struct chain) { .expected = c->expected,
			      .expected_count = c->expected_count,
			      .expected_capacity = c->expected_capacity };
}

enum state source_state_after(enum entry_type type)
{
	static const enum state states[ENTRY_TYPE_COUNT] = {
		[ENTRY_RESERVED] = STATE_RESERVED,   [ENTRY_ISSUED] = STATE_ISSUED,
		[ENTRY_INSTALLED] = STATE_INSTALLED, [ENTRY_VOID] = STATE_VOID,
		[ENTRY_REVOKED] = STATE_REVOKED,
	};

	return states[type];
}

char *source_name(struct bytes name, char to[static NAME_MAX_LEN + 1])
{
	if (name.len > 0)
		memcpy(to, name.data, name.len);
	to[name.len] = '\0';
	return to;
}

/* Of the first entry of all; chain_check saw that it fits. */
static void take_first_key(struct source *s, const struct entry *entry)
{
	if (entry->number != 1)
		return;
	memcpy(s->first_key, entry->key.data, entry->key.len);
	s->first_key_len = entry->key.len;
}

static bool take_entry(struct source *s, struct bytes data, struct entry *ret_entry, struct err *e)
{
	if (!entry_decode(data, ret_entry, e)) {
		e->code = ERR_CORRUPT;
		return false;
	}
	if (memcmp(ret_entry->ledger_id, s->ledger_id, LEDGER_ID_LEN))
		return err_set(e, ERR_CORRUPT, "it is of another ledger");
	if (ret_entry->number > s->chain.tree.size + 1)
		return err_set(e, ERR_CORRUPT,
			       "it is missing, for entry %" PRIu64
			       " follows; fetch the export again",
			       ret_entry->number);
	if (!chain_check(&s->chain, ret_entry, e) || !chain_add(&s->chain, ret_entry, data, e))
		return false;
	if (ret_entry->type != ENTRY_LEDGER)
		return true;
	source_name(ret_entry->station, s->station); /* that of the last epoch */
	take_first_key(s, ret_entry);
	return true;
}

struct pass {
	struct source *s;
	source_entry each;
	void *context;
	uint64_t line; /* of the export, while its entry is looked at; else 0 */
};

static bool pass_entry(const struct pass *p, struct bytes data, struct err *e)
{
	uint64_t number = p->s->chain.tree.size + 1;
	struct entry entry;

	if (!take_entry(p->s, data, &entry, e))
		return err_add(e, "entry %" PRIu64, number);
	return p->each(p->context, &entry, e);
}

static bool signer_entry(void *context, struct bytes data, struct err *e)
{
	const struct pass *p = context;

	/* What came after the head is left out. */
	return p->s->chain.tree.size >= p->s->head.size || pass_entry(p, data, e);
}

static bool pass_export(struct pass *p, struct head *ret_head, struct err *e)
{
	struct export *x = p->s->export;
	AUTO(ahead) ahead = NULL;
	struct bytes data;
	bool end = false;

	if (!export_begin(x, p->s->ledger_id, e) || !ahead_start(x, &ahead, e))
		return false;
	for (uint64_t line = 2;; line++) {
		if (!ahead_next(ahead, &data, &end, ret_head, e))
			return false;
		if (end)
			return true;
		p->line = line;
		if (!pass_entry(p, data, e))
			return false;
		p->line = 0;
	}
}

static bool changed(struct err *e)
{
	return err_set(e, ERR_INVALID, "the file was changed while it was read; do it again");
}

/* Whoever wrote into the file between two passes changed its head, or broke it. */
static bool is_as_before(const struct source *s, const struct head *head, struct err *e)
{
	if (!s->read ||
	    (head->size == s->head.size && !memcmp(head->root, s->head.root, SHA256_LEN)))
		return true;
	return changed(e);
}

static bool read_export(struct pass *p, struct head *ret_head, struct err *e)
{
	struct source *s = p->s;
	bool done = pass_export(p, ret_head, e) && is_as_before(s, ret_head, e) &&
		    chain_end(&s->chain, ret_head, e);

	export_end(s->export);
	return done || export_place(s->export, p->line, e);
}

static bool read_signer(struct pass *p, struct err *e)
{
	struct source *s = p->s;

	return (client_entries(&s->signer, 0, signer_entry, p, e) &&
		chain_end(&s->chain, &s->head, e)) ||
	       err_add(e, "this station's ledger");
}

bool source_read(struct source *s, source_entry each, void *context, struct err *e)
{
	struct pass pass = { .s = s, .each = each, .context = context };
	struct head head = s->head;

	chain_restart(&s->chain);
	if (!(s->export ? read_export(&pass, &head, e) : read_signer(&pass, e)))
		return false;
	s->head = head;
	s->read = true;
	return true;
}

/* Line by line the same as before: behind the first one stand the entries in order. */
static bool look_again(struct source *s, source_wants wants, source_entry each, void *context,
		       struct err *e)
{
	struct export *x = s->export;
	struct head head;
	struct bytes data;
	struct entry entry;
	bool end = false;

	if (!export_begin(x, s->ledger_id, e))
		return false;
	for (uint64_t number = 1; number <= s->head.size; number++) {
		if (!wants(context, number))
			continue;
		if (!export_go(x, number + 1, e) || !export_next(x, &data, &end, &head, e))
			return false;
		if (end || !entry_decode(data, &entry, e) || entry.number != number)
			return changed(e);
		if (!each(context, &entry, e))
			return false;
	}
	return export_is_untouched(x) || changed(e);
}

bool source_again(struct source *s, source_wants wants, source_entry each, void *context,
		  struct err *e)
{
	bool done;

	if (!s->export)
		return source_read(s, each, context, e);
	done = look_again(s, wants, each, context, e);
	export_end(s->export);
	return done || export_place(s->export, 0, e);
}

const uint8_t *source_ledger_id(const struct source *s)
{
	return s->ledger_id;
}

const char *source_station(const struct source *s)
{
	return s->station;
}

const struct head *source_head(const struct source *s)
{
	return &s->head;
}

bool source_key_is_known(const struct source *s)
{
	struct bytes known = bytes_of(s->first_key, s->first_key_len);
	uint64_t size = 0;

	for (size_t i = 0; i < s->chain.expected_count; i++) {
		const struct head *head = &s->chain.expected[i];

		if (head->size <= size)
			continue;
		size = head->size;
		known = bytes_of(head->key, head->key_len);
	}
	return bytes_equal(known, bytes_of(s->head.key, s->head.key_len));
}
