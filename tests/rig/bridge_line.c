#include "tests/rig/bridge_line.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MS_NS 1000000
#define LOOK_NS (20 * MS_NS) /* how often to look for a board that has no power */
#define BITS_A_BYTE 10
#define CHUNK_NS (2 * MS_NS) /* bytes of that time pass together */
#define SLACK_NS MS_NS	     /* a gap below that is our own lateness, not the line's */
#define BOARD_READ 2048	     /* at once: more than any answer of an agent */

static void say(const struct line *line, const char *event)
{
	fprintf(stderr, "%lld.%03lld line=%s %s\n", (long long)(wire_now_ns() / 1000000000),
		(long long)(wire_now_ns() / MS_NS % 1000), line->name, event);
}

bool line_open(struct line *line, const char *dir, const char *name, unsigned number,
	       const struct line_options *options, struct err *e)
{
	memset(line, 0, sizeof(*line));
	line->options = options;
	line->board_fd = -1;
	line->wire.master = line->wire.slave = -1;
	snprintf(line->name, sizeof(line->name), "%s", name);
	snprintf(line->pty_path, sizeof(line->pty_path), "%s/%s.pty", dir, line->name);
	snprintf(line->socket_path, sizeof(line->socket_path), "%s/%s.uart", dir, line->name);
	if (strlen(line->socket_path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_set(e, ERR_INVALID, "the socket's path is too long: %s",
			       line->socket_path);
	line->to_board.noise = noise_start(options->rates, options->seed * 1000 + 2 * number);
	line->to_station.noise = noise_start(options->rates, options->seed * 1000 + 2 * number + 1);
	if (!wire_open(&line->wire, line->pty_path, e))
		return false;
	return true;
}

static void lose_board(struct line *line)
{
	if (line->board_fd < 0)
		return;
	close(line->board_fd);
	line->board_fd = -1;
	say(line, "event=\"board without power\"");
}

void line_close(struct line *line)
{
	wire_close(&line->wire);
	lose_board(line);
}

void line_hang_up(struct line *line, int64_t until_ns)
{
	if (line->wire.master >= 0)
		say(line, "event=\"hung up\"");
	wire_close(&line->wire);
	line->hangs_up = false;
	line->return_ns = until_ns;
	line->to_board.at = line->to_board.len = 0;
}

static void plug_in(struct line *line, int64_t now_ns)
{
	uint64_t received = line->wire.received, sent = line->wire.sent;
	struct err e = { 0 };

	if (!wire_open(&line->wire, line->pty_path, &e)) {
		line->return_ns = now_ns + LOOK_NS;
		return;
	}
	line->wire.received = received;
	line->wire.sent = sent;
	say(line, "event=\"plugged in\"");
}

static void look_for_board(struct line *line, int64_t now_ns)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	line->look_ns = now_ns + LOOK_NS;
	if (fd < 0)
		return;
	strcpy(address.sun_path, line->socket_path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return;
	}
	line->board_fd = fd;
	line->to_board.at = line->to_board.len = 0;
	say(line, "event=\"board with power\"");
}

static int64_t byte_ns(const struct line *line)
{
	return line->options->baud ? BITS_A_BYTE * 1000000000LL / line->options->baud : 0;
}

static void append(struct flow *flow, struct bytes bytes, int64_t now_ns)
{
	if (bytes.len && flow->at == flow->len && flow->busy_until_ns + SLACK_NS < now_ns)
		flow->busy_until_ns = now_ns;
	if (flow->at > 0) {
		memmove(flow->data, flow->data + flow->at, flow->len - flow->at);
		flow->len -= flow->at;
		flow->at = 0;
	}
	if (bytes.len > sizeof(flow->data) - flow->len)
		bytes.len = sizeof(flow->data) - flow->len;
	if (bytes.len)
		memcpy(flow->data + flow->len, bytes.data, bytes.len);
	flow->len += bytes.len;
}

static void count_packet(struct flow *flow, uint8_t byte)
{
	flow->packets += flow->last == 0x06 && byte == 0x09;
	flow->last = byte;
}

/* What may be passed on now, noise and all; returns its length. */
static size_t take(struct line *line, struct flow *flow, int64_t now_ns, uint8_t *ret_bytes)
{
	size_t len = 0;

	while (flow->at < flow->len && flow->busy_until_ns + byte_ns(line) <= now_ns) {
		uint8_t byte = flow->data[flow->at];

		if (noise_hangs_up(&flow->noise, byte))
			line->hangs_up = true;
		if (noise_stalls(&flow->noise, byte)) {
			flow->busy_until_ns = now_ns + line->options->stall_ms * (int64_t)MS_NS;
			break;
		}
		flow->at++;
		flow->busy_until_ns += byte_ns(line);
		count_packet(flow, byte);
		len += noise_byte(&flow->noise, byte, ret_bytes + len);
	}
	flow->bytes += len;
	return len;
}

/* A full socket loses bytes, as a board does that does not listen. */
static void give_board(struct line *line, int64_t now_ns)
{
	uint8_t bytes[2 * FLOW_SIZE];
	size_t len = take(line, &line->to_board, now_ns, bytes);

	if (len > 0 && line->board_fd >= 0 &&
	    send(line->board_fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		lose_board(line);
}

static void give_station(struct line *line, int64_t now_ns)
{
	uint8_t bytes[2 * FLOW_SIZE];
	size_t len = take(line, &line->to_station, now_ns, bytes);

	if (line->wire.master >= 0 && len > 0)
		wire_put(&line->wire, bytes, len);
}

static bool has_room(const struct line *line)
{
	return line->to_station.at == line->to_station.len &&
	       line->wire.out_len - line->wire.out_at < WIRE_OUT_SIZE / 2;
}

static void read_board(struct line *line, int64_t now_ns)
{
	uint8_t bytes[BOARD_READ];
	ssize_t len;

	if (line->board_fd < 0 || !has_room(line))
		return;
	len = recv(line->board_fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (len > 0)
		append(&line->to_station, bytes_of(bytes, (size_t)len), now_ns);
	else if (len == 0 || (errno != EAGAIN && errno != EINTR))
		lose_board(line);
}

short line_board_events(const struct line *line)
{
	return has_room(line) ? POLLIN : 0;
}

short line_station_events(const struct line *line)
{
	return line->wire.master < 0 ? 0 : wire_events(&line->wire);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t flow_due_ns(const struct line *line, const struct flow *flow)
{
	int64_t left_ns = (int64_t)(flow->len - flow->at) * byte_ns(line);

	if (flow->at == flow->len)
		return INT64_MAX;
	return flow->busy_until_ns + (left_ns < CHUNK_NS ? left_ns : CHUNK_NS);
}

int64_t line_due_ns(const struct line *line)
{
	int64_t due_ns = line->wire.master < 0 ? line->return_ns : wire_due_ns(&line->wire);

	if (line->board_fd < 0)
		due_ns = earlier(due_ns, line->look_ns);
	due_ns = earlier(due_ns, flow_due_ns(line, &line->to_board));
	return earlier(due_ns, flow_due_ns(line, &line->to_station));
}

void line_work(struct line *line, int64_t now_ns)
{
	if (line->wire.master < 0 && line->return_ns <= now_ns)
		plug_in(line, now_ns);
	if (line->board_fd < 0 && line->look_ns <= now_ns)
		look_for_board(line, now_ns);
	append(&line->to_board, wire_move(&line->wire, now_ns), now_ns);
	give_board(line, now_ns);
	read_board(line, now_ns);
	give_station(line, now_ns);
	if (line->hangs_up)
		line_hang_up(line, now_ns + line->options->hang_up_ms * (int64_t)MS_NS);
	/* What was put on the line just now starts at once. */
	append(&line->to_board, wire_move(&line->wire, now_ns), now_ns);
}
