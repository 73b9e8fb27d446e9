#include "station/overview.h"

#include "base/clock.h"
#include "base/socket.h"

#include <stdio.h>
#include <unistd.h>

#define AT_ONCE 0 /* a deadline that has passed: look, do not wait */

void overview_init(struct overview *o, uint8_t *record)
{
	*o = (struct overview) { .fd = -1, .record = record };
}

void overview_close(struct overview *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

int overview_fd(const struct overview *o)
{
	return o->is_asking ? o->fd : -1;
}

static void settle(struct overview *o)
{
	o->is_asking = false;
	o->answered_at = o->asked_at;
}

static void lose(struct overview *o, const struct err *e)
{
	overview_close(o);
	settle(o);
	o->status.token_ok = false; /* the rest cannot change while the signer is away */
	snprintf(o->trouble, sizeof(o->trouble), "%.*s", REASON_MAX_LEN, e->text);
}

static bool send_question(struct overview *o, struct err *e)
{
	struct request request = { .type = REQUEST_STATUS };
	size_t len;

	if (o->fd < 0 && !signer_connect(&o->fd, e))
		return false;
	if (!request_encode(&request, o->record, &len))
		return err_set(e, ERR_INVALID, "no question fits");
	return socket_send(o->fd, bytes_of(o->record, len), -1, AT_ONCE, -1, e);
}

void overview_ask(struct overview *o)
{
	struct err e;

	if (o->is_asking)
		return;
	o->asked_at = clock_monotonic_ms();
	o->is_asking = true;
	if (send_question(o, &e))
		return;
	overview_close(o); /* the signer may have restarted since: once more on a new line */
	if (!send_question(o, &e))
		lose(o, &e);
}

static bool take_answer(struct overview *o, struct reply *ret_reply, struct err *e)
{
	size_t len;

	if (!socket_receive(o->fd, o->record, &len, NULL, AT_ONCE, -1, e))
		return false;
	if (!reply_decode(bytes_of(o->record, len), ret_reply))
		return err_set(e, ERR_INVALID, "the signer's answer makes no sense");
	if (ret_reply->type == REPLY_REFUSED)
		return err_set(e, (int)ret_reply->code, "%s", ret_reply->text);
	if (ret_reply->type != REPLY_STATUS)
		return err_set(e, ERR_INVALID, "the signer's answer is no status");
	return true;
}

void overview_turn(struct overview *o)
{
	struct reply reply;
	struct err e;

	if (!o->is_asking)
		return;
	if (take_answer(o, &reply, &e)) {
		o->status = reply.status;
		o->trouble[0] = '\0';
		settle(o);
	} else if (e.code != ERR_TIMEOUT) {
		lose(o, &e);
	} else if (clock_monotonic_ms() - o->asked_at > OVERVIEW_PATIENCE_MS) {
		err_set(&e, ERR_TIMEOUT, "the signer does not answer; see its log");
		lose(o, &e);
	}
}
