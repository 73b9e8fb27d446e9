/* endings: void, revoke, and the clock accepted. */
#include "hsm/signer/requests.h"

#include "base/clock.h"

static bool find_target(struct signer *s, struct job *job)
{
	const struct request *r = &job->request;
	bool found = *r->unit ? ledger_by_unit(s->ledger, r->unit, &job->issuance, &job->err)
			      : ledger_by_certificate(s->ledger, r->certificate_id, &job->issuance,
						      &job->err);

	if (!signer_found(found, &job->err))
		return err_set(&job->err, REFUSAL_UNKNOWN,
			       "the ledger knows no such unit or certificate: %s", r->unit);
	if (!*r->reason)
		return err_set(&job->err, REFUSAL_REQUEST, "say why: --reason TEXT");
	return true;
}

void request_void_issuance(struct signer *s, struct job *job)
{
	struct entry entry = { .type = ENTRY_VOID,
			       .reason = bytes_text(job->request.reason),
			       .by = request_by(job) };

	if (!find_target(s, job)) {
		signer_refuse(s, job, &job->err);
		return;
	}
	if (job->issuance.state != STATE_ISSUED) {
		err_set(&job->err, REFUSAL_STATE,
			job->issuance.state == STATE_INSTALLED
				? "unit %s: its certificate is %s; revoke it instead: imprint "
				  "revoke"
				: "unit %s: its certificate is %s; there is nothing to void",
			job->issuance.unit, state_name(job->issuance.state));
		signer_refuse(s, job, &job->err);
		return;
	}
	entry.issuance = job->issuance.id;
	request_append(s, job, &entry, "unit %s: void; it may have a new certificate now",
		       job->issuance.unit);
}

void request_revoke_issuance(struct signer *s, struct job *job)
{
	struct entry entry = { .type = ENTRY_REVOKED,
			       .reason = bytes_text(job->request.reason),
			       .by = request_by(job) };

	if (!find_target(s, job)) {
		signer_refuse(s, job, &job->err);
		return;
	}
	if (job->issuance.state != STATE_INSTALLED) {
		err_set(&job->err, REFUSAL_STATE,
			job->issuance.state == STATE_ISSUED
				? "unit %s: its certificate is %s and was never installed; void it "
				  "instead: imprint void"
				: "unit %s: its certificate is %s already",
			job->issuance.unit, state_name(job->issuance.state));
		signer_refuse(s, job, &job->err);
		return;
	}
	entry.issuance = job->issuance.id;
	request_append(s, job, &entry, "unit %s: revoked here, and on the next CRL",
		       job->issuance.unit);
}

void request_accept_time(struct signer *s, struct job *job)
{
	struct entry entry = { .type = ENTRY_TIME_ACCEPTED,
			       .reason = bytes_text(job->request.reason),
			       .by = request_by(job) };
	char text[CLOCK_TEXT_SIZE];

	if (!*job->request.reason) {
		err_set(&job->err, REFUSAL_REQUEST, "say why: --reason TEXT");
		signer_refuse(s, job, &job->err);
		return;
	}
	entry.time_s = clock_wall_s();
	if (request_append(s, job, &entry, "the time %s is accepted; issuing goes on",
			   clock_format(entry.time_s, text)))
		guard_accept(&s->guard);
}
