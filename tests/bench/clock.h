/* clock: what the benchmarks measure with. Layer above: the programs of tests/bench. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t bench_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#define bench_wall_ns() bench_ns(CLOCK_MONOTONIC)
#define bench_cpu_ns() bench_ns(CLOCK_PROCESS_CPUTIME_ID)

#endif
