/* requests: the table of everything that may be asked of the signer. Permission was checked by the
 * server against the table of hsm/api/request.c. */
#include "hsm/signer/requests.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static void committed(struct signer *s, struct job *job)
{
	signer_done(s, job, "%s", job->err.text);
}

bool request_append(struct signer *s, struct job *job, struct entry *entry, const char *format, ...)
{
	va_list args;

	if (!signer_append(s, entry, &job->err)) {
		if (job->err.code == ERR_REFUSED)
			job->err.code = REFUSAL_STATE;
		signer_refuse(s, job, &job->err);
		return false;
	}
	va_start(args, format);
	vsnprintf(job->err.text, sizeof(job->err.text), format, args);
	va_end(args);
	log_event(LOG_NOTICE, "ledger entry", "type=%s entry=%llu by=%s",
		  entry_type_name(entry->type), (unsigned long long)entry->number,
		  client_name(job->client));
	signer_commit(s, job, committed);
	return true;
}

struct bytes request_by(const struct job *job)
{
	return bytes_text(client_name(job->client));
}

/* What reads the ledger waits until what it reads is durable. */
static const struct {
	job_step *run;
	bool reads;
} handlers[REQUEST_TYPE_COUNT] = {
	[REQUEST_STATUS] = { request_status, true },
	[REQUEST_ISSUE] = { issue_start, false },
	[REQUEST_INSTALLED] = { installed_start, false },
	[REQUEST_ORDER_OPEN] = { request_order_open, false },
	[REQUEST_ORDER_UNITS] = { request_order_units, false },
	[REQUEST_ORDER_QUANTITY] = { request_order_quantity, false },
	[REQUEST_ORDER_USE] = { request_order_use, false },
	[REQUEST_ORDER_CLOSE] = { request_order_close, false },
	[REQUEST_ORDERS] = { request_orders, true },
	[REQUEST_VOID] = { request_void_issuance, false },
	[REQUEST_REVOKE] = { request_revoke_issuance, false },
	[REQUEST_ISSUANCES] = { request_issuances, true },
	[REQUEST_FIND] = { request_find, true },
	[REQUEST_CERTIFICATE] = { request_certificate, true },
	[REQUEST_ENTRIES] = { request_entries, true },
	[REQUEST_HEAD] = { request_head, true },
	[REQUEST_CA] = { request_ca, false },
	[REQUEST_CRL] = { request_crl, true },
	[REQUEST_BACKUP] = { request_backup, true },
	[REQUEST_VERIFICATION_CERT] = { request_verification, false },
	[REQUEST_ACCEPT_TIME] = { request_accept_time, false },
};

static void run_request(struct signer *s, struct job *job)
{
	enum request_type type = job->request.type;

	if (handlers[type].reads && ledger_in_transaction(s->ledger))
		signer_commit(s, job, run_request);
	else
		handlers[type].run(s, job);
}

void signer_request(struct signer *s, struct job *job)
{
	s->job_count++;
	run_request(s, job);
}
