/* port: one board's line as a descriptor that we poll ourselves.
 *	/dev/serial/by-path/…	a real line, opened and set by libserialport: 8N1, no flow control.
 *				An adapter that is plugged again has this name again, whatever its
 *				ttyUSB number
 *	pty:PATH		a virtual board's terminal, which libserialport 0.1.1 cannot open
 *	unix:PATH		a stream socket, which QEMU offers for an emulated board
 * A line is held alone: flock, and TIOCEXCL on a real one, before anything on it is changed.
 * DTR and RTS stay as the kernel raised them, also when it is closed. A hang-up, an error or
 * "readable, but nothing to read" mean that the line is gone: an unplugged adapter never gives
 * an error by itself. Errors: FAULT_LINE_GONE, ERR_BUSY, ERR_TIMEOUT, ERR_CANCELLED, ERR_INVALID
 * (the address), ERR_SYSTEM. Threads: one a port. Source: libserialport 0.1.1, tty_ioctl(4).
 * Layer above: link. Below: wait, release. */
#ifndef SERIAL_PORT_H
#define SERIAL_PORT_H

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"

#include <stdint.h>

#define PORT_BAUD_DEFAULT 115200

struct port;

MUST_CHECK bool port_open(const char *address, unsigned baud, struct port **ret_port,
			  struct err *e);
void port_close(struct port *port);
AUTO_DEFINE(port, struct port *, port_close)

/* Sends all of it. */
MUST_CHECK bool port_write(struct port *port, struct bytes bytes, int64_t deadline, int cancel_fd,
			   struct err *e);
/* Waits for at least one byte; takes at most `size`. */
MUST_CHECK bool port_read(struct port *port, uint8_t *buffer, size_t size, size_t *ret_len,
			  int64_t deadline, int cancel_fd, struct err *e);

/* How long so many bytes take on this line; 0 where there is no baud rate. */
int64_t port_wire_ms(const struct port *port, size_t len);

/* True if the line exists: the device node of a real line or pty (it goes when the adapter is
 * unplugged or the other end closes), or the name of a socket. Opens nothing, for to open a real
 * line may restart the board on it. */
bool port_present(const char *address);

#endif
