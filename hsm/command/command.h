/* command: what the subcommands of imprint-ledger share: one connection to the signer, its pages,
 * JSON lines. Every command returns the exit status: 0 done, 1 failed or refused, 2 usage, 3 alarm;
 * failures are one sentence on stderr. Threads: one. Layer above: ledger_main. Below: hsm/api. */
#ifndef HSM_COMMAND_COMMAND_H
#define HSM_COMMAND_COMMAND_H

#include "base/cleanup.h"
#include "hsm/api/client.h"

#include <jansson.h>

#define COMMAND_ALARM 3
#define COMMAND_EXPORT_VERSION 1 /* of the file of imprint ledger export */

/* A command line after its options were read: one of these for all subcommands. */
struct arguments {
	bool json, csv;
	const char *order, *since, *head_file, *export_file, *out, *reason, *unit, *csr, *operand;
	bool chain;
};

int list_command(const struct arguments *a);
int show_command(const struct arguments *a);
int export_command(const struct arguments *a);
int head_command(const struct arguments *a);
int verify_command(const struct arguments *a);
int backup_command(const struct arguments *a);
int gap_command(const struct arguments *a);
int accept_time_command(const struct arguments *a);
int issue_command(const struct arguments *a);
int ca_show_command(const struct arguments *a);
int ca_crl_command(const struct arguments *a);
int ca_verification_command(const struct arguments *a);

AUTO_DEFINE(json, json_t *, json_decref)

/* This process's one connection to the signer. */
extern struct client command_signer;
/* Calls back for each issuance that --order and --since name. */
MUST_CHECK bool command_issuances(const struct arguments *a, client_issuance each, void *context,
				  struct err *e);

/* Says the sentence on stderr; returns the exit status that fits the code. */
int command_failed(const struct err *e);
void command_print(const json_t *object);
/* The keys of a ledger line. Returns a new reference. */
json_t *command_issuance_json(const char *station, const struct issuance *issuance);
/* The line of an export: what people read of an entry, and its bytes. Returns a new reference. */
json_t *command_entry_json(const struct entry *entry, struct bytes data);
json_t *command_time(int64_t wall_s);
json_t *command_hex(struct bytes bytes);
/* The station's name, asked once. */
MUST_CHECK bool command_station(const char **ret_name, struct err *e);
/* DER as PEM on a stream. */
MUST_CHECK bool command_pem(FILE *to, const char *label, struct bytes der, struct err *e);
/* Opens FILE for writing, 0644, never over an existing one; stdout for NULL. */
MUST_CHECK bool command_open(const char *path, FILE **ret_file, struct err *e);

#endif
