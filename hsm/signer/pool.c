#include "hsm/signer/pool.h"

#include "base/thread.h"

#include <sys/eventfd.h>

struct list {
	struct task *first, **end;
};

struct worker {
	struct pool *pool;
	pthread_t thread;
	struct csr_checker *checker;
};

struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t work;
	struct list waiting, done;
	bool stopping;
	int done_fd;
	unsigned busy; /* the loop's */
	unsigned count;
	struct worker workers[POOL_WORKERS_MAX];
};

static void list_add(struct list *list, struct task *task)
{
	task->next = NULL;
	*list->end = task;
	list->end = &task->next;
}

static struct task *list_take(struct list *list)
{
	struct task *task = list->first;

	if (task)
		list->first = task->next;
	if (!list->first)
		list->end = &list->first;
	return task;
}

/* The next task, or NULL when the pool stops. Tells that the one before is done. */
static struct task *next_task(struct worker *worker, struct task *finished)
{
	struct pool *pool = worker->pool;
	AUTO(lock) lock = lock_take(&pool->mutex);
	struct task *task = NULL;

	if (finished) {
		if (!pool->done.first && eventfd_write(pool->done_fd, 1) < 0)
			abort(); /* an eventfd that cannot count to one */
		list_add(&pool->done, finished);
	}
	while (!pool->stopping && !(task = list_take(&pool->waiting)))
		pthread_cond_wait(&pool->work, &pool->mutex);
	return task;
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct task *task = NULL;

	while ((task = next_task(worker, task)))
		task->run(task, worker->checker);
	return NULL;
}

static bool start_worker(struct pool *pool, struct err *e)
{
	struct worker *worker = &pool->workers[pool->count];

	worker->pool = pool;
	if (!csr_checker_new(&worker->checker, e))
		return false;
	if (!thread_start(&worker->thread, work, worker, e)) {
		csr_checker_free(worker->checker);
		return err_add(e, "a worker");
	}
	pool->count++;
	return true;
}

bool pool_start(unsigned workers, struct pool **ret_pool, struct err *e)
{
	AUTO(pool) pool = calloc(1, sizeof(*pool));

	if (!pool)
		return err_set(e, ERR_SYSTEM, "no memory for the workers");
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work, NULL);
	pool->waiting.end = &pool->waiting.first;
	pool->done.end = &pool->done.first;
	pool->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->done_fd < 0)
		return err_errno(e, ERR_SYSTEM, "no eventfd to be had");
	for (unsigned i = 0; i < workers && i < POOL_WORKERS_MAX; i++)
		if (!start_worker(pool, e))
			return false;
	*ret_pool = TAKE(pool);
	return true;
}

static void tell_stop(struct pool *pool)
{
	AUTO(lock) lock = lock_take(&pool->mutex);

	pool->stopping = true;
	pthread_cond_broadcast(&pool->work);
}

void pool_stop(struct pool *pool)
{
	tell_stop(pool);
	for (unsigned i = 0; i < pool->count; i++) {
		pthread_join(pool->workers[i].thread, NULL);
		csr_checker_free(pool->workers[i].checker);
	}
	if (pool->done_fd >= 0)
		close(pool->done_fd);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

void pool_submit(struct pool *pool, struct task *task)
{
	AUTO(lock) lock = lock_take(&pool->mutex);

	list_add(&pool->waiting, task);
	pool->busy++;
	pthread_cond_signal(&pool->work);
}

int pool_fd(const struct pool *pool)
{
	return pool->done_fd;
}

struct task *pool_collect(struct pool *pool)
{
	AUTO(lock) lock = lock_take(&pool->mutex);
	struct task *tasks = pool->done.first;
	eventfd_t count;

	if (tasks && eventfd_read(pool->done_fd, &count) < 0)
		abort(); /* it was written under this lock */
	for (struct task *task = tasks; task; task = task->next)
		pool->busy--;
	pool->done.first = NULL;
	pool->done.end = &pool->done.first;
	return tasks;
}

unsigned pool_busy(const struct pool *pool)
{
	return pool->busy;
}
