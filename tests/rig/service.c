#include "tests/rig/service.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MS 100
#define SEND_MS 60000 /* a rig that is busy answers late */
#define ERROR "error: "

static bool open_dir(const char *dir, int *ret_fd, struct err *e)
{
	int fd = open(dir, O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, ERR_NOT_FOUND, "cannot open %s", dir);
	*ret_fd = fd;
	return true;
}

bool service_open(const char *dir, struct service **ret_service, struct err *e)
{
	AUTO(service) s = calloc(1, sizeof(*s));
	AUTO(fd) dir_fd = -1;

	if (!s)
		return err_errno(e, ERR_SYSTEM, "no memory for the control socket");
	s->listen_fd = s->client_fd = -1;
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	if (!open_dir(dir, &dir_fd, e) || !socket_listen(dir_fd, "control", 0600, &s->listen_fd, e))
		return false;
	*ret_service = TAKE(s);
	return true;
}

bool service_ready(const struct service *s, struct err *e)
{
	AUTO(fd) dir_fd = -1, fd = -1;

	if (!open_dir(s->dir, &dir_fd, e))
		return false;
	fd = openat(dir_fd, "ready", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || dprintf(fd, "%d\n", getpid()) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot write %s/ready", s->dir);
	return true;
}

static void hang_up(struct service *s)
{
	if (s->client_fd >= 0)
		close(s->client_fd);
	s->client_fd = -1;
}

/* Where it never listened, the marks are somebody else's. */
static void take_marks_away(const struct service *s)
{
	AUTO(fd) dir_fd = open(s->dir, O_DIRECTORY | O_CLOEXEC);

	unlinkat(dir_fd, "ready", 0);
	unlinkat(dir_fd, "control", 0);
}

void service_close(struct service *s)
{
	if (!s)
		return;
	hang_up(s);
	if (s->listen_fd >= 0) {
		close(s->listen_fd);
		take_marks_away(s);
	}
	free(s);
}

struct pollfd service_poll(const struct service *s)
{
	return (struct pollfd) { .fd = s->client_fd >= 0 ? s->client_fd : s->listen_fd,
				 .events = POLLIN };
}

static void answer(struct service *s, service_run *run, void *context)
{
	struct err e = { 0 };
	size_t len;

	if (socket_receive(s->client_fd, (uint8_t *)s->record, &len, NULL, clock_deadline(0), -1,
			   &e)) {
		s->record[len] = '\0';
		strcpy(s->reply, "ok");
		if (!run(context, s->record, s->reply, &e))
			snprintf(s->reply, sizeof(s->reply), ERROR "%s", e.text);
		if (socket_send(s->client_fd, bytes_text(s->reply), -1, clock_deadline(ANSWER_MS),
				-1, &e))
			return;
	}
	hang_up(s);
}

void service_work(struct service *s, const struct pollfd *polled, service_run *run, void *context)
{
	struct err e;

	if (!polled->revents)
		return;
	if (s->client_fd >= 0)
		answer(s, run, context);
	else if (!socket_accept(s->listen_fd, &s->client_fd, &e))
		s->client_fd = -1;
}

void service_say(char *reply, const char *format, ...)
{
	size_t len = strlen(reply);
	va_list args;

	va_start(args, format);
	vsnprintf(reply + len, SERVICE_REPLY_SIZE - len, format, args);
	va_end(args);
}

bool service_send(const char *dir, const char *command, char ret_reply[static SERVICE_REPLY_SIZE],
		  struct err *e)
{
	AUTO(fd) dir_fd = -1, fd = -1;
	int64_t deadline = clock_deadline(SEND_MS);
	size_t len;

	if (!open_dir(dir, &dir_fd, e) || !socket_connect(dir_fd, "control", &fd, e) ||
	    !socket_send(fd, bytes_text(command), -1, deadline, -1, e) ||
	    !socket_receive(fd, (uint8_t *)ret_reply, &len, NULL, deadline, -1, e))
		return false;
	ret_reply[len < SERVICE_REPLY_SIZE ? len : SERVICE_REPLY_SIZE - 1] = '\0';
	if (strncmp(ret_reply, ERROR, strlen(ERROR)) == 0)
		return err_set(e, ERR_REFUSED, "%s", ret_reply + strlen(ERROR));
	return true;
}
