/* rig_thread: virtual boards in a thread of the test, their folder thrown away in the end. */
#ifndef TESTS_UNIT_RIG_THREAD_H
#define TESTS_UNIT_RIG_THREAD_H

#include "tests/rig/boards_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct {
	char dir[64], reply[SERVICE_REPLY_SIZE];
	struct rig *rig;
	int stop_fd;
	pthread_t thread;
} rig;

static void *rig_serve(void *context)
{
	struct err e;

	(void)context;
	if (!rig_run(rig.rig, rig.stop_fd, &e))
		print_error("%s\n", e.text);
	return NULL;
}

static void rig_folder(void)
{
	strcpy(rig.dir, "/tmp/imprint-rig.XXXXXX");
	assert_non_null(mkdtemp(rig.dir));
}

static void rig_start(const struct rig_options *options)
{
	struct err e;

	rig.stop_fd = eventfd(0, EFD_CLOEXEC);
	if (!rig_open(options, &rig.rig, &e))
		fail_msg("%s", e.text);
	assert_int_equal(pthread_create(&rig.thread, NULL, rig_serve, NULL), 0);
}

static void rig_stop(void)
{
	assert_int_equal(eventfd_write(rig.stop_fd, 1), 0);
	pthread_join(rig.thread, NULL);
	rig_close(rig.rig);
	close(rig.stop_fd);
}

static int rig_remove(void **state)
{
	char command[128];

	(void)state;
	rig_stop();
	snprintf(command, sizeof(command), "rm -r %s", rig.dir);
	return system(command);
}

static void rig_tell(const char *verb, const char *nest, const char *argument)
{
	char command[128];
	struct err e;

	snprintf(command, sizeof(command), "%s %s %s", verb, nest, argument);
	if (!service_send(rig.dir, command, rig.reply, &e))
		fail_msg("%s: %s", command, e.text);
}

#endif
