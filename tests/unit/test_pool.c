/* pool, nonces: the signer's workers, and what it asked boards to sign. */
#include "hsm/signer/nonces.h"
#include "hsm/signer/pool.h"

#include "base/clock.h"
#include "base/wait.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

#define TASKS 500

struct counted {
	struct task task;
	bool ran, had_checker;
};

static atomic_uint running, most;

static void count(struct task *task, struct csr_checker *checker)
{
	struct counted *c = (struct counted *)task;
	unsigned now = atomic_fetch_add(&running, 1) + 1;
	struct err e;

	if (now > most)
		most = now;
	if (!wait_pause(0, -1, &e))
		return;
	c->ran = true;
	c->had_checker = checker != NULL;
	atomic_fetch_sub(&running, 1);
}

static unsigned collect(struct pool *pool, unsigned wanted)
{
	unsigned got = 0;
	struct err e;

	while (got < wanted) {
		if (!wait_for(pool_fd(pool), POLLIN, clock_deadline(60000), -1, NULL, &e))
			return got;
		for (struct task *task = pool_collect(pool); task; task = task->next)
			got++;
	}
	return got;
}

static void every_task_runs_once_and_comes_back(void **state)
{
	static struct counted tasks[TASKS];
	AUTO(pool) pool = NULL;
	struct err e;

	(void)state;
	assert_true(pool_start(3, &pool, &e));
	for (size_t i = 0; i < TASKS; i++) {
		tasks[i].task.run = count;
		pool_submit(pool, &tasks[i].task);
	}
	assert_int_equal(collect(pool, TASKS), TASKS);
	assert_int_equal(pool_busy(pool), 0);
	assert_null(pool_collect(pool));
	for (size_t i = 0; i < TASKS; i++)
		assert_true(tasks[i].ran && tasks[i].had_checker);
	assert_true(most <= 3);
}

static void a_nonce_serves_once_and_for_one_issuance(void **state)
{
	static struct nonces nonces;
	struct nonce asked = { .issuance = 7, .digests_len = 64 }, got;

	(void)state;
	memset(asked.nonce, 0x4e, sizeof(asked.nonce));
	nonces_add(&nonces, &asked);
	assert_false(nonces_take(&nonces, asked.nonce, 8, &got));
	assert_true(nonces_take(&nonces, asked.nonce, 7, &got));
	assert_int_equal(got.digests_len, 64);
	assert_false(nonces_take(&nonces, asked.nonce, 7, &got));
}

static void the_oldest_nonce_gives_way(void **state)
{
	static struct nonces nonces;
	struct nonce asked = { 0 }, got;

	(void)state;
	for (uint64_t i = 1; i <= NONCES_MAX + 1; i++) {
		asked.issuance = i;
		nonces_add(&nonces, &asked);
	}
	assert_false(nonces_take(&nonces, asked.nonce, 1, &got));
	assert_true(nonces_take(&nonces, asked.nonce, 2, &got));
	assert_true(nonces_take(&nonces, asked.nonce, NONCES_MAX + 1, &got));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_task_runs_once_and_comes_back),
		cmocka_unit_test(a_nonce_serves_once_and_for_one_issuance),
		cmocka_unit_test(the_oldest_nonce_gives_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
