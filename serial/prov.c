/* The driver of boards that speak the private SMP group 113: docs/prov.md. */
#include "base/clock.h"
#include "serial/driver.h"
#include "serial/fault.h"
#include "serial/link.h"
#include "serial/prov.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_TRIES 4
#define CHECK_MS 1000 /* to find out why a call failed */

struct prov {
	const struct board_options *options;
	struct link link;
	bool identified;
	char unit[BOARD_TEXT_MAX + 1];
	uint8_t boot[PROV_BOOT_SIZE];
};

static const struct link_patience patience[PROV_COMMAND_COUNT] = {
	[PROV_IDENTIFY] = { 300, UINT_MAX }, /* boards that boot late are normal */
	[PROV_CSR] = { 1500, 3 },	     /* the first one makes the key */
	[PROV_WRITE] = { 2000, 1 },	     /* tried again with less: see write_some */
	[PROV_DIGEST] = { 1000, 3 },
	[PROV_READ] = { 1000, 3 },
	[PROV_PROVE] = { 2000, 3 },
	[PROV_COMMIT] = { 2000, 3 },
};

static void *prov_start(const struct board_options *options, struct port *port, struct err *e)
{
	struct prov *p = calloc(1, sizeof(*p));

	if (!p) {
		err_errno(e, ERR_SYSTEM, "no memory for a board");
		return NULL;
	}
	p->options = options;
	link_start(&p->link, port, options->cancel_fd, options->line_gap_ms);
	return p;
}

static void progress(const struct prov *p, size_t done, size_t total)
{
	if (p->options->progress)
		p->options->progress(p->options->context, done, total);
}

static bool odd_answer(struct err *e, const char *what)
{
	return err_set(e, FAULT_ANSWER, "the board's answer makes no sense: %s", what);
}

static struct cbor_writer request(struct prov *p, enum prov_command command)
{
	bool read = command == PROV_IDENTIFY || command == PROV_DIGEST || command == PROV_READ;

	return link_request(&p->link, read ? SMP_READ : SMP_WRITE, PROV_GROUP, (uint8_t)command);
}

/* Printable ASCII, or nothing at all: then the text is "". */
static bool take_text(const struct cbor_reader *map, const char *key, enum fault fault,
		      char ret_text[static BOARD_TEXT_MAX + 1], struct err *e)
{
	bool found;
	struct cbor_reader r = cbor_find(map, key, &found);
	struct bytes text = { 0 };

	ret_text[0] = '\0';
	if (!found)
		return true;
	text = cbor_want_string(&r, CBOR_TEXT, BOARD_TEXT_MAX);
	if (!cbor_ok(&r) || text.len == 0)
		return err_set(e, fault, "its %s is no text of 1 to %d characters", key,
			       BOARD_TEXT_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return err_set(e, fault, "its %s is not printable ASCII", key);
	memcpy(ret_text, text.data, text.len);
	ret_text[text.len] = '\0';
	return true;
}

static uint64_t take_number(const struct cbor_reader *map, const char *key, bool *ret_found)
{
	struct cbor_reader r = cbor_find(map, key, ret_found);
	uint64_t value = *ret_found ? cbor_want_unsigned(&r) : 0;

	*ret_found = *ret_found && cbor_ok(&r);
	return value;
}

static struct bytes take_bytes(const struct cbor_reader *map, const char *key)
{
	bool found;
	struct cbor_reader r = cbor_find(map, key, &found);

	if (!found)
		return (struct bytes) { 0 };
	return cbor_want_string(&r, CBOR_BYTES, LINK_MESSAGE_MAX);
}

static void learn_buffer(struct prov *p, const struct cbor_reader *map)
{
	bool found;
	uint64_t size = take_number(map, "buf_size", &found);

	if (!found || size < LINK_MESSAGE_START + FRAME_OVERHEAD)
		return;
	size -= FRAME_OVERHEAD;
	p->link.message_max = size < LINK_MESSAGE_MAX ? (size_t)size : LINK_MESSAGE_MAX;
}

/* One `struct board` is one board from open to close: another unit or another boot is a fault. */
static bool same_board(struct prov *p, const char *unit, struct bytes boot, struct err *e)
{
	if (p->identified && strcmp(p->unit, unit) != 0)
		return err_set(e, FAULT_UNIT_CHANGED, "the board was %s and is %s now", p->unit,
			       unit);
	if (p->identified && memcmp(p->boot, boot.data, sizeof(p->boot)) != 0)
		return err_set(e, FAULT_RESTARTED, "the board restarted in the middle");
	return true;
}

static bool read_identity(struct prov *p, const struct cbor_reader *map,
			  struct board_identity *ret_identity, struct err *e)
{
	struct bytes boot = take_bytes(map, "boot");
	struct board_identity identity;

	if (boot.len != sizeof(p->boot))
		return odd_answer(e, "no \"boot\" of 8 bytes");
	if (!take_text(map, "unit", FAULT_UNIT_TEXT, identity.unit, e) ||
	    !take_text(map, "hardware", FAULT_ANSWER, identity.hardware, e) ||
	    !take_text(map, "firmware", FAULT_ANSWER, identity.firmware, e) ||
	    !same_board(p, identity.unit, boot, e))
		return false;
	if (!p->identified)
		learn_buffer(p, map);
	p->identified = true;
	memcpy(p->unit, identity.unit, sizeof(p->unit));
	memcpy(p->boot, boot.data, sizeof(p->boot));
	*ret_identity = identity;
	return true;
}

static bool ask(struct prov *p, struct link_patience how_long, struct board_identity *ret_identity,
		int64_t deadline, struct err *e)
{
	struct cbor_writer w = request(p, PROV_IDENTIFY);
	struct cbor_reader map;

	cbor_put_map(&w, 0);
	if (link_call(&p->link, &w, how_long, deadline, &map, e))
		return read_identity(p, &map, ret_identity, e);
	if (link_refused(&p->link, e, SMP_NOT_SUPPORTED))
		err_set(e, FAULT_REFUSED,
			"the board speaks SMP, but has no group %d: is its provisioning firmware "
			"on it?",
			PROV_GROUP);
	return false;
}

static bool prov_identify(void *state, struct board_identity *ret_identity, int64_t deadline,
			  struct err *e)
{
	return ask(state, patience[PROV_IDENTIFY], ret_identity, deadline, e) ||
	       err_add(e, "asking who it is");
}

/* A board that refuses or falls silent may be another one by now, or have restarted: then that is
 * the fault. */
static bool explain(struct prov *p, int64_t deadline, struct err *e)
{
	static const struct link_patience short_patience = { 300, 2 };
	int64_t until = clock_deadline(CHECK_MS);
	struct board_identity identity;
	struct err now = { 0 };

	if (link_refused(&p->link, e, SMP_TOO_LONG))
		e->code = FAULT_NO_ROOM;
	else if (link_refused(&p->link, e, SMP_CORRUPT))
		e->code = FAULT_FLASH;
	if (!p->identified ||
	    (e->code != FAULT_REFUSED && e->code != FAULT_SILENT && e->code != FAULT_GARBAGE))
		return false;
	if (!ask(p, short_patience, &identity, until < deadline ? until : deadline, &now) &&
	    (now.code == FAULT_UNIT_CHANGED || now.code == FAULT_RESTARTED ||
	     now.code == ERR_CANCELLED))
		*e = now;
	return false;
}

static bool call(struct prov *p, enum prov_command command, const struct cbor_writer *w,
		 int64_t deadline, struct cbor_reader *ret_map, struct err *e)
{
	if (w->overflow)
		return err_set(e, FAULT_NO_ROOM, "the request does not fit the board's buffer");
	return link_call(&p->link, w, patience[command], deadline, ret_map, e) ||
	       explain(p, deadline, e);
}

struct piece {
	uint64_t at, total;
	struct bytes data;
};

/* One piece of the CSR (target NULL) or of a file, from `at` on. */
static bool fetch(struct prov *p, enum prov_command command, const char *target, uint64_t at,
		  struct piece *ret_piece, int64_t deadline, struct err *e)
{
	struct cbor_writer w = request(p, command);
	struct piece piece = { .at = at };
	struct cbor_reader map;
	bool found;

	cbor_put_map(&w, target ? 2 : 1);
	if (target) {
		cbor_put_key(&w, "file");
		cbor_put_key(&w, target);
	}
	cbor_put_key(&w, "off");
	cbor_put_unsigned(&w, at);
	if (!call(p, command, &w, deadline, &map, e))
		return false;
	piece.total = take_number(&map, "len", &found);
	piece.data = take_bytes(&map, "data");
	if (!found || take_number(&map, "off", &found) != at || !found)
		return odd_answer(e, "\"len\" or \"off\" is not there");
	*ret_piece = piece;
	return true;
}

static bool piece_fits(const struct piece *piece)
{
	return piece->data.len > 0 && piece->at <= piece->total &&
	       piece->data.len <= piece->total - piece->at;
}

static bool read_csr(struct prov *p, uint8_t *ret_csr, size_t *ret_len, int64_t deadline,
		     struct err *e)
{
	struct piece piece = { 0 };
	size_t at = 0, total = 0;

	do {
		if (!fetch(p, PROV_CSR, NULL, at, &piece, deadline, e))
			return false;
		if (piece.total == 0 || piece.total > BOARD_CSR_MAX)
			return err_set(e, FAULT_CSR_SIZE, "it has %llu bytes: 1 to %d are possible",
				       (unsigned long long)piece.total, BOARD_CSR_MAX);
		if (!piece_fits(&piece) || (at > 0 && piece.total != total))
			return odd_answer(e, "the pieces do not add up");
		memcpy(ret_csr + at, piece.data.data, piece.data.len);
		total = (size_t)piece.total;
		at += piece.data.len;
		progress(p, at, total);
	} while (at < total);
	*ret_len = total;
	return true;
}

static bool prov_csr(void *state, uint8_t *ret_csr, size_t *ret_len, int64_t deadline,
		     struct err *e)
{
	return read_csr(state, ret_csr, ret_len, deadline, e) || err_add(e, "reading the CSR");
}

/* Writes as much from `at` on as fits; sets *ret_len to that. */
static struct cbor_writer write_request(struct prov *p, const struct board_file *file, size_t at,
					size_t *ret_len)
{
	struct cbor_writer w = request(p, PROV_WRITE);
	size_t room, len = file->content.len - at;

	cbor_put_map(&w, at == 0 ? 4 : 3);
	cbor_put_key(&w, "file");
	cbor_put_key(&w, file->target);
	cbor_put_key(&w, "off");
	cbor_put_unsigned(&w, at);
	if (at == 0) {
		cbor_put_key(&w, "len");
		cbor_put_unsigned(&w, file->content.len);
	}
	cbor_put_key(&w, "data");
	room = w.size - w.len > 3 ? w.size - w.len - 3 : 0; /* the length of the data: 3 at most */
	if (len > room)
		len = room - room % PROV_ALIGN;
	w.overflow |= len == 0;
	cbor_put_bytes(&w, bytes_of(file->content.data + at, len));
	*ret_len = len;
	return w;
}

static bool smaller_requests(struct prov *p)
{
	if (p->link.message_max / 2 < LINK_MESSAGE_START)
		p->link.message_max = LINK_MESSAGE_START;
	else
		p->link.message_max /= 2;
	return true;
}

static bool may_try_again(const struct err *e, const struct prov *p)
{
	return (e->code == FAULT_SILENT || e->code == FAULT_GARBAGE) &&
	       p->link.received <= LINK_RECEIVED_MAX;
}

/* Sends from `at` on, once or, where no answer comes, in smaller pieces. *sent is the furthest byte
 * that was ever sent: a late piece may have arrived after all. */
static bool write_some(struct prov *p, const struct board_file *file, size_t *at, size_t *sent,
		       int64_t deadline, struct err *e)
{
	struct cbor_reader map;
	uint64_t next;
	size_t len;
	bool found;

	for (int tries = 1;; tries++) {
		struct cbor_writer w = write_request(p, file, *at, &len);

		if (*at + len > *sent)
			*sent = *at + len;
		if (call(p, PROV_WRITE, &w, deadline, &map, e))
			break;
		if (tries == WRITE_TRIES || !may_try_again(e, p) || !smaller_requests(p))
			return false;
	}
	next = take_number(&map, "off", &found);
	if (!found || next <= *at || next > *sent)
		return odd_answer(e, "\"off\" is not where the file goes on");
	*at = (size_t)next;
	return true;
}

static bool prov_write(void *state, const struct board_file *file, int64_t deadline, struct err *e)
{
	struct prov *p = state;
	size_t at = 0, sent = 0;

	while (at < file->content.len) {
		if (!write_some(p, file, &at, &sent, deadline, e))
			return err_add(e, "writing the %s", file->name);
		progress(p, at, file->content.len);
	}
	return true;
}

static bool digest(struct prov *p, const struct board_file *file, bool *ret_same, int64_t deadline,
		   struct err *e)
{
	struct cbor_writer w = request(p, PROV_DIGEST);
	struct cbor_reader map;
	struct bytes sha256;

	cbor_put_map(&w, 1);
	cbor_put_key(&w, "file");
	cbor_put_key(&w, file->target);
	if (!call(p, PROV_DIGEST, &w, deadline, &map, e))
		return false;
	sha256 = take_bytes(&map, "sha256");
	if (sha256.len != sizeof(file->sha256))
		return odd_answer(e, "no \"sha256\" of 32 bytes");
	*ret_same = bytes_equal(sha256, BYTES(file->sha256));
	return true;
}

static bool compare_piece(const struct board_file *file, const struct piece *piece, struct err *e)
{
	const uint8_t *wanted = file->content.data + piece->at;

	if (piece->total != file->content.len)
		return err_set(e, FAULT_FLASH,
			       "the flash did not keep the %s (%llu bytes instead of %zu)",
			       file->name, (unsigned long long)piece->total, file->content.len);
	if (!piece_fits(piece))
		return odd_answer(e, "the pieces do not add up");
	for (size_t i = 0; i < piece->data.len; i++)
		if (piece->data.data[i] != wanted[i])
			return err_set(e, FAULT_FLASH,
				       "the flash did not keep the %s (byte %llu differs)",
				       file->name, (unsigned long long)(piece->at + i));
	return true;
}

static bool compare(struct prov *p, const struct board_file *file, int64_t deadline, struct err *e)
{
	struct piece piece = { 0 };

	for (size_t at = 0; at < file->content.len; at += piece.data.len) {
		if (!fetch(p, PROV_READ, file->target, at, &piece, deadline, e))
			return err_add(e, "reading the %s back", file->name);
		if (!compare_piece(file, &piece, e))
			return false;
		progress(p, at + piece.data.len, file->content.len);
	}
	return true;
}

static bool prov_verify(void *state, const struct board_file *file, bool read_back,
			int64_t deadline, struct err *e)
{
	struct prov *p = state;
	bool same = false;

	if (!digest(p, file, &same, deadline, e))
		return err_add(e, "comparing the %s", file->name);
	if (same && !read_back)
		return true;
	if (!compare(p, file, deadline, e))
		return false;
	return same || err_set(e, FAULT_FLASH,
			       "the board's digest of the %s differs, though every byte reads "
			       "right",
			       file->name);
}

static struct cbor_writer challenge_request(struct prov *p, const struct board_challenge *challenge)
{
	struct cbor_writer w = request(p, PROV_PROVE);

	cbor_put_map(&w, 3);
	cbor_put_key(&w, "nonce");
	cbor_put_bytes(&w, BYTES(challenge->nonce));
	cbor_put_key(&w, "certificate");
	cbor_put_bytes(&w, BYTES(challenge->certificate_id));
	cbor_put_key(&w, "files");
	cbor_put_array(&w, challenge->file_count);
	for (size_t i = 0; i < challenge->file_count; i++)
		cbor_put_key(&w, challenge->files[i].target);
	return w;
}

static bool read_proof(struct prov *p, const struct cbor_reader *map, struct board_proof *ret_proof,
		       struct err *e)
{
	struct bytes signature = take_bytes(map, "signature");
	struct board_proof proof;

	if (!take_text(map, "unit", FAULT_UNIT_TEXT, proof.unit, e))
		return false;
	if (p->identified && strcmp(p->unit, proof.unit) != 0)
		return err_set(e, FAULT_UNIT_CHANGED, "the board was %s and signs as %s", p->unit,
			       proof.unit);
	if (signature.len == 0 || signature.len > sizeof(proof.signature))
		return odd_answer(e, "no \"signature\"");
	memcpy(proof.signature, signature.data, signature.len);
	proof.signature_len = signature.len;
	*ret_proof = proof;
	return true;
}

static bool prov_prove(void *state, const struct board_challenge *challenge,
		       struct board_proof *ret_proof, int64_t deadline, struct err *e)
{
	struct prov *p = state;
	struct cbor_writer w = challenge_request(p, challenge);
	struct cbor_reader map;

	return (call(p, PROV_PROVE, &w, deadline, &map, e) && read_proof(p, &map, ret_proof, e)) ||
	       err_add(e, "asking for the proof");
}

static bool prov_finish(void *state, int64_t deadline, struct err *e)
{
	struct prov *p = state;
	struct cbor_writer w = request(p, PROV_COMMIT);
	struct cbor_reader map;

	cbor_put_map(&w, 0);
	return call(p, PROV_COMMIT, &w, deadline, &map, e) || err_add(e, "committing");
}

const struct driver prov_driver = {
	.start = prov_start,
	.stop = free,
	.identify = prov_identify,
	.csr = prov_csr,
	.write = prov_write,
	.verify = prov_verify,
	.prove = prov_prove,
	.finish = prov_finish,
};
