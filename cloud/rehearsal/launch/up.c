#include "cloud/rehearsal/launch/settings.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/wait.h"
#include "cloud/rehearsal/json.h"
#include "cloud/rehearsal/launch/folder.h"
#include "cloud/rehearsal/launch/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define START_MS 60000

/* --- what people see --- */

static const char *member(const json_t *state, const char *name)
{
	const char *text = json_string_value(json_object_get(state, name));

	return text ? text : "?";
}

static const char *refusal_words(const char *refusal)
{
	return !refusal			     ? ""
	       : strcmp(refusal, "tls") == 0 ? "; refuses in the TLS handshake"
					     : "; refuses at CONNECT";
}

static void print_table(const json_t *state, const char *refusal)
{
	int mqtt = (int)json_integer_value(json_object_get(state, "mqtt_port"));
	int event = (int)json_integer_value(json_object_get(state, "event_port"));

	printf("  account %s, region %s\n", member(state, "account"), member(state, "region"));
	printf("  rest    %s\n", member(state, "rest_url"));
	printf("  mqtt    localhost:%d, TLS, for devices%s\n", mqtt, refusal_words(refusal));
	printf("  events  127.0.0.1:%d, plain, for mosquitto_sub -t '$aws/events/#'\n", event);
	printf("  root    %s\n", member(state, "root_cert"));
	printf("  home    %s\n", member(state, "home"));
	printf("  log     %s\n\n", member(state, "log"));
}

/* As one word of sh. */
static void print_word(const char *before, const char *word, const char *after)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-+,:@%";

	fputs(before, stdout);
	if (word[strspn(word, plain)] == '\0') {
		printf("%s%s", word, after);
		return;
	}
	putchar('\'');
	for (; *word; word++)
		fputs(*word == '\'' ? "'\\''" : (char[2]) { *word }, stdout);
	printf("'%s", after);
}

/* What this shell has for a real account would win over the home's. */
static void print_unset(void)
{
	static const char *const names[] = {
		"AWS_PROFILE",
		"AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN",
		"AWS_REGION",
		"AWS_DEFAULT_REGION",
		"AWS_ENDPOINT_URL_IOT",
		"AWS_ENDPOINT_URL_S3",
		"AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE",
	};
	bool any = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (getenv(names[i])) {
			printf("%s %s", any ? "" : "  unset", names[i]);
			any = true;
		}
	if (any)
		putchar('\n');
}

static void print_state(const json_t *state, const char *dir, bool already, const char *refusal)
{
	printf("The rehearsal of AWS IoT %s.\n",
	       already ? "runs already, as it was started" : "is up");
	print_table(state, refusal);
	puts("First, in a shell of its own, for aws and for imprint:");
	print_unset();
	print_word("  export HOME=", member(state, "home"), "\n");
	printf("  export AWS_ENDPOINT_URL=%s\n"
	       "  aws iot get-registration-code\n"
	       "  imprint cloud register-ca\n",
	       member(state, "rest_url"));
	print_word("What happens, and why: imprint rehearsal log ", dir, " --follow\n");
	print_word(already ? "To end it, or to start it otherwise: imprint rehearsal down "
			   : "To end it: imprint rehearsal down ",
		   dir, "\n");
}

static bool show(const char *text, const char *dir, bool already, const struct settings *settings,
		 struct err *e)
{
	AUTO(json) state = json_loads(text, 0, NULL);

	if (!state)
		return err_set(e, ERR_CORRUPT,
			       FILE_STATE " cannot be read; imprint rehearsal down, then up again");
	if (!settings->json)
		print_state(state, dir, already, already ? NULL : settings->refusal);
	else
		printf("%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
	return true;
}

static bool show_running(const char *dir, const struct settings *settings, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t len;

	return file_read(FILE_STATE, SERVICE_REPORT_MAX, &text, &len, e) &&
	       show((char *)text, dir, true, settings, e);
}

/* --- the start --- */

/* In the child. */
static _Noreturn void serve(const char *path, const struct settings *settings, int report_fd,
			    pid_t parent)
{
	setsid();
	prctl(PR_SET_NAME, FOLDER_PROCESS);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	exit(service_run(path, settings, report_fd));
}

/* All that the child says, until it closes the pipe. */
static bool read_report(int fd, char ret_text[static SERVICE_REPORT_MAX + 1], struct err *e)
{
	int64_t deadline = clock_deadline(START_MS);
	size_t len = 0;
	ssize_t got = 1;

	while (got > 0 && len < SERVICE_REPORT_MAX) {
		if (!wait_for(fd, POLLIN, deadline, -1, NULL, e))
			return err_add(e, "the rehearsal does not start");
		got = read(fd, ret_text + len, SERVICE_REPORT_MAX - len);
		len += got > 0 ? (size_t)got : 0;
	}
	ret_text[len] = '\0';
	if (len == 0)
		return err_set(e, ERR_SYSTEM,
			       "the rehearsal ended as it started: imprint rehearsal log says why");
	return *ret_text != '!' || err_set(e, ERR_REFUSED, "%s", ret_text + 1);
}

static bool start(const char *path, const struct settings *settings, int lock_fd,
		  char ret_text[static SERVICE_REPORT_MAX + 1], struct err *e)
{
	pid_t parent = getpid(), pid;
	int ends[2];
	bool started;

	fflush(NULL);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, ERR_SYSTEM, "no pipe");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		close(lock_fd);
		serve(path, settings, ends[1], parent);
	}
	close(ends[1]);
	started = pid < 0 ? err_errno(e, ERR_SYSTEM, "cannot start a process")
			  : read_report(ends[0], ret_text, e);
	close(ends[0]);
	if (!started && pid > 0) {
		kill(pid, SIGTERM);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return started;
}

bool up_command(const char *dir, const struct settings *settings, struct err *e)
{
	char path[PATH_MAX], text[SERVICE_REPORT_MAX + 1];
	AUTO(fd) lock_fd = -1;

	if (!folder_enter(dir, true, path, e) || !folder_lock(&lock_fd, e))
		return false;
	if (folder_running())
		return show_running(dir, settings, e);
	return start(path, settings, lock_fd, text, e) && show(text, dir, false, settings, e);
}
