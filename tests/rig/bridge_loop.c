#include "tests/rig/bridge_loop.h"

#include "base/clock.h"
#include "base/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FOREVER_NS INT64_MAX
#define REPLY_SIZE (BRIDGE_LINES_MAX * 512)
#define ANSWER_MS 100

enum {
	POLL_STOP,
	POLL_LISTEN,
	POLL_CLIENT,
	POLL_LINES, /* two each: board, station */
	POLL_COUNT = POLL_LINES + 2 * BRIDGE_LINES_MAX,
};

struct bridge {
	const struct bridge_options *options;
	size_t count;
	int listen_fd, client_fd;
	struct line lines[BRIDGE_LINES_MAX];
	char record[SOCKET_RECORD_MAX], reply[REPLY_SIZE];
};

static bool add_lines(struct bridge *b, struct err *e)
{
	for (const char *at = b->options->lines; *at; at += *at == ',') {
		size_t len = strcspn(at, ",");
		char name[LINE_NAME_SIZE] = "";

		if (b->count == BRIDGE_LINES_MAX || len == 0 || len >= sizeof(name))
			return err_set(e, ERR_USAGE,
				       "lines: at most %d, names of 1 to %d characters",
				       BRIDGE_LINES_MAX, LINE_NAME_SIZE - 1);
		memcpy(name, at, len);
		if (!line_open(&b->lines[b->count], b->options->dir, name, (unsigned)b->count,
			       &b->options->line, e))
			return false;
		b->count++;
		at += len;
	}
	return true;
}

static bool open_control(struct bridge *b, struct err *e)
{
	AUTO(fd) dir_fd = open(b->options->dir, O_DIRECTORY | O_CLOEXEC);
	AUTO(fd) ready_fd = -1;

	if (dir_fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot open %s", b->options->dir);
	if (!socket_listen(dir_fd, "control", 0600, &b->listen_fd, e))
		return false;
	ready_fd = openat(dir_fd, "ready", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (ready_fd < 0 || dprintf(ready_fd, "%d\n", getpid()) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot write %s/ready", b->options->dir);
	return true;
}

bool bridge_open(const struct bridge_options *options, struct bridge **ret_bridge, struct err *e)
{
	AUTO(bridge) b = calloc(1, sizeof(*b));

	if (!b)
		return err_errno(e, ERR_SYSTEM, "no memory for a bridge");
	b->options = options;
	b->listen_fd = b->client_fd = -1;
	if (!add_lines(b, e) || !open_control(b, e))
		return false;
	*ret_bridge = TAKE(b);
	return true;
}

static void take_marks_away(const struct bridge *b)
{
	AUTO(fd) dir_fd = open(b->options->dir, O_DIRECTORY | O_CLOEXEC);

	unlinkat(dir_fd, "ready", 0);
	unlinkat(dir_fd, "control", 0);
}

void bridge_close(struct bridge *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++)
		line_close(&b->lines[i]);
	if (b->client_fd >= 0)
		close(b->client_fd);
	if (b->listen_fd >= 0) {
		close(b->listen_fd);
		take_marks_away(b);
	}
	free(b);
}

/* Appends to a text that always fits: a line of a list is far shorter than its share. */
__attribute__((format(printf, 2, 3))) static void tell(struct bridge *b, const char *format, ...)
{
	size_t len = strlen(b->reply);
	va_list args;

	va_start(args, format);
	vsnprintf(b->reply + len, sizeof(b->reply) - len, format, args);
	va_end(args);
}

static void tell_flow(struct bridge *b, const char *name, const struct flow *flow)
{
	tell(b, " %s_packets=%llu %s_bytes=%llu", name, (unsigned long long)flow->packets, name,
	     (unsigned long long)flow->bytes);
}

static void list(struct bridge *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct line *line = &b->lines[i];

		tell(b, "\n%s power=%d received=%llu sent=%llu", line->name, line->board_fd >= 0,
		     (unsigned long long)line->wire.received, (unsigned long long)line->wire.sent);
		tell_flow(b, "to_board", &line->to_board);
		tell_flow(b, "to_station", &line->to_station);
		for (size_t k = 0; k < NOISE_KIND_COUNT; k++)
			tell(b, " %s=%llu", noise_names[k],
			     (unsigned long long)(line->to_board.noise.counts[k] +
						  line->to_station.noise.counts[k]));
	}
}

static struct line *line_of(struct bridge *b, const char *name)
{
	for (size_t i = 0; name && i < b->count; i++)
		if (strcmp(b->lines[i].name, name) == 0)
			return &b->lines[i];
	return NULL;
}

static bool run_command(struct bridge *b, struct err *e)
{
	char *rest = b->record, *verb = strtok_r(NULL, " \n", &rest);
	struct line *line = line_of(b, strtok_r(NULL, " \n", &rest));

	if (verb && strcmp(verb, "list") == 0)
		list(b);
	else if (verb && line && strcmp(verb, "hang-up") == 0)
		line_hang_up(line, FOREVER_NS);
	else if (verb && line && strcmp(verb, "plug") == 0)
		line->return_ns = 0;
	else
		return err_set(e, ERR_USAGE, "commands: list, hang-up LINE, plug LINE");
	return true;
}

static void answer_client(struct bridge *b)
{
	struct err e = { 0 };
	size_t len;

	if (socket_receive(b->client_fd, (uint8_t *)b->record, &len, NULL, clock_deadline(0), -1,
			   &e)) {
		b->record[len < sizeof(b->record) ? len : sizeof(b->record) - 1] = '\0';
		strcpy(b->reply, "ok");
		if (!run_command(b, &e))
			snprintf(b->reply, sizeof(b->reply), "error: %s", e.text);
		if (socket_send(b->client_fd, bytes_text(b->reply), -1, clock_deadline(ANSWER_MS),
				-1, &e))
			return;
	}
	close(b->client_fd);
	b->client_fd = -1;
}

/* One caller at a time; the next one waits in the queue until it hangs up. */
static void serve_control(struct bridge *b, const struct pollfd *fds)
{
	struct err e;

	if (b->client_fd >= 0 && fds[POLL_CLIENT].revents)
		answer_client(b);
	else if (b->client_fd < 0 && fds[POLL_LISTEN].revents &&
		 !socket_accept(b->listen_fd, &b->client_fd, &e))
		b->client_fd = -1;
}

static int wait_work(struct bridge *b, struct pollfd *fds, int stop_fd)
{
	int64_t due_ns = FOREVER_NS, now_ns = wire_now_ns();
	struct timespec timeout;

	fds[POLL_STOP] = (struct pollfd) { .fd = stop_fd, .events = POLLIN };
	fds[POLL_LISTEN] =
		(struct pollfd) { .fd = b->client_fd < 0 ? b->listen_fd : -1, .events = POLLIN };
	fds[POLL_CLIENT] = (struct pollfd) { .fd = b->client_fd, .events = POLLIN };
	for (size_t i = 0; i < b->count; i++) {
		const struct line *line = &b->lines[i];
		int64_t line_ns = line_due_ns(line);

		fds[POLL_LINES + 2 * i] =
			(struct pollfd) { .fd = line->board_fd, .events = line_board_events(line) };
		fds[POLL_LINES + 2 * i + 1] =
			(struct pollfd) { .fd = line->wire.master,
					  .events = line_station_events(line) };
		due_ns = line_ns < due_ns ? line_ns : due_ns;
	}
	due_ns = due_ns > now_ns ? due_ns - now_ns : 0;
	timeout = (struct timespec) { due_ns / 1000000000, due_ns % 1000000000 };
	return ppoll(fds, POLL_LINES + 2 * b->count, &timeout, NULL);
}

bool bridge_run(struct bridge *b, int stop_fd, struct err *e)
{
	struct pollfd fds[POLL_COUNT];

	for (;;) {
		int64_t now_ns;

		if (wait_work(b, fds, stop_fd) < 0 && errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "waiting failed");
		if (fds[POLL_STOP].revents)
			return true;
		now_ns = wire_now_ns();
		for (size_t i = 0; i < b->count; i++)
			if (fds[POLL_LINES + 2 * i].revents ||
			    fds[POLL_LINES + 2 * i + 1].revents ||
			    line_due_ns(&b->lines[i]) <= now_ns)
				line_work(&b->lines[i], now_ns);
		serve_control(b, fds);
	}
}
