/* void, revoke: the end of a certificate. */
#include "station/command/command.h"
#include "station/command/signer.h"

#include "base/hex.h"
#include "base/program.h"
#include "hsm/api/refusal.h"

#include <stdio.h>

#define CLOUD_PROGRAM "imprint-cloud"

static bool reason_of(const struct options *options, struct request *request, struct err *e)
{
	return signer_text(request->reason, sizeof(request->reason), "--reason", options->reason,
			   e);
}

int void_command(const struct options *options)
{
	struct request request = { .type = REQUEST_VOID };
	struct err e;

	if (!reason_of(options, &request, &e) ||
	    !signer_text(request.unit, sizeof(request.unit), "the unit id", options->arguments[0],
			 &e))
		return command_fail(&e);
	return signer_do(&request);
}

static bool target_of(const struct options *options, struct request *request, struct err *e)
{
	if ((options->count == 1) == (options->certificate_id != NULL))
		return err_set(e, ERR_USAGE, "name either a unit or a --certificate-id");
	if (options->count == 1)
		return signer_text(request->unit, sizeof(request->unit), "the unit id",
				   options->arguments[0], e);
	return hex_decode(options->certificate_id, request->certificate_id, SHA256_LEN) ||
	       err_set(e, ERR_USAGE, "a certificate id is %d hexadecimal digits", 2 * SHA256_LEN);
}

/* The same certificate at AWS: what was typed, for imprint-cloud. Returns the exit status. */
static int revoke_at_aws(const struct options *options, struct err *e)
{
	const char *words[12] = { CLOUD_PROGRAM, "revoke" };
	const struct {
		const char *name, *value;
	} passed[] = {
		{ "--profile", options->profile },
		{ "--region", options->region },
		{ "--endpoint-url", options->endpoint_url },
		{ options->certificate_id ? "--certificate-id" : "--",
		  options->certificate_id ? options->certificate_id : options->arguments[0] },
	};
	int status, count = 2;

	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (passed[i].value) {
			words[count++] = passed[i].name;
			words[count++] = passed[i].value;
		}
	if (program_run(CLOUD_PROGRAM, words, &status, e))
		return status;
	return command_fail(e);
}

/* What tells AWS alone. */
static void print_call(FILE *to, const struct options *options)
{
	fprintf(to, "imprint cloud revoke %s%s\n",
		options->certificate_id ? "--certificate-id " : "",
		options->certificate_id ? options->certificate_id : options->arguments[0]);
}

static int tell_aws(const struct options *options)
{
	struct err e;

	if (!options->cloud) {
		fputs("AWS was not told yet: ", stdout);
		print_call(stdout, options);
		return EXIT_DONE;
	}
	if (revoke_at_aws(options, &e) == EXIT_DONE)
		return EXIT_DONE;
	fputs("imprint: the ledger has it revoked, AWS has not; run again: ", stderr);
	print_call(stderr, options);
	return EXIT_FAILED;
}

static bool check_account(const struct options *options, struct err *e)
{
	bool named = options->profile || options->region || options->endpoint_url;

	return options->cloud || !named ||
	       err_set(e, ERR_USAGE, "--profile, --region and --endpoint-url go with --cloud");
}

/* Only the ledger knows which certificate a unit has. */
static bool is_known(const struct options *options, const struct err *refused)
{
	return options->certificate_id ||
	       (refused->code != REFUSAL_UNKNOWN && refused->code != ERR_NOT_FOUND);
}

int revoke_command(const struct options *options)
{
	struct request request = { .type = REQUEST_REVOKE };
	struct err e;
	int status;

	if (!check_account(options, &e) || !reason_of(options, &request, &e) ||
	    !target_of(options, &request, &e))
		return command_fail(&e);
	if (signer_tell(&request, &e))
		return tell_aws(options);
	status = command_fail(&e);
	if (options->cloud && is_known(options, &e)) {
		fputs("imprint: AWS was not asked; to revoke it there alone: ", stderr);
		print_call(stderr, options);
	}
	return status;
}
