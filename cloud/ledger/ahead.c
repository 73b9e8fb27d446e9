#include "cloud/ledger/ahead.h"

#include <errno.h>

#define BATCHES 2
#define BATCH_SIZE (256 * 1024)
#define LEN_SIZE sizeof(uint32_t)

/* Lengths and entries, one behind the other; and how it goes on behind the last batch. */
struct batch {
	uint8_t data[BATCH_SIZE];
	size_t len, at;
	bool last, done; /* done: the head was reached */
	struct head head;
	struct err e;
};

struct ahead {
	struct export *export;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned filled; /* batches: the caller's current one and those behind it */
	bool stopped;
	unsigned reading; /* the caller's current batch */
	struct batch batches[BATCHES];
};

static void fill(struct export *x, struct batch *b)
{
	struct bytes entry;
	uint32_t len;
	bool end;

	b->len = b->at = 0;
	b->last = false;
	while (b->len + LEN_SIZE + ENTRY_MAX <= BATCH_SIZE) {
		b->done = export_next(x, &entry, &end, &b->head, &b->e);
		b->last = !b->done || end;
		if (b->last)
			return;
		len = (uint32_t)entry.len;
		memcpy(b->data + b->len, &len, LEN_SIZE);
		memcpy(b->data + b->len + LEN_SIZE, entry.data, entry.len);
		b->len += LEN_SIZE + entry.len;
	}
}

/* False: the caller wants no more. */
static bool wait_for_room(struct ahead *a)
{
	AUTO(lock) lock = lock_take(&a->mutex);

	while (a->filled == BATCHES && !a->stopped)
		pthread_cond_wait(&a->changed, &a->mutex);
	return !a->stopped;
}

static void add(struct ahead *a, int batches)
{
	AUTO(lock) lock = lock_take(&a->mutex);

	a->filled += (unsigned)batches;
	pthread_cond_signal(&a->changed);
}

static void *work(void *context)
{
	struct ahead *a = context;

	for (unsigned i = 0; wait_for_room(a); i = (i + 1) % BATCHES) {
		bool last;

		fill(a->export, &a->batches[i]);
		last = a->batches[i].last;
		add(a, 1);
		if (last)
			break;
	}
	return NULL;
}

/* The worker always fills one more, if only with an error. */
static void wait_for_batch(struct ahead *a)
{
	AUTO(lock) lock = lock_take(&a->mutex);

	while (!a->filled)
		pthread_cond_wait(&a->changed, &a->mutex);
}

bool ahead_start(struct export *x, struct ahead **ret_ahead, struct err *e)
{
	AUTO_FREE struct ahead *a = malloc(sizeof(*a));

	if (!a)
		return err_set(e, ERR_SYSTEM, "out of memory");
	a->export = x;
	a->filled = a->reading = 0;
	a->stopped = false;
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->changed, NULL);
	errno = pthread_create(&a->thread, NULL, work, a);
	if (errno)
		return err_errno(e, ERR_SYSTEM, "cannot start a thread");
	wait_for_batch(a);
	*ret_ahead = TAKE(a);
	return true;
}

bool ahead_next(struct ahead *a, struct bytes *ret_entry, bool *ret_end, struct head *ret_head,
		struct err *e)
{
	struct batch *b = &a->batches[a->reading];
	uint32_t len;

	while (b->at == b->len && !b->last) {
		add(a, -1);
		wait_for_batch(a);
		a->reading = (a->reading + 1) % BATCHES;
		b = &a->batches[a->reading];
	}
	if (b->at == b->len && !b->done) {
		*e = b->e;
		return false;
	}
	*ret_end = b->at == b->len;
	if (*ret_end) {
		*ret_head = b->head;
		return true;
	}
	memcpy(&len, b->data + b->at, LEN_SIZE);
	*ret_entry = bytes_of(b->data + b->at + LEN_SIZE, len);
	b->at += LEN_SIZE + len;
	return true;
}

void ahead_stop(struct ahead *a)
{
	{
		AUTO(lock) lock = lock_take(&a->mutex);

		a->stopped = true;
		pthread_cond_signal(&a->changed);
	}
	pthread_join(a->thread, NULL);
	pthread_mutex_destroy(&a->mutex);
	pthread_cond_destroy(&a->changed);
	free(a);
}
