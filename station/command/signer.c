#include "station/command/signer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "station/command/command.h"
#include "station/command/print.h"

#define PATIENCE_MS 30000

bool signer_ask(const struct request *request, struct reply *ret_reply, struct err *e)
{
	static uint8_t record[MESSAGE_MAX];
	AUTO(fd) fd = -1;

	return signer_connect(&fd, e) &&
	       signer_call(fd, request, -1, record, ret_reply, clock_deadline(PATIENCE_MS), -1, e);
}

bool signer_tell(const struct request *request, struct err *e)
{
	char text[REPLY_TEXT_MAX + 1];
	struct reply reply;

	if (!signer_ask(request, &reply, e))
		return false;
	print_copy(text, sizeof(text), reply.text);
	puts(text);
	return true;
}

int signer_do(const struct request *request)
{
	struct err e;

	return signer_tell(request, &e) ? EXIT_DONE : command_fail(&e);
}

bool signer_text(char *ret_text, size_t size, const char *what, const char *typed, struct err *e)
{
	if (!typed || !*typed)
		return err_set(e, ERR_USAGE, "%s is missing", what);
	if (strlen(typed) >= size)
		return err_set(e, ERR_USAGE, "%s is longer than %zu characters", what, size - 1);
	for (const char *c = typed; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return err_set(e, ERR_USAGE, "%s holds a control character", what);
	strcpy(ret_text, typed);
	return true;
}
