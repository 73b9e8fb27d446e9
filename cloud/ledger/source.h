/* source: one ledger, entry by entry: the running signer's own, or the file of `imprint ledger
 * export`. On the way it checks what makes a ledger whole: one ledger id, numbers without a gap,
 * the Merkle tree's root, the head's signature by the key that the ledger's own first entry of that
 * epoch names, nothing behind the head; and every older head that the caller holds must be a prefix.
 * It does not check the certificates' signatures again: `imprint ledger verify` does. Constant
 * memory, however long the ledger. An export that was filtered (--order, --since) is refused, for
 * it has entries by their hash only.
 * What is called back may be believed only once source_read has returned true.
 * Errors: ERR_CORRUPT (a gap, a wrong head: nothing may be concluded from it), ERR_NOT_FOUND,
 * ERR_INVALID (no export; file and line), ERR_SYSTEM; of the signer's what request.h says.
 * Threads: one a source; while source_read runs, an export is read ahead by one more. Layer above:
 * cloud/command, cloud/reconcile. Below: hsm/api, hsm/api/proof. */
#ifndef CLOUD_LEDGER_SOURCE_H
#define CLOUD_LEDGER_SOURCE_H

#include "base/cleanup.h"
#include "hsm/api/head.h"

struct source;

/* path NULL: the running signer. It must live as long as the source. */
MUST_CHECK bool source_open(const char *path, struct source **ret_source, struct err *e);
void source_free(struct source *s);
AUTO_DEFINE(source, struct source *, source_free)

/* An older head; before source_read. False in *ret_taken: it is another ledger's. */
MUST_CHECK bool source_expect(struct source *s, const struct head *head, bool *ret_taken,
			      struct err *e);
/* Every entry from the first to the head; may be called again for another pass over the same
 * entries (what the signer added meanwhile is left out). The entry and its views live during the
 * call only. */
typedef bool (*source_entry)(void *context, const struct entry *entry, struct err *e);
MUST_CHECK bool source_read(struct source *s, source_entry each, void *context, struct err *e);

/* After source_read: again the entries whose numbers are wanted (it is asked for each, from the first
 * on), for their words; of an export nothing else is looked at, so it must be untouched since it was
 * opened. Others may be called back as well. */
typedef bool (*source_wants)(void *context, uint64_t number);
MUST_CHECK bool source_again(struct source *s, source_wants wants, source_entry each, void *context,
			     struct err *e);

/* LEDGER_ID_LEN bytes; known from source_open on. */
const uint8_t *source_ledger_id(const struct source *s);
/* After source_read. */
const char *source_station(const struct source *s);
const struct head *source_head(const struct source *s);
/* After source_read. False: the head is signed by another key than the newest of the older heads, or
 * without any, than the ledger began with. A restore to a new token does that; so does a forger, who
 * can write a new epoch with a key of his own behind any ledger. */
bool source_key_is_known(const struct source *s);

/* --- what those who are called back share --- */

/* The state that an entry brings its issuance to; 0: it moves none. */
enum state source_state_after(enum entry_type type);
/* A name in an entry, with a NUL behind it. Returns to. */
char *source_name(struct bytes name, char to[static NAME_MAX_LEN + 1]);

#endif
