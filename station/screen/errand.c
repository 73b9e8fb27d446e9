#include "station/screen/errand.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/socket.h"

#define AT_ONCE 0 /* a deadline that has passed: look, do not wait */

static bool send_record(struct errand *errand, enum errand_purpose purpose, int fd,
			struct bytes record, struct err *e)
{
	if (!socket_send(fd, record, -1, AT_ONCE, -1, e))
		return false;
	*errand = (struct errand) {
		.purpose = purpose,
		.fd = fd,
		.deadline = clock_deadline(ERRAND_PATIENCE_MS),
	};
	return true;
}

bool errand_ask_station(struct errand *errand, enum errand_purpose purpose,
			const struct control_request *request, uint8_t *record, struct err *e)
{
	AUTO(fd) fd = -1;
	size_t len;

	if (!control_request_encode(request, record, &len))
		return err_set(e, ERR_INVALID, "the question is too long");
	if (!control_connect(&fd, e) || !send_record(errand, purpose, fd, bytes_of(record, len), e))
		return false;
	fd = -1;
	return true;
}

bool errand_ask_signer(struct errand *errand, enum errand_purpose purpose,
		       const struct request *request, uint8_t *record, struct err *e)
{
	AUTO(fd) fd = -1;
	size_t len;

	if (!request_encode(request, record, &len))
		return err_set(e, ERR_INVALID, "the question is too long");
	if (!signer_connect(&fd, e) || !send_record(errand, purpose, fd, bytes_of(record, len), e))
		return false;
	fd = -1;
	return true;
}

bool errand_is_to_signer(const struct errand *errand)
{
	return errand->purpose >= ERRAND_FIND_ORDER;
}

bool errand_take_station(struct errand *errand, uint8_t *record, struct control_reply *ret_reply,
			 struct err *e)
{
	return control_next(errand->fd, record, ret_reply, AT_ONCE, e);
}

bool errand_take_signer(struct errand *errand, uint8_t *record, struct reply *ret_reply,
			struct err *e)
{
	size_t len;

	if (!socket_receive(errand->fd, record, &len, NULL, AT_ONCE, -1, e))
		return false;
	if (!reply_decode(bytes_of(record, len), ret_reply))
		return err_set(e, ERR_INVALID, "the signer's answer makes no sense");
	if (ret_reply->type == REPLY_REFUSED)
		return err_set(e, (int)ret_reply->code, "%s", ret_reply->text);
	return true;
}

void errand_end(struct errand *errand)
{
	if (errand->purpose != ERRAND_NONE)
		close(errand->fd);
	*errand = (struct errand) { .purpose = ERRAND_NONE, .fd = -1 };
}
