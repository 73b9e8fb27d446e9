/* rig-board: one virtual board as a process of its own, as an emulated one is: kill -9 cuts its
 * power. Its UART is a stream socket, its flash a file that takes the time that flash takes: see
 * --help, and boards_vflash.h for the file. */
#include "tests/rig/boards_device.h"
#include "tests/rig/boards_wire.h"

#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE 256

static const struct argp_option options[] = {
	{ "flash", 'f', "FILE", 0, "Its flash, which must be there", 0 },
	{ "uart", 'u', "SOCKET", 0, "Where it serves its UART", 0 },
	{ "driver", 'D', "KIND", 0, "What it speaks: prov (default), fs, nrf91, zshell", 0 },
	{ 0 },
};

struct arguments {
	const char *flash, *uart;
	const struct device_kind *kind;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'f':
		a->flash = text;
		return 0;
	case 'u':
		a->uart = text;
		return 0;
	case 'D':
		a->kind = device_kind(text);
		if (!a->kind)
			argp_error(state, "there is no kind of board \"%s\"", text);
		return 0;
	case ARGP_KEY_END:
		if (!a->flash || !a->uart)
			argp_error(state, "--flash and --uart are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "One virtual board for tests, whose power is its process.",
};

static bool listen_there(const char *path, int *ret_fd, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	AUTO(fd) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, ERR_INVALID, "the socket's path is too long: %s", path);
	strcpy(address.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 1) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot serve %s", path);
	*ret_fd = TAKE_FD(fd);
	return true;
}

/* Text sent while nobody listens is lost, as on any UART. */
static void put(void *context, const uint8_t *data, size_t len)
{
	const int *client_fd = context;

	if (*client_fd >= 0 && send(*client_fd, data, len, MSG_NOSIGNAL) < 0)
		return; /* the other end is gone: the next read sees that as well */
}

static void read_uart(struct device *device, int *client_fd)
{
	uint8_t bytes[READ_SIZE];
	ssize_t len = recv(*client_fd, bytes, sizeof(bytes), 0);

	if (len > 0) {
		device->kind->receive(device, bytes_of(bytes, (size_t)len), wire_now_ns());
	} else if (len == 0 || errno != EINTR) {
		close(*client_fd);
		*client_fd = -1;
	}
}

/* Until it is killed. */
static bool serve(struct device *device, int listen_fd, int *client_fd, struct err *e)
{
	for (;;) {
		int64_t due_ns = device->kind->due_ns ? device->kind->due_ns(device) : INT64_MAX;
		int64_t left_ns = due_ns - wire_now_ns();
		struct timespec timeout = { left_ns > 0 ? left_ns / 1000000000 : 0,
					    left_ns > 0 ? left_ns % 1000000000 : 0 };
		struct pollfd uart = { .fd = *client_fd < 0 ? listen_fd : *client_fd,
				       .events = POLLIN };

		if (ppoll(&uart, 1, due_ns == INT64_MAX ? NULL : &timeout, NULL) < 0 &&
		    errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "waiting failed");
		if (uart.revents && *client_fd < 0)
			*client_fd = accept(listen_fd, NULL, NULL);
		else if (uart.revents)
			read_uart(device, client_fd);
		if (device->kind->work)
			device->kind->work(device, wire_now_ns());
	}
}

static void close_device(struct device *device)
{
	device->kind->close(device);
}
AUTO_DEFINE(device, struct device *, close_device)

static bool run(const struct arguments *a, struct err *e)
{
	static const struct trouble none;
	static bool trouble_done;
	AUTO(fd) listen_fd = -1, client_fd = -1;
	const struct vboard_surroundings around = { .context = &client_fd, .put = put };
	AUTO(device) device = NULL;
	struct vboard *metal;

	if (access(a->flash, R_OK | W_OK) < 0)
		return err_errno(e, ERR_NOT_FOUND, "there is no board %s", a->flash);
	if (!listen_there(a->uart, &listen_fd, e) ||
	    !vboard_open(a->flash, "", &around, &none, &trouble_done, &metal, e))
		return false;
	vflash_take_time(metal->flash);
	return a->kind->open(metal, true, &device, e) && serve(device, listen_fd, &client_fd, e);
}

int main(int argc, char **argv)
{
	static struct arguments a = { .kind = &prov_kind };
	struct err e = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a board ends with the test that started it */
	prctl(PR_SET_TIMERSLACK, 1);
	if (!run(&a, &e)) {
		fprintf(stderr, "rig-board: %s\n", e.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
