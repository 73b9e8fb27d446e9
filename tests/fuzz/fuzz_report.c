/* Any bytes as the record of runs that the station hands out, and what is made of it: the report of
 * a shift, as text and as a table, the list of runs (the first byte picks), and the runs that a
 * restored ledger does not know. Whatever stands there, the table is one: each row has its columns,
 * and no spreadsheet runs a cell. */
#include "hsm/command/command.h"
#include "station/command/command.h"
#include "station/command/view.h"
#include "tests/fuzz/silent.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define COLUMNS 12
#define SHIFT 1795305600 /* 2026-11-22T00:00:00Z, as the seeds have it */
#define QUESTIONS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *record; /* the file, a NUL behind it */

static int record_file(void)
{
	int fd = memfd_create("runs", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, record, strlen(record)) == (ssize_t)strlen(record));
	assert(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* --- in place of the station --- */

bool view_open(struct view **ret_view, struct err *e)
{
	(void)e;
	*ret_view = calloc(1, sizeof(**ret_view));
	assert(*ret_view);
	(*ret_view)->station.shift_began = SHIFT;
	return true;
}

void view_close(struct view *view)
{
	free(view);
}

/* The other commands', which nobody calls here. */
bool view_watch(struct view *view, struct err *e)
{
	(void)view;
	return err_set(e, ERR_GONE, "no station");
}

bool view_next(struct view *view, int64_t deadline, struct err *e)
{
	(void)view;
	(void)deadline;
	return err_set(e, ERR_GONE, "no station");
}

/* The newest file of the record is all of it. */
bool view_call(const struct control_request *request, uint8_t *record_of_reply,
	       struct control_reply *ret_reply, int *ret_passed, struct err *e)
{
	(void)record_of_reply;
	(void)ret_reply;
	assert(request->type == CONTROL_RUNS);
	if (request->after > 0)
		return err_set(e, ERR_NOT_FOUND, "no such file");
	*ret_passed = record_file();
	return true;
}

/* --- the table --- */

static void check_table(const char *text)
{
	size_t columns = 1;

	for (bool quoted = false; *text; text++) {
		if (*text == '"' && !quoted)
			assert(!strchr("=+-@", text[1]) || !text[1]);
		quoted ^= *text == '"';
		columns += !quoted && *text == ',';
		if (quoted || *text != '\n')
			continue;
		assert(columns == COLUMNS);
		columns = 1;
	}
	assert(columns == 1);
}

static void report_table(void)
{
	const struct options options = { .csv = true };
	FILE *before = stdout;
	AUTO_FREE char *text = NULL;
	size_t size;

	stdout = open_memstream(&text, &size);
	assert(stdout && report_command(&options) == EXIT_DONE);
	fclose(stdout);
	stdout = before;
	check_table(text);
}

static void report_text(void)
{
	const struct options options = { 0 };

	assert(report_command(&options) == EXIT_DONE);
}

static void list_runs(void)
{
	const struct options some = { .has_limit = true, .limit = 3 }, all = { .json = true };

	assert(runs_command(&some) == EXIT_DONE && runs_command(&all) == EXIT_DONE);
}

/* The signer knows none of them, and then hangs up. */
static void find_gap(void)
{
	const struct reply unknown = { .type = REPLY_REFUSED, .text = "unknown" };
	uint8_t message[MESSAGE_MAX];
	struct arguments arguments = { 0 };
	char path[32];
	int ends[2], fd = record_file(), code;
	size_t len, count = 0;

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	assert(reply_encode(&unknown, message, &len));
	while (count++ < QUESTIONS_MAX)
		assert(send(ends[1], message, len, MSG_NOSIGNAL) == (ssize_t)len);
	assert(shutdown(ends[1], SHUT_WR) == 0);
	command_signer.fd = ends[0];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	arguments.operand = path;
	code = gap_command(&arguments);
	assert(code == 0 || code == 1 || code == COMMAND_ALARM);
	client_close(&command_signer);
	close(ends[1]);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const ways[])(void) = { report_table, report_text, list_runs, find_gap };

	if (size == 0)
		return 0;
	record = calloc(1, size);
	assert(record);
	memcpy(record, data + 1, size - 1);
	ways[data[0] % 4]();
	free(record);
	return 0;
}
