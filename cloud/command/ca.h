/* ca: the state of a CA at AWS: shown, and brought to what is wanted. Threads: one. Layer above:
 * the commands on CAs. Below: iot, target. */
#ifndef CLOUD_COMMAND_CA_H
#define CLOUD_COMMAND_CA_H

#include "cloud/command/target.h"

/* What a command did; the rest was so already. */
struct ca_done {
	bool registered, active, auto_registration;
};

/* Updates only what differs from what is wanted, and asks again how it is then. */
MUST_CHECK bool ca_bring(struct iot *iot, const struct iot_ca_update *wanted, struct iot_ca *ca,
			 struct ca_done *done, struct err *e);
/* As a table, or one line of JSON; returns the exit status. done NULL: nothing was to be done. */
int ca_show(const struct arguments *a, const struct iot *iot, const struct iot_ca *ca,
	    const struct ca_done *done);
/* The certificate that proves to AWS that we hold the CA's key, signed in the token; the caller
 * frees it. */
MUST_CHECK bool ca_verification(const char *code, char **ret_pem, struct err *e);
/* register-ca where the station has no Internet: commands to paste elsewhere. */
int ca_print_registration(const struct arguments *a);

#endif
