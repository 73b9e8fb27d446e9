/* bench-screen: how long the operator's screen takes for 64 nests that all run: one picture from
 * what the station says to the terminal, everything changed; and a key, until its picture is there.
 * Runs on the terminal that it is started in; prints one line of JSON on stderr. */
#include "tests/unit/screen_models.h"

#include "station/screen/terminal.h"

#include <time.h>

#define NESTS 64
#define ROUNDS 300

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* Every nest has moved on: another step, other seconds, another bar. */
static void move_on(struct model *m, int round)
{
	for (size_t i = 0; i < m->count; i++) {
		m->nests[i].step_index = 1 + (i + (size_t)round) % 10;
		m->nests[i].bytes_done = (i * 37 + (size_t)round * 101) % 1000;
		m->nests[i].elapsed_ms += 130;
	}
}

static void measure(struct screen *s, int rows, int columns, bool by_key, int64_t us[static ROUNDS])
{
	struct model *m = model_running(NESTS, 8);

	s->model = *m;
	s->watch_fd = -1;
	free(m);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t start;

		move_on(&s->model, i);
		start = now_us();
		if (by_key) {
			screen_key(s, KEY_IS_F + 1 + i % 4);
			screen_rest(s);
		}
		screen_paint(s, rows, columns);
		terminal_show(&s->canvas);
		us[i] = now_us() - start;
	}
	qsort(us, ROUNDS, sizeof(us[0]), by_size);
}

int main(void)
{
	int64_t all[ROUNDS], keys[ROUNDS];
	struct screen *s = screen_new(ENGLISH, true, false);
	int rows, columns;
	struct err e;

	if (!s || !terminal_open(&e)) {
		fprintf(stderr, "bench-screen: %s\n", s ? e.text : "no memory");
		return EXIT_FAILURE;
	}
	terminal_size(&rows, &columns);
	measure(s, rows, columns, false, all);
	measure(s, rows, columns, true, keys);
	terminal_close();
	fprintf(stderr,
		"{\"nests\": %d, \"redraw_median_us\": %ld, \"redraw_max_us\": %ld, "
		"\"key_median_us\": %ld, \"key_max_us\": %ld}\n",
		NESTS, (long)all[ROUNDS / 2], (long)all[ROUNDS - 1], (long)keys[ROUNDS / 2],
		(long)keys[ROUNDS - 1]);
	screen_free(s);
	return EXIT_SUCCESS;
}
