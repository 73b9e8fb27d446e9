/* smp: the numbers of SMP (MCUmgr) that board and station share.
 * Portable C99: the board's firmware uses it too. Source: Zephyr, "SMP protocol specification".
 * Layer above: link, agent. Below: none. */
#ifndef SERIAL_SMP_H
#define SERIAL_SMP_H

#define SMP_HEADER_SIZE 8
#define SMP_VERSION_2 1 /* as the header has it; 0 is version 1 */

enum smp_op {
	SMP_READ = 0,
	SMP_READ_ANSWER = 1,
	SMP_WRITE = 2,
	SMP_WRITE_ANSWER = 3,
};

#define SMP_GROUP_OS 0

enum smp_os {
	SMP_OS_ECHO = 0,
	SMP_OS_RESET = 5,
	SMP_OS_PARAMS = 6,
};

/* SMP's own error codes; group 113 (serial/prov.h) uses the same numbers. */
enum smp_rc {
	SMP_OK = 0,
	SMP_UNKNOWN = 1,
	SMP_NO_MEMORY = 2,
	SMP_INVALID = 3,
	SMP_TIMEOUT = 4,
	SMP_NO_ENTRY = 5,
	SMP_BAD_STATE = 6,
	SMP_TOO_LONG = 7,
	SMP_NOT_SUPPORTED = 8,
	SMP_CORRUPT = 9,
	SMP_BUSY = 10,
	SMP_DENIED = 11,
};

#endif
