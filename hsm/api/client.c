#include "hsm/api/client.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

bool client_ask(struct client *c, const struct request *request, int pass_fd,
		struct reply *ret_reply, struct err *e)
{
	int64_t timeout_ms = pass_fd >= 0 ? CLIENT_LONG_MS : CLIENT_TIMEOUT_MS;

	if (c->fd < 0 && !signer_connect(&c->fd, e))
		return false;
	return signer_call(c->fd, request, pass_fd, c->record, ret_reply,
			   clock_deadline(timeout_ms), -1, e);
}

bool client_head(struct client *c, struct head *ret_head, struct err *e)
{
	struct request request = { .type = REQUEST_HEAD };
	struct reply reply;
	struct reader r;

	if (!client_ask(c, &request, -1, &reply, e))
		return false;
	r = (struct reader) { .data = reply.rows.data, .len = reply.rows.len };
	head_read(&r, ret_head);
	return reader_end(&r) || err_set(e, ERR_INVALID, "the signer's head makes no sense");
}

static bool read_issuances(struct bytes rows, uint64_t *after, client_issuance each, void *context,
			   struct err *e)
{
	struct reader r = { .data = rows.data, .len = rows.len };

	while (!r.bad && r.at < r.len) {
		struct issuance issuance;

		issuance_read(&r, &issuance);
		if (r.bad || issuance.id <= *after)
			return err_set(e, ERR_INVALID, "the signer's list makes no sense");
		*after = issuance.id;
		if (!each(context, &issuance, e))
			return false;
	}
	return true;
}

bool client_issuances(struct client *c, const char *order, int64_t since, client_issuance each,
		      void *context, struct err *e)
{
	struct request request = { .type = REQUEST_ISSUANCES, .since = since };
	struct reply reply = { .more = 1 };

	if (order)
		snprintf(request.order, sizeof(request.order), "%s", order);
	while (reply.more) {
		uint64_t before = request.after;

		if (!client_ask(c, &request, -1, &reply, e) ||
		    !read_issuances(reply.rows, &request.after, each, context, e))
			return false;
		if (reply.more && request.after == before)
			return err_set(e, ERR_INVALID, "the signer's list does not move on");
	}
	return true;
}

static bool read_entries(struct bytes rows, uint64_t *after, client_entry each, void *context,
			 struct err *e)
{
	struct reader r = { .data = rows.data, .len = rows.len };

	while (!r.bad && r.at < r.len) {
		struct bytes data = read_bytes(&r, ENTRY_MAX);

		if (r.bad)
			return err_set(e, ERR_INVALID, "the signer's entries make no sense");
		++*after;
		if (!each(context, data, e))
			return false;
	}
	return true;
}

bool client_entries(struct client *c, uint64_t after, client_entry each, void *context,
		    struct err *e)
{
	struct request request = { .type = REQUEST_ENTRIES, .after = after };
	struct reply reply = { .more = 1 };

	while (reply.more) {
		uint64_t before = request.after;

		if (!client_ask(c, &request, -1, &reply, e) ||
		    !read_entries(reply.rows, &request.after, each, context, e))
			return false;
		if (reply.more && request.after == before)
			return err_set(e, ERR_INVALID, "the signer's entries do not move on");
	}
	return true;
}
