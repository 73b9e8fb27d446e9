/* rules: udev's file by which a line's name follows its socket, one rule a nest:
 *	SUBSYSTEM=="tty", ENV{ID_PATH}=="pci-0000:00:14.0-usb-0:2.1:1.0", SYMLINK+="imprint/A1"
 * An adapter with several lines on one USB interface needs its port number beside that. ID_PATH is
 * what 60-serial.rules makes of it in /dev/serial/by-path: "…" or "…-portN". Errors: ERR_INVALID
 * (no such path), ERR_SYSTEM. Threads: one. Layer above: learn. Below: base/file. */
#ifndef SERIAL_RULES_H
#define SERIAL_RULES_H

#include "serial/adapter.h"

#define RULES_NEST_MAX 16 /* of a nest's name: A-Z a-z 0-9 and "-" */

struct rule {
	char nest[RULES_NEST_MAX + 1];
	char port[ADAPTER_PORT_SIZE]; /* /dev/serial/by-path/… */
};

/* Writes the file at path. What is there already stays, but for rules of the same nests or the same
 * sockets. A power cut leaves the old file or the new one. */
MUST_CHECK bool rules_write(const char *path, const struct rule *rules, size_t count,
			    struct err *e);

#endif
