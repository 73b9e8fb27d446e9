#include "station/verdict.h"

#include "hsm/api/refusal.h"
#include "serial/fault.h"

#include <stddef.h>

/* Errors that are neither a board's fault nor a refusal. */
static const struct {
	int code;
	enum outcome outcome;
	const char *name, *remedy;
} own[] = {
	{ ERR_CANCELLED, OUTCOME_ABORTED, "aborted", "Start the nest again when you are ready." },
	{ ERR_BUSY, OUTCOME_ERROR, "busy",
	  "End the other program that holds the port, then start again." },
	{ ERR_GONE, OUTCOME_ERROR, "signer", "Start imprint-signer, then start the nest again." },
	{ ERR_NOT_FOUND, OUTCOME_ERROR, "signer",
	  "Start imprint-signer, then start the nest again." },
	{ ERR_TIMEOUT, OUTCOME_ERROR, "signer",
	  "See what the log of the signer says, then start again." },
	{ ERR_INVALID, OUTCOME_ERROR, "settings",
	  "Run imprint product check on the product's file." },
	{ POLICY_TRIES, OUTCOME_ABORTED, "tries",
	  "Put the unit into the red bin, or have a supervisor free it, then re-seat it." },
	{ POLICY_GOLDEN, OUTCOME_ABORTED, "golden",
	  "Take the unit out: golden units run in golden mode, and no others." },
	{ POLICY_LABEL, OUTCOME_FAIL, "label",
	  "Check which label belongs to the board, put it on, scan it for this nest, start "
	  "again." },
	{ POLICY_NO_LABEL, OUTCOME_ERROR, "no-label",
	  "Scan the label of the board in this nest, then start again." },
};

static int row_of(int code)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i].code == code)
			return (int)i;
	return -1;
}

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
	return row_of(code) >= 0 ? own[row_of(code)].outcome : OUTCOME_ERROR;
}

const char *verdict_code(int code)
{
	if (is_fault(code))
		return fault_short(code);
	if (is_refusal(code))
		return refusal_name(code);
	return row_of(code) >= 0 ? own[row_of(code)].name : "system";
}

const char *verdict_remedy(int code)
{
	if (is_fault(code))
		return fault_remedy(code);
	if (is_refusal(code))
		return refusal_remedy(code);
	return row_of(code) >= 0 ? own[row_of(code)].remedy : anything_remedy;
}
