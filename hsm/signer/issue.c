/* issue: the life of one certificate, from the request until it leaves (then: installed.c).
 *
 *	issue_start  order, product, clock, token, disk
 *	  work_check   worker: CSR, key type, TBS
 *	checked      rules: again | reserve | refuse			-> commit
 *	reserved
 *	  work_sign    worker: token, verify, compare, files
 *	signed       the whole certificate becomes an entry		-> commit
 *	release      a nonce is opened, the reply leaves */
#include "hsm/signer/signer.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "hsm/api/text.h"
#include "hsm/signer/unit.h"
#include "hsm/signer/work.h"

#include <openssl/crypto.h>
#include <stdio.h>

#define REKEY_ROUNDS 4

static void release(struct signer *s, struct job *job)
{
	static struct reply reply; /* the loop's alone; too large for the stack's taste */
	char id[2 * SHA256_LEN + 1];

	reply = (struct reply) { .type = REPLY_ISSUED,
				 .issuance = job->issuance,
				 .again = job->again,
				 .file_count = job->file_count };
	job->nonce.issuance = job->issuance.id;
	nonces_add(&s->nonces, &job->nonce);
	memcpy(reply.nonce, job->nonce.nonce, sizeof(reply.nonce));
	for (size_t i = 0; i < job->file_count; i++) {
		const struct product_file *file = &job->product->product->files[i];

		memcpy(reply.files[i].name, file->name, sizeof(reply.files[i].name));
		reply.files[i].content = bytes_of(job->files[i], job->file_lens[i]);
		memcpy(reply.files[i].sha256, job->nonce.digests + i * SHA256_LEN, SHA256_LEN);
	}
	hex_encode(BYTES(job->issuance.certificate_id), id);
	log_event(LOG_INFO, job->again ? "certificate released again" : "certificate issued",
		  "nest=%s unit=%s order=%s certificate_id=%s", job->request.nest,
		  job->request.unit, job->issuance.order, id);
	signer_reply(s, job, &reply);
}

static void refuse_now(struct signer *s, struct job *job)
{
	signer_refuse(s, job, &job->err);
}

static void void_reserved(struct signer *s, struct job *job)
{
	char reason[REASON_MAX_LEN + 1];
	struct entry entry = { .type = ENTRY_VOID,
			       .issuance = job->issuance.id,
			       .by = bytes_text("signer") };
	struct err e;

	snprintf(reason, sizeof(reason), "not signed: %.200s", job->err.text);
	for (char *c = reason; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?'; /* an entry takes no half of a UTF-8 character */
	entry.reason = bytes_text(reason);
	if (!signer_append(s, &entry, &e))
		signer_die(&e);
	if (job->err.code == ERR_TOKEN || job->err.code == ERR_PIN) {
		keeper_lost(s, &job->err);
		job->err.code = REFUSAL_TOKEN;
	}
	OPENSSL_cleanse(job->der, sizeof(job->der));
	s->settled = true;
	signer_commit(s, job, refuse_now);
}

static void signed_step(struct signer *s, struct job *job)
{
	struct entry entry = { .type = ENTRY_ISSUED, .issuance = job->issuance.id };
	struct err e;

	if (!job->ok) {
		void_reserved(s, job);
		return;
	}
	entry.certificate = bytes_of(job->der, job->der_len);
	if (!signer_append(s, &entry, &e) ||
	    !ledger_issuance(s->ledger, job->issuance.id, &job->issuance, &e)) {
		OPENSSL_cleanse(job->der, sizeof(job->der));
		signer_die(&e);
	}
	s->settled = true;
	signer_commit(s, job, release);
}

static void reserved_step(struct signer *s, struct job *job)
{
	signer_work(s, job, work_sign, signed_step);
}

static void files_step(struct signer *s, struct job *job)
{
	if (job->ok)
		release(s, job);
	else
		signer_refuse(s, job, &job->err);
}

static void again_step(struct signer *s, struct job *job)
{
	job->again = true;
	signer_work(s, job, work_files, files_step);
}

static bool token_is_there(const struct signer *s, const struct job *job, struct err *e)
{
	char text[UNIT_WHO_SIZE];

	return !*s->token_trouble ||
	       err_set(e, REFUSAL_TOKEN, "%s waits, the token is lost: %.300s", unit_who(job, text),
		       s->token_trouble);
}

/* The rest is for the ends of what was begun: who asks must not fill it, with alarms neither. */
static bool has_room(const struct signer *s)
{
	return s->disk_free_mb >= DISK_LEAST_MB;
}

static bool may_reserve(struct signer *s, const struct job *job, struct err *e)
{
	if (!token_is_there(s, job, e))
		return false;
	if (!has_room(s))
		return err_set(e, REFUSAL_DISK,
			       "unit %s: only %llu MB are free for the ledger; make room, at least "
			       "64 MB",
			       job->request.unit, (unsigned long long)s->disk_free_mb);
	return guard_check(&s->guard, e);
}

static void reserve(struct signer *s, struct job *job)
{
	const struct request *r = &job->request;
	struct entry entry = { .type = ENTRY_RESERVED,
			       .time_s = job->now_s,
			       .order = bytes_text(job->order.id),
			       .product = bytes_text(job->order.product),
			       .unit = bytes_text(r->unit),
			       .source = r->source,
			       .nest = bytes_text(r->nest),
			       .operator= bytes_text(r->operator),
			       .serial = BYTES(job->serial),
			       .key_sha256 = BYTES(job->csr.key_sha256),
			       .tbs_sha256 = BYTES(job->tbs.sha256),
			       .ca_id = BYTES(job->ca->id) };

	if (!may_reserve(s, job, &job->err) || !signer_append(s, &entry, &job->err)) {
		signer_refuse(s, job, &job->err);
		return;
	}
	job->issuance.id = entry.number;
	signer_commit(s, job, reserved_step);
}

static void release_again(struct signer *s, struct job *job)
{
	struct err e;

	if (!ledger_certificate(s->ledger, &job->issuance, job->der, &job->der_len, &e))
		signer_die(&e);
	/* It may be of the transaction under way: it leaves only after that. */
	signer_commit(s, job, again_step);
}

static void void_for_rekey(struct signer *s, const struct issuance *earlier)
{
	struct entry entry = { .type = ENTRY_VOID,
			       .issuance = earlier->id,
			       .reason = bytes_text(
				       "the board made another key before it was installed"),
			       .by = bytes_text("signer"),
			       .rekeyed = 1 };
	struct err e;

	if (!signer_append(s, &entry, &e))
		signer_die(&e);
}

static void raise_alarm(struct signer *s, struct job *job, const struct issuance *other)
{
	struct entry entry = { .type = ENTRY_ALARM,
			       .kind = ALARM_KEY_OTHER_UNIT,
			       .unit = bytes_text(job->request.unit),
			       .other_unit = bytes_text(other->unit),
			       .key_sha256 = BYTES(job->csr.key_sha256),
			       .nest = bytes_text(job->request.nest),
			       .operator= bytes_text(job->request.operator),
			       .text = bytes_text("two units with one key: a cloned image or a "
						  "broken random number generator") };
	bool is_new;
	struct err e;

	if (!ledger_alarm_is_new(s->ledger, ALARM_KEY_OTHER_UNIT, job->request.unit, other->unit,
				 &is_new, &e) ||
	    (is_new && has_room(s) && !signer_append(s, &entry, &e)))
		signer_die(&e);
	log_event(LOG_ALERT, "two units with one key", "nest=%s unit=%s other_unit=%s",
		  job->request.nest, job->request.unit, other->unit);
}

/* A repeat needs no order: the product is the earlier issuance's. */
static bool product_of_repeat(struct signer *s, struct job *job, struct err *e)
{
	struct issuance earlier;

	if (job->product)
		return true;
	if (!signer_found(ledger_by_key(s->ledger, job->csr.key_sha256, &earlier, e), e))
		return true;
	return products_get(s->products, earlier.product, &job->product, e);
}

static enum verdict decide(struct signer *s, struct job *job, struct err *refusal)
{
	struct rules_question question = { .unit = job->request.unit,
					   .key_sha256 = job->csr.key_sha256,
					   .ca_id = job->ca->id,
					   .order = job->has_order ? &job->order : NULL };
	enum verdict verdict = VERDICT_REFUSED;
	struct err e;

	if (!product_of_repeat(s, job, refusal))
		return VERDICT_REFUSED;
	if (job->product) {
		question.product = job->product->product->name;
		question.rekey_before_installed = job->product->product->rekey_before_installed;
	}
	for (unsigned i = 0; i < REKEY_ROUNDS; i++) {
		/* Others of this batch, or a void of ours, may have changed the order since. */
		if (job->has_order && !ledger_order(s->ledger, job->order.id, &job->order, &e))
			signer_die(&e);
		/* What is decided now is entered as of now: the order may be over in a second. */
		question.now_s = job->now_s = guard_now(&s->guard);
		if (!rules_decide(s->ledger, &question, &verdict, &job->issuance, refusal, &e))
			signer_die(&e);
		if (verdict != VERDICT_REKEY)
			break;
		if (!may_reserve(s, job, refusal))
			return VERDICT_REFUSED;
		void_for_rekey(s, &job->issuance);
	}
	return verdict;
}

/* Composed here, where no other request can come between. */
static bool take_unit(struct signer *s, struct job *job, struct err *e)
{
	return unit_take(s, job, e) && (!job->product || work_compose(job, e));
}

static void checked_step(struct signer *s, struct job *job)
{
	if (job->ok && !*job->request.unit)
		job->ok = take_unit(s, job, &job->err);
	if (!job->ok) {
		signer_refuse(s, job, &job->err);
		return;
	}
	switch (decide(s, job, &job->err)) {
	case VERDICT_NEW:
		reserve(s, job);
		return;
	case VERDICT_AGAIN:
		release_again(s, job);
		return;
	case VERDICT_PENDING:
		signer_wait(s, job, checked_step);
		return;
	case VERDICT_ALARM:
		raise_alarm(s, job, &job->issuance);
		signer_commit(s, job, refuse_now);
		return;
	case VERDICT_REKEY:
	case VERDICT_REFUSED:
		signer_refuse(s, job, &job->err);
		return;
	}
}

static bool find_order(struct signer *s, struct job *job, struct err *e)
{
	bool named = *job->request.order;
	bool found = named ? ledger_order(s->ledger, job->request.order, &job->order, e)
			   : ledger_order_in_use(s->ledger, &job->order, e);

	job->has_order = signer_found(found, e);
	if (!job->has_order && named)
		return err_set(e, REFUSAL_ORDER_UNKNOWN,
			       "there is no order %s; see: imprint order list", job->request.order);
	return !job->has_order || products_get(s->products, job->order.product, &job->product, e);
}

static bool is_text(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

static bool may_start(struct signer *s, struct job *job, struct err *e)
{
	const struct request *r = &job->request;

	if ((!*r->unit && r->source != SOURCE_LIST) || !is_text(r->unit) || !is_text(r->nest) ||
	    r->source < SOURCE_BOARD || r->source > SOURCE_LIST)
		return err_set(e, REFUSAL_REQUEST,
			       "the request names no unit, or not in printable ASCII");
	if (!text_is_clean(bytes_text(r->operator), false))
		return err_set(e, REFUSAL_REQUEST,
			       "unit %s: the operator's name is not UTF-8 without control "
			       "characters",
			       r->unit);
	if (!token_is_there(s, job, e))
		return false;
	if (clock_wall_s() > s->ca->not_after)
		return err_set(
			e, REFUSAL_CA,
			"the CA certificate has ended; make a new one with imprint ca create");
	return find_order(s, job, e) && unit_check(job, e);
}

void issue_start(struct signer *s, struct job *job)
{
	if (!may_start(s, job, &job->err) ||
	    !certificate_serial(bytes_of(s->settings.serial_prefix, s->settings.serial_prefix_len),
				job->serial, &job->err)) {
		signer_refuse(s, job, &job->err);
		return;
	}
	job->ca = s->ca;
	job->now_s = guard_now(&s->guard);
	signer_work(s, job, work_check, checked_step);
}
