#include "hsm/signer/closed.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/socket.h"
#include "base/wait.h"
#include "hsm/api/refusal.h"
#include "hsm/api/request.h"

#include <poll.h>
#include <stdio.h>

#define LINGER_MS 3000	/* at most one start in that time, however many boards wait */
#define QUESTION_MS 200 /* a caller asks as soon as it is connected */

/* Whatever the question is. */
static bool answer(int fd, struct bytes record, struct err *e)
{
	static uint8_t question[SOCKET_RECORD_MAX];
	size_t len;

	return socket_receive(fd, question, &len, NULL, clock_deadline(QUESTION_MS), -1, e) &&
	       socket_send(fd, record, -1, clock_monotonic_ms(), -1, e);
}

void closed_say(const struct err *why)
{
	struct reply reply = { .type = REPLY_REFUSED,
			       .code = why->code == ERR_PIN ? REFUSAL_TOKEN : REFUSAL_FAILED };
	uint8_t record[REPLY_TEXT_MAX + 64];
	int64_t deadline = clock_deadline(LINGER_MS);
	int listen_fd = notify_listen_fd();
	struct err e;
	size_t len;

	snprintf(reply.text, sizeof(reply.text), "%s", why->text);
	if (listen_fd < 0 || !reply_encode_into(&reply, record, sizeof(record), &len))
		return;
	while (clock_monotonic_ms() < deadline &&
	       wait_for(listen_fd, POLLIN, deadline, -1, NULL, &e)) {
		AUTO(fd) fd = -1;

		if (!socket_accept(listen_fd, &fd, &e))
			return;
		if (fd >= 0 && !answer(fd, bytes_of(record, len), &e))
			log_event(LOG_NOTICE, "a caller was not told", "reason=\"%s\"", e.text);
	}
}
