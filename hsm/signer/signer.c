#include "hsm/signer/signer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/place.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/statvfs.h>

#define LINGER_ROWS 64
#define DISK_LOOK_MS 1000
#define IDLE_MS 1000
#define DAY_S 86400
#define CLOSE_S 4 /* for signatures under way, once all that asked for them were sent away */

void signer_die(const struct err *e)
{
	log_event(LOG_CRIT, "the ledger cannot be written, the signer ends", "reason=\"%s\"",
		  e->text);
	_exit(1);
}

bool signer_found(bool done, struct err *e)
{
	if (!done && e->code != ERR_NOT_FOUND)
		signer_die(e);
	return done;
}

static void jobs_add(struct jobs *jobs, struct job *job)
{
	if (!jobs->end)
		jobs->end = &jobs->first;
	job->link = NULL;
	*jobs->end = job;
	jobs->end = &job->link;
}

static struct job *jobs_take_all(struct jobs *jobs)
{
	struct job *first = jobs->first;

	jobs->first = NULL;
	jobs->end = &jobs->first;
	return first;
}

static void run_all(struct signer *s, struct job *job)
{
	while (job) {
		struct job *after = job->link;

		job->next(s, job);
		job = after;
	}
}

static void run_work(struct task *task, struct csr_checker *checker)
{
	struct job *job = (struct job *)task;

	job->ok = job->work(job, checker, &job->err);
}

void signer_work(struct signer *s, struct job *job, job_work *work, job_step *next)
{
	job->work = work;
	job->next = next;
	job->task.run = run_work;
	pool_submit(s->pool, &job->task);
}

void signer_commit(struct signer *s, struct job *job, job_step *next)
{
	job->next = next;
	jobs_add(&s->committing, job);
}

void signer_wait(struct signer *s, struct job *job, job_step *next)
{
	job->next = next;
	jobs_add(&s->pending, job);
}

bool signer_append(struct signer *s, struct entry *entry, struct err *e)
{
	if (!ledger_in_transaction(s->ledger)) {
		if (!ledger_begin(s->ledger, e))
			signer_die(e);
		s->transaction_ms = clock_monotonic_ms();
		s->transaction_rows = 0;
	}
	if (!entry->time_s)
		entry->time_s = guard_now(&s->guard);
	if (!ledger_append(s->ledger, entry, e)) {
		if (e->code != ERR_REFUSED && e->code != ERR_INVALID)
			signer_die(e);
		return false;
	}
	s->transaction_rows++;
	guard_entry(&s->guard, entry->time_s);
	return true;
}

/* Commits what waits, whatever it is. */
static void flush(struct signer *s)
{
	struct err e;

	if (ledger_in_transaction(s->ledger) && !ledger_commit(s->ledger, &e))
		signer_die(&e);
	run_all(s, jobs_take_all(&s->committing));
	if (s->settled) {
		s->settled = false;
		run_all(s, jobs_take_all(&s->pending));
	}
}

/* How long the writer may wait for more rows: only while workers have jobs that will bring some. */
static int linger_ms(const struct signer *s)
{
	int64_t waited_ms;

	if (!ledger_in_transaction(s->ledger) || !pool_busy(s->pool) ||
	    s->transaction_rows >= LINGER_ROWS)
		return 0;
	waited_ms = clock_monotonic_ms() - s->transaction_ms;
	return waited_ms >= s->settings.linger_ms ? 0 : (int)(s->settings.linger_ms - waited_ms);
}

static void look_at_disk(struct signer *s)
{
	int64_t now_ms = clock_monotonic_ms();
	struct statvfs disk;

	if (s->disk_seen_ms && now_ms - s->disk_seen_ms < DISK_LOOK_MS)
		return;
	s->disk_seen_ms = now_ms;
	if (statvfs(s->ledger_path, &disk) < 0)
		s->disk_free_mb = 0;
	else
		s->disk_free_mb = (uint64_t)disk.f_bavail * disk.f_frsize / (1024 * 1024);
}

/* A new CA takes weeks to be signed and registered: said once a day. */
static void look_at_ca(struct signer *s)
{
	int64_t now_s = clock_wall_s(), left_s = s->ca->not_after - now_s;

	if (s->ca_seen_s && llabs(now_s - s->ca_seen_s) < DAY_S)
		return;
	s->ca_seen_s = now_s;
	if (left_s < CA_WARN_S)
		log_event(LOG_WARNING, left_s < 0 ? "the CA has ended" : "the CA ends soon",
			  "days=%lld", (long long)(left_s / DAY_S));
}

int signer_turn(struct signer *s)
{
	struct task *task = pool_collect(s->pool);
	int wait_ms;

	while (task) {
		struct task *after = task->next;
		struct job *job = (struct job *)task;

		job->next(s, job);
		task = after;
	}
	wait_ms = linger_ms(s);
	if (!wait_ms)
		while (s->committing.first || ledger_in_transaction(s->ledger) || s->settled)
			flush(s);
	keeper_turn(s);
	look_at_disk(s);
	look_at_ca(s);
	if (s->token && token_oldest_ms(s->token) > KEEPER_HUNG_S * 1000) {
		log_event(LOG_CRIT, KEEPER_HUNG, "");
		_exit(1);
	}
	return wait_ms ? wait_ms : IDLE_MS;
}

/* A reservation that a crash left behind: no byte of its certificate left the process. */
static bool void_leftovers(struct signer *s, struct err *e)
{
	static const struct issuance_filter reserved = { .state = STATE_RESERVED };
	struct issuance row;
	uint64_t after = 0;
	size_t count, voided = 0;

	for (;;) {
		struct entry entry = { .type = ENTRY_VOID,
				       .reason = bytes_text("the signer stopped before it signed"),
				       .by = bytes_text("signer") };

		if (!ledger_issuances(s->ledger, after, &reserved, &row, 1, &count, e))
			return false;
		if (!count)
			break;
		entry.issuance = after = row.id;
		if (!signer_append(s, &entry, e))
			return false;
		voided++;
	}
	flush(s);
	if (voided)
		log_event(LOG_NOTICE, "reservations voided that were never signed", "count=%zu",
			  voided);
	return true;
}

static bool open_token(struct signer *s, struct err *e)
{
	if (keeper_open(s, e))
		return true;
	if (e->code != ERR_TOKEN)
		return false;
	keeper_lost(s, e);
	return true;
}

bool signer_open(struct signer *s, struct err *e)
{
	unsigned cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	unsigned workers = s->settings.token.sessions;

	if (!place_path(PLACE_LIB_SIGNER, "ledger.db", s->ledger_path, e))
		return false;
	if (!ledger_open(s->ledger_path, &s->ledger, e))
		return err_add(e, "opening the ledger");
	guard_start(&s->guard, ledger_last_time(s->ledger));
	if (!open_token(s, e) || !products_new(&s->products, e))
		return false;
	if (workers < cores)
		workers = cores;
	if (!pool_start(workers, &s->pool, e))
		return false;
	look_at_disk(s);
	return void_leftovers(s, e);
}

void signer_close(struct signer *s)
{
	keeper_limit(CLOSE_S);
	if (s->pool)
		pool_stop(s->pool);
	if (s->products)
		products_free(s->products);
	if (s->ca)
		ca_free(s->ca);
	if (s->token)
		token_close(s->token);
	if (s->ledger)
		ledger_close(s->ledger);
}

void signer_reply(struct signer *s, struct job *job, const struct reply *reply)
{
	static uint8_t record[MESSAGE_MAX]; /* the loop's alone */
	struct reply too_long = { .type = REPLY_REFUSED,
				  .code = REFUSAL_FAILED,
				  .text = "the answer is too long for one record" };
	size_t len;

	if (!reply_encode(reply, record, &len) && !reply_encode(&too_long, record, &len))
		abort();
	s->job_count--;
	client_answer(job->client, bytes_of(record, len));
	job_free(job);
}

void signer_refuse(struct signer *s, struct job *job, const struct err *e)
{
	struct reply reply = { .type = REPLY_REFUSED };
	char nest[NEST_MAX_LEN + 1], unit[NAME_MAX_LEN + 1], reason[ERR_TEXT_SIZE];

	reply.code = (uint64_t)(*refusal_name(e->code) ? e->code : REFUSAL_FAILED);
	snprintf(reply.text, sizeof(reply.text), "%s", e->text);
	log_event(LOG_NOTICE, "refused",
		  "request=\"%s\" nest=\"%s\" unit=\"%s\" code=%s reason=\"%s\"",
		  request_name(job->request.type), log_text(job->request.nest, nest, sizeof(nest)),
		  log_text(job->request.unit, unit, sizeof(unit)), refusal_name((int)reply.code),
		  log_text(e->text, reason, sizeof(reason)));
	signer_reply(s, job, &reply);
}

void signer_done(struct signer *s, struct job *job, const char *format, ...)
{
	struct reply reply = { .type = REPLY_DONE };
	va_list args;

	va_start(args, format);
	vsnprintf(reply.text, sizeof(reply.text), format, args);
	va_end(args);
	signer_reply(s, job, &reply);
}

struct job *job_new(struct client *client, unsigned roles, struct bytes record, int passed_fd)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->client = client;
	job->roles = roles;
	job->passed_fd = passed_fd;
	job->record = malloc(record.len);
	if (!job->record) {
		free(job);
		return NULL;
	}
	memcpy(job->record, record.data, record.len);
	if (request_decode(bytes_of(job->record, record.len), &job->request))
		return job;
	free(job->record);
	free(job);
	return NULL;
}

void job_free(struct job *job)
{
	products_release(job->product);
	csr_clear(&job->csr);
	for (size_t i = 0; i < job->file_count; i++)
		free(job->files[i]);
	free(job->blob);
	free(job->revoked);
	free(job->record);
	if (job->backup)
		backup_free(job->backup);
	if (job->passed_fd >= 0)
		close(job->passed_fd);
	free(job);
}
