/* command: what the subcommands of imprint-cloud share: the options, the CA and the unit that are
 * meant, how results and mistakes are printed. A command returns the exit status: 0 done, 1 failed
 * or refused, 2 usage, 3 alarm. Results go to stdout, with --json as one object a line; a mistake
 * is one sentence on stderr; whatever came from AWS is printed without its control characters.
 * Threads: one. Layer above: cloud_main. Below: aws, hsm/api/client. */
#ifndef CLOUD_COMMAND_COMMAND_H
#define CLOUD_COMMAND_COMMAND_H

#include "base/clock.h"
#include "cloud/aws/iot.h"
#include "hsm/api/client.h"

#include <jansson.h>

enum cloud_exit { CLOUD_DONE, CLOUD_FAILED, CLOUD_USAGE, CLOUD_ALARM };

#define LEDGERS_MAX 64

/* A command line after its options were read: one of these for all subcommands. What was not given
 * is NULL or false. */
struct arguments {
	struct account_options account; /* --profile, --region, --endpoint-url */
	bool json;
	const char *operand, *ca, *certificate_id;
	/* register-ca, register */
	bool inactive, no_auto_registration, sni_only, print;
	const char *code;
	/* endpoint */
	const char *product, *port;
	/* publish: exports; none: the running signer's ledger */
	const char *ledgers[LEDGERS_MAX];
	size_t ledger_count;
};

int register_ca_command(const struct arguments *a);
int describe_ca_command(const struct arguments *a);
int activate_ca_command(const struct arguments *a);
int deactivate_ca_command(const struct arguments *a);
int auto_registration_command(const struct arguments *a);
int revoke_ca_command(const struct arguments *a);
int endpoint_command(const struct arguments *a);
int list_certificates_command(const struct arguments *a);
int register_certificate_command(const struct arguments *a);
int describe_certificate_command(const struct arguments *a);
int activate_certificate_command(const struct arguments *a);
int deactivate_certificate_command(const struct arguments *a);
int revoke_certificate_command(const struct arguments *a);
int publish_command(const struct arguments *a);

AUTO_DEFINE(json, json_t *, json_decref)

/* Says the sentence on stderr, with the remedy of a refusal; returns the exit status. */
int cloud_failed(const struct err *e);

/* This process's one connection to the signer. */
extern struct client cloud_signer;

/* --- printing --- */

/* In place: control characters become "?". Returns text. */
char *cloud_clean(char *text);
/* One line, and done; failed if there is none: AWS's words were no UTF-8, or no memory. */
int cloud_print(const json_t *object);
/* "status             ACTIVE": one line of a description. */
void cloud_line(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A time as RFC 3339, "-" or null for 0. */
char *cloud_time(int64_t wall_s, char text[static CLOCK_TEXT_SIZE]);
json_t *cloud_time_json(int64_t wall_s);

#endif
