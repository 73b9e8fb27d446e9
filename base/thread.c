#include "base/thread.h"

#include <errno.h>

bool thread_start(pthread_t *ret_thread, void *(*run)(void *), void *argument, struct err *e)
{
	pthread_attr_t attributes;
	int rc;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK_SIZE);
	rc = pthread_create(ret_thread, &attributes, run, argument);
	pthread_attr_destroy(&attributes);
	errno = rc;
	return rc == 0 || err_errno(e, ERR_SYSTEM, "no thread to be had");
}
