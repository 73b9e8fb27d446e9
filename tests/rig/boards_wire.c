#include "tests/rig/boards_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define BITS_A_BYTE 10
#define CHUNKS_A_SECOND 100 /* an adapter hands over what came in 10 ms together */
#define SLACK_NS 1000000    /* a gap below that is our own lateness, not the line's */

int64_t wire_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t wire_ns(const struct wire *wire, size_t len)
{
	return wire->baud ? (int64_t)len * BITS_A_BYTE * 1000000000 / wire->baud : 0;
}

static bool name_line(const struct wire *wire, struct err *e)
{
	char target[64], temporary[PATH_MAX];

	if (ptsname_r(wire->master, target, sizeof(target)) != 0)
		return err_errno(e, ERR_SYSTEM, "a pty has no name");
	snprintf(temporary, sizeof(temporary), "%.*s.new", PATH_MAX - 8, wire->path);
	unlink(temporary);
	if (symlink(target, temporary) < 0 || rename(temporary, wire->path) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make %s", wire->path);
	return true;
}

bool wire_open(struct wire *wire, const char *path, struct err *e)
{
	struct termios termios;

	memset(wire, 0, sizeof(*wire));
	snprintf(wire->path, sizeof(wire->path), "%s", path);
	wire->answered = true; /* nothing is left to answer */
	if (openpty(&wire->master, &wire->slave, NULL, NULL, NULL) < 0) {
		wire->master = wire->slave = -1;
		return err_errno(e, ERR_SYSTEM, "cannot open a pty");
	}
	/* Raw from the start: or else the terminal would echo our own boot messages to us. */
	if (tcgetattr(wire->slave, &termios) == 0) {
		cfmakeraw(&termios);
		tcsetattr(wire->slave, TCSANOW, &termios);
	}
	fcntl(wire->master, F_SETFD, FD_CLOEXEC);
	fcntl(wire->slave, F_SETFD, FD_CLOEXEC);
	fcntl(wire->master, F_SETFL, O_NONBLOCK);
	return name_line(wire, e);
}

static bool open_terminal(struct wire *wire)
{
	struct termios termios;

	wire->master = open(wire->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (wire->master < 0 || tcgetattr(wire->master, &termios) < 0)
		return false;
	cfmakeraw(&termios);
	return tcsetattr(wire->master, TCSANOW, &termios) == 0;
}

bool wire_attach(struct wire *wire, const char *terminal, struct err *e)
{
	memset(wire, 0, sizeof(*wire));
	snprintf(wire->path, sizeof(wire->path), "%s", terminal);
	wire->attached = true;
	wire->slave = -1;
	if (open_terminal(wire))
		return true;
	err_errno(e, ERR_SYSTEM, "cannot use the terminal %s", terminal);
	wire_close(wire);
	return false;
}

void wire_close(struct wire *wire)
{
	if (wire->master < 0)
		return;
	if (!wire->attached) {
		unlink(wire->path);
		close(wire->slave);
	}
	close(wire->master);
	wire->master = wire->slave = -1;
}

void wire_put(struct wire *wire, const uint8_t *data, size_t len)
{
	if (wire->out_at > 0) {
		memmove(wire->out, wire->out + wire->out_at, wire->out_len - wire->out_at);
		wire->out_len -= wire->out_at;
		wire->out_at = 0;
	}
	if (len > sizeof(wire->out) - wire->out_len)
		len = sizeof(wire->out) - wire->out_len;
	memcpy(wire->out + wire->out_len, data, len);
	wire->out_len += len;
}

short wire_events(const struct wire *wire)
{
	return (short)((wire->in_len == 0 ? POLLIN : 0) | (wire->blocked ? POLLOUT : 0));
}

int64_t wire_due_ns(const struct wire *wire)
{
	int64_t due_ns = INT64_MAX;

	if (wire->in_len > 0)
		due_ns = wire->in_due_ns;
	if (wire->out_chunk > 0 && !wire->blocked && wire->out_due_ns < due_ns)
		due_ns = wire->out_due_ns;
	return due_ns;
}

static void take_in(struct wire *wire, int64_t now_ns)
{
	ssize_t len;

	if (wire->in_len > 0)
		return;
	len = read(wire->master, wire->in, sizeof(wire->in));
	if (len == 0 && wire->attached) { /* hung up: its cable was pulled; it may come again */
		close(wire->master);
		open_terminal(wire);
	}
	if (len <= 0)
		return;
	wire->in_len = (size_t)len;
	wire->received += (uint64_t)len;
	wire->round_trips += wire->answered;
	wire->answered = false;
	/* Bytes that follow at once were on their way while the ones before arrived. */
	if (now_ns - wire->in_due_ns > SLACK_NS)
		wire->in_due_ns = now_ns;
	wire->in_due_ns += wire_ns(wire, wire->in_len);
}

/* Puts the next bytes on the line. */
static void start_chunk(struct wire *wire, int64_t now_ns)
{
	size_t chunk =
		wire->baud ? wire->baud / BITS_A_BYTE / CHUNKS_A_SECOND + 1 : sizeof(wire->out);

	if (wire->out_chunk > 0 || wire->out_at == wire->out_len)
		return;
	wire->out_chunk = wire->out_len - wire->out_at;
	if (wire->out_chunk > chunk)
		wire->out_chunk = chunk;
	if (now_ns - wire->out_free_ns > SLACK_NS)
		wire->out_free_ns = now_ns;
	wire->out_due_ns = wire->out_free_ns + wire_ns(wire, wire->out_chunk);
}

static void give_out(struct wire *wire, int64_t now_ns)
{
	for (;;) {
		ssize_t len;

		start_chunk(wire, now_ns);
		if (wire->out_chunk == 0 || wire->out_due_ns > now_ns)
			return;
		len = write(wire->master, wire->out + wire->out_at, wire->out_chunk);
		wire->blocked = len <= 0;
		if (wire->blocked)
			return;
		wire->sent += (uint64_t)len;
		wire->answered = true;
		wire->out_at += (size_t)len;
		wire->out_chunk -= (size_t)len;
		wire->out_free_ns = wire->out_due_ns;
	}
}

struct bytes wire_move(struct wire *wire, int64_t now_ns)
{
	struct bytes arrived = { 0 };

	if (wire->master < 0)
		return arrived;
	take_in(wire, now_ns);
	if (wire->in_len > 0 && wire->in_due_ns <= now_ns) {
		arrived = bytes_of(wire->in, wire->in_len);
		wire->in_len = 0;
	}
	give_out(wire, now_ns);
	return arrived;
}
