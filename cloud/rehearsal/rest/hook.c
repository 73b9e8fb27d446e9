#include "cloud/rehearsal/rest/hook.h"

#include "base/clock.h"
#include "base/shell.h"
#include "base/wait.h"
#include "cloud/rehearsal/journal.h"
#include "cloud/rehearsal/query.h"
#include "cloud/rehearsal/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define LOOK_MS 100 /* between two looks for events */
#define TOPIC_SIZE 256
#define READ_SIZE 4096

struct hook {
	struct registry *registry;
	const char *command;
	char *const *environment;
	int stop_fd;
	pthread_t thread;
	bool running;
};

struct event {
	int64_t number;
	char topic[TOPIC_SIZE];
	char *payload;
};

/* --- one command --- */

struct output {
	size_t len;
	bool cut;
	char text[HOOK_OUTPUT_MAX + 1];
};

static bool start(const struct hook *h, const char *input, int *ret_output, pid_t *ret_pid,
		  struct err *e)
{
	AUTO(fd) in = memfd_create("event", MFD_CLOEXEC);
	AUTO(fd) reading = -1;
	AUTO(fd) writing = -1;
	struct shell_files files;
	int ends[2];

	if (in < 0 || write(in, input, strlen(input)) != (ssize_t)strlen(input) ||
	    lseek(in, 0, SEEK_SET) < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, ERR_SYSTEM, "no memory for a command's input and output");
	reading = ends[0];
	writing = ends[1];
	files = (struct shell_files) { in, writing, writing };
	if (!shell_start(h->command, &files, h->environment, ret_pid, e))
		return false;
	*ret_output = TAKE_FD(reading);
	return true;
}

static void keep(struct output *output, const char *part, size_t len)
{
	size_t room = HOOK_OUTPUT_MAX - output->len, kept = len < room ? len : room;

	memcpy(output->text + output->len, part, kept);
	output->len += kept;
	output->cut |= kept < len;
}

/* Until the command has closed it; what is too much is read, so that the command goes on. */
static bool read_output(int fd, struct output *output, int64_t deadline, int cancel_fd,
			struct err *e)
{
	char part[READ_SIZE];
	ssize_t got;

	do {
		if (!wait_for(fd, POLLIN, deadline, cancel_fd, NULL, e))
			return false;
		got = read(fd, part, sizeof(part));
		if (got < 0 && errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "cannot read its output");
		if (got > 0)
			keep(output, part, (size_t)got);
	} while (got != 0);
	return true;
}

static void report_output(struct output *output)
{
	char *save = NULL;

	for (size_t i = 0; i < output->len; i++)
		if (!output->text[i])
			output->text[i] = '?';
	for (char *line = strtok_r(output->text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		journal_say("on-register: %s", line);
	if (output->cut)
		journal_say("on-register: what it printed behind %d bytes is left out",
			    HOOK_OUTPUT_MAX);
}

static void report_end(int64_t number, bool ended, int status, const struct err *e)
{
	long long n = (long long)number;

	if (!ended && e->code == ERR_TIMEOUT)
		journal_say("on-register: event %lld: ended after %d s, its time was up", n,
			    HOOK_SECONDS);
	else if (!ended)
		journal_say("on-register: event %lld: %s", n, e->text);
	else if (WIFEXITED(status))
		journal_say("on-register: event %lld: exit status %d", n, WEXITSTATUS(status));
	else
		journal_say("on-register: event %lld: killed by signal %d", n, WTERMSIG(status));
}

static void run(const struct hook *h, const struct event *event)
{
	AUTO_FREE struct output *output = calloc(1, sizeof(*output));
	int64_t deadline = clock_deadline(HOOK_SECONDS * 1000);
	AUTO(fd) reading = -1;
	int status;
	struct err e;
	pid_t pid;
	bool ended;

	journal_say("on-register: event %lld runs the command", (long long)event->number);
	if (!output || !start(h, event->payload, &reading, &pid, &e)) {
		journal_say("on-register: %s", output ? e.text : "no memory");
		return;
	}
	ended = read_output(reading, output, deadline, h->stop_fd, &e) &&
		shell_wait(pid, deadline, h->stop_fd, &e);
	status = shell_end(pid);
	report_output(output);
	report_end(event->number, ended, status, &e);
}

/* --- events --- */

static bool next_event(struct hook *h, struct event *ret_event, bool *ret_found, struct err *e)
{
	AUTO(query) query = NULL;

	if (!query_start(registry_database(h->registry),
			 "SELECT number, topic, payload FROM event WHERE taken = 0"
			 " ORDER BY number LIMIT 1",
			 NULL, &query, e) ||
	    !query_row(query, ret_found, e))
		return false;
	if (!*ret_found)
		return true;
	ret_event->number = sqlite3_column_int64(query, 0);
	snprintf(ret_event->topic, TOPIC_SIZE, "%s", query_text(query, 1));
	ret_event->payload = strdup(query_text(query, 2));
	return ret_event->payload || err_set(e, ERR_SYSTEM, "no memory for an event");
}

/* Taken before it runs: a command that kills the server shall not do so for ever. */
static bool take(struct hook *h, const struct event *event, bool *ret_wanted, struct err *e)
{
	return rule_wants(h->registry, event->topic, ret_wanted, e) &&
	       query_run(registry_database(h->registry),
			 "UPDATE event SET taken = 1 WHERE number = ?1",
			 VALUES(NUMBER(event->number)), e);
}

/* *ret_found: there was one, and there may be another. */
static bool work(struct hook *h, bool *ret_found, struct err *e)
{
	struct event event = { 0 };
	bool wanted, taken;

	if (!next_event(h, &event, ret_found, e))
		return false;
	if (!*ret_found)
		return true;
	taken = take(h, &event, &wanted, e);
	if (taken && wanted)
		run(h, &event);
	else if (taken)
		journal_say("event %lld: no enabled rule selects from its topic, nothing is run",
			    (long long)event.number);
	free(event.payload);
	return taken;
}

static void *watch(void *context)
{
	struct hook *h = context;
	struct err e;
	bool found;

	do {
		found = false;
		if (!work(h, &found, &e)) {
			journal_say("on-register: %s", e.text);
			found = false;
		}
	} while (wait_pause(found ? 0 : LOOK_MS, h->stop_fd, &e));
	return NULL;
}

bool hook_start(const char *registry_path, const char *command, char *const *environment,
		struct hook **ret_hook, struct err *e)
{
	AUTO(hook) h = calloc(1, sizeof(*h));

	if (!h)
		return err_set(e, ERR_SYSTEM, "no memory");
	h->command = command;
	h->environment = environment;
	h->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (h->stop_fd < 0)
		return err_errno(e, ERR_SYSTEM, "no event descriptor");
	if (!registry_open(registry_path, &h->registry, e))
		return false;
	errno = pthread_create(&h->thread, NULL, watch, h);
	if (errno)
		return err_errno(e, ERR_SYSTEM, "no thread");
	h->running = true;
	*ret_hook = TAKE(h);
	return true;
}

void hook_stop(struct hook *h)
{
	if (!h)
		return;
	if (h->running) {
		eventfd_write(h->stop_fd, 1);
		pthread_join(h->thread, NULL);
	}
	if (h->stop_fd >= 0)
		close(h->stop_fd);
	registry_close(h->registry);
	free(h);
}
