/* installed: the end of a certificate's making: the station says that a board holds it, and how it
 * knows.
 *
 *	installed_start  the certificate, its state, the nonce's one use
 *	  proof		 worker: the board's signature, if that is the evidence
 *	proved		 the evidence becomes an entry			-> commit */
#include "hsm/signer/signer.h"

#include "base/log.h"

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
	char nest[NEST_MAX_LEN + 1];

	log_event(LOG_INFO, "certificate installed", "nest=\"%s\" unit=%s evidence=%s",
		  log_text(job->request.nest, nest, sizeof(nest)), job->request.unit,
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
