/* clock: what the kernel says about the clock, and what that means. */
#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/timex.h>

#include <cmocka.h>

static struct timex kernel;
static int kernel_answer;

/* In place of the C library's. */
int adjtimex(struct timex *ret_now)
{
	assert_int_equal(ret_now->modes, 0); /* asks only */
	if (kernel_answer < 0) {
		errno = EPERM;
		return -1;
	}
	*ret_now = kernel;
	return kernel_answer;
}

static const struct {
	const char *name;
	int answer, status;
	long error_us;
	enum clock_sync sync;
} cases[] = {
	{ "after the boot", TIME_ERROR, STA_UNSYNC, 16000000, CLOCK_UNSYNCHRONISED },
	{ "timesyncd, just now", TIME_OK, STA_PLL, 0, CLOCK_SYNCHRONISED },
	{ "ntpd, a server far away", TIME_OK, STA_PLL, 480000, CLOCK_SYNCHRONISED },
	{ "chrony without rtcsync", TIME_ERROR, STA_UNSYNC, 31000, CLOCK_SYNCHRONISED },
	{ "a leap second ahead", TIME_INS, STA_PLL | STA_INS, 2000, CLOCK_SYNCHRONISED },
	{ "nearly too long ago", TIME_OK, STA_PLL, 15999500, CLOCK_SYNCHRONISED },
	{ "too long ago", TIME_ERROR, STA_PLL | STA_UNSYNC, 16000000, CLOCK_UNSYNCHRONISED },
	{ "refused", -1, 0, 0, CLOCK_UNKNOWN },
};

static void test_sync(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kernel =
			(struct timex) { .status = cases[i].status, .maxerror = cases[i].error_us };
		kernel_answer = cases[i].answer;
		if (clock_sync() != cases[i].sync)
			fail_msg("%s", cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sync) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
