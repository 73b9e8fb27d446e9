/* far_end: the other end of a board's line: a socket in a throw-away folder, which a test serves. */
#ifndef TESTS_UNIT_FAR_END_H
#define TESTS_UNIT_FAR_END_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
	char dir[64], path[96], address[112]; /* of a port */
	int listen_fd;
} far_end;

static int far_end_make(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	strcpy(far_end.dir, "/tmp/imprint-far-end.XXXXXX");
	assert_non_null(mkdtemp(far_end.dir));
	snprintf(far_end.path, sizeof(far_end.path), "%s/board", far_end.dir);
	snprintf(far_end.address, sizeof(far_end.address), "unix:%s", far_end.path);
	strcpy(address.sun_path, far_end.path);
	far_end.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(far_end.listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return listen(far_end.listen_fd, 1);
}

static int far_end_remove(void **state)
{
	(void)state;
	close(far_end.listen_fd);
	unlink(far_end.path);
	return rmdir(far_end.dir);
}

#endif
