/* smp: the numbers of SMP (MCUmgr) that board and station share.
 * Portable C99: the board's firmware uses it too. Source: Zephyr, "SMP protocol specification".
 * Layer above: link, agent. Below: none. */
#ifndef SERIAL_SMP_H
#define SERIAL_SMP_H

#define SMP_HEADER_SIZE 8
#define SMP_VERSION_1 0 /* as the header has it */
#define SMP_VERSION_2 1

enum smp_op {
	SMP_READ = 0,
	SMP_READ_ANSWER = 1,
	SMP_WRITE = 2,
	SMP_WRITE_ANSWER = 3,
};

#define SMP_GROUP_OS 0
#define SMP_GROUP_STAT 2

enum smp_os {
	SMP_OS_ECHO = 0,
	SMP_OS_RESET = 5,
	SMP_OS_PARAMS = 6,
	SMP_OS_INFO = 7,
};

#define SMP_GROUP_FS 8

enum smp_fs {
	SMP_FS_FILE = 0, /* read and write */
	SMP_FS_HASH = 2,
};

enum smp_stat {
	SMP_STAT_SHOW = 0,
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
	SMP_TOO_OLD = 12, /* the request's version */
	SMP_TOO_NEW = 13,
};

/* Of the group fs, where an answer has version 2. */
enum smp_fs_rc {
	SMP_FS_NOT_FOUND = 3,
	SMP_FS_BAD_OFFSET = 11,
	SMP_FS_NO_HASH = 13,
};

#endif
