/* cleanup: resources released by scope.
 *	AUTO(fd) fd = -1;		closed when the block ends
 *	*ret_fd = TAKE_FD(fd);		handed out instead
 *	AUTO_FREE char *text = NULL;	freed when the block ends
 * A module that owns a type T says AUTO_DEFINE(T, pointer type, free function) once in its header
 * and users write AUTO(T) name = NULL. Free functions take NULL. Layer below: none. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(name) __attribute__((cleanup(auto_##name), unused)) auto_type_##name
#define AUTO_DEFINE(name, type, release)                                                           \
	typedef type auto_type_##name;                                                             \
	static inline void auto_##name(type *object)                                               \
	{                                                                                          \
		if (*object)                                                                       \
			release(*object);                                                          \
	}

#define TAKE(pointer)                                                                              \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		taken_;                                                                            \
	})

typedef int auto_type_fd;
static inline void auto_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void auto_free(void *object)
{
	free(*(void **)object);
}
#define AUTO_FREE __attribute__((cleanup(auto_free)))

AUTO_DEFINE(FILE, FILE *, fclose)

/* A mutex held until the block ends: `AUTO(lock) lock = lock_take(&box->mutex);` */
typedef pthread_mutex_t *auto_type_lock;
static inline void auto_lock(pthread_mutex_t **mutex)
{
	if (*mutex)
		pthread_mutex_unlock(*mutex);
}
static inline pthread_mutex_t *lock_take(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	return mutex;
}

#endif
