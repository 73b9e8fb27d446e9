/* bench-clients: asks the signer for certificates over as many connections as told, each with one
 * request under way, and prints how fast they came as one JSON object. See --help. */
#include "base/clock.h"
#include "base/socket.h"
#include "hsm/api/request.h"
#include "tests/bench/clock.h"
#include "tests/bench/pool.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define CLIENTS_MAX 120 /* the signer hears 128 of one user */
#define PATIENCE_MS 20000
#define RECORD_MAX 1024 /* of a request with a P-256 CSR */

struct arguments {
	const char *requests, *prefix, *order, *save;
	size_t clients;
};

struct question {
	uint8_t record[RECORD_MAX];
	size_t len;
};

struct connection {
	int fd;
	int64_t asked_ns;
};

struct bench {
	const struct arguments *arguments;
	struct question *questions;
	int64_t *latencies_ns;
	size_t count, asked, answered;
	int epoll_fd;
	struct connection connections[CLIENTS_MAX];
	uint8_t answer[SOCKET_RECORD_MAX];
};

static const struct argp_option options[] = {
	{ "requests", 'r', "FILE", 0, "The requests, as bench-requests made them", 0 },
	{ "prefix", 'p', "TEXT", 0, "The units' prefix, as there (default B-)", 0 },
	{ "clients", 'c', "N", 0, "Connections (default 1)", 0 },
	{ "order", 'o', "ID", 0, "The order (default: the one in use)", 0 },
	{ "save", 's', "FOLDER", 0, "Write the files of the last answer there", 0 },
	{ 0 },
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'r':
		a->requests = text;
		return 0;
	case 'p':
		a->prefix = text;
		return 0;
	case 'c':
		if (!pool_number(text, CLIENTS_MAX, &a->clients))
			argp_error(state, "1 to %d clients", CLIENTS_MAX);
		return 0;
	case 'o':
		a->order = text;
		return 0;
	case 's':
		a->save = text;
		return 0;
	case ARGP_KEY_END:
		if (!a->requests)
			argp_error(state, "--requests is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Asks the signer for certificates and prints how fast they came.",
};

static bool write_question(const struct arguments *a, size_t index, struct bytes csr,
			   struct question *ret_question, struct err *e)
{
	static uint8_t record[MESSAGE_MAX];
	struct request request = { .type = REQUEST_ISSUE, .source = SOURCE_BOARD, .csr = csr };
	char unit[POOL_UNIT_SIZE];
	size_t len;

	pool_unit(a->prefix, index, unit);
	snprintf(request.unit, sizeof(request.unit), "%.64s", unit);
	snprintf(request.order, sizeof(request.order), "%.64s", a->order);
	snprintf(request.nest, sizeof(request.nest), "A%zu", index % 8 + 1);
	snprintf(request.operator, sizeof(request.operator), "bench");
	if (!request_encode(&request, record, &len) || len > RECORD_MAX)
		return err_set(e, ERR_INVALID, "the request of %s is too long", unit);
	memcpy(ret_question->record, record, len);
	ret_question->len = len;
	return true;
}

/* All is written beforehand: what is measured is the signer's work. */
static bool prepare(struct bench *b, struct err *e)
{
	AUTO(pool) pool = NULL;

	if (!pool_read(b->arguments->requests, &pool, e))
		return false;
	b->count = pool->count;
	b->questions = calloc(b->count, sizeof(*b->questions));
	b->latencies_ns = calloc(b->count, sizeof(*b->latencies_ns));
	if (!b->questions || !b->latencies_ns)
		return err_set(e, ERR_SYSTEM, "out of memory");
	for (size_t i = 0; i < b->count; i++)
		if (!write_question(b->arguments, i, pool->requests[i], &b->questions[i], e))
			return false;
	return true;
}

static bool connect_all(struct bench *b, struct err *e)
{
	b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (b->epoll_fd < 0)
		return err_errno(e, ERR_SYSTEM, "no epoll descriptor");
	for (size_t i = 0; i < b->arguments->clients; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &b->connections[i] };

		if (!signer_connect(&b->connections[i].fd, e))
			return false;
		if (epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, b->connections[i].fd, &event) < 0)
			return err_errno(e, ERR_SYSTEM, "cannot watch a connection");
	}
	return true;
}

static void close_all(struct bench *b)
{
	for (size_t i = 0; i < b->arguments->clients; i++)
		if (b->connections[i].fd >= 0)
			close(b->connections[i].fd);
	if (b->epoll_fd >= 0)
		close(b->epoll_fd);
	free(b->questions);
	free(b->latencies_ns);
}

static bool ask(struct bench *b, struct connection *c, struct err *e)
{
	const struct question *question;

	if (b->asked == b->count)
		return true;
	question = &b->questions[b->asked++];
	c->asked_ns = bench_wall_ns();
	return socket_send(c->fd, bytes_of(question->record, question->len), -1,
			   clock_deadline(PATIENCE_MS), -1, e);
}

static bool save_file(const char *folder, const struct reply_file *file, struct err *e)
{
	char path[PATH_MAX];
	AUTO(FILE) out = NULL;

	snprintf(path, sizeof(path), "%s/%s", folder, file->name);
	out = fopen(path, "we");
	if (!out || fwrite(file->content.data, file->content.len, 1, out) != 1)
		return err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	return true;
}

static bool save(const struct bench *b, const struct reply *reply, struct err *e)
{
	if (!b->arguments->save || b->answered < b->count)
		return true;
	for (size_t i = 0; i < reply->file_count; i++)
		if (!save_file(b->arguments->save, &reply->files[i], e))
			return false;
	return true;
}

/* Takes one answer, which must be a certificate signed now. */
static bool take(struct bench *b, struct connection *c, struct err *e)
{
	static struct reply reply;
	size_t len;

	if (!socket_receive(c->fd, b->answer, &len, NULL, clock_deadline(PATIENCE_MS), -1, e))
		return false;
	if (!reply_decode(bytes_of(b->answer, len), &reply))
		return err_set(e, ERR_INVALID, "the signer's answer makes no sense");
	if (reply.type != REPLY_ISSUED || reply.again)
		return err_set(e, ERR_REFUSED, "no new certificate: %s",
			       reply.type == REPLY_REFUSED ? reply.text : "an old one");
	b->latencies_ns[b->answered++] = bench_wall_ns() - c->asked_ns;
	return save(b, &reply, e);
}

static bool serve(struct bench *b, struct err *e)
{
	struct epoll_event events[CLIENTS_MAX];

	for (size_t i = 0; i < b->arguments->clients; i++)
		if (!ask(b, &b->connections[i], e))
			return false;
	while (b->answered < b->count) {
		int count = epoll_wait(b->epoll_fd, events, CLIENTS_MAX, PATIENCE_MS);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return err_set(e, ERR_TIMEOUT, "the signer does not answer");
		for (int i = 0; i < count; i++)
			if (!take(b, events[i].data.ptr, e) || !ask(b, events[i].data.ptr, e))
				return false;
	}
	return true;
}

static int by_size(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static double percentile_ms(const struct bench *b, size_t percent)
{
	return (double)b->latencies_ns[(b->count - 1) * percent / 100] / 1e6;
}

static void print(struct bench *b, int64_t wall_ns, int64_t cpu_ns)
{
	double count = (double)b->count;

	qsort(b->latencies_ns, b->count, sizeof(*b->latencies_ns), by_size);
	printf("{\"clients\":%zu,\"count\":%zu,\"per_second\":%.1f,\"client_cpu_us\":%.1f,"
	       "\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n",
	       b->arguments->clients, b->count, count * 1e9 / (double)wall_ns,
	       (double)cpu_ns / 1e3 / count, percentile_ms(b, 50), percentile_ms(b, 99));
}

static bool run(struct bench *b, struct err *e)
{
	int64_t wall_ns, cpu_ns;

	if (!prepare(b, e) || !connect_all(b, e))
		return false;
	wall_ns = bench_wall_ns();
	cpu_ns = bench_cpu_ns();
	if (!serve(b, e))
		return false;
	print(b, bench_wall_ns() - wall_ns, bench_cpu_ns() - cpu_ns);
	return true;
}

int main(int argc, char **argv)
{
	static struct bench b = { .epoll_fd = -1 };
	struct arguments a = { .prefix = "B-", .order = "", .clients = 1 };
	struct err e;
	bool ok;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	b.arguments = &a;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		b.connections[i].fd = -1;
	ok = run(&b, &e);
	close_all(&b);
	if (!ok)
		fprintf(stderr, "bench-clients: %s\n", e.text);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
