/* pool: the signer's workers. The loop submits tasks; a worker runs each; the loop collects what is
 * done. Tasks are run in the order of submission; nothing else is shared. Each worker owns a
 * csr_checker. Threads: all functions are the loop's; task->run runs in a worker. Layer above:
 * signer. Below: csr. */
#ifndef HSM_SIGNER_POOL_H
#define HSM_SIGNER_POOL_H

#include "hsm/certificate/csr.h"

#define POOL_WORKERS_MAX 32

struct task {
	struct task *next;
	void (*run)(struct task *task, struct csr_checker *checker);
};

struct pool;

MUST_CHECK bool pool_start(unsigned workers, struct pool **ret_pool, struct err *e);
/* Waits for the running tasks; those that wait are dropped. */
void pool_stop(struct pool *pool);
AUTO_DEFINE(pool, struct pool *, pool_stop)

void pool_submit(struct pool *pool, struct task *task);
/* Readable when pool_collect has something. */
int pool_fd(const struct pool *pool);
/* Takes every finished task, oldest first, as a list; NULL if there is none. */
struct task *pool_collect(struct pool *pool);
/* Tasks submitted and not yet collected. */
unsigned pool_busy(const struct pool *pool);

#endif
