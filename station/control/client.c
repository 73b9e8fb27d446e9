#include "station/control/client.h"

#include "base/cleanup.h"
#include "base/place.h"
#include "base/socket.h"

bool control_connect(int *ret_fd, struct err *e)
{
	AUTO(fd) dir = -1;

	if (place_open(PLACE_RUN_STATION, false, &dir, e) &&
	    socket_connect(dir, STATION_SOCKET, ret_fd, e))
		return true;
	if (e->code == ERR_REFUSED)
		return err_set(e, ERR_REFUSED,
			       "the station hears only members of the group imprint; as root: "
			       "adduser NAME imprint, and log in again");
	return err_add(e, "the station does not run; start imprint-station");
}

static bool take_reply(int fd, uint8_t *record, struct control_reply *ret_reply, int *ret_passed,
		       int64_t deadline, struct err *e)
{
	AUTO(fd) passed = -1;
	size_t len;

	if (!socket_receive(fd, record, &len, &passed, deadline, -1, e))
		return false;
	if (!control_reply_decode(bytes_of(record, len), ret_reply))
		return err_set(e, ERR_INVALID,
			       "the station's answer makes no sense; are imprint and "
			       "imprint-station of one version?");
	if (ret_reply->type == CONTROL_REFUSED)
		return err_set(e, (int)ret_reply->code, "%s", ret_reply->text);
	if (ret_passed)
		*ret_passed = TAKE_FD(passed);
	return true;
}

bool control_call(int fd, const struct control_request *request, uint8_t *record,
		  struct control_reply *ret_reply, int *ret_passed, int64_t deadline, struct err *e)
{
	size_t len;

	if (!control_request_encode(request, record, &len))
		return err_set(e, ERR_INVALID, "the request %s is too long for one record",
			       control_name(request->type));
	if (!socket_send(fd, bytes_of(record, len), -1, deadline, -1, e))
		return err_add(e, "asking the station (%s)", control_name(request->type));
	return take_reply(fd, record, ret_reply, ret_passed, deadline, e) ||
	       (e->code == ERR_TIMEOUT &&
		err_add(e, "asking the station (%s)", control_name(request->type)));
}

bool control_next(int fd, uint8_t *record, struct control_reply *ret_reply, int64_t deadline,
		  struct err *e)
{
	return take_reply(fd, record, ret_reply, NULL, deadline, e);
}
