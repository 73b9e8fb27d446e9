/* prov: the numbers of the private SMP group that board and station share: docs/prov.md.
 * Portable C99: the board's firmware uses it too. Layer above: driver prov, agent. Below: none. */
#ifndef SERIAL_PROV_H
#define SERIAL_PROV_H

#define PROV_GROUP 113
#define PROV_BOOT_SIZE 8 /* random bytes, new at each start of the board */
#define PROV_ALIGN 16	 /* every piece of a file but the last is a multiple of this */
#define PROV_PROOF_TITLE "imprint-prove-v1" /* its NUL is signed too */

enum prov_command {
	PROV_IDENTIFY = 0,
	PROV_CSR = 1,
	PROV_WRITE = 2,
	PROV_DIGEST = 3,
	PROV_READ = 4,
	PROV_PROVE = 5,
	PROV_COMMIT = 6,
	PROV_COMMAND_COUNT,
};

#endif
