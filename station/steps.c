#include "station/steps.h"

#include "base/hex.h"
#include "base/message.h"
#include "hsm/api/refusal.h"
#include "serial/fault.h"
#include "station/policy.h"
#include "station/verdict.h"

static void show_progress(void *context, size_t done, size_t total)
{
	struct recipe *r = context;

	if (r->bytes_total == 0)
		box_progress(r->in->box, done, total);
	else
		box_progress(r->in->box, r->bytes_before + done, r->bytes_total);
}

bool step_order(struct recipe *r, int64_t deadline, struct err *e)
{
	struct request request = { .type = REQUEST_STATUS };
	const struct signer_status *status = &r->reply.status;

	if (!asker_ask(&r->asker, &request, &r->reply, deadline, e))
		return false;
	if (r->reply.type != REPLY_STATUS)
		return err_set(e, REFUSAL_REQUEST, "the signer's answer is no status");
	if (!*status->order)
		return err_set(e, REFUSAL_ORDER_NONE, "no order is in use");
	memcpy(r->run->order, status->order, sizeof(r->run->order));
	memcpy(r->run->product, status->product, sizeof(r->run->product));
	box_order(r->in->box, status->order, status->product);
	return catalogue_get(r->in->catalogue, status->product, r->in->nest->driver, &r->product,
			     e);
}

/* A board that does not know its own id has the one of its label; where the product asks for both,
 * they must say the same. */
static bool compare_label(const struct recipe *r, struct err *e)
{
	if (!r->product.label || r->in->mode == MODE_GOLDEN)
		return true;
	if (!*r->in->unit)
		return err_set(e, POLICY_NO_LABEL, "the label of the board was not scanned");
	return strcmp(r->in->unit, r->own_unit) == 0 ||
	       err_set(e, POLICY_LABEL, "the board is unit %s, and its label says %s", r->own_unit,
		       r->in->unit);
}

static bool take_unit(struct recipe *r, const char *unit, struct err *e)
{
	snprintf(r->unit, sizeof(r->unit), "%s", unit);
	control_copy_text(r->run->unit, sizeof(r->run->unit), unit);
	box_unit(r->in->box, unit);
	return policy_allows(r->in, unit, e);
}

/* The signer takes one from the order's list if nobody named one. */
static bool choose_unit(struct recipe *r, struct err *e)
{
	bool by_board = r->product.unit_source == SOURCE_BOARD;
	const char *unit = by_board ? r->own_unit : r->in->unit;

	if (by_board && !*unit)
		return err_set(e, FAULT_UNIT_TEXT, "the board does not know its unit id");
	if (!*unit && r->product.unit_source != SOURCE_LIST)
		return err_set(
			e, POLICY_NO_LABEL,
			"the product takes the unit id from a %s: imprint start %s --unit ID",
			unit_source_name(r->product.unit_source), r->in->nest->name);
	return take_unit(r, unit, e) && compare_label(r, e);
}

bool step_identify(struct recipe *r, int64_t deadline, struct err *e)
{
	struct board_identity identity;

	r->options = (struct board_options) {
		.driver = r->product.driver,
		.port = r->in->nest->port,
		.baud = r->in->nest->baud,
		.line_gap_ms = r->in->nest->line_gap_ms,
		.cancel_fd = r->in->cancel_fd,
		.settings = &r->product.settings,
		.progress = show_progress,
		.context = r,
	};
	if (!board_open(&r->options, &r->board, e) ||
	    !board_identify(r->board, &identity, deadline, e))
		return false;
	memcpy(r->own_unit, identity.unit, sizeof(r->own_unit));
	return choose_unit(r, e);
}

/* *after moves on to the last one read. */
static bool check_issuances(struct bytes rows, const char *unit, uint64_t *after, struct err *e)
{
	struct reader reader = { .data = rows.data, .len = rows.len };
	struct issuance issuance;

	while (!reader.bad && reader.at < reader.len) {
		issuance_read(&reader, &issuance);
		if (reader.bad || issuance.id <= *after)
			return err_set(e, REFUSAL_REQUEST, "the signer's list makes no sense");
		*after = issuance.id;
		if (issuance.state == STATE_INSTALLED)
			return err_set(e, REFUSAL_UNIT_INSTALLED,
				       "%s is installed already, and this kind of board would lose "
				       "its key if it were asked for another certificate",
				       unit);
	}
	return true;
}

/* A board that makes a new key each time must not lose the one of a certificate in use. */
static bool refuse_installed(struct recipe *r, int64_t deadline, struct err *e)
{
	struct request request = { .type = REQUEST_ISSUANCES };

	if (!*r->unit)
		return err_set(e, ERR_INVALID,
			       "this kind of board makes a new key each time and cannot be known "
			       "again by it: name its unit: imprint start %s --unit ID",
			       r->in->nest->name);
	memcpy(request.unit, r->unit, sizeof(request.unit));
	do {
		uint64_t before = request.after;

		if (!asker_ask(&r->asker, &request, &r->reply, deadline, e))
			return false;
		if (r->reply.type != REPLY_ROWS)
			return err_set(e, REFUSAL_REQUEST, "the signer's answer is no list");
		if (!check_issuances(r->reply.rows, r->unit, &request.after, e))
			return false;
		if (request.after == before)
			break;
	} while (r->reply.more);
	return true;
}

bool step_csr(struct recipe *r, int64_t deadline, struct err *e)
{
	if (r->in->mode != MODE_NORMAL && !board_repeats_csr(r->board))
		return true; /* it would lose its key */
	if (!board_repeats_csr(r->board) && !refuse_installed(r, deadline, e))
		return false;
	if (!board_csr(r->board, r->csr, &r->csr_len, deadline, e))
		return false;
	r->run->bytes += r->csr_len;
	return true;
}

/* One run, one certificate: what comes the second time must be what came the first time. */
static bool take_certificate_id(struct recipe *r, struct err *e)
{
	const uint8_t *id = r->reply.issuance.certificate_id;

	if (r->has_issued && memcmp(r->certificate_id, id, SHA256_LEN) != 0)
		return err_set(e, REFUSAL_REQUEST,
			       "the signer gave another certificate when it was asked again");
	r->has_issued = true;
	memcpy(r->certificate_id, id, SHA256_LEN);
	hex_encode(BYTES(r->certificate_id), r->run->certificate_id);
	return true;
}

static const struct board_file *file_of(const struct recipe *r, const char *name)
{
	for (size_t i = 0; i < r->file_count; i++)
		if (strcmp(r->files[i].name, name) == 0)
			return &r->files[i];
	return NULL;
}

static bool take_file(struct recipe *r, const struct reply_file *from, struct err *e)
{
	const struct station_product_file *to = station_product_file(&r->product, from->name);
	struct board_file *file = &r->files[r->file_count];

	if (!to && station_product_leaves_out(&r->product, from->name))
		return true;
	if (!to)
		return err_set(
			e, ERR_INVALID,
			"the product %s has no target for the file \"%s\" under board: files",
			r->product.name, from->name);
	*file = (struct board_file) { from->name, to->target, from->content, { 0 } };
	memcpy(file->sha256, from->sha256, sizeof(from->sha256));
	r->file_count++;
	return true;
}

static bool take_files(struct recipe *r, struct err *e)
{
	r->file_count = 0;
	for (size_t i = 0; i < r->reply.file_count; i++)
		if (!take_file(r, &r->reply.files[i], e))
			return false;
	for (size_t i = 0; i < r->product.file_count; i++)
		if (!file_of(r, r->product.files[i].name))
			return err_set(e, ERR_INVALID,
				       "the product %s has a target for the file \"%s\", which is "
				       "none of those under certificate: files",
				       r->product.name, r->product.files[i].name);
	return true;
}

/* What is known of the unit by now goes on record, should the station end here. */
static bool keep_under_way(const struct recipe *r, bool kept, struct err *e)
{
	return !r->in->runs || runs_under_way(r->in->runs, r->run, kept, e);
}

bool step_certificate(struct recipe *r, int64_t deadline, struct err *e)
{
	struct request request = { .type = REQUEST_ISSUE,
				   .source = r->product.unit_source,
				   .csr = bytes_of(r->csr, r->csr_len) };

	memcpy(request.order, r->run->order, sizeof(request.order));
	memcpy(request.unit, r->unit, sizeof(request.unit));
	memcpy(request.nest, r->run->nest, sizeof(request.nest));
	memcpy(request.operator, r->run->operator, sizeof(request.operator));
	if (!keep_under_way(r, false, e) || !asker_ask(&r->asker, &request, &r->reply, deadline, e))
		return false;
	if (r->reply.type != REPLY_ISSUED)
		return err_set(e, REFUSAL_REQUEST, "the signer's answer is no certificate");
	if (*r->unit && strcmp(r->unit, r->reply.issuance.unit) != 0)
		return err_set(e, REFUSAL_REQUEST, "the signer's answer is for unit %s, not %s",
			       r->reply.issuance.unit, r->unit);
	return take_unit(r, r->reply.issuance.unit, e) && take_certificate_id(r, e) &&
	       take_files(r, e);
}

typedef bool (*file_action)(struct recipe *r, const struct board_file *file, int64_t deadline,
			    struct err *e);

/* In the product's order, with one count of bytes over all files. */
static bool each_file(struct recipe *r, file_action action, int64_t deadline, struct err *e)
{
	bool done = true;

	if (r->verified)
		return true;
	r->bytes_before = r->bytes_total = 0;
	for (size_t i = 0; i < r->file_count; i++)
		r->bytes_total += r->files[i].content.len;
	box_progress(r->in->box, 0, r->bytes_total);
	for (size_t i = 0; done && i < r->file_count; i++) {
		const struct board_file *file = file_of(r, r->product.files[i].name);

		done = action(r, file, deadline, e);
		r->bytes_before += file->content.len;
		box_progress(r->in->box, r->bytes_before, r->bytes_total);
	}
	r->bytes_total = 0;
	return done;
}

static bool write_file(struct recipe *r, const struct board_file *file, int64_t deadline,
		       struct err *e)
{
	if (!board_write(r->board, file, deadline, e))
		return false;
	r->run->bytes += file->content.len;
	return true;
}

static bool verify_file(struct recipe *r, const struct board_file *file, int64_t deadline,
			struct err *e)
{
	return board_verify(r->board, file, r->product.read_back, deadline, e);
}

/* From here on the board may hold its certificate: the record knows that first. */
bool step_install(struct recipe *r, int64_t deadline, struct err *e)
{
	return keep_under_way(r, true, e) && each_file(r, write_file, deadline, e);
}

bool step_verify(struct recipe *r, int64_t deadline, struct err *e)
{
	if (!each_file(r, verify_file, deadline, e))
		return false;
	r->verified = true;
	r->evidence = r->product.read_back ? EVIDENCE_READ_BACK : EVIDENCE_DIGEST;
	return true;
}

bool step_prove(struct recipe *r, int64_t deadline, struct err *e)
{
	struct board_challenge challenge = { .files = r->files, .file_count = r->file_count };

	if (!r->product.prove)
		return true;
	if (!board_can_prove(r->board)) {
		if (r->product.prove_required)
			return err_set(e, FAULT_PROOF,
				       "the product wants a proof, and boards of driver %s cannot "
				       "give one",
				       r->product.driver);
		return true;
	}
	memcpy(challenge.nonce, r->reply.nonce, sizeof(challenge.nonce));
	memcpy(challenge.certificate_id, r->certificate_id, sizeof(challenge.certificate_id));
	if (!board_prove(r->board, &challenge, &r->proof, deadline, e))
		return false;
	if (strcmp(r->proof.unit, r->unit) != 0)
		return err_set(e, FAULT_UNIT_CHANGED,
			       "the board signed as unit %s and should be %s", r->proof.unit,
			       r->unit);
	r->evidence = EVIDENCE_SIGNED;
	return true;
}

bool step_check_unit(struct recipe *r, int64_t deadline, struct err *e)
{
	struct board_identity identity;

	if (!board_identify(r->board, &identity, deadline, e))
		return false;
	if (strcmp(identity.unit, r->own_unit) != 0)
		return err_set(e, FAULT_UNIT_CHANGED, "the board was unit %s and is unit %s now",
			       r->own_unit, identity.unit);
	return true;
}

bool step_installed(struct recipe *r, int64_t deadline, struct err *e)
{
	struct request request = { .type = REQUEST_INSTALLED, .evidence = r->evidence };
	struct reply done;

	memcpy(request.certificate_id, r->certificate_id, sizeof(request.certificate_id));
	memcpy(request.nonce, r->reply.nonce, sizeof(request.nonce));
	memcpy(request.unit, r->unit, sizeof(request.unit));
	memcpy(request.nest, r->run->nest, sizeof(request.nest));
	memcpy(request.operator, r->run->operator, sizeof(request.operator));
	if (r->evidence == EVIDENCE_SIGNED)
		request.signature = bytes_of(r->proof.signature, r->proof.signature_len);
	if (!asker_ask(&r->asker, &request, &done, deadline, e))
		return false;
	if (done.type != REPLY_DONE)
		return err_set(e, REFUSAL_REQUEST, "the signer did not say that it is done");
	r->run->evidence = evidence_name(r->evidence);
	return true;
}

bool step_finish(struct recipe *r, int64_t deadline, struct err *e)
{
	return board_finish(r->board, deadline, e);
}
