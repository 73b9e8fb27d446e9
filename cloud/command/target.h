/* target: which CA and which certificate a command line means: as the running signer knows them, or
 * where none runs, by --ca and --certificate-id. A certificate of the ledger comes with its
 * issuance. Errors: those of client.h; REFUSAL_UNKNOWN no such unit; ERR_INVALID a file or an id
 * that is none. Threads: one. Layer above: the commands. Below: hsm/api/client. */
#ifndef CLOUD_COMMAND_TARGET_H
#define CLOUD_COMMAND_TARGET_H

#include "cloud/command/command.h"

struct ca_target {
	char id[IOT_ID_SIZE];
	char *pem; /* NULL: only its id is known */
};

MUST_CHECK bool ca_target_find(const struct arguments *a, struct ca_target *ret_ca, struct err *e);
static inline void ca_target_clear(struct ca_target *ca)
{
	free(ca->pem);
}
#define AUTO_CA_TARGET __attribute__((cleanup(ca_target_clear))) struct ca_target

struct target {
	char id[IOT_ID_SIZE];
	char name[NAME_MAX_LEN + 16]; /* "unit T-0001", or "the certificate" */
	bool in_ledger;
	struct issuance issuance;
};

/* Of a unit's certificates the one in force, else the latest; of several that is said on stderr. */
MUST_CHECK bool target_find(const struct arguments *a, struct target *ret_target, struct err *e);
/* Issued or installed: the ledger wants it to live. */
bool target_is_in_force(const struct target *target);
/* Its PEM from the ledger; the caller frees it. */
MUST_CHECK bool target_pem(const struct target *target, char **ret_pem, struct err *e);

/* DER as PEM; the caller frees it. */
MUST_CHECK bool pem_of(struct bytes der, char **ret_pem, struct err *e);

#endif
