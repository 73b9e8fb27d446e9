/* thread: starts a thread of ours. Its stack is small: a station has a thread for each nest, and none
 * of them recurses. Threads: any. Layer below: none. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include "base/err.h"

#include <pthread.h>

#define THREAD_STACK_SIZE (256 * 1024)

/* ERR_SYSTEM. The caller joins it. */
MUST_CHECK bool thread_start(pthread_t *ret_thread, void *(*run)(void *), void *argument,
			     struct err *e);

#endif
