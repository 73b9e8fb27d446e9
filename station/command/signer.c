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

int signer_do(const struct request *request)
{
	char text[REPLY_TEXT_MAX + 1];
	struct reply reply;
	struct err e;

	if (!signer_ask(request, &reply, &e))
		return command_fail(&e);
	print_copy(text, sizeof(text), reply.text);
	puts(text);
	return EXIT_DONE;
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
