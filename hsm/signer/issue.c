/* issue: the life of one certificate, from the request to the evidence that it is installed.
 *
 *	issue_start  order, product, clock, token, disk
 *	  check        worker: CSR, key type, serial, TBS
 *	checked      rules: again | reserve | refuse			-> commit
 *	reserved
 *	  sign         worker: token, verify, compare, files
 *	signed       the whole certificate becomes an entry		-> commit
 *	release      a nonce is opened, the reply leaves */
#include "hsm/signer/signer.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>

#define DISK_LEAST_MB 64
#define REKEY_ROUNDS 4
#define WHO_SIZE (NAME_MAX_LEN + 32)

/* --- workers --- */

static bool make_files(struct job *job, struct err *e)
{
	const struct product *product = job->product->product;
	struct bytes certificate = bytes_of(job->der, job->der_len);

	for (size_t i = 0; i < product->file_count; i++) {
		if (!certificate_file(job->ca, product, &product->files[i], certificate,
				      &job->files[i], &job->file_lens[i], e))
			return false;
		job->file_count = i + 1;
		SHA256(job->files[i], job->file_lens[i], job->nonce.digests + i * SHA256_LEN);
	}
	job->nonce.digests_len = job->file_count * SHA256_LEN;
	if (RAND_bytes(job->nonce.nonce, sizeof(job->nonce.nonce)) != 1)
		return err_set(e, ERR_SYSTEM, "no random bytes to be had");
	return true;
}

/* "unit T-1"; or the nest, while the unit is still to be taken from the order's list. */
static const char *who(const struct job *job, char text[static WHO_SIZE])
{
	const struct request *r = &job->request;

	snprintf(text, WHO_SIZE, "%s %s", *r->unit ? "unit" : "the board in nest",
		 *r->unit ? r->unit : r->nest);
	return text;
}

static bool check_key(const struct job *job, const struct product *product, struct err *e)
{
	char text[WHO_SIZE];

	if (product_allows_key(product, job->csr.key_type))
		return true;
	return err_set(e, REFUSAL_KEY_TYPE,
		       "%s has a key of type %s, which the product %s does not allow; "
		       "check that the order is for this board",
		       who(job, text), token_key_type_name(job->csr.key_type), product->name);
}

static bool compose(struct job *job, struct err *e)
{
	struct certificate_plan plan = { .product = job->product->product,
					 .spki = bytes_of(job->csr.spki, job->csr.spki_len),
					 .unit = job->request.unit,
					 .order = job->order.id,
					 .serial = BYTES(job->serial),
					 .now_s = job->now_s };

	return certificate_compose(job->ca, &plan, &job->tbs, e);
}

static bool check_work(struct job *job, struct csr_checker *checker, struct err *e)
{
	char text[WHO_SIZE];

	if (!csr_check(checker, job->request.csr, &job->csr, e)) {
		e->code = REFUSAL_CSR;
		return err_add(e, "%s: the request is refused", who(job, text));
	}
	if (!job->product)
		return true; /* no order: only a repeat can follow */
	if (!check_key(job, job->product->product, e))
		return false;
	return !*job->request.unit || compose(job, e);
}

static bool sign_work(struct job *job, struct csr_checker *checker, struct err *e)
{
	(void)checker;
	return certificate_sign(job->ca, &job->tbs, job->der, &job->der_len, e) &&
	       make_files(job, e);
}

static bool files_work(struct job *job, struct csr_checker *checker, struct err *e)
{
	(void)checker;
	return make_files(job, e);
}

/* --- the loop --- */

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
	signer_work(s, job, sign_work, signed_step);
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
	signer_work(s, job, files_work, files_step);
}

static bool may_reserve(struct signer *s, const struct job *job, struct err *e)
{
	if (s->disk_free_mb < DISK_LEAST_MB)
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
	    (is_new && !signer_append(s, &entry, &e)))
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

static bool check_unit(const struct job *job, struct err *e)
{
	const struct product *product;
	char text[WHO_SIZE];

	if (!job->product)
		return true;
	product = job->product->product;
	if (*job->request.unit && !product_allows_unit(product, job->request.unit))
		return err_set(e, REFUSAL_UNIT_TEXT,
			       "the unit id \"%s\" is none of the product %s (%s); check board and "
			       "order",
			       job->request.unit, product->name, product->unit_pattern_text);
	if (job->request.source != product->unit_source &&
	    (!*job->request.unit || !(job->roles & ROLE_SUPERVISOR)))
		return err_set(e, REFUSAL_REQUEST,
			       "%s: the product %s takes its unit ids from the %s, not from "
			       "the %s; make both parts of the product file agree",
			       who(job, text), product->name,
			       unit_source_name(product->unit_source),
			       unit_source_name((enum unit_source)job->request.source));
	return true;
}

static bool next_unit(struct signer *s, struct job *job, struct err *e)
{
	if (!job->has_order)
		return err_set(e, REFUSAL_ORDER_NONE,
			       "no order is in use for nest %s; a supervisor opens one (imprint "
			       "order open) or puts one in use (imprint order use ID)",
			       job->request.nest);
	if (job->order.units != UNITS_LIST)
		return err_set(e, REFUSAL_ORDER_UNIT,
			       "the product %s takes its unit ids from the order's list, and order "
			       "%s has none; a supervisor opens one with --units FILE",
			       job->order.product, job->order.id);
	if (!signer_found(ledger_order_next_unit(s->ledger, job->order.id, job->request.unit, e),
			  e))
		return err_set(e, REFUSAL_ORDER_UNIT,
			       "every unit id on the list of order %s has its certificate; a "
			       "supervisor opens the next order",
			       job->order.id);
	return true;
}

/* A board that does not know its unit id has that which its key was given before, or the next of
 * the order's list. It is composed here, where no other request can come between. */
static bool take_unit(struct signer *s, struct job *job, struct err *e)
{
	struct issuance earlier;

	if (signer_found(ledger_key_elsewhere(s->ledger, job->csr.key_sha256, "", &earlier, e), e))
		memcpy(job->request.unit, earlier.unit, sizeof(job->request.unit));
	else if (!next_unit(s, job, e))
		return false;
	return !job->product || (check_unit(job, e) && compose(job, e));
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
	char text[WHO_SIZE];

	if ((!*r->unit && r->source != SOURCE_LIST) || !is_text(r->unit) || !is_text(r->nest) ||
	    r->source < SOURCE_BOARD || r->source > SOURCE_LIST)
		return err_set(e, REFUSAL_REQUEST,
			       "the request names no unit, or not in printable ASCII");
	if (*s->token_trouble)
		return err_set(e, REFUSAL_TOKEN, "%s waits, the token is lost: %.300s",
			       who(job, text), s->token_trouble);
	if (clock_wall_s() > s->ca->not_after)
		return err_set(
			e, REFUSAL_CA,
			"the CA certificate has ended; make a new one with imprint ca create");
	return find_order(s, job, e) && check_unit(job, e);
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
	signer_work(s, job, check_work, checked_step);
}

/* --- installed --- */

static bool proof_work(struct job *job, struct csr_checker *checker, struct err *e)
{
	(void)checker;
	if (certificate_proof(bytes_of(job->der, job->der_len), job->request.nonce,
			      job->request.unit,
			      bytes_of(job->nonce.digests, job->nonce.digests_len),
			      job->request.signature, e))
		return true;
	e->code = REFUSAL_PROOF;
	return err_add(e, "unit %s does not prove that it holds its key and files",
		       job->request.unit);
}

static void installed_done(struct signer *s, struct job *job)
{
	log_event(LOG_INFO, "certificate installed", "nest=%s unit=%s evidence=%s",
		  job->request.nest, job->request.unit,
		  evidence_name((enum evidence)job->request.evidence));
	signer_done(s, job, "unit %s: installed, evidence %s", job->request.unit,
		    evidence_name((enum evidence)job->request.evidence));
}

static void proved_step(struct signer *s, struct job *job)
{
	const struct request *r = &job->request;
	struct entry entry = { .type = ENTRY_INSTALLED,
			       .issuance = job->issuance.id,
			       .evidence = r->evidence,
			       .nest = bytes_text(r->nest),
			       .operator= bytes_text(r->operator),
			       .nonce = BYTES(r->nonce),
			       .digests = bytes_of(job->nonce.digests, job->nonce.digests_len) };

	if (r->evidence == EVIDENCE_SIGNED)
		entry.signature = r->signature;
	if (!job->ok) {
		signer_refuse(s, job, &job->err);
		return;
	}
	/* Another nest's answer may have come first: installed again is no news. */
	if (!ledger_issuance(s->ledger, job->issuance.id, &job->issuance, &job->err))
		signer_die(&job->err);
	if (job->issuance.state == STATE_INSTALLED) {
		signer_commit(s, job, installed_done);
		return;
	}
	if (!signer_append(s, &entry, &job->err)) {
		job->err.code = REFUSAL_STATE;
		signer_refuse(s, job, &job->err);
		return;
	}
	signer_commit(s, job, installed_done);
}

static bool find_installing(struct signer *s, struct job *job, struct err *e)
{
	const struct request *r = &job->request;

	if (r->evidence < EVIDENCE_DIGEST || r->evidence > EVIDENCE_SIGNED)
		return err_set(e, REFUSAL_REQUEST, "unit %s: evidence of no known kind", r->unit);
	if (!signer_found(ledger_by_certificate(s->ledger, r->certificate_id, &job->issuance, e),
			  e) ||
	    strcmp(job->issuance.unit, r->unit))
		return err_set(e, REFUSAL_UNKNOWN, "unit %s has no such certificate", r->unit);
	if (job->issuance.state != STATE_ISSUED && job->issuance.state != STATE_INSTALLED)
		return err_set(e, REFUSAL_STATE,
			       "unit %s: its certificate is %s and cannot be installed", r->unit,
			       state_name(job->issuance.state));
	if (!nonces_take(&s->nonces, r->nonce, job->issuance.id, &job->nonce))
		return err_set(e, REFUSAL_NONCE,
			       "unit %s: its question is no longer open; ask for the certificate "
			       "again",
			       r->unit);
	if (!ledger_certificate(s->ledger, &job->issuance, job->der, &job->der_len, e))
		signer_die(e);
	return true;
}

void installed_start(struct signer *s, struct job *job)
{
	if (!find_installing(s, job, &job->err)) {
		signer_refuse(s, job, &job->err);
		return;
	}
	job->ok = true;
	if (job->request.evidence == EVIDENCE_SIGNED)
		signer_work(s, job, proof_work, proved_step);
	else
		proved_step(s, job);
}
