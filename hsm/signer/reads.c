/* reads: what the ledger and the signer can be asked without changing anything. */
#include "hsm/signer/requests.h"

#include "base/hex.h"

#include <stdio.h>

#define ROW_MAX 1536 /* an issuance or an order as written, at most */

static uint8_t rows[REPLY_ROWS_MAX]; /* the loop's alone */

void request_status(struct signer *s, struct job *job)
{
	struct reply reply = { .type = REPLY_STATUS };
	struct signer_status *to = &reply.status;
	struct head head;
	struct order order;
	struct err e;

	ledger_head(s->ledger, &head);
	to->entries = head.size;
	snprintf(to->station, sizeof(to->station), "%s", s->settings.station);
	X509_NAME_oneline(X509_get_subject_name(s->ca->certificate), to->ca_subject,
			  sizeof(to->ca_subject));
	to->ca_ends = s->ca->not_after;
	to->token_ok = !*s->token_trouble;
	to->signing_s = s->token ? (uint64_t)token_oldest_ms(s->token) / 1000 : 0;
	to->disk_free_mb = s->disk_free_mb;
	to->training = s->settings.training;
	if (signer_found(ledger_order_in_use(s->ledger, &order, &e), &e)) {
		memcpy(to->order, order.id, sizeof(to->order));
		memcpy(to->product, order.product, sizeof(to->product));
		to->quantity = order.quantity;
		to->used = order.used;
	}
	if (!to->token_ok)
		snprintf(to->trouble, sizeof(to->trouble), "token lost, boards wait: %.200s",
			 s->token_trouble);
	else if (!guard_check(&s->guard, &e))
		snprintf(to->trouble, sizeof(to->trouble), "%.250s", e.text);
	signer_reply(s, job, &reply);
}

static void reply_rows(struct signer *s, struct job *job, const struct writer *w, bool more)
{
	struct reply reply = { .type = REPLY_ROWS,
			       .rows = bytes_of(w->data, w->len),
			       .more = more };

	signer_reply(s, job, &reply);
}

static bool room_for_row(const struct writer *w)
{
	return w->size - w->len >= ROW_MAX;
}

void request_orders(struct signer *s, struct job *job)
{
	struct writer w = { .data = rows, .size = sizeof(rows) };
	struct order found[ROWS_AT_ONCE];
	size_t count = 0, i;
	struct err e;

	if (*job->request.order) {
		if (!signer_found(ledger_order(s->ledger, job->request.order, &job->order, &e),
				  &e)) {
			err_set(&e, REFUSAL_ORDER_UNKNOWN,
				"there is no order %s; see: imprint order list",
				job->request.order);
			signer_refuse(s, job, &e);
			return;
		}
		order_write(&w, &job->order);
	} else {
		if (!ledger_orders(s->ledger, job->request.after_text, found, ROWS_AT_ONCE, &count,
				   &e))
			signer_die(&e);
		for (i = 0; i < count && room_for_row(&w); i++)
			order_write(&w, &found[i]);
	}
	reply_rows(s, job, &w, count == ROWS_AT_ONCE);
}

void request_issuances(struct signer *s, struct job *job)
{
	struct writer w = { .data = rows, .size = sizeof(rows) };
	struct issuance_filter filter = { .since = job->request.since };
	struct issuance found[ROWS_AT_ONCE];
	size_t count, i;
	struct err e;

	memcpy(filter.order, job->request.order, sizeof(filter.order));
	memcpy(filter.unit, job->request.unit, sizeof(filter.unit));
	if (!ledger_issuances(s->ledger, job->request.after, &filter, found, ROWS_AT_ONCE, &count,
			      &e))
		signer_die(&e);
	for (i = 0; i < count && room_for_row(&w); i++)
		issuance_write(&w, &found[i]);
	reply_rows(s, job, &w, i < count || count == ROWS_AT_ONCE);
}

static bool find_by_hex(struct signer *s, const char *text, struct issuance *ret_issuance)
{
	uint8_t data[SHA256_LEN];
	size_t len = strlen(text) / 2;
	struct err e;

	if (!len || len > sizeof(data) || !hex_decode(text, data, len))
		return false;
	if (len == SHA256_LEN)
		return signer_found(ledger_by_certificate(s->ledger, data, ret_issuance, &e), &e);
	return len <= SERIAL_MAX &&
	       signer_found(ledger_by_serial(s->ledger, bytes_of(data, len), ret_issuance, &e), &e);
}

void request_find(struct signer *s, struct job *job)
{
	struct writer w = { .data = rows, .size = sizeof(rows) };
	struct issuance_filter filter = { 0 };
	struct issuance found[ROWS_AT_ONCE];
	size_t count = 0;
	struct err e;

	if (find_by_hex(s, job->request.after_text, &found[0])) {
		count = 1;
	} else if (strlen(job->request.after_text) <= NAME_MAX_LEN) {
		snprintf(filter.unit, sizeof(filter.unit), "%.64s", job->request.after_text);
		if (!ledger_issuances(s->ledger, 0, &filter, found, ROWS_AT_ONCE, &count, &e))
			signer_die(&e);
	}
	if (!count) {
		err_set(&job->err, REFUSAL_UNKNOWN,
			"the ledger knows no unit, certificate serial or certificate id %s",
			job->request.after_text);
		signer_refuse(s, job, &job->err);
		return;
	}
	for (size_t i = 0; i < count && room_for_row(&w); i++)
		issuance_write(&w, &found[i]);
	reply_rows(s, job, &w, false);
}

void request_certificate(struct signer *s, struct job *job)
{
	struct reply reply = { .type = REPLY_BLOB };
	struct err e;

	if (!signer_found(ledger_by_certificate(s->ledger, job->request.certificate_id,
						&job->issuance, &e),
			  &e)) {
		err_set(&job->err, REFUSAL_UNKNOWN, "the ledger knows no such certificate");
		signer_refuse(s, job, &job->err);
		return;
	}
	if (!ledger_certificate(s->ledger, &job->issuance, job->der, &job->der_len, &e))
		signer_die(&e);
	reply.rows = bytes_of(job->der, job->der_len);
	signer_reply(s, job, &reply);
}

void request_entries(struct signer *s, struct job *job)
{
	struct reply reply = { .type = REPLY_ROWS };
	uint64_t next;
	size_t len;
	struct err e;

	if (!ledger_entries(s->ledger, job->request.after + 1, rows, sizeof(rows), &len, &next, &e))
		signer_die(&e);
	reply.rows = bytes_of(rows, len);
	reply.more = next != 0;
	signer_reply(s, job, &reply);
}

void request_ca(struct signer *s, struct job *job)
{
	struct reply reply = { .type = REPLY_CA };
	size_t len = s->ca->der_len;

	if (len + s->ca->chain_len > sizeof(rows))
		len = 0;
	memcpy(rows, s->ca->der, len);
	memcpy(rows + len, s->ca->chain, s->ca->chain_len);
	reply.rows = bytes_of(rows, len + s->ca->chain_len);
	signer_reply(s, job, &reply);
}
