/* confine: a daemon gives up what it does not need, for good, before its first thread: no core file,
 * no debugger, no new privileges, and no system calls that neither daemon has a use for (running
 * programs, looking into other processes, mounting, namespaces, loading kernel code, changing users
 * or the clock, typing into a terminal). They answer EPERM, as under systemd, whose unit allows less still: this is
 * for a daemon that is run without it. Where the kernel has no seccomp, that part is left out and
 * said in the log. Errors: ERR_SYSTEM. Threads: the first, before others start. Layer above:
 * signer_main, station_main. Below: libseccomp. */
#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include "base/err.h"

enum confine_network {
	CONFINE_NO_NETWORK, /* sockets of the machine's own processes (AF_UNIX) alone */
	CONFINE_IP,	    /* IPv4 and IPv6 too */
};

MUST_CHECK bool confine(enum confine_network network, struct err *e);

#endif
