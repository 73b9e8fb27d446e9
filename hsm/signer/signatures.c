/* signatures: what the token signs beside certificates for boards: heads, CRLs, verification
 * certificates; and the backup. */
#include "hsm/signer/requests.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/wait.h"
#include "hsm/certificate/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <poll.h>

#define WRITE_TIMEOUT_MS 10000

static bool token_there(struct signer *s, struct job *job)
{
	job->ca = s->ca;
	job->head_key = s->head_key;
	job->now_s = guard_now(&s->guard);
	if (!*s->token_trouble)
		return true;
	err_set(&job->err, REFUSAL_TOKEN, "the token is lost: %.300s", s->token_trouble);
	signer_refuse(s, job, &job->err);
	return false;
}

static void token_failed(struct signer *s, struct job *job)
{
	if (job->err.code == ERR_TOKEN || job->err.code == ERR_PIN)
		keeper_lost(s, &job->err);
	signer_refuse(s, job, &job->err);
}

static bool head_work(struct job *job, struct csr_checker *checker, struct err *e)
{
	(void)checker;
	return seal_head(job->head_key, &job->head, e);
}

static void head_signed(struct signer *s, struct job *job)
{
	uint8_t data[HEAD_TEXT_MAX];
	struct writer w = { .data = data, .size = sizeof(data) };
	struct reply reply = { .type = REPLY_HEAD };

	if (!job->ok) {
		token_failed(s, job);
		return;
	}
	head_write(&w, &job->head);
	reply.rows = bytes_of(w.data, w.len);
	signer_reply(s, job, &reply);
}

void request_head(struct signer *s, struct job *job)
{
	if (!token_there(s, job))
		return;
	ledger_head(s->ledger, &job->head);
	job->head.time_s = guard_now(&s->guard);
	signer_work(s, job, head_work, head_signed);
}

/* Writes everything into a descriptor that a caller passed: it may be a pipe that nobody empties.
 */
static bool write_all(int fd, struct bytes data, struct err *e)
{
	int64_t deadline = clock_deadline(WRITE_TIMEOUT_MS);

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	while (data.len) {
		ssize_t len = write(fd, data.data, data.len);

		if (len < 0 && errno != EAGAIN && errno != EINTR)
			return err_errno(e, REFUSAL_FAILED, "cannot write to the caller's file");
		if (len < 0 && !wait_for(fd, POLLOUT, deadline, -1, NULL, e))
			return err_add(e, "writing to the caller's file");
		if (len > 0)
			data = bytes_of(data.data + len, data.len - (size_t)len);
	}
	return true;
}

static bool crl_work(struct job *job, struct csr_checker *checker, struct err *e)
{
	(void)checker;
	return certificate_crl(job->ca, job->crl_number, job->now_s, (unsigned)job->request.after,
			       job->revoked, job->revoked_count, &job->blob, &job->blob_len, e);
}

static bool crl_write(struct job *job, struct csr_checker *checker, struct err *e)
{
	(void)checker;
	return write_all(job->passed_fd, bytes_of(job->blob, job->blob_len), e);
}

static void crl_written(struct signer *s, struct job *job)
{
	if (!job->ok) {
		signer_refuse(s, job, &job->err);
		return;
	}
	signer_done(s, job, "CRL number %llu with %zu certificates",
		    (unsigned long long)job->crl_number, job->revoked_count);
}

static void crl_durable(struct signer *s, struct job *job)
{
	signer_work(s, job, crl_write, crl_written);
}

static void crl_signed(struct signer *s, struct job *job)
{
	uint8_t sha256[SHA256_LEN];
	struct entry entry = { .type = ENTRY_CRL,
			       .ca_id = BYTES(job->ca->id),
			       .crl_number = job->crl_number };

	if (!job->ok) {
		token_failed(s, job);
		return;
	}
	SHA256(job->blob, job->blob_len, sha256);
	entry.sha256 = BYTES(sha256);
	if (!signer_append(s, &entry, &job->err)) {
		/* Another CRL took the number meanwhile: it must grow. */
		err_set(&job->err, REFUSAL_FAILED,
			"another CRL was made at the same time; ask again");
		signer_refuse(s, job, &job->err);
		return;
	}
	signer_commit(s, job, crl_durable);
}

static bool on_crl(const struct issuance *row, const struct ca *ca)
{
	bool ended = row->state == STATE_REVOKED || (row->state == STATE_VOID && row->issued_at);

	return ended && !memcmp(row->ca_id, ca->id, SHA256_LEN);
}

static void collect_revoked(struct signer *s, struct job *job, enum state state)
{
	struct issuance_filter filter = { .state = state };
	struct issuance found[ROWS_AT_ONCE];
	uint64_t after = 0;
	size_t count;

	do {
		if (!ledger_issuances(s->ledger, after, &filter, found, ROWS_AT_ONCE, &count,
				      &job->err))
			signer_die(&job->err);
		for (size_t i = 0; i < count; i++) {
			struct crl_entry *more;

			after = found[i].id;
			if (!on_crl(&found[i], s->ca))
				continue;
			more = reallocarray(job->revoked, job->revoked_count + 1, sizeof(*more));
			if (!more) {
				err_set(&job->err, ERR_SYSTEM, "no memory for the CRL");
				signer_die(&job->err);
			}
			job->revoked = more;
			more += job->revoked_count++;
			*more = (struct crl_entry) { .serial_len = found[i].serial_len,
						     .revoked_at = found[i].ended_at };
			memcpy(more->serial, found[i].serial, sizeof(more->serial));
		}
	} while (count == ROWS_AT_ONCE);
}

static bool has_file(struct signer *s, struct job *job)
{
	if (job->passed_fd >= 0)
		return true;
	err_set(&job->err, REFUSAL_REQUEST, "this request needs a descriptor to write to");
	signer_refuse(s, job, &job->err);
	return false;
}

/* By the clock, so that a restore, which forgets some, uses none again. */
static uint64_t next_crl_number(uint64_t last, int64_t now_s)
{
	return last < (uint64_t)now_s ? (uint64_t)now_s : last + 1;
}

void request_crl(struct signer *s, struct job *job)
{
	if (!has_file(s, job) || !token_there(s, job))
		return;
	if (!ledger_crl_number(s->ledger, s->ca->id, &job->crl_number, &job->err))
		signer_die(&job->err);
	job->crl_number = next_crl_number(job->crl_number, job->now_s);
	job->request.after = s->settings.crl_days;
	collect_revoked(s, job, STATE_VOID);
	collect_revoked(s, job, STATE_REVOKED);
	signer_work(s, job, crl_work, crl_signed);
}

static bool backup_work(struct job *job, struct csr_checker *checker, struct err *e)
{
	(void)checker;
	return backup_step(job->backup, &job->backup_done, e);
}

/* Between two steps the others' requests have their turn. */
static void backup_go_on(struct signer *s, struct job *job)
{
	if (job->ok && !job->backup_done) {
		signer_work(s, job, backup_work, backup_go_on);
		return;
	}
	s->backup_runs = false;
	if (job->ok)
		signer_done(s, job, "a consistent copy of the ledger was written");
	else
		signer_refuse(s, job, &job->err);
}

void request_backup(struct signer *s, struct job *job)
{
	if (!has_file(s, job))
		return;
	if (s->backup_runs) {
		err_set(&job->err, REFUSAL_FAILED, "another backup is being made; ask again later");
		signer_refuse(s, job, &job->err);
		return;
	}
	if (!backup_start(s->ledger, job->passed_fd, &job->backup, &job->err)) {
		signer_refuse(s, job, &job->err);
		return;
	}
	s->backup_runs = true;
	signer_work(s, job, backup_work, backup_go_on);
}

static bool verification_work(struct job *job, struct csr_checker *checker, struct err *e)
{
	(void)checker;
	return certificate_verification(job->ca, job->request.code, BYTES(job->serial), job->now_s,
					job->der, &job->der_len, e);
}

static void verification_durable(struct signer *s, struct job *job)
{
	struct reply reply = { .type = REPLY_BLOB, .rows = bytes_of(job->der, job->der_len) };

	signer_reply(s, job, &reply);
}

static void verification_signed(struct signer *s, struct job *job)
{
	struct entry entry = { .type = ENTRY_VERIFICATION,
			       .code = bytes_text(job->request.code),
			       .certificate = bytes_of(job->der, job->der_len),
			       .by = request_by(job) };

	if (!job->ok)
		token_failed(s, job);
	else if (!signer_append(s, &entry, &job->err))
		signer_refuse(s, job, &job->err);
	else
		signer_commit(s, job, verification_durable);
}

void request_verification(struct signer *s, struct job *job)
{
	uint8_t code[REQUEST_CODE_LEN / 2];

	if (!token_there(s, job))
		return;
	if (!hex_decode(job->request.code, code, sizeof(code))) {
		err_set(&job->err, REFUSAL_REQUEST,
			"the registration code is 64 hexadecimal digits, as aws iot "
			"get-registration-code prints it");
		signer_refuse(s, job, &job->err);
		return;
	}
	if (!guard_check(&s->guard, &job->err) ||
	    !certificate_serial(bytes_of(s->settings.serial_prefix, s->settings.serial_prefix_len),
				job->serial, &job->err)) {
		signer_refuse(s, job, &job->err);
		return;
	}
	signer_work(s, job, verification_work, verification_signed);
}
