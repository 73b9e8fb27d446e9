/* The driver of boards that speak the private SMP group 113: docs/prov.md. */
#include "base/clock.h"
#include "serial/driver.h"
#include "serial/fault.h"
#include "serial/prov.h"
#include "serial/text.h"
#include "serial/transfer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_MS 1000 /* to find out why a call failed */

struct prov {
	struct link link;
	struct transfer transfer;
	bool identified, committed;
	struct board_identity identity; /* as it was said the first time */
	uint8_t boot[PROV_BOOT_SIZE];
};

static const struct link_patience patience[PROV_COMMAND_COUNT] = {
	[PROV_IDENTIFY] = { 300, UINT_MAX }, /* boards that boot late are normal */
	[PROV_CSR] = { 1000, UINT_MAX },     /* the first one makes the key */
	[PROV_WRITE] = { 2000, 1 },	     /* tried again with less: transfer_write */
	[PROV_DIGEST] = { 500, 8 },
	[PROV_READ] = { 500, 8 },
	/* Its step has 5 s: an answer that comes late is taken all the same. */
	[PROV_PROVE] = { 500, UINT_MAX },
	[PROV_COMMIT] = { 500, UINT_MAX },
};

static struct cbor_writer request(struct prov *p, enum prov_command command)
{
	bool read = command == PROV_IDENTIFY || command == PROV_DIGEST || command == PROV_READ;

	return link_request(&p->link, read ? SMP_READ : SMP_WRITE, PROV_GROUP, (uint8_t)command);
}

/* Nothing at all is the text "". */
static bool take_text(const struct cbor_reader *map, const char *key, enum fault fault,
		      char ret_text[static BOARD_TEXT_MAX + 1], struct err *e)
{
	bool found;
	struct cbor_reader r = cbor_find(map, key, &found);

	ret_text[0] = '\0';
	if (!found)
		return true;
	return text_take(cbor_want_string(&r, CBOR_TEXT, LINK_MESSAGE_MAX), key, (int)fault,
			 ret_text, e);
}

/* Another unit or another boot is a fault. */
static bool same_board(struct prov *p, const char *unit, struct bytes boot, struct err *e)
{
	if (!text_same_unit(p->identity.unit, &p->identified, unit, e))
		return false;
	return memcmp(p->boot, boot.data, sizeof(p->boot)) == 0 ||
	       err_set(e, FAULT_RESTARTED, "the board restarted in the middle");
}

/* The first time: all that it says. */
static bool meet(struct prov *p, const struct cbor_reader *map, const char *unit, struct bytes boot,
		 struct err *e)
{
	struct board_identity identity;
	bool found;

	if (!take_text(map, "hardware", FAULT_ANSWER, identity.hardware, e) ||
	    !take_text(map, "firmware", FAULT_ANSWER, identity.firmware, e))
		return false;
	memcpy(identity.unit, unit, sizeof(identity.unit));
	p->identity = identity;
	memcpy(p->boot, boot.data, sizeof(p->boot));
	link_learn_buffer(&p->link, transfer_number(map, "buf_size", &found));
	p->committed = transfer_flag(map, "committed");
	p->identified = true;
	return true;
}

static bool read_identity(struct prov *p, const struct cbor_reader *map, struct err *e)
{
	struct bytes boot = transfer_string(map, "boot", CBOR_BYTES);
	char unit[BOARD_TEXT_MAX + 1];

	if (boot.len != sizeof(p->boot))
		return transfer_odd(e, "no \"boot\" of 8 bytes");
	if (!take_text(map, "unit", FAULT_UNIT_TEXT, unit, e))
		return false;
	return p->identified ? same_board(p, unit, boot, e) : meet(p, map, unit, boot, e);
}

/* Asked again, unit and boot are enough; a board that does not know "short" says all. */
static bool ask(struct prov *p, struct link_patience how_long, int64_t deadline, struct err *e)
{
	struct cbor_writer w = request(p, PROV_IDENTIFY);
	struct cbor_reader map;

	cbor_put_map(&w, p->identified);
	if (p->identified) {
		cbor_put_key(&w, "short");
		cbor_put_bool(&w, true);
	}
	if (link_call(&p->link, &w, how_long, deadline, &map, e))
		return read_identity(p, &map, e);
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
	struct prov *p = state;

	if (!ask(p, patience[PROV_IDENTIFY], deadline, e))
		return err_add(e, "asking who it is");
	*ret_identity = p->identity;
	return true;
}

/* A board that refuses or falls silent may be another one by now, or have restarted: then that is
 * the fault. */
static bool explain(struct prov *p, int64_t deadline, struct err *e)
{
	static const struct link_patience short_patience = { 300, 2 };
	int64_t until = clock_deadline(CHECK_MS);
	struct err now = { 0 };

	if (link_refused(&p->link, e, SMP_TOO_LONG))
		e->code = FAULT_NO_ROOM;
	else if (link_refused(&p->link, e, SMP_CORRUPT))
		e->code = FAULT_FLASH;
	if (!p->identified ||
	    (e->code != FAULT_REFUSED && e->code != FAULT_SILENT && e->code != FAULT_GARBAGE))
		return false;
	if (!ask(p, short_patience, until < deadline ? until : deadline, &now) &&
	    (now.code == FAULT_UNIT_CHANGED || now.code == FAULT_RESTARTED ||
	     now.code == ERR_CANCELLED))
		*e = now;
	return false;
}

static bool call(void *context, uint8_t command, const struct cbor_writer *w, int64_t deadline,
		 struct cbor_reader *ret_map, struct err *e)
{
	struct prov *p = context;

	if (w->overflow)
		return err_set(e, FAULT_NO_ROOM, "the request does not fit the board's buffer");
	return link_call(&p->link, w, patience[command], deadline, ret_map, e) ||
	       explain(p, deadline, e);
}

static bool prov_csr(void *state, uint8_t *ret_csr, size_t *ret_len, int64_t deadline,
		     struct err *e)
{
	static const struct transfer_source csr = { SMP_WRITE, PROV_CSR, NULL, FAULT_CSR_SIZE };
	struct prov *p = state;

	return transfer_read(&p->transfer, &csr, ret_csr, BOARD_CSR_MAX, ret_len, deadline, e) ||
	       err_add(e, "reading the CSR");
}

static bool prov_write(void *state, const struct board_file *file, int64_t deadline, struct err *e)
{
	struct prov *p = state;

	return transfer_write(&p->transfer, file, deadline, e);
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
	sha256 = transfer_string(&map, "sha256", CBOR_BYTES);
	if (sha256.len != sizeof(file->sha256))
		return transfer_odd(e, "no \"sha256\" of 32 bytes");
	*ret_same = bytes_equal(sha256, BYTES(file->sha256));
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
	if (!transfer_compare(&p->transfer, file, deadline, e))
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
	struct bytes signature = transfer_string(map, "signature", CBOR_BYTES);
	struct board_proof proof;

	if (!take_text(map, "unit", FAULT_UNIT_TEXT, proof.unit, e))
		return false;
	if (p->identified && strcmp(p->identity.unit, proof.unit) != 0)
		return err_set(e, FAULT_UNIT_CHANGED, "the board was %s and signs as %s",
			       p->identity.unit, proof.unit);
	if (signature.len == 0 || signature.len > sizeof(proof.signature))
		return transfer_odd(e, "no \"signature\"");
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

static void *prov_start(const struct board_options *options, struct port *port, struct err *e)
{
	struct prov *p = calloc(1, sizeof(*p));

	if (!p) {
		err_errno(e, ERR_SYSTEM, "no memory for a board");
		return NULL;
	}
	link_start(&p->link, port, options->cancel_fd, options->line_gap_ms);
	p->transfer = (struct transfer) {
		.link = &p->link,
		.options = options,
		.group = PROV_GROUP,
		.name_key = "file",
		.align = PROV_ALIGN,
		.read_command = PROV_READ,
		.write_command = PROV_WRITE,
		.context = p,
		.call = call,
	};
	return p;
}

static bool prov_probe(void *state, struct board_report *ret_report, int64_t deadline,
		       struct err *e)
{
	struct prov *p = state;

	if (!prov_identify(state, &ret_report->identity, deadline, e))
		return false;
	snprintf(ret_report->state, sizeof(ret_report->state), "%s, messages of %zu bytes",
		 p->committed ? "committed" : "not yet committed", p->link.message_max);
	return true;
}

const struct driver prov_driver = {
	.name = "prov",
	.start = prov_start,
	.stop = free,
	.identify = prov_identify,
	.csr = prov_csr,
	.write = prov_write,
	.verify = prov_verify,
	.prove = prov_prove,
	.finish = prov_finish,
	.probe = prov_probe,
};
