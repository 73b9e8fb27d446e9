#include "tests/rig/bridge_loop.h"

#include "tests/rig/service.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#define FOREVER_NS INT64_MAX
_Static_assert(BRIDGE_LINES_MAX * 512 <= SERVICE_REPLY_SIZE, "every line has room in a list");

enum {
	POLL_STOP,
	POLL_SERVICE,
	POLL_LINES, /* two each: board, station */
	POLL_COUNT = POLL_LINES + 2 * BRIDGE_LINES_MAX,
};

struct bridge {
	const struct bridge_options *options;
	size_t count;
	struct service *service;
	struct line lines[BRIDGE_LINES_MAX];
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

bool bridge_open(const struct bridge_options *options, struct bridge **ret_bridge, struct err *e)
{
	AUTO(bridge) b = calloc(1, sizeof(*b));

	if (!b)
		return err_errno(e, ERR_SYSTEM, "no memory for a bridge");
	b->options = options;
	if (!add_lines(b, e) || !service_open(options->dir, &b->service, e) ||
	    !service_ready(b->service, e))
		return false;
	*ret_bridge = TAKE(b);
	return true;
}

void bridge_close(struct bridge *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++)
		line_close(&b->lines[i]);
	service_close(b->service);
	free(b);
}

static void say_flow(char *reply, const char *name, const struct flow *flow)
{
	service_say(reply, " %s_packets=%llu %s_bytes=%llu", name,
		    (unsigned long long)flow->packets, name, (unsigned long long)flow->bytes);
}

static void list(const struct bridge *b, char *reply)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct line *line = &b->lines[i];

		service_say(reply, "\n%s power=%d received=%llu sent=%llu", line->name,
			    line->board_fd >= 0, (unsigned long long)line->wire.received,
			    (unsigned long long)line->wire.sent);
		say_flow(reply, "to_board", &line->to_board);
		say_flow(reply, "to_station", &line->to_station);
		for (size_t k = 0; k < NOISE_KIND_COUNT; k++)
			service_say(reply, " %s=%llu", noise_names[k],
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

static bool run_command(void *context, char *command, char *reply, struct err *e)
{
	struct bridge *b = context;
	char *rest = command, *verb = strtok_r(NULL, " \n", &rest);
	struct line *line = line_of(b, strtok_r(NULL, " \n", &rest));

	if (verb && strcmp(verb, "list") == 0)
		list(b, reply);
	else if (verb && line && strcmp(verb, "hang-up") == 0)
		line_hang_up(line, FOREVER_NS);
	else if (verb && line && strcmp(verb, "plug") == 0)
		line->return_ns = 0;
	else
		return err_set(e, ERR_USAGE, "commands: list, hang-up LINE, plug LINE");
	return true;
}

static int wait_work(struct bridge *b, struct pollfd *fds, int stop_fd)
{
	int64_t due_ns = FOREVER_NS, now_ns = wire_now_ns();
	struct timespec timeout;

	fds[POLL_STOP] = (struct pollfd) { .fd = stop_fd, .events = POLLIN };
	fds[POLL_SERVICE] = service_poll(b->service);
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
		service_work(b->service, &fds[POLL_SERVICE], run_command, b);
	}
}
