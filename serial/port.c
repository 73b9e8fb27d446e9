#include "serial/port.h"

#include "base/wait.h"
#include "serial/fault.h"
#include "serial/release.h"

#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <limits.h>
#include <linux/serial.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define FLUSH_MAX 65536 /* bytes of a stream socket thrown away at once */

AUTO_DEFINE(sp, struct sp_port *, sp_free_port)
AUTO_DEFINE(sp_config, struct sp_port_config *, sp_free_config)

struct port {
	int fd;
	int lock_fd;		/* of a real line, which is held before it is touched; else -1 */
	struct sp_port *serial; /* a real line, which owns fd; else NULL */
	unsigned baud;		/* 0: no such thing */
};

typedef bool (*open_function)(struct port *port, const char *path, struct err *e);

static bool no_line(const char *path, struct err *e)
{
	return err_set(e, FAULT_LINE_GONE,
		       "%s is not a serial line; a pseudo-terminal is written pty:PATH, a socket "
		       "unix:PATH",
		       path);
}

/* What open(2) and sp_open say when they fail: whose fault is it? */
static bool cannot_open(int error, const char *path, struct err *e)
{
	if (error == EBUSY || error == EWOULDBLOCK)
		return err_set(e, ERR_BUSY,
			       "%s is held by another process: stop it, or give this nest its own "
			       "port",
			       path);
	if (error == ENOENT || error == ENXIO || error == ENODEV || error == EIO ||
	    error == ECONNREFUSED)
		return err_set(e, FAULT_LINE_GONE,
			       "there is no line at %s: is it plugged in, and the path right?",
			       path);
	if (error == EACCES)
		return err_set(e, ERR_SYSTEM,
			       "this user may not open %s: serial lines are for the group dialout",
			       path);
	if (error == ENOTTY)
		return no_line(path, e);
	errno = error;
	return err_errno(e, ERR_SYSTEM, "cannot open %s", path);
}

static bool hold(int fd, const char *path, struct err *e)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0 || cannot_open(errno, path, e);
}

/* All at once: each setting by itself costs an adapter some ten transfers. DTR and RTS are left as
 * the kernel raised them. */
static bool set_line(struct sp_port *serial, unsigned baud, const char *path, struct err *e)
{
	AUTO(sp_config) config = NULL;

	if (sp_new_config(&config) != SP_OK || sp_set_config_baudrate(config, (int)baud) != SP_OK ||
	    sp_set_config_bits(config, 8) != SP_OK ||
	    sp_set_config_parity(config, SP_PARITY_NONE) != SP_OK ||
	    sp_set_config_stopbits(config, 1) != SP_OK ||
	    sp_set_config_flowcontrol(config, SP_FLOWCONTROL_NONE) != SP_OK)
		return err_set(e, ERR_SYSTEM, "no memory for a line's settings");
	switch (sp_set_config(serial, config)) {
	case SP_OK:
		return true;
	case SP_ERR_FAIL:
		return cannot_open(sp_last_error_code(), path, e);
	default:
		return err_set(e, ERR_SYSTEM, "%s cannot do %u baud, 8N1", path, baud);
	}
}

/* What libserialport 0.1.1 leaves out. A closing line must not restart a board (HUPCL drops DTR),
 * and an adapter must not hold bytes back for 16 ms; not every adapter knows these, which is no
 * reason to refuse it. */
static void refine_line(int fd)
{
	struct serial_struct serial;
	struct termios termios;

	if (tcgetattr(fd, &termios) == 0) {
		termios.c_cflag &= ~(tcflag_t)HUPCL;
		tcsetattr(fd, TCSANOW, &termios);
	}
	if (ioctl(fd, TIOCGSERIAL, &serial) == 0) {
		serial.flags |= ASYNC_LOW_LATENCY;
		ioctl(fd, TIOCSSERIAL, &serial);
	}
}

static bool open_serial(struct port *port, const char *path, struct err *e)
{
	char device[PATH_MAX]; /* libserialport 0.1.1 cannot follow /dev/serial/by-path */
	AUTO(sp) serial = NULL;
	int fd;

	if (!realpath(path, device))
		return cannot_open(errno, path, e);
	if (sp_get_port_by_name(device, &serial) != SP_OK)
		return no_line(path, e);
	/* sp_open changes the settings, and TIOCEXCL does not keep root from it. */
	port->lock_fd = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (port->lock_fd < 0)
		return cannot_open(errno, path, e);
	if (!hold(port->lock_fd, path, e))
		return false;
	if (sp_open(serial, SP_MODE_READ_WRITE) != SP_OK)
		return cannot_open(sp_last_error_code(), path, e);
	port->serial = TAKE(serial);
	if (sp_get_port_handle(port->serial, &fd) != SP_OK)
		return err_set(e, ERR_SYSTEM, "%s has no descriptor", path);
	port->fd = fd;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || ioctl(fd, TIOCEXCL) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot hold %s alone", path);
	if (!set_line(port->serial, port->baud, path, e))
		return false;
	refine_line(fd);
	return true;
}

/* No TIOCEXCL here: the other end holds the terminal open too, so that the mark would outlive us.
 */
static bool open_pty(struct port *port, const char *path, struct err *e)
{
	struct termios termios;

	port->baud = 0;
	port->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (port->fd < 0)
		return cannot_open(errno, path, e);
	if (!hold(port->fd, path, e))
		return false;
	if (tcgetattr(port->fd, &termios) < 0)
		return cannot_open(errno, path, e);
	cfmakeraw(&termios);
	if (tcsetattr(port->fd, TCSANOW, &termios) < 0)
		return cannot_open(errno, path, e);
	return true;
}

static bool open_unix(struct port *port, const char *path, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	port->baud = 0;
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, ERR_INVALID, "the socket's path is longer than %zu bytes: %s",
			       sizeof(address.sun_path) - 1, path);
	memcpy(address.sun_path, path, strlen(path));
	port->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (port->fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make a socket");
	if (connect(port->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return cannot_open(errno, path, e);
	return true;
}

static const struct kind {
	const char *prefix;
	bool keep_prefix;
	open_function open;
} kinds[] = {
	{ "pty:", false, open_pty },
	{ "unix:", false, open_unix },
	{ "/", true, open_serial },
};

static const struct kind *kind_of(const char *address, const char **ret_path)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (strncmp(address, kinds[i].prefix, len) == 0) {
			*ret_path = kinds[i].keep_prefix ? address : address + len;
			return &kinds[i];
		}
	}
	return NULL;
}

/* Throws away what has come in so far. */
static void flush(struct port *port)
{
	uint8_t buffer[1024];

	if (tcflush(port->fd, TCIFLUSH) == 0)
		return;
	for (size_t total = 0; total < FLUSH_MAX; total += sizeof(buffer))
		if (recv(port->fd, buffer, sizeof(buffer), MSG_DONTWAIT) <= 0)
			return;
}

bool port_open(const char *address, unsigned baud, struct port **ret_port, struct err *e)
{
	const char *path;
	const struct kind *kind = kind_of(address, &path);
	AUTO(port) port = NULL;

	if (!kind)
		return err_set(e, ERR_INVALID,
			       "a port is /dev/…, pty:PATH or unix:PATH, and not \"%s\"", address);
	port = calloc(1, sizeof(*port));
	if (!port)
		return err_errno(e, ERR_SYSTEM, "no memory for a port");
	port->fd = port->lock_fd = -1;
	port->baud = baud ? baud : PORT_BAUD_DEFAULT;
	if (!kind->open(port, path, e))
		return false;
	flush(port);
	*ret_port = TAKE(port);
	return true;
}

void port_close(struct port *port)
{
	if (!port)
		return;
	if (port->serial) {
		sp_close(port->serial);
		sp_free_port(port->serial);
	} else if (port->fd >= 0) {
		close(port->fd);
	}
	if (port->lock_fd >= 0)
		release_close(port->lock_fd);
	free(port);
}

static bool gone(struct err *e)
{
	return err_set(e, FAULT_LINE_GONE, "the line was unplugged, or the board hung up");
}

bool port_write(struct port *port, struct bytes bytes, int64_t deadline, int cancel_fd,
		struct err *e)
{
	while (bytes.len > 0) {
		short events = 0;
		ssize_t written;

		if (!wait_for(port->fd, POLLOUT, deadline, cancel_fd, &events, e))
			return false;
		if (events & (POLLHUP | POLLERR | POLLNVAL))
			return gone(e);
		written = write(port->fd, bytes.data, bytes.len);
		if (written < 0 && errno != EAGAIN && errno != EINTR)
			return gone(e);
		if (written > 0)
			bytes = bytes_of(bytes.data + written, bytes.len - (size_t)written);
	}
	return true;
}

bool port_read(struct port *port, uint8_t *buffer, size_t size, size_t *ret_len, int64_t deadline,
	       int cancel_fd, struct err *e)
{
	for (;;) {
		short events = 0;
		ssize_t len;

		if (!wait_for(port->fd, POLLIN, deadline, cancel_fd, &events, e))
			return false;
		len = read(port->fd, buffer, size);
		if (len > 0) {
			*ret_len = (size_t)len;
			return true;
		}
		if (len == 0 || (errno != EAGAIN && errno != EINTR) ||
		    events & (POLLHUP | POLLERR | POLLNVAL))
			return gone(e);
	}
}

int64_t port_wire_ms(const struct port *port, size_t len)
{
	return port->baud ? (int64_t)(len * 10 * 1000 / port->baud) : 0;
}

bool port_present(const char *address)
{
	struct stat status;
	const char *path;
	const struct kind *kind = kind_of(address, &path);

	if (!kind || stat(path, &status) < 0)
		return false;
	return kind->open == open_unix ? S_ISSOCK(status.st_mode) : S_ISCHR(status.st_mode);
}
