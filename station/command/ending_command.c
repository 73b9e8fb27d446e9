/* void, revoke: the end of a certificate. */
#include "station/command/command.h"
#include "station/command/signer.h"

#include "base/hex.h"

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

int revoke_command(const struct options *options)
{
	struct request request = { .type = REQUEST_REVOKE };
	struct err e;

	if (!reason_of(options, &request, &e) || !target_of(options, &request, &e))
		return command_fail(&e);
	return signer_do(&request);
}
