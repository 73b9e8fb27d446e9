#include "station/verdict.h"

#include "hsm/api/refusal.h"
#include "serial/fault.h"

#include <stddef.h>

/* Errors that are neither a board's fault nor a refusal. */
static const struct {
	int code;
	const char *name, *remedy;
} own[] = {
	{ ERR_CANCELLED, "aborted", "Start the nest again when you are ready." },
	{ ERR_BUSY, "busy", "End the other program that holds the port, then start again." },
	{ ERR_GONE, "signer", "Start imprint-signer, then start the nest again." },
	{ ERR_NOT_FOUND, "signer", "Start imprint-signer, then start the nest again." },
	{ ERR_TIMEOUT, "signer", "See what the log of the signer says, then start again." },
	{ ERR_INVALID, "settings", "Run imprint product check on the product's file." },
};

static const char anything_remedy[] = "Read the log of imprint-station, then start again.";

static bool is_refusal(int code)
{
	return code >= REFUSAL_FIRST && code < REFUSAL_LAST;
}

static bool is_fault(int code)
{
	return code >= FAULT_FIRST && code < FAULT_LAST;
}

enum outcome verdict_outcome(int code)
{
	if (is_fault(code) || (is_refusal(code) && refusal_blames_board(code)))
		return OUTCOME_FAIL;
	return code == ERR_CANCELLED ? OUTCOME_ABORTED : OUTCOME_ERROR;
}

const char *verdict_code(int code)
{
	if (is_fault(code))
		return fault_short(code);
	if (is_refusal(code))
		return refusal_name(code);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i].code == code)
			return own[i].name;
	return "system";
}

const char *verdict_remedy(int code)
{
	if (is_fault(code))
		return fault_remedy(code);
	if (is_refusal(code))
		return refusal_remedy(code);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i].code == code)
			return own[i].remedy;
	return anything_remedy;
}
